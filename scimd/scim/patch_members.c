// SPDX-License-Identifier: MIT
//
// What brackets in a path stand for, and PATCH of members that are not in the
// resource; see patch_internal.h.
#include "scimd/scim/filter.h"
#include "scimd/scim/json.h"
#include "scimd/scim/patch.h"
#include "scimd/scim/patch_internal.h"
#include "scimd/scim/problem.h"
#include "scimd/scim/schema.h"
#include "scimd/scim/subject.h"
#include "scimd/scim/value.h"
#include <errno.h>
#include <json-c/json.h>
#include <string.h>
#include <strings.h>

static bool equality(const struct scim_node *n)
{
	return n->type == SCIM_NODE_COMPARE && n->op == SCIM_EQ && !n->path.urn[0] &&
	       !n->path.sub[0] && n->value.type != SCIM_NULL;
}

static struct json_object *literal(const struct scim_value *v)
{
	if (v->type == SCIM_TRUE || v->type == SCIM_FALSE)
		return json_object_new_boolean(v->type == SCIM_TRUE);
	return json_object_new_string(v->text);
}

int patch_no_target(struct patch *pt, const struct patch_target *tg)
{
	return scim_problem(pt->p, 400, "noTarget", "no value of %s matches the path",
			    tg->attr->name);
}

// Adds what [sub eq literal] demands to o, unless o has it.
static int demand(struct patch *pt, const struct patch_target *tg, const struct scim_node *n,
		  struct json_object *o)
{
	const struct scim_attribute *row;

	if (!equality(n))
		return patch_no_target(pt, tg);
	row = scim_attribute_find(tg->attr->subs, n->path.attr, strlen(n->path.attr));
	if (!row || row->mutability == SCIM_READ_ONLY)
		return patch_no_target(pt, tg);
	if (json_member(o, row->name))
		return 0;
	return scim_value_put(o, row->name, literal(&n->value), pt->p);
}

bool patch_equalities(const struct scim_node *brackets)
{
	const struct scim_node *n = brackets->left;

	for (; n->type == SCIM_NODE_AND; n = n->left)
		if (!equality(n->right))
			return false;
	return equality(n);
}

static int complete(struct patch *pt, const struct patch_target *tg, struct json_object *o)
{
	const struct scim_node *n = tg->brackets->left;
	int r = 0;

	for (; r == 0 && n->type == SCIM_NODE_AND; n = n->left)
		r = demand(pt, tg, n->right, o);
	return r < 0 ? r : demand(pt, tg, n, o);
}

int patch_create(struct patch *pt, const struct patch_target *tg, struct json_object *v,
		 struct json_object **out)
{
	const struct scim_attribute *a = tg->attr;
	struct json_object *o = NULL, *now = NULL;
	bool simple = json_string(v) != NULL || tg->sub;
	int r = 0;

	if (!a->subs)
		return patch_no_target(pt, tg);
	if (json_object_is_type(v, json_type_array) && json_object_array_length(v) == 1)
		v = json_object_array_get_idx(v, 0);
	if (simple || !json_object_is_type(v, json_type_object)) {
		o = json_object_new_object();
		r = o ? scim_value_put(o, tg->sub ? tg->sub->name : "value", json_object_get(v),
				       pt->p)
		      : scim_problem_memory(pt->p);
	} else if (json_object_deep_copy(v, &o, NULL) < 0) {
		r = scim_problem_memory(pt->p);
	}
	if (r == 0 && tg->brackets && patch_equalities(tg->brackets))
		r = complete(pt, tg, o);
	if (r == 0)
		r = scim_value_element(a, a->name, o, &now, pt->p);
	if (r == 0 && !now)
		r = scim_problem(pt->p, 400, "invalidValue", "%s: the value is empty", a->name);
	json_object_put(o);
	if (r == 0)
		*out = now;
	return r;
}

const char *patch_member_id(const struct scim_node *brackets)
{
	const struct scim_node *n = brackets->left;

	return equality(n) && n->value.text && strcasecmp(n->path.attr, "value") == 0
		       ? n->value.text
		       : NULL;
}

struct collect {
	struct patch *pt;
	const struct scim_node *brackets;
	struct json_object *ids;
};

static int collect_one(void *arg, struct json_object *member)
{
	struct collect *c = arg;
	struct json_object *id = json_member(member, "value");

	if (patch_look(c->pt, 1, c->brackets) < 0)
		return -EINVAL;
	if (!json_string(id) || !scim_json_match_element(c->brackets, c->pt->t, member))
		return 0;
	if (json_object_array_add(c->ids, json_object_get(id)) == 0)
		return 0;
	json_object_put(id);
	return -ENOMEM;
}

// The ids of the members that the brackets choose; first all, then acted upon.
static int choose(struct patch *pt, const struct scim_node *brackets, struct json_object *ids)
{
	struct collect c = { pt, brackets, ids };
	const char *id = patch_member_id(brackets);
	int r;

	if (id) {
		struct json_object *v = json_object_new_string(id);

		if (v && json_object_array_add(ids, v) == 0)
			return 0;
		json_object_put(v);
		return scim_problem_memory(pt->p);
	}
	r = pt->members->each(pt->members->arg, collect_one, &c);
	return r == -ENOMEM ? scim_problem_memory(pt->p) : r;
}

static int remove_each(struct patch *pt, struct json_object *values)
{
	int r = 0;

	for (size_t i = 0; r == 0 && values && i < json_object_array_length(values); i++) {
		struct json_object *v = json_object_array_get_idx(values, i);
		const char *id = json_string(v);

		r = pt->members->remove(pt->members->arg,
					id ? id : json_string(json_member(v, "value")), pt->p);
	}
	return r;
}

static int add_each(struct patch *pt, struct json_object *values)
{
	int r = 0;

	for (size_t i = 0; r == 0 && values && i < json_object_array_length(values); i++)
		r = pt->members->add(pt->members->arg, json_object_array_get_idx(values, i), pt->p);
	return r;
}

static int members_chosen(struct patch *pt, const struct patch_target *tg, struct json_object *v)
{
	struct json_object *ids = json_object_new_array(), *now = NULL;
	int r = ids ? choose(pt, tg->brackets, ids) : scim_problem_memory(pt->p);

	if (r == 0 && pt->op != PATCH_REMOVE && v) {
		r = json_object_array_length(ids) ? patch_create(pt, tg, v, &now)
						  : patch_no_target(pt, tg);
	}
	if (r == 0 && pt->op != PATCH_ADD)
		r = remove_each(pt, ids);
	if (r == 0 && now)
		r = pt->members->add(pt->members->arg, now, pt->p);
	json_object_put(now);
	json_object_put(ids);
	return r;
}

int patch_members(struct patch *pt, const struct patch_target *tg, struct json_object *v)
{
	struct json_object *values = NULL;
	int r;

	if (tg->sub)
		return scim_problem(pt->p, 400, "mutability", "%s.%s is immutable", tg->attr->name,
				    tg->sub->name);
	if (tg->brackets)
		return members_chosen(pt, tg, v);
	r = scim_value_accept(tg->attr, tg->attr->name, v, &values, pt->p);
	if (r == 0 && (pt->op == PATCH_REPLACE || (pt->op == PATCH_REMOVE && !v)))
		r = pt->members->clear(pt->members->arg, pt->p);
	if (r == 0)
		r = pt->op == PATCH_REMOVE ? remove_each(pt, values) : add_each(pt, values);
	json_object_put(values);
	return r;
}
