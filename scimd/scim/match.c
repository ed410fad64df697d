// SPDX-License-Identifier: MIT
//
// Matching a parsed filter; see filter.h. The tree is no deeper than the parser
// allowed times the length of a chain of and/or, which leans to the left and is
// walked in a loop.
#include "scimd/base/clock.h"
#include "scimd/scim/filter.h"
#include "scimd/scim/text.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

// Where a match happens: in an element of an attribute, or (NULL) in the resource.
struct match_scope {
	const struct scim_path *within;
	const void *element;
};

static bool match_node(const struct scim_node *n, const struct scim_subject *s,
		       const struct match_scope *scope);

static bool match_part(const char *have, const char *want, enum scim_op op, bool exact)
{
	size_t h = strlen(have), w = strlen(want);
	int (*cmp)(const char *, const char *, size_t) = exact ? strncmp : strncasecmp;

	switch (op) {
	case SCIM_SW:
		return h >= w && cmp(have, want, w) == 0;
	case SCIM_EW:
		return h >= w && cmp(have + h - w, want, w) == 0;
	case SCIM_CO:
		for (size_t i = 0; i + w <= h; i++)
			if (cmp(have + i, want, w) == 0)
				return true;
		return false;
	default:
		return false;
	}
}

// Part of it without regard to case.
static bool match_part_folded(const char *have, const char *want, enum scim_op op)
{
	char *x, *y;
	bool yes;

	if (scim_text_ascii(have) && scim_text_ascii(want))
		return match_part(have, want, op, false);
	x = scim_text_fold(have);
	y = scim_text_fold(want);
	yes = x && y && match_part(x, y, op, true);
	free(x);
	free(y);
	return yes;
}

static bool match_order(int c, enum scim_op op)
{
	switch (op) {
	case SCIM_EQ:
		return c == 0;
	case SCIM_NE:
		return c != 0;
	case SCIM_GT:
		return c > 0;
	case SCIM_GE:
		return c >= 0;
	case SCIM_LT:
		return c < 0;
	case SCIM_LE:
		return c <= 0;
	default:
		return false;
	}
}

static bool match_value(const struct scim_value *have, const struct scim_value *want,
			enum scim_op op, bool exact)
{
	bool have_bool = have->type == SCIM_TRUE || have->type == SCIM_FALSE;
	bool want_bool = want->type == SCIM_TRUE || want->type == SCIM_FALSE;
	int64_t a, b;

	if (have->type == SCIM_NUMBER && want->type == SCIM_NUMBER)
		return match_order((have->number > want->number) - (have->number < want->number),
				   op);
	if (have_bool || want_bool) {
		// "True" as a string is a boolean where one is compared (RFC 7643 says literal,
		// the field says string).
		bool h = have->type == SCIM_TRUE ||
			 (have->type == SCIM_STRING && strcasecmp(have->text, "true") == 0);
		bool w = want->type == SCIM_TRUE ||
			 (want->type == SCIM_STRING && strcasecmp(want->text, "true") == 0);

		return op == SCIM_EQ ? h == w : op == SCIM_NE && h != w;
	}
	if (!have->text || !want->text)
		return op == SCIM_EQ ? have->type == want->type
				     : op == SCIM_NE && have->type != want->type;
	if (op >= SCIM_CO && op <= SCIM_EW)
		return exact ? match_part(have->text, want->text, op, true)
			     : match_part_folded(have->text, want->text, op);
	if (op >= SCIM_GT && op <= SCIM_LE &&
	    clock_parse(have->text, strlen(have->text), &a) == 0 &&
	    clock_parse(want->text, strlen(want->text), &b) == 0)
		return match_order((a > b) - (a < b), op);
	return match_order(exact ? strcmp(have->text, want->text)
				 : scim_text_order(have->text, want->text),
			   op);
}

static bool match_compare(const struct scim_node *n, const struct scim_subject *s,
			  const struct match_scope *scope)
{
	bool exact = s->case_exact && s->case_exact(s->arg, scope->within, &n->path);
	struct scim_value v;
	size_t i;

	for (i = 0; s->get(s->arg, scope->element, &n->path, i, &v); i++) {
		if (n->op == SCIM_PR) {
			if (v.type != SCIM_NULL && !(v.type == SCIM_STRING && v.text[0] == '\0'))
				return true;
			continue;
		}
		// ne of several values: true only if none of them is equal.
		if (n->op == SCIM_NE) {
			if (match_value(&v, &n->value, SCIM_EQ, exact))
				return false;
		} else if (match_value(&v, &n->value, n->op, exact)) {
			return true;
		}
	}
	if (n->op == SCIM_NE)
		return i > 0 ? true : n->value.type != SCIM_NULL;
	return n->op == SCIM_EQ && n->value.type == SCIM_NULL && i == 0;
}

static bool match_element(const struct scim_node *n, const struct scim_subject *s)
{
	struct match_scope scope = { &n->path, NULL };

	for (size_t i = 0; s->element && s->element(s->arg, &n->path, i, &scope.element); i++)
		if (match_node(n->left, s, &scope))
			return true;
	return false;
}

static bool match_node(const struct scim_node *n, const struct scim_subject *s,
		       const struct match_scope *scope)
{
	for (;;) {
		switch (n->type) {
		case SCIM_NODE_AND:
			if (!match_node(n->right, s, scope))
				return false;
			n = n->left;
			continue;
		case SCIM_NODE_OR:
			if (match_node(n->right, s, scope))
				return true;
			n = n->left;
			continue;
		case SCIM_NODE_NOT:
			return !match_node(n->left, s, scope);
		case SCIM_NODE_VALUE:
			return match_element(n, s);
		case SCIM_NODE_COMPARE:
			return match_compare(n, s, scope);
		}
	}
}

bool scim_filter_match(const struct scim_filter *flt, const struct scim_subject *s)
{
	const struct match_scope whole = { NULL, NULL };

	return match_node(scim_filter_root(flt), s, &whole);
}

bool scim_filter_match_element(const struct scim_node *value_node, const struct scim_subject *s,
			       const void *element)
{
	const struct match_scope scope = { &value_node->path, element };

	return match_node(value_node->left, s, &scope);
}

static void paths_node(const struct scim_node *n, const char *within_urn, const char *within,
		       void (*fn)(void *arg, const struct scim_path *p), void *arg)
{
	for (;;) {
		switch (n->type) {
		case SCIM_NODE_AND:
		case SCIM_NODE_OR:
			paths_node(n->right, within_urn, within, fn, arg);
			n = n->left;
			continue;
		case SCIM_NODE_NOT:
			n = n->left;
			continue;
		case SCIM_NODE_VALUE:
			within_urn = n->path.urn;
			within = n->path.attr;
			n = n->left;
			continue;
		case SCIM_NODE_COMPARE:
			if (within)
				fn(arg, &(struct scim_path){ within_urn, within, n->path.attr });
			else
				fn(arg, &n->path);
			return;
		}
	}
}

void scim_filter_paths(const struct scim_filter *flt,
		       void (*fn)(void *arg, const struct scim_path *p), void *arg)
{
	paths_node(scim_filter_root(flt), "", NULL, fn, arg);
}
