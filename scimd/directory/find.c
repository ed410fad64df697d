// SPDX-License-Identifier: MIT
//
// Pages of a list; see find.h. totalResults stands behind Resources in the answer:
// it is known when the page is.
#include "scimd/directory/find.h"
#include "scimd/base/buf.h"
#include "scimd/base/digest.h"
#include "scimd/directory/change.h"
#include "scimd/directory/find_internal.h"
#include "scimd/scim/filter.h"
#include "scimd/scim/problem.h"
#include "scimd/scim/subject.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIND_CURSOR_LEN 48 // 16 digits of the place, 32 of the signature

struct find_page {
	struct store_txn *t;
	struct render c;
	const struct find_query *q;
	struct buf *out;
	uint64_t skip;  // matches to leave out (index paging)
	uint64_t from;  // cursor: only places from here on
	uint64_t room;  // resources that still fit
	uint64_t total; // matches in all
	uint64_t shown;
	uint64_t next;    // cursor: place of the first that did not fit, 0 = none
	size_t start_len; // of out
};

bool find_is_cheap(const struct find_query *q)
{
	if (q->sort_by)
		return false;
	if (!q->filter)
		return true;
	return q->kind ? find_has_index(q->kind, q->filter)
		       : find_has_index(RESOURCE_USER, q->filter) &&
				 find_has_index(RESOURCE_GROUP, q->filter);
}

// ------------------------------------------------------------------ cursors

static int cursor_sign(struct store_txn *t, const struct find_query *q, const char *place,
		       char out[33])
{
	const char *filter = q->filter ? scim_filter_text(q->filter) : "";
	const char *by = q->sort_by ? q->sort_by : "";
	const void *secret;
	uint8_t d[DIGEST_LEN];
	char hex[DIGEST_HEX];
	size_t len;
	int r = store_state_get(t, "cursor-secret", &secret, &len);

	if (r == 0) {
		const struct digest_part parts[] = { { secret, len },
						     { place, 16 },
						     { filter, strlen(filter) + 1 },
						     { by, strlen(by) + 1 },
						     { &q->descending, 1 },
						     { &q->count, sizeof(q->count) },
						     { &q->kind, 1 } };

		r = digest_parts(d, parts, sizeof(parts) / sizeof(*parts));
	}
	if (r == 0) {
		digest_hex(hex, d);
		memcpy(out, hex, 32);
		out[32] = '\0';
	}
	return r;
}

static int cursor_make(struct store_txn *t, const struct find_query *q, uint64_t place,
		       char out[FIND_CURSOR_LEN + 1])
{
	(void)snprintf(out, 17, "%016llx", (unsigned long long)place);
	return cursor_sign(t, q, out, out + 16);
}

static int cursor_read(struct store_txn *t, const struct find_query *q, uint64_t *place,
		       struct scim_problem *p)
{
	char text[17], sign[33];
	int r = 0;

	*place = 0;
	if (!*q->cursor)
		return 0;
	if (strlen(q->cursor) == FIND_CURSOR_LEN) {
		memcpy(text, q->cursor, 16);
		text[16] = '\0';
		r = cursor_sign(t, q, text, sign);
		if (r < 0)
			return r;
		if (strcmp(sign, q->cursor + 16) == 0) {
			*place = strtoull(text, NULL, 16);
			return 0;
		}
	}
	return scim_problem(p, 400, "invalidCursor",
			    "this cursor is not from an answer to this very query");
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

static int page_take(struct find_page *g, const struct dir_record *r)
{
	g->total++;
	if (r->head.seq < g->from)
		return 0;
	if (g->skip) {
		g->skip--;
		return 0;
	}
	if (g->room == 0) {
		if (!g->next)
			g->next = r->head.seq;
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
			r = find_matches(g->t, g->c.base, &rec, g->q->filter);
		if (r == 1)
			r = page_take(g, &rec);
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
			g->from = p->list[i].seq;
			g->skip = 0;
		}
	return r;
}

static void page_keep(struct find_page *g, uint8_t kind, uint64_t generation)
{
	struct find_places *p = g->q->places;

	if (generation && g->next)
		p->list[p->next++ % FIND_PLACES] =
			(struct find_place){ generation, g->q->start - 1 + g->shown, g->next,
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
	store_be(key, f ? 0 : g->from);
	r = store_walk_seek(w, (struct store_bytes){ key, 8 }, NULL, &v);
	while (r == 0 && (f || !g->next)) {
		struct dir_record rec;

		r = dir_decode(v, &rec);
		if (r == 0 && f)
			r = find_matches(g->t, g->c.base, &rec, f);
		else if (r == 0)
			r = 1;
		if (r == 1)
			r = page_take(g, &rec);
		if (r == 0)
			r = store_walk_next(w, NULL, &v);
	}
	store_walk_close(w);
	if (!f)
		g->total = seen + all;
	page_keep(g, kind, generation);
	return r == -ENOENT ? 0 : r;
}

static int page_kind(struct find_page *g, uint8_t kind)
{
	struct find_set s = { 0 };
	int r = find_candidates(g->t, kind, g->q->filter, &s);

	if (r == 1)
		r = page_candidates(g, kind, &s);
	else if (r == 0)
		r = page_walk(g, kind);
	find_set_free(&s);
	return r;
}

// ------------------------------------------------------------------- sorting

struct sort_row {
	struct json_object *by; // what it is sorted by, or NULL; nothing else of it is kept
	uint64_t seq;
	uint8_t kind;
};

struct sort_rows {
	struct sort_row *list;
	size_t count, cap;
	const struct scim_path *by;
	bool descending;
};

static int sort_add(struct find_page *g, struct sort_rows *rows, const struct dir_record *r)
{
	struct json_object *o;
	struct sort_row *row;

	if (rows->count == rows->cap) {
		size_t cap = rows->cap ? rows->cap * 2 : 256;
		struct sort_row *more = reallocarray(rows->list, cap, sizeof(*more));

		if (!more)
			return -ENOMEM;
		rows->list = more;
		rows->cap = cap;
	}
	o = render_object(g->t, g->c.base, r, false);
	if (!o)
		return -ENOMEM;
	row = &rows->list[rows->count++];
	row->by = json_object_get(scim_json_sort_value(dir_type(r->head.kind), rows->by, o));
	row->seq = r->head.seq;
	row->kind = r->head.kind;
	json_object_put(o);
	return 0;
}

static int sort_kind(struct find_page *g, uint8_t kind, struct sort_rows *rows,
		     struct scim_problem *p)
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
		if (r == 1 && rows->count == FIND_SORT_MAX)
			r = scim_problem(p, 400, "tooMany",
					 "more than %u resources cannot be sorted; filter them",
					 FIND_SORT_MAX);
		if (r == 1)
			r = sort_add(g, rows, &rec);
		if (r == 0)
			r = store_walk_next(w, NULL, &v);
	}
	store_walk_close(w);
	return r == -ENOENT ? 0 : r;
}

static int sort_order(const void *x, const void *y, void *arg)
{
	const struct sort_rows *rows = arg;
	const struct sort_row *a = x, *b = y;
	int c = scim_json_sort_order(dir_type(a->kind), rows->by, a->by, b->by);

	if (c == 0)
		return (a->seq > b->seq) - (a->seq < b->seq);
	return rows->descending ? -c : c;
}

static int page_sorted(struct find_page *g, struct scim_problem *p)
{
	char room[512];
	struct scim_path by;
	struct sort_rows rows = { .by = &by, .descending = g->q->descending };
	uint64_t at = g->q->with_cursor ? g->from : g->skip;
	int r = scim_path_parse(g->q->sort_by, strlen(g->q->sort_by), &by, room, sizeof(room),
				NULL);

	for (uint8_t k = RESOURCE_USER; r == 0 && k <= RESOURCE_GROUP; k++)
		if (g->q->kind == 0 || g->q->kind == k)
			r = sort_kind(g, k, &rows, p);
	if (r == 0 && rows.count)
		qsort_r(rows.list, rows.count, sizeof(*rows.list), sort_order, &rows);
	g->total = rows.count;
	for (uint64_t i = at; r == 0 && i < rows.count; i++) {
		struct dir_record rec;

		if (g->room == 0) {
			g->next = i;
			break;
		}
		r = dir_get(g->t, rows.list[i].kind, rows.list[i].seq, &rec);
		if (r == 0)
			r = page_show(g, &rec);
	}
	for (size_t i = 0; i < rows.count; i++)
		json_object_put(rows.list[i].by);
	free(rows.list);
	return r;
}

// --------------------------------------------------------------------- answer

static int page_end(struct find_page *g)
{
	const struct find_query *q = g->q;
	char cursor[FIND_CURSOR_LEN + 1];
	int r = buf_printf(g->out, "],\"totalResults\":%llu,\"itemsPerPage\":%llu",
			   (unsigned long long)g->total, (unsigned long long)g->shown);

	if (r == 0 && !q->with_cursor)
		r = buf_printf(g->out, ",\"startIndex\":%llu", (unsigned long long)q->start);
	if (r == 0 && q->with_cursor && g->next && q->count != 0) {
		r = cursor_make(g->t, q, g->next, cursor);
		if (r == 0)
			r = buf_printf(g->out, ",\"nextCursor\":\"%s\"", cursor);
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
		r = cursor_read(t, q, &g.from, p);
	else
		g.skip = q->start - 1;
	if (r == 0)
		r = buf_str(out, "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:"
				 "ListResponse\"],\"Resources\":[");
	if (r == 0 && q->sort_by)
		r = page_sorted(&g, p);
	for (uint8_t k = RESOURCE_USER; r == 0 && !q->sort_by && k <= RESOURCE_GROUP; k++)
		if (q->kind == 0 || q->kind == k)
			r = page_kind(&g, k);
	return r < 0 ? r : page_end(&g);
}
