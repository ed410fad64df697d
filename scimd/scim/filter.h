// SPDX-License-Identifier: MIT
//
// SCIM filters (RFC 7644 §3.4.2.2): parse once, match often.
//
// The parser is a recursive descent with a depth cap of 64 and a length cap of
// 8192 bytes. Precedence: grouping, not, and, or. Operators and attribute names
// are case-insensitive; unquoted string values are tolerated (Entra sends them).
// A filter is immutable after parsing and may be matched in any thread.
#ifndef SCIMD_SCIM_FILTER_H
#define SCIMD_SCIM_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fail;

// [URI ":"] ATTRNAME ["." SUB], split at the last ':' as scim.md explains.
struct scim_path {
	const char *urn; // "" if none; as given
	const char *attr;
	const char *sub; // "" if none
};

enum scim_op {
	SCIM_EQ,
	SCIM_NE,
	SCIM_CO,
	SCIM_SW,
	SCIM_EW,
	SCIM_GT,
	SCIM_GE,
	SCIM_LT,
	SCIM_LE,
	SCIM_PR
};
enum scim_type { SCIM_NULL, SCIM_FALSE, SCIM_TRUE, SCIM_NUMBER, SCIM_STRING };

struct scim_value {
	enum scim_type type;
	const char *text; // string, or the number's text; NUL-terminated
	double number;
};

enum scim_node_type {
	SCIM_NODE_AND,
	SCIM_NODE_OR,
	SCIM_NODE_NOT,
	SCIM_NODE_COMPARE,
	SCIM_NODE_VALUE
};

struct scim_node {
	enum scim_node_type type;
	struct scim_node *left, *right; // AND OR: both; NOT, VALUE: left
	struct scim_path path;          // COMPARE, VALUE (attr[…])
	enum scim_op op;
	struct scim_value value;
};

struct scim_filter; // owns its nodes and a copy of the text

int scim_filter_parse(const char *text, size_t len, struct scim_filter **out,
		      struct fail *f); // -EINVAL
void scim_filter_free(struct scim_filter *flt);
const char *scim_filter_text(const struct scim_filter *flt);
const struct scim_node *scim_filter_root(const struct scim_filter *flt);
// The same for the path of a PATCH operation (RFC 7644 §3.5.2, Figure 7): the root
// is a COMPARE without a meaning but its path, or a VALUE whose path.sub is the
// sub-attribute after the brackets. -EINVAL: no path; -EBADMSG: the filter in the
// brackets is none.
int scim_filter_parse_path(const char *text, size_t len, struct scim_filter **out, struct fail *f);
// Calls fn for every attribute path a filter names (value paths as attr.sub).
void scim_filter_paths(const struct scim_filter *flt,
		       void (*fn)(void *arg, const struct scim_path *p), void *arg);

// Matching against anything: the caller gives the values of a path, one by one.
// get: fills out with value number i of the path inside element `scope` (NULL:
// the resource; for attr[…] the scope is element number i of attr as returned by
// `element`). Returns 1, or 0 when there is no such value.
struct scim_subject {
	void *arg;
	int (*get)(void *arg, const void *scope, const struct scim_path *p, size_t i,
		   struct scim_value *out);
	int (*element)(void *arg, const struct scim_path *p, size_t i, const void **scope_out);
	// within: the path before the brackets that p is in, or NULL. NULL: never exact.
	bool (*case_exact)(void *arg, const struct scim_path *within, const struct scim_path *p);
};
bool scim_filter_match(const struct scim_filter *flt, const struct scim_subject *s);
// Whether one element of an attribute matches what a VALUE node has in its brackets.
bool scim_filter_match_element(const struct scim_node *value_node, const struct scim_subject *s,
			       const void *element);

int scim_path_parse(const char *text, size_t len, struct scim_path *out, char *buf, size_t buf_len,
		    struct fail *f);

#endif
