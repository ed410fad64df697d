// SPDX-License-Identifier: MIT
//
// scimctl doctor: what a person gets wrong, each with the command that mends it. Here
// are the table and the checks of scimd itself.
#include "scimd/ctl/doctor.h"
#include "scimd/agent/config.h"
#include "scimd/base/buf.h"
#include "scimd/base/clock.h"
#include "scimd/base/fail.h"
#include "scimd/ctl/ctl.h"
#include "scimd/ctl/program.h"
#include "scimd/image/read.h"
#include <errno.h>
#include <grp.h>
#include <json-c/json.h>
#include <pwd.h>
#include <scimd/paths.h>
#include <scimd/wire.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DOCTOR_PATIENCE 10 // seconds, for one answer of scimd

enum doctor_result doctor_found(struct finding *f, enum doctor_result result, const char *mend,
				const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(f->text, sizeof(f->text), fmt, args);
	va_end(args);
	(void)snprintf(f->mend, sizeof(f->mend), "%s", mend ? mend : "");
	return result;
}

void doctor_list(struct finding *f, const char *word)
{
	size_t at = strlen(f->text);

	(void)snprintf(f->text + at, sizeof(f->text) - at, "%s%s", at ? ", " : "", word);
}

// --------------------------------------------------------------- configuration

bool doctor_become(const struct stat *st)
{
	const struct passwd *pw = st->st_uid ? getpwuid(st->st_uid) : NULL;

	if (st->st_uid == 0)
		return true;
	return (pw ? initgroups(pw->pw_name, st->st_gid) : setgroups(0, NULL)) == 0 &&
	       setgid(st->st_gid) == 0 && setuid(st->st_uid) == 0;
}

// In a process of its own: scimd is not root, whose eyes see everything.
static int config_look(void *arg)
{
	struct config *c = NULL;
	struct fail f = { "" };

	if (doctor_become(arg) && config_load(NULL, &c, &f) == 0)
		return 0;
	(void)dprintf(STDOUT_FILENO, "%s", f.text[0] ? f.text : strerror(errno));
	return 1;
}

// False: f says what scimd cannot read that root can.
static bool config_seen(const struct doctor *d, struct finding *f)
{
	struct buf said = { .max = 900 };
	struct stat st;
	int r = 0;

	if (geteuid() == 0 && stat(d->ctl->state_dir, &st) == 0 && st.st_uid != 0)
		r = program_fork(config_look, &st, &said, 10);
	if (r != 0)
		(void)doctor_found(f, DOCTOR_FAILED,
				   "chmod a+rX " SCIMD_SYSCONFDIR "/scimd " SCIMD_CONF
				   " " SCIMD_SYSCONFDIR "/scimd/conf.d " SCIMD_SYSCONFDIR
				   "/scimd/conf.d/*.conf",
				   "as scimd reads it: %.900s",
				   r < 0 ? strerror(-r) : buf_text(&said));
	buf_free(&said);
	return r == 0;
}

static enum doctor_result doctor_config(const struct doctor *d, struct finding *f)
{
	if (!d->config)
		return doctor_found(f, DOCTOR_FAILED,
				    access(SCIMD_CONF, F_OK) < 0 ? "scimctl setup"
								 : "scimctl config check",
				    "%s", d->complaint);
	if (!d->config->directory_count)
		return doctor_found(f, DOCTOR_FAILED, "scimctl setup",
				    "no [directory/NAME] is stated: nobody is served");
	if (strcmp(d->config->state_dir, SCIMD_STATE_DIR) != 0)
		return doctor_found(
			f, DOCTOR_FAILED, NULL,
			"state_dir is %s, but libnss_scim and pam_scim read " SCIMD_IMAGE
			": take state_dir out of the configuration",
			d->config->state_dir);
	if (!config_seen(d, f))
		return DOCTOR_FAILED;
	return doctor_found(f, DOCTOR_OK, NULL, "%zu %s", d->config->directory_count,
			    d->config->directory_count == 1 ? "directory" : "directories");
}

static enum doctor_result doctor_access(const struct doctor *d, struct finding *f)
{
	if (!d->config)
		return doctor_found(f, DOCTOR_SKIPPED, NULL, "the configuration cannot be read");
	if (!d->config->allow_text)
		return doctor_found(f, DOCTOR_FAILED, "scimctl setup",
				    "[access] allow is not stated: nobody may log in");
	return doctor_found(f, DOCTOR_OK, NULL, "allow = %s", d->config->allow_text);
}

// --------------------------------------------------------------------- scimd

static enum doctor_result doctor_daemon(const struct doctor *d, struct finding *f)
{
	const char *health;

	if (!d->status)
		return doctor_found(f, DOCTOR_FAILED, "systemctl enable --now scimd",
				    "scimd does not answer on %s", d->ctl->socket);
	health = ctl_str(d->status, "health");
	return doctor_found(f,
			    strcmp(health, "red") == 0     ? DOCTOR_FAILED
			    : strcmp(health, "green") == 0 ? DOCTOR_OK
							   : DOCTOR_NOTE,
			    strcmp(health, "green") == 0 ? NULL : "scimctl status", "%s: %s",
			    health, ctl_str(d->status, "reason"));
}

// Asks scimd to ask the directory, now; what was good at the last look need not be so. False:
// f says what is wrong. Where nobody is asked (only root may) it is taken for good.
static bool directory_answers(const struct doctor *d, const char *name, struct finding *f)
{
	struct json_object *request, *o = NULL;
	long long status;
	bool good;

	if (geteuid() != 0)
		return true;
	request = ctl_request("probe");
	(void)json_object_object_add(request, "directory", json_object_new_string(name));
	if (ctl_ask(d->ctl, request, false, NULL, &o) != 0)
		return true;
	status = ctl_int(o, "status");
	// Somebody who is nobody is not found, or is no id that the directory could have.
	good = (status >= 200 && status < 300) ||
	       (status >= 400 && status < 500 && status != 401 && status != 403);
	if (status == 0)
		(void)doctor_found(f, DOCTOR_FAILED, "scimctl sync --full --wait",
				   "\"%s\" does not answer now: %s", name, ctl_str(o, "reason"));
	else if (!good)
		(void)doctor_found(f, DOCTOR_FAILED, "scimctl sync --full --wait",
				   "\"%s\" %s now: HTTP %lld", name,
				   status < 400 || status >= 500 ? "answers oddly"
								 : "refuses the token",
				   status);
	json_object_put(o);
	return good;
}

// Reachable over TLS that was verified, now, and of whole lists, as scimd's last look says.
static enum doctor_result doctor_directory(const struct doctor *d, struct finding *f)
{
	struct json_object *list = ctl_member(d->status, "directories");
	struct finding wrong = { "", "" };
	char word[300];

	if (!d->status)
		return doctor_found(f, DOCTOR_SKIPPED, NULL, "scimd does not answer");
	for (size_t i = 0; i < ctl_length(list); i++) {
		struct json_object *x = json_object_array_get_idx(list, i);

		if (*ctl_str(x, "error") || ctl_member(x, "held"))
			return doctor_found(f, DOCTOR_FAILED,
					    *ctl_str(x, "error") ? "scimctl sync --full --wait"
								 : "scimctl sync --dry-run",
					    "\"%s\": %s", ctl_str(x, "name"),
					    *ctl_str(x, "error")
						    ? ctl_str(x, "error")
						    : ctl_str(ctl_member(x, "held"), "reason"));
		if (!*ctl_str(x, "last_ok"))
			return doctor_found(f, DOCTOR_FAILED, "scimctl sync --full --wait",
					    "\"%s\" has not been read yet", ctl_str(x, "name"));
		if (!directory_answers(d, ctl_str(x, "name"), &wrong)) {
			*f = wrong;
			return DOCTOR_FAILED;
		}
		(void)snprintf(word, sizeof(word), "%.60s: %lld users, %lld groups%s",
			       ctl_str(x, "name"), ctl_int(x, "users"), ctl_int(x, "groups"),
			       strncmp(ctl_str(x, "url"), "http:", 5) == 0 ? " (on this host)"
									   : ", TLS verified");
		doctor_list(f, word);
	}
	return DOCTOR_OK;
}

static enum doctor_result doctor_image(const struct doctor *d, struct finding *f)
{
	struct image_confirmed conf = { 0 };
	const struct config *c = d->config;
	char ago[CLOCK_TEXT];
	struct image im;
	int64_t age;

	if (ctl_image(d->ctl, &im, false) != 0)
		return doctor_found(f, DOCTOR_FAILED, "scimctl cache rebuild",
				    "%s/" SCIMD_IMAGE_NAME " cannot be read", d->ctl->state_dir);
	(void)image_confirmed_at(&im, &conf);
	image_close(&im);
	age = clock_wall() - conf.wall;
	if (!conf.wall || age < -60000)
		return doctor_found(f, DOCTOR_FAILED, "scimctl sync --wait",
				    conf.wall ? "the image is of the future: the clock was set back"
					      : "when the image was confirmed is not known");
	if (c && c->stale_deny && age > (int64_t)c->stale_deny * 1000)
		return doctor_found(f, DOCTOR_FAILED, "scimctl sync --wait",
				    "confirmed %s ago, older than stale-deny: nobody may log in",
				    clock_ago(ago, age));
	if (c && age > 3 * (int64_t)c->interval * 1000)
		return doctor_found(f, DOCTOR_NOTE, "scimctl sync --wait",
				    "confirmed %s ago, more than three intervals",
				    clock_ago(ago, age));
	return doctor_found(f, DOCTOR_OK, NULL, "confirmed %s ago", clock_ago(ago, age));
}

// Local accounts win: whoever of the directory bears the same name is not served.
static enum doctor_result doctor_clash(const struct doctor *d, struct finding *f)
{
	struct json_object *o, *list;
	size_t n = 0;

	if (!d->status || ctl_ask(d->ctl, ctl_request("refusals"), false, NULL, &o) != 0)
		return doctor_found(f, DOCTOR_SKIPPED, NULL, "scimd does not answer");
	list = ctl_member(o, "refusals");
	for (size_t i = 0; i < ctl_length(list); i++) {
		struct json_object *x = json_object_array_get_idx(list, i);

		if (strncmp(ctl_str(x, "code"), "local-", 6) == 0 && n++ < 10)
			doctor_list(f, ctl_str(x, "name"));
	}
	json_object_put(o);
	if (!n)
		return doctor_found(f, DOCTOR_OK, NULL, "no name or id is also a local account's");
	(void)snprintf(f->mend, sizeof(f->mend), "scimctl refusals");
	doctor_list(f, n > 10 ? "… are local accounts' names or ids, and not served"
			      : "local accounts have the name or id: not served");
	return DOCTOR_NOTE;
}

static enum doctor_result doctor_lockout(const struct doctor *d, struct finding *f)
{
	struct stat st;

	if (!d->config)
		return doctor_found(f, DOCTOR_SKIPPED, NULL, "the configuration cannot be read");
	if (stat(d->config->lockout_socket, &st) < 0 || !S_ISSOCK(st.st_mode))
		return doctor_found(f, DOCTOR_FAILED, "systemctl enable --now scim-lockout.socket",
				    "%s is not there: what runs for people who left would go on",
				    d->config->lockout_socket);
	return doctor_found(f, DOCTOR_OK, NULL, "scim-lockout ends what runs for people who left");
}

// ------------------------------------------------------------------ the table

static const struct doctor_check checks[] = {
	{ "config", "the files of /etc/scimd", doctor_config },
	{ "access", "who may log in is stated", doctor_access },
	{ "token", "secrets are there and nobody else's", doctor_token },
	{ "units", "systemd starts scimd and its helpers", doctor_units },
	{ "daemon", "scimd answers and is well", doctor_daemon },
	{ "directory", "reachable, verified, and read whole", doctor_directory },
	{ "image", "what lookups and logins read, and its age", doctor_image },
	{ "space", "room for the next image", doctor_space },
	{ "clock", "kept by somebody", doctor_clock },
	{ "nsswitch", "scim stands after files, and is reached", doctor_nsswitch },
	{ "lookup", "glibc gets answers from libnss_scim", doctor_lookup },
	{ "nscd", "no cache in front of it", doctor_nscd },
	{ "clashes", "names and ids that local accounts have", doctor_clash },
	{ "pam", "each service refuses somebody who left", doctor_pam },
	{ "root", "each service lets root in", doctor_root },
	{ "sshd", "asks PAM, and takes keys from the directory", doctor_sshd },
	{ "lockout", "what runs for people who left is ended", doctor_lockout },
	{ "confinement", "SELinux or AppArmor let the image be read", doctor_mac },
};

static const char *doctor_word(enum doctor_result r)
{
	static const char *const words[] = { "ok", "note", "FAILED", "skipped" };

	return words[r];
}

static void doctor_print(const struct ctl *c, const struct doctor_check *check,
			 enum doctor_result r, const struct finding *f)
{
	static const char *const colors[] = { "\033[32m", "\033[33m", "\033[31m", "\033[2m" };

	if (c->quiet && (r == DOCTOR_OK || r == DOCTOR_SKIPPED))
		return;
	(void)printf("%s%-7s%s  %-11s  %s\n", c->color ? colors[r] : "", doctor_word(r),
		     c->color ? "\033[0m" : "", check->name, ctl_safe(f->text));
	if (*f->mend)
		(void)printf("%22s mend: %s\n", "", f->mend);
}

static struct json_object *doctor_json(const struct doctor_check *check, enum doctor_result r,
				       const struct finding *f)
{
	struct json_object *o = json_object_new_object();

	(void)json_object_object_add(o, "check", json_object_new_string(check->name));
	(void)json_object_object_add(o, "result",
				     json_object_new_string(r == DOCTOR_FAILED ? "failed"
									       : doctor_word(r)));
	(void)json_object_object_add(o, "text", json_object_new_string(f->text));
	(void)json_object_object_add(o, "mend", *f->mend ? json_object_new_string(f->mend) : NULL);
	return o;
}

static bool doctor_wanted(const struct doctor_check *check, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], check->name) == 0)
			return true;
	return argc < 2;
}

static bool doctor_known(const char *name)
{
	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++)
		if (strcmp(checks[i].name, name) == 0)
			return true;
	return false;
}

static int doctor_usage(const char *name)
{
	(void)fprintf(stderr, "scimctl doctor: \"%s\" is no check; there are:\n", ctl_safe(name));
	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++)
		(void)fprintf(stderr, "  %-11s  %s\n", checks[i].name, checks[i].help);
	return WIRE_EXIT_USAGE;
}

static int doctor_all(const struct doctor *d, int argc, char **argv)
{
	struct json_object *o = ctl_answer(), *list = json_object_new_array();
	size_t counts[DOCTOR_SKIPPED + 1] = { 0 };
	int code;

	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
		struct finding f = { "", "" };
		enum doctor_result r;

		if (!doctor_wanted(&checks[i], argc, argv))
			continue;
		r = checks[i].run(d, &f);
		counts[r]++;
		(void)json_object_array_add(list, doctor_json(&checks[i], r, &f));
		if (!d->ctl->json)
			doctor_print(d->ctl, &checks[i], r, &f);
	}
	code = counts[DOCTOR_FAILED] ? WIRE_EXIT_FAILED : 0;
	if (!d->ctl->json && !d->ctl->quiet)
		(void)printf("%zu good, %zu to note, %zu failed, %zu skipped\n", counts[DOCTOR_OK],
			     counts[DOCTOR_NOTE], counts[DOCTOR_FAILED], counts[DOCTOR_SKIPPED]);
	(void)json_object_object_add(o, "good", json_object_new_boolean(code == 0));
	(void)json_object_object_add(o, "checks", list);
	return ctl_finish(d->ctl, o, code);
}

int command_doctor(const struct ctl *c, int argc, char **argv)
{
	struct ctl mine = *c; // what hangs is a finding, not a reason to wait
	struct doctor d = { .ctl = &mine };
	struct config *config = NULL;
	struct fail f = { "" };
	int code;

	for (int i = 1; i < argc; i++)
		if (!doctor_known(argv[i]))
			return doctor_usage(argv[i]);
	mine.patience = DOCTOR_PATIENCE;
	if (config_load(NULL, &config, &f) < 0)
		d.complaint = f.text;
	d.config = config;
	if (ctl_ask(&mine, ctl_request("status"), false, NULL, &d.status) != 0)
		d.status = NULL;
	code = doctor_all(&d, argc, argv);
	json_object_put(d.status);
	config_free(config);
	return code;
}
