// SPDX-License-Identifier: MIT
//
// scimctl setup: from here on the host changes, one step after the other; each says
// what it did and how it is undone.
#include "scimd/base/fail.h"
#include "scimd/base/file.h"
#include "scimd/ctl/ctl.h"
#include "scimd/ctl/doctor.h"
#include "scimd/ctl/nsswitch.h"
#include "scimd/ctl/program.h"
#include "scimd/ctl/setup.h"
#include <errno.h>
#include <json-c/json.h>
#include <scimd/paths.h>
#include <scimd/wire.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int enable_failed(const char *text)
{
	(void)fprintf(stderr, "scimctl setup: %s\n", text);
	return WIRE_EXIT_FAILED;
}

static int enable_folder(const char *path, mode_t mode, struct fail *f)
{
	return mkdir(path, mode) < 0 && errno != EEXIST
		       ? fail(f, errno, "%s: %s", path, strerror(errno))
		       : 0;
}

static int enable_files(const struct setup *s)
{
	struct buf dropin = BUF_INIT;
	char conf[PATH_MAX], token[PATH_MAX];
	struct fail f = { "" };
	int r = setup_dropin(s, false, &dropin);

	(void)snprintf(conf, sizeof(conf), SCIMD_SYSCONFDIR "/scimd/conf.d/10-%s.conf", s->name);
	(void)snprintf(token, sizeof(token), SCIMD_CREDENTIALS "/%s", s->name);
	if (r < 0)
		r = fail(&f, -r, "%s", fail_word(r));
	if (r == 0)
		r = enable_folder(SCIMD_SYSCONFDIR "/scimd", 0755, &f);
	if (r == 0)
		r = enable_folder(SCIMD_SYSCONFDIR "/scimd/conf.d", 0755, &f);
	if (r == 0)
		r = enable_folder(SCIMD_CREDENTIALS, 0700, &f);
	if (r == 0)
		r = file_replace(token, s->token.data, s->token.len, 0600, &f);
	if (r == 0)
		r = file_replace(conf, dropin.data, dropin.len, 0644, &f);
	buf_free(&dropin);
	if (r < 0)
		return enable_failed(f.text);
	(void)printf("Wrote %s and %s.\n", conf, token);
	return 0;
}

// systemd starts scimd and its helpers, anew where it runs: it hands tokens out at a start; where it does not run, one that runs is told.
static int enable_daemon(const struct setup *s)
{
	static const char *const start[] = {
		"systemctl",           "enable",           "--now", "scimd.socket", "scimd.service",
		"scim-lockout.socket", "scim-hook.socket", NULL
	};
	static const char *const unit[] = { "systemctl", "cat", "scimd.service", NULL };
	static const char *const again[] = { "systemctl", "restart", "scimd.service", NULL };
	struct json_object *o;

	if (access("/run/systemd/system", F_OK) == 0 && program_run(unit, NULL, 10) == 0)
		return program_show(start) == 0 && program_show(again) == 0
			       ? 0
			       : enable_failed(
					 "scimd could not be started; see: journalctl -u scimd");
	if (ctl_ask(s->ctl, ctl_request("reload"), false, NULL, &o) == 0)
		json_object_put(o);
	else
		(void)printf("%s: start scimd and scim-lockout, then call scimctl doctor.\n",
			     access("/run/systemd/system", F_OK) == 0
				     ? "There is no unit scimd.service"
				     : "systemd does not run this host");
	return 0;
}

// What follows looks at what is served, and the first list takes its time.
static void enable_wait(const struct setup *s)
{
	struct json_object *request = ctl_request("sync"), *o;

	(void)json_object_object_add(request, "wait", json_object_new_boolean(true));
	if (ctl_ask(s->ctl, request, false, NULL, &o) == 0)
		json_object_put(o);
}

// ------------------------------------------------------------------ nsswitch

// Only what is missing is added. An order that somebody else chose, and a file that is
// another program's, are named and left alone.
static int switch_edit(bool *mine_out, struct fail *f)
{
	struct buf text = BUF_INIT, out = BUF_INIT;
	int r = file_read(NSSWITCH, NSSWITCH_MAX, &text, f);

	if (r == 0)
		r = nsswitch_add(buf_text(&text), &out);
	*mine_out = r == 0 && nsswitch_order(buf_text(&out), "passwd") == NSSWITCH_GOOD &&
		    nsswitch_order(buf_text(&out), "group") == NSSWITCH_GOOD;
	if (*mine_out)
		r = file_replace(NSSWITCH, out.data, out.len, 0644, f);
	buf_free(&text);
	buf_free(&out);
	return r < 0 && !f->text[0] ? fail(f, -r, "%s", fail_word(r)) : r;
}

static int enable_nss(const struct setup *s)
{
	struct doctor d = { .ctl = s->ctl };
	struct finding found = { "", "" };
	struct fail f = { "" };
	bool mine, authselect;

	if (doctor_nsswitch(&d, &found) == DOCTOR_OK)
		return 0;
	(void)printf(NSSWITCH ": %s\n", found.text);
	if (nsswitch_foreign(&authselect)) {
		(void)printf("It is a link, so another program writes it: have that one put scim "
			     "behind files for passwd and group.\n");
		return 0;
	}
	if (!setup_ask(s, "Put scim behind the local files for passwd and group?")) {
		(void)printf("Left alone; nobody of the directory is known to this host yet.\n");
		return 0;
	}
	if (switch_edit(&mine, &f) < 0)
		return enable_failed(f.text);
	if (mine)
		(void)printf("Done. To undo it: sed -i -E '/^(passwd|group):/ s/ scim//' " NSSWITCH
			     "\n");
	else
		(void)printf("Somebody chose that order, so it was left alone. To mend it:\n  %s\n",
			     found.mend);
	return 0;
}

// ----------------------------------------------------------------------- PAM

// How each kind of host has pam_scim asked, and no longer asked.
static const struct pam_way {
	const char *enable[6], *undo;
} debian_way = { { "pam-auth-update", "--enable", "scim" }, "pam-auth-update --disable scim" },
  authselect_way = { { "authselect", "select", "scim", "with-mkhomedir", "--backup=before-scimd" },
		     "authselect backup-restore before-scimd" };

// False: somebody said no. What PAM's files are after it is for doctor to say.
static bool pam_go(const struct setup *s, const struct pam_way *way, const char *question)
{
	(void)printf("Keep this shell open and try a login in another one. To undo it:\n\n"
		     "  %s\n\n"
		     "To have that run by itself in ten minutes, unless you stop the timer:\n\n"
		     "  systemd-run --on-active=10min %s\n\n",
		     way->undo, way->undo);
	if (setup_ask(s, question))
		return true;
	(void)printf("Left alone.\n");
	return false;
}

static int enable_pam(const struct setup *s)
{
	struct doctor d = { .ctl = s->ctl };
	struct finding found = { "", "" };
	const struct pam_way *way = program_there("pam-auth-update") ? &debian_way
				    : program_there("authselect")    ? &authselect_way
								     : NULL;
	enum doctor_result r;

	if (s->keep_pam)
		return 0;
	r = doctor_pam(&d, &found);
	if (r == DOCTOR_SKIPPED)
		(void)printf("PAM: left alone, since nothing can be proved yet: %s. Once that is "
			     "mended, call scimctl setup again.\n",
			     found.text);
	if (r != DOCTOR_FAILED)
		return 0;
	if (!way) {
		(void)printf("PAM: neither pam-auth-update nor authselect is here; see "
			     "pam_scim(8)\n");
		return 0;
	}
	(void)printf("PAM does not ask scimd yet: whoever is disabled would still get in.\n");
	if (!pam_go(s, way, "Have PAM ask scimd at every login?"))
		return 0;
	return program_show(way->enable) == 0 ? 0
					      : enable_failed("PAM's files could not be written");
}

// Where authselect writes both, they are one step.
static int enable_profile(const struct setup *s)
{
	struct doctor d = { .ctl = s->ctl };
	struct finding names = { "", "" }, doors = { "", "" };

	if (doctor_nsswitch(&d, &names) == DOCTOR_OK &&
	    (s->keep_pam || doctor_pam(&d, &doors) == DOCTOR_OK))
		return 0;
	(void)printf("authselect writes " NSSWITCH " and PAM's files here, and they do not have "
		     "scim yet:\nnobody of the directory is known, or whoever is disabled would "
		     "still get in.\n");
	if (s->keep_pam) {
		(void)printf(
			"PAM was to be left alone, so both were. To have them written:\n  %s\n",
			DOCTOR_AUTHSELECT);
		return 0;
	}
	if (!pam_go(s, &authselect_way, "Have authselect select the profile scim?"))
		return 0;
	return program_show(authselect_way.enable) == 0
		       ? 0
		       : enable_failed(
				 "authselect did not select the profile. What was changed by "
				 "hand is written over, after a backup, by: " DOCTOR_AUTHSELECT);
}

int setup_enable(struct setup *s)
{
	char name[] = "doctor", *all[] = { name, NULL };
	bool authselect;
	int code = enable_files(s);

	(void)nsswitch_foreign(&authselect);
	if (code == 0)
		code = enable_daemon(s);
	if (code == 0)
		enable_wait(s);
	if (code == 0 && authselect)
		code = enable_profile(s);
	if (code == 0 && !authselect)
		code = enable_nss(s);
	if (code == 0 && !authselect)
		code = enable_pam(s);
	if (code)
		return code;
	(void)printf("\n");
	return command_doctor(s->ctl, 1, all);
}
