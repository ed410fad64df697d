// SPDX-License-Identifier: MIT
//
// The commands; see admin.h.
#include "scimd/directory/admin.h"
#include "scimd/base/buf.h"
#include "scimd/base/clock.h"
#include "scimd/base/fail.h"
#include "scimd/base/log.h"
#include "scimd/directory/change.h"
#include "scimd/directory/conf.h"
#include "scimd/directory/db.h"
#include "scimd/directory/render.h"
#include "scimd/directory/serve.h"
#include "scimd/directory/token.h"
#include "scimd/scim/problem.h"
#include "scimd/store/store.h"
#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <pwd.h>
#include <scimd/wire.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct admin {
	struct directory_conf *conf;
	struct store *store;
	const char *config, *name, *scope, *expires;
	char actor[80];
	char **args;
	int count;
	// of the transaction that runs:
	const struct admin_command *command;
	struct scim_problem problem;
	struct buf out;
	char secret[TOKEN_TEXT];
};

struct admin_command {
	const char *words, *args, *help; // words: "token create"
	int least, most;                 // arguments
	int (*run)(struct admin *a);     // exit code
};

static int admin_fail(int r, const struct fail *f)
{
	(void)fprintf(stderr, "scim-directory: %s\n", f->text[0] ? f->text : fail_word(r));
	return r == -ENOENT                  ? WIRE_EXIT_NOT_FOUND
	       : r == -EACCES || r == -EPERM ? WIRE_EXIT_PERMISSION
	       : r == -EBUSY                 ? WIRE_EXIT_TEMPORARY
					     : WIRE_EXIT_FAILED;
}

static int admin_open(struct admin *a)
{
	struct fail f = { "" };
	int r = a->store ? 0 : directory_store(a->conf, &a->store, &f);

	return r < 0 ? admin_fail(r, &f) : 0;
}

static int admin_apply(struct admin *a, int (*fn)(struct store_txn *t, void *arg, struct fail *f))
{
	struct fail f = { "" };
	int r = admin_open(a);

	if (r)
		return r;
	r = store_apply(a->store, fn, a, &f);
	if (r == -EINVAL && a->problem.status)
		(void)snprintf(f.text, sizeof(f.text), "%s", a->problem.detail);
	if (r == -EINVAL && a->problem.status == 404)
		r = -ENOENT;
	return r < 0 ? admin_fail(r, &f) : 0;
}

// --------------------------------------------------------------------- serve

static int admin_serve(struct admin *a)
{
	return serve_run(a->conf);
}

// -------------------------------------------------------------------- tokens

static int admin_token_new(struct store_txn *t, void *arg, struct fail *f)
{
	struct admin *a = arg;
	bool write = a->scope && strcmp(a->scope, "write") == 0;
	int64_t expires = 0;
	uint64_t span;

	if (!a->name || !a->scope || (!write && strcmp(a->scope, "read") != 0))
		return fail(f, EINVAL,
			    "token create: --name NAME and --scope read or write are needed");
	if (a->expires && clock_span(a->expires, &span) == 0)
		expires = clock_wall() + (int64_t)span * 1000;
	else if (a->expires && clock_parse(a->expires, strlen(a->expires), &expires) < 0)
		return fail(f, EINVAL,
			    "--expires \"%.80s\" is neither a span (90d) nor a time "
			    "(2027-01-31T00:00:00Z)",
			    a->expires);
	return token_create(t, a->actor, a->name, write ? TOKEN_WRITE : TOKEN_READ, expires,
			    a->secret, f);
}

static int admin_token_create(struct admin *a)
{
	int r = admin_apply(a, admin_token_new);

	if (r == 0)
		(void)puts(a->secret);
	explicit_bzero(a->secret, sizeof(a->secret));
	return r;
}

static int admin_token_line(void *arg, const struct token *token)
{
	char created[CLOCK_TEXT], expires[CLOCK_TEXT], used[CLOCK_TEXT];

	(void)arg;
	(void)printf("%-12s  %-20s  %-5s  %-24s  %-24s  %s\n", token->id, token->name,
		     token->scope == TOKEN_WRITE ? "write" : "read",
		     clock_format(created, token->created),
		     token->expires ? clock_format(expires, token->expires) : "never",
		     token->used ? clock_format(used, token->used) : "never");
	return 0;
}

static int admin_token_list(struct admin *a)
{
	struct fail f = { "" };
	struct store_txn *t;
	int r = admin_open(a);

	if (r)
		return r;
	r = store_view(a->store, &t, &f);
	if (r == 0) {
		(void)printf("%-12s  %-20s  %-5s  %-24s  %-24s  %s\n", "ID", "NAME", "SCOPE",
			     "CREATED", "EXPIRES", "LAST USED");
		r = token_each(t, admin_token_line, NULL);
		store_view_end(t);
	}
	return r < 0 ? admin_fail(r, &f) : 0;
}

static int admin_token_drop(struct store_txn *t, void *arg, struct fail *f)
{
	struct admin *a = arg;
	unsigned int n;
	int r = token_revoke(t, a->actor, a->args[0], &n);

	return r == -ENOENT ? fail(f, ENOENT, "there is no token \"%.80s\"", a->args[0]) : r;
}

static int admin_token_revoke(struct admin *a)
{
	return admin_apply(a, admin_token_drop);
}

// ------------------------------------------------------------- users and groups

static int admin_seen(void *arg, uint64_t seq)
{
	*(uint64_t *)arg = seq;
	return 1;
}

// By name or id.
static int admin_find(struct store_txn *t, uint8_t kind, const char *name, struct dir_record *out)
{
	uint64_t seq;
	int r = dir_index_each(t, kind, kind == RESOURCE_USER ? DIR_KEY_USER_NAME : DIR_KEY_DISPLAY,
			       name, admin_seen, &seq);

	if (r == 1)
		return dir_get(t, kind, seq, out);
	return r < 0 ? r : dir_find(t, kind, name, out);
}

static uint8_t admin_kind(const struct admin *a)
{
	return a->command->words[0] == 'u' ? RESOURCE_USER : RESOURCE_GROUP;
}

static int admin_id(struct admin *a, struct store_txn *t, const char *name, char id[DIR_ID_TEXT],
		    struct fail *f)
{
	struct dir_record rec;
	int r = admin_find(t, admin_kind(a), name, &rec);

	if (r == -ENOENT)
		return fail(f, ENOENT, "there is no %s \"%.200s\"",
			    admin_kind(a) == RESOURCE_USER ? "user" : "group", name);
	if (r == 0)
		dir_id_text(id, rec.head.id);
	return r;
}

static struct change admin_change(const struct admin *a)
{
	return (struct change){ .actor = a->actor, .peer = "" };
}

static int admin_add_one(struct store_txn *t, void *arg, struct fail *f)
{
	struct admin *a = arg;
	struct change c = admin_change(a);
	struct change_result res;
	struct json_object *o = json_object_new_object();
	int r;

	(void)f;
	(void)json_object_object_add(o, admin_kind(a) == RESOURCE_USER ? "userName" : "displayName",
				     json_object_new_string(a->args[0]));
	r = change_create(t, &c, admin_kind(a), o, &res, &a->problem);
	json_object_put(o);
	return r;
}

static int admin_add(struct admin *a)
{
	return admin_apply(a, admin_add_one);
}

static int admin_patch(struct admin *a, struct store_txn *t, const char *id, const char *op,
		       const char *path, struct json_object *value)
{
	struct json_object *body = json_object_new_object(), *ops = json_object_new_array();
	struct json_object *o = json_object_new_object();
	struct change c = admin_change(a);
	struct change_result res;
	int r;

	(void)json_object_object_add(o, "op", json_object_new_string(op));
	(void)json_object_object_add(o, "path", json_object_new_string(path));
	(void)json_object_object_add(o, "value", value);
	(void)json_object_array_add(ops, o);
	(void)json_object_object_add(body, "Operations", ops);
	r = change_patch(t, &c, admin_kind(a), id, body, &res, &a->problem);
	json_object_put(body);
	return r;
}

static int admin_active(struct store_txn *t, void *arg, struct fail *f)
{
	struct admin *a = arg;
	char id[DIR_ID_TEXT];
	int r = admin_id(a, t, a->args[0], id, f);
	bool active = strcmp(a->command->words, "user enable") == 0;

	return r < 0 ? r
		     : admin_patch(a, t, id, "replace", "active", json_object_new_boolean(active));
}

static int admin_able(struct admin *a)
{
	return admin_apply(a, admin_active);
}

static int admin_drop(struct store_txn *t, void *arg, struct fail *f)
{
	struct admin *a = arg;
	struct change c = admin_change(a);
	char id[DIR_ID_TEXT];
	int r = admin_id(a, t, a->args[0], id, f);

	return r < 0 ? r : change_delete(t, &c, admin_kind(a), id, &a->problem);
}

static int admin_delete(struct admin *a)
{
	return admin_apply(a, admin_drop);
}

static int admin_members(struct store_txn *t, void *arg, struct fail *f)
{
	struct admin *a = arg;
	bool add = strcmp(a->command->words, "group member add") == 0;
	struct json_object *list = json_object_new_array();
	char id[DIR_ID_TEXT], member[DIR_ID_TEXT];
	int r = admin_id(a, t, a->args[0], id, f);

	for (int i = 1; r == 0 && i < a->count; i++) {
		struct json_object *o = json_object_new_object();
		struct dir_record rec;

		r = admin_find(t, RESOURCE_USER, a->args[i], &rec);
		if (r == -ENOENT)
			r = fail(f, ENOENT, "there is no user \"%.200s\"", a->args[i]);
		if (r == 0)
			dir_id_text(member, rec.head.id);
		(void)json_object_object_add(o, "value", json_object_new_string(r ? "" : member));
		(void)json_object_array_add(list, o);
	}
	if (r == 0)
		return admin_patch(a, t, id, add ? "add" : "remove", "members", list);
	json_object_put(list);
	return r;
}

static int admin_member(struct admin *a)
{
	return admin_apply(a, admin_members);
}

static int admin_look(struct admin *a,
		      int (*fn)(struct admin *a, struct store_txn *t, struct fail *f))
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
	return r < 0 ? admin_fail(r, &f) : 0;
}

static int admin_show_one(struct admin *a, struct store_txn *t, struct fail *f)
{
	const struct render c = { .base = a->conf->base_path };
	struct dir_record rec;
	int r = admin_find(t, admin_kind(a), a->args[0], &rec);

	if (r == -ENOENT)
		return fail(f, ENOENT, "there is no \"%.200s\"", a->args[0]);
	if (r == 0)
		r = render_resource(t, &c, &rec, &a->out);
	return r < 0 ? r : buf_chr(&a->out, '\n');
}

static int admin_show(struct admin *a)
{
	return admin_look(a, admin_show_one);
}

static int admin_list_all(struct admin *a, struct store_txn *t, struct fail *f)
{
	struct store_bytes v;
	struct store_walk *w;
	int r = store_walk_open(t, dir_of(admin_kind(a)), &w);

	(void)f;
	if (r < 0)
		return r;
	r = store_walk_seek(w, (struct store_bytes){ "", 0 }, NULL, &v);
	while (r == 0) {
		struct dir_record rec;
		char id[DIR_ID_TEXT];

		r = dir_decode(v, &rec);
		if (r < 0)
			break;
		dir_id_text(id, rec.head.id);
		r = buf_printf(&a->out, "%-10u  %-8s  %s  %.*s\n", rec.head.number,
			       rec.head.kind == RESOURCE_GROUP ? ""
			       : rec.head.active               ? "active"
							       : "disabled",
			       id, rec.head.label_len, rec.label);
		if (r == 0)
			r = store_walk_next(w, NULL, &v);
	}
	store_walk_close(w);
	return r == -ENOENT ? 0 : r;
}

static int admin_list(struct admin *a)
{
	return admin_look(a, admin_list_all);
}

// --------------------------------------------------------------------- audit

static int admin_audit_line(void *arg, const struct store_audit *line)
{
	struct admin *a = arg;

	(void)a;
	(void)printf("%.*s\n", (int)line->len, line->line);
	return 0;
}

static int admin_audit_all(struct admin *a, struct store_txn *t, struct fail *f)
{
	uint64_t count, bad;

	if (a->count && strcmp(a->args[0], "verify") == 0) {
		int r = store_audit_verify(t, &count, &bad, f);

		return r < 0 ? r
			     : buf_printf(&a->out, "%llu entries, the chain is whole\n",
					  (unsigned long long)count);
	}
	return store_audit_each(t, 1, admin_audit_line, a);
}

static int admin_audit(struct admin *a)
{
	return admin_look(a, admin_audit_all);
}

static int admin_options(struct admin *a)
{
	const char *name, *otherwise;

	(void)a;
	for (size_t i = 0; (name = directory_conf_option(i, &otherwise, NULL)); i++)
		(void)printf("%s\t%s\n", name, otherwise ? otherwise : "");
	return 0;
}

// --------------------------------------------------------------------- table

static const struct admin_command admin_commands[] = {
	{ "serve", "", "serve until SIGTERM, in the foreground", 0, 0, admin_serve },
	{ "token create", "--name NAME --scope read|write [--expires SPAN|TIME]",
	  "make a token and print it, once", 0, 0, admin_token_create },
	{ "token list", "", "names, scopes, last use", 0, 0, admin_token_list },
	{ "token revoke", "NAME|ID", "refuse it from now on", 1, 1, admin_token_revoke },
	{ "user add", "NAME", "create a user", 1, 1, admin_add },
	{ "user show", "NAME|ID", "the whole resource", 1, 1, admin_show },
	{ "user list", "", "uid, state, id, name", 0, 0, admin_list },
	{ "user disable", "NAME|ID", "active: false", 1, 1, admin_able },
	{ "user enable", "NAME|ID", "active: true", 1, 1, admin_able },
	{ "user delete", "NAME|ID", "delete; the number is never given again", 1, 1, admin_delete },
	{ "group add", "NAME", "create a group", 1, 1, admin_add },
	{ "group show", "NAME|ID", "the whole resource", 1, 1, admin_show },
	{ "group list", "", "gid, id, name", 0, 0, admin_list },
	{ "group delete", "NAME|ID", "delete", 1, 1, admin_delete },
	{ "group member add", "GROUP USER…", "put users in", 2, 1000, admin_member },
	{ "group member remove", "GROUP USER…", "take users out", 2, 1000, admin_member },
	{ "audit", "[verify]", "every change as a JSON line, or a check of the chain", 0, 1,
	  admin_audit },
	{ "options", "", "every setting and its default, separated by a tab", 0, 0, admin_options },
	{ NULL, NULL, NULL, 0, 0, NULL },
};

static int admin_usage(FILE *to)
{
	(void)fputs("scim-directory [--config FILE] COMMAND …\n\n", to);
	for (const struct admin_command *c = admin_commands; c->words; c++)
		(void)fprintf(to, "  %s %s\n      %s\n", c->words, c->args, c->help);
	return to == stdout ? WIRE_EXIT_OK : WIRE_EXIT_USAGE;
}

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

static int admin_run(struct admin *a, int argc, char **argv)
{
	struct fail f = { "" };
	int n = 0, r;

	for (a->command = admin_commands; a->command->words; a->command++)
		if ((n = admin_words(a->command, argc, argv)))
			break;
	if (!a->command->words) {
		(void)fprintf(stderr, "scim-directory: unknown command%s%s; try --help\n",
			      argc ? " " : "", argc ? argv[0] : "");
		return WIRE_EXIT_USAGE;
	}
	a->args = argv + n;
	a->count = argc - n;
	if (a->count < a->command->least || a->count > a->command->most) {
		(void)fprintf(stderr, "scim-directory: %s %s\n", a->command->words,
			      a->command->args);
		return WIRE_EXIT_USAGE;
	}
	r = directory_conf_load(a->config, &a->conf, &f);
	if (r < 0) {
		(void)fprintf(stderr, "%s\n", f.text[0] ? f.text : fail_word(r));
		return WIRE_EXIT_FAILED;
	}
	return a->command->run(a);
}

int admin_main(int argc, char **argv)
{
	static const struct option options[] = { { "config", required_argument, NULL, 'c' },
						 { "name", required_argument, NULL, 'n' },
						 { "scope", required_argument, NULL, 's' },
						 { "expires", required_argument, NULL, 'e' },
						 { "help", no_argument, NULL, 'h' },
						 { "version", no_argument, NULL, 'v' },
						 { NULL, 0, NULL, 0 } };
	struct admin a = { 0 };
	const struct passwd *pw = getpwuid(getuid());
	int o, r;

	log_open(LOG_LEVEL_INFO);
	(void)snprintf(a.actor, sizeof(a.actor), "local: %.60s", pw ? pw->pw_name : "?");
	while ((o = getopt_long(argc, argv, "hv", options, NULL)) != -1) {
		if (o == 'c')
			a.config = optarg;
		else if (o == 'n')
			a.name = optarg;
		else if (o == 's')
			a.scope = optarg;
		else if (o == 'e')
			a.expires = optarg;
		else if (o == 'h')
			return admin_usage(stdout);
		else if (o == 'v')
			return puts("scim-directory " PACKAGE_VERSION) < 0;
		else
			return WIRE_EXIT_USAGE;
	}
	if (optind == argc)
		return admin_usage(stderr);
	r = admin_run(&a, argc - optind, argv + optind);
	store_close(a.store);
	directory_conf_free(a.conf);
	buf_free(&a.out);
	return r;
}
