// SPDX-License-Identifier: MIT
//
// Pages of a list; see find.h. totalResults stands behind Resources in the answer:
// it is known when the page is.
#include "scimd/directory/find.h"
#include "scimd/base/buf.h"
#include "scimd/directory/change.h"
#include "scimd/directory/find_internal.h"
#include "scimd/scim/filter.h"
#include "scimd/scim/json.h"
#include "scimd/scim/problem.h"
#include "scimd/scim/subject.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct find_page {
	struct store_txn *t;
	struct render c;
	const struct find_query *q;
	struct buf *out;
	uint64_t skip;         // matches to leave out (index paging)
	struct find_mark from; // cursor: only places from here on
	uint64_t room;         // resources that still fit
	uint64_t total;        // matches in all
	uint64_t shown;
	struct find_mark next; // cursor: the first that did not fit
	size_t start_len;      // of out
	// What becomes of a match.
	int (*take)(struct find_page *g, const struct dir_record *r);
	struct sort_rows *rows; // of a sorted list, which is taken as a whole first
	struct scim_problem *p;
};

bool find_is_cheap(const struct find_query *q)
{
	bool cheap = !q->sort_by;

	for (uint8_t k = RESOURCE_USER; q->filter && cheap && k <= RESOURCE_GROUP; k++)
		if (q->kind == 0 || q->kind == k)
			cheap = find_has_index(k, q->filter) && !find_looks_at_all(k, q->filter);
	return cheap;
}

// ------------------------------------------------------------------- walking

static int page_show(struct find_page *g, const struct dir_record *r)
{
	int rc = g->shown ? buf_chr(g->out, ',') : 0;

	if (rc == 0)
		rc = render_resource(g->t, &g->c, r, g->out);
	g->shown++;
	g->room--;
	if (g->out->len - g->start_len > FIND_BODY_MAX)
		g->room = 0;
	return rc;
}

// The first place of this kind that counts: Users stand before Groups.
static uint64_t page_first(const struct find_page *g, uint8_t kind)
{
	return kind < g->from.kind ? UINT64_MAX : kind == g->from.kind ? g->from.seq : 0;
}

static int page_take(struct find_page *g, const struct dir_record *r)
{
	g->total++;
	if (r->head.seq < page_first(g, r->head.kind))
		return 0;
	if (g->skip) {
		g->skip--;
		return 0;
	}
	if (g->room == 0) {
		if (!g->next.seq)
			g->next = (struct find_mark){ r->head.seq, r->head.kind, NULL };
		return 0;
	}
	return page_show(g, r);
}

static int page_candidates(struct find_page *g, uint8_t kind, const struct find_set *s)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->count; i++) {
		struct dir_record rec;

		r = dir_get(g->t, kind, s->seq[i], &rec);
		if (r == -ENOENT) {
			r = 0;
			continue;
		}
		if (r == 0)
			r = s->exact ? 1 : find_matches(g->t, g->c.base, &rec, g->q->filter);
		if (r == 1)
			r = g->take(g, &rec);
	}
	return r;
}

static int page_known(struct find_page *g, uint8_t kind, uint64_t *generation)
{
	const struct find_places *p = g->q->places;
	int r;

	*generation = 0;
	if (!p || g->q->filter || g->q->with_cursor || g->q->kind == 0)
		return 0;
	r = change_generation(g->t, generation);
	for (size_t i = 0; r == 0 && g->skip && i < FIND_PLACES; i++)
		if (p->list[i].kind == kind && p->list[i].generation == *generation &&
		    p->list[i].skip == g->skip) {
			g->from = (struct find_mark){ p->list[i].seq, kind, NULL };
			g->skip = 0;
		}
	return r;
}

static void page_keep(struct find_page *g, uint8_t kind, uint64_t generation)
{
	struct find_places *p = g->q->places;

	if (generation && g->next.seq)
		p->list[p->next++ % FIND_PLACES] =
			(struct find_place){ generation, g->q->start - 1 + g->shown, g->next.seq,
					     kind };
}

// Without a filter the number is known, and the walk ends with the page.
static int page_walk(struct find_page *g, uint8_t kind)
{
	const struct scim_filter *f = g->q->filter;
	unsigned char key[8];
	struct store_bytes v;
	struct store_walk *w;
	uint64_t all = store_count(g->t, dir_of(kind)), seen = g->total, generation;
	int r = page_known(g, kind, &generation);

	if (r == 0)
		r = store_walk_open(g->t, dir_of(kind), &w);
	if (r < 0)
		return r;
	store_be(key, f ? 0 : page_first(g, kind));
	r = store_walk_seek(w, (struct store_bytes){ key, 8 }, NULL, &v);
	while (r == 0 && (f || !g->next.seq)) {
		struct dir_record rec;

		r = dir_decode(v, &rec);
		if (r == 0 && f)
			r = find_matches(g->t, g->c.base, &rec, f);
		else if (r == 0)
			r = 1;
		if (r == 1)
			r = g->take(g, &rec);
		if (r == 0)
			r = store_walk_next(w, NULL, &v);
	}
	store_walk_close(w);
	if (!f)
		g->total = seen + all;
	page_keep(g, kind, generation);
	return r == -ENOENT ? 0 : r;
}

static int page_kind(struct find_page *g, uint8_t kind,
		     int (*walk)(struct find_page *g, uint8_t kind))
{
	struct find_set s = { .max = g->q->candidates_max };
	int r = find_candidates(g->t, kind, g->q->filter, &s);

	if (r == 1)
		r = page_candidates(g, kind, &s);
	else if (r == 0)
		r = walk(g, kind);
	find_set_free(&s);
	return r;
}

// ------------------------------------------------------------------- sorting

struct sort_rows {
	struct find_mark *list;
	size_t count, cap;
	const struct scim_path *by;
	bool descending;
};

// Of a long text its beginning: a cursor has to hold it, and all are sorted alike.
static int sort_key(struct json_object *v, struct json_object **out)
{
	const char *text = json_string(v);
	size_t len = text ? strlen(text) : 0;

	*out = NULL;
	if (len <= FIND_SORT_LEN) {
		*out = json_object_get(v);
		return 0;
	}
	for (len = FIND_SORT_LEN; len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80;)
		len--;
	*out = json_object_new_string_len(text, (int)len);
	return *out ? 0 : -ENOMEM;
}

static int sort_take(struct find_page *g, const struct dir_record *r)
{
	struct sort_rows *rows = g->rows;
	struct json_object *o;
	struct find_mark *row;
	int rc;

	if (rows->count == FIND_SORT_MAX)
		return scim_problem(g->p, 400, "tooMany",
				    "more than %u resources cannot be sorted; filter them",
				    FIND_SORT_MAX);
	if (rows->count == rows->cap) {
		size_t cap = rows->cap ? rows->cap * 2 : 256;
		struct find_mark *more = reallocarray(rows->list, cap, sizeof(*more));

		if (!more)
			return -ENOMEM;
		rows->list = more;
		rows->cap = cap;
	}
	o = render_object(g->t, g->c.base, r, false, NULL);
	if (!o)
		return -ENOMEM;
	row = &rows->list[rows->count];
	row->seq = r->head.seq;
	row->kind = r->head.kind;
	rc = sort_key(scim_json_sort_value(dir_type(r->head.kind), rows->by, o), &row->by);
	json_object_put(o);
	rows->count += rc == 0;
	return rc;
}

static int sort_walk(struct find_page *g, uint8_t kind)
{
	struct store_bytes v;
	struct store_walk *w;
	int r = store_walk_open(g->t, dir_of(kind), &w);

	if (r < 0)
		return r;
	r = store_walk_seek(w, (struct store_bytes){ "", 0 }, NULL, &v);
	while (r == 0) {
		struct dir_record rec;

		r = dir_decode(v, &rec);
		if (r == 0)
			r = g->q->filter ? find_matches(g->t, g->c.base, &rec, g->q->filter) : 1;
		if (r == 1)
			r = g->take(g, &rec);
		if (r == 0)
			r = store_walk_next(w, NULL, &v);
	}
	store_walk_close(w);
	return r == -ENOENT ? 0 : r;
}

static int sort_order(const void *x, const void *y, void *arg)
{
	const struct sort_rows *rows = arg;
	const struct find_mark *a = x, *b = y;
	int c = scim_json_sort_order(dir_type(a->kind), rows->by, a->by, b->by);

	if (c == 0)
		return (a->seq > b->seq) - (a->seq < b->seq);
	return rows->descending ? -c : c;
}

static int page_sorted(struct find_page *g)
{
	char room[512];
	struct scim_path by;
	struct sort_rows rows = { .by = &by, .descending = g->q->descending };
	size_t i = 0;
	int r = scim_path_parse(g->q->sort_by, strlen(g->q->sort_by), &by, room, sizeof(room),
				NULL);

	g->take = sort_take;
	g->rows = &rows;
	for (uint8_t k = RESOURCE_USER; r == 0 && k <= RESOURCE_GROUP; k++)
		if (g->q->kind == 0 || g->q->kind == k)
			r = page_kind(g, k, sort_walk);
	if (r == 0 && rows.count)
		qsort_r(rows.list, rows.count, sizeof(*rows.list), sort_order, &rows);
	g->total = rows.count;
	while (i < rows.count &&
	       (i < g->skip || (g->from.seq && sort_order(&rows.list[i], &g->from, &rows) < 0)))
		i++;
	for (; r == 0 && g->room && i < rows.count; i++) {
		struct dir_record rec;

		r = dir_get(g->t, rows.list[i].kind, rows.list[i].seq, &rec);
		if (r == 0)
			r = page_show(g, &rec);
	}
	if (r == 0 && i < rows.count) {
		g->next = rows.list[i];
		(void)json_object_get(g->next.by);
	}
	for (i = 0; i < rows.count; i++)
		json_object_put(rows.list[i].by);
	free(rows.list);
	return r;
}

// --------------------------------------------------------------------- answer

static int page_end(struct find_page *g)
{
	const struct find_query *q = g->q;
	struct buf cursor = BUF_INIT;
	int r = buf_printf(g->out, "],\"totalResults\":%llu,\"itemsPerPage\":%llu",
			   (unsigned long long)g->total, (unsigned long long)g->shown);

	if (r == 0 && !q->with_cursor)
		r = buf_printf(g->out, ",\"startIndex\":%llu", (unsigned long long)q->start);
	if (r == 0 && q->with_cursor && g->next.seq && q->count != 0) {
		r = find_cursor_make(g->t, q, &g->next, &cursor);
		if (r == 0)
			r = buf_printf(g->out, ",\"nextCursor\":\"%s\"", buf_text(&cursor));
		buf_free(&cursor);
	}
	return r < 0 ? r : buf_chr(g->out, '}');
}

int find_list(struct store_txn *t, const char *base, const struct find_limits *limits,
	      const struct find_query *q, struct buf *out, struct scim_problem *p)
{
	struct find_page g = { .t = t,
			       .c = { .base = base, .pr = q->projection },
			       .q = q,
			       .out = out,
			       .take = page_take,
			       .p = p,
			       .start_len = out->len };
	int r = 0;

	g.room = q->count < 0 ? limits->page_size : (uint64_t)q->count;
	if (g.room > limits->page_max) {
		if (q->with_cursor)
			return scim_problem(p, 400, "invalidCount", "count may be 0 to %u",
					    limits->page_max);
		g.room = limits->page_max;
	}
	if (q->with_cursor)
		r = find_cursor_read(t, q, &g.from, p);
	else
		g.skip = q->start - 1;
	if (r == 0)
		r = buf_str(out, "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:"
				 "ListResponse\"],\"Resources\":[");
	if (r == 0 && q->sort_by)
		r = page_sorted(&g);
	for (uint8_t k = RESOURCE_USER; r == 0 && !q->sort_by && k <= RESOURCE_GROUP; k++)
		if (q->kind == 0 || q->kind == k)
			r = page_kind(&g, k, page_walk);
	if (r == 0)
		r = page_end(&g);
	json_object_put(g.from.by);
	json_object_put(g.next.by);
	return r;
}
