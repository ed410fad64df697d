// SPDX-License-Identifier: MIT
//
// One SCIM resource, read by the mapping; see map.h. Nothing is judged here: a
// value of the wrong type stays as its JSON text, for identity to refuse.
#include "scimd/base/buf.h"
#include "scimd/base/fail.h"
#include "scimd/identity/map.h"
#include "scimd/identity/map_internal.h"
#include "scimd/scim/json.h"
#include "scimd/scim/resource.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct extract {
	const struct mapping *m;
	struct buf *out;
	uint8_t kind;
	struct json_object *slots[MAP_SLOTS_MAX];
};

static void extract_scan(struct extract *x, struct json_object *res)
{
	char name[MAP_NAME_MAX];

	memset(x->slots, 0, x->m->slots * sizeof(*x->slots));
	json_object_object_foreach(res, key, value)
	{
		size_t n = 0;
		uint32_t i;

		for (; key[n] && n < sizeof(name); n++)
			name[n] = (char)(key[n] >= 'A' && key[n] <= 'Z' ? key[n] + 32 : key[n]);
		if (n == sizeof(name) || !value)
			continue;
		i = table_get(&x->m->names, name, n);
		if (i != TABLE_NONE && !x->slots[i])
			x->slots[i] = value;
	}
}

// What lies at a path: a scalar, an object or an array, or NULL.
static struct json_object *extract_at(const struct extract *x, const struct map_path *p)
{
	struct json_object *v = x->slots[p->flat];

	if (v)
		return v;
	v = x->slots[p->slot];
	if (p->in_urn)
		v = json_member(v, p->attr);
	if (!v && p->in_urn)
		v = x->slots[p->half];
	if (!v || !p->sub)
		return v;
	if (json_object_is_type(v, json_type_object))
		return json_member(v, p->sub);
	return json_object_is_type(v, json_type_array) ? v : NULL; // each element has it
}

// The scalar inside a value: of {value: …} its value, of an array its only element.
static struct json_object *extract_scalar(struct json_object *v, const char *sub)
{
	if (json_object_is_type(v, json_type_array)) {
		if (json_object_array_length(v) != 1)
			return json_object_array_length(v) ? v : NULL;
		v = json_object_array_get_idx(v, 0);
	}
	if (json_object_is_type(v, json_type_object)) {
		struct json_object *inner = json_member(v, sub ? sub : "value");

		return inner ? inner : v;
	}
	return v;
}

static int extract_put(struct extract *x, uint8_t tag, uint8_t via, struct json_object *v)
{
	const char *text;
	size_t len;
	int r;

	if (json_object_is_type(v, json_type_string)) {
		text = json_object_get_string(v);
		len = (size_t)json_object_get_string_len(v);
	} else {
		text = json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN);
		if (!text)
			return -ENOMEM;
		len = strlen(text);
	}
	// Too long to be anything: present but empty, so that it is refused and not missed.
	r = resource_put(x->out, tag, via, text, len > RESOURCE_VALUE_MAX ? 0 : len);
	return r;
}

static int extract_own(struct extract *x, uint8_t tag, enum map_own which)
{
	struct json_object *v = x->slots[x->m->own[which]];

	return v ? extract_put(x, tag, 0, v) : 0;
}

static int extract_active(struct extract *x)
{
	struct json_object *v = x->slots[x->m->own[MAP_ACTIVE]];
	const char *s = json_string(v);

	if (!v || (json_object_is_type(v, json_type_array) && json_object_array_length(v) == 0))
		return 0;
	if (s && (strcmp(s, "true") == 0 || strcmp(s, "True") == 0))
		return resource_put(x->out, FIELD_ACTIVE, 0, "true", 4);
	if (s && (strcmp(s, "false") == 0 || strcmp(s, "False") == 0))
		return resource_put(x->out, FIELD_ACTIVE, 0, "false", 5);
	return extract_put(x, FIELD_ACTIVE, 0, v);
}

// Given and family name, where nothing else says how somebody is called.
static int extract_names(struct extract *x)
{
	struct json_object *name = x->slots[x->m->own[MAP_NAMES]];
	const char *given = json_string(json_member(name, "givenName"));
	const char *family = json_string(json_member(name, "familyName"));
	struct buf b = BUF_INIT;
	int r;

	if (!given && !family)
		return 0;
	r = buf_printf(&b, "%s%s%s", given ? given : "", given && family ? " " : "",
		       family ? family : "");
	if (r == 0 && b.len <= RESOURCE_VALUE_MAX)
		r = resource_put(x->out, FIELD_GECOS, MAP_VIA_NAMES, b.data, b.len);
	buf_free(&b);
	return r;
}

static bool extract_nothing(uint8_t tag, struct json_object *v)
{
	if (!v)
		return true;
	// An empty number is a wrong number; an empty name of a home is no home.
	return tag != FIELD_UID && tag != FIELD_GID && json_object_is_type(v, json_type_string) &&
	       json_object_get_string_len(v) == 0;
}

struct extract_text {
	const char *text;
	size_t len;
	uint8_t tag;
};

static int extract_by_text(const void *a, const void *b)
{
	const struct extract_text *x = a, *y = b;
	size_t n = x->len < y->len ? x->len : y->len;
	int c = x->tag != y->tag ? x->tag - y->tag : memcmp(x->text, y->text, n);

	return c ? c : (x->len > y->len) - (x->len < y->len);
}

// Sorted and without doubles: the order of an answer is no change.
static int extract_sorted(struct extract *x, uint8_t via, struct extract_text *list, size_t n)
{
	int r = 0;

	qsort(list, n, sizeof(*list), extract_by_text);
	for (size_t i = 0; i < n && r == 0; i++)
		if (i == 0 || extract_by_text(&list[i], &list[i - 1]) != 0)
			r = resource_put(x->out, list[i].tag, via, list[i].text, list[i].len);
	return r;
}

static int extract_list(struct extract *x, uint8_t tag, uint8_t via, struct json_object *v,
			const char *sub)
{
	bool array = json_object_is_type(v, json_type_array);
	size_t count = array ? json_object_array_length(v) : 1, n = 0;
	struct extract_text *list = calloc(count ? count : 1, sizeof(*list));
	int r;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		struct json_object *e =
			extract_scalar(array ? json_object_array_get_idx(v, i) : v, sub);
		const char *s = json_string(e);

		if (s && json_object_get_string_len(e) <= (int)RESOURCE_VALUE_MAX)
			list[n++] = (struct extract_text){ s, (size_t)json_object_get_string_len(e),
							   tag };
	}
	r = extract_sorted(x, via, list, n);
	free(list);
	return r;
}

static int extract_attribute(struct extract *x, const struct map_attribute *a)
{
	for (size_t i = 0; i < a->count; i++) {
		const struct map_path *p = &a->paths[i];
		struct json_object *v = extract_at(x, p);

		if (!v)
			continue;
		if (a->tag == FIELD_SSH_KEY)
			return extract_list(x, a->tag, (uint8_t)i, v, p->sub);
		v = extract_scalar(v, p->sub);
		if (!extract_nothing(a->tag, v))
			return extract_put(x, a->tag, (uint8_t)i, v);
	}
	return a->tag == FIELD_GECOS ? extract_names(x) : 0;
}

static int extract_policy_value(struct extract *x, const char *path, struct json_object *v)
{
	enum json_type type = json_object_get_type(v);
	const char *word = type == json_type_boolean                           ? "b"
			   : type == json_type_int || type == json_type_double ? "n"
									       : "s";
	const char *text = json_object_get_string(v);
	struct buf b = BUF_INIT;
	int r = buf_add(&b, path, strlen(path) + 1);

	if (r == 0)
		r = buf_add(&b, word, 2);
	if (r == 0)
		r = buf_str(&b, text ? text : "");
	if (r == 0 && b.len <= RESOURCE_VALUE_MAX)
		r = resource_put(x->out, FIELD_POLICY, 0, b.data, b.len);
	buf_free(&b);
	return r;
}

static int extract_policy(struct extract *x, const struct map_path *p)
{
	struct json_object *v = extract_at(x, p);
	bool array = json_object_is_type(v, json_type_array);
	size_t count = !v ? 0 : array ? json_object_array_length(v) : 1;
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++) {
		struct json_object *e = array ? json_object_array_get_idx(v, i) : v;

		if (json_object_is_type(e, json_type_object))
			e = json_member(e, p->sub ? p->sub : "value");
		if (e && !json_object_is_type(e, json_type_object) &&
		    !json_object_is_type(e, json_type_array))
			r = extract_policy_value(x, p->text, e);
	}
	return r;
}

static bool extract_is_group(struct json_object *m)
{
	const char *type = json_string(json_member(m, "type"));
	const char *ref = type ? NULL : json_string(json_member(m, "$ref"));

	return type ? strcasecmp(type, "Group") == 0 : ref && strcasestr(ref, "/Groups/") != NULL;
}

static int extract_members(struct extract *x)
{
	struct json_object *v = x->slots[x->m->own[MAP_MEMBERS]];
	bool array = json_object_is_type(v, json_type_array);
	size_t count = !v ? 0 : array ? json_object_array_length(v) : 1, n = 0;
	struct extract_text *list;
	int r;

	if (!count)
		return 0;
	list = calloc(count, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		struct json_object *m = array ? json_object_array_get_idx(v, i) : v;
		struct json_object *id =
			json_object_is_type(m, json_type_object) ? json_member(m, "value") : m;
		const char *s = json_string(id);
		size_t len = s ? (size_t)json_object_get_string_len(id) : 0;

		if (!s && json_object_is_type(id, json_type_int)) {
			s = json_object_get_string(id);
			len = strlen(s);
		}
		if (s && len && len <= RESOURCE_VALUE_MAX)
			list[n++] = (struct extract_text){ s, len,
							   extract_is_group(m) ? FIELD_MEMBER_GROUP
									       : FIELD_MEMBER };
	}
	r = extract_sorted(x, 0, list, n);
	free(list);
	return r;
}

static int extract_meta(struct extract *x, uint8_t tag, const char *name)
{
	struct json_object *v = json_member(x->slots[x->m->own[MAP_META]], name);

	return v ? extract_put(x, tag, 0, v) : 0;
}

static const struct map_attribute *extract_find(const struct extract *x, uint8_t tag)
{
	for (size_t i = 0; i < x->m->attribute_count; i++)
		if (x->m->attributes[i].kind == x->kind && x->m->attributes[i].tag == tag)
			return &x->m->attributes[i];
	return NULL;
}

// Of a resource that did not come whole nothing is kept but who it is and whether it is
// active: half a list of members is not a list of members.
static int extract_over(struct extract *x, struct json_object *over)
{
	const char *why = resource_over_text(json_object_get_int64(over));
	const struct map_attribute *name = extract_find(x, FIELD_NAME);
	int r = name ? extract_attribute(x, name) : 0;

	return r < 0 ? r : resource_put(x->out, FIELD_COMPLAINT, 0, why, strlen(why));
}

static int extract_values(struct extract *x)
{
	int r = 0;

	for (uint8_t tag = FIELD_NAME; tag <= FIELD_SSH_KEY && r == 0; tag++) {
		const struct map_attribute *a = extract_find(x, tag);

		if (a)
			r = extract_attribute(x, a);
	}
	for (size_t i = 0; x->kind == RESOURCE_USER && i < x->m->policy_count && r == 0; i++)
		r = extract_policy(x, &x->m->policy[i]);
	if (r == 0 && x->kind == RESOURCE_GROUP)
		r = extract_members(x);
	return r;
}

static int extract_all(struct extract *x)
{
	struct json_object *over = x->slots[x->m->own[MAP_OVER]];
	int r = extract_own(x, FIELD_ID, MAP_ID);

	if (r == 0 && x->kind == RESOURCE_USER)
		r = extract_own(x, FIELD_USER_NAME, MAP_USER_NAME);
	if (r == 0)
		r = extract_own(x, FIELD_EXTERNAL_ID, MAP_EXTERNAL_ID);
	if (r == 0)
		r = extract_own(x, FIELD_DISPLAY, MAP_DISPLAY);
	if (r == 0)
		r = extract_meta(x, FIELD_CREATED, "created");
	if (r == 0 && x->kind == RESOURCE_USER)
		r = extract_active(x);
	if (r == 0)
		r = over ? extract_over(x, over) : extract_values(x);
	if (r == 0)
		r = extract_meta(x, FIELD_MODIFIED, "lastModified");
	if (r == 0)
		r = extract_meta(x, FIELD_VERSION, "version");
	return r;
}

int map_resource(const struct mapping *m, uint8_t kind, struct json_object *res, struct buf *out,
		 struct fail *f)
{
	struct extract x = { .m = m, .out = out, .kind = kind };
	struct json_object *id;
	size_t len;
	int r;

	if (!json_object_is_type(res, json_type_object))
		return fail(f, EPROTO, "a resource that is no object");
	extract_scan(&x, res);
	id = x.slots[m->own[MAP_ID]];
	if (!json_string(id) && !json_object_is_type(id, json_type_int))
		return fail(f, EPROTO, "a resource without an id");
	len = strlen(json_object_get_string(id));
	if (len == 0 || len > 4096 ||
	    (json_string(id) && len != (size_t)json_object_get_string_len(id)))
		return fail(f, EPROTO, "a resource with an impossible id (%zu bytes)", len);
	r = extract_all(&x);
	return r < 0 ? fail(f, -r, "a resource that cannot be kept: %s", fail_word(r)) : 0;
}
