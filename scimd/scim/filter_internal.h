// SPDX-License-Identifier: MIT
//
// Between the words of a filter (filter_word.c) and its grammar (filter.c).
#ifndef SCIMD_SCIM_FILTER_INTERNAL_H
#define SCIMD_SCIM_FILTER_INTERNAL_H

#include "scimd/scim/filter.h"

struct arena;

struct filter_parser {
	struct arena *arena;
	const char *start, *p, *end;
	int depth;
	bool inside; // a value path: no nested brackets
	struct fail *f;
};

// Says what was wanted where the parser stands. NULL, for every function to return.
struct scim_node *filter_bad(struct filter_parser *ps, const char *wanted);
void filter_blank(struct filter_parser *ps);
// The next run of name characters; NULL when there is none.
const char *filter_word(struct filter_parser *ps, size_t *len);
// Whether the next word is this one, taken if so.
bool filter_take(struct filter_parser *ps, const char *word);
bool filter_alpha(char c); // a name may begin with it
int filter_path(struct arena *a, const char *w, size_t len, struct scim_path *out);
bool filter_operator(struct filter_parser *ps, enum scim_op *op);
// A JSON value (RFC 7159): string, number, true, false or null.
bool filter_value(struct filter_parser *ps, struct scim_value *v);

#endif
