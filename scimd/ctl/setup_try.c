// SPDX-License-Identifier: MIT
//
// scimctl setup: the trial. scimd reads the directory once, with this host's
// configuration and the new drop-in, into a folder of its own; what came of it is
// shown. Nothing that other programs read is touched.
#include "scimd/agent/config.h"
#include "scimd/base/fail.h"
#include "scimd/base/file.h"
#include "scimd/ctl/ctl.h"
#include "scimd/ctl/program.h"
#include "scimd/ctl/read.h"
#include "scimd/ctl/setup.h"
#include "scimd/image/read.h"
#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <scimd/account.h>
#include <scimd/paths.h>
#include <scimd/wire.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRY_CONF_MAX ((size_t)1 << 20)
#define TRY_SECONDS 600
#define TRY_SHOWN 10

static int try_failed(const char *text)
{
	(void)fprintf(stderr, "scimctl setup: %s; nothing was changed\n", text);
	return WIRE_EXIT_FAILED;
}

int setup_dropin(const struct setup *s, bool trial, struct buf *out)
{
	int r = buf_printf(out, "# Made by: scimctl setup\n[directory/%s]\nurl = %s\n", s->name,
			   s->url);

	if (r == 0)
		r = trial ? buf_printf(out, "token_file = %s/token\n", s->trial)
			  : buf_printf(out, "token = %s\n", s->name);
	return r < 0 ? r : buf_printf(out, "\n[access]\nallow = %s\n", s->allow);
}

static int try_put(const struct setup *s, const char *name, const struct buf *text, struct fail *f)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", s->trial, name) >= (int)sizeof(path))
		return fail(f, ENAMETOOLONG, "%s: name too long", name);
	return file_replace(path, text->data, text->len, 0600, f);
}

static int try_copy(const struct setup *s, const char *name, struct fail *f)
{
	struct buf text = BUF_INIT;
	char path[PATH_MAX];
	int r;

	if (snprintf(path, sizeof(path), SCIMD_SYSCONFDIR "/scimd/%s", name) >= (int)sizeof(path))
		return fail(f, ENAMETOOLONG, "%s: name too long", name);
	r = file_read(path, TRY_CONF_MAX, &text, f);
	r = r == -ENOENT ? 0 : r < 0 ? r : try_put(s, name, &text, f);
	buf_free(&text);
	return r;
}

static int try_is_dropin(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return e->d_name[0] != '.' && n > 5 && strcmp(e->d_name + n - 5, ".conf") == 0;
}

// What stands in /etc/scimd, but for the drop-in that is written anew.
static int try_copy_all(const struct setup *s, const char *mine, struct fail *f)
{
	struct dirent **list = NULL;
	char name[300];
	int r = try_copy(s, "scimd.conf", f);
	int n = scandir(SCIMD_SYSCONFDIR "/scimd/conf.d", &list, try_is_dropin, alphasort);

	for (int i = 0; i < n; i++) {
		(void)snprintf(name, sizeof(name), "conf.d/%s", list[i]->d_name);
		if (r == 0 && strcmp(name, mine) != 0)
			r = try_copy(s, name, f);
		free(list[i]);
	}
	free(list);
	return r;
}

static int try_prepare(struct setup *s, struct fail *f)
{
	struct buf dropin = BUF_INIT, own = BUF_INIT;
	char name[64], path[PATH_MAX];
	int r;

	(void)snprintf(s->trial, sizeof(s->trial), "/run/scimd-setup.XXXXXX");
	if (!mkdtemp(s->trial)) {
		s->trial[0] = '\0';
		return fail(f, errno, "/run: %s", strerror(errno));
	}
	(void)snprintf(path, sizeof(path), "%.100s/conf.d", s->trial);
	if (mkdir(path, 0700) < 0)
		return fail(f, errno, "%s: %s", path, strerror(errno));
	(void)snprintf(path, sizeof(path), "%.100s/state", s->trial);
	if (mkdir(path, 0755) < 0)
		return fail(f, errno, "%s: %s", path, strerror(errno));
	(void)snprintf(name, sizeof(name), "conf.d/10-%s.conf", s->name);
	r = try_copy_all(s, name, f);
	if (r == 0)
		r = setup_dropin(s, true, &dropin);
	if (r == 0)
		r = try_put(s, name, &dropin, f);
	// Nobody's processes end and no hook runs for what is only tried.
	if (r == 0)
		r = buf_printf(&own,
			       "[scimd]\nstate_dir = %s/state\nsocket = %s/socket\n"
			       "[lockout]\nsocket = %s/none\n[hooks]\nsocket = %s/none\n",
			       s->trial, s->trial, s->trial, s->trial);
	if (r == 0)
		r = try_put(s, "conf.d/99-setup.conf", &own, f);
	if (r == 0)
		r = try_put(s, "token", &s->token, f);
	buf_free(&dropin);
	buf_free(&own);
	return r < 0 && !f->text[0] ? fail(f, -r, "%s", fail_word(r)) : r;
}

// Complaints name the trial's files: the folder's name helps nobody.
static void try_plain(const struct setup *s, char *text)
{
	size_t n = strlen(s->trial) + 1;
	char *at;

	while ((at = strstr(text, s->trial)))
		memmove(at, at + n, strlen(at + n) + 1);
}

static int try_config(const struct setup *s)
{
	struct config *c = NULL;
	struct fail f = { "" };
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%.100s/scimd.conf", s->trial);
	if (config_load(path, &c, &f) == 0) {
		config_free(c);
		return 0;
	}
	try_plain(s, f.text);
	return try_failed(f.text);
}

// log_out: what scimd said meanwhile.
static int try_read(const struct setup *s, struct buf *log_out)
{
	char path[PATH_MAX];
	const char *const argv[] = { "scimd", "--config", path, "--once", NULL };
	const char *line;
	size_t len;
	int r;

	(void)snprintf(path, sizeof(path), "%.100s/scimd.conf", s->trial);
	if (!s->ctl->quiet) {
		(void)printf("Reading the directory …\n");
		(void)fflush(stdout);
	}
	r = program_run(argv, log_out, TRY_SECONDS);
	if (r < 0)
		return try_failed(r == -ENOENT ? "scimd is not installed" : fail_word(r));
	if (r != 0) {
		for (line = buf_text(log_out); *line; line += len + (line[len] == '\n')) {
			len = strcspn(line, "\n");
			(void)fprintf(stderr, "  %.*s\n", (int)len, line);
		}
		r = try_failed("the directory could not be read, see above");
	}
	return r;
}

// Records that are not served, with the reason: scimd names the first of them.
static void try_refused(const char *log)
{
	static const char warning[] = "scimd: warning: ";
	uint32_t all = 0, shown = 0;
	char text[512];
	size_t len;

	for (; *log; log += len + (log[len] == '\n')) {
		len = strcspn(log, "\n");
		if (len >= sizeof(text) + sizeof(warning) ||
		    strncmp(log, warning, sizeof(warning) - 1) != 0)
			continue;
		(void)snprintf(text, sizeof(text), "%.*s", (int)(len - (sizeof(warning) - 1)),
			       log + sizeof(warning) - 1);
		if (sscanf(text, "%u records are not served", &all) == 1 && all)
			(void)printf("%u records are not served:\n", all);
		else if (strncmp(text, "user \"", 6) == 0 || strncmp(text, "group \"", 7) == 0) {
			(void)printf("  %s\n", ctl_safe(text));
			shown++;
		}
	}
	if (all > shown)
		(void)printf("  … and %u more: scimctl refusals, once scimd runs\n", all - shown);
}

struct try_count {
	uint32_t people, may, shown;
};

static void try_person(const struct image_found_user *u, struct try_count *n, struct columns *t)
{
	bool may = u->head.verdict != VERDICT_DENY;
	char uid[16];

	n->people++;
	n->may += may;
	if (n->shown == TRY_SHOWN)
		return;
	n->shown++;
	(void)snprintf(uid, sizeof(uid), "%u", u->head.uid);
	(void)columns_row(t, (const char *[]){ u->name, uid, account_state_word(u->head.state),
					       may ? "yes" : "no", u->home, u->shell });
}

static int try_show(const struct setup *s, const char *log)
{
	static const char *const names[] = { "NAME", "UID", "STATE", "LOGIN", "HOME", "SHELL" };
	struct ctl mine = *s->ctl;
	struct try_count n = { 0 };
	char buf[4096], state[PATH_MAX];
	struct image_found_user u;
	uint64_t from = 0, hint = 0;
	struct columns *t;
	struct image im;

	(void)snprintf(state, sizeof(state), "%.100s/state", s->trial);
	mine.state_dir = state;
	if (ctl_image(&mine, &im, true) != 0)
		return WIRE_EXIT_FAILED;
	t = columns_new(s->ctl->no_legend, names, 6);
	while (image_user_next(&im, from, &hint, buf, sizeof(buf), &u) == 0) {
		from = (uint64_t)u.head.uid + 1;
		if (u.head.state == ACCOUNT_ACTIVE || u.head.state == ACCOUNT_DISABLED)
			try_person(&u, &n, t);
	}
	image_close(&im);
	columns_print(t);
	if (n.people > n.shown)
		(void)printf("… and %u more\n", n.people - n.shown);
	(void)printf("%u people, of whom %u may log in\n", n.people, n.may);
	try_refused(log);
	if (n.may == 0)
		(void)printf("Nobody may log in: is that what --allow should say?\n");
	return 0;
}

int setup_try(struct setup *s)
{
	struct buf log = { .max = (size_t)64 << 10 };
	struct fail f = { "" };
	int code;

	if (try_prepare(s, &f) < 0)
		return try_failed(f.text);
	code = try_config(s);
	if (code == 0)
		code = try_read(s, &log);
	if (code == 0)
		code = try_show(s, buf_text(&log));
	buf_free(&log);
	return code;
}

static int try_remove(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	(void)remove(path);
	return 0;
}

void setup_clean(struct setup *s)
{
	if (*s->trial)
		(void)nftw(s->trial, try_remove, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	s->trial[0] = '\0';
}
