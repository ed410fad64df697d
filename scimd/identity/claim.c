// SPDX-License-Identifier: MIT
//
// Who gets a name and a number when several want it. Candidates are walked in one
// fixed order, whatever order the answers had: those who bear the name already,
// those with a ledger entry, given numbers before hashed ones, users before
// groups, sections as configured, the oldest, the smallest id. Each takes all it
// needs or nothing.
#include "scimd/identity/internal.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct claims {
	struct table users, groups;        // name → resource
	struct table uids, gids;           // number → resource
	struct table kept_uids, kept_gids; // number → ledger index: for ever
};

static int claim_order(const void *x, const void *y)
{
	const struct candidate *a = *(const struct candidate *const *)x;
	const struct candidate *b = *(const struct candidate *const *)y;

	if (a->incumbent != b->incumbent)
		return a->incumbent ? -1 : 1;
	if ((a->ledger == UINT32_MAX) != (b->ledger == UINT32_MAX))
		return a->ledger != UINT32_MAX ? -1 : 1;
	if (a->given != b->given)
		return a->given ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind == RESOURCE_USER ? -1 : 1;
	if (a->source != b->source)
		return a->source < b->source ? -1 : 1;
	if (a->created != b->created)
		return a->created < b->created ? -1 : 1;
	return strcmp(a->id, b->id);
}

// Two groups of one directory with the same name: neither, for nobody could say
// which one a rule means.
static int claim_twins(struct resolver *rv)
{
	struct table names = TABLE_INIT;
	int r = 0;

	for (uint32_t i = 0; i < rv->in->resource_count && r == 0; i++) {
		struct candidate *c = &rv->c[i];
		char *key;
		uint32_t other;

		if (c->kind != RESOURCE_GROUP || !c->name[0])
			continue;
		key = arena_printf(&rv->out->arena, "%u %s", c->source, c->name);
		if (!key) {
			r = -ENOMEM;
			break;
		}
		other = table_get(&names, key, strlen(key));
		if (other == TABLE_NONE) {
			r = table_put(&names, key, strlen(key), i);
			continue;
		}
		for (int k = 0; k < 2; k++) {
			struct candidate *one = k ? c : &rv->c[other];

			if (!one->refused)
				resolver_refuse(rv, one, false, "twin",
						"group \"%s\" (id %s): two groups of the directory "
						"have this name; "
						"neither is served; rename one",
						one->shown, one->id);
			one->refused = true;
		}
	}
	table_free(&names);
	return r;
}

static bool claim_taken(struct resolver *rv, struct claims *cl, struct candidate *c)
{
	bool user = c->kind == RESOURCE_USER, group = !user || c->private_group;
	size_t len = strlen(c->name);
	const struct candidate *holder = NULL;
	uint32_t by = TABLE_NONE, kept;

	kept = user ? table_get(&cl->kept_uids, &c->uid, sizeof(c->uid)) : TABLE_NONE;
	if (group && (kept == TABLE_NONE || kept == c->ledger))
		kept = table_get(&cl->kept_gids, &c->gid, sizeof(c->gid));
	if (kept != TABLE_NONE && kept != c->ledger) {
		resolver_refuse(
			rv, c, false, "id-kept",
			"%s \"%s\": number %u belongs to \"%s\" (id %s) and is never given to "
			"another; %s",
			user ? "user" : "group", c->shown, user ? c->uid : c->gid,
			rv->in->ledger[kept].name, rv->in->ledger[kept].id,
			c->given ? "correct it in the directory"
				 : "map uidNumber, or use scim-directory, which hands numbers out");
		return true;
	}
	if (user)
		by = table_get(&cl->users, c->name, len);
	if (by == TABLE_NONE && group)
		by = table_get(&cl->groups, c->name, len);
	if (by != TABLE_NONE) {
		holder = &rv->c[by];
		resolver_refuse(
			rv, c, false, "name-taken",
			"%s \"%s\" (id %s): the name \"%s\" is taken by the %s %s with id %s",
			user ? "user" : "group", c->shown, c->id, c->name,
			holder->kind == RESOURCE_USER ? "user" : "group", holder->shown,
			holder->id);
		return true;
	}
	if (user)
		by = table_get(&cl->uids, &c->uid, sizeof(c->uid));
	if (by == TABLE_NONE && group)
		by = table_get(&cl->gids, &c->gid, sizeof(c->gid));
	if (by == TABLE_NONE)
		return false;
	holder = &rv->c[by];
	resolver_refuse(rv, c, false, "id-taken",
			"%s \"%s\" (id %s): number %u is taken by the %s \"%s\" with id %s; %s",
			user ? "user" : "group", c->shown, c->id, user ? c->uid : c->gid,
			holder->kind == RESOURCE_USER ? "user" : "group", holder->shown, holder->id,
			c->given ? "correct it in the directory"
				 : "map uidNumber, or use scim-directory, which hands numbers out");
	return true;
}

static int claim_take(struct claims *cl, struct candidate *c)
{
	bool user = c->kind == RESOURCE_USER, group = !user || c->private_group;
	size_t len = strlen(c->name);
	int r = 0;

	if (user) {
		r = table_put(&cl->users, c->name, len, c->resource);
		if (r == 0)
			r = table_put(&cl->uids, &c->uid, sizeof(c->uid), c->resource);
	}
	if (group && r == 0) {
		r = table_put(&cl->groups, c->name, len, c->resource);
		if (r == 0)
			r = table_put(&cl->gids, &c->gid, sizeof(c->gid), c->resource);
	}
	return r;
}

static int claim_kept(struct resolver *rv, struct claims *cl)
{
	int r = 0;

	for (uint32_t i = 0; i < rv->in->ledger_count && r == 0; i++) {
		const struct ledger_entry *l = &rv->in->ledger[i];

		if (judge_settled(rv, l))
			continue;
		if (l->kind == RESOURCE_USER)
			r = table_put(&cl->kept_uids, &l->uid, sizeof(l->uid), i);
		if (r == 0 && (l->kind == RESOURCE_GROUP || l->gid == l->uid))
			r = table_put(&cl->kept_gids, &l->gid, sizeof(l->gid), i);
	}
	return r;
}

int claim_all(struct resolver *rv)
{
	struct candidate **order = calloc(rv->in->resource_count + 1, sizeof(*order));
	struct claims cl = { 0 };
	size_t n = 0;
	int r = order ? claim_twins(rv) : -ENOMEM;

	if (r == 0)
		r = claim_kept(rv, &cl);
	for (uint32_t i = 0; i < rv->in->resource_count && r == 0; i++)
		if (!rv->c[i].refused)
			order[n++] = &rv->c[i];
	if (r == 0)
		qsort(order, n, sizeof(*order), claim_order);
	for (size_t i = 0; i < n && r == 0; i++) {
		if (claim_taken(rv, &cl, order[i]))
			order[i]->refused = true;
		else
			r = claim_take(&cl, order[i]);
	}
	table_free(&cl.users);
	table_free(&cl.groups);
	table_free(&cl.uids);
	table_free(&cl.gids);
	table_free(&cl.kept_uids);
	table_free(&cl.kept_gids);
	free(order);
	return rv->short_of_memory ? -ENOMEM : r;
}
