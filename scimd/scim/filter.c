// SPDX-License-Identifier: MIT
//
// The grammar of filters (RFC 7644 §3.4.2.2, Figure 1); see filter.h. Its words are in
// filter_word.c.
#include "scimd/scim/filter.h"
#include "scimd/base/arena.h"
#include "scimd/base/fail.h"
#include "scimd/scim/filter_internal.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FILTER_DEPTH 64
#define FILTER_LENGTH 8192

struct scim_filter {
	struct arena arena;
	char *text;
	struct scim_node *root;
};

static struct scim_node *filter_or(struct filter_parser *ps);

static struct scim_node *filter_node(struct filter_parser *ps, enum scim_node_type type,
				     struct scim_node *left, struct scim_node *right)
{
	struct scim_node *n = arena_alloc(ps->arena, sizeof(*n));

	if (!n)
		return filter_bad(ps, "memory");
	n->type = type;
	n->left = left;
	n->right = right;
	return n;
}

// The operator and value after the path.
static struct scim_node *filter_comparison(struct filter_parser *ps, struct scim_node *n)
{
	if (!filter_operator(ps, &n->op))
		return NULL;
	if (n->op != SCIM_PR && !filter_value(ps, &n->value))
		return NULL;
	if (n->op > SCIM_EW && n->op < SCIM_PR &&
	    (n->value.type == SCIM_TRUE || n->value.type == SCIM_FALSE ||
	     n->value.type == SCIM_NULL))
		return filter_bad(ps, "a value that has an order before this");
	return n;
}

// "[" FILTER "]" after the path.
static struct scim_node *filter_brackets(struct filter_parser *ps, struct scim_node *n)
{
	if (ps->inside)
		return filter_bad(ps, "an operator, not a value path in a value path");
	ps->p++;
	ps->inside = true;
	n->type = SCIM_NODE_VALUE;
	n->left = filter_or(ps);
	filter_blank(ps);
	if (!n->left)
		return NULL;
	if (ps->p == ps->end || *ps->p != ']')
		return filter_bad(ps, "\"]\"");
	ps->inside = false;
	ps->p++;
	return n;
}

// The ".sub" that may follow the brackets; *len 0: none does.
static const char *filter_tail(struct filter_parser *ps, size_t *len)
{
	const char *w;

	*len = 0;
	if (ps->p == ps->end || *ps->p != '.')
		return ps->p;
	ps->p++;
	w = filter_word(ps, len);
	if (w && filter_alpha(w[0]) && !memchr(w, '.', *len) && !memchr(w, ':', *len))
		return w;
	ps->p--;
	(void)filter_bad(ps, "a sub-attribute");
	return NULL;
}

// attr[F].sub op value, as Entra writes it, is attr[F and sub op value].
static struct scim_node *filter_after(struct filter_parser *ps, struct scim_node *n)
{
	struct scim_node *c;
	size_t len;
	const char *w = filter_tail(ps, &len);

	if (!w || !len)
		return w ? n : NULL;
	c = filter_node(ps, SCIM_NODE_COMPARE, NULL, NULL);
	if (!c)
		return NULL;
	c->path = (struct scim_path){ "", arena_strn(ps->arena, w, len), "" };
	if (!c->path.attr)
		return filter_bad(ps, "memory");
	if (!filter_comparison(ps, c))
		return NULL;
	n->left = filter_node(ps, SCIM_NODE_AND, n->left, c);
	return n->left ? n : NULL;
}

static struct scim_node *filter_compare(struct filter_parser *ps)
{
	size_t len;
	const char *w = filter_word(ps, &len);
	struct scim_node *n;

	if (!w)
		return filter_bad(ps, "an attribute, \"not\" or \"(\"");
	n = filter_node(ps, SCIM_NODE_COMPARE, NULL, NULL);
	if (!n)
		return NULL;
	if (filter_path(ps->arena, w, len, &n->path) < 0) {
		ps->p = w;
		return filter_bad(ps, "an attribute path");
	}
	if (ps->p < ps->end && *ps->p == '[')
		return filter_brackets(ps, n) ? filter_after(ps, n) : NULL;
	return filter_comparison(ps, n);
}

static struct scim_node *filter_unary(struct filter_parser *ps)
{
	struct scim_node *n;
	const char *back;
	bool negate;

	if (++ps->depth > FILTER_DEPTH) {
		(void)filter_bad(ps, "a filter nested no deeper than 64");
		return NULL;
	}
	filter_blank(ps);
	back = ps->p;
	negate = filter_take(ps, "not");
	filter_blank(ps);
	if (ps->p < ps->end && *ps->p == '(') {
		ps->p++;
		n = filter_or(ps);
		filter_blank(ps);
		if (!n)
			return NULL;
		if (ps->p == ps->end || *ps->p != ')')
			return filter_bad(ps, "\")\"");
		ps->p++;
		if (negate)
			n = filter_node(ps, SCIM_NODE_NOT, n, NULL);
	} else if (negate) {
		// `not` in front of anything else is an attribute of that name.
		ps->p = back;
		n = filter_compare(ps);
	} else {
		n = filter_compare(ps);
	}
	ps->depth--;
	return n;
}

static struct scim_node *filter_and(struct filter_parser *ps)
{
	struct scim_node *n = filter_unary(ps), *right;

	while (n && filter_take(ps, "and")) {
		right = filter_unary(ps);
		n = right ? filter_node(ps, SCIM_NODE_AND, n, right) : NULL;
	}
	return n;
}

static struct scim_node *filter_or(struct filter_parser *ps)
{
	struct scim_node *n = filter_and(ps), *right;

	while (n && filter_take(ps, "or")) {
		right = filter_and(ps);
		n = right ? filter_node(ps, SCIM_NODE_OR, n, right) : NULL;
	}
	return n;
}

// What a PATCH operation acts on: a path, perhaps with brackets, perhaps with a
// sub-attribute after them.
static struct scim_node *filter_target(struct filter_parser *ps)
{
	size_t len;
	const char *w = filter_word(ps, &len);
	struct scim_node *n;

	if (!w)
		return filter_bad(ps, "an attribute path");
	n = filter_node(ps, SCIM_NODE_COMPARE, NULL, NULL);
	if (!n)
		return NULL;
	if (filter_path(ps->arena, w, len, &n->path) < 0) {
		ps->p = w;
		return filter_bad(ps, "an attribute path");
	}
	if (ps->p == ps->end || *ps->p != '[')
		return n;
	if (n->path.sub[0])
		return filter_bad(ps, "no brackets after a sub-attribute");
	if (!filter_brackets(ps, n))
		return NULL;
	w = filter_tail(ps, &len);
	n->path.sub = w ? arena_strn(ps->arena, w, len) : NULL;
	return n->path.sub ? n : NULL;
}

// A parser over a copy of the text. *ps borrows from the filter.
static int filter_begin(struct filter_parser *ps, const char *text, size_t len,
			struct scim_filter **out)
{
	struct scim_filter *flt;

	if (ps->f)
		ps->f->text[0] = '\0';
	if (len > FILTER_LENGTH)
		return fail(ps->f, EINVAL, "a filter of %zu bytes; %d are the limit", len,
			    FILTER_LENGTH);
	if (memchr(text, '\0', len))
		return fail(ps->f, EINVAL, "a filter with a NUL byte");
	flt = calloc(1, sizeof(*flt));
	if (!flt)
		return fail(ps->f, ENOMEM, "out of memory");
	ps->arena = &flt->arena;
	flt->text = arena_strn(&flt->arena, text, len);
	if (!flt->text) {
		scim_filter_free(flt);
		return fail(ps->f, ENOMEM, "out of memory");
	}
	ps->start = ps->p = flt->text;
	ps->end = flt->text + len;
	*out = flt;
	return 0;
}

static int filter_end(struct filter_parser *ps, struct scim_filter *flt, struct scim_filter **out)
{
	filter_blank(ps);
	if (flt->root && ps->p < ps->end) {
		(void)filter_bad(ps, "\"and\", \"or\" or the end");
		flt->root = NULL;
	}
	if (!flt->root) {
		scim_filter_free(flt);
		return ps->inside ? -EBADMSG : -EINVAL;
	}
	*out = flt;
	return 0;
}

int scim_filter_parse(const char *text, size_t len, struct scim_filter **out, struct fail *f)
{
	struct filter_parser ps = { .f = f };
	struct scim_filter *flt;
	int r = filter_begin(&ps, text, len, &flt);

	if (r < 0)
		return r;
	flt->root = filter_or(&ps);
	ps.inside = false;
	return filter_end(&ps, flt, out);
}

int scim_filter_parse_path(const char *text, size_t len, struct scim_filter **out, struct fail *f)
{
	struct filter_parser ps = { .f = f };
	struct scim_filter *flt;
	int r = filter_begin(&ps, text, len, &flt);

	if (r < 0)
		return r;
	flt->root = filter_target(&ps);
	return filter_end(&ps, flt, out);
}

void scim_filter_free(struct scim_filter *flt)
{
	if (!flt)
		return;
	arena_free(&flt->arena);
	free(flt);
}

const char *scim_filter_text(const struct scim_filter *flt)
{
	return flt->text;
}

const struct scim_node *scim_filter_root(const struct scim_filter *flt)
{
	return flt->root;
}
