// SPDX-License-Identifier: MIT
//
// Polls that wait; see listen.h.
#include "scimd/client/listen.h"
#include "scimd/base/clock.h"
#include "scimd/base/fail.h"
#include "scimd/client/listen_internal.h"
#include "scimd/scim/message.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LISTEN_WAIT_MS 90000  // the directory answers after 50 s at the latest
#define LISTEN_QUICK_MS 10000 // deadline of a poll that is to be answered at once
#define LISTEN_SHORT_MS 500   // an empty answer sooner than that was not waited for
#define LISTEN_PAUSE_MAX 60000

struct listen {
	sd_event *event;
	struct session *session;
	struct listen_calls calls;
	struct session_call *call;
	sd_event_source *timer;
	char path[64], host[256];
	struct listen_batch batch; // handed out, until listen_done
	struct json_object *acks;  // what the next poll acknowledges
	char first[LISTEN_JTI];    // of the last batch that was done with
	char applied[LISTEN_JTI];  // the last event whose change is in the image
	bool started, busy;
	bool anew;     // the stream is another one: all must be read
	bool quick;    // this poll is to be answered at once
	int64_t asked; // boot clock, ms
	unsigned int failures;
};

static void listen_poll(struct listen *l);

static int listen_on_timer(sd_event_source *s, uint64_t usec, void *arg)
{
	(void)s;
	(void)usec;
	listen_poll(arg);
	return 0;
}

static void listen_later(struct listen *l, uint64_t ms)
{
	(void)sd_event_source_disable_unref(l->timer);
	l->timer = NULL;
	(void)sd_event_add_time_relative(l->event, &l->timer, CLOCK_BOOTTIME, ms * 1000, 1000,
					 listen_on_timer, l);
}

// Doubling, with jitter: a fleet does not come back all at once.
static void listen_pause(struct listen *l, int64_t retry_after)
{
	uint64_t ms = 500;

	for (unsigned int i = 0; i < l->failures && ms < LISTEN_PAUSE_MAX; i++)
		ms *= 2;
	if (ms > LISTEN_PAUSE_MAX)
		ms = LISTEN_PAUSE_MAX;
	ms = ms / 2 + (uint64_t)random() % (ms / 2 + 1);
	if (retry_after > 0 && (uint64_t)retry_after * 1000 > ms)
		ms = (uint64_t)retry_after * 1000 + (uint64_t)random() % 1000;
	l->failures++;
	listen_later(l, ms);
}

static void listen_ready(struct listen *l)
{
	bool first = !l->started;

	l->started = true;
	if (first)
		l->calls.ready(l->calls.arg);
}

static void listen_failed(struct listen *l, const struct transfer_answer *a)
{
	const char *detail = scim_error_text(a->json);
	struct fail f = { "" };
	char text[256];

	if (a->r < 0)
		(void)snprintf(text, sizeof(text), "%.200s", a->text);
	else if (a->status == 200)
		(void)snprintf(text, sizeof(text), "the answer is no answer to a poll");
	else
		(void)snprintf(text, sizeof(text), "HTTP %d%s%.200s", a->status, detail ? ": " : "",
			       detail ? detail : "");
	if (a->r == 0 && a->status == 401)
		(void)session_begin(l->session, &f); // it may have been rotated
	listen_pause(l, a->r == 0 ? a->retry_after : -1);
	l->calls.state(l->calls.arg, "failed", text);
	listen_ready(l);
}

// The stream is expired: from its head again, and all is read.
static void listen_lost(struct listen *l)
{
	json_object_put(l->acks);
	l->acks = NULL;
	l->applied[0] = l->first[0] = '\0';
	l->anew = true;
	if (l->failures == 0) {
		l->failures = 1;
		listen_later(l, (uint64_t)random() % 50);
	} else {
		listen_pause(l, -1);
	}
	l->calls.state(l->calls.arg, "connecting", "");
}

static const char *listen_first(const struct listen_batch *b)
{
	return json_object_get_string(json_object_array_get_idx(b->acks, 0));
}

static void listen_events(struct listen *l, const struct listen_batch *b)
{
	bool all = l->anew || b->unread;

	l->batch = *b;
	l->anew = false;
	l->busy = true;
	if (all)
		l->calls.lost(l->calls.arg);
	else
		l->calls.changed(l->calls.arg, l->batch.list, l->batch.count);
}

static void listen_on_answer(void *arg, const struct transfer_answer *a)
{
	bool waited = clock_boot() - ((struct listen *)arg)->asked >= LISTEN_SHORT_MS;
	struct listen_batch b = { 0 };
	struct listen *l = arg;

	l->call = NULL;
	if (a->r == 0 && a->status == 404 && (l->failures < 2 || !l->anew)) {
		listen_lost(l);
		return;
	}
	if (a->r < 0 || a->status != 200 || listen_read(a->json, &b) < 0) {
		listen_batch_free(&b);
		listen_failed(l, a);
		return;
	}
	json_object_put(l->acks);
	l->acks = NULL;
	l->calls.state(l->calls.arg, "connected", "");
	if (!l->started)
		l->anew = false; // the walk that waits for this reads everything
	// What was acknowledged comes again, or the answer does not wait: politely.
	if ((json_object_array_length(b.acks) && strcmp(listen_first(&b), l->first) == 0) ||
	    (!json_object_array_length(b.acks) && !l->anew && !l->quick && !waited)) {
		listen_batch_free(&b);
		listen_pause(l, -1);
		return;
	}
	l->failures = 0;
	listen_ready(l);
	if (json_object_array_length(b.acks) || l->anew) {
		listen_events(l, &b);
		return;
	}
	listen_batch_free(&b);
	listen_later(l, 0);
}

void listen_tell(struct listen *l)
{
	if (!l || !l->call || l->quick)
		return; // the next one brings it
	session_cancel(l->call);
	l->call = NULL;
	listen_later(l, 0);
}

static struct json_object *listen_body(struct listen *l)
{
	struct json_object *lockouts = l->calls.lockouts ? l->calls.lockouts(l->calls.arg) : NULL;
	struct json_object *o = json_object_new_object(), *report = json_object_new_object();

	if (!o || !report) {
		json_object_put(o);
		json_object_put(report);
		json_object_put(lockouts);
		return NULL;
	}
	(void)json_object_object_add(o, "maxEvents", json_object_new_int(LISTEN_EVENTS));
	(void)json_object_object_add(o, "returnImmediately", json_object_new_boolean(l->quick));
	if (l->acks)
		(void)json_object_object_add(o, "ack", json_object_get(l->acks));
	(void)json_object_object_add(report, "host", json_object_new_string(l->host));
	if (l->applied[0])
		(void)json_object_object_add(report, "applied", json_object_new_string(l->applied));
	if (lockouts)
		(void)json_object_object_add(report, "lockouts", lockouts);
	(void)json_object_object_add(o, "urn:scimd:report", report);
	return o;
}

static void listen_poll(struct listen *l)
{
	struct json_object *body;
	struct fail f = { "" };
	int r = -ENOMEM;

	l->quick = !l->started || l->failures || l->anew;
	l->asked = clock_boot();
	body = listen_body(l);
	if (body)
		r = session_post(l->session, l->path,
				 json_object_to_json_string_ext(body, JSON_C_TO_STRING_PLAIN),
				 l->quick ? LISTEN_QUICK_MS : LISTEN_WAIT_MS, listen_on_answer, l,
				 &l->call, &f);
	json_object_put(body);
	if (r < 0)
		listen_failed(l, &(struct transfer_answer){
					 .r = r, .text = f.text[0] ? f.text : fail_word(r) });
}

int listen_start(sd_event *event, struct session *s, const char receiver[LISTEN_RECEIVER],
		 const char *host, const struct listen_calls *calls, struct listen **out,
		 struct fail *f)
{
	struct listen *l = calloc(1, sizeof(*l));

	if (!l)
		return fail(f, ENOMEM, "out of memory");
	l->event = event;
	l->session = s;
	l->calls = *calls;
	(void)snprintf(l->path, sizeof(l->path), "/Events/%s", receiver);
	(void)snprintf(l->host, sizeof(l->host), "%s", host);
	l->calls.state(l->calls.arg, "connecting", "");
	listen_later(l, 0); // callbacks come from the loop
	if (!l->timer) {
		listen_free(l);
		return fail(f, ENOMEM, "out of memory");
	}
	*out = l;
	return 0;
}

void listen_done(struct listen *l, bool good)
{
	if (!l->busy)
		return;
	l->busy = false;
	if (good) {
		(void)snprintf(l->first, sizeof(l->first), "%s",
			       json_object_array_length(l->batch.acks) ? listen_first(&l->batch)
								       : "");
		if (l->batch.last[0])
			(void)snprintf(l->applied, sizeof(l->applied), "%s", l->batch.last);
		l->acks = json_object_get(l->batch.acks);
		listen_later(l, 0);
	} else {
		listen_pause(l, -1); // the same events come again
	}
	listen_batch_free(&l->batch);
}

void listen_free(struct listen *l)
{
	if (!l)
		return;
	session_cancel(l->call);
	(void)sd_event_source_disable_unref(l->timer);
	listen_batch_free(&l->batch);
	json_object_put(l->acks);
	free(l);
}
