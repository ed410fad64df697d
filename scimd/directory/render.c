// SPDX-License-Identifier: MIT
//
// Rendering; see render.h. Without a projection the stored JSON is copied as it
// is and the rest is spliced in: no parsing.
#include "scimd/directory/render.h"
#include "scimd/base/arena.h"
#include "scimd/base/buf.h"
#include "scimd/base/clock.h"
#include "scimd/base/table.h"
#include "scimd/directory/db.h"
#include "scimd/scim/json.h"
#include "scimd/scim/project.h"
#include "scimd/scim/schema.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void render_etag(char out[RENDER_ETAG], const struct dir_head *h)
{
	(void)snprintf(out, RENDER_ETAG, "W/\"%llu\"", (unsigned long long)h->version);
}

bool render_etag_listed(const char *list, const char *tag)
{
	static const char blank[] = " \t";

	list += strspn(list, blank);
	if (*list == '*' && list[1 + strspn(list + 1, blank)] == '\0')
		return true;
	tag += 2; // W/
	while (*list) {
		const char *one = list + strspn(list, blank), *end;

		list += strcspn(list, ",");
		end = list;
		list += *list == ',';
		while (end > one && strchr(blank, end[-1]))
			end--;
		if (end - one > 2 && strncmp(one, "W/", 2) == 0)
			one += 2;
		if (end > one && (size_t)(end - one) == strlen(tag) &&
		    memcmp(one, tag, strlen(tag)) == 0)
			return true;
	}
	return false;
}

int render_string(struct buf *out, const char *text, size_t len)
{
	size_t from = 0;
	int r = buf_chr(out, '"');

	for (size_t i = 0; r == 0 && i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		r = buf_add(out, text + from, i - from);
		if (r == 0)
			r = c < 0x20 ? buf_printf(out, "\\u%04x", c) : buf_printf(out, "\\%c", c);
		from = i + 1;
	}
	if (r == 0)
		r = buf_add(out, text + from, len - from);
	return r < 0 ? r : buf_chr(out, '"');
}

static int render_meta(struct buf *out, const struct render *c, const struct dir_head *h,
		       const char *id)
{
	char created[CLOCK_TEXT], modified[CLOCK_TEXT];
	const struct scim_resource_type *t = dir_type(h->kind);

	return buf_printf(out,
			  "{\"resourceType\":\"%s\",\"created\":\"%s\",\"lastModified\":\"%s\","
			  "\"location\":\"%s%s/%s\",\"version\":\"W/\\\"%llu\\\"\"}",
			  t->name, clock_format(created, h->created),
			  clock_format(modified, h->modified), c->base, t->endpoint, id,
			  (unsigned long long)h->version);
}

// ------------------------------------------------------------------ members

// Of each value of members or groups.
struct render_subs {
	bool all, value, ref, display, type;
};

static struct render_subs render_subs(const struct render *c, uint8_t kind)
{
	bool group = kind == RESOURCE_GROUP;
	const struct scim_projection *pr = c->pr;
	struct render_subs s = {
		.value = scim_projection_wants(pr, group ? "members.value" : "groups.value"),
		.ref = scim_projection_wants(pr, group ? "members.$ref" : "groups.$ref"),
		.display = !group && scim_projection_wants(pr, "groups.display"),
		.type = scim_projection_wants(pr, group ? "members.type" : "groups.type"),
	};

	s.all = s.value && s.ref && s.type && (group || s.display);
	return s;
}

struct render_value {
	const char *id, *endpoint, *type;
	const char *display; // NULL: none
	size_t display_len;
};

static int render_value(struct buf *out, const struct render *c, const struct render_subs *s,
			const struct render_value *v)
{
	int r = buf_chr(out, '{');

	if (r == 0 && s->value)
		r = buf_printf(out, "\"value\":\"%s\",", v->id);
	if (r == 0 && s->ref)
		r = buf_printf(out, "\"$ref\":\"%s%s/%s\",", c->base, v->endpoint, v->id);
	if (r == 0 && s->display && v->display) {
		r = buf_str(out, "\"display\":");
		if (r == 0)
			r = render_string(out, v->display, v->display_len);
		if (r == 0)
			r = buf_chr(out, ',');
	}
	if (r == 0 && s->type)
		r = buf_printf(out, "\"type\":\"%s\",", v->type);
	if (r == 0)
		out->data[out->len - 1] = '}'; // the comma
	return r;
}

struct render_list {
	struct buf *out;
	const struct render *c;
	struct render_subs subs;
	size_t count;
};

static int render_member(void *arg, const struct dir_member *m)
{
	struct render_list *l = arg;
	const struct scim_resource_type *t = dir_type(m->kind);
	struct render_value v = { .endpoint = t->endpoint, .type = t->name };
	char id[DIR_ID_TEXT];
	int r = l->count++ ? buf_chr(l->out, ',') : 0;

	dir_id_text(id, m->id);
	v.id = id;
	if (r < 0 || !l->subs.all)
		return r < 0 ? r : render_value(l->out, l->c, &l->subs, &v);
	return buf_printf(l->out, "{\"value\":\"%s\",\"$ref\":\"%s%s/%s\",\"type\":\"%s\"}", id,
			  l->c->base, t->endpoint, id, t->name);
}

static int render_some(struct store_txn *t, uint64_t group, struct render_list *l)
{
	const struct render_only *only = l->c->only;
	int r = 0;

	for (size_t i = 0; r == 0 && i < only->count; i++) {
		struct dir_record rec;

		r = dir_find(t, 0, only->value[i], &rec);
		if (r == 0)
			r = dir_member_get(t, group, rec.head.seq);
		if (r == 0)
			r = render_member(l, &(struct dir_member){ rec.head.seq, rec.head.kind,
								   rec.head.id });
		else if (r == -ENOENT)
			r = 0;
	}
	return r;
}

// ------------------------------------------------------------ a user's groups

struct render_reach {
	uint64_t *seq;
	size_t count, cap;
	struct table seen;
	struct arena keys;
};

static int render_reached(void *arg, uint64_t group)
{
	struct render_reach *g = arg;
	const void *key;

	if (table_get(&g->seen, &group, sizeof(group)) != TABLE_NONE)
		return 0;
	if (g->count == RENDER_GROUPS_MAX)
		return 1;
	if (g->count == g->cap) {
		size_t cap = g->cap ? g->cap * 2 : 16;
		uint64_t *more = reallocarray(g->seq, cap, sizeof(*more));

		if (!more)
			return -ENOMEM;
		g->seq = more;
		g->cap = cap;
	}
	key = arena_bytes(&g->keys, &group, sizeof(group));
	if (!key || table_put(&g->seen, key, sizeof(group), 0) < 0)
		return -ENOMEM;
	g->seq[g->count++] = group;
	return 0;
}

// Direct ones first, then those that these are in, and so on (RFC 7643 §4.1.2:
// direct and indirect).
static int render_groups(struct store_txn *t, const struct render *c,
			 const struct render_subs *subs, uint64_t user, struct buf *out)
{
	struct render_reach g = { 0 };
	size_t direct;
	int r = dir_member_of(t, user, render_reached, &g);

	direct = g.count;
	for (size_t i = 0; r == 0 && i < g.count; i++)
		r = dir_member_of(t, g.seq[i], render_reached, &g);
	if (r > 0)
		r = 0;
	for (size_t i = 0; r == 0 && i < g.count; i++) {
		struct render_value v = { .endpoint = "/Groups",
					  .type = i < direct ? "direct" : "indirect" };
		struct dir_record rec;
		char id[DIR_ID_TEXT];

		r = dir_get(t, RESOURCE_GROUP, g.seq[i], &rec);
		if (r < 0)
			break;
		dir_id_text(id, rec.head.id);
		v.id = id;
		v.display = rec.label;
		v.display_len = rec.head.label_len;
		r = i ? buf_chr(out, ',') : 0;
		if (r == 0)
			r = render_value(out, c, subs, &v);
	}
	free(g.seq);
	table_free(&g.seen);
	arena_free(&g.keys);
	return r;
}

// ,"members":[…] or ,"groups":[…]; nothing when there are none.
static int render_tail(struct store_txn *t, const struct render *c, const struct dir_record *r,
		       struct buf *out)
{
	struct render_list l = { .out = out, .c = c, .subs = render_subs(c, r->head.kind) };
	size_t before = out->len, start;
	int rc;

	if (!l.subs.value && !l.subs.ref && !l.subs.display && !l.subs.type)
		return 0;
	rc = buf_str(out, r->head.kind == RESOURCE_GROUP ? ",\"members\":[" : ",\"groups\":[");
	start = out->len;
	if (rc == 0 && r->head.kind == RESOURCE_GROUP && c->only)
		rc = render_some(t, r->head.seq, &l);
	else if (rc == 0 && r->head.kind == RESOURCE_GROUP)
		rc = dir_member_each(t, r->head.seq, render_member, &l);
	else if (rc == 0)
		rc = render_groups(t, c, &l.subs, r->head.seq, out);
	if (rc < 0)
		return rc;
	if (out->len == start) {
		out->len = before;
		out->data[before] = '\0';
		return 0;
	}
	return buf_chr(out, ']');
}

// ------------------------------------------------------------------ resources

static int render_whole(struct store_txn *t, const struct render *c, const struct dir_record *r,
			struct buf *out, bool tail)
{
	char id[DIR_ID_TEXT];
	int rc;

	dir_id_text(id, r->head.id);
	rc = buf_printf(out, "{\"id\":\"%s\",", id);
	if (rc == 0) // the stored object without its braces
		rc = buf_add(out, r->json + 1, r->json_len - 2);
	if (rc == 0 && tail)
		rc = render_tail(t, c, r, out);
	if (rc == 0)
		rc = buf_str(out, ",\"meta\":");
	if (rc == 0)
		rc = render_meta(out, c, &r->head, id);
	return rc < 0 ? rc : buf_chr(out, '}');
}

static struct json_object *render_parse(const struct buf *b)
{
	struct json_tokener *tok = b->len <= INT32_MAX ? json_tokener_new() : NULL;
	struct json_object *o = NULL;

	if (!tok)
		return NULL;
	o = json_tokener_parse_ex(tok, b->data, (int)b->len);
	if (json_tokener_get_error(tok) != json_tokener_success) {
		json_object_put(o);
		o = NULL;
	}
	json_tokener_free(tok);
	return o;
}

struct json_object *render_object(struct store_txn *t, const char *base, const struct dir_record *r,
				  bool groups, const struct render_only *only)
{
	struct render c = { .base = base, .only = only };
	struct buf b = BUF_INIT;
	struct json_object *o = NULL;

	if (render_whole(t, &c, r, &b, groups) == 0)
		o = render_parse(&b);
	buf_free(&b);
	return o;
}

static int render_projected(struct store_txn *t, const struct render *c, const struct dir_record *r,
			    struct buf *out)
{
	bool tail =
		scim_projection_wants(c->pr, r->head.kind == RESOURCE_GROUP ? "members" : "groups");
	struct json_object *full = render_object(t, c->base, r, false, NULL), *some = NULL;
	const char *text;
	size_t len = 0;
	int rc = -ENOMEM;

	if (full)
		some = scim_project(c->pr, dir_type(r->head.kind), full);
	text = some ? json_object_to_json_string_length(
			      some, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len)
		    : NULL;
	if (text)
		rc = buf_add(out, text, len - (tail ? 1 : 0));
	if (rc == 0 && tail) {
		rc = render_tail(t, c, r, out);
		if (rc == 0)
			rc = buf_chr(out, '}');
	}
	json_object_put(some);
	json_object_put(full);
	return rc;
}

int render_resource(struct store_txn *t, const struct render *c, const struct dir_record *r,
		    struct buf *out)
{
	return c->pr ? render_projected(t, c, r, out) : render_whole(t, c, r, out, true);
}
