// SPDX-License-Identifier: MIT
//
// The keys of a body and the rows that they name; see value.h.
#include "scimd/scim/schema.h"
#include "scimd/scim/value.h"
#include <json-c/json.h>
#include <string.h>

struct json_object *scim_value_home(struct json_object *res, const struct scim_resource_type *t,
				    const struct scim_schema *s, bool make)
{
	struct json_object *home = NULL;

	if (!s || s == t->core)
		return res;
	if (json_object_object_get_ex(res, s->urn, &home) || !make)
		return home;
	home = json_object_new_object();
	if (home && json_object_object_add(res, s->urn, home) == 0)
		return home;
	json_object_put(home);
	return NULL;
}

// One key that is no schema's URN, within the schema s (NULL: at the top).
static int walk_key(const struct scim_resource_type *t, const struct scim_schema *s,
		    const char *key, struct json_object *v, scim_value_fn *fn, void *arg)
{
	const char *colon = strrchr(key, ':'), *dot;
	const struct scim_attribute *a, *sub = NULL;
	size_t len;

	if (colon) {
		s = scim_type_schema(t, key, (size_t)(colon - key));
		if (!s)
			return 0;
		key = colon + 1;
	} else if (!s) {
		s = t->core;
	}
	dot = strchr(key, '.');
	len = dot ? (size_t)(dot - key) : strlen(key);
	a = scim_attribute_find(s->attributes, key, len);
	if (!a && s == t->core) {
		s = NULL;
		a = scim_attribute_find(scim_common, key, len);
	}
	if (a && dot) {
		sub = scim_attribute_find(a->subs, dot + 1, strlen(dot + 1));
		if (!sub)
			return 0;
	}
	return a ? fn(arg, s, a, sub, v) : 0;
}

static int walk_schema(const struct scim_resource_type *t, const struct scim_schema *s,
		       struct json_object *in, scim_value_fn *fn, void *arg)
{
	int r;

	json_object_object_foreach(in, key, v)
	{
		r = walk_key(t, s, key, v, fn, arg);
		if (r)
			return r;
	}
	return 0;
}

int scim_value_walk(const struct scim_resource_type *t, const struct scim_schema *s,
		    struct json_object *in, scim_value_fn *fn, void *arg)
{
	int r;

	if (s)
		return walk_schema(t, s, in, fn, arg);
	json_object_object_foreach(in, key, v)
	{
		const struct scim_schema *whole = scim_type_schema(t, key, strlen(key));

		if (whole && json_object_is_type(v, json_type_object))
			r = walk_schema(t, whole, v, fn, arg);
		else if (whole && !v && whole != t->core)
			r = fn(arg, whole, NULL, NULL, NULL);
		else
			r = whole ? 0 : walk_key(t, NULL, key, v, fn, arg);
		if (r)
			return r;
	}
	return 0;
}
