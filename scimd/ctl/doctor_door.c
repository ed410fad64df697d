// SPDX-License-Identifier: MIT
//
// scimctl doctor: the ways in. That a PAM stack denies is not read out of its files:
// each service is asked, by PAM itself, about an account that nobody may use.
#include "scimd/base/buf.h"
#include "scimd/ctl/ctl.h"
#include "scimd/ctl/doctor.h"
#include "scimd/ctl/nsswitch.h"
#include "scimd/ctl/program.h"
#include <dirent.h>
#include <errno.h>
#include <pwd.h>
#include <scimd/account.h>
#include <security/pam_appl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define DOOR_SECONDS 10
#define DOOR_SERVICES_MAX 256

#define DOOR_CALLER 65534 // a user who calls su; nobody's account is looked at

struct door {
	const char *service, *user;
	bool called; // a user calls it: then who the caller is may count in the stack
};

// A module that asks something gets no answer.
static int door_mute(int n, const struct pam_message **m, struct pam_response **out, void *arg)
{
	struct pam_response *r = n > 0 ? calloc((size_t)n, sizeof(*r)) : NULL;

	(void)m;
	(void)arg;
	*out = r;
	return r ? PAM_SUCCESS : PAM_CONV_ERR;
}

enum { DOOR_IN, DOOR_REFUSED, DOOR_NOT_ASKED };

// In a process of its own: modules may hang, or bring it down.
static int door_knock(void *arg)
{
	static const struct pam_conv conv = { door_mute, NULL };
	const struct door *door = arg;
	pam_handle_t *h;
	int r;

	// As a setuid program runs: root, but for whom it was called by.
	if (door->called && setreuid(DOOR_CALLER, 0) < 0)
		return DOOR_NOT_ASKED;
	r = pam_start(door->service, door->user, &conv, &h);
	if (r == PAM_SUCCESS)
		r = pam_acct_mgmt(h, PAM_SILENT);
	return r == PAM_SUCCESS ? DOOR_IN : DOOR_REFUSED;
}

static int door_names(const struct dirent *e)
{
	const char *name = e->d_name;

	return name[0] != '.' && !strstr(name, ".dpkg-") && !strstr(name, ".rpm") &&
	       !strstr(name, ".pam-") && name[strlen(name) - 1] != '~';
}

static const char *const door_folders[] = { "/etc/pam.d", "/usr/lib/pam.d" };

// Whether a folder that comes first has a file of that name.
static bool door_hidden(size_t folder, const char *service)
{
	char path[512];

	for (size_t i = 0; i < folder; i++)
		if (snprintf(path, sizeof(path), "%s/%s", door_folders[i], service) <
			    (int)sizeof(path) &&
		    access(path, F_OK) == 0)
			return true;
	return false;
}

// Services that root may use to become anybody: root's own way in is no hole, so they are
// asked as they are by everybody else.
static bool door_called(const char *service)
{
	return strcmp(service, "su") == 0 || strcmp(service, "su-l") == 0;
}

// Knocks at every service of a folder: who lets the probe in goes to `in`, and who does
// not answer to `silent`.
static void door_knock_all(size_t folder, struct finding *in, struct finding *silent)
{
	struct dirent **list;
	int n = scandir(door_folders[folder], &list, door_names, alphasort);

	for (int i = 0; i < n; i++) {
		struct door door = { list[i]->d_name, ACCOUNT_PROBE_NAME,
				     door_called(list[i]->d_name) };
		int r = i < DOOR_SERVICES_MAX && !door_hidden(folder, door.service)
				? program_fork(door_knock, &door, NULL, DOOR_SECONDS)
				: DOOR_REFUSED;

		if (r != DOOR_REFUSED)
			doctor_list(r == DOOR_IN ? in : silent, door.service);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
}

enum doctor_result doctor_pam(const struct doctor *d, struct finding *f)
{
	struct finding silent = { "", "" };
	bool authselect, debian;

	(void)d;
	(void)nsswitch_foreign(&authselect);
	debian = !authselect && program_there("pam-auth-update");
	if (geteuid() != 0)
		return doctor_found(f, DOCTOR_SKIPPED, NULL, "only root may ask PAM for others");
	// An account that glibc does not find is refused by everybody: it proves nothing.
	if (!getpwnam(ACCOUNT_PROBE_NAME))
		return doctor_found(f, DOCTOR_SKIPPED, NULL,
				    "\"" ACCOUNT_PROBE_NAME "\" is not found through glibc");
	for (size_t i = 0; i < sizeof(door_folders) / sizeof(*door_folders); i++)
		door_knock_all(i, f, &silent);
	if (*f->text) {
		(void)snprintf(f->mend, sizeof(f->mend), "%s",
			       debian ? "pam-auth-update --enable scim" : DOCTOR_AUTHSELECT);
		doctor_list(f, "let in whoever left: pam_scim is not asked there");
		return DOCTOR_FAILED;
	}
	// Nobody was let in, but nothing is proved either.
	if (*silent.text)
		return doctor_found(f, DOCTOR_NOTE, "journalctl -b -g pam", "%.900s: no answer",
				    silent.text);
	return doctor_found(f, DOCTOR_OK, NULL, "every service refuses \"" ACCOUNT_PROBE_NAME "\"");
}

enum doctor_result doctor_root(const struct doctor *d, struct finding *f)
{
	static const char *const doors[] = { "sshd", "login", "su", "sudo", "cron", "crond" };
	char path[64];

	(void)d;
	if (geteuid() != 0)
		return doctor_found(f, DOCTOR_SKIPPED, NULL, "only root may ask PAM for others");
	for (size_t i = 0; i < sizeof(doors) / sizeof(*doors); i++) {
		struct door door = { doors[i], "root", false };

		(void)snprintf(path, sizeof(path), "/etc/pam.d/%s", doors[i]);
		if (access(path, F_OK) == 0 &&
		    program_fork(door_knock, &door, NULL, DOOR_SECONDS) != DOOR_IN)
			doctor_list(f, doors[i]);
	}
	if (!*f->text)
		return doctor_found(f, DOCTOR_OK, NULL, "every service lets root in");
	(void)snprintf(f->mend, sizeof(f->mend), "journalctl -b -g pam");
	doctor_list(f, "refuse root too");
	return DOCTOR_FAILED;
}

// ---------------------------------------------------------------------- sshd

// The value of a setting in what `sshd -T` prints, or "".
static void door_setting(const char *text, const char *name, char *out, size_t len)
{
	size_t n = strlen(name);

	out[0] = '\0';
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncasecmp(line, name, n) == 0 && line[n] == ' ')
			(void)snprintf(out, len, "%.*s", (int)strcspn(line + n + 1, "\n"),
				       line + n + 1);
	}
}

// Debian's unit is ssh.service; sshd.service everywhere else.
static const char *door_sshd_unit(void)
{
	return access("/usr/lib/systemd/system/ssh.service", F_OK) == 0 ||
			       access("/lib/systemd/system/ssh.service", F_OK) == 0
		       ? "ssh"
		       : "sshd";
}

enum doctor_result doctor_sshd(const struct doctor *d, struct finding *f)
{
	static const char *const argv[] = { "sshd", "-T", NULL };
	struct buf text = { .max = (size_t)256 << 10 };
	char pam[16], keys[256], who[64];
	int r;

	(void)d;
	if (geteuid() != 0)
		return doctor_found(f, DOCTOR_SKIPPED, NULL, "only root may ask sshd");
	r = program_run(argv, &text, DOOR_SECONDS);
	if (r == -ENOENT) {
		buf_free(&text);
		return doctor_found(f, DOCTOR_SKIPPED, NULL, "sshd is not installed");
	}
	door_setting(buf_text(&text), "usepam", pam, sizeof(pam));
	door_setting(buf_text(&text), "authorizedkeyscommand", keys, sizeof(keys));
	door_setting(buf_text(&text), "authorizedkeyscommanduser", who, sizeof(who));
	if (r != 0)
		(void)doctor_found(f, DOCTOR_FAILED, "sshd -t", "sshd -T: %.400s",
				   r < 0 ? strerror(-r) : buf_text(&text));
	buf_free(&text);
	if (r != 0)
		return DOCTOR_FAILED;
	if (strcmp(pam, "yes") != 0) {
		(void)snprintf(f->mend, sizeof(f->mend),
			       "echo 'UsePAM yes' >/etc/ssh/sshd_config.d/00-pam.conf; "
			       "systemctl reload %s",
			       door_sshd_unit());
		(void)snprintf(f->text, sizeof(f->text),
			       "UsePAM is not set: whoever left gets in with a key");
		return DOCTOR_FAILED;
	}
	if (!strstr(keys, "scim-authorized-keys")) {
		(void)snprintf(f->mend, sizeof(f->mend),
			       "printf 'AuthorizedKeysCommand /usr/sbin/scim-authorized-keys "
			       "%%%%u\\nAuthorizedKeysCommandUser nobody\\n' "
			       ">/etc/ssh/sshd_config.d/10-scimd.conf; systemctl reload %s",
			       door_sshd_unit());
		(void)snprintf(f->text, sizeof(f->text),
			       "the directory's keys are not taken: AuthorizedKeysCommand is %s",
			       *keys ? keys : "none");
		return DOCTOR_NOTE;
	}
	return doctor_found(f, DOCTOR_OK, NULL, "asks PAM, and %s runs as %s", keys, who);
}
