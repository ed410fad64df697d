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

struct render_list {
	struct buf *out;
	const struct render *c;
	size_t count;
};

static int render_member(void *arg, const struct dir_member *m)
{
	struct render_list *l = arg;
	const struct scim_resource_type *t = dir_type(m->kind);
	char id[DIR_ID_TEXT];

	dir_id_text(id, m->id);
	return buf_printf(l->out, "%s{\"value\":\"%s\",\"$ref\":\"%s%s/%s\",\"type\":\"%s\"}",
			  l->count++ ? "," : "", id, l->c->base, t->endpoint, id, t->name);
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
static int render_groups(struct store_txn *t, const struct render *c, uint64_t user,
			 struct buf *out)
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
		struct dir_record rec;
		char id[DIR_ID_TEXT];

		r = dir_get(t, RESOURCE_GROUP, g.seq[i], &rec);
		if (r < 0)
			break;
		dir_id_text(id, rec.head.id);
		r = buf_printf(out, "%s{\"value\":\"%s\",\"$ref\":\"%s/Groups/%s\",\"display\":",
			       i ? "," : "", id, c->base, id);
		if (r == 0)
			r = render_string(out, rec.label, rec.head.label_len);
		if (r == 0)
			r = buf_printf(out, ",\"type\":\"%s\"}",
				       i < direct ? "direct" : "indirect");
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
	struct render_list l = { .out = out, .c = c };
	size_t before = out->len, start;
	int rc;

	rc = buf_str(out, r->head.kind == RESOURCE_GROUP ? ",\"members\":[" : ",\"groups\":[");
	start = out->len;
	if (rc == 0 && r->head.kind == RESOURCE_GROUP)
		rc = dir_member_each(t, r->head.seq, render_member, &l);
	else if (rc == 0)
		rc = render_groups(t, c, r->head.seq, out);
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
				  bool groups)
{
	struct render c = { .base = base };
	struct buf b = BUF_INIT;
	struct json_object *o = NULL;

	if (render_whole(t, &c, r, &b, groups) == 0)
		o = render_parse(&b);
	buf_free(&b);
	return o;
}

// Whether only the projected sub-attributes of the list are wanted.
static bool render_list_cut(const struct scim_projection *pr, uint8_t kind)
{
	return kind == RESOURCE_GROUP ? !scim_projection_wants(pr, "members.$ref") ||
						!scim_projection_wants(pr, "members.type")
				      : !scim_projection_wants(pr, "groups.display") ||
						!scim_projection_wants(pr, "groups.$ref");
}

static int render_projected(struct store_txn *t, const struct render *c, const struct dir_record *r,
			    struct buf *out)
{
	bool tail =
		scim_projection_wants(c->pr, r->head.kind == RESOURCE_GROUP ? "members" : "groups");
	bool cut = tail && render_list_cut(c->pr, r->head.kind);
	struct json_object *full = render_object(t, c->base, r, cut), *some = NULL;
	const char *text;
	size_t len = 0;
	int rc = -ENOMEM;

	if (full)
		some = scim_project(c->pr, dir_type(r->head.kind), full);
	text = some ? json_object_to_json_string_length(
			      some, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len)
		    : NULL;
	if (text)
		rc = buf_add(out, text, len - (tail && !cut ? 1 : 0));
	if (rc == 0 && tail && !cut) {
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
