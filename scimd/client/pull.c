// SPDX-License-Identifier: MIT
//
// A whole walk of a directory; see pull.h. Lists are walked in walk.c, the ladder of
// memberships is in ladder.c.
#include "scimd/client/pull.h"
#include "scimd/base/fail.h"
#include "scimd/client/pull_internal.h"
#include "scimd/client/quirk.h"
#include "scimd/scim/json.h"
#include "scimd/scim/resource.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

// How long a walk may take, and its ladder after that: as many requests as it needs, and a
// few more, each as long as one may take; and never longer than this, or than the time
// until the next one is due (or than the one request may).
#define PULL_REQUESTS 10u
#define PULL_SECONDS_MAX 1800u

static void pull_list(struct pull *p, enum pull_stage stage);
static void pull_search(struct pull *p, int no_groups);

// The one way out: told from the loop, never from inside pull_start.
void pull_end(struct pull *p, int err, int64_t retry_after, const char *fmt, ...)
{
	struct pull_result res = {
		.r = -err, .retry_after = retry_after, .users = p->users, .groups = p->groups
	};
	char text[512] = "";
	va_list ap;

	if (p->ended)
		return;
	p->ended = true;
	session_cancel(p->call);
	p->call = NULL;
	walk_stop(p->walk);
	(void)sd_event_source_set_enabled(p->deadline, SD_EVENT_OFF);
	(void)sd_event_source_set_enabled(p->search, SD_EVENT_OFF);
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	res.text = text;
	if (err == 0 && tags_whole(&p->tags))
		res.tags = &p->tags;
	p->calls.end(p->calls.arg, &res);
}

void pull_tell(struct pull *p)
{
	static const char *const names[] = { "discovery", "users", "groups", "missing", "members" };
	struct pull_progress pr = { .stage = names[p->stage],
				    .users = p->users,
				    .groups = p->groups,
				    .asked = p->asked,
				    .total = p->total };

	if (p->calls.progress)
		p->calls.progress(p->calls.arg, &pr);
}

void pull_refused(struct pull *p, const char *what, const struct transfer_answer *a)
{
	struct fail f = { "" };
	int r = walk_answer(a, &f);

	pull_end(p, -r, a->retry_after, "%s: %s", what, f.text);
}

static const char *pull_what(const struct pull *p)
{
	return p->stage == PULL_USERS ? "users" : "groups";
}

// ---------------------------------------------------------------- the deadline

static int pull_on_deadline(sd_event_source *s, uint64_t usec, void *arg)
{
	struct pull *p = arg;

	(void)s;
	(void)usec;
	pick_free(p->pick);
	p->pick = NULL;
	pull_end(p, ETIMEDOUT, -1,
		 "reading the %s took longer than %u s; an incomplete list changes nothing",
		 p->stage == PULL_MEMBERS ? "members of groups" : "directory", p->seconds);
	return 0;
}

void pull_expect(struct pull *p, uint64_t requests)
{
	uint32_t each = session_timeout(p->session);
	uint32_t most = PULL_SECONDS_MAX;

	if (most < p->calls.seconds)
		most = p->calls.seconds;
	if (most < each)
		most = each;
	p->requests += requests < most ? requests : most;
	p->seconds = (PULL_REQUESTS + p->requests) * each < most
			     ? (uint32_t)(PULL_REQUESTS + p->requests) * each
			     : most;
	(void)sd_event_source_set_time(p->deadline, p->began + 1000000ull * p->seconds);
}

void pull_time(struct pull *p, uint64_t requests)
{
	sd_event *event = sd_event_source_get_event(p->deadline);

	(void)sd_event_now(event, CLOCK_MONOTONIC, &p->began); // fails in a forked child alone
	p->requests = 0;
	pull_expect(p, requests);
}

// ------------------------------------------------------------------- the lists

// Somebody else in the answer: the filter was not honoured.
static bool pull_disabled(struct json_object *res)
{
	struct json_object *active = json_member(res, "active");
	const char *text = active ? json_object_get_string(active) : NULL;

	return text && strcasecmp(text, "false") == 0;
}

static int pull_on_resource(void *arg, struct json_object *res)
{
	struct pull *p = arg;
	uint8_t kind = p->stage == PULL_USERS ? RESOURCE_USER : RESOURCE_GROUP;
	int seen = p->calls.disabled_only && !pull_disabled(res)
			   ? -EOPNOTSUPP
			   : p->calls.resource(p->calls.arg, kind, res);

	if (seen != WALK_NEW)
		return seen;
	if (kind == RESOURCE_USER)
		p->users++;
	else if (++p->groups && ladder_group(p, res) < 0)
		return -ENOMEM;
	return seen;
}

static void pull_on_anew(void *arg)
{
	struct pull *p = arg;

	if (p->stage == PULL_USERS) {
		p->users = 0;
	} else {
		p->groups = 0;
		ladder_clear(p);
	}
	if (p->calls.anew)
		p->calls.anew(p->calls.arg,
			      p->stage == PULL_USERS ? RESOURCE_USER : RESOURCE_GROUP);
}

static void pull_on_page(void *arg, int64_t total)
{
	struct pull *p = arg;

	if (!p->expected) // without a total nobody knows how many there are
		pull_expect(p, total >= 0 ? (uint64_t)total / p->count + 1 : UINT32_MAX);
	p->expected = true;
	p->total = total;
	pull_tell(p);
}

static void pull_on_list(void *arg, const struct walk_end *e)
{
	struct pull *p = arg;

	if (e->r == 0 && !p->calls.disabled_only)
		session_plain_is(p->session, p->stage == PULL_USERS, e->plain);
	if (p->calls.disabled_only && e->status >= 400 && e->status < 502 && e->status != 401 &&
	    e->status != 403 && e->status != 429 && e->status != 500)
		pull_end(p, EOPNOTSUPP, -1, "filter=active eq false: HTTP %d", e->status);
	else if (p->stage == PULL_GROUPS && e->first && (e->status == 404 || e->status == 501))
		pull_search(p, e->status); // a directory without groups
	else if (e->r < 0)
		pull_end(p, -e->r, e->retry_after, "%s: %s", pull_what(p), e->text);
	else if (p->calls.disabled_only)
		pull_end(p, 0, -1, "%s", "");
	else if (p->stage == PULL_USERS && !(p->quirks & QUIRK_NO_GROUPS))
		pull_list(p, PULL_GROUPS);
	else
		pull_search(p, 0);
}

static void pull_list(struct pull *p, enum pull_stage stage)
{
	const struct walk_calls calls = { p, pull_on_resource, pull_on_anew, pull_on_page,
					  pull_on_list };
	bool users = stage == PULL_USERS;
	struct walk_list list = { .path = session_path(p->session, users),
				  .attributes = users ? p->calls.user_attributes
						      : p->calls.group_attributes,
				  .quirks = p->quirks,
				  .count = p->count,
				  .index_too = p->index_too,
				  .users = users };

	if (p->calls.disabled_only) {
		list.filter = "active eq false";
		list.attributes = "id,active,meta";
	} else if (p->quirks & QUIRK_LIST_ETAG) {
		list.tags = &p->tags;
	}
	p->stage = stage;
	p->total = -1;
	p->expected = false;
	pull_tell(p);
	walk_start(p->walk, &list, &calls);
}

void pull_walk(struct pull *p)
{
	pull_list(p, PULL_USERS);
}

// ------------------------------------------------------- those who are missing

static int pull_on_found(void *arg, uint8_t kind, struct json_object *res)
{
	struct pull *p = arg;
	bool any = p->any_members;
	int seen = p->calls.resource(p->calls.arg, kind, res);

	if (seen < 0)
		return seen;
	if (kind == RESOURCE_USER)
		p->users++;
	else if (++p->groups && ladder_group(p, res) < 0)
		return -ENOMEM;
	p->any_members = any; // whether the list has members is for the list to say
	tags_lost(&p->tags);  // which does not cover this one
	p->asked++;
	pull_tell(p);
	return 0;
}

static int pull_on_gone(void *arg, uint8_t kind, const char *id)
{
	struct pull *p = arg;

	(void)kind;
	(void)id;
	p->asked++;
	pull_tell(p);
	return 0;
}

static int pull_on_unclear(void *arg, uint8_t kind, const char *id, const char *text)
{
	struct pull *p = arg;
	char why[512];

	tags_lost(&p->tags);
	p->asked++;
	pull_tell(p);
	(void)snprintf(why, sizeof(why), "it is in no list, and asked for by id: %s", text);
	return p->calls.unclear(p->calls.arg, kind, id, why);
}

static void pull_on_picked(void *arg, int r, const char *text, int64_t retry_after)
{
	struct pull *p = arg;

	if (r < 0)
		pull_end(p, -r, retry_after, "missing from the lists: %s", text);
	else
		ladder_start(p);
}

// Where there is no list of groups, none is asked for by id either.
static void pull_no_groups(struct pull_missing *m)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->n; i++)
		if (m->list[i].kind == RESOURCE_USER)
			m->list[kept++] = m->list[i];
	m->n = kept;
}

// The lists are through: what they lack is there, or is gone, when that record says so.
static void pull_missing(struct pull *p, int r, struct pull_missing m)
{
	const struct pick_calls calls = { .arg = p,
					  .user_attributes = p->calls.user_attributes,
					  .group_attributes = p->calls.group_attributes,
					  .resource = pull_on_found,
					  .gone = pull_on_gone,
					  .unclear = pull_on_unclear,
					  .end = pull_on_picked };
	struct fail f = { "" };

	p->had_members = m.members;
	if (r == 0 && p->no_groups && m.groups && !m.accepted) {
		pull_end(p, EPROTO, -1,
			 "groups: HTTP %d, but %llu groups of it are known; an incomplete list "
			 "changes nothing; if it has none any more: `scimctl sync "
			 "--accept-removals`",
			 p->no_groups, (unsigned long long)m.groups);
		return;
	}
	if (p->no_groups)
		pull_no_groups(&m);
	if (r == 0 && m.n == 0) {
		ladder_start(p);
		return;
	}
	p->stage = PULL_MISSING;
	p->total = (int64_t)m.n;
	pull_expect(p, m.n);
	pull_tell(p);
	if (r == 0)
		r = pick_start(p->session, m.list, m.n, &calls, &p->pick, &f);
	if (r < 0)
		pull_end(p, -r, -1, "%s", f.text[0] ? f.text : fail_word(r));
}

// A slice of those who are known at a time, for whoever waits at a login meanwhile.
static int pull_on_search(sd_event_source *s, void *arg)
{
	struct pull *p = arg;
	struct pull_missing m = { 0 };
	int r = 0;

	if (p->calls.missing)
		r = p->calls.missing(p->calls.arg, !(p->quirks & QUIRK_NO_GROUPS), &m);
	if (r == 1)
		return 0;
	(void)sd_event_source_set_enabled(s, SD_EVENT_OFF);
	pull_missing(p, r, m);
	return 0;
}

static void pull_search(struct pull *p, int no_groups)
{
	p->no_groups = no_groups;
	(void)sd_event_source_set_enabled(p->search, SD_EVENT_ON);
}

// --------------------------------------------------------------- discovery

static void pull_on_provider(void *arg, const struct transfer_answer *a)
{
	struct pull *p = arg;
	struct scim_provider pr = { 0 };

	p->call = NULL;
	// Tolerant: a directory that does not describe itself is walked all the same.
	if (a->r < 0) {
		pull_refused(p, "ServiceProviderConfig", a);
		return;
	}
	if (a->status == 200 && scim_provider_read(a->json, &pr)) {
		if (pr.max_results > 0 && pr.max_results < (int64_t)p->count)
			p->count = (uint32_t)pr.max_results;
		if (pr.max_page > 0 && pr.max_page < (int64_t)p->count)
			p->count = (uint32_t)pr.max_page;
		// Cursors do not slip when somebody goes meanwhile.
		p->index_too = pr.cursor && pr.index && !(p->quirks & QUIRK_CURSOR);
		if (pr.cursor)
			p->quirks |= QUIRK_CURSOR;
		if (pr.list_etag && !(p->quirks & QUIRK_NO_ETAG))
			p->quirks |= QUIRK_LIST_ETAG;
	}
	p->waits = p->calls.provider && p->calls.provider(p->calls.arg, pr.events);
	if (!p->waits)
		discover_start(p);
}

void pull_go(struct pull *p)
{
	if (!p || !p->waits)
		return;
	p->waits = false;
	if (!p->ended)
		discover_start(p);
}

static int pull_new(sd_event *event, struct session *s, const struct pull_calls *calls,
		    struct pull **out)
{
	struct pull *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->session = s;
	p->calls = *calls;
	p->total = -1;
	p->quirks = session_quirks(s);
	p->count = session_page(s);
	p->stage = PULL_DISCOVERY;
	r = walk_new(event, s, &p->walk);
	if (r >= 0)
		r = sd_event_add_time(event, &p->deadline, CLOCK_MONOTONIC, UINT64_MAX, 1000,
				      pull_on_deadline, p);
	if (r >= 0)
		r = sd_event_add_defer(event, &p->search, pull_on_search, p);
	if (r >= 0)
		r = sd_event_source_set_enabled(p->search, SD_EVENT_OFF);
	if (r >= 0) // as the walk's slices
		r = sd_event_source_set_priority(p->search, SD_EVENT_PRIORITY_NORMAL + 10);
	if (r < 0) {
		pull_free(p);
		return r;
	}
	pull_time(p, 0);
	*out = p;
	return 0;
}

int pull_start(sd_event *event, struct session *s, const struct pull_calls *calls,
	       struct pull **out, struct fail *f)
{
	struct pull *p;
	int r = pull_new(event, s, calls, &p);

	if (r < 0)
		return fail(f, -r, "%s", fail_word(r));
	r = session_begin(s, f);
	if (r >= 0 && calls->disabled_only && (p->quirks & QUIRK_NO_FILTER))
		r = fail(f, EOPNOTSUPP, "its row of the quirk table says that filters do not work");
	if (r >= 0 && calls->disabled_only) {
		*out = p;
		pull_list(p, PULL_USERS);
		return 0;
	}
	if (r >= 0)
		r = session_get(s,
				p->quirks & QUIRK_PROVIDER_PLURAL ? "/ServiceProviderConfigs"
								  : "/ServiceProviderConfig",
				true, 0, pull_on_provider, p, &p->call, f);
	if (r < 0) {
		pull_free(p);
		return r;
	}
	*out = p;
	return 0;
}

void pull_free(struct pull *p)
{
	if (!p)
		return;
	session_cancel(p->call);
	walk_free(p->walk);
	pick_free(p->pick);
	(void)sd_event_source_disable_unref(p->deadline);
	(void)sd_event_source_disable_unref(p->search);
	tags_clear(&p->tags);
	ladder_free(p);
	free(p);
}
