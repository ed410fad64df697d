// SPDX-License-Identifier: MIT
//
// Reading a query; see find.h.
#include "scimd/base/fail.h"
#include "scimd/directory/db.h"
#include "scimd/directory/find.h"
#include "scimd/scim/filter.h"
#include "scimd/scim/json.h"
#include "scimd/scim/problem.h"
#include "scimd/scim/project.h"
#include "scimd/scim/subject.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int query_filter(struct find_query *q, const char *text, struct scim_problem *p)
{
	struct fail f = { "" };
	int r;

	if (!text)
		return 0;
	r = scim_filter_parse(text, strlen(text), &q->filter, &f);
	if (r < 0)
		return scim_problem(p, 400, "invalidFilter", "filter: %s", f.text);
	r = q->kind == RESOURCE_GROUP ? 0
				      : scim_filter_check(q->filter, dir_type(RESOURCE_USER), p);
	return r < 0 || q->kind == RESOURCE_USER
		       ? r
		       : scim_filter_check(q->filter, dir_type(RESOURCE_GROUP), p);
}

// An integer; below `least` counts as `least` (RFC 7644 §3.4.2.4, RFC 9865 §2).
static int query_number(const char *name, const char *text, int64_t least, int64_t *out,
			const char *scim_type, struct scim_problem *p)
{
	char *end;
	long long n;

	if (!text)
		return 0;
	errno = 0;
	n = strtoll(text, &end, 10);
	if (end == text || *end || errno)
		return scim_problem(p, 400, scim_type, "%s \"%s\" is not an integer", name, text);
	*out = n < least ? least : n;
	return 0;
}

static int query_text(char **to, const char *text)
{
	if (!text)
		return 0;
	*to = strdup(text);
	return *to ? 0 : -ENOMEM;
}

static int query_order(struct find_query *q, const char *by, const char *order,
		       struct scim_problem *p)
{
	if (order && strcasecmp(order, "ascending") != 0 && strcasecmp(order, "descending") != 0)
		return scim_problem(p, 400, "invalidValue",
				    "sortOrder \"%s\" is neither ascending nor descending", order);
	q->descending = order && strcasecmp(order, "descending") == 0;
	if (by) {
		char room[512];
		struct scim_path path;
		struct fail f;

		if (scim_path_parse(by, strlen(by), &path, room, sizeof(room), &f) < 0)
			return scim_problem(p, 400, "invalidValue", "sortBy: %s", f.text);
	}
	return query_text(&q->sort_by, by);
}

int find_read(struct find_query *q, const char *(*get)(void *arg, const char *name), void *arg,
	      struct scim_problem *p)
{
	int64_t start = 1;
	int r;

	q->count = -1;
	r = query_filter(q, get(arg, "filter"), p);
	if (r == 0)
		r = query_text(&q->cursor, get(arg, "cursor"));
	q->with_cursor = q->cursor != NULL;
	if (r == 0)
		r = query_number("startIndex", get(arg, "startIndex"), 1, &start, "invalidValue",
				 p);
	if (r == 0) // RFC 9865, table 3
		r = query_number("count", get(arg, "count"), 0, &q->count,
				 q->with_cursor ? "invalidCount" : "invalidValue", p);
	q->start = (uint64_t)start;
	if (r == 0)
		r = query_order(q, get(arg, "sortBy"), get(arg, "sortOrder"), p);
	if (r == 0)
		r = scim_projection_parse(get(arg, "attributes"), get(arg, "excludedAttributes"),
					  &q->projection, p);
	return r;
}

struct query_json {
	struct json_object *body;
	char number[2][32]; // startIndex and count may be numbers
};

static const char *query_member(void *arg, const char *name)
{
	struct query_json *j = arg;
	struct json_object *v = json_member(j->body, name);
	char *room = j->number[strcmp(name, "count") == 0];

	if (!v || json_string(v))
		return json_string(v);
	// Lists of attributes are read apart.
	if (!json_object_is_type(v, json_type_int) && !json_object_is_type(v, json_type_double))
		return NULL;
	(void)snprintf(room, sizeof(j->number[0]), "%s", json_object_to_json_string(v));
	return room;
}

int find_read_json(struct find_query *q, struct json_object *body, struct scim_problem *p)
{
	struct query_json j = { .body = body };
	struct json_object *some = json_member(body, "attributes");
	struct json_object *not = json_member(body, "excludedAttributes");
	int r;

	if (!json_object_is_type(body, json_type_object))
		return scim_problem(p, 400, "invalidSyntax", "a SearchRequest is an object");
	r = find_read(q, query_member, &j, p);
	if (r < 0)
		return r;
	scim_projection_free(q->projection);
	q->projection = NULL;
	return scim_projection_read(some, not, &q->projection, p);
}

void find_free(struct find_query *q)
{
	scim_filter_free(q->filter);
	scim_projection_free(q->projection);
	free(q->sort_by);
	free(q->cursor);
	*q = (struct find_query){ 0 };
}
