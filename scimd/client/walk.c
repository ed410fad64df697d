// SPDX-License-Identifier: MIT
//
// One list, page by page; see walk.h.
#include "scimd/client/walk.h"
#include "scimd/base/buf.h"
#include "scimd/base/fail.h"
#include "scimd/client/quirk.h"
#include "scimd/client/session.h"
#include "scimd/client/tags.h"
#include "scimd/scim/message.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WALK_SLICE 50
#define WALK_TRIES 3
#define WALK_PAGES_MAX 100000u
#define WALK_RESOURCES_MAX 2000000u

struct walk {
	struct session *session;
	struct session_call *call;
	sd_event_source *slice;
	struct walk_list list;
	struct walk_calls calls;
	bool plain, ended;
	unsigned int tries;

	// since it began, or began anew
	uint64_t start, pages, got;
	int64_t total; // of the first page that said it, or of the last where they are guesses
	int64_t later; // another one that a later page said, -1: none
	bool by_cursor, fresh, different;
	struct buf cursor;
	struct json_object *body; // of the page at hand
	struct scim_list page;
	size_t at;
};

static void walk_ask(struct walk *w);

static void walk_over(struct walk *w, const struct walk_end *e)
{
	struct walk_end end = *e;

	if (w->ended)
		return;
	walk_stop(w);
	end.plain = w->plain;
	w->calls.end(w->calls.arg, &end); // the next one may have begun
}

static void walk_fail(struct walk *w, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void walk_fail(struct walk *w, int err, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	walk_over(w, &(struct walk_end){ .r = -err, .text = text, .retry_after = -1 });
}

int walk_answer(const struct transfer_answer *a, struct fail *f)
{
	const char *detail = scim_error_text(a->json);

	if (a->r < 0)
		return fail(f, -a->r, "%s", a->text);
	if (a->status == 401 || a->status == 403)
		return fail(f, EACCES, "the directory refused the token (HTTP %d%s%.200s)",
			    a->status, detail ? ": " : "", detail ? detail : "");
	if (a->status >= 300 && a->status < 400)
		return fail(f, EPROTO,
			    "a redirect (HTTP %d), which is never followed; check the url",
			    a->status);
	if (a->status == 200)
		return fail(f, EPROTO, "the answer is not %s",
			    a->bad_json || !a->json ? "JSON" : "a SCIM list");
	return fail(f, a->status == 429 || a->status == 503 ? EAGAIN : EPROTO, "HTTP %d%s%.200s",
		    a->status, detail ? ": " : "", detail ? detail : "");
}

// An answer that is no list.
static void walk_refused(struct walk *w, const struct transfer_answer *a)
{
	struct fail f = { "" };
	int r = walk_answer(a, &f);

	walk_over(w, &(struct walk_end){ .r = r,
					 .text = f.text,
					 .status = a->r == 0 ? a->status : 0,
					 .first = w->pages == 0 && w->tries == 0,
					 .retry_after = a->retry_after });
}

static void walk_begin(struct walk *w)
{
	w->start = 1;
	w->pages = w->got = 0;
	w->total = w->later = -1;
	w->by_cursor = w->different = false;
	buf_clear(&w->cursor);
	walk_ask(w);
}

static void walk_anew(struct walk *w, const char *why)
{
	if (++w->tries >= WALK_TRIES) {
		walk_fail(w, EPROTO, "%s, each of %u times; an incomplete list changes nothing",
			  why, w->tries);
		return;
	}
	w->calls.anew(w->calls.arg);
	walk_begin(w);
}

static void walk_changed(struct walk *w)
{
	char why[128] = "the list changed while it was read";

	if (w->later >= 0)
		(void)snprintf(why, sizeof(why),
			       "the list changed while it was read (totalResults %lld, then %lld)",
			       (long long)w->total, (long long)w->later);
	walk_anew(w, why);
}

static bool walk_has_all(const struct walk *w)
{
	return w->total >= 0 && w->got >= (uint64_t)w->total;
}

static void walk_finished(struct walk *w)
{
	bool few = w->total >= 0 && w->got < (uint64_t)w->total;

	if (w->different)
		walk_fail(w, EPROTO, "a resource came twice with different contents");
	else if (few && w->later >= 0)
		walk_changed(w);
	else if (few)
		walk_fail(w, EPROTO,
			  "%llu of %lld were received; an incomplete list changes nothing",
			  (unsigned long long)w->got, (long long)w->total);
	else
		walk_over(w, &(struct walk_end){ .text = "", .retry_after = -1 });
}

static void walk_follow(struct walk *w, const char *cursor)
{
	if (w->page.count && !w->fresh) {
		walk_fail(w, EPROTO, "the same page came twice");
	} else if (w->cursor.len && strcmp(w->cursor.data, cursor) == 0) {
		walk_fail(w, EPROTO, "the cursor leads back to itself");
	} else {
		buf_clear(&w->cursor);
		if (buf_str(&w->cursor, cursor) < 0) {
			walk_fail(w, EPROTO, "a cursor longer than any");
			return;
		}
		w->by_cursor = true;
		walk_ask(w);
	}
}

// After a page: where the next one begins, or the end.
static void walk_next(struct walk *w)
{
	const char *cursor = w->page.next_cursor;

	if (++w->pages > WALK_PAGES_MAX || w->got > WALK_RESOURCES_MAX) {
		walk_fail(w, EPROTO, "more pages than anybody has");
		return;
	}
	if (w->list.quirks & QUIRK_NO_PAGING) {
		walk_finished(w);
		return;
	}
	if (w->list.quirks & QUIRK_NEXT_ID)
		cursor = w->page.next_id && strcmp(w->page.next_id, "end") != 0 ? w->page.next_id
										: NULL;
	if (cursor && *cursor) {
		walk_follow(w, cursor);
		return;
	}
	// Asked with a cursor, answered without one, and there are more: by number, then.
	if (w->pages == 1 && w->list.index_too && w->page.count && w->total > (int64_t)w->got)
		w->list.quirks &= ~QUIRK_CURSOR;
	if (w->by_cursor || w->page.count == 0 ||
	    (w->list.quirks & (QUIRK_CURSOR | QUIRK_NEXT_ID))) {
		walk_finished(w);
		return;
	}
	// Nothing new on a page: the end if all were seen, else a server that goes in circles.
	if (!w->fresh) {
		if (walk_has_all(w))
			walk_finished(w);
		else
			walk_fail(w, EPROTO, "page after page brings the same resources");
		return;
	}
	w->start += w->page.count;
	walk_ask(w);
}

static int walk_on_slice(sd_event_source *s, void *arg)
{
	struct walk *w = arg;
	size_t stop = w->at + WALK_SLICE < w->page.count ? w->at + WALK_SLICE : w->page.count;

	for (; w->at < stop; w->at++) {
		int seen = w->calls.resource(w->calls.arg,
					     json_object_array_get_idx(w->page.resources, w->at));

		if (seen < 0) {
			walk_fail(w, -seen, "%s", fail_word(seen));
			return 0;
		}
		w->different |= seen == WALK_DIFFERENT;
		w->fresh |= seen == WALK_NEW;
		w->got += seen == WALK_NEW;
	}
	(void)sd_event_source_set_enabled(s, w->at < w->page.count ? SD_EVENT_ON : SD_EVENT_OFF);
	if (w->at < w->page.count)
		return 0;
	w->calls.page(w->calls.arg, w->total);
	walk_next(w);
	return 0;
}

// Whether an answer of 400 is one to something that can be left out: the cursor, else
// attributes=, else both; else it was the large count, and nothing of that.
static bool walk_simpler(struct walk *w)
{
	bool choice = w->pages == 0 && w->list.index_too;
	bool none = w->list.quirks & QUIRK_NO_ATTRIBUTES;

	if (choice && (w->list.quirks & QUIRK_CURSOR)) {
		w->list.quirks &= ~QUIRK_CURSOR;
	} else if (!w->by_cursor && w->list.attributes && !w->plain) {
		w->plain = true;
		if (choice)
			w->list.quirks |= QUIRK_CURSOR;
	} else if (w->list.count > 100) {
		w->list.count = 100;
		if (w->pages == 0)
			w->plain = none;
		if (choice)
			w->list.quirks |= QUIRK_CURSOR;
	} else {
		return false;
	}
	return true;
}

// Whether what this page says of the whole list is what others said.
static bool walk_steady(struct walk *w, const char *etag)
{
	bool same = !w->list.tags || tags_page(w->list.tags, w->list.users, etag);

	if (w->total < 0 || (w->list.quirks & QUIRK_TOTAL_GUESS)) {
		w->total = w->page.total >= 0 ? w->page.total : w->total;
		return same || w->by_cursor;
	}
	// What an empty page says behind the last one is no matter once all are here; nor
	// what is no more than the page itself, where totals are of the page.
	if (w->page.total >= 0 && w->page.total != w->total &&
	    !(walk_has_all(w) && (!w->page.count || (uint64_t)w->page.total <= w->page.count))) {
		w->later = w->page.total;
		same = false;
	}
	// Some directories are never quiet. The last walk counts as it is, for whoever is
	// missing from it is asked for by id; but a page without anybody says nothing.
	if (same || w->tries + 1 < WALK_TRIES || !w->page.count)
		return same || w->by_cursor;
	if (w->page.total >= 0 && w->page.total < w->total)
		w->total = w->page.total;
	return true;
}

static void walk_on_page(void *arg, const struct transfer_answer *a)
{
	struct walk *w = arg;

	w->call = NULL;
	if (a->r == 0 && a->status == 400 && w->by_cursor &&
	    (scim_error_is(a->json, "expiredCursor") || scim_error_is(a->json, "invalidCursor"))) {
		walk_anew(w, "the cursor expired while the list was read");
		return;
	}
	if (a->r == 0 && a->status == 400 && walk_simpler(w)) {
		walk_ask(w);
		return;
	}
	if (a->r < 0 || a->status != 200 || a->bad_json || !scim_list_read(a->json, &w->page)) {
		walk_refused(w, a);
		return;
	}
	if (!walk_steady(w, a->etag)) {
		walk_changed(w);
		return;
	}
	// Some answer from the beginning whatever they are asked: no harm when all are here.
	if (!w->by_cursor && w->page.start >= 0 && w->page.count &&
	    (uint64_t)w->page.start != w->start && !walk_has_all(w)) {
		walk_fail(w, EPROTO, "asked from number %llu on, answered from %lld",
			  (unsigned long long)w->start, (long long)w->page.start);
		return;
	}
	json_object_put(w->body);
	w->body = json_object_get(a->json);
	w->at = 0;
	w->fresh = false;
	(void)sd_event_source_set_enabled(w->slice, SD_EVENT_ON);
}

static int walk_parameter(struct buf *b, const char *name, const char *value)
{
	int r = buf_printf(b, "&%s=", name);

	return r < 0 ? r : transfer_encode(b, value);
}

static int walk_path(const struct walk *w, struct buf *b)
{
	uint32_t quirks = w->list.quirks;
	int r = buf_str(b, w->list.path);

	if (r == 0 && (quirks & QUIRK_NO_PAGING))
		r = buf_str(b, "?");
	else if (r == 0 && (quirks & QUIRK_NEXT_ID))
		r = buf_printf(b, "?count=%u&startId=", w->list.count);
	else if (r == 0 && (w->by_cursor || (quirks & QUIRK_CURSOR)))
		r = buf_printf(b, "?count=%u&cursor=", w->list.count);
	else if (r == 0)
		r = buf_printf(b, "?startIndex=%llu&count=%u", (unsigned long long)w->start,
			       w->list.count);
	if (r == 0 && (quirks & QUIRK_NEXT_ID) && !w->cursor.len)
		r = buf_str(b, "initial");
	else if (r == 0 && w->cursor.len)
		r = transfer_encode(b, w->cursor.data);
	if (r == 0 && w->list.filter)
		r = walk_parameter(b, "filter", w->list.filter);
	if (r == 0 && w->list.attributes && !w->plain && !(quirks & QUIRK_NO_PAGING))
		r = walk_parameter(b, "attributes", w->list.attributes);
	return r;
}

static void walk_ask(struct walk *w)
{
	struct buf b = BUF_INIT;
	struct fail f = { "" };
	int r = walk_path(w, &b);

	if (r == 0 && w->list.tags && w->pages == 0)
		tags_first(w->list.tags, w->list.users, b.data);
	if (r == 0)
		r = session_get(w->session, b.data, true, 0, walk_on_page, w, &w->call, &f);
	buf_free(&b);
	if (r < 0)
		walk_fail(w, -r, "%s", f.text[0] ? f.text : fail_word(r));
}

void walk_start(struct walk *w, const struct walk_list *list, const struct walk_calls *calls)
{
	w->list = *list;
	w->calls = *calls;
	w->plain = w->ended = false;
	w->tries = 0;
	if (list->quirks & QUIRK_NO_ATTRIBUTES)
		w->plain = true;
	walk_begin(w);
}

int walk_new(sd_event *event, struct session *s, struct walk **out)
{
	struct walk *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->session = s;
	w->cursor.max = 65536;
	w->ended = true;
	r = sd_event_add_defer(event, &w->slice, walk_on_slice, w);
	if (r >= 0)
		r = sd_event_source_set_enabled(w->slice, SD_EVENT_OFF);
	if (r >= 0) // whoever waits at a login goes first
		r = sd_event_source_set_priority(w->slice, SD_EVENT_PRIORITY_NORMAL + 10);
	if (r < 0) {
		walk_free(w);
		return r;
	}
	*out = w;
	return 0;
}

void walk_stop(struct walk *w)
{
	w->ended = true;
	session_cancel(w->call);
	w->call = NULL;
	(void)sd_event_source_set_enabled(w->slice, SD_EVENT_OFF);
}

void walk_free(struct walk *w)
{
	if (!w)
		return;
	walk_stop(w);
	(void)sd_event_source_disable_unref(w->slice);
	json_object_put(w->body);
	buf_free(&w->cursor);
	free(w);
}
