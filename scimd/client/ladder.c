// SPDX-License-Identifier: MIT
//
// The ladder of memberships. Rung one is the list itself; where no group of it
// has a member, every group is fetched alone; where that gives none either,
// users are asked for by `groups.value eq`. Members that are absent, null or
// empty mean "unknown" until a rung has spoken.
//
// A filter that is ignored makes everybody a member of every group. So it is believed only
// where a group that nobody has, has no members; elsewhere a user must name the group that
// was asked for among their own.
#include "scimd/base/fail.h"
#include "scimd/client/pull_internal.h"
#include "scimd/client/quirk.h"
#include "scimd/scim/json.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The id of no group anywhere (RFC 9562 §5.9).
#define LADDER_NOBODY "00000000-0000-0000-0000-000000000000"

static void ladder_next(struct pull *p);

int ladder_group(struct pull *p, struct json_object *group)
{
	struct json_object *members = json_member(group, "members");
	const char *id = json_id(json_member(group, "id"));
	struct pull_group *g;

	if (!id)
		return 0;
	if (p->list_count == p->list_cap) {
		size_t cap = p->list_cap ? p->list_cap * 2 : 64;
		struct pull_group *more = reallocarray(p->list, cap, sizeof(*more));

		if (!more)
			return -ENOMEM;
		p->list = more;
		p->list_cap = cap;
	}
	g = &p->list[p->list_count];
	g->id = strdup(id);
	if (!g->id)
		return -ENOMEM;
	g->lacks = false;
	g->has_members = members && !(json_object_is_type(members, json_type_array) &&
				      json_object_array_length(members) == 0);
	p->any_members |= g->has_members;
	p->list_count++;
	return 0;
}

static void ladder_found_clear(struct pull *p)
{
	table_free(&p->seen);
	arena_free(&p->arena);
	p->found_count = 0;
}

void ladder_clear(struct pull *p)
{
	for (size_t i = 0; i < p->list_count; i++)
		free(p->list[i].id);
	p->list_count = 0;
	p->any_members = false;
}

void ladder_free(struct pull *p)
{
	ladder_found_clear(p);
	free(p->found);
	buf_free(&p->filter);
	ladder_clear(p);
	free(p->list);
}

// An id that came, of a member of the group at hand or not: enum walk_seen.
static int ladder_found(struct pull *p, const char *id, bool member)
{
	size_t len = strlen(id);
	char *copy;

	if (table_get(&p->seen, id, len) != TABLE_NONE)
		return WALK_SAME;
	if (p->found_count == p->found_cap) {
		size_t cap = p->found_cap ? p->found_cap * 2 : 256;
		const char **more = reallocarray(p->found, cap, sizeof(*more));

		if (!more)
			return -ENOMEM;
		p->found = more;
		p->found_cap = cap;
	}
	copy = arena_strn(&p->arena, id, len);
	if (!copy || table_put(&p->seen, copy, len, 0) < 0)
		return -ENOMEM;
	if (member)
		p->found[p->found_count++] = copy;
	return WALK_NEW;
}

static void ladder_give(struct pull *p)
{
	int r = p->calls.members(p->calls.arg, p->list[p->rung_at].id, p->found, p->found_count);

	ladder_found_clear(p);
	if (r < 0) {
		pull_end(p, -r, -1, "members: %s", fail_word(r));
		return;
	}
	p->rung_at++;
	pull_tell(p);
	ladder_next(p);
}

// One group that is too much is refused alone; the others are asked for.
static void ladder_refuse(struct pull *p, const char *text)
{
	int r = p->calls.refuse(p->calls.arg, p->list[p->rung_at].id, text);

	ladder_found_clear(p);
	if (r < 0) {
		pull_end(p, -r, -1, "members: %s", fail_word(r));
		return;
	}
	p->get_gave = true;
	p->rung_at++;
	ladder_next(p);
}

static int ladder_ask(struct pull *p, const char *path,
		      void (*end)(void *arg, const struct transfer_answer *a))
{
	struct fail f = { "" };
	int r;

	tags_lost(&p->tags);
	r = path ? session_get(p->session, path, true, 0, end, p, &p->call, &f) : -ENOMEM;

	if (r < 0)
		pull_end(p, -r, -1, "members: %s", f.text[0] ? f.text : fail_word(r));
	return r;
}

// ------------------------------------------------------ rung: GET /Groups/{id}

static int ladder_members(struct pull *p, struct json_object *group)
{
	struct json_object *members = json_member(group, "members");
	size_t n = json_object_is_type(members, json_type_array) ? json_object_array_length(members)
								 : 0;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < n; i++) {
		struct json_object *m = json_object_array_get_idx(members, i);
		const char *id = json_id(m) ? json_id(m) : json_id(json_member(m, "value"));

		if (id)
			r = ladder_found(p, id, true);
	}
	return r;
}

static void ladder_on_group(void *arg, const struct transfer_answer *a)
{
	struct pull *p = arg;
	const char *wanted = p->list[p->rung_at].id, *id;

	p->call = NULL;
	if (a->r == -EMSGSIZE) {
		ladder_refuse(p, a->text);
		return;
	}
	if (a->r == 0 && a->status == 404) { // in the list, but not there: another rung may know
		p->get_lacks = p->list[p->rung_at].lacks = true;
		p->lacking = p->rung_at++;
		ladder_next(p);
		return;
	}
	if (a->r < 0 || a->status != 200 || a->bad_json || !a->json) {
		pull_refused(p, "members of a group", a);
		return;
	}
	// Another's record, or an error's, must not stand in for the one that was asked for.
	id = json_id(json_member(a->json, "id"));
	if (!id || strcmp(id, wanted) != 0) {
		pull_end(p, EPROTO, -1, "members of group %.200s: the answer is another resource",
			 wanted);
		return;
	}
	if (ladder_members(p, a->json) < 0) {
		pull_end(p, ENOMEM, -1, "members: %s", fail_word(-ENOMEM));
		return;
	}
	p->get_found = true;
	p->get_gave |= p->found_count > 0;
	ladder_give(p);
}

static void ladder_ask_group(struct pull *p)
{
	struct buf b = BUF_INIT;
	int r = buf_printf(&b, "%s/", session_path(p->session, false));

	if (r == 0)
		r = transfer_encode(&b, p->list[p->rung_at].id);
	if (r == 0 && !session_plain(p->session, false)) // some give nothing that is not named
		r = buf_str(&b, "?attributes=id,members");
	(void)ladder_ask(p, r == 0 ? b.data : NULL, ladder_on_group);
	buf_free(&b);
}

// ------------------------------------- rung: users by filter=groups.value eq

// Whether a user's own groups name this one: 1, 0, or -1 where they name none.
static int ladder_says(struct json_object *user, const char *group)
{
	struct json_object *list = json_member(user, "groups");
	bool array = json_object_is_type(list, json_type_array);
	size_t n = array ? json_object_array_length(list) : list != NULL;

	for (size_t i = 0; i < n; i++) {
		struct json_object *g = array ? json_object_array_get_idx(list, i) : list;
		const char *id = json_id(g) ? json_id(g) : json_id(json_member(g, "value"));

		if (id && strcmp(id, group) == 0)
			return 1;
	}
	return n ? 0 : -1;
}

static int ladder_on_user(void *arg, struct json_object *user)
{
	struct pull *p = arg;
	int says = ladder_says(user, p->list[p->rung_at].id);
	const char *id = json_id(json_member(user, "id"));

	if (!id)
		return -EPROTO;
	p->said |= says >= 0;
	return ladder_found(p, id, !p->ignored || says > 0);
}

static void ladder_on_anew(void *arg)
{
	ladder_found_clear(arg);
}

static void ladder_on_page(void *arg, int64_t total)
{
	struct pull *p = arg;

	if (!p->expected && total > (int64_t)p->count)
		pull_expect(p, (uint64_t)total / p->count);
	p->expected = true;
}

static void ladder_on_users(void *arg, const struct walk_end *e)
{
	struct pull *p = arg;
	bool unknown = e->first && (e->status == 400 || e->status == 404 || e->status == 501);
	bool mute = e->r == 0 && p->ignored && !p->said; // everybody came, and nobody's groups

	if ((unknown || (mute && !p->had_members)) && p->rung_at == 0 &&
	    !(p->quirks & QUIRK_MEMBERS_FILTER)) {
		// No filter here; GET of each group has said "no members".
		p->rung_at = p->list_count;
		ladder_next(p);
	} else if (mute) {
		pull_end(p, EPROTO, -1,
			 "members by filter: the filter is ignored, and users do not say which "
			 "groups they are in; who is in which is not known");
	} else if (e->r < 0) {
		pull_end(p, -e->r, e->retry_after, "members by filter: %s", e->text);
	} else {
		p->get_lacks = false; // what no GET could say, this can
		ladder_give(p);
	}
}

static int ladder_filter(struct buf *out, const char *group)
{
	int r = buf_str(out, "groups.value eq \"");

	for (const char *c = group; *c && r == 0; c++)
		r = *c == '"' || *c == '\\' ? buf_printf(out, "\\%c", *c) : buf_chr(out, *c);
	return r == 0 ? buf_chr(out, '"') : r;
}

static void ladder_ask_users(struct pull *p)
{
	const struct walk_calls calls = { p, ladder_on_user, ladder_on_anew, ladder_on_page,
					  ladder_on_users };
	struct walk_list list = { .path = session_path(p->session, true),
				  .attributes = session_plain(p->session, true)
							? NULL
							: "id,userName,groups",
				  .quirks = p->quirks,
				  .count = p->count,
				  .index_too = p->index_too,
				  .users = true };

	tags_lost(&p->tags);
	p->expected = false;
	buf_clear(&p->filter);
	if (ladder_filter(&p->filter, p->list[p->rung_at].id) < 0) {
		pull_end(p, ENOMEM, -1, "members: out of memory");
		return;
	}
	list.filter = p->filter.data;
	walk_start(p->walk, &list, &calls);
}

// What a group that nobody has is answered with. A directory that complains of it has
// looked at the filter.
static void ladder_on_nobody(void *arg, const struct transfer_answer *a)
{
	struct pull *p = arg;
	struct scim_list page;
	bool list = a->r == 0 && a->status == 200 && !a->bad_json && scim_list_read(a->json, &page);

	p->call = NULL;
	if (!list && (a->r < 0 || (a->status != 400 && a->status != 404 && a->status != 501))) {
		pull_refused(p, "members by filter", a);
		return;
	}
	p->ignored = list && (page.count || page.total > 0);
	ladder_next(p);
}

static void ladder_ask_nobody(struct pull *p)
{
	struct buf b = BUF_INIT, filter = BUF_INIT;
	int r = ladder_filter(&filter, LADDER_NOBODY);

	if (r == 0)
		r = buf_printf(&b, "%s?count=1&filter=", session_path(p->session, true));
	if (r == 0)
		r = transfer_encode(&b, filter.data);
	if (r == 0 && (p->quirks & QUIRK_CURSOR))
		r = buf_str(&b, "&cursor=");
	(void)ladder_ask(p, r == 0 ? b.data : NULL, ladder_on_nobody);
	buf_free(&b);
	buf_free(&filter);
}

// --------------------------------------------------------------- the ladder

static void ladder_by_filter(struct pull *p)
{
	p->by_filter = true;
	p->said = false;
	p->rung_at = 0;
	ladder_ask_nobody(p);
}

// Some directories list groups that they have not: built-in ones, say. Where GET finds
// others, those alone have the members that they had.
static void ladder_stay(struct pull *p)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < p->list_count; i++)
		if (p->list[i].lacks)
			r = p->calls.stay(p->calls.arg, p->list[i].id,
					  "HTTP 404, though it is in the list");
	if (r < 0)
		pull_end(p, -r, -1, "members: %s", fail_word(r));
	else
		pull_end(p, 0, -1, "%s", "");
}

static void ladder_next(struct pull *p)
{
	if (p->ended)
		return;
	if (p->rung_at < p->list_count) {
		if (p->by_filter)
			ladder_ask_users(p);
		else
			ladder_ask_group(p);
	} else if (!p->by_filter && !p->get_gave && !(p->quirks & QUIRK_MEMBERS_GET)) {
		ladder_by_filter(p);
	} else if (p->get_lacks && p->get_found) {
		ladder_stay(p);
	} else if (p->get_lacks) {
		pull_end(p, EPROTO, -1, "members of group %.200s: HTTP 404",
			 p->list[p->lacking].id);
	} else {
		pull_end(p, 0, -1, "%s", "");
	}
}

void ladder_start(struct pull *p)
{
	p->stage = PULL_MEMBERS;
	p->total = -1;
	if (p->any_members || p->list_count == 0) {
		pull_end(p, 0, -1, "%s", "");
		return;
	}
	pull_time(p, 2 * (uint64_t)p->list_count);
	p->rung_at = 0;
	if (p->quirks & QUIRK_MEMBERS_FILTER)
		ladder_by_filter(p);
	else
		ladder_next(p);
}
