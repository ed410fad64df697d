// SPDX-License-Identifier: MIT
//
// Lists (RFC 7644 §3.4.2, RFC 9865): filter, sort, index and cursor paging.
//
// Order is that of creation, or of what it is sorted by and then of creation, so the one
// that a page begins with keeps its place whatever is written, and the place is there when
// that one is gone. A cursor is that place, signed together with the query it belongs to:
// it never expires, costs nothing to keep, and cannot be made up.
//
// find_is_cheap tells whether a query is answered from an index or a walk of one
// page; any other reads every resource, or all members of a group, and belongs on a thread
// of its own. So does one whose index names more than FIND_NOW_MAX, which candidates_max
// finds out.
#ifndef SCIMD_DIRECTORY_FIND_H
#define SCIMD_DIRECTORY_FIND_H

#include "scimd/directory/render.h"
#include <stddef.h>
#include <stdint.h>

struct buf;
struct json_object;
struct scim_filter;
struct scim_problem;
struct store_txn;

#define FIND_BODY_MAX (4u << 20) // a page ends when it has become this long
#define FIND_NOW_MAX 256u
#define FIND_SORT_MAX 100000u
#define FIND_SORT_LEN 128 // of a text that is sorted by, so many bytes count

// Where pages ended, as long as nothing at all has changed since: by index paging the
// next one would be walked to from the beginning. All 0: none yet.
#define FIND_PLACES 8
struct find_places {
	struct find_place {
		uint64_t generation, skip, seq; // so many stand before seq
		uint8_t kind;
	} list[FIND_PLACES];
	unsigned int next;
};

struct find_query {
	struct find_places *places; // NULL: none are kept
	size_t candidates_max;      // 0: whatever it takes
	uint8_t kind; // enum resource_kind; 0: Users, then Groups (a search at the root)
	struct scim_filter *filter; // owned; NULL: none
	char *sort_by;              // owned; NULL: none
	bool descending;
	uint64_t start;                     // 1-based
	int64_t count;                      // -1: not given
	bool with_cursor;                   // `cursor` was given, "" included
	char *cursor;                       // owned
	struct scim_projection *projection; // owned
};

// The parameters as text (NULL: not given), or a SearchRequest's (§3.4.3). 0 or
// -EINVAL with p filled, -ENOMEM; free in every case.
int find_read(struct find_query *q, const char *(*get)(void *arg, const char *name), void *arg,
	      struct scim_problem *p);
int find_read_json(struct find_query *q, struct json_object *body, struct scim_problem *p);
void find_free(struct find_query *q);

bool find_is_cheap(const struct find_query *q);

struct find_limits {
	uint32_t page_size, page_max; // when count is not given, and at most
};

// Appends the ListResponse. 0; -EINVAL with p filled; -E2BIG: more than candidates_max,
// and what was appended is void; else the store failed.
int find_list(struct store_txn *t, const char *base, const struct find_limits *limits,
	      const struct find_query *q, struct buf *out, struct scim_problem *p);

#endif
