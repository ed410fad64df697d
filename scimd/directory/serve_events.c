// SPDX-License-Identifier: MIT
//
// The feed over HTTP: polls of RFC 8936, the long ones kept in a list until the
// feed moves, or their token is not valid any more. One view serves all that wait. What
// other processes write beside the server is seen with the next tick.
#include "scimd/base/clock.h"
#include "scimd/base/log.h"
#include "scimd/directory/conf.h"
#include "scimd/directory/db.h"
#include "scimd/directory/feed.h"
#include "scimd/directory/serve_internal.h"
#include "scimd/store/store.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS_WAIT_MS 50000 // proxies give up after 60 s without an answer
#define EVENTS_TICK_US 250000
#define EVENTS_TOKEN_TICKS 4 // a second
#define EVENTS_TRIM_TICKS 240
#define EVENTS_TEND_TICKS 40

void serve_events_gone(struct serve_poll *p)
{
	if (!p->back)
		return;
	*p->back = p->next;
	if (p->next)
		p->next->back = p->back;
	p->back = NULL;
}

unsigned int serve_events_waiting(const struct serve *s)
{
	unsigned int n = 0;

	for (const struct serve_poll *p = s->polls; p; p = p->next)
		n++;
	return n;
}

// Takes rq's place at its client, without all that only the first look needed.
static int events_wait(struct serve_request *rq)
{
	struct serve *s = rq->s;
	struct serve_poll *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->client.waits = true;
	p->s = s;
	p->http = rq->http;
	p->until = clock_boot() + EVENTS_WAIT_MS;
	p->max_events = rq->poll.max_events;
	memcpy(p->token, rq->token.name, sizeof(p->token));
	memcpy(p->token_hash, rq->token.hash, sizeof(p->token_hash));
	memcpy(p->receiver, rq->poll.receiver, sizeof(p->receiver));
	p->next = s->polls;
	p->back = &s->polls;
	if (p->next)
		p->next->back = &p->next;
	s->polls = p;
	http_set_arg(p->http, p);
	http_body_forget(p->http);
	http_extend(p->http, EVENTS_WAIT_MS + 10000);
	serve_free(rq);
	return 0;
}

static void events_answer(struct serve_poll *p, int r, struct buf *out)
{
	static const char *const who[] = { "WWW-Authenticate", SERVE_BEARER, NULL };
	struct http_reply reply = { 200, "application/json", NULL };
	struct scim_problem problem = { 0 };

	serve_events_gone(p);
	if (r == -EACCES) {
		(void)scim_problem(&problem, 401, NULL, "the token is not valid any more");
		reply.headers = who;
	} else if (r == -ENOENT)
		(void)stream_expired(&problem);
	else if (r < 0)
		(void)scim_problem(&problem, 500, NULL, "the store failed");
	if (r < 0) {
		buf_clear(out);
		(void)serve_problem_text(&problem, out);
		reply.status = problem.status;
		reply.type = "application/scim+json";
	}
	p->s->answers[reply.status / 100]++;
	http_answer(p->http, &reply, out);
}

// What is looked at while one view is open. Many that wait have the same token.
struct events_view {
	struct store_txn *t;
	int64_t now; // wall
	uint8_t hash[DIGEST_LEN];
	bool known, valid;
};

static bool events_may(struct events_view *v, const struct serve_poll *p)
{
	int r;

	if (!v->known || memcmp(v->hash, p->token_hash, DIGEST_LEN) != 0) {
		r = token_still(v->t, p->token_hash, v->now);
		memcpy(v->hash, p->token_hash, DIGEST_LEN);
		v->valid = r != -ENOENT && r != -ETIME;
		v->known = true;
	}
	return v->valid;
}

static void events_refuse(struct serve_poll *p)
{
	struct buf out = BUF_INIT;

	events_answer(p, -EACCES, &out);
	buf_free(&out);
}

// Answers one that waits if there is something to say or no time is left.
static void events_look(struct serve_poll *p, struct events_view *v, bool last)
{
	struct stream_poll poll = { .max_events = p->max_events };
	struct buf out = BUF_INIT;
	bool any = false;
	int r;

	memcpy(poll.token, p->token, sizeof(p->token));
	memcpy(poll.receiver, p->receiver, sizeof(p->receiver));
	if (!events_may(v, p)) {
		events_refuse(p);
		return;
	}
	r = stream_sets(v->t, &poll, p->s->base, &out, &any);
	if (r < 0 || any || last)
		events_answer(p, r, &out);
	buf_free(&out);
}

void serve_events_wake(struct serve *s)
{
	struct store_txn *t;
	uint64_t head;

	if (store_view(s->store, &t, NULL) < 0)
		return;
	if (feed_head_number(t, &head) == 0 && head != s->feed) {
		struct events_view v = { .t = t, .now = clock_wall() };
		struct serve_poll *next;

		s->feed = head;
		for (struct serve_poll *p = s->polls; p; p = next) {
			next = p->next;
			events_look(p, &v, false);
		}
	}
	store_view_end(t);
}

static void events_go(struct serve_request *rq)
{
	struct store_txn *t;
	struct fail f = { "" };
	bool any = false;
	int r = store_view(rq->s->store, &t, &f);

	if (r == 0) {
		r = stream_sets(t, &rq->poll, rq->s->base, &rq->out, &any);
		store_view_end(t);
	}
	if (r == 0 && !any && stream_waits(&rq->poll) && events_wait(rq) == 0)
		return;
	if (r == -ENOENT) {
		(void)stream_expired(&rq->problem);
		serve_problem(rq, &rq->problem);
	} else if (r < 0) {
		serve_error(rq, r, &f);
	} else {
		serve_body(rq, 200, "application/json");
	}
}

static int events_ack(struct store_txn *t, struct writer_job *j, struct fail *f)
{
	struct serve_request *rq = serve_of(j);

	(void)f;
	j->vital = rq->poll.ack_count > 0; // or the next disable would not reach the host
	return stream_ack(t, &rq->poll, clock_wall(), &rq->expired, &rq->problem);
}

static void events_acked(struct writer_job *j)
{
	struct serve_request *rq = serve_of(j);

	if (!serve_job_over(rq))
		return;
	if (j->r == 0 && rq->expired)
		(void)stream_expired(&rq->problem);
	if (rq->problem.status)
		serve_problem(rq, &rq->problem);
	else if (j->r < 0)
		serve_error(rq, j->r, &j->fail);
	else
		events_go(rq);
}

void serve_events(struct serve_request *rq)
{
	struct store_txn *t;
	struct fail f = { "" };
	int r;

	if (stream_poll_read(&rq->poll, rq->token.name, rq->id, rq->body, &rq->problem) < 0) {
		serve_problem(rq, &rq->problem);
		return;
	}
	r = store_view(rq->s->store, &t, &f);
	if (r == 0) {
		r = stream_due(t, &rq->poll, clock_wall());
		store_view_end(t);
	}
	if (r < 0)
		serve_error(rq, r, &f);
	else if (r == 0)
		events_go(rq);
	else
		serve_start(rq->s->writer, rq, events_ack, events_acked);
}

// ---------------------------------------------------------------------- time

struct events_trim {
	struct writer_job job;
	struct serve *s;
	bool more;
};

static int events_trim_run(struct store_txn *t, struct writer_job *j, struct fail *f)
{
	struct events_trim *e = (struct events_trim *)j;

	(void)f;
	return feed_trim(t, (int64_t)e->s->conf->event_retention * 1000, clock_wall(), &e->more);
}

static void events_trim_done(struct writer_job *j)
{
	struct events_trim *e = (struct events_trim *)j;

	if (j->r < 0)
		log_warning("old events could not be dropped: %s", fail_word(j->r));
	e->s->trimming = false;
	if (e->more && j->r == 0)
		e->s->ticks = EVENTS_TRIM_TICKS - 1; // the next tick goes on
	free(e);
}

static void events_trim(struct serve *s)
{
	struct events_trim *e = s->trimming ? NULL : calloc(1, sizeof(*e));

	if (!e)
		return;
	e->s = s;
	e->job.run = events_trim_run;
	e->job.done = events_trim_done;
	s->trimming = true;
	writer_put(s->writer, &e->job);
}

static int events_on_tick(sd_event_source *src, uint64_t usec, void *arg)
{
	struct serve *s = arg;
	struct serve_poll *next;
	struct store_txn *t;
	int64_t now = clock_boot();

	if (++s->ticks % EVENTS_TRIM_TICKS == 0)
		events_trim(s);
	if (s->ticks % EVENTS_TEND_TICKS == 0)
		store_tend(s->store);
	if (s->polls)
		serve_events_wake(s);
	if (s->polls && store_view(s->store, &t, NULL) == 0) {
		struct events_view v = { .t = t, .now = clock_wall() };

		for (struct serve_poll *p = s->polls; p; p = next) {
			next = p->next;
			if (p->until <= now)
				events_look(p, &v, true);
			else if (s->ticks % EVENTS_TOKEN_TICKS == 0 && !events_may(&v, p))
				events_refuse(p);
		}
		store_view_end(t);
	}
	(void)sd_event_source_set_time(src, usec + EVENTS_TICK_US);
	return sd_event_source_set_enabled(src, SD_EVENT_ONESHOT);
}

int serve_events_begin(struct serve *s, struct fail *f)
{
	uint64_t now;
	int r = sd_event_now(s->event, CLOCK_MONOTONIC, &now);

	if (r >= 0)
		r = sd_event_add_time(s->event, &s->poll_timer, CLOCK_MONOTONIC,
				      now + EVENTS_TICK_US, 0, events_on_tick, s);
	return r < 0 ? fail(f, -r, "event loop: %s", fail_word(r)) : 0;
}

void serve_events_end(struct serve *s)
{
	(void)sd_event_source_disable_unref(s->poll_timer);
}
