// SPDX-License-Identifier: MIT
//
// From a body to a normalised resource; see accept.h.
#include "scimd/scim/accept.h"
#include "scimd/scim/json.h"
#include "scimd/scim/problem.h"
#include "scimd/scim/schema.h"
#include "scimd/scim/value.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct accept {
	const struct scim_resource_type *t;
	struct json_object *out;
	struct scim_problem *p;
};

// {sub: v}, so that "name.givenName" is a `name` with one member.
static struct json_object *unfold(const struct scim_attribute *sub, struct json_object *v)
{
	struct json_object *o = json_object_new_object();

	if (o && scim_value_put(o, sub->name, json_object_get(v), NULL) == 0)
		return o;
	json_object_put(o);
	return NULL;
}

// Adds the members of the complex value v (taken over) to those that came before.
static int join(struct json_object *home, const char *name, struct json_object *v,
		struct scim_problem *p)
{
	struct json_object *have = json_member(home, name);
	int r = 0;

	if (!have)
		return scim_value_put(home, name, v, p);
	json_object_object_foreach(v, key, value)
	{
		if (r == 0)
			r = scim_value_put(have, key, json_object_get(value), p);
	}
	json_object_put(v);
	return r;
}

static int accept_one(void *arg, const struct scim_schema *s, const struct scim_attribute *a,
		      const struct scim_attribute *sub, struct json_object *in)
{
	struct accept *ac = arg;
	struct json_object *home, *v, *made = NULL;
	int r;

	if (!a || a->mutability == SCIM_READ_ONLY || a->mutability == SCIM_WRITE_ONLY)
		return 0;
	if (sub) {
		if (!in)
			return 0;
		made = unfold(sub, in);
		if (!made)
			return scim_problem_memory(ac->p);
	}
	r = scim_value_accept(a, a->name, sub ? made : in, &v, ac->p);
	json_object_put(made);
	if (r < 0 || !v)
		return r;
	home = scim_value_home(ac->out, ac->t, s, true);
	if (!home) {
		json_object_put(v);
		return scim_problem_memory(ac->p);
	}
	if (a->kind == SCIM_KIND_COMPLEX && !a->multi)
		return join(home, a->name, v, ac->p);
	return scim_value_put(home, a->name, v, ac->p);
}

int scim_accept(const struct scim_resource_type *t, struct json_object *in,
		struct json_object **out, struct scim_problem *p)
{
	struct accept ac = { t, NULL, p };
	int r;

	if (!json_object_is_type(in, json_type_object))
		return scim_problem(p, 400, "invalidSyntax", "the body is not a JSON object");
	ac.out = json_object_new_object();
	if (!ac.out)
		return scim_problem_memory(p);
	r = scim_value_walk(t, NULL, in, accept_one, &ac);
	for (const struct scim_attribute *a = t->core->attributes; r == 0 && a->name; a++)
		if (a->required && scim_value_empty(json_member(ac.out, a->name)))
			r = scim_problem(p, 400, "invalidValue", "%s is required", a->name);
	if (r == 0 && scim_settle(t, &ac.out) < 0)
		r = scim_problem_memory(p);
	if (r == 0)
		*out = ac.out;
	else
		json_object_put(ac.out);
	return r;
}

// Moves the rows' members from one object to another, in the rows' order.
static int move(const struct scim_attribute *rows, struct json_object *from, struct json_object *to)
{
	struct json_object *v;

	for (; rows->name; rows++) {
		if (!json_object_object_get_ex(from, rows->name, &v))
			continue;
		if (!scim_value_empty(v) || json_object_is_type(v, json_type_string))
			if (scim_value_put(to, rows->name, json_object_get(v), NULL) < 0)
				return -ENOMEM;
		json_object_object_del(from, rows->name);
	}
	return 0;
}

// A single complex value in table order; others are as they should be.
static int order_subs(const struct scim_attribute *rows, struct json_object *o)
{
	struct json_object *v, *sorted;

	for (; rows->name; rows++) {
		if (!rows->subs || rows->multi || !json_object_object_get_ex(o, rows->name, &v))
			continue;
		sorted = json_object_new_object();
		if (!sorted || move(rows->subs, v, sorted) < 0) {
			json_object_put(sorted);
			return -ENOMEM;
		}
		if (scim_value_put(o, rows->name, json_object_object_length(sorted) ? sorted : NULL,
				   NULL) < 0)
			return -ENOMEM;
		if (!json_object_object_length(sorted))
			json_object_put(sorted);
	}
	return 0;
}

static int settle_extension(const struct scim_schema *s, struct json_object *from,
			    struct json_object *to, struct json_object *schemas)
{
	struct json_object *old, *sorted;
	int r;

	if (!json_object_object_get_ex(from, s->urn, &old))
		return 0;
	sorted = json_object_new_object();
	r = sorted ? move(s->attributes, old, sorted) : -ENOMEM;
	if (r == 0)
		r = order_subs(s->attributes, sorted);
	json_object_object_del(from, s->urn);
	if (r < 0 || !json_object_object_length(sorted)) {
		json_object_put(sorted);
		return r;
	}
	r = scim_value_put(to, s->urn, sorted, NULL);
	return r < 0 ? r : json_object_array_add(schemas, json_object_new_string(s->urn));
}

static int settle(const struct scim_resource_type *t, struct json_object *from,
		  struct json_object *to)
{
	struct json_object *schemas = json_object_new_array(), *meta = NULL;
	int r;

	if (!schemas || scim_value_put(to, "schemas", schemas, NULL) < 0 ||
	    json_object_array_add(schemas, json_object_new_string(t->core->urn)) < 0)
		return -ENOMEM;
	json_object_object_del(from, "schemas");
	// meta goes last, where people expect it.
	if (json_object_object_get_ex(from, "meta", &meta)) {
		json_object_get(meta);
		json_object_object_del(from, "meta");
	}
	r = move(scim_common, from, to);
	if (r == 0)
		r = move(t->core->attributes, from, to);
	if (r == 0)
		r = order_subs(t->core->attributes, to);
	for (size_t i = 0; r == 0 && t->extensions[i]; i++)
		r = settle_extension(t->extensions[i], from, to, schemas);
	if (r == 0 && meta)
		return scim_value_put(to, "meta", meta, NULL);
	json_object_put(meta);
	return r;
}

int scim_settle(const struct scim_resource_type *t, struct json_object **res)
{
	struct json_object *to = json_object_new_object();

	if (!to || settle(t, *res, to) < 0) {
		json_object_put(to);
		return -ENOMEM;
	}
	json_object_put(*res);
	*res = to;
	return 0;
}

typedef int immutable_fn(const struct scim_attribute *a, const struct scim_schema *s,
			 struct json_object *have, void *arg);

// Calls fn for every immutable attribute that the resource has.
static int each_immutable(const struct scim_resource_type *t, struct json_object *res,
			  immutable_fn *fn, void *arg)
{
	const struct scim_schema *s = t->core;
	int r;

	for (size_t i = 0; s; s = t->extensions[i++]) {
		struct json_object *home = scim_value_home(res, t, s, false), *v;

		for (const struct scim_attribute *a = s->attributes; home && a->name; a++) {
			v = json_member(home, a->name);
			if (!v || a->mutability != SCIM_IMMUTABLE)
				continue;
			r = fn(a, s, v, arg);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int check_one(const struct scim_attribute *a, const struct scim_schema *s,
		     struct json_object *have, void *arg)
{
	struct accept *ac = arg;
	struct json_object *home = scim_value_home(ac->out, ac->t, s, false);
	struct json_object *now = json_member(home, a->name);

	if (!now || json_object_equal(have, now))
		return 0;
	return scim_problem(ac->p, 400, "mutability", "%s is immutable and set already", a->name);
}

int scim_immutable_check(const struct scim_resource_type *t, struct json_object *old,
			 struct json_object *now, struct scim_problem *p)
{
	struct accept ac = { t, now, p };

	return each_immutable(t, old, check_one, &ac);
}

static int carry_one(const struct scim_attribute *a, const struct scim_schema *s,
		     struct json_object *have, void *arg)
{
	struct accept *ac = arg;
	struct json_object *home = scim_value_home(ac->out, ac->t, s, true), *copy = NULL;

	if (!home)
		return -ENOMEM;
	if (json_member(home, a->name))
		return 0;
	if (json_object_deep_copy(have, &copy, NULL) < 0)
		return -ENOMEM;
	return scim_value_put(home, a->name, copy, NULL);
}

int scim_immutable_carry(const struct scim_resource_type *t, struct json_object *old,
			 struct json_object **now)
{
	struct accept ac = { t, *now, NULL };
	int r = each_immutable(t, old, carry_one, &ac);

	return r < 0 ? r : scim_settle(t, now);
}
