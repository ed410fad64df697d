// SPDX-License-Identifier: MIT
//
// What logind and systemd keep for a person. None of it is relied on: the sweep
// ends what these calls do not, and a bus that hangs costs its deadline once.
#include "scimd/lockout/lockout.h"
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-login.h>
#include <unistd.h>

#define SESSION_CALL_USEC 2000000u
#define SESSION_ALL_MS 4000
#define SESSION_LINGER "/var/lib/systemd/linger"

static const char login_name[] = "org.freedesktop.login1";
static const char login_path[] = "/org/freedesktop/login1";
static const char login_manager[] = "org.freedesktop.login1.Manager";

static const char systemd_name[] = "org.freedesktop.systemd1";
static const char systemd_path[] = "/org/freedesktop/systemd1";
static const char systemd_manager[] = "org.freedesktop.systemd1.Manager";

unsigned int session_count(uint32_t uid)
{
	char **list = NULL;
	int n = sd_uid_get_sessions(uid, 0, &list);

	for (int i = 0; i < n; i++)
		free(list[i]);
	free(list);
	return n > 0 ? (unsigned int)n : 0;
}

// logind keeps it as an empty file of their name.
static void session_linger(sd_bus *bus, uint32_t uid, const char *name)
{
	char path[sizeof(SESSION_LINGER) + MAY_NAME + 1];

	if (bus && sd_bus_call_method(bus, login_name, login_path, login_manager, "SetUserLinger",
				      NULL, NULL, "ubb", uid, 0, 0) >= 0)
		return;
	(void)snprintf(path, sizeof(path), SESSION_LINGER "/%s", name);
	(void)unlink(path);
}

void session_end(uint32_t uid, const char *name)
{
	int64_t end = now_boot() + SESSION_ALL_MS;
	char slice[40];
	sd_bus *bus = NULL;

	if (sd_booted() <= 0 || sd_bus_open_system(&bus) < 0) {
		session_linger(NULL, uid, name);
		return;
	}
	(void)sd_bus_set_method_call_timeout(bus, SESSION_CALL_USEC);
	session_linger(bus, uid, name);
	if (now_boot() < end)
		(void)sd_bus_call_method(bus, login_name, login_path, login_manager,
					 "TerminateUser", NULL, NULL, "u", uid);
	(void)snprintf(slice, sizeof(slice), "user-%u.slice", uid);
	// Also what sessions left behind that ended long ago.
	if (now_boot() < end)
		(void)sd_bus_call_method(bus, systemd_name, systemd_path, systemd_manager,
					 "StopUnit", NULL, NULL, "ss", slice, "replace");
	sd_bus_close(bus);
	(void)sd_bus_unref(bus);
}

void session_settle(uint32_t uid)
{
	static const char *const units[] = { "user", "user-runtime-dir" };
	char name[48];
	sd_bus *bus = NULL;

	if (sd_booted() <= 0 || sd_bus_open_system(&bus) < 0)
		return;
	(void)sd_bus_set_method_call_timeout(bus, SESSION_CALL_USEC);
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		(void)snprintf(name, sizeof(name), "%s@%u.service", units[i], uid);
		(void)sd_bus_call_method(bus, systemd_name, systemd_path, systemd_manager,
					 "ResetFailedUnit", NULL, NULL, "s", name);
	}
	sd_bus_close(bus);
	(void)sd_bus_unref(bus);
}
