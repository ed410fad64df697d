// SPDX-License-Identifier: MIT
//
// The queue of leavers and who is asked for next; see lockout.h.
#include "scimd/agent/config.h"
#include "scimd/agent/grounds.h"
#include "scimd/agent/lockout_internal.h"
#include "scimd/base/clock.h"
#include "scimd/base/log.h"
#include "scimd/store/queue.h"
#include <errno.h>
#include <json-c/json.h>
#include <scimd/lockout.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOCKOUT_ASKS 8
#define LOCKOUT_PAUSE_MAX 60000 // ms between two tries
#define LOCKOUT_AGAIN_MS 10000  // from the end to one more look

int lockout_new(struct agent *a, struct lockout **out)
{
	struct lockout *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->agent = a;
	*out = l;
	return 0;
}

static void lockout_entry_free(struct lockout_entry *e)
{
	lockout_ask_free(e->ask);
	leaver_free(&e->who);
	json_object_put(e->evidence);
	free(e);
}

void lockout_free(struct lockout *l)
{
	if (!l)
		return;
	for (struct lockout_entry *e = l->entries, *next; e; e = next) {
		next = e->next;
		lockout_entry_free(e);
	}
	for (size_t i = 0; i < LOCKOUT_TOLD; i++)
		leaver_free(&l->told[i].who);
	(void)sd_event_source_disable_unref(l->timer);
	free(l);
}

// ------------------------------------------------------------ reading the queue

// From the queue: new to us, or somebody who has come and gone again since.
static void lockout_take(struct lockout_entry *e, struct leaver *who)
{
	int64_t since = who->ended ? clock_wall() - who->ended : LOCKOUT_AGAIN_MS;

	leaver_free(&e->who);
	json_object_put(e->evidence);
	e->evidence = NULL;
	e->who = *who;
	e->finished = false;
	e->refused[0] = '\0';
	e->failures = 0;
	// A clock that was set back makes nobody wait.
	e->not_before = since < 0 || since >= LOCKOUT_AGAIN_MS
				? 0
				: clock_boot() + LOCKOUT_AGAIN_MS - since;
}

static int lockout_queued(void *arg, const char *key, const char *text)
{
	struct lockout *l = arg;
	struct lockout_entry *e = l->entries;
	struct leaver who;
	int r = leaver_read(text, &who);

	if (r < 0) {
		log_error("the queue's entry %s cannot be read", key);
		return r == -EBADMSG ? 0 : r;
	}
	while (e && e->who.uid != who.uid)
		e = e->next;
	if (!e) {
		e = calloc(1, sizeof(*e));
		if (!e) {
			leaver_free(&who);
			return -ENOMEM;
		}
		e->owner = l;
		e->next = l->entries;
		l->entries = e;
	}
	e->stays = true;
	if (e->who.seen != who.seen) {
		lockout_take(e, &who);
	} else {
		leaver_free(&e->who);
		e->who = who;
	}
	return 0;
}

static void lockout_denied(struct lockout *l)
{
	struct image im;

	if (grounds_image(l->agent->config, &im, IMAGE_BY_PREAD) < 0)
		return;
	for (struct lockout_entry *e = l->entries; e; e = e->next)
		e->denied = (e->who.published && !e->who.ended) || leaver_denied(&im, e->who.uid);
	image_close(&im);
}

int lockout_read(struct lockout *l)
{
	struct lockout_entry **at = &l->entries, *e;
	struct store_txn *view;
	int r = store_view(l->agent->store, &view, NULL);

	if (r < 0)
		return r;
	for (e = l->entries; e; e = e->next)
		e->stays = false;
	r = store_queue_each(view, LEAVER_QUEUE, lockout_queued, l);
	store_view_end(view);
	// Those who were let in again meanwhile.
	while (r == 0 && (e = *at)) {
		if (e->stays || e->finished) {
			at = &e->next;
			continue;
		}
		l->asking -= e->ask != NULL;
		*at = e->next;
		lockout_entry_free(e);
	}
	if (l->entries)
		lockout_denied(l);
	return r;
}

// ---------------------------------------------------------------- what was done

// Whether the second look is over, or none is to follow.
static bool lockout_over(const struct lockout_entry *e)
{
	return e->who.ended || e->refused[0];
}

// Whether there is something to tell: a second look mostly finds nobody.
static bool lockout_news(const struct lockout_entry *e)
{
	return !e->who.ended || e->processes;
}

// A round may have marked the entry since it was read, or dropped it.
static int lockout_ended(struct store_txn *t, struct lockout_entry *e)
{
	struct leaver now;
	int r = leaver_get(t, e->who.uid, &now);

	if (r < 0)
		return r == -ENOENT ? 0 : r == -EBADMSG ? leaver_drop(t, &e->who) : r;
	if (now.seen == e->who.seen) {
		e->who.published = now.published;
		now.ended = e->over;
		r = lockout_over(e) ? leaver_drop(t, &now) : leaver_put(t, &now);
	}
	leaver_free(&now);
	return r;
}

static int lockout_write(struct store_txn *t, void *arg, struct fail *f)
{
	struct lockout *l = arg;
	int r = 0;

	(void)f;
	for (struct lockout_entry *e = l->entries; e && r == 0; e = e->next) {
		if (!e->finished)
			continue;
		r = lockout_ended(t, e);
		if (r == 0 && lockout_news(e))
			r = leaver_audit(t, &e->who,
					 e->refused[0] ? "sessions not ended" : "sessions ended",
					 e->over, json_object_get(e->evidence));
	}
	return r;
}

// Remembered for the report, which the directory gets at once.
static void lockout_tell(struct lockout *l, struct lockout_entry *e)
{
	struct lockout_told *t = &l->told[l->told_next++ % LOCKOUT_TOLD];
	struct agent *a = l->agent;

	leaver_free(&t->who);
	*t = (struct lockout_told){ e->who, e->over };
	(void)json_object_get(t->who.json);
	for (size_t i = 0; i < a->config->directory_count; i++)
		if (strcmp(a->config->directories[i].name, t->who.source) == 0)
			ear_tell(a->ears[i]);
}

// The worker may hold the store's writer for long; then the end of the round does it.
static void lockout_note(struct lockout *l)
{
	struct lockout_entry **at = &l->entries, *e;
	struct fail f = { "" };
	bool any = false;

	for (e = l->entries; e; e = e->next)
		any |= e->finished;
	if (!any || worker_busy(l->agent->worker))
		return;
	if (store_apply(l->agent->store, lockout_write, l, &f) < 0) {
		log_event(EVENT_NOT_NOTED, NULL, "what scim-lockout did cannot be noted: %s",
			  f.text);
		return;
	}
	while ((e = *at)) {
		if (!e->finished) {
			at = &e->next;
			continue;
		}
		if (!e->refused[0] && lockout_news(e))
			lockout_tell(l, e);
		if (lockout_over(e)) {
			*at = e->next;
			lockout_entry_free(e);
			continue;
		}
		e->finished = false;
		e->who.ended = e->over;
		e->failures = 0;
		e->not_before = clock_boot() + LOCKOUT_AGAIN_MS;
		json_object_put(e->evidence);
		e->evidence = NULL;
		at = &e->next;
	}
}

static struct json_object *lockout_evidence(struct lockout_answer *an)
{
	struct json_object *o = json_object_new_object();
	char at[CLOCK_TEXT];

	(void)json_object_object_add(o, "began",
				     json_object_new_string(clock_format(at, an->began)));
	(void)json_object_object_add(o, "processes", json_object_new_int64(an->processes));
	(void)json_object_object_add(o, "sessions", json_object_new_int64(an->sessions));
	(void)json_object_object_add(o, "root", json_object_new_int64(an->root));
	if (an->left)
		(void)json_object_object_add(o, "left", json_object_get(an->left));
	return o;
}

static void lockout_done(struct lockout_entry *e, struct lockout_answer *an)
{
	const struct log_about about = leaver_about(&e->who);

	e->finished = true;
	e->over = an->over ? an->over : clock_wall();
	e->processes = an->processes;
	e->evidence = lockout_evidence(an);
	if (lockout_news(e))
		log_event(EVENT_SESSIONS_ENDED, &about,
			  "\"%s\" (uid %u) was locked out: %u %sprocesses ended", e->who.name,
			  e->who.uid, an->processes, e->who.ended ? "more " : "");
}

static void lockout_again(struct lockout_entry *e, const char *why)
{
	const struct log_about about = leaver_about(&e->who);
	int64_t pause = 500;

	for (unsigned int i = 0; i < e->failures && pause < LOCKOUT_PAUSE_MAX; i++)
		pause *= 2;
	e->not_before = clock_boot() + (pause < LOCKOUT_PAUSE_MAX ? pause : LOCKOUT_PAUSE_MAX);
	if (e->failures++ == 0)
		log_event(EVENT_SESSIONS_WAITING, &about,
			  "the processes of \"%s\" (uid %u) are not ended yet: %s", e->who.name,
			  e->who.uid, why);
	(void)snprintf(e->owner->problem, sizeof(e->owner->problem), "%s", why);
}

static bool lockout_next(struct lockout *l); // true while somebody is being asked

// Refusals that no later image changes.
static bool lockout_for_good(const char *code)
{
	return strcmp(code, LOCKOUT_RESERVED) == 0 || strcmp(code, LOCKOUT_LOCAL) == 0;
}

static void lockout_on_answer(void *arg, struct lockout_answer *an)
{
	struct lockout_entry *e = arg;
	const struct log_about about = leaver_about(&e->who);
	struct lockout *l = e->owner;
	bool asking;

	e->ask = NULL;
	l->asking--;
	if (an->done) {
		l->agent->counters.lockouts_done += !e->who.ended;
		l->agent->counters.ended += an->processes;
		l->problem[0] = '\0';
		lockout_done(e, an);
	} else if (lockout_for_good(an->code)) {
		l->agent->counters.lockouts_refused++;
		(void)snprintf(e->refused, sizeof(e->refused), "%s", an->text);
		e->finished = true;
		e->over = clock_wall();
		e->evidence = json_object_new_object();
		(void)json_object_object_add(e->evidence, "detail",
					     json_object_new_string(an->text));
		log_event(EVENT_SESSIONS_NOT_ENDED, &about,
			  "the processes of \"%s\" are not ended: %s", e->who.name, an->text);
	} else {
		lockout_again(e, an->text);
	}
	lockout_note(l);
	asking = lockout_next(l);
	asking |= hook_go(l->agent->hook); // theirs may have waited for this
	if (!asking && l->agent->once && !l->agent->wishes)
		(void)sd_event_exit(l->agent->event, 0);
}

// ----------------------------------------------------------------------- asking

static int lockout_on_timer(sd_event_source *s, uint64_t usec, void *arg)
{
	(void)s;
	(void)usec;
	(void)lockout_go(arg);
	return 0;
}

static void lockout_later(struct lockout *l, int64_t ms)
{
	(void)sd_event_source_disable_unref(l->timer);
	l->timer = NULL;
	if (!l->agent->once)
		(void)sd_event_add_time_relative(l->agent->event, &l->timer, CLOCK_BOOTTIME,
						 (uint64_t)ms * 1000, 1000, lockout_on_timer, l);
}

// The first looks or the second ones. The time of the next that is to wait.
static int64_t lockout_start(struct lockout *l, bool second, int64_t now, int64_t next)
{
	for (struct lockout_entry *e = l->entries; e; e = e->next) {
		struct fail f = { "" };

		// The second look is the last one: what is to be noted is by then.
		if (e->ask || e->finished || e->who.held || !e->denied ||
		    (second && !e->who.published) || (e->who.ended != 0) != second)
			continue;
		if (e->not_before <= now && l->asking < LOCKOUT_ASKS) {
			if (lockout_ask(l->agent, &e->who, lockout_on_answer, e, &e->ask, &f) == 0)
				l->asking++;
			else
				lockout_again(e, f.text);
		}
		if (!e->ask && e->not_before > now && e->not_before < next)
			next = e->not_before;
	}
	return next;
}

static bool lockout_next(struct lockout *l)
{
	int64_t now = clock_boot(), next = lockout_start(l, false, now, INT64_MAX);

	next = lockout_start(l, true, now, next);
	if (!l->entries)
		l->problem[0] = '\0';
	if (next != INT64_MAX)
		lockout_later(l, next > now ? next - now : 0);
	return l->asking > 0;
}

bool lockout_go(struct lockout *l)
{
	bool asking;

	lockout_note(l);
	if (lockout_read(l) == 0)
		return lockout_next(l);
	asking = lockout_next(l);
	lockout_later(l, 1000); // to read it once more
	return asking;
}

bool lockout_pending(const struct lockout *l, uint32_t uid)
{
	for (const struct lockout_entry *e = l->entries; e; e = e->next)
		if (e->who.uid == uid)
			return !e->finished && !e->who.ended && !e->who.held &&
			       (e->ask || e->failures == 0);
	return false;
}
