// SPDX-License-Identifier: MIT
//
// `attributes` and `excludedAttributes`; see project.h.
#include "scimd/scim/project.h"
#include "scimd/base/arena.h"
#include "scimd/scim/filter.h"
#include "scimd/scim/json.h"
#include "scimd/scim/problem.h"
#include "scimd/scim/schema.h"
#include "scimd/scim/value.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAMES_MAX 200u
#define NAME_LEN 512u

struct name {
	const char *text; // as given: may be a schema's URN
	struct scim_path path;
};

struct scim_projection {
	struct arena arena;
	bool select; // attributes, not excludedAttributes
	size_t count;
	struct name names[NAMES_MAX];
};

enum named { NAMED_NOT, NAMED_PART, NAMED_WHOLE };

static int add_name(struct scim_projection *pr, const char *text, size_t len,
		    struct scim_problem *p)
{
	struct name *n = &pr->names[pr->count];
	char *buf;

	if (pr->count == NAMES_MAX)
		return scim_problem(p, 400, "invalidValue", "more than %u attribute names",
				    NAMES_MAX);
	if (len > NAME_LEN)
		return scim_problem(p, 400, "invalidValue", "an attribute name of %zu bytes", len);
	n->text = arena_strn(&pr->arena, text, len);
	buf = arena_alloc(&pr->arena, len + 4);
	if (!n->text || !buf)
		return scim_problem_memory(p);
	if (scim_path_parse(text, len, &n->path, buf, len + 4, NULL) < 0)
		return scim_problem(p, 400, "invalidValue", "\"%s\" is not an attribute name",
				    n->text);
	pr->count++;
	return 0;
}

static int add_list(struct scim_projection *pr, const char *text, struct scim_problem *p)
{
	int r = 0;

	while (r == 0 && *text) {
		size_t len = strcspn(text, ","), end = len, from = strspn(text, " \t");

		while (end > from && (text[end - 1] == ' ' || text[end - 1] == '\t'))
			end--;
		if (end > from)
			r = add_name(pr, text + from, end - from, p);
		text += len + (text[len] == ',');
	}
	return r;
}

static int finish(int r, struct scim_projection *pr, struct scim_projection **out)
{
	if (r == 0 && pr->count) {
		*out = pr;
		return 0;
	}
	scim_projection_free(pr);
	if (r == 0)
		*out = NULL;
	return r;
}

static int both(struct scim_problem *p)
{
	return scim_problem(p, 400, "invalidValue",
			    "attributes and excludedAttributes exclude each other");
}

int scim_projection_parse(const char *attributes, const char *excluded,
			  struct scim_projection **out, struct scim_problem *p)
{
	bool select = attributes && attributes[0], exclude = excluded && excluded[0];
	struct scim_projection *pr;

	if (select && exclude)
		return both(p);
	pr = calloc(1, sizeof(*pr));
	if (!pr)
		return scim_problem_memory(p);
	pr->select = select;
	return finish(select || exclude ? add_list(pr, select ? attributes : excluded, p) : 0, pr,
		      out);
}

int scim_projection_read(struct json_object *attributes, struct json_object *excluded,
			 struct scim_projection **out, struct scim_problem *p)
{
	bool select = !scim_value_empty(attributes), exclude = !scim_value_empty(excluded);
	struct json_object *in = select ? attributes : excluded;
	struct scim_projection *pr;
	size_t n = 1;
	int r = 0;

	if (select && exclude)
		return both(p);
	pr = calloc(1, sizeof(*pr));
	if (!pr)
		return scim_problem_memory(p);
	pr->select = select;
	if (json_object_is_type(in, json_type_array))
		n = json_object_array_length(in);
	for (size_t i = 0; (select || exclude) && r == 0 && i < n; i++) {
		const char *s = json_string(json_object_is_type(in, json_type_array)
						    ? json_object_array_get_idx(in, i)
						    : in);

		r = s ? add_list(pr, s, p)
		      : scim_problem(p, 400, "invalidValue", "attribute names must be strings");
	}
	return finish(r, pr, out);
}

void scim_projection_free(struct scim_projection *pr)
{
	if (!pr)
		return;
	arena_free(&pr->arena);
	free(pr);
}

bool scim_projection_selects(const struct scim_projection *pr)
{
	return pr && pr->select;
}

static bool core_urn(const char *urn)
{
	return strcasecmp(urn, SCIM_URN_USER) == 0 || strcasecmp(urn, SCIM_URN_GROUP) == 0;
}

static bool covers(const struct name *n, const struct scim_path *p)
{
	if (p->urn[0] ? strcasecmp(n->text, p->urn) == 0 : core_urn(n->text))
		return true;
	if (strcasecmp(n->path.attr, p->attr) != 0)
		return false;
	if (n->path.urn[0])
		return p->urn[0] ? strcasecmp(n->path.urn, p->urn) == 0 : core_urn(n->path.urn);
	return true;
}

bool scim_projection_wants(const struct scim_projection *pr, const char *path)
{
	char buf[NAME_LEN + 4];
	struct scim_path p;
	size_t len = strlen(path);

	if (!pr || len > NAME_LEN || scim_path_parse(path, len, &p, buf, sizeof(buf), NULL) < 0)
		return true;
	for (size_t i = 0; i < pr->count; i++) {
		const struct name *n = &pr->names[i];

		if (!covers(n, &p) ||
		    (p.sub[0] && n->path.sub[0] && strcasecmp(n->path.sub, p.sub) != 0))
			continue;
		// An excluded sub-attribute leaves the attribute.
		if (pr->select || !n->path.sub[0] || p.sub[0])
			return pr->select;
	}
	return !pr->select;
}

// What the names say about an attribute (s NULL: a common one) or, with sub, about
// one of its sub-attributes.
static enum named named(const struct scim_projection *pr, const struct scim_resource_type *t,
			const struct scim_schema *s, const struct scim_attribute *a,
			const struct scim_attribute *sub)
{
	enum named best = NAMED_NOT;

	for (size_t i = 0; i < pr->count; i++) {
		const struct name *n = &pr->names[i];
		const struct scim_schema *at;

		if (s && strcasecmp(n->text, s->urn) == 0)
			return NAMED_WHOLE;
		if (strcasecmp(n->path.attr, a->name) != 0 ||
		    !scim_schema_find(t, &(struct scim_path){ n->path.urn, n->path.attr, "" },
				      &at) ||
		    at != s)
			continue;
		if (!n->path.sub[0] || (sub && strcasecmp(n->path.sub, sub->name) == 0))
			return NAMED_WHOLE;
		best = NAMED_PART;
	}
	return best;
}

static bool sub_kept(const struct scim_projection *pr, const struct scim_resource_type *t,
		     const struct scim_schema *s, const struct scim_attribute *a,
		     const struct scim_attribute *sub)
{
	bool hit = named(pr, t, s, a, sub) == NAMED_WHOLE;

	if (sub->returned == SCIM_ALWAYS || sub->returned == SCIM_NEVER)
		return sub->returned == SCIM_ALWAYS;
	return pr->select ? hit : !hit;
}

// A complex value without the sub-attributes that are not wanted; NULL: nothing left
// or no memory.
static struct json_object *thin(const struct scim_projection *pr,
				const struct scim_resource_type *t, const struct scim_schema *s,
				const struct scim_attribute *a, struct json_object *v)
{
	struct json_object *o = json_object_new_object(), *m;

	for (const struct scim_attribute *sub = a->subs; o && sub && sub->name; sub++)
		if (json_object_object_get_ex(v, sub->name, &m) && sub_kept(pr, t, s, a, sub))
			(void)scim_value_put(o, sub->name, json_object_get(m), NULL);
	if (o && json_object_object_length(o))
		return o;
	json_object_put(o);
	return NULL;
}

static struct json_object *thin_list(const struct scim_projection *pr,
				     const struct scim_resource_type *t,
				     const struct scim_schema *s, const struct scim_attribute *a,
				     struct json_object *list)
{
	struct json_object *out = json_object_new_array(), *v;

	for (size_t i = 0; out && i < json_object_array_length(list); i++) {
		v = thin(pr, t, s, a, json_object_array_get_idx(list, i));
		if (v && json_object_array_add(out, v) < 0)
			json_object_put(v);
	}
	if (out && json_object_array_length(out))
		return out;
	json_object_put(out);
	return NULL;
}

// What is to be returned of one attribute: a reference, or NULL for nothing.
static struct json_object *project_one(const struct scim_projection *pr,
				       const struct scim_resource_type *t,
				       const struct scim_schema *s, const struct scim_attribute *a,
				       struct json_object *v)
{
	enum named n = pr ? named(pr, t, s, a, NULL) : NAMED_NOT;
	bool select = pr && pr->select;

	if (a->returned == SCIM_NEVER)
		return NULL;
	if (a->returned == SCIM_ALWAYS)
		return json_object_get(v);
	if (n == NAMED_PART)
		return json_object_is_type(v, json_type_array) ? thin_list(pr, t, s, a, v)
							       : thin(pr, t, s, a, v);
	if (select ? n == NAMED_NOT : n == NAMED_WHOLE || a->returned == SCIM_REQUEST)
		return NULL;
	return json_object_get(v);
}

static bool project_rows(const struct scim_projection *pr, const struct scim_resource_type *t,
			 const struct scim_schema *s, struct json_object *from,
			 struct json_object *to)
{
	json_object_object_foreach(from, key, v)
	{
		const struct scim_schema *at = s;
		const struct scim_attribute *a =
			scim_attribute_find(s->attributes, key, strlen(key));
		struct json_object *part;

		if (!a && s == t->core) {
			at = NULL;
			a = scim_attribute_find(scim_common, key, strlen(key));
		}
		part = a && v ? project_one(pr, t, at, a, v) : NULL;
		if (part && scim_value_put(to, key, part, NULL) < 0)
			return false;
	}
	return true;
}

struct json_object *scim_project(const struct scim_projection *pr,
				 const struct scim_resource_type *t, struct json_object *full)
{
	struct json_object *out = json_object_new_object(), *meta = NULL;
	bool ok = out && project_rows(pr, t, t->core, full, out);

	if (ok && json_object_object_get_ex(out, "meta", &meta)) {
		json_object_get(meta); // goes last
		json_object_object_del(out, "meta");
	}
	for (size_t i = 0; ok && t->extensions[i]; i++) {
		struct json_object *from = scim_value_home(full, t, t->extensions[i], false), *to;

		if (!from)
			continue;
		to = json_object_new_object();
		ok = to && project_rows(pr, t, t->extensions[i], from, to);
		if (ok && json_object_object_length(to))
			ok = scim_value_put(out, t->extensions[i]->urn, to, NULL) == 0;
		else
			json_object_put(to);
	}
	if (meta && scim_value_put(out, "meta", meta, NULL) < 0)
		ok = false;
	if (ok)
		return out;
	json_object_put(out);
	return NULL;
}
