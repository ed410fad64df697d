// SPDX-License-Identifier: MIT
//
// What find.c (pages), find_cursor.c (where they begin) and find_match.c (who matches)
// share.
#ifndef SCIMD_DIRECTORY_FIND_INTERNAL_H
#define SCIMD_DIRECTORY_FIND_INTERNAL_H

#include "scimd/directory/db.h"
#include "scimd/directory/find.h"

struct buf;

// A place in a list.
struct find_mark {
	uint64_t seq; // 0: none
	uint8_t kind;
	struct json_object *by; // what it is sorted by, or NULL; owned
};

// Appends the cursor. 0 or -errno.
int find_cursor_make(struct store_txn *t, const struct find_query *q, const struct find_mark *m,
		     struct buf *out);
// The query's own; "" is the beginning. 0; -EINVAL with p filled; else the store failed.
int find_cursor_read(struct store_txn *t, const struct find_query *q, struct find_mark *m,
		     struct scim_problem *p);

// A set of places, ascending.
struct find_set {
	uint64_t *seq;
	size_t count, cap;
	size_t max; // 0: as many as there are
	bool exact; // the index tells who matches, not only who can
};

int find_set_add(struct find_set *s, uint64_t seq); // -E2BIG: beyond max
void find_set_sort(struct find_set *s);             // and without repetitions
void find_set_free(struct find_set *s);

// Whether an index tells who can match. 1: s holds them (each is to be looked at
// again unless s->exact), 0: every resource has to be looked at, -E2BIG: more than s->max, -errno.
int find_candidates(struct store_txn *t, uint8_t kind, const struct scim_filter *f,
		    struct find_set *s);
bool find_has_index(uint8_t kind, const struct scim_filter *f);
// Whether to look at one of them again takes all members of a group, or groups of a user.
bool find_looks_at_all(uint8_t kind, const struct scim_filter *f);
// Whether the resource matches. 1, 0, -errno.
int find_matches(struct store_txn *t, const char *base, const struct dir_record *r,
		 const struct scim_filter *f);

#endif
