// SPDX-License-Identifier: MIT
//
// The table of commands, their options, and what all of them need; see admin.h.
#include "scimd/directory/admin.h"
#include "scimd/base/log.h"
#include "scimd/directory/admin_internal.h"
#include "scimd/directory/serve.h"
#include "scimd/scim/schema.h"
#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int admin_serve(struct admin *a)
{
	return serve_run(a->conf);
}

static int admin_check(struct admin *a)
{
	if (!a->option[ADMIN_QUIET]) // it has been loaded: there is nothing to complain about
		(void)puts("no complaints");
	return 0;
}

static int admin_options(struct admin *a)
{
	const char *name, *otherwise;

	(void)a;
	for (size_t i = 0; (name = directory_conf_option(i, &otherwise, NULL)); i++)
		(void)printf("%s\t%s\n", name, otherwise ? otherwise : "");
	return 0;
}

const struct admin_command admin_commands[] = {
	{ "serve", "", "serve until SIGTERM, in the foreground", 0, 0, admin_serve },
	{ "token create", "--name NAME --scope read|write [--expires SPAN|TIME]",
	  "make a token and print it, once", 0, 0, admin_token_create },
	{ "token list", "", "names, scopes, last use", 0, 0, admin_token_list },
	{ "token revoke", "NAME|ID", "refuse it from now on", 1, 1, admin_token_revoke },
	{ "user add",
	  "NAME [--display TEXT] [--email ADDRESS] [--given NAME] [--family NAME] [--uid N] "
	  "[--gid N] [--shell PATH] [--home PATH] [--key FILE]… [--external-id ID] [--inactive]",
	  "create a user", 1, 1, admin_add },
	{ "user show", "NAME|ID", "the whole resource", 1, 1, admin_show },
	{ "user list", "", "everybody", 0, 0, admin_list },
	{ "user disable", "NAME|ID", "active: false", 1, 1, admin_able },
	{ "user enable", "NAME|ID", "active: true", 1, 1, admin_able },
	{ "user delete", "NAME|ID", "delete; the number is never given again", 1, 1, admin_delete },
	{ "group add", "NAME [--gid N] [--external-id ID] [--member USER]…", "create a group", 1, 1,
	  admin_add },
	{ "group show", "NAME|ID", "the whole resource", 1, 1, admin_show },
	{ "group list", "", "every group", 0, 0, admin_list },
	{ "group delete", "NAME|ID", "delete", 1, 1, admin_delete },
	{ "group member add", "GROUP USER…", "put users in", 2, 1000, admin_member },
	{ "group member remove", "GROUP USER…", "take users out", 2, 1000, admin_member },
	{ "import", "FILE.json|FILE.csv", "create what the file lists", 1, 1, admin_import },
	{ "export", "", "everything, in a form that import takes", 0, 0, admin_export },
	{ "sample", "", "a small organisation to try things with", 0, 0, admin_sample },
	{ "audit", "[--since SPAN|TIME] [--user NAME] [--verify]", "who changed what, when", 0, 0,
	  admin_audit },
	{ "backup", "FILE", "a copy of the store, while it is in use", 1, 1, admin_backup },
	{ "restore", "FILE", "a backup in the place of the store; no number is given twice", 1, 1,
	  admin_restore },
	{ "check", "", "check the configuration", 0, 0, admin_check },
	{ "options", "", "every setting and its default, separated by a tab", 0, 0, admin_options },
	{ "help", "[COMMAND]", "this text, or what begins with COMMAND", 0, 3, NULL },
	{ NULL, NULL, NULL, 0, 0, NULL },
};

static const struct option admin_switches[] = {
	{ "config", required_argument, NULL, ADMIN_CONFIG },
	{ "help", no_argument, NULL, ADMIN_HELP },
	{ "version", no_argument, NULL, ADMIN_VERSION },
	{ "json", no_argument, NULL, ADMIN_JSON },
	{ "no-legend", no_argument, NULL, ADMIN_NO_LEGEND },
	{ "quiet", no_argument, NULL, ADMIN_QUIET },
	{ "name", required_argument, NULL, ADMIN_NAME },
	{ "scope", required_argument, NULL, ADMIN_SCOPE },
	{ "expires", required_argument, NULL, ADMIN_EXPIRES },
	{ "display", required_argument, NULL, ADMIN_DISPLAY },
	{ "email", required_argument, NULL, ADMIN_EMAIL },
	{ "given", required_argument, NULL, ADMIN_GIVEN },
	{ "family", required_argument, NULL, ADMIN_FAMILY },
	{ "uid", required_argument, NULL, ADMIN_UID },
	{ "gid", required_argument, NULL, ADMIN_GID },
	{ "shell", required_argument, NULL, ADMIN_SHELL },
	{ "home", required_argument, NULL, ADMIN_HOME },
	{ "key", required_argument, NULL, ADMIN_KEY },
	{ "external-id", required_argument, NULL, ADMIN_EXTERNAL_ID },
	{ "inactive", no_argument, NULL, ADMIN_INACTIVE },
	{ "member", required_argument, NULL, ADMIN_MEMBER },
	{ "since", required_argument, NULL, ADMIN_SINCE },
	{ "user", required_argument, NULL, ADMIN_USER },
	{ "verify", no_argument, NULL, ADMIN_VERIFY },
	{ NULL, 0, NULL, 0 },
};

// ------------------------------------------------------------------- helpers

int admin_fail(int r, const struct fail *f)
{
	bool denied = r == -EACCES || r == -EPERM;

	(void)fprintf(stderr, "scim-directory: %s%s\n", f->text[0] ? f->text : fail_word(r),
		      denied && geteuid() != 0 ? "; try sudo" : "");
	return r == -ENOENT  ? WIRE_EXIT_NOT_FOUND
	       : denied      ? WIRE_EXIT_PERMISSION
	       : r == -EBUSY ? WIRE_EXIT_TEMPORARY
			     : WIRE_EXIT_FAILED;
}

int admin_wrong(const struct admin *a, const char *fmt, ...)
{
	va_list ap;

	(void)fputs("scim-directory: ", stderr);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fprintf(stderr, "\nUsage: scim-directory %s %s\n", a->command->words,
		      a->command->args);
	return WIRE_EXIT_USAGE;
}

int admin_open(struct admin *a)
{
	struct fail f = { "" };
	int r = a->store ? 0 : directory_store(a->conf, &a->store, &f);

	return r < 0 ? admin_fail(r, &f) : 0;
}

int admin_apply(struct admin *a, int (*fn)(struct store_txn *t, void *arg, struct fail *f))
{
	struct fail f = { "" };
	int r = admin_open(a);

	if (r)
		return r;
	r = (a->vital ? store_apply_vital : store_apply)(a->store, fn, a, &f);
	if (r == -EINVAL && a->problem.status)
		(void)snprintf(f.text, sizeof(f.text), "%s", a->problem.detail);
	if (r == -EINVAL && a->problem.status == 404)
		r = -ENOENT;
	return r < 0 ? admin_fail(r, &f) : 0;
}

int admin_look(struct admin *a, int (*fn)(struct admin *a, struct store_txn *t, struct fail *f))
{
	struct fail f = { "" };
	struct store_txn *t;
	int r = admin_open(a);

	if (r)
		return r;
	r = store_view(a->store, &t, &f);
	if (r == 0) {
		r = fn(a, t, &f);
		store_view_end(t);
	}
	if (r == 0 && a->out.len)
		(void)fwrite(a->out.data, 1, a->out.len, stdout);
	if (r == 0 && (fflush(stdout) != 0 || ferror(stdout)))
		r = fail(&f, EIO, "standard output: %s", strerror(errno));
	return r < 0 ? admin_fail(r, &f) : 0;
}

struct change admin_change(const struct admin *a)
{
	return (struct change){ .actor = a->actor, .peer = "" };
}

const char *admin_base(const struct admin *a)
{
	return a->conf->url ? a->conf->url : a->conf->base_path;
}

int admin_put(struct json_object *o, const char *key, struct json_object *v)
{
	if (v && json_object_object_add(o, key, v) == 0)
		return 0;
	json_object_put(v);
	return -ENOMEM;
}

int admin_put_text(struct json_object *o, const char *key, const char *text)
{
	return text ? admin_put(o, key, json_object_new_string(text)) : 0;
}

int admin_json_line(struct buf *out, struct json_object *o)
{
	const char *text =
		json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
							  JSON_C_TO_STRING_NOSLASHESCAPE);
	int r = text ? buf_str(out, text) : -ENOMEM;

	return r < 0 ? r : buf_chr(out, '\n');
}

const char *admin_short(const char *key)
{
	if (strcmp(key, SCIM_URN_POSIX_USER) == 0 || strcmp(key, SCIM_URN_POSIX_GROUP) == 0)
		return "posix";
	return strcmp(key, SCIM_URN_ENTERPRISE) == 0 ? "enterprise" : key;
}

static int admin_seen(void *arg, uint64_t seq)
{
	*(uint64_t *)arg = seq;
	return 1;
}

int admin_find(struct store_txn *t, uint8_t kind, const char *name, struct dir_record *out)
{
	uint64_t seq;
	int r = dir_index_each(t, kind, kind == RESOURCE_USER ? DIR_KEY_USER_NAME : DIR_KEY_DISPLAY,
			       name, admin_seen, &seq);

	if (r == 1)
		return dir_get(t, kind, seq, out);
	return r < 0 ? r : dir_find(t, kind, name, out);
}

// ---------------------------------------------------------------------- main

// How many words of argv the command's are, 0 if it is another one.
static int admin_words(const struct admin_command *c, int argc, char **argv)
{
	int n = 0;

	for (const char *p = c->words; *p; n++) {
		size_t len = strcspn(p, " ");

		if (n >= argc || strlen(argv[n]) != len || memcmp(argv[n], p, len) != 0)
			return 0;
		p += len + (p[len] == ' ');
	}
	return n;
}

// An option that is given and that the command does not take, or NULL.
static const char *admin_stray(const struct admin *a)
{
	for (const struct option *o = admin_switches; o->name; o++) {
		size_t len = strlen(o->name);
		const char *p = a->command->args;

		if (o->val < ADMIN_ANYWHERE || !a->option[o->val])
			continue;
		while ((p = strstr(p, "--")) &&
		       (strncmp(p + 2, o->name, len) != 0 || !strchr(" ]", p[2 + len])))
			p += 2;
		if (!p)
			return o->name;
	}
	return NULL;
}

static int admin_run(struct admin *a, int argc, char **argv)
{
	struct fail f = { "" };
	const char *stray;
	int n = 0, r;

	for (a->command = admin_commands; a->command->words; a->command++)
		if ((n = admin_words(a->command, argc, argv)))
			break;
	if (!a->command->words)
		return admin_unknown(argc, argv);
	if (!a->command->run)
		return admin_usage(stdout, argc - n, argv + n);
	a->args = argv + n;
	a->count = argc - n;
	if (a->count < a->command->least || a->count > a->command->most)
		return admin_wrong(a, "too %s arguments",
				   a->count < a->command->least ? "few" : "many");
	stray = admin_stray(a);
	if (stray)
		return admin_wrong(a, "%s takes no --%s", a->command->words, stray);
	r = directory_conf_load(a->option[ADMIN_CONFIG], &a->conf, &f);
	if (r < 0) {
		(void)fprintf(stderr, "scim-directory: %s\n", f.text[0] ? f.text : fail_word(r));
		return WIRE_EXIT_FAILED;
	}
	return a->command->run(a);
}

// sudo's user, for it is a person that the audit log wants.
static void admin_actor(char *out, size_t len)
{
	const char *sudo = geteuid() == 0 ? getenv("SUDO_USER") : NULL;
	const struct passwd *pw = sudo && *sudo ? NULL : getpwuid(getuid());

	if (sudo && *sudo)
		(void)snprintf(out, len, "local: %.60s", sudo);
	else if (pw)
		(void)snprintf(out, len, "local: %.60s", pw->pw_name);
	else
		(void)snprintf(out, len, "local: uid %u", getuid());
}

int admin_main(int argc, char **argv)
{
	struct admin a = { 0 };
	int o, r;

	log_open(LOG_LEVEL_INFO);
	admin_actor(a.actor, sizeof(a.actor));
	while ((o = getopt_long(argc, argv, "hqv", admin_switches, NULL)) != -1) {
		if (o == '?')
			return WIRE_EXIT_USAGE;
		o = o == 'h' ? ADMIN_HELP : o == 'q' ? ADMIN_QUIET : o == 'v' ? ADMIN_VERSION : o;
		a.option[o] = optarg ? optarg : "";
		if (o != ADMIN_KEY && o != ADMIN_MEMBER)
			continue;
		if (a.many_count == ADMIN_MANY) {
			(void)fprintf(stderr, "scim-directory: too many options\n");
			return WIRE_EXIT_USAGE;
		}
		a.many[a.many_count++] = optarg;
	}
	if (a.option[ADMIN_HELP])
		return admin_usage(stdout, argc - optind, argv + optind);
	if (a.option[ADMIN_VERSION])
		return puts("scim-directory " PACKAGE_VERSION) < 0;
	if (optind == argc)
		return admin_usage(stderr, 0, NULL);
	r = admin_run(&a, argc - optind, argv + optind);
	store_close(a.store);
	directory_conf_free(a.conf);
	buf_free(&a.out);
	return r;
}
