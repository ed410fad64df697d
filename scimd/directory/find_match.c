// SPDX-License-Identifier: MIT
//
// Who matches a filter: an index where one part of it says `attribute eq "value"`
// for an indexed attribute, every resource elsewhere. A further indexed attribute
// is a row in match_rows, of which the first wins: what names few stands above.
#include "scimd/directory/find_internal.h"
#include "scimd/scim/filter.h"
#include "scimd/scim/schema.h"
#include "scimd/scim/subject.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MATCH_MEMBERS 32 // a filter that names more looks at all

int find_set_add(struct find_set *s, uint64_t seq)
{
	if (s->max && s->count == s->max)
		return -E2BIG;
	if (s->count == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 64;
		uint64_t *more = reallocarray(s->seq, cap, sizeof(*more));

		if (!more)
			return -ENOMEM;
		s->seq = more;
		s->cap = cap;
	}
	s->seq[s->count++] = seq;
	return 0;
}

static int find_order(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

void find_set_sort(struct find_set *s)
{
	size_t kept = 0;

	if (s->count)
		qsort(s->seq, s->count, sizeof(*s->seq), find_order);
	for (size_t i = 0; i < s->count; i++)
		if (kept == 0 || s->seq[i] != s->seq[kept - 1])
			s->seq[kept++] = s->seq[i];
	s->count = kept;
}

void find_set_free(struct find_set *s)
{
	free(s->seq);
	*s = (struct find_set){ 0 };
}

static int match_add(void *arg, uint64_t seq)
{
	return find_set_add(arg, seq);
}

static int match_add_member(void *arg, const struct dir_member *m)
{
	return m->kind == RESOURCE_USER ? find_set_add(arg, m->seq) : 0;
}

static int match_id(struct store_txn *t, uint8_t kind, const char *value, struct find_set *s)
{
	struct dir_record r;
	int rc = dir_find(t, kind, value, &r);

	return rc == -ENOENT ? 0 : rc < 0 ? rc : find_set_add(s, r.head.seq);
}

static int match_members(struct store_txn *t, uint8_t kind, const char *value, struct find_set *s)
{
	struct dir_record r;
	int rc = dir_find(t, 0, value, &r);

	(void)kind;
	return rc == -ENOENT ? 0 : rc < 0 ? rc : dir_member_of(t, r.head.seq, match_add, s);
}

// Direct members, and those of the groups in it, and so on: User.groups says both.
static int match_groups(struct store_txn *t, uint8_t kind, const char *value, struct find_set *s);

#define MATCH_KEY(name, key)                                                                       \
	static int match_##name(struct store_txn *t, uint8_t kind, const char *value,              \
				struct find_set *s)                                                \
	{                                                                                          \
		return dir_index_each(t, kind, key, value, match_add, s);                          \
	}
MATCH_KEY(user_name, DIR_KEY_USER_NAME)
MATCH_KEY(external_id, DIR_KEY_EXTERNAL_ID)
MATCH_KEY(display, DIR_KEY_DISPLAY)
MATCH_KEY(email, DIR_KEY_EMAIL)

static const struct match_row {
	uint8_t kind; // 0: both
	const char *attr, *sub;
	int (*fn)(struct store_txn *t, uint8_t kind, const char *value, struct find_set *s);
} match_rows[] = {
	{ 0, "id", "", match_id },
	{ RESOURCE_USER, "userName", "", match_user_name },
	{ 0, "externalId", "", match_external_id },
	{ 0, "displayName", "", match_display },
	{ RESOURCE_USER, "emails", "value", match_email },
	{ RESOURCE_USER, "emails", "", match_email },
	{ RESOURCE_USER, "groups", "value", match_groups },
	{ RESOURCE_USER, "groups", "", match_groups },
	{ RESOURCE_GROUP, "members", "value", match_members },
	{ RESOURCE_GROUP, "members", "", match_members },
};

struct match_reach {
	struct find_set *users, groups;
};

static int match_reached(void *arg, const struct dir_member *m)
{
	struct match_reach *re = arg;

	if (m->kind == RESOURCE_USER)
		return match_add_member(re->users, m);
	for (size_t i = 0; i < re->groups.count; i++)
		if (re->groups.seq[i] == m->seq)
			return 0;
	return find_set_add(&re->groups, m->seq);
}

static int match_groups(struct store_txn *t, uint8_t kind, const char *value, struct find_set *s)
{
	struct match_reach re = { .users = s, .groups = { .max = s->max } };
	struct dir_record r;
	int rc = dir_find(t, RESOURCE_GROUP, value, &r);

	(void)kind;
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	rc = find_set_add(&re.groups, r.head.seq);
	for (size_t i = 0; rc == 0 && i < re.groups.count; i++)
		rc = dir_member_each(t, re.groups.seq[i], match_reached, &re);
	find_set_free(&re.groups);
	return rc;
}

// The row for `attr eq "text"`, in or outside a value path of `within`.
static const struct match_row *match_row(uint8_t kind, const struct scim_node *n,
					 const struct scim_path *within)
{
	const char *attr = within ? within->attr : n->path.attr;
	const char *sub = within ? n->path.attr : n->path.sub;
	const char *urn = within ? within->urn : n->path.urn;

	if (n->type != SCIM_NODE_COMPARE || n->op != SCIM_EQ ||
	    (n->value.type != SCIM_STRING && n->value.type != SCIM_NUMBER)) // unquoted digits
		return NULL;
	if (*urn && strcasecmp(urn, dir_type(kind)->core->urn) != 0)
		return NULL;
	for (size_t i = 0; i < sizeof(match_rows) / sizeof(*match_rows); i++)
		if ((match_rows[i].kind == 0 || match_rows[i].kind == kind) &&
		    strcasecmp(match_rows[i].attr, attr) == 0 &&
		    strcasecmp(match_rows[i].sub, sub) == 0)
			return &match_rows[i];
	return NULL;
}

// A part of the filter that everybody who matches must fulfil and that has an index.
static const struct match_row *match_find(uint8_t kind, const struct scim_node *n,
					  const struct scim_path *within, const char **value)
{
	const struct match_row *best = NULL, *row = NULL;
	const char *text;

	for (;;) {
		switch (n->type) {
		case SCIM_NODE_AND:
			row = match_find(kind, n->right, within, &text);
			if (row && (!best || row < best)) {
				best = row;
				*value = text;
			}
			n = n->left;
			continue;
		case SCIM_NODE_VALUE:
			if (within)
				return best;
			within = &n->path;
			n = n->left;
			continue;
		case SCIM_NODE_COMPARE:
			row = match_row(kind, n, within);
			if (!row || (best && best < row))
				return best;
			*value = n->value.text;
			return row;
		default:
			return best;
		}
	}
}

bool find_has_index(uint8_t kind, const struct scim_filter *f)
{
	const char *value;

	return f && match_find(kind, scim_filter_root(f), NULL, &value) != NULL;
}

// Whether the index tells all that there is to the filter.
static bool match_exact(const struct scim_filter *f)
{
	return scim_filter_root(f)->type == SCIM_NODE_COMPARE;
}

int find_candidates(struct store_txn *t, uint8_t kind, const struct scim_filter *f,
		    struct find_set *s)
{
	const char *value = NULL;
	const struct match_row *row =
		f ? match_find(kind, scim_filter_root(f), NULL, &value) : NULL;
	int r;

	if (!row)
		return 0;
	s->exact = match_exact(f);
	r = row->fn(t, kind, value, s);
	find_set_sort(s);
	return r < 0 ? r : 1;
}

// ------------------------------------------------------- looking at one again

// What of a group's members, or of a user's groups, a filter has to see.
struct match_need {
	const char *value[MATCH_MEMBERS];
	struct render_only only; // of the members those values
	bool all;
};

static bool match_listed(uint8_t kind, const struct scim_path *p)
{
	return strcasecmp(p->attr, kind == RESOURCE_GROUP ? "members" : "groups") == 0;
}

// A part that only a member of this very value fulfils sees enough in that one.
static void match_need_part(uint8_t kind, const struct scim_node *n, struct match_need *need)
{
	const char *value;
	const struct match_row *row = match_find(kind, n, NULL, &value);

	if (row && row->fn == match_members && need->only.count < MATCH_MEMBERS)
		need->value[need->only.count++] = value;
	else
		need->all = true;
}

static void match_need_node(uint8_t kind, const struct scim_node *n, struct match_need *need)
{
	for (;;) {
		switch (n->type) {
		case SCIM_NODE_AND:
		case SCIM_NODE_OR:
			match_need_node(kind, n->right, need);
			n = n->left;
			continue;
		case SCIM_NODE_NOT:
			n = n->left;
			continue;
		case SCIM_NODE_VALUE:
		case SCIM_NODE_COMPARE:
			if (match_listed(kind, &n->path))
				match_need_part(kind, n, need);
			return;
		}
	}
}

bool find_looks_at_all(uint8_t kind, const struct scim_filter *f)
{
	struct match_need need = { 0 };

	if (match_exact(f))
		return false;
	match_need_node(kind, scim_filter_root(f), &need);
	return need.all;
}

int find_matches(struct store_txn *t, const char *base, const struct dir_record *r,
		 const struct scim_filter *f)
{
	struct match_need need = { 0 };
	struct json_object *o;
	bool yes;

	match_need_node(r->head.kind, scim_filter_root(f), &need);
	need.only.value = need.value;
	o = render_object(t, base, r, need.all || need.only.count, need.all ? NULL : &need.only);
	if (!o)
		return -ENOMEM;
	yes = scim_json_match(f, dir_type(r->head.kind), o);
	json_object_put(o);
	return yes;
}
