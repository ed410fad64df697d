// SPDX-License-Identifier: MIT
//
// PATCH: the body, its operations and their paths; see patch.h.
#include "scimd/scim/patch.h"
#include "scimd/base/fail.h"
#include "scimd/scim/accept.h"
#include "scimd/scim/filter.h"
#include "scimd/scim/json.h"
#include "scimd/scim/patch_internal.h"
#include "scimd/scim/problem.h"
#include "scimd/scim/schema.h"
#include "scimd/scim/value.h"
#include <errno.h>
#include <json-c/json.h>
#include <string.h>
#include <strings.h>

#define PATCH_URN "urn:ietf:params:scim:api:messages:2.0:PatchOp"

static int path_of(struct patch *pt, const char *path, size_t len, struct json_object *v);

static size_t terms(const struct scim_node *n)
{
	return n ? (n->type == SCIM_NODE_COMPARE) + terms(n->left) + terms(n->right) : 0;
}

int patch_look(struct patch *pt, size_t n, const struct scim_node *brackets)
{
	size_t each = brackets ? terms(brackets->left) : 1;

	if (n > (SCIM_PATCH_LOOKS - pt->looked) / (each ? each : 1))
		return scim_problem(pt->p, 400, "tooMany",
				    "more than %u comparisons with members and values",
				    SCIM_PATCH_LOOKS);
	pt->looked += n * each;
	return 0;
}

// One key of a value without a path: read-only ones are passed over.
static int key_one(void *arg, const struct scim_schema *s, const struct scim_attribute *a,
		   const struct scim_attribute *sub, struct json_object *v)
{
	struct patch *pt = arg;
	const struct patch_target tg = { s, a, sub, NULL };
	int r = 0;

	if (a && (a->mutability == SCIM_READ_ONLY || (sub && sub->mutability == SCIM_READ_ONLY)))
		return 0;
	if (a)
		return patch_apply(pt, &tg, v);
	// The whole extension is null.
	for (a = s->attributes; pt->op == PATCH_REPLACE && r == 0 && a->name; a++)
		r = key_one(pt, s, a, NULL, NULL);
	return r;
}

// The keys of a value: of the resource, or (s) of one schema.
static int keys_of(struct patch *pt, const struct scim_schema *s, struct json_object *v)
{
	int r;

	if (!json_object_is_type(v, json_type_object))
		return scim_problem(pt->p, 400, "invalidValue",
				    "without a path to an attribute the value must be an object");
	json_object_object_foreach(v, key, value)
	{
		if (s || !strchr(key, '['))
			continue;
		r = path_of(pt, key, strlen(key), value);
		if (r < 0)
			return r;
	}
	return scim_value_walk(pt->t, s, v, key_one, pt);
}

// A path that is a schema's URN stands for all that the schema has.
static int schema_of(struct patch *pt, const struct scim_schema *s, struct json_object *v)
{
	int r = 0;

	if (pt->op != PATCH_REMOVE && v)
		return keys_of(pt, s, v);
	for (const struct scim_attribute *a = s->attributes; r == 0 && a->name; a++)
		r = pt->op == PATCH_ADD ? 0 : key_one(pt, s, a, NULL, NULL);
	return r;
}

static int target_of(struct patch *pt, const struct scim_node *n, struct json_object *v)
{
	const struct scim_path top = { n->path.urn, n->path.attr, "" };
	struct patch_target tg = { .brackets = n->type == SCIM_NODE_VALUE ? n : NULL };

	if (n->path.urn[0] && !scim_type_schema(pt->t, n->path.urn, strlen(n->path.urn)))
		return 0; // an extension that is not served here, as in a POST
	tg.attr = scim_schema_find(pt->t, &top, &tg.schema);
	if (!tg.attr)
		return scim_problem(pt->p, 400, "invalidPath", "there is no attribute %s",
				    n->path.attr);
	if (n->path.sub[0])
		tg.sub = scim_attribute_find(tg.attr->subs, n->path.sub, strlen(n->path.sub));
	if (n->path.sub[0] && !tg.sub)
		return scim_problem(pt->p, 400, "invalidPath", "%s has no sub-attribute %s",
				    tg.attr->name, n->path.sub);
	if (tg.brackets && !(tg.attr->multi && tg.attr->subs))
		return scim_problem(pt->p, 400, "invalidPath", "%s is no list to choose from",
				    tg.attr->name);
	if (strcmp(tg.attr->name, "schemas") == 0)
		return 0; // computed from what has data
	if (tg.attr->mutability == SCIM_READ_ONLY ||
	    (tg.sub && tg.sub->mutability == SCIM_READ_ONLY))
		return scim_problem(pt->p, 400, "mutability", "%s%s%s is read-only", tg.attr->name,
				    tg.sub ? "." : "", tg.sub ? tg.sub->name : "");
	return patch_apply(pt, &tg, v);
}

static int path_of(struct patch *pt, const char *path, size_t len, struct json_object *v)
{
	const struct scim_schema *s = scim_type_schema(pt->t, path, len);
	struct scim_filter *flt;
	struct fail f;
	int r;

	if (s)
		return schema_of(pt, s, v);
	r = scim_filter_parse_path(path, len, &flt, &f);
	if (r == -ENOMEM)
		return scim_problem_memory(pt->p);
	if (r < 0)
		return scim_problem(pt->p, 400, r == -EBADMSG ? "invalidFilter" : "invalidPath",
				    "path: %s", f.text);
	r = target_of(pt, scim_filter_root(flt), v);
	scim_filter_free(flt);
	return r;
}

static bool has_key(struct json_object *o, const char *name)
{
	json_object_object_foreach(o, key, value)
	{
		(void)value;
		if (strcasecmp(key, name) == 0)
			return true;
	}
	return false;
}

static int op_of(struct json_object *o, enum patch_op *op, struct scim_problem *p)
{
	static const char *const names[] = { "add", "remove", "replace" };
	const char *name = json_string(json_member(o, "op"));

	for (size_t i = 0; name && i < sizeof(names) / sizeof(*names); i++)
		if (strcasecmp(name, names[i]) == 0) {
			*op = (enum patch_op)i;
			return 0;
		}
	return scim_problem(p, 400, "invalidSyntax", "op must be add, remove or replace");
}

static int operation(struct patch *pt, struct json_object *o)
{
	struct json_object *path = json_member(o, "path"), *v = json_member(o, "value");
	int r = op_of(o, &pt->op, pt->p);

	if (r < 0)
		return r;
	if (path && !json_string(path))
		return scim_problem(pt->p, 400, "invalidPath", "path must be a string");
	if (pt->op == PATCH_REMOVE && !path)
		return scim_problem(pt->p, 400, "noTarget", "remove needs a path");
	if (pt->op != PATCH_REMOVE && !has_key(o, "value"))
		return scim_problem(pt->p, 400, "invalidValue", "there is no value");
	if (!path)
		return keys_of(pt, NULL, v);
	return path_of(pt, json_string(path), (size_t)json_object_get_string_len(path), v);
}

static int operations(struct patch *pt, struct json_object *list)
{
	size_t n = json_object_array_length(list);
	struct scim_problem why;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);

		r = json_object_is_type(o, json_type_object)
			    ? operation(pt, o)
			    : scim_problem(pt->p, 400, "invalidSyntax", "not an object");
		if (r != -EINVAL || !pt->p || n == 1)
			continue;
		why = *pt->p;
		r = scim_problem(pt->p, why.status, why.scim_type, "Operations[%zu]: %s", i,
				 why.detail);
	}
	return r;
}

// A body without `schemas` passes; one that says it is something else does not.
static bool is_patch(struct json_object *body)
{
	struct json_object *schemas = json_member(body, "schemas");

	for (size_t i = 0;
	     json_object_is_type(schemas, json_type_array) && i < json_object_array_length(schemas);
	     i++) {
		const char *s = json_string(json_object_array_get_idx(schemas, i));

		if (s && strcasecmp(s, PATCH_URN) == 0)
			return true;
	}
	return !schemas;
}

static int check_body(struct json_object *body, struct json_object **list, struct scim_problem *p)
{
	if (!json_object_is_type(body, json_type_object))
		return scim_problem(p, 400, "invalidSyntax", "the body is not a JSON object");
	if (!is_patch(body))
		return scim_problem(p, 400, "invalidSyntax", "schemas does not name %s", PATCH_URN);
	*list = json_member(body, "Operations");
	if (!json_object_is_type(*list, json_type_array) || !json_object_array_length(*list))
		return scim_problem(p, 400, "invalidSyntax", "Operations must be a list of them");
	if (json_object_array_length(*list) > SCIM_PATCH_OPERATIONS)
		return scim_problem(p, 413, NULL, "%zu operations; %u are the limit",
				    json_object_array_length(*list), SCIM_PATCH_OPERATIONS);
	return 0;
}

int scim_patch(const struct scim_resource_type *t, struct json_object *target,
	       struct json_object *body, const struct scim_patch_list *members,
	       struct json_object **out, struct scim_problem *p)
{
	struct patch pt = { .t = t, .members = members, .p = p };
	struct json_object *list = NULL;
	int r = check_body(body, &list, p);

	if (r < 0)
		return r;
	if (json_object_deep_copy(target, &pt.res, NULL) < 0)
		return scim_problem_memory(p);
	r = operations(&pt, list);
	if (r == 0 && scim_settle(t, &pt.res) < 0)
		r = scim_problem_memory(p);
	if (r == 0)
		*out = pt.res;
	else
		json_object_put(pt.res);
	return r;
}
