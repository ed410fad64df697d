// SPDX-License-Identifier: MIT
//
// Items, and JSON; see import.h. A resource is found by its braces, so that every
// complaint names the line it begins at.
#include "scimd/base/fail.h"
#include "scimd/directory/import.h"
#include "scimd/scim/json.h"
#include <ctype.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#define IMPORT_DEPTH 32

static struct import_item *import_item(struct import *m)
{
	if (m->count == m->cap) {
		size_t cap = m->cap ? m->cap * 2 : 256;
		struct import_item *more = reallocarray(m->list, cap, sizeof(*more));

		if (!more || cap >= TABLE_NONE)
			return NULL;
		m->list = more;
		m->cap = cap;
	}
	m->list[m->count] = (struct import_item){ 0 };
	return &m->list[m->count];
}

int import_add(struct import *m, struct json_object *json, unsigned int line, struct fail *f)
{
	const char *id = json_string(json_member(json, "id"));
	struct import_item *it = import_item(m);
	int r = 0;

	if (!it) {
		json_object_put(json);
		return fail(f, ENOMEM, "out of memory");
	}
	it->json = json;
	it->line = line;
	it->kind = json_member(json, "userName") ? RESOURCE_USER : RESOURCE_GROUP;
	it->members = json_object_get(json_member(json, "members"));
	json_object_object_del(json, "members");
	if (it->members && !json_object_is_type(it->members, json_type_array))
		r = fail(f, EINVAL, "line %u: members is no list", line);
	else if (id && table_get(&m->ids, id, strlen(id)) != TABLE_NONE)
		r = fail(f, EINVAL, "line %u: the id \"%.80s\" stands twice in the file", line, id);
	else if (id && table_put(&m->ids, id, strlen(id), (uint32_t)m->count) < 0)
		r = fail(f, ENOMEM, "out of memory");
	m->count++; // also after a failure: import_free frees it
	return r;
}

int import_member(struct import *m, const char *group, const char *user, unsigned int line,
		  struct fail *f)
{
	uint32_t at = table_get(&m->groups, group, strlen(group));
	struct json_object *o;
	const char *name;
	int r;

	if (at == TABLE_NONE) {
		o = json_object_new_object();
		(void)json_object_object_add(o, "displayName", json_object_new_string(group));
		(void)json_object_object_add(o, "members", json_object_new_array());
		r = import_add(m, o, line, f);
		if (r < 0)
			return r;
		at = (uint32_t)m->count - 1;
		m->list[at].merge = true;
		name = json_string(json_member(m->list[at].json, "displayName"));
		if (!name || table_put(&m->groups, name, strlen(name), at) < 0)
			return fail(f, ENOMEM, "out of memory");
	}
	o = json_object_new_object();
	(void)json_object_object_add(o, "value", json_object_new_string(user));
	if (json_object_array_add(m->list[at].members, o) == 0)
		return 0;
	json_object_put(o);
	return fail(f, ENOMEM, "out of memory");
}

void import_free(struct import *m)
{
	for (size_t i = 0; i < m->count; i++) {
		json_object_put(m->list[i].json);
		json_object_put(m->list[i].members);
	}
	free(m->list);
	table_free(&m->ids);
	table_free(&m->groups);
	*m = (struct import){ 0 };
}

// ---------------------------------------------------------------------- JSON

struct import_text {
	const char *p, *end;
	unsigned int line;
};

static void text_skip(struct import_text *t, const char *to)
{
	for (; t->p < to; t->p++)
		t->line += *t->p == '\n';
}

// The end of the string that begins at p, past its quote.
static const char *text_string(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		if (*p == '\\')
			p++;
	return p < end ? p + 1 : end;
}

// Past the '[' of the list "Resources" of the object at p, or NULL: it has none.
static const char *text_resources(const char *p, const char *end)
{
	int depth = 0;

	while (p < end) {
		const char *from = p;

		if (*p == '"') {
			p = text_string(p, end);
			if (depth != 1 || p - from != 11 || strncasecmp(from, "\"Resources\"", 11))
				continue;
			while (p < end && (isspace((unsigned char)*p) || *p == ':'))
				p++;
			if (p < end && *p == '[')
				return p + 1;
			continue;
		}
		depth += (*p == '{' || *p == '[') - (*p == '}' || *p == ']');
		p++;
		if (depth == 0)
			return NULL;
	}
	return NULL;
}

// From within an object, past its end.
static const char *text_close(const char *p, const char *end)
{
	for (int depth = 1; p < end && depth;) {
		if (*p == '"') {
			p = text_string(p, end);
			continue;
		}
		depth += (*p == '{' || *p == '[') - (*p == '}' || *p == ']');
		p++;
	}
	return p;
}

static int text_resource(struct import *m, struct import_text *t, struct fail *f)
{
	struct json_tokener *tok = json_tokener_new_ex(IMPORT_DEPTH);
	size_t left = (size_t)(t->end - t->p);
	unsigned int line = t->line;
	struct json_object *o;
	int r;

	if (!tok)
		return fail(f, ENOMEM, "out of memory");
	json_tokener_set_flags(tok, JSON_TOKENER_VALIDATE_UTF8);
	o = json_tokener_parse_ex(tok, t->p, left < INT32_MAX ? (int)left : INT32_MAX);
	if (json_tokener_get_error(tok) != json_tokener_success) {
		text_skip(t, t->p + json_tokener_get_parse_end(tok));
		r = fail(f, EINVAL, "line %u: no JSON: %s", t->line,
			 json_tokener_get_error(tok) == json_tokener_continue
				 ? "the file ends within a resource"
				 : json_tokener_error_desc(json_tokener_get_error(tok)));
		json_object_put(o);
	} else {
		text_skip(t, t->p + json_tokener_get_parse_end(tok));
		r = import_add(m, o, line, f);
	}
	json_tokener_free(tok);
	return r;
}

int import_read_json(struct import *m, const char *text, size_t len, struct fail *f)
{
	struct import_text t = { text, text + len, 1 };
	const char *inner;
	bool list = false; // within a ListResponse's Resources
	int r = 0;

	while (r == 0 && t.p < t.end) {
		if (isspace((unsigned char)*t.p) || *t.p == ',' || *t.p == '[') {
			text_skip(&t, t.p + 1);
		} else if (*t.p == ']') {
			text_skip(&t, list ? text_close(t.p + 1, t.end) : t.p + 1);
			list = false;
		} else if (*t.p != '{') {
			r = fail(f, EINVAL, "line %u: a resource would begin with {", t.line);
		} else if (!list && (inner = text_resources(t.p, t.end))) {
			text_skip(&t, inner);
			list = true;
		} else {
			r = text_resource(m, &t, f);
		}
	}
	if (r == 0 && list)
		r = fail(f, EINVAL, "line %u: the file ends within the list", t.line);
	return r;
}
