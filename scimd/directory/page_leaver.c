// SPDX-License-Identifier: MIT
//
// Who was disabled or deleted lately, and on which hosts that is in force: where the
// host applied the event that closed the door, or reported a lock-out itself.
#include "scimd/base/buf.h"
#include "scimd/base/clock.h"
#include "scimd/directory/db.h"
#include "scimd/directory/page_internal.h"
#include "scimd/directory/stream_internal.h"
#include "scimd/scim/json.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEAVER_BACK 512 // people who came back that are kept in mind

enum { DOOR_CLOSED, DOOR_LATER, DOOR_OPEN };

struct leaver_look {
	struct page_leavers *l;
	char back[LEAVER_BACK][FEED_ID]; // enabled again, or created since
	size_t backs;
};

static struct page_leaver *leaver_known(struct page_leavers *l, const char *id)
{
	for (size_t i = 0; i < l->count; i++)
		if (memcmp(l->one[i].id, id, FEED_ID) == 0)
			return &l->one[i];
	return NULL;
}

// Events come the newest first: the last word about somebody decides, and the door was
// closed by the oldest of the words that say the same without a break.
static bool leaver_event(struct leaver_look *k, const struct feed_event *e)
{
	struct page_leaver *p = leaver_known(k->l, e->id);
	bool closes = feed_closes(e);

	if (e->head.kind != RESOURCE_USER ||
	    (!closes && e->head.what != FEED_ACTIVATE && e->head.what != FEED_CREATE))
		return true;
	for (size_t i = 0; i < k->backs; i++)
		if (memcmp(k->back[i], e->id, FEED_ID) == 0)
			return true;
	if (!closes && p) {
		p->earliest = true;
	} else if (!closes) {
		memcpy(k->back[k->backs++], e->id, FEED_ID);
		return k->backs < LEAVER_BACK;
	}
	if (!closes || (p && p->earliest) || (!p && k->l->count == PAGE_LEAVERS))
		return true;
	if (!p) {
		p = &k->l->one[k->l->count++];
		*p = (struct page_leaver){ .deleted = e->head.what == FEED_DELETE };
		memcpy(p->id, e->id, FEED_ID);
	}
	p->number = e->number;
	p->at = e->head.at;
	return true;
}

// Names of those who are still there; the audit log has the others'.
static int leaver_name(struct store_txn *t, struct page_leaver *p)
{
	struct dir_record rec;
	struct json_object *o;
	const char *display;
	int r = dir_find(t, RESOURCE_USER, p->id, &rec);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	(void)snprintf(p->name, sizeof(p->name), "%.*s", (int)rec.head.label_len, rec.label);
	o = dir_json(&rec);
	display = json_string(json_member(o, "displayName"));
	(void)snprintf(p->display, sizeof(p->display), "%s", display ? display : "");
	json_object_put(o);
	return 0;
}

int page_leavers_find(const struct page *p, struct page_leavers *l)
{
	struct leaver_look *k = calloc(1, sizeof(*k));
	struct store_bytes key, value;
	struct store_walk *w;
	struct feed_event e;
	unsigned int left = PAGE_LOOK;
	int r = k ? store_walk_open(p->t, DIR_FEED, &w) : -ENOMEM;

	l->count = 0;
	if (r < 0)
		goto out;
	k->l = l;
	for (r = store_walk_last(w, &key, &value); r == 0 && left > 0;
	     left--, r = store_walk_back(w, &key, &value)) {
		r = feed_decode(key, value, &e);
		if (r < 0 || !leaver_event(k, &e))
			break;
	}
	store_walk_close(w);
	r = r == -ENOENT ? 0 : r;
	for (size_t i = 0; r == 0 && i < l->count; i++)
		r = leaver_name(p->t, &l->one[i]);
out:
	free(k);
	return r;
}

// ------------------------------------------------------------------- doors

static int64_t leaver_time(struct json_object *o, const char *name)
{
	const char *text = json_string(json_member(o, name));
	int64_t ms;

	return text && clock_parse(text, strlen(text), &ms) == 0 ? ms : 0;
}

// What the host itself said about this person, if it did.
static bool leaver_reported(const struct stream_info *s, const char *id, struct page_host *h)
{
	struct json_object *list =
		s->lockouts && strstr(s->lockouts, id) ? json_tokener_parse(s->lockouts) : NULL;
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	bool found = false;

	for (size_t i = 0; i < n && !found; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		const char *whose = json_string(json_member(o, "id"));

		found = whose && strcmp(whose, id) == 0;
		if (found) {
			h->since = leaver_time(o, "denied_at");
			h->ended = leaver_time(o, "ended_at");
		}
	}
	json_object_put(list);
	return found && h->since;
}

static int leaver_judge(const struct page_hosts *l, const struct stream_info *s,
			struct page_host *h)
{
	const struct page_leaver *who = l->about;
	bool closed = !s->expired && s->applied >= who->number;

	// A report from before this disabling is about another one.
	if (leaver_reported(s, who->id, h) && h->since >= who->at - 1000) {
		closed = true;
	} else {
		h->ended = 0;
		h->since = stream_reached(s, who->number);
	}
	if (closed) {
		h->rank = DOOR_CLOSED;
		return 0;
	}
	h->rank = s->created > who->at ? DOOR_LATER : DOOR_OPEN;
	h->since = s->created > who->at ? s->created : who->at;
	return 0;
}

static void leaver_row(struct buf *b, const struct page_host *h)
{
	static const char *const words[] = {
		[DOOR_CLOSED] = "<span class=\"good\">closed</span>",
		[DOOR_LATER] = "<span class=\"warn\">began to poll later, no report yet</span>",
		[DOOR_OPEN] = "<span class=\"bad\">not closed yet</span>",
	};

	(void)buf_str(b, "<tr>");
	page_host_name(b, h);
	(void)buf_str(b, "<td data-l=\"Door\">");
	(void)buf_str(b, words[h->rank]);
	(void)buf_str(b, "</td><td data-l=\"Since\">");
	html_time(b, h->since);
	(void)buf_str(b, "</td><td data-l=\"Last process ended\">");
	html_time(b, h->ended);
	(void)buf_str(b, "</td>");
	page_host_token(b, h);
	(void)buf_str(b, "</tr>\n");
}

static int leaver_put(const struct page *p, const struct page_leaver *who)
{
	struct page_hosts l = { .page = p, .judge = leaver_judge, .about = who };
	struct buf *b = p->out;
	int r = page_hosts_collect(&l, PAGE_LEAVER_HOSTS);

	html_put(b,
		 who->display[0] ? "<h3><bdi>%</bdi> (<bdi>%</bdi>)</h3>\n<p>"
				 : "<h3><bdi>%</bdi></h3>\n<p>",
		 (const char *const[]){ who->name[0] ? who->name : who->id, who->display });
	(void)buf_str(b, who->deleted ? "Deleted; no logins since " : "Disabled since ");
	html_time(b, who->at);
	(void)buf_printf(b, " (change %llu). Closed on %llu of %llu hosts",
			 (unsigned long long)who->number,
			 (unsigned long long)l.by_rank[DOOR_CLOSED], (unsigned long long)l.total);
	if (l.count < l.total)
		(void)buf_printf(b, "; %zu are shown, those where it is not first", l.count);
	(void)buf_str(b, ".</p>\n");
	if (l.count)
		(void)buf_str(b, "<table><thead><tr><th>Host</th><th>Door</th><th>Since</th>"
				 "<th>Last process ended</th><th>Token</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < l.count; i++)
		leaver_row(b, l.row[i]);
	if (l.count)
		(void)buf_str(b, "</tbody></table>\n");
	page_hosts_free(&l);
	return r;
}

int page_put_leavers(const struct page *p, const struct page_leavers *l)
{
	struct buf *b = p->out;
	char span[CLOCK_TEXT];
	int r = 0;

	(void)buf_str(b, "<section>\n<h2 id=\"disabled\">Recently disabled</h2>\n");
	if (l->count == 0)
		html_put(b, "<p>Nobody was disabled or deleted in the last %.</p>\n",
			 (const char *const[]){ clock_ago(span, p->retention * 1000) });
	for (size_t i = 0; r == 0 && i < l->count; i++)
		r = leaver_put(p, &l->one[i]);
	if (l->count == PAGE_LEAVERS)
		(void)buf_printf(b, "<p>The last %d people are shown.</p>\n", PAGE_LEAVERS);
	(void)buf_str(b, "</section>\n");
	return r;
}
