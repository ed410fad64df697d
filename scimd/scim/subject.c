// SPDX-License-Identifier: MIT
//
// Filters and sorting over a JSON resource; see subject.h.
#include "scimd/scim/subject.h"
#include "scimd/base/clock.h"
#include "scimd/scim/filter.h"
#include "scimd/scim/json.h"
#include "scimd/scim/problem.h"
#include "scimd/scim/schema.h"
#include "scimd/scim/text.h"
#include "scimd/scim/value.h"
#include <errno.h>
#include <json-c/json.h>
#include <string.h>
#include <strings.h>

// The resource, and the last path looked up: `get` is asked for value after value
// of the same one.
struct subject {
	const struct scim_resource_type *t;
	struct json_object *res;
	const struct scim_path *path;
	const void *scope;
	struct json_object *found;
};

static void subject_value(struct json_object *v, struct scim_value *out)
{
	*out = (struct scim_value){ .type = SCIM_NULL };
	switch (json_object_get_type(v)) {
	case json_type_boolean:
		out->type = json_object_get_boolean(v) ? SCIM_TRUE : SCIM_FALSE;
		break;
	case json_type_int:
	case json_type_double:
		out->type = SCIM_NUMBER;
		out->number = json_object_get_double(v);
		out->text = json_object_get_string(v);
		break;
	case json_type_string:
		out->type = SCIM_STRING;
		out->text = json_object_get_string(v);
		break;
	case json_type_object:
		// A complex value compared as a whole is its `value`; one without any is
		// present, and equal to nothing.
		if (json_member(v, "value"))
			subject_value(json_member(v, "value"), out);
		else if (json_object_object_length(v))
			*out = (struct scim_value){ SCIM_STRING, "\x01", 0 };
		break;
	default:
		break;
	}
}

// The attribute (not yet its sub-attribute) that a path names.
static struct json_object *subject_find(const struct scim_resource_type *t, struct json_object *res,
					const struct scim_path *p)
{
	const struct scim_path top = { p->urn, p->attr, "" };
	const struct scim_schema *s;
	const struct scim_attribute *a = scim_schema_find(t, &top, &s);
	struct json_object *home = a ? scim_value_home(res, t, s, false) : NULL;

	return home ? json_member(home, a->name) : NULL;
}

static int subject_get(void *arg, const void *scope, const struct scim_path *p, size_t i,
		       struct scim_value *out)
{
	struct subject *s = arg;
	struct json_object *v;

	if (s->path != p || s->scope != scope) {
		s->path = p;
		s->scope = scope;
		if (!scope)
			s->found = subject_find(s->t, s->res, p);
		else if (p->urn[0] || p->sub[0])
			s->found = NULL;
		else if (json_object_is_type((struct json_object *)scope, json_type_object))
			s->found = json_member((struct json_object *)scope, p->attr);
		else // a simple value in a list: its only sub-attribute is `value`
			s->found = strcasecmp(p->attr, "value") == 0 ? (struct json_object *)scope
								     : NULL;
	}
	v = s->found;
	if (json_object_is_type(v, json_type_array)) {
		if (i >= json_object_array_length(v))
			return 0;
		v = json_object_array_get_idx(v, i);
		// A value without the sub-attribute counts as null, so that the next is seen.
		if (!scope && p->sub[0])
			v = json_member(v, p->sub);
		subject_value(v, out);
		return 1;
	}
	if (i > 0)
		return 0;
	if (!scope && p->sub[0])
		v = json_member(v, p->sub);
	subject_value(v, out);
	return v != NULL;
}

static int subject_element(void *arg, const struct scim_path *p, size_t i, const void **scope_out)
{
	struct subject *s = arg;
	struct json_object *v = p->sub[0] ? NULL : subject_find(s->t, s->res, p);

	if (json_object_is_type(v, json_type_array)) {
		if (i >= json_object_array_length(v))
			return 0;
		*scope_out = json_object_array_get_idx(v, i);
		return *scope_out != NULL;
	}
	*scope_out = v;
	return v && i == 0;
}

static bool row_exact(const struct scim_attribute *a)
{
	const struct scim_attribute *value;

	if (!a || a->kind != SCIM_KIND_COMPLEX)
		return a && a->case_exact;
	value = scim_attribute_find(a->subs, "value", 5);
	return value && value->case_exact;
}

static bool subject_exact(void *arg, const struct scim_path *within, const struct scim_path *p)
{
	struct subject *s = arg;
	struct scim_path whole = *p;

	if (within)
		whole = (struct scim_path){ within->urn, within->attr, p->attr };
	return row_exact(scim_schema_find(s->t, &whole, NULL));
}

bool scim_json_match(const struct scim_filter *f, const struct scim_resource_type *t,
		     struct json_object *res)
{
	struct subject s = { .t = t, .res = res };
	const struct scim_subject subject = { &s, subject_get, subject_element, subject_exact };

	return scim_filter_match(f, &subject);
}

bool scim_json_match_element(const struct scim_node *value_node, const struct scim_resource_type *t,
			     struct json_object *element)
{
	struct subject s = { .t = t };
	const struct scim_subject subject = { &s, subject_get, subject_element, subject_exact };

	return scim_filter_match_element(value_node, &subject, element);
}

static int check_node(const struct scim_node *n, const struct scim_path *within,
		      const struct scim_resource_type *t, struct scim_problem *p)
{
	for (;;) {
		struct scim_path path = n->path;
		const struct scim_attribute *a;

		switch (n->type) {
		case SCIM_NODE_AND:
		case SCIM_NODE_OR:
			if (check_node(n->right, within, t, p) < 0)
				return -EINVAL;
			n = n->left;
			continue;
		case SCIM_NODE_VALUE:
			within = &n->path;
			n = n->left;
			continue;
		case SCIM_NODE_NOT:
			n = n->left;
			continue;
		case SCIM_NODE_COMPARE:
			break;
		}
		if (within)
			path = (struct scim_path){ within->urn, within->attr, n->path.attr };
		a = scim_schema_find(t, &path, NULL);
		if (!a || n->op < SCIM_GT || n->op == SCIM_PR ||
		    (a->kind != SCIM_KIND_BOOLEAN && a->kind != SCIM_KIND_BINARY))
			return 0;
		return scim_problem(p, 400, "invalidFilter",
				    "%s has no order: gt, ge, lt and le "
				    "cannot compare it",
				    a->name);
	}
}

int scim_filter_check(const struct scim_filter *f, const struct scim_resource_type *t,
		      struct scim_problem *p)
{
	return check_node(scim_filter_root(f), NULL, t, p);
}

struct json_object *scim_json_sort_value(const struct scim_resource_type *t,
					 const struct scim_path *by, struct json_object *res)
{
	struct json_object *v = subject_find(t, res, by), *list = v;

	if (json_object_is_type(list, json_type_array)) {
		v = json_object_array_length(list) ? json_object_array_get_idx(list, 0) : NULL;
		for (size_t i = 0; i < json_object_array_length(list); i++)
			if (scim_value_primary(json_object_array_get_idx(list, i))) {
				v = json_object_array_get_idx(list, i);
				break;
			}
	}
	if (by->sub[0])
		return json_member(v, by->sub);
	return json_object_is_type(v, json_type_object) ? json_member(v, "value") : v;
}

static int sort_order(const struct scim_attribute *a, const struct scim_value *x,
		      const struct scim_value *y)
{
	int64_t m, n;

	if (x->type == SCIM_NUMBER && y->type == SCIM_NUMBER)
		return (x->number > y->number) - (x->number < y->number);
	if (!x->text || !y->text)
		return (x->type > y->type) - (x->type < y->type); // false before true
	if (a->kind == SCIM_KIND_DATETIME && clock_parse(x->text, strlen(x->text), &m) == 0 &&
	    clock_parse(y->text, strlen(y->text), &n) == 0)
		return (m > n) - (m < n);
	return row_exact(a) ? strcmp(x->text, y->text) : scim_text_order(x->text, y->text);
}

int scim_json_sort_order(const struct scim_resource_type *t, const struct scim_path *by,
			 struct json_object *a, struct json_object *b)
{
	const struct scim_attribute *row = scim_schema_find(t, by, NULL);
	struct scim_value x, y;

	if (!row || !a || !b)
		return !a - !b;
	subject_value(a, &x);
	subject_value(b, &y);
	return sort_order(row, &x, &y);
}
