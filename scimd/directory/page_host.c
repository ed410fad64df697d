// SPDX-License-Identifier: MIT
//
// The hosts that poll: what each says it has applied, against the feed's head.
#include "scimd/base/buf.h"
#include "scimd/directory/db.h"
#include "scimd/directory/feed.h"
#include "scimd/directory/page_internal.h"
#include "scimd/directory/stream_internal.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HOST_SILENT (STREAM_SEEN + 5 * 60 * 1000) // ms without a poll

enum { HOST_WELL, HOST_SILENT_ONLY, HOST_ANEW, HOST_BEHIND, HOST_LOST };

static bool host_before(const struct page_host *a, const struct page_host *b)
{
	if (a->rank != b->rank)
		return a->rank > b->rank;
	return a->since != b->since ? a->since < b->since : strcmp(a->s.host, b->s.host) < 0;
}

static int host_insert(struct page_hosts *l, const struct page_host *h)
{
	size_t at = l->count;
	struct page_host *copy;

	while (at > 0 && host_before(h, l->row[at - 1]))
		at--;
	if (at == l->max)
		return 0;
	copy = malloc(sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	*copy = *h;
	copy->s.lockouts = NULL;
	if (l->count == l->max)
		free(l->row[--l->count]);
	memmove(l->row + at + 1, l->row + at, (l->count - at) * sizeof(*l->row));
	l->row[at] = copy;
	l->count++;
	return 0;
}

static int host_take(void *arg, const struct stream_info *s)
{
	struct page_hosts *l = arg;
	struct page_host h = { .s = *s };
	int r = l->judge(l, s, &h);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	l->total++;
	l->by_rank[h.rank]++;
	return host_insert(l, &h);
}

int page_hosts_collect(struct page_hosts *l, size_t max)
{
	int r = feed_head_number(l->page->t, &l->head);

	l->max = max;
	l->row = calloc(max, sizeof(struct page_host *));
	if (!l->row)
		return -ENOMEM;
	return r < 0 ? r : stream_each(l->page->t, host_take, l);
}

void page_hosts_free(struct page_hosts *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->row[i]);
	free(l->row);
}

void page_host_name(struct buf *b, const struct page_host *h)
{
	html_put(b, "<th scope=\"row\" data-l=\"Host\"><bdi>%</bdi></th>",
		 (const char *const[]){ h->s.host[0] ? h->s.host : h->s.receiver });
}

void page_host_token(struct buf *b, const struct page_host *h)
{
	html_put(b, "<td data-l=\"Token\"><bdi>%</bdi></td>", (const char *const[]){ h->s.token });
}

// When an event happened, 0 when it is not kept any more.
static int host_event_at(struct store_txn *t, uint64_t number, int64_t *out)
{
	struct store_bytes value;
	struct feed_event e;
	unsigned char key[8];
	int r;

	store_be(key, number);
	*out = 0;
	r = store_get(t, DIR_FEED, (struct store_bytes){ key, 8 }, &value);
	if (r == 0)
		r = feed_decode((struct store_bytes){ key, 8 }, value, &e);
	if (r == 0)
		*out = e.head.at;
	return r == -ENOENT ? 0 : r;
}

static int host_judge(const struct page_hosts *l, const struct stream_info *s, struct page_host *h)
{
	uint64_t done = s->applied ? s->applied : s->position;
	bool silent = l->page->now - s->seen > HOST_SILENT;

	if (s->expired) {
		h->rank = HOST_ANEW;
		h->since = s->seen;
		return 0;
	}
	h->behind = l->head > done ? l->head - done : 0;
	if (h->behind) {
		h->rank = silent ? HOST_LOST : HOST_BEHIND;
		return host_event_at(l->page->t, done + 1, &h->since);
	}
	h->rank = silent ? HOST_SILENT_ONLY : HOST_WELL;
	h->since = silent ? s->seen : stream_reached(s, done);
	if (h->since == 0)
		h->since = s->created;
	return 0;
}

static void host_state(struct buf *b, const struct page_host *h)
{
	static const char *const words[PAGE_RANKS] = {
		[HOST_WELL] = "<span class=\"good\">up to date</span>",
		[HOST_SILENT_ONLY] = "<span class=\"warn\">silent</span>",
		[HOST_ANEW] = "<span class=\"warn\">has to read everything</span>",
		[HOST_BEHIND] = "<span class=\"warn\">behind</span>",
		[HOST_LOST] = "<span class=\"bad\">silent and behind</span>",
	};

	(void)buf_str(b, "<td data-l=\"State\">");
	(void)buf_str(b, words[h->rank]);
	if (h->behind)
		(void)buf_printf(b, " by %llu", (unsigned long long)h->behind);
	(void)buf_str(b, "</td>");
}

static void host_row(const struct page *p, const struct page_hosts *l, const struct page_host *h)
{
	struct buf *b = p->out;

	(void)buf_str(b, "<tr>");
	page_host_name(b, h);
	host_state(b, h);
	(void)buf_str(b, "<td data-l=\"Since\">");
	html_time(b, h->since);
	(void)buf_str(b, "</td><td class=\"n\" data-l=\"Applied\">");
	if (h->s.applied) {
		html_number(b, h->s.applied);
		(void)buf_str(b, " of ");
		html_number(b, l->head);
	} else {
		(void)buf_str(b, "no report");
	}
	(void)buf_str(b, "</td><td data-l=\"Last poll\">");
	html_time(b, h->s.seen);
	(void)buf_str(b, "</td>");
	page_host_token(b, h);
	(void)buf_str(b, "</tr>\n");
}

static void host_summary(struct buf *b, const struct page_hosts *l)
{
	uint64_t behind = l->by_rank[HOST_BEHIND] + l->by_rank[HOST_LOST];
	uint64_t silent = l->by_rank[HOST_SILENT_ONLY] + l->by_rank[HOST_LOST];

	(void)buf_printf(b, "<p>%llu of %llu up to date, %llu behind, %llu silent",
			 (unsigned long long)l->by_rank[HOST_WELL], (unsigned long long)l->total,
			 (unsigned long long)behind, (unsigned long long)silent);
	if (l->by_rank[HOST_ANEW])
		(void)buf_printf(b, ", %llu have to read everything",
				 (unsigned long long)l->by_rank[HOST_ANEW]);
	(void)buf_printf(b, ". The feed's head is change %llu.", (unsigned long long)l->head);
	if (l->count < l->total)
		(void)buf_printf(b, " The %zu worst are shown.", l->count);
	(void)buf_str(b, "</p>\n");
}

int page_put_hosts(const struct page *p)
{
	struct page_hosts l = { .page = p, .judge = host_judge };
	struct buf *b = p->out;
	int r = page_hosts_collect(&l, PAGE_HOSTS);

	(void)buf_str(b, "<section>\n<h2 id=\"hosts\">Hosts</h2>\n");
	if (r == 0 && l.total == 0)
		(void)buf_str(b, "<p>No host polls for changes yet.</p>\n");
	if (r == 0 && l.total) {
		host_summary(b, &l);
		(void)buf_str(b, "<table><thead><tr><th>Host</th><th>State</th><th>Since</th>"
				 "<th class=\"n\">Applied</th><th>Last poll</th><th>Token</th>"
				 "</tr></thead><tbody>\n");
		for (size_t i = 0; i < l.count; i++)
			host_row(p, &l, l.row[i]);
		(void)buf_str(b, "</tbody></table>\n");
	}
	(void)buf_str(b, "</section>\n");
	page_hosts_free(&l);
	return r;
}
