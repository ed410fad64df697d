// SPDX-License-Identifier: MIT
//
// Who is in which group, nested ones flattened: breadth first from every group,
// at most 64 levels deep, every subgroup once. Groups that are not served count
// too: an access rule may name them.
#include "scimd/identity/member.h"
#include "scimd/base/table.h"
#include "scimd/scim/text.h"
#include <errno.h>
#include <scimd/account.h>
#include <stdlib.h>
#include <string.h>

#define MEMBER_DEPTH 64

struct walk {
	struct resolver *rv;
	struct table *ids; // per source and kind: SCIM id → resource
	uint32_t *stamp;   // per resource: last group that saw it
	uint32_t *queue, *level;
	uint32_t round;
};

static int member_ids(struct walk *w)
{
	struct resolver *rv = w->rv;
	int r = 0;

	for (uint32_t i = 0; i < rv->in->resource_count && r == 0; i++) {
		const struct candidate *c = &rv->c[i];

		r = table_put(&w->ids[c->source * 2 + (c->kind == RESOURCE_GROUP)], c->id,
			      strlen(c->id), i);
	}
	return r;
}

// A member of unknown type is a user, or else a group.
static uint32_t member_find(const struct walk *w, uint32_t source, const struct field *f)
{
	uint32_t i = TABLE_NONE;

	if (f->tag == FIELD_MEMBER)
		i = table_get(&w->ids[source * 2], f->text, f->len);
	if (i == TABLE_NONE)
		i = table_get(&w->ids[source * 2 + 1], f->text, f->len);
	return i;
}

// Calls give for every user below a group, each once.
static int member_walk(struct walk *w, uint32_t group,
		       int (*give)(void *arg, uint32_t group, uint32_t user), void *arg)
{
	uint32_t head = 0, tail = 0;

	w->round++;
	w->queue[tail] = group;
	w->level[tail++] = 0;
	w->stamp[group] = w->round;
	while (head < tail) {
		const struct identity_resource *res = &w->rv->in->resources[w->queue[head]];
		uint32_t level = w->level[head++];
		struct field f;
		size_t pos = 0;

		while (resource_next(res->bytes, res->len, &pos, &f) == 1) {
			uint32_t i;
			int r;

			if (f.tag != FIELD_MEMBER && f.tag != FIELD_MEMBER_GROUP)
				continue;
			i = member_find(w, res->source, &f);
			if (i == TABLE_NONE || w->stamp[i] == w->round)
				continue;
			w->stamp[i] = w->round;
			if (w->rv->c[i].kind == RESOURCE_USER) {
				r = give(arg, group, i);
				if (r < 0)
					return r;
			} else if (level < MEMBER_DEPTH) {
				w->queue[tail] = i;
				w->level[tail++] = level + 1;
			}
		}
	}
	return 0;
}

static int member_count(void *arg, uint32_t group, uint32_t user)
{
	struct memberships *m = arg;

	m->group_count[group]++;
	m->user_at[user + 1]++;
	m->total++;
	return 0;
}

static int member_fill(void *arg, uint32_t group, uint32_t user)
{
	struct memberships *m = arg;

	m->user_groups[m->user_fill[user]++] = group;
	return 0;
}

static int member_shadow(struct resolver *rv, uint8_t tag, bool *out)
{
	struct table seen = TABLE_INIT;
	struct arena a = ARENA_INIT;
	int r = 0;

	for (uint32_t i = 0; i < rv->in->resource_count && r == 0; i++) {
		const struct identity_resource *res = &rv->in->resources[i];
		struct field f;
		char *key, *folded;
		uint32_t other;

		if (res->kind != RESOURCE_GROUP ||
		    resource_find(res->bytes, res->len, tag, &f) != 1)
			continue;
		key = arena_strn(&a, f.text, f.len);
		if (key && tag == FIELD_DISPLAY) { // as a filter compares it
			folded = scim_text_fold(key);
			if (folded)
				key = arena_str(&a, folded);
			free(folded);
		}
		if (!key) {
			r = -ENOMEM;
			break;
		}
		other = table_get(&seen, key, strlen(key));
		if (other != TABLE_NONE) {
			uint32_t source = rv->in->resources[other].source;

			out[i] = res->source >= source;
			out[other] |= res->source <= source;
		}
		if (other == TABLE_NONE || !out[i])
			r = table_put(&seen, key, strlen(key), i);
	}
	table_free(&seen);
	arena_free(&a);
	return r;
}

int memberships_make(struct resolver *rv, struct memberships *m)
{
	size_t n = rv->in->resource_count + 1;
	struct walk w = { .rv = rv };
	int r = -ENOMEM;

	*m = (struct memberships){ 0 };
	w.ids = calloc(rv->in->source_count * 2 + 2, sizeof(*w.ids));
	w.stamp = calloc(n, sizeof(*w.stamp));
	w.queue = calloc(n, sizeof(*w.queue));
	w.level = calloc(n, sizeof(*w.level));
	m->group_count = calloc(n, sizeof(*m->group_count));
	m->user_at = calloc(n + 1, sizeof(*m->user_at));
	m->user_fill = calloc(n + 1, sizeof(*m->user_fill));
	m->nameless = calloc(n, sizeof(*m->nameless));
	m->idless = calloc(n, sizeof(*m->idless));
	if (!w.ids || !w.stamp || !w.queue || !w.level || !m->group_count || !m->user_at ||
	    !m->user_fill || !m->nameless || !m->idless)
		goto out;
	r = member_ids(&w);
	if (r == 0)
		r = member_shadow(rv, FIELD_DISPLAY, m->nameless);
	if (r == 0)
		r = member_shadow(rv, FIELD_ID, m->idless);
	for (uint32_t i = 0; i < rv->in->resource_count && r == 0; i++)
		if (rv->c[i].kind == RESOURCE_GROUP)
			r = member_walk(&w, i, member_count, m);
	for (size_t i = 0; i < n; i++) {
		m->user_at[i + 1] += m->user_at[i];
		m->user_fill[i] = m->user_at[i];
	}
	m->user_groups = calloc(m->total + 1, sizeof(*m->user_groups));
	if (r == 0 && !m->user_groups)
		r = -ENOMEM;
	for (uint32_t i = 0; i < rv->in->resource_count && r == 0; i++)
		if (rv->c[i].kind == RESOURCE_GROUP)
			r = member_walk(&w, i, member_fill, m);
out:
	for (size_t i = 0; w.ids && i < rv->in->source_count * 2 + 2; i++)
		table_free(&w.ids[i]);
	free(w.ids);
	free(w.stamp);
	free(w.queue);
	free(w.level);
	return r;
}

void memberships_free(struct memberships *m)
{
	free(m->group_count);
	free(m->user_at);
	free(m->user_fill);
	free(m->user_groups);
	free(m->nameless);
	free(m->idless);
}
