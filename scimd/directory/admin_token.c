// SPDX-License-Identifier: MIT
//
// `token create`, `token list`, `token revoke`.
#include "scimd/base/clock.h"
#include "scimd/directory/admin_internal.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

static const char *token_word(const struct token *k)
{
	return k->scope == TOKEN_WRITE ? "write" : "read";
}

static int token_json(struct buf *out, const struct token *k, const char *secret)
{
	const struct {
		const char *key;
		int64_t at;
	} times[] = { { "created", k->created }, { "expires", k->expires }, { "used", k->used } };
	struct json_object *o = json_object_new_object();
	char text[CLOCK_TEXT];
	int r = o ? 0 : -ENOMEM;

	if (r == 0 && k->id[0])
		r = admin_put_text(o, "id", k->id);
	if (r == 0)
		r = admin_put_text(o, "name", k->name);
	if (r == 0)
		r = admin_put_text(o, "scope", token_word(k));
	for (size_t i = 0; r == 0 && i < 3; i++)
		if (times[i].at)
			r = admin_put_text(o, times[i].key, clock_format(text, times[i].at));
	if (r == 0)
		r = admin_put_text(o, "secret", secret);
	if (r == 0)
		r = admin_json_line(out, o);
	json_object_put(o);
	return r;
}

static int token_new(struct store_txn *t, void *arg, struct fail *f)
{
	struct admin *a = arg;
	const char *text = a->option[ADMIN_EXPIRES];
	bool write = strcmp(a->option[ADMIN_SCOPE], "write") == 0;
	int64_t expires = 0;
	uint64_t span;

	if (text && clock_span(text, &span) == 0)
		expires = clock_wall() + (int64_t)span * 1000;
	else if (text && clock_parse(text, strlen(text), &expires) < 0)
		return fail(f, EINVAL,
			    "--expires \"%.80s\" is neither a span (90d) nor a time "
			    "(2027-01-31T00:00:00Z)",
			    text);
	return token_create(t, a->actor, a->option[ADMIN_NAME], write ? TOKEN_WRITE : TOKEN_READ,
			    expires, a->secret, f);
}

int admin_token_create(struct admin *a)
{
	const char *scope = a->option[ADMIN_SCOPE];
	struct token k = { 0 };
	int r;

	if (!a->option[ADMIN_NAME] || !scope)
		return admin_wrong(a, "--name and --scope are needed");
	if (strcmp(scope, "read") != 0 && strcmp(scope, "write") != 0)
		return admin_wrong(a, "--scope is read or write");
	r = admin_apply(a, token_new);
	if (r == 0 && a->option[ADMIN_JSON]) {
		(void)snprintf(k.name, sizeof(k.name), "%s", a->option[ADMIN_NAME]);
		k.scope = strcmp(scope, "write") == 0 ? TOKEN_WRITE : TOKEN_READ;
		a->out.secret = true;
		if (token_json(&a->out, &k, a->secret) < 0)
			r = WIRE_EXIT_FAILED;
		(void)fputs(buf_text(&a->out), stdout);
	} else if (r == 0) {
		(void)puts(a->secret);
	}
	explicit_bzero(a->secret, sizeof(a->secret));
	return r;
}

struct token_rows {
	struct admin *a;
	struct columns *table;
};

static int token_row(void *arg, const struct token *k)
{
	struct token_rows *rows = arg;
	char created[CLOCK_TEXT], expires[CLOCK_TEXT], used[CLOCK_TEXT];
	const char *cells[] = { k->id,
				k->name,
				token_word(k),
				clock_format(created, k->created),
				k->expires ? clock_format(expires, k->expires) : "never",
				k->used ? clock_format(used, k->used) : "never" };

	if (rows->a->option[ADMIN_JSON])
		return token_json(&rows->a->out, k, NULL);
	return columns_row(rows->table, cells) < 0 ? -ENOMEM : 0;
}

static int token_rows(struct admin *a, struct store_txn *t, struct fail *f)
{
	static const char *const names[] = { "ID",      "NAME",    "SCOPE",
					     "CREATED", "EXPIRES", "LAST USED" };
	struct token_rows rows = { .a = a };
	int r;

	(void)f;
	if (!a->option[ADMIN_JSON])
		rows.table = columns_new(a->option[ADMIN_NO_LEGEND], names, 6);
	r = token_each(t, token_row, &rows);
	columns_print(rows.table);
	return r;
}

int admin_token_list(struct admin *a)
{
	return admin_look(a, token_rows);
}

static int token_drop(struct store_txn *t, void *arg, struct fail *f)
{
	struct admin *a = arg;
	unsigned int n;
	int r = token_revoke(t, a->actor, a->args[0], &n);

	return r == -ENOENT ? fail(f, ENOENT, "there is no token \"%.80s\"", a->args[0]) : r;
}

int admin_token_revoke(struct admin *a)
{
	return admin_apply(a, token_drop);
}
