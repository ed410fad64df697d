// SPDX-License-Identifier: MIT
//
// One directory's answers while they come in; see stage.h.
#include "scimd/agent/stage.h"
#include "scimd/agent/brake.h"
#include "scimd/base/clock.h"
#include "scimd/base/fail.h"
#include "scimd/client/listen.h"
#include "scimd/identity/map.h"
#include "scimd/scim/resource.h"
#include "scimd/store/store.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STAGE_ASK_MAX 100       // so many are asked for before the brake judges
#define STAGE_INACTIVE_MAX 1000 // those who are inactive: the brake has no word there
#define STAGE_PARTS 256         // of the store: what is looked through at a time

int stage_new(const char *source, const struct mapping *m, struct store *s, struct stage **out)
{
	struct stage *st = calloc(1, sizeof(*st));

	if (!st)
		return -ENOMEM;
	st->source = source;
	st->mapping = m;
	st->store = s;
	*out = st;
	return 0;
}

void stage_free(struct stage *st)
{
	if (!st)
		return;
	table_free(&st->users);
	table_free(&st->groups);
	buf_free(&st->scratch);
	free(st->entries);
	free(st->search);
	arena_free(&st->arena);
	free(st);
}

static struct table *stage_table(struct stage *st, uint8_t kind)
{
	return kind == RESOURCE_USER ? &st->users : &st->groups;
}

// The entry of an id, made if it is new. NULL: out of memory.
static struct stage_entry *stage_entry(struct stage *st, uint8_t kind, const char *id, size_t len)
{
	uint32_t i = table_get(stage_table(st, kind), id, len);
	struct stage_entry *e;
	char *copy;

	if (i != TABLE_NONE)
		return &st->entries[i];
	if (st->count == st->cap) {
		size_t cap = st->cap ? st->cap * 2 : 1024;
		struct stage_entry *more = reallocarray(st->entries, cap, sizeof(*more));

		if (!more)
			return NULL;
		st->entries = more;
		st->cap = cap;
	}
	copy = arena_strn(&st->arena, id, len);
	if (!copy || table_put(stage_table(st, kind), copy, len, (uint32_t)st->count) < 0)
		return NULL;
	e = &st->entries[st->count++];
	*e = (struct stage_entry){ .id = copy, .kind = kind, .modified = CLOCK_NONE };
	return e;
}

static bool stage_is_false(const struct field *f)
{
	return f->len == 5 && memcmp(f->text, "false", 5) == 0;
}

// Compares with the store; keeps the bytes only where they differ. Groups keep
// theirs until the end, because a ladder may still bring members.
static int stage_compare(struct stage *st, struct stage_entry *e, const void *bytes, size_t len)
{
	struct store_resource known;
	struct store_txn *view;
	int r = digest(e->digest, bytes, resource_stable(bytes, len));

	if (r == 0)
		r = store_view(st->store, &view, NULL);
	if (r < 0)
		return r;
	r = store_resource_get(view, st->source, e->kind, e->id, &known);
	e->known = r == 0;
	e->changed = r != 0 || memcmp(known.digest, e->digest, DIGEST_LEN) != 0;
	store_view_end(view);
	if (r < 0 && r != -ENOENT)
		return r;
	if (!e->changed && e->kind == RESOURCE_USER) {
		e->bytes = NULL;
		e->len = 0;
		return 0;
	}
	e->bytes = arena_bytes(&st->arena, bytes, len);
	e->len = len;
	return e->bytes ? 0 : -ENOMEM;
}

int stage_resource(struct stage *st, uint8_t kind, struct json_object *res)
{
	struct fail why = { "" };
	struct stage_entry *e;
	struct field f;
	uint8_t old[DIGEST_LEN];
	bool was_inactive, seen, again, off;
	int64_t modified;
	size_t before;
	int r;

	buf_clear(&st->scratch);
	r = map_resource(st->mapping, kind, res, &st->scratch, &why);
	if (r == -ENOMEM)
		return r;
	if (r < 0 || resource_find(st->scratch.data, st->scratch.len, FIELD_ID, &f) != 1) {
		if (st->refused++ == 0)
			(void)snprintf(st->first_refusal, sizeof(st->first_refusal), "%.200s",
				       why.text);
		return 0;
	}
	before = st->count;
	e = stage_entry(st, kind, f.text, f.len);
	if (!e)
		return -ENOMEM;
	seen = st->count == before;
	again = seen && e->turn == st->turns[kind];
	e->turn = st->turns[kind];
	memcpy(old, e->digest, sizeof(old));
	was_inactive = e->inactive;
	off = resource_find(st->scratch.data, st->scratch.len, FIELD_ACTIVE, &f) == 1 &&
	      stage_is_false(&f);
	e->inactive = was_inactive || off;
	if (resource_find(st->scratch.data, st->scratch.len, FIELD_MODIFIED, &f) != 1 ||
	    clock_parse(f.text, f.len, &modified) < 0)
		modified = CLOCK_NONE;
	// The date goes with the copy that says inactive: the newest of those, none is newest.
	if (off ? !was_inactive || modified > e->modified : !was_inactive)
		e->modified = modified;
	r = stage_compare(st, e, st->scratch.data, st->scratch.len);
	if (r < 0 || !again)
		return r;
	return memcmp(old, e->digest, sizeof(old)) == 0 ? 1 : 2;
}

void stage_anew(struct stage *st, uint8_t kind)
{
	st->turns[kind]++;
}

// Everybody of this source whom the store has and the stage has not.
enum stage_sort { STAGE_USERS, STAGE_GROUPS, STAGE_INACTIVE, STAGE_SORTS };

struct stage_list {
	struct listen_change *list;
	size_t n, cap;
};

struct stage_search {
	struct stage *st;
	bool groups, members; // asked for; some group has them
	unsigned int parts;   // that were looked through
	uint64_t had[STAGE_SORTS];
	struct stage_list lists[STAGE_SORTS];
};

static bool stage_has_members(const struct store_resource *r)
{
	struct field f;

	return resource_find(r->bytes, r->len, FIELD_MEMBER, &f) == 1 ||
	       resource_find(r->bytes, r->len, FIELD_MEMBER_GROUP, &f) == 1;
}

static int stage_miss(struct stage *st, struct stage_list *l, uint8_t kind, const char *id)
{
	struct listen_change *c;

	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 16;
		struct listen_change *more = arena_array(&st->arena, cap, sizeof(*more));

		if (!more)
			return -ENOMEM;
		if (l->n)
			memcpy(more, l->list, l->n * sizeof(*more));
		l->list = more;
		l->cap = cap;
	}
	c = &l->list[l->n++];
	*c = (struct listen_change){ .kind = kind, .gone = true, .id = arena_str(&st->arena, id) };
	return c->id ? 0 : -ENOMEM;
}

static int stage_search(void *arg, const struct store_resource *r)
{
	struct stage_search *s = arg;
	enum stage_sort sort = STAGE_GROUPS;
	uint32_t i;

	if (strcmp(r->source, s->st->source) != 0 || (r->kind == RESOURCE_GROUP && !s->groups))
		return 0;
	if (r->kind == RESOURCE_USER)
		sort = resource_active(r->bytes, r->len) ? STAGE_USERS : STAGE_INACTIVE;
	s->had[sort]++;
	if (sort == STAGE_GROUPS && !s->members)
		s->members = stage_has_members(r);
	i = table_get(stage_table(s->st, r->kind), r->id, strlen(r->id));
	if (i != TABLE_NONE && s->st->entries[i].turn == s->st->turns[r->kind])
		return 0;
	// Many directories list nobody who is disabled: those become more for ever.
	if (sort == STAGE_INACTIVE && s->lists[sort].n == STAGE_INACTIVE_MAX)
		return stage_keep(s->st, r->kind, r->id);
	return stage_miss(s->st, &s->lists[sort], r->kind, r->id);
}

static int stage_found(struct stage_search *s, bool accepted, struct stage_missing *out)
{
	size_t all = 0;

	for (size_t i = 0; i < STAGE_SORTS; i++)
		all += s->lists[i].n;
	*out = (struct stage_missing){ .users = s->lists[STAGE_USERS].n,
				       .groups = s->lists[STAGE_GROUPS].n,
				       .list = arena_array(&s->st->arena, all + 1,
							   sizeof(*out->list)),
				       .members = s->members };
	if (!out->list)
		return -ENOMEM;
	for (size_t i = 0; i < STAGE_SORTS; i++) {
		const struct stage_list *l = &s->lists[i];

		if (l->n == 0 || (i != STAGE_INACTIVE && l->n > STAGE_ASK_MAX && !accepted &&
				  brake_removals(s->had[i], l->n)))
			continue;
		memcpy(out->list + out->n, l->list, l->n * sizeof(*l->list));
		out->n += l->n;
	}
	return 0;
}

int stage_missing(struct stage *st, bool groups, bool accepted, struct stage_missing *out)
{
	struct store_txn *view;
	struct stage_search *s;
	int r;

	if (!st->search) {
		st->search = calloc(1, sizeof(*st->search));
		if (!st->search)
			return -ENOMEM;
		st->search->st = st;
		st->search->groups = groups;
	}
	s = st->search;
	r = store_view(st->store, &view, NULL);
	if (r < 0)
		return r;
	r = store_resource_part(view, (uint8_t)s->parts, stage_search, s);
	store_view_end(view);
	if (r < 0)
		return r;
	if (++s->parts < STAGE_PARTS)
		return 1;
	r = stage_found(s, accepted, out);
	free(s);
	st->search = NULL;
	return r;
}

static int stage_by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int stage_put_all(struct buf *out, uint8_t tag, const char *const *texts, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		if (i == 0 || strcmp(texts[i], texts[i - 1]) != 0)
			r = resource_put(out, tag, 0, texts[i], strlen(texts[i]));
	return r;
}

// Copies a group's fields, with other ones of that tag: sorted texts, each once.
static int stage_with(const struct stage_entry *e, uint8_t tag, const char *const *texts, size_t n,
		      struct buf *out)
{
	struct field f;
	size_t pos = 0;
	bool done = false;
	int r;

	while ((r = resource_next(e->bytes, e->len, &pos, &f)) == 1) {
		if (!done && f.tag > tag) {
			r = stage_put_all(out, tag, texts, n);
			done = true;
		}
		if (r >= 0 && f.tag != tag)
			r = resource_put(out, f.tag, f.via, f.text, f.len);
		if (r < 0)
			return r;
	}
	return r < 0 || done ? r : stage_put_all(out, tag, texts, n);
}

static int stage_group(struct stage *st, const char *group, uint8_t tag, const char *const *texts,
		       size_t n)
{
	uint32_t i = table_get(&st->groups, group, strlen(group));
	int r;

	if (i == TABLE_NONE)
		return 0;
	buf_clear(&st->scratch);
	r = stage_with(&st->entries[i], tag, texts, n, &st->scratch);
	if (r < 0)
		return r;
	return stage_compare(st, &st->entries[i], st->scratch.data, st->scratch.len);
}

int stage_members(struct stage *st, const char *group, const char *const *users, size_t n)
{
	const char **sorted = calloc(n ? n : 1, sizeof(*sorted));
	int r;

	if (!sorted)
		return -ENOMEM;
	if (n)
		memcpy(sorted, users, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), stage_by_text);
	r = stage_group(st, group, FIELD_MEMBER, sorted, n);
	free(sorted);
	return r;
}

// The texts of that tag in a record of the store, in the stage's arena; to be freed.
static const char **stage_texts(struct stage *st, const struct store_resource *known, uint8_t tag,
				size_t *n_out)
{
	const char **texts;
	size_t n = 0, pos = 0;
	struct field f;

	while (resource_next(known->bytes, known->len, &pos, &f) == 1)
		n += f.tag == tag;
	texts = calloc(n + 1, sizeof(*texts));
	*n_out = 0;
	for (pos = 0; texts && resource_next(known->bytes, known->len, &pos, &f) == 1;) {
		if (f.tag != tag)
			continue;
		texts[*n_out] = arena_strn(&st->arena, f.text, f.len);
		if (!texts[(*n_out)++]) {
			free(texts);
			return NULL;
		}
	}
	return texts;
}

int stage_members_stay(struct stage *st, const char *group)
{
	static const uint8_t tags[] = { FIELD_MEMBER, FIELD_MEMBER_GROUP };
	const char **texts[2] = { NULL, NULL };
	struct store_resource known;
	struct store_txn *view;
	size_t n[2];
	int r = store_view(st->store, &view, NULL);

	if (r < 0)
		return r;
	r = store_resource_get(view, st->source, RESOURCE_GROUP, group, &known);
	for (int i = 0; i < 2 && r == 0; i++) {
		texts[i] = stage_texts(st, &known, tags[i], &n[i]);
		r = texts[i] ? 0 : -ENOMEM;
	}
	store_view_end(view);
	for (int i = 0; i < 2 && r == 0; i++)
		r = stage_group(st, group, tags[i], texts[i], n[i]);
	free(texts[0]);
	free(texts[1]);
	return r == -ENOENT ? 0 : r; // it is new, and has none
}

int stage_refuse(struct stage *st, const char *group, const char *text)
{
	return stage_group(st, group, FIELD_COMPLAINT, &text, 1);
}

int stage_gone(struct stage *st, uint8_t kind, const char *id)
{
	struct stage_entry *e = stage_entry(st, kind, id, strlen(id));

	if (!e)
		return -ENOMEM;
	e->gone = true;
	e->bytes = NULL;
	return 0;
}

int stage_keep(struct stage *st, uint8_t kind, const char *id)
{
	size_t before = st->count;
	struct stage_entry *e = stage_entry(st, kind, id, strlen(id));

	if (!e)
		return -ENOMEM;
	e->known |= st->count > before;
	e->turn = st->turns[kind];
	e->unclear = true;
	return 0;
}

int stage_finish(struct stage *st, bool complete, struct fail *f)
{
	st->complete = complete;
	for (size_t i = 0; i < st->count; i++) {
		struct stage_entry *e = &st->entries[i];

		e->stale = e->turn != st->turns[e->kind];
		if (!e->changed || e->stale)
			e->bytes = NULL;
	}
	// A resource without a usable id could be anybody: who is missing is not known.
	if (complete && st->refused) {
		st->complete = false;
		return fail(f, EPROTO,
			    "%u resources have no usable id (%s); such a list changes nothing",
			    st->refused, st->first_refusal);
	}
	return 0;
}
