// SPDX-License-Identifier: MIT
//
// PATCH of attributes with a single value; see patch_internal.h.
#include "scimd/scim/json.h"
#include "scimd/scim/patch_internal.h"
#include "scimd/scim/problem.h"
#include "scimd/scim/schema.h"
#include "scimd/scim/value.h"
#include <json-c/json.h>
#include <stdio.h>
#include <strings.h>

#define NAME_MAX_TEXT 160

static int refuse_change(struct patch *pt, const char *where, const char *why)
{
	return scim_problem(pt->p, 400, "mutability", "%s %s", where, why);
}

// Takes the member away (RFC 7644 §3.5.2.2).
static int drop(struct patch *pt, const struct scim_attribute *row, const char *where,
		struct json_object *o)
{
	if (!json_object_object_get_ex(o, row->name, NULL))
		return 0;
	if (row->required)
		return pt->op == PATCH_REMOVE
			       ? refuse_change(pt, where, "is required")
			       : scim_problem(pt->p, 400, "invalidValue", "%s is required", where);
	if (row->mutability == SCIM_IMMUTABLE)
		return refuse_change(pt, where, "is immutable");
	json_object_object_del(o, row->name);
	return 0;
}

int patch_leaf(struct patch *pt, const struct scim_attribute *row,
	       const struct scim_attribute *within, struct json_object *o, struct json_object *v)
{
	struct json_object *now = NULL, *have = json_member(o, row->name);
	char where[NAME_MAX_TEXT];
	int r = 0;

	(void)snprintf(where, sizeof(where), "%s%s%s", within ? within->name : "",
		       within ? "." : "", row->name);
	if (pt->op != PATCH_REMOVE)
		r = scim_value_accept(row, where, v, &now, pt->p);
	if (r < 0)
		return r;
	if (!now) // null: nothing to add, or unassigned
		return pt->op == PATCH_ADD ? 0 : drop(pt, row, where, o);
	if (row->required && scim_value_empty(now))
		r = scim_problem(pt->p, 400, "invalidValue", "%s is required", where);
	else if (row->mutability == SCIM_IMMUTABLE && have && !json_object_equal(have, now))
		r = refuse_change(pt, where, "is immutable and set already");
	if (r < 0 || json_object_equal(have, now)) {
		json_object_put(now);
		return r;
	}
	return scim_value_put(o, row->name, now, pt->p);
}

// Whether the value names this sub-attribute, as null.
static bool names_null(struct json_object *v, const char *name)
{
	if (!json_object_is_type(v, json_type_object))
		return false;
	json_object_object_foreach(v, key, value)
	{
		if (strcasecmp(key, name) == 0)
			return !value;
	}
	return false;
}

int patch_merge(struct patch *pt, const struct scim_attribute *a, struct json_object *o,
		struct json_object *now, struct json_object *v)
{
	struct json_object *sub;
	int r = 0;

	for (const struct scim_attribute *row = a->subs; r == 0 && row->name; row++) {
		if (row->mutability == SCIM_READ_ONLY)
			continue;
		if (json_object_object_get_ex(now, row->name, &sub))
			r = patch_leaf(pt, row, a, o, sub);
		else if (pt->op == PATCH_REPLACE && names_null(v, row->name))
			r = patch_leaf(pt, row, a, o, NULL);
	}
	return r;
}

// The object that is the attribute's value, made if need be.
static struct json_object *open_complex(struct json_object *home, const char *name)
{
	struct json_object *o = json_member(home, name);

	if (o)
		return o;
	o = json_object_new_object();
	return o && scim_value_put(home, name, o, NULL) == 0 ? o : NULL;
}

// add and replace of a complex value leave its other sub-attributes alone.
static int apply_complex(struct patch *pt, const struct patch_target *tg, struct json_object *home,
			 struct json_object *v)
{
	const struct scim_attribute *a = tg->attr;
	struct json_object *now = NULL, *o;
	int r;

	if (!v || pt->op == PATCH_REMOVE || (json_string(v) && !json_string(v)[0]))
		return pt->op == PATCH_ADD ? 0 : patch_leaf(pt, a, NULL, home, NULL);
	r = scim_value_accept(a, a->name, v, &now, pt->p);
	if (r < 0)
		return r;
	o = open_complex(home, a->name);
	r = o ? patch_merge(pt, a, o, now, v) : scim_problem_memory(pt->p);
	json_object_put(now);
	return r;
}

int patch_apply(struct patch *pt, const struct patch_target *tg, struct json_object *v)
{
	const struct scim_attribute *a = tg->attr;
	struct json_object *home, *o;

	if (a->mutability == SCIM_WRITE_ONLY)
		return 0; // a password: taken, never kept
	if (scim_attribute_is_members(a) && pt->members)
		return patch_members(pt, tg, v);
	home = scim_value_home(pt->res, pt->t, tg->schema, pt->op != PATCH_REMOVE);
	if (!home)
		return pt->op == PATCH_REMOVE ? 0 : scim_problem_memory(pt->p);
	if (a->multi)
		return patch_list(pt, tg, v);
	if (!a->subs)
		return patch_leaf(pt, a, NULL, home, v);
	if (!tg->sub)
		return apply_complex(pt, tg, home, v);
	if (pt->op == PATCH_REMOVE && !json_member(home, a->name))
		return 0;
	o = open_complex(home, a->name);
	return o ? patch_leaf(pt, tg->sub, a, o, v) : scim_problem_memory(pt->p);
}
