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
#include "scimd/scim/text.h"
#include "scimd/scim/value.h"
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

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
		return scim_text_order(s, z) == 0;
	return json_object_equal(x, y);
}

// What the values of a list are told by, folded once: of two long lists each is compared
// with each. NULL: not a text, or one that is exact.
struct key {
	char *value, *type;
};

static char *key_fold(const struct scim_attribute *row, struct json_object *v)
{
	const char *text = json_string(v);

	return text && row && !row->case_exact ? scim_text_fold(text) : NULL;
}

// For a list of so many values at most. NULL: no memory.
static struct key *keys_new(const struct scim_attribute *a, struct json_object *list, size_t room)
{
	const struct scim_attribute *value = scim_attribute_find(a->subs, "value", 5);
	const struct scim_attribute *type = scim_attribute_find(a->subs, "type", 4);
	struct key *k = calloc(room + 1, sizeof(*k));

	for (size_t i = 0; k && i < json_object_array_length(list); i++) {
		struct json_object *e = json_object_array_get_idx(list, i);

		k[i].value = a->subs ? key_fold(value, json_member(e, "value")) : key_fold(a, e);
		k[i].type = a->subs ? key_fold(type, json_member(e, "type")) : NULL;
	}
	return k;
}

static void keys_free(struct key *k, size_t room)
{
	for (size_t i = 0; k && i < room; i++) {
		free(k[i].value);
		free(k[i].type);
	}
	free(k);
}

static bool key_same(const char *x, const char *y, struct json_object *have,
		     struct json_object *want)
{
	return x && y ? strcmp(x, y) == 0 : json_object_equal(have, want);
}

// Whether `have` is the value that `want` names: by `value`, and `type` if want
// has one; without a `value` by everything that want has.
static bool denotes(const struct scim_attribute *a, struct json_object *have, const struct key *hk,
		    struct json_object *want, const struct key *wk)
{
	struct json_object *v = a->subs ? json_member(want, "value") : NULL;
	struct json_object *type = v ? json_member(want, "type") : NULL;

	if (!a->subs)
		return key_same(hk->value, wk->value, have, want);
	if (v)
		return key_same(hk->value, wk->value, json_member(have, "value"), v) &&
		       (!type || key_same(hk->type, wk->type, json_member(have, "type"), type));
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

static int add_values(struct change *c, struct json_object *values, struct key *have,
		      struct key *want)
{
	const struct scim_attribute *a = c->tg->attr;
	int r = 0;

	for (size_t i = 0; r == 0 && i < json_object_array_length(values); i++) {
		struct json_object *w = json_object_array_get_idx(values, i), *h = NULL;
		size_t n = json_object_array_length(c->list);

		r = patch_look(c->pt, n, NULL);
		if (r < 0)
			return r;
		for (size_t k = 0; k < n && !h; k++) {
			h = json_object_array_get_idx(c->list, k);
			if (!denotes(a, h, &have[k], w, &want[i]))
				h = NULL;
		}
		r = h ? refresh(c, h, w) : append(c, json_object_get(w));
		if (r == 0 && !h) {
			have[n] = want[i];
			want[i] = (struct key){ NULL, NULL };
		}
	}
	return r;
}

static int remove_values(struct change *c, struct json_object *values, const struct key *have,
			 const struct key *want)
{
	size_t n = json_object_array_length(values);
	int r = patch_look(c->pt, json_object_array_length(c->list) * n, NULL);

	if (r < 0)
		return r;
	for (size_t k = json_object_array_length(c->list); k-- > 0;)
		for (size_t i = 0; i < n; i++)
			if (denotes(c->tg->attr, json_object_array_get_idx(c->list, k), &have[k],
				    json_object_array_get_idx(values, i), &want[i])) {
				json_object_array_del_idx(c->list, k, 1);
				break;
			}
	return 0;
}

static int add_or_remove(struct change *c, struct json_object *values)
{
	size_t n = json_object_array_length(values);
	size_t room = json_object_array_length(c->list) + n;
	struct key *have = keys_new(c->tg->attr, c->list, room);
	struct key *want = keys_new(c->tg->attr, values, n);
	int r = 0;

	if (!have || !want)
		r = scim_problem_memory(c->pt->p);
	else if (c->pt->op == PATCH_ADD)
		r = add_values(c, values, have, want);
	else
		r = remove_values(c, values, have, want);
	keys_free(have, room);
	keys_free(want, n);
	return r;
}

// The list as a whole: no brackets, no sub-attribute.
static int whole(struct change *c, struct json_object *v)
{
	const struct scim_attribute *a = c->tg->attr;
	struct json_object *values = NULL;
	int r = scim_value_accept(a, a->name, v, &values, c->pt->p);

	if (r < 0)
		return r;
	if (values && (c->pt->op == PATCH_ADD || (c->pt->op == PATCH_REMOVE && v)))
		r = add_or_remove(c, values);
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
