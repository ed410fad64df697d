// SPDX-License-Identifier: MIT
//
// One value by its row; see value.h. Nothing here descends further than the
// tables do: an attribute, its values, their sub-attributes.
#include "scimd/scim/value.h"
#include "scimd/base/clock.h"
#include "scimd/base/table.h"
#include "scimd/scim/accept.h"
#include "scimd/scim/json.h"
#include "scimd/scim/problem.h"
#include "scimd/scim/schema.h"
#include "scimd/scim/text.h"
#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DOCUMENT_DEPTH 8 // of a JSON document in a string

static int wrong(struct scim_problem *p, const char *where, const char *wanted)
{
	return scim_problem(p, 400, "invalidValue", "%s must be %s", where, wanted);
}

static bool base64(const char *s, size_t len)
{
	while (len && s[len - 1] == '=')
		len--;
	for (size_t i = 0; i < len; i++) {
		char c = s[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '+' || c == '/' || c == '-' || c == '_' || c == '\r' || c == '\n'))
			return false;
	}
	return true;
}

static int accept_text(const struct scim_attribute *a, const char *where, struct json_object *in,
		       struct json_object **out, struct scim_problem *p)
{
	const char *s = json_string(in);
	size_t len = s ? (size_t)json_object_get_string_len(in) : 0;
	int64_t ms;

	if (!s)
		return wrong(p, where, "a string");
	if (len > SCIM_TEXT_MAX)
		return scim_problem(p, 400, "invalidValue", "%s is longer than %u bytes", where,
				    SCIM_TEXT_MAX);
	if (!scim_text_valid(s, len))
		return wrong(p, where, "UTF-8 text");
	if (a->kind == SCIM_KIND_BINARY && !base64(s, len))
		return wrong(p, where, "base64");
	if (a->kind == SCIM_KIND_DATETIME && clock_parse(s, len, &ms) < 0)
		return wrong(p, where, "a dateTime");
	*out = json_object_new_string_len(s, (int)len);
	return 0;
}

static int accept_boolean(const char *where, struct json_object *in, struct json_object **out,
			  struct scim_problem *p)
{
	const char *s = json_string(in);

	if (json_object_is_type(in, json_type_boolean))
		*out = json_object_new_boolean(json_object_get_boolean(in));
	else if (s && (strcasecmp(s, "true") == 0 || strcasecmp(s, "false") == 0))
		*out = json_object_new_boolean(strcasecmp(s, "true") == 0);
	else
		return wrong(p, where, "true or false");
	return 0;
}

static int accept_number(const struct scim_attribute *a, const char *where, struct json_object *in,
			 struct json_object **out, struct scim_problem *p)
{
	const char *s = json_string(in);
	char *end = NULL;
	int64_t n;
	double d;

	if (s && (!s[0] || strspn(s, "+-.0123456789eE") != strlen(s)))
		return wrong(p, where, "a number");
	if (json_integer(in, &n)) {
		*out = json_object_new_int64(n);
		return 0;
	}
	if (a->kind == SCIM_KIND_INTEGER)
		return wrong(p, where, "an integer");
	d = s ? strtod(s, &end) : json_object_get_double(in);
	if ((s ? *end != '\0' : !json_object_is_type(in, json_type_double)) || !isfinite(d))
		return wrong(p, where, "a number");
	*out = json_object_new_double(d);
	return 0;
}

// Entra sends a role as a JSON document in a string, bare or as the `value`.
// The document is the caller's; NULL: it is none.
static struct json_object *document(struct json_object *in)
{
	const char *s = json_string(in);
	struct json_tokener *tok;
	struct json_object *o;

	if (!s)
		s = json_string(json_member(in, "value"));
	if (!s || s[0] != '{' || strlen(s) > SCIM_TEXT_MAX)
		return NULL;
	tok = json_tokener_new_ex(DOCUMENT_DEPTH);
	o = tok ? json_tokener_parse_ex(tok, s, (int)strlen(s)) : NULL;
	if (tok)
		json_tokener_free(tok);
	if (json_string(json_member(o, "value")))
		return o;
	json_object_put(o);
	return NULL;
}

static int accept_members(const struct scim_attribute *a, const char *where, struct json_object *in,
			  struct json_object *o, struct scim_problem *p)
{
	char name[128];

	for (const struct scim_attribute *sub = a->subs; sub->name; sub++) {
		struct json_object *v = NULL;
		int r;

		if (sub->mutability == SCIM_READ_ONLY)
			continue;
		(void)snprintf(name, sizeof(name), "%s.%s", where, sub->name);
		r = scim_value_accept(sub, name, json_member(in, sub->name), &v, p);
		if (r == 0 && v)
			r = scim_value_put(o, sub->name, v, p);
		if (r < 0)
			return r;
	}
	if (!json_object_object_length(o))
		return 0;
	for (const struct scim_attribute *sub = a->subs; sub->name; sub++)
		if (sub->required && scim_value_empty(json_member(o, sub->name)))
			return scim_problem(p, 400, "invalidValue", "%s.%s is required", where,
					    sub->name);
	return 0;
}

static int accept_complex(const struct scim_attribute *a, const char *where, struct json_object *in,
			  struct json_object **out, struct scim_problem *p)
{
	struct json_object *doc = a->multi ? document(in) : NULL, *bare = NULL, *o = NULL;
	int r = -ENOMEM;

	if (json_string(in) && !json_string(in)[0])
		return 0; // "" for a manager: none
	if (doc) {
		in = doc;
	} else if (json_string(in) && scim_attribute_find(a->subs, "value", 5)) {
		bare = json_object_new_object();
		if (!bare || scim_value_put(bare, "value", json_object_get(in), p) < 0)
			goto out;
		in = bare;
	}
	if (!json_object_is_type(in, json_type_object)) {
		r = wrong(p, where, "an object");
		goto out;
	}
	o = json_object_new_object();
	if (o)
		r = accept_members(a, where, in, o, p);
	if (r == 0 && json_object_object_length(o)) {
		*out = o;
		o = NULL;
	}
out:
	json_object_put(o);
	json_object_put(bare);
	json_object_put(doc);
	return r == -ENOMEM ? scim_problem_memory(p) : r;
}

int scim_value_element(const struct scim_attribute *a, const char *where, struct json_object *in,
		       struct json_object **out, struct scim_problem *p)
{
	int r;

	*out = NULL;
	if (!in)
		return 0;
	switch (a->kind) {
	case SCIM_KIND_COMPLEX:
		return accept_complex(a, where, in, out, p);
	case SCIM_KIND_BOOLEAN:
		r = accept_boolean(where, in, out, p);
		break;
	case SCIM_KIND_DECIMAL:
	case SCIM_KIND_INTEGER:
		r = accept_number(a, where, in, out, p);
		break;
	default:
		r = accept_text(a, where, in, out, p);
	}
	return r == 0 && !*out ? scim_problem_memory(p) : r;
}

bool scim_value_primary(struct json_object *element)
{
	return json_object_get_boolean(json_member(element, "primary"));
}

// Takes v over unless the list has its like. `seen` borrows the texts of values
// that the list keeps.
static int push_new(const struct scim_attribute *a, struct json_object *list, struct table *seen,
		    struct json_object *v, struct scim_problem *p)
{
	const char *key = a->many ? json_string(json_member(v, "value")) : NULL;

	if (!key)
		key = json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN);
	if (key && table_get(seen, key, strlen(key)) != TABLE_NONE) {
		json_object_put(v);
		return 0;
	}
	if (!key || table_put(seen, key, strlen(key), 0) < 0 ||
	    json_object_array_add(list, v) < 0) {
		json_object_put(v);
		return scim_problem_memory(p);
	}
	return 0;
}

static int accept_list(const struct scim_attribute *a, const char *where, struct json_object *in,
		       struct json_object *list, struct scim_problem *p)
{
	bool array = json_object_is_type(in, json_type_array);
	size_t n = array ? json_object_array_length(in) : 1, primaries = 0;
	struct table seen = TABLE_INIT;
	int r = 0;

	if (n > (a->many ? SCIM_MEMBERS_MAX : SCIM_VALUES_MAX))
		return scim_problem(p, 400, "invalidValue", "%s has %zu values; %u are the limit",
				    where, n, a->many ? SCIM_MEMBERS_MAX : SCIM_VALUES_MAX);
	for (size_t i = 0; r == 0 && i < n; i++) {
		struct json_object *v;

		r = scim_value_element(a, where, array ? json_object_array_get_idx(in, i) : in, &v,
				       p);
		if (r < 0 || !v)
			continue;
		primaries += a->subs && scim_value_primary(v);
		r = push_new(a, list, &seen, v, p);
	}
	table_free(&seen);
	if (r == 0 && primaries > 1)
		r = scim_problem(p, 400, "invalidValue", "%s has %zu primary values, one may be",
				 where, primaries);
	return r;
}

int scim_value_accept(const struct scim_attribute *a, const char *where, struct json_object *in,
		      struct json_object **out, struct scim_problem *p)
{
	struct json_object *list;
	int r;

	*out = NULL;
	if (!in)
		return 0;
	if (!a->multi) {
		// Clients wrap a single value: [x], and {"value": x} for a simple one.
		if (json_object_is_type(in, json_type_array)) {
			if (json_object_array_length(in) > 1)
				return wrong(p, where, "a single value");
			in = json_object_array_get_idx(in, 0);
		}
		if (!a->subs && json_object_is_type(in, json_type_object))
			in = json_object_object_length(in) ? json_member(in, "value") : NULL;
		return scim_value_element(a, where, in, out, p);
	}
	list = json_object_new_array();
	if (!list)
		return scim_problem_memory(p);
	r = accept_list(a, where, in, list, p);
	if (r == 0 && json_object_array_length(list))
		*out = list;
	else
		json_object_put(list);
	return r;
}

int scim_value_put(struct json_object *o, const char *name, struct json_object *v,
		   struct scim_problem *p)
{
	if (!v) {
		json_object_object_del(o, name);
		return 0;
	}
	if (json_object_object_add(o, name, v) == 0)
		return 0;
	json_object_put(v);
	return scim_problem_memory(p);
}

bool scim_value_empty(struct json_object *v)
{
	switch (json_object_get_type(v)) {
	case json_type_null:
		return true;
	case json_type_string:
		return json_object_get_string_len(v) == 0;
	case json_type_object:
		return json_object_object_length(v) == 0;
	case json_type_array:
		return json_object_array_length(v) == 0;
	default:
		return false;
	}
}
