// SPDX-License-Identifier: MIT
//
// The messages around resources; see message.h.
#include "scimd/scim/message.h"
#include "scimd/scim/json.h"
#include <json-c/json.h>
#include <string.h>
#include <strings.h>

static int64_t message_integer(struct json_object *o, const char *name)
{
	int64_t v;

	return json_integer(json_member(o, name), &v) ? v : -1;
}

static bool message_true(struct json_object *o, const char *name)
{
	struct json_object *v = json_member(o, name);
	const char *s = json_string(v);

	return s ? strcasecmp(s, "true") == 0
		 : json_object_is_type(v, json_type_boolean) && json_object_get_boolean(v);
}

static bool message_has_schema(struct json_object *body, const char *tail)
{
	struct json_object *list = json_member(body, "schemas");
	size_t len = strlen(tail);

	if (!json_object_is_type(list, json_type_array))
		return false;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		const char *s = json_string(json_object_array_get_idx(list, i));
		size_t n = s ? strlen(s) : 0;

		if (n >= len && strcasecmp(s + n - len, tail) == 0)
			return true;
	}
	return false;
}

const char *scim_error_text(struct json_object *body)
{
	const char *detail;

	if (!json_object_is_type(body, json_type_object))
		return NULL;
	detail = json_string(json_member(body, "detail"));
	if (!detail)
		detail = json_string(json_member(body, "scimType"));
	if (!detail && message_has_schema(body, "messages:2.0:Error"))
		detail = "an error without a reason";
	return detail;
}

bool scim_error_is(struct json_object *body, const char *scim_type)
{
	const char *s = json_string(json_member(body, "scimType"));

	return s && strcasecmp(s, scim_type) == 0;
}

bool scim_list_read(struct json_object *body, struct scim_list *out)
{
	struct scim_list l = { 0 };
	struct json_object *res;

	if (!json_object_is_type(body, json_type_object) ||
	    message_has_schema(body, "messages:2.0:Error"))
		return false;
	l.total = message_integer(body, "totalResults");
	l.start = message_integer(body, "startIndex");
	l.next_cursor = json_string(json_member(body, "nextCursor"));
	l.next_id = json_string(json_member(body, "nextId"));
	res = json_member(body, "Resources");
	if (json_object_is_type(res, json_type_array)) {
		l.resources = res;
		l.count = json_object_array_length(res);
	} else if (res) {
		return false; // a Resources that is no array
	}
	if (!l.resources && l.total < 0)
		return false;
	*out = l;
	return true;
}

bool scim_provider_read(struct json_object *body, struct scim_provider *out)
{
	struct scim_provider p = {
		.known = true, .index = true, .max_results = -1, .max_page = -1
	};
	struct json_object *paging, *filter;

	filter = json_member(body, "filter");
	paging = json_member(body, "pagination");
	if (!filter && !paging && !json_member(body, "patch"))
		return false;
	p.filter = message_true(filter, "supported");
	p.max_results = message_integer(filter, "maxResults");
	p.etag = message_true(json_member(body, "etag"), "supported");
	p.events =
		json_member(json_member(body, "urn:scimd:params:scim:events"), "pollUri") != NULL;
	p.list_etag =
		p.etag && message_true(json_member(body, "urn:scimd:params:scim:lists"), "etag");
	if (paging) {
		p.cursor = message_true(paging, "cursor");
		p.index = !json_member(paging, "index") || message_true(paging, "index");
		p.max_page = message_integer(paging, "maxPageSize");
	}
	*out = p;
	return true;
}
