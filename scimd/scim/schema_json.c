// SPDX-License-Identifier: MIT
//
// The schema tables as /Schemas and /ResourceTypes serve them (RFC 7643 §6, §7);
// see schema.h.
#include "scimd/scim/schema.h"
#include <json-c/json.h>
#include <stdio.h>

#define SCHEMA_URN "urn:ietf:params:scim:schemas:core:2.0:Schema"
#define TYPE_URN "urn:ietf:params:scim:schemas:core:2.0:ResourceType"

// Takes v over. False without memory.
static bool put(struct json_object *o, const char *name, struct json_object *v)
{
	if (o && v && json_object_object_add(o, name, v) == 0)
		return true;
	json_object_put(v);
	return false;
}

static bool put_text(struct json_object *o, const char *name, const char *text)
{
	return put(o, name, json_object_new_string(text));
}

static bool put_bool(struct json_object *o, const char *name, bool v)
{
	return put(o, name, json_object_new_boolean(v));
}

static bool push(struct json_object *list, struct json_object *v)
{
	if (list && v && json_object_array_add(list, v) == 0)
		return true;
	json_object_put(v);
	return false;
}

static bool put_texts(struct json_object *o, const char *name, const char *const *texts)
{
	struct json_object *list = texts ? json_object_new_array() : NULL;
	bool ok = true;

	if (!texts)
		return true;
	for (; *texts; texts++)
		ok = push(list, json_object_new_string(*texts)) && ok;
	return put(o, name, list) && ok;
}

static bool attribute_json(const struct scim_attribute *a, struct json_object *o)
{
	static const char *const kind[] = { "string",   "boolean", "decimal",   "integer",
					    "dateTime", "binary",  "reference", "complex" };
	static const char *const mutability[] = { "readWrite", "readOnly", "immutable",
						  "writeOnly" };
	static const char *const returned[] = { "default", "always", "never", "request" };
	static const char *const uniqueness[] = { "none", "server", "global" };
	bool text = a->kind != SCIM_KIND_COMPLEX && a->kind != SCIM_KIND_BOOLEAN;

	return put_text(o, "name", a->name) && put_text(o, "type", kind[a->kind]) &&
	       put_bool(o, "multiValued", a->multi) && put_text(o, "description", a->description) &&
	       put_bool(o, "required", a->required) &&
	       put_texts(o, "canonicalValues", a->canonical) &&
	       (!text || put_bool(o, "caseExact", a->case_exact)) &&
	       put_text(o, "mutability", mutability[a->mutability]) &&
	       put_text(o, "returned", returned[a->returned]) &&
	       put_text(o, "uniqueness", uniqueness[a->uniqueness]) &&
	       put_texts(o, "referenceTypes", a->references);
}

static struct json_object *leaf_list(const struct scim_attribute *rows)
{
	struct json_object *list = json_object_new_array();

	for (; rows->name; rows++) {
		struct json_object *o = json_object_new_object();
		bool ok = attribute_json(rows, o);

		if (!push(list, o) || !ok) {
			json_object_put(list);
			return NULL;
		}
	}
	return list;
}

static struct json_object *attribute_list(const struct scim_attribute *rows)
{
	struct json_object *list = json_object_new_array();

	for (; rows->name; rows++) {
		struct json_object *o = json_object_new_object();
		bool ok = attribute_json(rows, o) &&
			  (!rows->subs || put(o, "subAttributes", leaf_list(rows->subs)));

		if (!push(list, o) || !ok) {
			json_object_put(list);
			return NULL;
		}
	}
	return list;
}

static bool put_head(struct json_object *o, const char *urn)
{
	const char *const schemas[] = { urn, NULL };

	return put_texts(o, "schemas", schemas);
}

static bool put_meta(struct json_object *o, const char *type, const char *base_url,
		     const char *endpoint, const char *id)
{
	struct json_object *meta = json_object_new_object();
	char location[1024];
	bool ok;

	(void)snprintf(location, sizeof(location), "%s/%s/%s", base_url, endpoint, id);
	ok = put_text(meta, "resourceType", type) && put_text(meta, "location", location);
	return put(o, "meta", meta) && ok;
}

struct json_object *scim_schema_json(const struct scim_schema *s, const char *base_url)
{
	struct json_object *o = json_object_new_object();

	if (put_head(o, SCHEMA_URN) && put_text(o, "id", s->urn) && put_text(o, "name", s->name) &&
	    put_text(o, "description", s->description) &&
	    put(o, "attributes", attribute_list(s->attributes)) &&
	    put_meta(o, "Schema", base_url, "Schemas", s->urn))
		return o;
	json_object_put(o);
	return NULL;
}

struct json_object *scim_resource_type_json(const struct scim_resource_type *t,
					    const char *base_url)
{
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();
	bool ok = true;

	for (size_t i = 0; t->extensions[i]; i++) {
		struct json_object *e = json_object_new_object();

		ok = ok && put_text(e, "schema", t->extensions[i]->urn) &&
		     put_bool(e, "required", false);
		ok = push(list, e) && ok;
	}
	ok = ok && put_head(o, TYPE_URN) && put_text(o, "id", t->name) &&
	     put_text(o, "name", t->name) && put_text(o, "description", t->description) &&
	     put_text(o, "endpoint", t->endpoint) && put_text(o, "schema", t->core->urn);
	ok = put(o, "schemaExtensions", list) && ok;
	if (ok && put_meta(o, "ResourceType", base_url, "ResourceTypes", t->name))
		return o;
	json_object_put(o);
	return NULL;
}
