// SPDX-License-Identifier: MIT
//
// A whole walk of a directory; see pull.h. Lists are walked here, the ladder of
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

#define PULL_SLICE 50
#define PULL_PAGES_MAX 100000u
#define PULL_RESOURCES_MAX 2000000u

static void pull_ask(struct pull *p);
static void pull_list(struct pull *p, enum pull_stage stage);

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
	static const char *const names[] = { "discovery", "users", "groups", "members" };
	struct pull_progress pr = {
		.stage = names[p->stage], .users = p->users, .groups = p->groups, .total = p->total
	};

	if (p->calls.progress)
		p->calls.progress(p->calls.arg, &pr);
}

// A sentence for an answer that is none, in the words of whoever reads status.
void pull_refused(struct pull *p, const char *what, const struct transfer_answer *a)
{
	const char *detail = scim_error_text(a->json);

	if (a->r < 0)
		pull_end(p, -a->r, a->retry_after, "%s: %s", what, a->text);
	else if (a->status == 401 || a->status == 403)
		pull_end(p, EACCES, a->retry_after,
			 "%s: the directory refused the token (HTTP %d%s%.200s)", what, a->status,
			 detail ? ": " : "", detail ? detail : "");
	else if (a->status >= 300 && a->status < 400)
		pull_end(p, EPROTO, a->retry_after,
			 "%s: a redirect (HTTP %d), which is never followed; "
			 "check the url",
			 what, a->status);
	else if (a->status == 200)
		pull_end(p, EPROTO, -1, "%s: %s", what,
			 a->bad_json || !a->json ? "the answer is not JSON"
						 : "the answer is not a SCIM list");
	else
		pull_end(p, a->status == 429 || a->status == 503 ? EAGAIN : EPROTO, a->retry_after,
			 "%s: HTTP %d%s%.200s", what, a->status, detail ? ": " : "",
			 detail ? detail : "");
}

static const char *pull_what(const struct pull *p)
{
	return p->stage == PULL_USERS ? "users" : "groups";
}

// ---------------------------------------------------------------- one list

static void pull_finished(struct pull *p)
{
	uint64_t got = p->stage == PULL_USERS ? p->users : p->groups;

	if (p->stage == PULL_USERS && !p->calls.disabled_only)
		session_plain_is(p->session, !p->attributes);
	if (p->different)
		pull_end(p, EPROTO, -1, "%s: a resource came twice with different contents",
			 pull_what(p));
	else if (p->total >= 0 && got < (uint64_t)p->total)
		pull_end(p, EPROTO, -1,
			 "%s: %llu of %lld were received; an incomplete list changes nothing",
			 pull_what(p), (unsigned long long)got, (long long)p->total);
	else if (p->calls.disabled_only)
		pull_end(p, 0, -1, "%s", "");
	else if (p->stage == PULL_USERS && !(p->quirks & QUIRK_NO_GROUPS))
		pull_list(p, PULL_GROUPS);
	else
		ladder_start(p);
}

// After a page: where the next one begins, or the end.
static void pull_next(struct pull *p)
{
	const char *cursor = p->page.next_cursor;

	if (++p->pages > PULL_PAGES_MAX || p->users + p->groups > PULL_RESOURCES_MAX) {
		pull_end(p, EPROTO, -1, "%s: more pages than anybody has", pull_what(p));
		return;
	}
	if (p->quirks & QUIRK_NO_PAGING) {
		pull_finished(p);
		return;
	}
	if (p->quirks & QUIRK_NEXT_ID)
		cursor = p->page.next_id && strcmp(p->page.next_id, "end") != 0 ? p->page.next_id
										: NULL;
	if (cursor && *cursor) {
		if (p->page.count && !p->fresh) {
			pull_end(p, EPROTO, -1, "%s: the same page came twice", pull_what(p));
			return;
		}
		if (p->cursor.len && strcmp(p->cursor.data, cursor) == 0) {
			pull_end(p, EPROTO, -1, "%s: the cursor leads back to itself",
				 pull_what(p));
			return;
		}
		buf_clear(&p->cursor);
		if (buf_str(&p->cursor, cursor) < 0) {
			pull_end(p, EPROTO, -1, "%s: a cursor longer than any", pull_what(p));
			return;
		}
		p->by_cursor = true;
		pull_ask(p);
		return;
	}
	if (p->by_cursor || p->page.count == 0) {
		pull_finished(p);
		return;
	}
	// Nothing new on a page: the end if all were seen, else a server that goes in circles.
	if (!p->fresh) {
		uint64_t got = p->stage == PULL_USERS ? p->users : p->groups;

		if (p->total >= 0 && got == (uint64_t)p->total)
			pull_finished(p);
		else
			pull_end(p, EPROTO, -1, "%s: page after page brings the same resources",
				 pull_what(p));
		return;
	}
	p->start += p->page.count;
	pull_ask(p);
}

// Somebody else in the answer: the filter was not honoured.
static bool pull_disabled(struct json_object *res)
{
	struct json_object *active = json_member(res, "active");
	const char *text = active ? json_object_get_string(active) : NULL;

	return text && strcasecmp(text, "false") == 0;
}

static int pull_on_slice(sd_event_source *s, void *arg)
{
	struct pull *p = arg;
	uint8_t kind = p->stage == PULL_USERS ? RESOURCE_USER : RESOURCE_GROUP;
	size_t stop = p->at + PULL_SLICE < p->page.count ? p->at + PULL_SLICE : p->page.count;

	for (; p->at < stop; p->at++) {
		struct json_object *res = json_object_array_get_idx(p->page.resources, p->at);
		int seen = p->calls.disabled_only && !pull_disabled(res)
				   ? -EOPNOTSUPP
				   : p->calls.resource(p->calls.arg, kind, res);

		if (seen < 0) {
			(void)sd_event_source_set_enabled(s, SD_EVENT_OFF);
			pull_end(p, -seen, -1, "%s: %s", pull_what(p), fail_word(seen));
			return 0;
		}
		if (seen == PULL_DIFFERENT)
			p->different = true;
		if (seen != PULL_NEW)
			continue;
		p->fresh = true;
		if (kind == RESOURCE_USER)
			p->users++;
		else if (++p->groups && ladder_group(p, res) < 0)
			seen = -ENOMEM;
	}
	if (p->at < p->page.count) {
		(void)sd_event_source_set_enabled(s, SD_EVENT_ON);
		return 0;
	}
	(void)sd_event_source_set_enabled(s, SD_EVENT_OFF);
	pull_tell(p);
	pull_next(p);
	return 0;
}

// As many as the directory says that there are.
static bool pull_has_all(const struct pull *p)
{
	uint64_t got = p->stage == PULL_USERS ? p->users : p->groups;

	return p->total >= 0 && got == (uint64_t)p->total;
}

static void pull_on_page(void *arg, const struct transfer_answer *a)
{
	struct pull *p = arg;

	p->call = NULL;
	if (p->calls.disabled_only && a->r == 0 && a->status >= 400 && a->status < 502 &&
	    a->status != 401 && a->status != 403 && a->status != 429 && a->status != 500) {
		pull_end(p, EOPNOTSUPP, -1, "filter=active eq false: HTTP %d", a->status);
		return;
	}
	if (a->r == 0 && a->status == 400 && !p->by_cursor && p->attributes) {
		p->attributes = false; // asked again without attributes=
		pull_ask(p);
		return;
	}
	if (a->r == 0 && a->status == 400 && p->count > 100) {
		p->count = 100;
		pull_ask(p);
		return;
	}
	if (a->r == 0 && a->status == 400 && p->by_cursor && !p->restarted &&
	    (scim_error_is(a->json, "expiredCursor") || scim_error_is(a->json, "invalidCursor"))) {
		p->restarted = true;
		p->start = 1;
		buf_clear(&p->cursor);
		pull_ask(p);
		return;
	}
	if (a->r == 0 && (a->status == 404 || a->status == 501) && p->stage == PULL_GROUPS &&
	    p->pages == 0) {
		ladder_start(p); // a directory without groups
		return;
	}
	if (a->r < 0 || a->status != 200 || a->bad_json || !scim_list_read(a->json, &p->page)) {
		pull_refused(p, pull_what(p), a);
		return;
	}
	// Some answer from the beginning whatever they are asked: no harm when all are here.
	if (!p->by_cursor && p->page.start >= 0 && p->page.count &&
	    (uint64_t)p->page.start != p->start && !pull_has_all(p)) {
		pull_end(p, EPROTO, -1, "%s: asked from number %llu on, answered from %lld",
			 pull_what(p), (unsigned long long)p->start, (long long)p->page.start);
		return;
	}
	tags_page(&p->tags, p->stage == PULL_USERS, a->etag);
	json_object_put(p->body);
	p->body = json_object_get(a->json);
	if (p->page.total >= 0)
		p->total = p->page.total;
	p->at = 0;
	p->fresh = false;
	(void)sd_event_source_set_enabled(p->slice, SD_EVENT_ON);
}

static void pull_ask(struct pull *p)
{
	const char *attributes =
		p->stage == PULL_USERS ? p->calls.user_attributes : p->calls.group_attributes;
	struct buf b = BUF_INIT;
	struct fail f = { "" };
	int r = buf_str(&b, session_path(p->session, p->stage == PULL_USERS));

	if (r == 0 && (p->quirks & QUIRK_NO_PAGING))
		r = buf_str(&b, "?");
	else if (r == 0 && (p->quirks & QUIRK_NEXT_ID))
		r = buf_printf(&b, "?count=%u&startId=", p->count);
	else if (r == 0 && (p->by_cursor || (p->quirks & QUIRK_CURSOR)))
		r = buf_printf(&b, "?count=%u&cursor=", p->count);
	else if (r == 0)
		r = buf_printf(&b, "?startIndex=%llu&count=%u", (unsigned long long)p->start,
			       p->count);
	if (r == 0 && (p->quirks & QUIRK_NEXT_ID) && !p->cursor.len)
		r = buf_str(&b, "initial");
	else if (r == 0 && p->cursor.len)
		r = transfer_encode(&b, p->cursor.data);
	if (r == 0 && p->calls.disabled_only) {
		r = buf_str(&b, "&filter=");
		if (r == 0)
			r = transfer_encode(&b, "active eq false");
		attributes = "id,active,meta";
	}
	if (r == 0 && p->attributes && attributes && !(p->quirks & QUIRK_NO_PAGING)) {
		r = buf_str(&b, "&attributes=");
		if (r == 0)
			r = transfer_encode(&b, attributes);
	}
	if (r == 0 && (p->quirks & QUIRK_LIST_ETAG) && !p->calls.disabled_only && p->start == 1 &&
	    !p->cursor.len)
		tags_first(&p->tags, p->stage == PULL_USERS, b.data);
	if (r == 0)
		r = session_get(p->session, b.data, true, 0, pull_on_page, p, &p->call, &f);
	buf_free(&b);
	if (r < 0)
		pull_end(p, -r, -1, "%s", f.text[0] ? f.text : fail_word(r));
}

static void pull_list(struct pull *p, enum pull_stage stage)
{
	p->stage = stage;
	p->start = 1;
	p->pages = 0;
	p->total = -1;
	p->by_cursor = p->restarted = p->different = false;
	p->attributes = !(p->quirks & QUIRK_NO_ATTRIBUTES);
	buf_clear(&p->cursor);
	pull_tell(p);
	pull_ask(p);
}

void pull_walk(struct pull *p)
{
	pull_list(p, PULL_USERS);
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
		if (pr.cursor && !pr.index)
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
	discover_start(p);
}

int pull_start(sd_event *event, struct session *s, const struct pull_calls *calls,
	       struct pull **out, struct fail *f)
{
	struct pull *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return fail(f, ENOMEM, "out of memory");
	p->session = s;
	p->calls = *calls;
	p->total = -1;
	p->quirks = session_quirks(s);
	p->count = session_page(s);
	p->cursor.max = 65536;
	p->stage = PULL_DISCOVERY;
	r = sd_event_add_defer(event, &p->slice, pull_on_slice, p);
	if (r >= 0)
		r = sd_event_source_set_enabled(p->slice, SD_EVENT_OFF);
	if (r >= 0) // whoever waits at a login goes first
		r = sd_event_source_set_priority(p->slice, SD_EVENT_PRIORITY_NORMAL + 10);
	if (r >= 0)
		r = session_begin(s, f);
	if (r >= 0 && p->calls.disabled_only && (p->quirks & QUIRK_NO_FILTER))
		r = fail(f, EOPNOTSUPP, "its row of the quirk table says that filters do not work");
	if (r >= 0 && p->calls.disabled_only) {
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
	(void)sd_event_source_disable_unref(p->slice);
	json_object_put(p->body);
	buf_free(&p->cursor);
	tags_clear(&p->tags);
	ladder_free(p);
	free(p);
}
