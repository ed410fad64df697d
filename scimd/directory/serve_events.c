// SPDX-License-Identifier: MIT
//
// The feed over HTTP: polls of RFC 8936, the long ones kept in a list until the
// feed moves. One view serves all that wait. What other processes write beside the
// server is seen with the next tick.
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

#define EVENTS_WAIT_MS 50000 // proxies give up after 60 s without an answer
#define EVENTS_TICK_US 250000
#define EVENTS_TRIM_TICKS 240
#define EVENTS_TEND_TICKS 40

static void events_unlink(struct serve_request *rq)
{
	if (!rq->waiting)
		return;
	*rq->poll_back = rq->poll_next;
	if (rq->poll_next)
		rq->poll_next->poll_back = rq->poll_back;
	rq->waiting = false;
}

void serve_events_forget(struct serve_request *rq)
{
	events_unlink(rq);
	stream_poll_free(&rq->poll);
}

unsigned int serve_events_waiting(const struct serve *s)
{
	unsigned int n = 0;

	for (const struct serve_request *rq = s->polls; rq; rq = rq->poll_next)
		n++;
	return n;
}

static void events_wait(struct serve_request *rq)
{
	struct serve *s = rq->s;

	rq->poll_next = s->polls;
	rq->poll_back = &s->polls;
	if (s->polls)
		s->polls->poll_back = &rq->poll_next;
	s->polls = rq;
	rq->waiting = true;
	rq->until = clock_boot() + EVENTS_WAIT_MS;
	// Thousands wait: without what only the first look needed.
	json_object_put(rq->body);
	rq->body = NULL;
	stream_poll_free(&rq->poll);
	http_extend(rq->http, EVENTS_WAIT_MS + 10000);
}

// Answers if there is something to say or no time is left.
static void events_look(struct serve_request *rq, struct store_txn *t, bool last)
{
	bool any = false;
	int r;

	buf_clear(&rq->out);
	r = stream_sets(t, &rq->poll, rq->s->base, &rq->out, &any);
	if (r == 0 && !any && !last && stream_waits(&rq->poll)) {
		if (!rq->waiting)
			events_wait(rq);
		return;
	}
	events_unlink(rq);
	if (r == -ENOENT) {
		(void)stream_expired(&rq->problem);
		serve_problem(rq, &rq->problem);
	} else if (r < 0) {
		serve_error(rq, r, NULL);
	} else {
		serve_body(rq, 200, "application/json");
	}
}

void serve_events_wake(struct serve *s)
{
	struct store_txn *t;
	uint64_t head;

	if (store_view(s->store, &t, NULL) < 0)
		return;
	if (feed_head_number(t, &head) == 0 && head != s->feed) {
		struct serve_request *next;

		s->feed = head;
		for (struct serve_request *rq = s->polls; rq; rq = next) {
			next = rq->poll_next;
			events_look(rq, t, false);
		}
	}
	store_view_end(t);
}

static void events_go(struct serve_request *rq)
{
	struct store_txn *t;
	struct fail f = { "" };
	int r = store_view(rq->s->store, &t, &f);

	if (r < 0) {
		serve_error(rq, r, &f);
		return;
	}
	events_look(rq, t, false);
	store_view_end(t);
}

static int events_ack(struct store_txn *t, struct writer_job *j, struct fail *f)
{
	struct serve_request *rq = (struct serve_request *)j;

	(void)f;
	j->vital = rq->poll.ack_count > 0; // or the next disable would not reach the host
	return stream_ack(t, &rq->poll, clock_wall(), &rq->expired, &rq->problem);
}

static void events_acked(struct writer_job *j)
{
	struct serve_request *rq = (struct serve_request *)j;

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
	struct serve_request *next;
	struct store_txn *t;
	int64_t now = clock_boot();

	if (++s->ticks % EVENTS_TRIM_TICKS == 0)
		events_trim(s);
	if (s->ticks % EVENTS_TEND_TICKS == 0)
		store_tend(s->store);
	if (s->polls)
		serve_events_wake(s);
	if (s->polls && store_view(s->store, &t, NULL) == 0) {
		for (struct serve_request *rq = s->polls; rq; rq = next) {
			next = rq->poll_next;
			if (rq->until <= now)
				events_look(rq, t, true);
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
