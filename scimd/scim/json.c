// SPDX-License-Identifier: MIT
//
// json-c, with SCIM's habits; see json.h.
#include "scimd/scim/json.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <strings.h>

struct json_object *json_member(struct json_object *obj, const char *name)
{
	struct json_object *v = NULL;

	if (!json_object_is_type(obj, json_type_object))
		return NULL;
	if (json_object_object_get_ex(obj, name, &v))
		return v;
	json_object_object_foreach(obj, key, value)
	{
		if (strcasecmp(key, name) == 0)
			return value;
	}
	return NULL;
}

const char *json_string(struct json_object *v)
{
	return json_object_is_type(v, json_type_string) ? json_object_get_string(v) : NULL;
}

const char *json_id(struct json_object *v)
{
	return json_object_is_type(v, json_type_int) ? json_object_get_string(v) : json_string(v);
}

bool json_integer(struct json_object *v, int64_t *out)
{
	const char *text;
	char *end;
	long long n;
	double d;

	switch (json_object_get_type(v)) {
	case json_type_int:
		*out = json_object_get_int64(v);
		return true;
	case json_type_double:
		d = json_object_get_double(v);
		if (!(d >= -9e15 && d <= 9e15) || (double)(int64_t)d != d)
			return false;
		*out = (int64_t)d;
		return true;
	case json_type_string:
		text = json_object_get_string(v);
		errno = 0;
		n = strtoll(text, &end, 10);
		if (errno || end == text || *end)
			return false;
		*out = n;
		return true;
	default:
		return false;
	}
}
