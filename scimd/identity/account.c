// SPDX-License-Identifier: MIT
//
// The accounts that are served, tombstones among them; see internal.h.
#include "scimd/identity/internal.h"
#include "scimd/identity/text.h"
#include <errno.h>
#include <scimd/account.h>
#include <stdlib.h>
#include <string.h>

#define NOLOGIN "/usr/sbin/nologin"

static bool resolve_field(const struct resolver *rv, const struct candidate *c, uint8_t tag,
			  struct field *f)
{
	const struct identity_resource *r = &rv->in->resources[c->resource];

	return resource_find(r->bytes, r->len, tag, f) == 1;
}

static void resolve_texts(struct resolver *rv, struct candidate *c, struct account *ac)
{
	const struct identity_rules *rules = rv->in->rules;
	struct arena *a = &rv->out->arena;
	struct field f;

	ac->gecos = "";
	if (resolve_field(rv, c, FIELD_GECOS, &f)) {
		if (text_gecos_ok(f.text, f.len))
			ac->gecos = arena_strn(a, f.text, f.len);
		else
			resolver_refuse(rv, c, true, "gecos",
					"user \"%s\": the full name has bytes that no "
					"passwd line can hold; left empty",
					c->shown);
	}
	ac->home = NULL;
	if (resolve_field(rv, c, FIELD_HOME, &f)) {
		if (text_home_ok(f.text, f.len))
			ac->home = arena_strn(a, f.text, f.len);
		else
			resolver_refuse(rv, c, true, "home",
					"user \"%s\": the home directory is no acceptable "
					"path; the template is used",
					c->shown);
	}
	if (!ac->home)
		ac->home = text_home(a, rules->home, ac->name, ac->uid);
	ac->shell = rules->shell;
	if (resolve_field(rv, c, FIELD_SHELL, &f)) {
		ac->shell = NOLOGIN;
		if (text_shell_ok(f.text, f.len))
			ac->shell = arena_strn(a, f.text, f.len);
		else
			resolver_refuse(rv, c, true, "shell",
					"user \"%s\": the login shell is no acceptable path; "
					"nologin is used",
					c->shown);
	}
	if (!ac->gecos || !ac->home || !ac->shell)
		rv->short_of_memory = true;
}

static void resolve_keys(struct resolver *rv, struct candidate *c, struct account *ac)
{
	const struct identity_resource *r = &rv->in->resources[c->resource];
	const char **keys = NULL;
	uint32_t n = 0;
	struct field f;
	size_t pos = 0;

	while (resource_next(r->bytes, r->len, &pos, &f) == 1)
		n += f.tag == FIELD_SSH_KEY;
	if (!n)
		return;
	keys = arena_array(&rv->out->arena, n, sizeof(*keys));
	if (!keys) {
		rv->short_of_memory = true;
		return;
	}
	for (n = 0, pos = 0; resource_next(r->bytes, r->len, &pos, &f) == 1;) {
		const char *why, *key;

		if (f.tag != FIELD_SSH_KEY)
			continue;
		key = text_key(&rv->out->arena, f.text, f.len, &why);
		if (key)
			keys[n++] = key;
		else
			resolver_refuse(rv, c, true, "ssh-key",
					"user \"%s\": an SSH key %s; left out", c->shown, why);
	}
	ac->keys = keys;
	ac->key_count = n;
}

static void resolve_leaver(struct resolver *rv, struct account *ac)
{
	ac->passwd = "!";
	ac->shell = NOLOGIN;
	ac->keys = NULL;
	ac->key_count = 0;
	ac->groups = NULL;
	ac->group_count = 0;
	ac->verdict = VERDICT_DENY;
	ac->rule = RULE_STATE;
	ac->no_nss = rv->in->rules->leaver_hide;
}

static struct account *resolve_account(struct resolver *rv, struct candidate *c)
{
	struct account *ac = &rv->out->accounts[rv->out->account_count];

	*ac = (struct account){ .resource = c->resource,
				.ledger = c->ledger,
				.source = c->source,
				.id = c->id,
				.passwd = "*",
				.uid = c->uid,
				.gid = c->gid,
				.state = c->state,
				.private_group = c->private_group };
	ac->name = arena_str(&rv->out->arena, c->name);
	if (!ac->name) {
		rv->short_of_memory = true;
		return ac;
	}
	resolve_texts(rv, c, ac);
	if (c->state == ACCOUNT_ACTIVE)
		resolve_keys(rv, c, ac);
	else
		resolve_leaver(rv, ac);
	rv->out->account_count++;
	return ac;
}

// What becomes of a person whose present records cannot be served: disabled where one
// of them says so, since that ends what they left running.
static uint8_t resolve_unserved(uint8_t before, uint8_t state)
{
	return before == ACCOUNT_DISABLED || state == ACCOUNT_DISABLED ? ACCOUNT_DISABLED
								       : ACCOUNT_REFUSED;
}

// People who are gone, or whose present record cannot be served: the number keeps
// a name, so that their files keep an owner, and the login is denied. unserved: for
// each entry of the ledger what it is now, 0 where there is no record.
static void resolve_tombstones(struct resolver *rv, const bool *alive, const uint8_t *unserved)
{
	struct table names = TABLE_INIT;

	for (uint32_t i = 0; i < rv->out->account_count; i++)
		if (table_put(&names, rv->out->accounts[i].name, strlen(rv->out->accounts[i].name),
			      i) < 0)
			rv->short_of_memory = true;
	for (uint32_t i = 0; i < rv->in->ledger_count && !rv->short_of_memory; i++) {
		const struct ledger_entry *l = &rv->in->ledger[i];
		struct account *ac = &rv->out->accounts[rv->out->account_count];
		size_t len = strlen(l->name);

		if (l->kind != RESOURCE_USER || alive[i] || judge_settled(rv, l) ||
		    table_get(&rv->local_uids, &l->uid, sizeof(l->uid)) != TABLE_NONE ||
		    account_id_reserved(l->uid))
			continue;
		*ac = (struct account){ .resource = UINT32_MAX,
					.ledger = i,
					.id = l->id,
					.gecos = "",
					.uid = l->uid,
					.gid = l->gid,
					.hidden = true,
					.state = unserved[i] ? unserved[i] : ACCOUNT_DELETED };
		ac->name = l->name;
		if (table_get(&names, l->name, len) != TABLE_NONE ||
		    table_get(&rv->local_users, l->name, len) != TABLE_NONE ||
		    table_get(&rv->local_groups, l->name, len) != TABLE_NONE)
			ac->name = arena_printf(&rv->out->arena, "%s~%u", l->name, l->uid);
		ac->home =
			ac->name ? text_home(&rv->out->arena, rv->in->rules->home, l->name, l->uid)
				 : NULL;
		if (!ac->home || table_put(&names, ac->name, strlen(ac->name), i) < 0) {
			rv->short_of_memory = true;
			break;
		}
		resolve_leaver(rv, ac);
		rv->out->account_count++;
	}
	table_free(&names);
}

static int resolve_by_uid(const void *x, const void *y)
{
	const struct account *a = x, *b = y;

	return (a->uid > b->uid) - (a->uid < b->uid);
}

int resolve_accounts(struct resolver *rv)
{
	size_t n = rv->in->resource_count + rv->in->ledger_count + 1;
	bool *alive = calloc(rv->in->ledger_count + 1, sizeof(*alive));
	uint8_t *unserved = calloc(rv->in->ledger_count + 1, sizeof(*unserved));
	struct resolved *out = rv->out;

	out->accounts = arena_array(&out->arena, n, sizeof(*out->accounts));
	if (!out->accounts || !alive || !unserved || n > UINT32_MAX / 2) {
		free(alive);
		free(unserved);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < rv->in->resource_count; i++) {
		struct candidate *c = &rv->c[i];

		if (c->ledger != UINT32_MAX)
			unserved[c->ledger] = resolve_unserved(unserved[c->ledger], c->state);
		if (c->kind != RESOURCE_USER || c->refused)
			continue;
		if (c->ledger != UINT32_MAX)
			alive[c->ledger] = true;
		(void)resolve_account(rv, c);
	}
	resolve_tombstones(rv, alive, unserved);
	free(alive);
	free(unserved);
	qsort(out->accounts, out->account_count, sizeof(*out->accounts), resolve_by_uid);
	for (uint32_t i = 0; i < out->account_count; i++)
		if (out->accounts[i].resource != UINT32_MAX)
			rv->c[out->accounts[i].resource].account = i;
	return rv->short_of_memory ? -ENOMEM : 0;
}

// -------------------------------------------------------------------- groups
