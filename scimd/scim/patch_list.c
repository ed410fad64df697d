// SPDX-License-Identifier: MIT
//
// PATCH of lists in the resource; see patch_internal.h.
#include "scimd/scim/accept.h"
#include "scimd/scim/filter.h"
#include "scimd/scim/json.h"
#include "scimd/scim/patch_internal.h"
#include "scimd/scim/problem.h"
#include "scimd/scim/schema.h"
#include "scimd/scim/subject.h"
#include "scimd/scim/value.h"
#include <json-c/json.h>
#include <string.h>
#include <strings.h>

// A list under change, and what this operation made primary.
struct change {
	struct patch *pt;
	const struct patch_target *tg;
	struct json_object *home, *list;
	struct json_object *primary;
	size_t primaries, matched;
};

static void touched(struct change *c, struct json_object *element)
{
	if (scim_value_primary(element)) {
		c->primary = element;
		c->primaries++;
	}
}

// Setting a primary makes the others none (RFC 7644 §3.5.2).
static int settle_primary(struct change *c)
{
	if (c->primaries > 1)
		return scim_problem(c->pt->p, 400, "invalidValue",
				    "%s: only one value can be primary", c->tg->attr->name);
	for (size_t i = 0; c->primaries && i < json_object_array_length(c->list); i++) {
		struct json_object *e = json_object_array_get_idx(c->list, i);
		int r = 0;

		if (e != c->primary && scim_value_primary(e))
			r = scim_value_put(e, "primary", json_object_new_boolean(0), c->pt->p);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool same(const struct scim_attribute *row, struct json_object *x, struct json_object *y)
{
	const char *s = json_string(x), *z = json_string(y);

	if (s && z && row && !row->case_exact)
		return strcasecmp(s, z) == 0;
	return json_object_equal(x, y);
}

// Whether `have` is the value that `want` names: by `value`, and `type` if want
// has one; without a `value` by everything that want has.
static bool denotes(const struct scim_attribute *a, struct json_object *have,
		    struct json_object *want)
{
	struct json_object *v = a->subs ? json_member(want, "value") : NULL;
	struct json_object *type = v ? json_member(want, "type") : NULL;

	if (!a->subs)
		return same(a, have, want);
	if (v)
		return same(scim_attribute_find(a->subs, "value", 5), json_member(have, "value"),
			    v) &&
		       (!type || same(scim_attribute_find(a->subs, "type", 4),
				      json_member(have, "type"), type));
	json_object_object_foreach(want, key, value)
	{
		if (!json_object_equal(json_member(have, key), value))
			return false;
	}
	return true;
}

// Takes e over.
static int append(struct change *c, struct json_object *e)
{
	size_t limit = c->tg->attr->many ? SCIM_MEMBERS_MAX : SCIM_VALUES_MAX;

	if (json_object_array_length(c->list) >= limit) {
		json_object_put(e);
		return scim_problem(c->pt->p, 400, "invalidValue", "%s can have %zu values",
				    c->tg->attr->name, limit);
	}
	if (json_object_array_add(c->list, e) < 0) {
		json_object_put(e);
		return scim_problem_memory(c->pt->p);
	}
	touched(c, e);
	return 0;
}

// What the added value says of one that is there already; what cannot change stays.
static int refresh(struct change *c, struct json_object *have, struct json_object *want)
{
	const struct scim_attribute *a = c->tg->attr;
	struct json_object *sub;
	int r = 0;

	for (const struct scim_attribute *row = a->subs; row && r == 0 && row->name; row++) {
		if (row->mutability != SCIM_READ_WRITE ||
		    !json_object_object_get_ex(want, row->name, &sub) ||
		    same(row, json_member(have, row->name), sub))
			continue;
		r = scim_value_put(have, row->name, json_object_get(sub), c->pt->p);
	}
	touched(c, have);
	return r;
}

static int add_values(struct change *c, struct json_object *values)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < json_object_array_length(values); i++) {
		struct json_object *want = json_object_array_get_idx(values, i), *have = NULL;

		r = patch_look(c->pt, json_object_array_length(c->list), NULL);
		if (r < 0)
			return r;
		for (size_t k = 0; k < json_object_array_length(c->list) && !have; k++) {
			have = json_object_array_get_idx(c->list, k);
			if (!denotes(c->tg->attr, have, want))
				have = NULL;
		}
		r = have ? refresh(c, have, want) : append(c, json_object_get(want));
	}
	return r;
}

static int remove_values(struct change *c, struct json_object *values)
{
	size_t n = json_object_array_length(values);
	int r = patch_look(c->pt, json_object_array_length(c->list) * n, NULL);

	if (r < 0)
		return r;
	for (size_t k = json_object_array_length(c->list); k-- > 0;)
		for (size_t i = 0; i < n; i++)
			if (denotes(c->tg->attr, json_object_array_get_idx(c->list, k),
				    json_object_array_get_idx(values, i))) {
				json_object_array_del_idx(c->list, k, 1);
				break;
			}
	return 0;
}

// The list as a whole: no brackets, no sub-attribute.
static int whole(struct change *c, struct json_object *v)
{
	const struct scim_attribute *a = c->tg->attr;
	struct json_object *values = NULL;
	int r = scim_value_accept(a, a->name, v, &values, c->pt->p);

	if (r < 0)
		return r;
	if (c->pt->op == PATCH_ADD && values)
		r = add_values(c, values);
	else if (c->pt->op == PATCH_REMOVE && v && values)
		r = remove_values(c, values);
	else if (c->pt->op == PATCH_REPLACE && values)
		r = scim_value_put(c->home, a->name, json_object_get(values), c->pt->p);
	else if (c->pt->op == PATCH_REPLACE || (c->pt->op == PATCH_REMOVE && !v))
		r = scim_value_put(c->home, a->name, NULL, c->pt->p);
	json_object_put(values);
	return r;
}

// One element that the operation is about, number i.
static int one(struct change *c, size_t i, struct json_object *v)
{
	struct patch *pt = c->pt;
	const struct scim_attribute *a = c->tg->attr;
	struct json_object *e = json_object_array_get_idx(c->list, i), *now = NULL;
	int r = 0;

	if (c->tg->sub && a->subs) {
		r = patch_leaf(pt, c->tg->sub, a, e, v);
	} else if (pt->op == PATCH_REMOVE || (pt->op == PATCH_REPLACE && scim_value_empty(v))) {
		json_object_array_del_idx(c->list, i, 1);
		return 0;
	} else if (pt->op == PATCH_REPLACE) {
		r = patch_create(pt, c->tg, v, &now);
		if (r == 0 && json_object_array_put_idx(c->list, i, now) < 0) {
			json_object_put(now);
			r = scim_problem_memory(pt->p);
		}
		e = now;
	} else {
		r = scim_value_element(a, a->name, v, &now, pt->p);
		if (r == 0 && now)
			r = patch_merge(pt, a, e, now, v);
		json_object_put(now);
	}
	if (r < 0)
		return r;
	if (!json_object_object_length(e))
		json_object_array_del_idx(c->list, i, 1);
	else
		touched(c, e);
	return 0;
}

// The elements that the brackets choose; without brackets all of them.
static int chosen(struct change *c, struct json_object *v)
{
	const struct scim_node *brackets = c->tg->brackets;
	struct json_object *now = NULL;
	int r = brackets ? patch_look(c->pt, json_object_array_length(c->list), brackets) : 0;

	for (size_t i = json_object_array_length(c->list); r == 0 && i-- > 0;) {
		if (brackets && !scim_json_match_element(brackets, c->pt->t,
							 json_object_array_get_idx(c->list, i)))
			continue;
		c->matched++;
		r = one(c, i, v);
	}
	if (r < 0 || c->matched || c->pt->op == PATCH_REMOVE || !v)
		return r;
	if (brackets && !patch_equalities(brackets))
		return patch_no_target(c->pt, c->tg);
	r = patch_create(c->pt, c->tg, v, &now);
	return r < 0 ? r : append(c, now);
}

int patch_list(struct patch *pt, const struct patch_target *tg, struct json_object *v)
{
	struct change c = { .pt = pt, .tg = tg };
	int r;

	c.home = scim_value_home(pt->res, pt->t, tg->schema, false);
	c.list = json_member(c.home, tg->attr->name);
	if (!c.list && pt->op == PATCH_REMOVE)
		return 0;
	if (!c.list) {
		// An empty one does not outlive the request: settling drops it.
		c.list = json_object_new_array();
		if (!c.list)
			return scim_problem_memory(pt->p);
		r = scim_value_put(c.home, tg->attr->name, c.list, pt->p);
		if (r < 0)
			return r;
	}
	r = tg->sub || tg->brackets ? chosen(&c, v) : whole(&c, v);
	return r < 0 ? r : settle_primary(&c);
}
