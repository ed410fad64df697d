// SPDX-License-Identifier: MIT
//
// The groups that are served, and which of them a person is in; see internal.h.
#include "scimd/identity/internal.h"
#include "scimd/identity/member.h"
#include <errno.h>
#include <scimd/account.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool resolve_is_group(const struct resolver *rv, const struct memberships *m, uint32_t group,
			     const char *wanted)
{
	const struct identity_resource *r = &rv->in->resources[group];
	size_t len = strlen(wanted);
	struct field f;

	if (!m->idless[group] && strcmp(rv->c[group].id, wanted) == 0)
		return true;
	return !m->nameless[group] && resource_find(r->bytes, r->len, FIELD_DISPLAY, &f) == 1 &&
	       f.len == len && strncasecmp(f.text, wanted, len) == 0;
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

int resolve_user_groups(struct resolver *rv, const struct memberships *m, struct account *ac)
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
			if (resolve_is_group(rv, m, m->user_groups[i],
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

int resolve_groups(struct resolver *rv, const struct memberships *m)
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
