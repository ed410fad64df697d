// SPDX-License-Identifier: MIT
//
// A scimd that systemd started because somebody asked, before anything is configured.
#include "scimd/agent/agent.h"
#include "scimd/agent/config.h"
#include "scimd/agent/control.h"
#include "scimd/agent/internal.h"
#include "scimd/base/fail.h"
#include "scimd/base/log.h"
#include <errno.h>
#include <scimd/paths.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#define IDLE_FIRST_MS 100 // who is the reason for the start is in the socket already
#define IDLE_MS 3000
#define IDLE_TEXT "no [directory/NAME] is configured yet; call: scimctl setup"

static bool idle_still(struct agent *a)
{
	struct config *c = NULL;
	struct fail f = { "" };
	int r = config_load(a->config_path, &c, &f);
	bool idle = r == -ENOENT || (r == 0 && c->directory_count == 0);

	config_free(c);
	return idle;
}

// Who configured it meanwhile and started it, found it running. As a failure of this one,
// systemd starts another.
static int idle_on_timer(sd_event_source *s, uint64_t usec, void *arg)
{
	struct agent *a = arg;

	(void)usec;
	if (!control_asked(a->control))
		return sd_event_exit(a->event, idle_still(a) ? 0 : EXIT_FAILURE);
	(void)sd_event_source_set_time_relative(s, IDLE_MS * 1000ull);
	return sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
}

// systemd holds the socket, and starts scimd for whoever asks. Somebody has to take their
// questions, or it would start scimd for the same one again and again until it gives the
// socket up. That is all that is done, and only as long as somebody asks.
int idle_new(struct agent *a, struct fail *f)
{
	int r = sd_event_default(&a->event);

	a->idle = true;
	if (r >= 0)
		r = sd_event_set_watchdog(a->event, true);
	if (r >= 0)
		r = sd_event_add_time_relative(a->event, &a->timer, CLOCK_MONOTONIC,
					       IDLE_FIRST_MS * 1000ull, 0, idle_on_timer, a);
	if (r < 0)
		return fail(f, -r, "event loop: %s", strerror(-r));
	(void)signal(SIGPIPE, SIG_IGN);
	r = control_open(a, SCIMD_SOCKET, &a->control, f);
	if (r == 0)
		control_refuse(a->control, IDLE_TEXT, idle_still);
	return r;
}

int idle_run(struct agent *a)
{
	int r;

	log_info("%s", IDLE_TEXT);
	(void)sd_notify(false, "READY=1");
	r = sd_event_loop(a->event);
	(void)sd_notify(false, "STOPPING=1");
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
