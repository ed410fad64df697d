// SPDX-License-Identifier: MIT
//
// The brake and the fingerprint; see brake.h.
#include "scimd/agent/brake.h"
#include "scimd/agent/config.h"
#include "scimd/agent/stage.h"
#include "scimd/base/buf.h"
#include "scimd/base/clock.h"
#include "scimd/scim/resource.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct brake_count {
	uint64_t had, gone;
};

static bool brake_over(struct brake_count c, uint64_t least, uint64_t percent)
{
	uint64_t limit = c.had * percent / 100;

	return c.gone > (limit > least ? limit : least);
}

bool brake_removals(uint64_t had, uint64_t gone)
{
	return brake_over((struct brake_count){ had, gone }, 5, 5);
}

// Whoever was inactive already: nobody loses anything when they go, and a directory may
// list them or not.
static bool brake_inactive(const struct plan_item *it)
{
	return it->kind == RESOURCE_USER && !resource_active(it->old_bytes, it->old_len);
}

// The next member field, or an empty one at the end.
static bool brake_member(const void *bytes, size_t len, size_t *pos, struct field *f)
{
	while (resource_next(bytes, len, pos, f) == 1)
		if (f->tag == FIELD_MEMBER || f->tag == FIELD_MEMBER_GROUP)
			return true;
	return false;
}

static int brake_order(const struct field *a, const struct field *b)
{
	size_t n = a->len < b->len ? a->len : b->len;
	int c = a->tag != b->tag ? (int)a->tag - (int)b->tag : memcmp(a->text, b->text, n);

	return c ? c : (a->len > b->len) - (a->len < b->len);
}

// Members in the old bytes that are not in the new ones (both sorted).
static struct brake_count brake_lost(const struct plan_item *it)
{
	struct brake_count c = { 0 };
	struct field was, is;
	size_t p = 0, q = 0;
	bool have = it->what != '-' && brake_member(it->bytes, it->len, &q, &is);

	while (brake_member(it->old_bytes, it->old_len, &p, &was)) {
		int order = 1;

		c.had++;
		while (have && (order = brake_order(&is, &was)) < 0)
			have = brake_member(it->bytes, it->len, &q, &is);
		if (!have || order != 0)
			c.gone++;
	}
	return c;
}

static const char *brake_name(struct arena *a, const struct plan_item *it)
{
	const void *bytes = it->old_bytes ? it->old_bytes : it->bytes;
	size_t len = it->old_bytes ? it->old_len : it->len;
	struct field f;

	if (resource_find(bytes, len, FIELD_USER_NAME, &f) != 1 &&
	    resource_find(bytes, len, FIELD_DISPLAY, &f) != 1)
		return it->id;
	return arena_strn(a, f.text, f.len);
}

static int brake_hold(struct plan *p, uint32_t source, bool removals, bool memberships,
		      struct job_held *held, struct arena *a)
{
	size_t n = 0;

	for (size_t i = 0; i < p->count; i++)
		n += p->items[i].source == source && p->items[i].what == '-';
	held->users = arena_array(a, n + 1, sizeof(*held->users));
	held->groups = arena_array(a, n + 1, sizeof(*held->groups));
	if (!held->users || !held->groups)
		return -ENOMEM;
	for (size_t i = 0; i < p->count; i++) {
		struct plan_item *it = &p->items[i];
		uint64_t lost;

		if (it->source != source || (it->what != '-' && it->what != '~'))
			continue;
		lost = it->kind == RESOURCE_GROUP ? brake_lost(it).gone : 0;
		if (it->what == '-' ? !removals && !(memberships && lost) : !(memberships && lost))
			continue;
		held->memberships += lost;
		if (it->what == '-') {
			const char *name = brake_name(a, it);

			if (!name)
				return -ENOMEM;
			if (it->kind == RESOURCE_USER)
				held->users[held->user_count++] = name;
			else
				held->groups[held->group_count++] = name;
		}
		it->what = '=';
		it->held = true;
		it->bytes = it->old_bytes;
		it->len = it->old_len;
	}
	return 0;
}

struct brake_old {
	bool active;
	int64_t created;
	const char *id;
};

static int brake_older(const void *x, const void *y)
{
	const struct brake_old *a = x, *b = y;

	if (a->active != b->active)
		return a->active ? -1 : 1;
	if (a->created != b->created)
		return a->created < b->created ? -1 : 1;
	return strcmp(a->id, b->id);
}

// The 64 oldest ids of the users that would be there, the active ones first, a line each.
static int brake_fingerprint(const struct job_input *in, struct plan *p, uint32_t source)
{
	struct brake_old *all = NULL;
	struct buf b = BUF_INIT;
	size_t n = 0;
	int r = 0;

	all = calloc(p->count ? p->count : 1, sizeof(*all));
	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < p->count; i++) {
		const struct plan_item *it = &p->items[i];
		struct field f;

		if (it->source != source || it->kind != RESOURCE_USER || it->what == '-')
			continue;
		all[n].active = resource_active(it->bytes, it->len);
		all[n].created = CLOCK_NONE;
		all[n].id = it->id;
		if (resource_find(it->bytes, it->len, FIELD_CREATED, &f) == 1)
			(void)clock_parse(f.text, f.len, &all[n].created);
		n++;
	}
	qsort(all, n, sizeof(*all), brake_older);
	(void)in;
	for (size_t i = 0; i < n && i < PLAN_FINGERPRINT && r == 0; i++)
		r = buf_printf(&b, "%s\n", all[i].id);
	if (r == 0 && n)
		p->fingerprints[source] = arena_str(&p->arena, b.data);
	buf_free(&b);
	free(all);
	return r;
}

static int brake_by_id(const void *x, const void *y)
{
	return strcmp(*(char *const *)x, *(char *const *)y);
}

// Of the remembered ids, n of them, those whom the store still has as active: who was taken
// away or disabled one by one since does not make it another directory.
static size_t brake_still(const struct plan *p, uint32_t source, char **ids, size_t n)
{
	size_t kept = 0;

	qsort(ids, n, sizeof(*ids), brake_by_id);
	for (size_t i = 0; i < p->count; i++) {
		const struct plan_item *it = &p->items[i];
		char **at;

		if (it->source != source || it->kind != RESOURCE_USER || it->what == '+' ||
		    brake_inactive(it))
			continue;
		at = bsearch(&it->id, ids + kept, n - kept, sizeof(*ids), brake_by_id);
		if (at) { // to the front; what was before it moves up, so that the rest stays sorted
			char *id = *at;

			memmove(ids + kept + 1, ids + kept,
				(size_t)(at - (ids + kept)) * sizeof(*ids));
			ids[kept++] = id;
		}
	}
	return kept;
}

// Whether fewer than half of the remembered ids are in the complete answer.
static int brake_other(const struct plan *p, uint32_t source, const struct stage *st,
		       struct store_txn *view, bool *other_out, char **stored_out, struct arena *a)
{
	char *ids[PLAN_FINGERPRINT];
	char key[96];
	const void *data;
	size_t len, known = 0, there = 0;
	int n = snprintf(key, sizeof(key), "fingerprint/%s", st->source);
	char *text, *save = NULL;
	int r;

	*other_out = false;
	*stored_out = NULL;
	if (n < 0 || (size_t)n >= sizeof(key))
		return -ENAMETOOLONG;
	r = store_state_get(view, key, &data, &len);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	*stored_out = arena_strn(a, data, len);
	text = arena_strn(a, data, len);
	if (!text || !*stored_out)
		return -ENOMEM;
	for (char *id = strtok_r(text, "\n", &save); id && known < PLAN_FINGERPRINT;
	     id = strtok_r(NULL, "\n", &save))
		ids[known++] = id;
	known = brake_still(p, source, ids, known);
	for (size_t i = 0; i < known; i++) {
		uint32_t at = table_get(&st->users, ids[i], strlen(ids[i]));

		there += at != TABLE_NONE && !st->entries[at].unclear;
	}
	*other_out = there * 2 < known;
	return 0;
}

static void brake_drop_all(struct plan *p, uint32_t source)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->count; i++) {
		struct plan_item *it = &p->items[i];

		if (it->source == source && it->what == '+')
			continue;
		if (it->source == source && it->what != '=') {
			it->what = '=';
			it->bytes = it->old_bytes;
			it->len = it->old_len;
		}
		p->items[kept++] = *it;
	}
	p->count = kept;
}

static void brake_tally(const struct plan *p, uint32_t source, struct brake_count *users,
			struct brake_count *groups, struct brake_count *members)
{
	for (size_t i = 0; i < p->count; i++) {
		const struct plan_item *it = &p->items[i];
		struct brake_count *c = it->kind == RESOURCE_USER ? users : groups, lost;

		if (it->source != source || it->what == '+' || brake_inactive(it))
			continue;
		c->had++;
		c->gone += it->what == '-';
		if (it->kind != RESOURCE_GROUP)
			continue;
		lost = brake_lost(it);
		members->had += lost.had;
		members->gone += lost.gone;
	}
}

int brake_judge(const struct job_input *in, struct plan *p, uint32_t source, struct store_txn *view,
		struct job_held *held, struct arena *a, struct fail *f)
{
	const struct stage *st = in->stages[source];
	struct brake_count users = { 0 }, groups = { 0 }, members = { 0 };
	bool accepted = in->accept_directory && strcmp(in->accept_directory, st->source) == 0;
	bool other = false, removals, memberships;
	char *stored = NULL;
	int r = 0;

	held->source = st->source;
	if (!st->complete && !st->partial)
		return 0;
	if (st->complete) // a few ids say nothing of whose they are
		r = brake_other(p, source, st, view, &other, &stored, &p->arena);
	if (r < 0)
		return fail(f, -r, "directory \"%s\": its fingerprint cannot be read", st->source);
	if (other && !accepted) {
		brake_drop_all(p, source);
		held->reason = "another directory answers behind this URL: fewer than half of the "
			       "oldest users are in it; accept it with "
			       "`scimctl sync --accept-directory NAME` if that is intended";
		return 0;
	}
	brake_tally(p, source, &users, &groups, &members);
	removals = brake_removals(users.had, users.gone) || brake_removals(groups.had, groups.gone);
	memberships = brake_over(members, 50, 25);
	if ((removals || memberships) && !in->accept_removals && !(other && accepted)) {
		r = brake_hold(p, source, removals, memberships, held, a);
		held->reason =
			removals ? "more users or groups are missing than one sync may remove; if "
				   "that is intended: `scimctl sync --accept-removals`"
				 : "more memberships are missing than one sync may remove; if that "
				   "is "
				   "intended: `scimctl sync --accept-removals`";
	}
	if (r == 0 && st->complete)
		r = brake_fingerprint(in, p, source);
	if (r == 0 && stored && p->fingerprints[source] &&
	    strcmp(stored, p->fingerprints[source]) == 0)
		p->fingerprints[source] = NULL;
	return r < 0 ? fail(f, -r, "out of memory") : 0;
}
