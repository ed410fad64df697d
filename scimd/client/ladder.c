// SPDX-License-Identifier: MIT
//
// The ladder of memberships. Rung one is the list itself; where no group of it
// has a member, every group is fetched alone; where that gives none either,
// users are asked for by `groups.value eq`. Members that are absent, null or
// empty mean "unknown" until a rung has spoken.
#include "scimd/base/fail.h"
#include "scimd/client/pull_internal.h"
#include "scimd/client/quirk.h"
#include "scimd/scim/json.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void ladder_next(struct pull *p);

int ladder_group(struct pull *p, struct json_object *group)
{
	struct json_object *members = json_member(group, "members");
	const char *id = json_string(json_member(group, "id"));
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
	g->has_members = members && !(json_object_is_type(members, json_type_array) &&
				      json_object_array_length(members) == 0);
	p->any_members |= g->has_members;
	p->list_count++;
	return 0;
}

static void ladder_found_clear(struct pull *p)
{
	for (size_t i = 0; i < p->found_count; i++)
		free(p->found[i]);
	p->found_count = 0;
}

void ladder_free(struct pull *p)
{
	ladder_found_clear(p);
	free(p->found);
	for (size_t i = 0; i < p->list_count; i++)
		free(p->list[i].id);
	free(p->list);
}

static int ladder_found(struct pull *p, const char *id)
{
	if (p->found_count == p->found_cap) {
		size_t cap = p->found_cap ? p->found_cap * 2 : 256;
		char **more = reallocarray(p->found, cap, sizeof(*more));

		if (!more)
			return -ENOMEM;
		p->found = more;
		p->found_cap = cap;
	}
	p->found[p->found_count] = strdup(id);
	if (!p->found[p->found_count])
		return -ENOMEM;
	p->found_count++;
	return 0;
}

static void ladder_give(struct pull *p)
{
	int r = p->calls.members(p->calls.arg, p->list[p->rung_at].id,
				 (const char *const *)p->found, p->found_count);

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

static void ladder_on_group(void *arg, const struct transfer_answer *a)
{
	struct pull *p = arg;
	struct json_object *members, *m;
	int r = 0;

	p->call = NULL;
	if (a->r == -EMSGSIZE) {
		ladder_refuse(p, a->text);
		return;
	}
	if (a->r < 0 || (a->status != 200 && a->status != 404) || (a->status == 200 && !a->json)) {
		pull_refused(p, "members of a group", a);
		return;
	}
	members = json_member(a->json, "members");
	for (size_t i = 0; json_object_is_type(members, json_type_array) && r == 0 &&
			   i < json_object_array_length(members);
	     i++) {
		const char *id;

		m = json_object_array_get_idx(members, i);
		id = json_string(m) ? json_string(m) : json_string(json_member(m, "value"));
		if (id)
			r = ladder_found(p, id);
	}
	if (r < 0) {
		pull_end(p, -r, -1, "members: %s", fail_word(r));
		return;
	}
	p->get_gave |= p->found_count > 0;
	ladder_give(p);
}

// ------------------------------------- rung: users by filter=groups.value eq

static void ladder_filter_page(struct pull *p);

static void ladder_on_users(void *arg, const struct transfer_answer *a)
{
	struct pull *p = arg;
	struct scim_list page;

	p->call = NULL;
	if (a->r == 0 && (a->status == 400 || a->status == 404 || a->status == 501) &&
	    p->rung_at == 0 && p->start == 1 && !(p->quirks & QUIRK_MEMBERS_FILTER)) {
		// The filter is unknown here; GET of each group has said "no members".
		p->rung_at = p->list_count;
		ladder_next(p);
		return;
	}
	if (a->r < 0 || a->status != 200 || a->bad_json || !scim_list_read(a->json, &page)) {
		pull_refused(p, "members by filter", a);
		return;
	}
	for (size_t i = 0; i < page.count; i++) {
		struct json_object *u = json_object_array_get_idx(page.resources, i);
		const char *id = json_string(json_member(u, "id"));

		if (id && ladder_found(p, id) < 0) {
			pull_end(p, ENOMEM, -1, "members: out of memory");
			return;
		}
	}
	buf_clear(&p->cursor);
	if (page.next_cursor && *page.next_cursor && ++p->pages < 10000 &&
	    buf_str(&p->cursor, page.next_cursor) == 0) {
		ladder_filter_page(p);
		return;
	}
	// A filter that is silently ignored gives everybody: that is no answer.
	if (p->users > 1 && p->list_count > 1 && p->found_count >= p->users && page.total < 0 &&
	    !(p->quirks & QUIRK_MEMBERS_FILTER)) {
		pull_end(p, EPROTO, -1,
			 "members by filter: every group has every user; the filter is ignored");
		return;
	}
	p->start += page.count;
	if (page.count && page.total >= 0 && p->start <= (uint64_t)page.total &&
	    ++p->pages < 10000) {
		ladder_filter_page(p);
		return;
	}
	if (page.total >= 0 && p->found_count < (uint64_t)page.total) {
		pull_end(p, EPROTO, -1, "members by filter: %zu of %lld were received",
			 p->found_count, (long long)page.total);
		return;
	}
	ladder_give(p);
}

static void ladder_filter_page(struct pull *p)
{
	struct buf b = BUF_INIT, filter = BUF_INIT;
	const char *id = p->list[p->rung_at].id;
	int r = buf_str(&filter, "groups.value eq \"");

	for (const char *c = id; *c && r == 0; c++)
		r = *c == '"' || *c == '\\' ? buf_printf(&filter, "\\%c", *c)
					    : buf_chr(&filter, *c);
	if (r == 0)
		r = buf_chr(&filter, '"');
	if (r == 0)
		r = buf_printf(&b, "%s?filter=", session_path(p->session, true));
	if (r == 0)
		r = transfer_encode(&b, filter.data);
	if (r == 0 && !(p->quirks & QUIRK_NO_ATTRIBUTES))
		r = buf_str(&b, "&attributes=id,userName");
	if (r == 0)
		r = buf_printf(&b, "&count=%u", p->count);
	if (r == 0 && (p->cursor.len || (p->quirks & QUIRK_CURSOR))) {
		r = buf_str(&b, "&cursor=");
		if (r == 0 && p->cursor.len)
			r = transfer_encode(&b, p->cursor.data);
	} else if (r == 0) {
		r = buf_printf(&b, "&startIndex=%llu", (unsigned long long)p->start);
	}
	(void)ladder_ask(p, r == 0 ? b.data : NULL, ladder_on_users);
	buf_free(&b);
	buf_free(&filter);
}

// --------------------------------------------------------------- the ladder

static void ladder_next(struct pull *p)
{
	struct buf b = BUF_INIT;
	int r;

	if (p->ended)
		return;
	if (p->rung_at >= p->list_count) {
		if (!p->by_filter && !p->get_gave && !(p->quirks & QUIRK_MEMBERS_GET)) {
			p->by_filter = true;
			p->rung_at = 0;
		} else {
			pull_end(p, 0, -1, "%s", "");
			return;
		}
	}
	if (p->by_filter) {
		p->start = 1;
		p->pages = 0;
		buf_clear(&p->cursor);
		ladder_filter_page(p);
		return;
	}
	r = buf_printf(&b, "%s/", session_path(p->session, false));
	if (r == 0)
		r = transfer_encode(&b, p->list[p->rung_at].id);
	if (r == 0 && !(p->quirks & QUIRK_NO_ATTRIBUTES))
		r = buf_str(&b, "?attributes=members");
	(void)ladder_ask(p, r == 0 ? b.data : NULL, ladder_on_group);
	buf_free(&b);
}

void ladder_start(struct pull *p)
{
	p->stage = PULL_MEMBERS;
	p->total = -1;
	if (p->any_members || p->list_count == 0) {
		pull_end(p, 0, -1, "%s", "");
		return;
	}
	p->by_filter = p->quirks & QUIRK_MEMBERS_FILTER;
	p->rung_at = 0;
	ladder_next(p);
}
