// SPDX-License-Identifier: MIT
//
// identity_resolve: judge, claim, then build what is served; see resolve.h.
#include "scimd/identity/resolve.h"
#include "scimd/base/fail.h"
#include "scimd/identity/internal.h"
#include "scimd/identity/member.h"
#include "scimd/identity/policy.h"
#include "scimd/identity/text.h"
#include <errno.h>
#include <scimd/account.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NOLOGIN "/usr/sbin/nologin"

void resolver_refuse(struct resolver *rv, struct candidate *c, bool warning, const char *code,
		     const char *fmt, ...)
{
	char text[1024];
	struct refusal *r;
	va_list ap;

	if (rv->out->refusal_count == rv->refusal_cap) {
		size_t cap = rv->refusal_cap ? rv->refusal_cap * 2 : 64;
		struct refusal *more = arena_array(&rv->out->arena, cap, sizeof(*more));

		if (!more || cap > UINT32_MAX / 2) {
			rv->short_of_memory = true;
			return;
		}
		if (rv->refusal_cap)
			memcpy(more, rv->out->refusals, rv->refusal_cap * sizeof(*more));
		rv->out->refusals = more;
		rv->refusal_cap = cap;
	}
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	r = &rv->out->refusals[rv->out->refusal_count];
	*r = (struct refusal){ c->resource, code, arena_str(&rv->out->arena, text), warning };
	if (!r->text)
		rv->short_of_memory = true;
	else
		rv->out->refusal_count++;
}

// ------------------------------------------------------------------ accounts

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

static int resolve_accounts(struct resolver *rv)
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

static bool resolve_is_group(const struct resolver *rv, uint32_t group, const char *wanted)
{
	const struct identity_resource *r = &rv->in->resources[group];
	size_t len = strlen(wanted);
	struct field f;

	if (strcmp(rv->c[group].id, wanted) == 0)
		return true;
	return resource_find(r->bytes, r->len, FIELD_DISPLAY, &f) == 1 && f.len == len &&
	       strncasecmp(f.text, wanted, len) == 0;
}

// The gid of a local group that the configuration maps a directory group onto.
static bool resolve_local(const struct resolver *rv, const struct local_group_rule *rule,
			  uint32_t *gid)
{
	uint32_t i = table_get(&rv->local_groups, rule->local, strlen(rule->local));

	if (i == TABLE_NONE)
		return false;
	*gid = rv->in->local->gids[i];
	return *gid != 0;
}

static int resolve_by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static int resolve_user_groups(struct resolver *rv, const struct memberships *m, struct account *ac)
{
	const struct identity_rules *rules = rv->in->rules;
	size_t at = m->user_at[ac->resource], end = m->user_at[ac->resource + 1], n = 0, kept = 0;
	uint32_t *gids = arena_array(&rv->out->arena, end - at + rules->local_group_count + 1,
				     sizeof(*gids));

	if (!gids)
		return -ENOMEM;
	for (size_t i = at; i < end; i++) {
		const struct candidate *g = &rv->c[m->user_groups[i]];

		if (!g->refused)
			gids[n++] = g->gid;
	}
	for (size_t k = 0; k < rules->local_group_count; k++) {
		uint32_t gid;

		for (size_t i = at; i < end; i++)
			if (resolve_is_group(rv, m->user_groups[i],
					     rules->local_groups[k].directory_group) &&
			    resolve_local(rv, &rules->local_groups[k], &gid)) {
				gids[n++] = gid;
				break;
			}
	}
	qsort(gids, n, sizeof(*gids), resolve_by_number);
	for (size_t i = 0; i < n && kept < ACCOUNT_GROUPS_MAX; i++)
		if (gids[i] != ac->gid && (kept == 0 || gids[kept - 1] != gids[i]))
			gids[kept++] = gids[i];
	ac->groups = gids;
	ac->group_count = (uint32_t)kept;
	rv->out->memberships += kept;
	return 0;
}

static int resolve_by_gid(const void *x, const void *y)
{
	const struct account_group *a = x, *b = y;

	return (a->gid > b->gid) - (a->gid < b->gid);
}

static int resolve_groups(struct resolver *rv, const struct memberships *m)
{
	struct resolved *out = rv->out;
	uint32_t *of = calloc(rv->in->resource_count + 1, sizeof(*of)); // resource → group + 1

	out->groups = arena_array(&out->arena, rv->in->resource_count + 1, sizeof(*out->groups));
	if (!of || !out->groups) {
		free(of);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < rv->in->resource_count; i++) {
		const struct candidate *c = &rv->c[i];
		struct account_group *g = &out->groups[out->group_count];

		if (c->kind != RESOURCE_GROUP || c->refused)
			continue;
		*g = (struct account_group){ .resource = i,
					     .ledger = c->ledger,
					     .source = c->source,
					     .id = c->id,
					     .name = arena_str(&out->arena, c->name),
					     .gid = c->gid };
		g->members = arena_array(&out->arena, (size_t)m->group_count[i] + 1,
					 sizeof(*g->members));
		if (!g->name || !g->members) {
			free(of);
			return -ENOMEM;
		}
		out->group_count++;
	}
	qsort(out->groups, out->group_count, sizeof(*out->groups), resolve_by_gid);
	for (uint32_t i = 0; i < out->group_count; i++)
		of[out->groups[i].resource] = i + 1;
	for (uint32_t i = 0; i < out->account_count; i++) {
		const struct account *ac = &out->accounts[i];

		if (ac->resource == UINT32_MAX || ac->state != ACCOUNT_ACTIVE)
			continue;
		for (size_t k = m->user_at[ac->resource]; k < m->user_at[ac->resource + 1]; k++) {
			struct account_group *g;

			if (!of[m->user_groups[k]])
				continue;
			g = &out->groups[of[m->user_groups[k]] - 1];
			g->total_members++;
			if (rv->in->rules->group_members == GROUP_MEMBERS_FULL)
				((uint32_t *)(uintptr_t)g->members)[g->member_count++] = i;
		}
	}
	free(of);
	return 0;
}

static int resolve_verdicts(struct resolver *rv, const struct memberships *m)
{
	struct resolved *out = rv->out;
	struct policy p;
	int r = policy_open(&p, rv, m);

	for (uint32_t i = 0; i < out->account_count && r == 0; i++) {
		struct account *ac = &out->accounts[i];

		if (ac->resource == UINT32_MAX || ac->state != ACCOUNT_ACTIVE)
			continue;
		r = resolve_user_groups(rv, m, ac);
		policy_judge(&p, &rv->c[ac->resource], &ac->verdict, &ac->rule);
		out->active_count++;
		out->allowed_count += ac->verdict != VERDICT_DENY;
	}
	policy_close(&p);
	return r;
}

static int resolve_refusal_order(const void *x, const void *y)
{
	const struct refusal *a = x, *b = y;
	int c;

	if (a->warning != b->warning)
		return a->warning ? 1 : -1;
	c = strcmp(a->text, b->text);
	return c ? c : strcmp(a->code, b->code);
}

int identity_resolve(const struct resolve_input *in, struct resolved *out, struct fail *f)
{
	struct resolver rv = { .in = in, .out = out };
	struct memberships m = { 0 };
	int r;

	*out = (struct resolved){ 0 };
	rv.c = calloc(in->resource_count + 1, sizeof(*rv.c));
	r = rv.c ? judge_all(&rv) : -ENOMEM;
	if (r == 0)
		r = claim_all(&rv);
	if (r == 0)
		r = resolve_accounts(&rv);
	if (r == 0)
		r = memberships_make(&rv, &m);
	if (r == 0)
		r = resolve_groups(&rv, &m);
	if (r == 0)
		r = resolve_verdicts(&rv, &m);
	if (r == 0 && rv.short_of_memory)
		r = -ENOMEM;
	if (out->refusal_count)
		qsort(out->refusals, out->refusal_count, sizeof(*out->refusals),
		      resolve_refusal_order);
	memberships_free(&m);
	table_free(&rv.ledger);
	table_free(&rv.restored);
	table_free(&rv.owned);
	table_free(&rv.local_users);
	table_free(&rv.local_groups);
	table_free(&rv.local_uids);
	table_free(&rv.local_gids);
	free(rv.c);
	return r < 0 ? fail(f, -r, "accounts: out of memory") : 0;
}
