// SPDX-License-Identifier: MIT
//
// The queue of events and which is handed to scim-hook next; see hook.h. A few hundred
// of the oldest are held in memory. What a hook is through with is kept beside the
// event (HOOK_DONE), so that another try, also after a restart, runs the others only.
#include "scimd/agent/hook.h"
#include "scimd/agent/ask.h"
#include "scimd/agent/config.h"
#include "scimd/agent/internal.h"
#include "scimd/base/buf.h"
#include "scimd/base/clock.h"
#include "scimd/base/log.h"
#include "scimd/scim/json.h"
#include "scimd/store/queue.h"
#include <errno.h>
#include <json-c/json.h>
#include <scimd/hook.h>
#include <scimd/paths.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOOK_DONE "hook-done/" // with the number of the event: "done NAME" lines
#define HOOK_ASKS 4
#define HOOK_HELD 256 // in memory
#define HOOK_KEY 40
#define HOOK_SPARE_S 15u       // beyond what a hook may take
#define HOOK_PAUSE_MAX 3600000 // ms between two tries
#define HOOK_AWAY_MAX 60000    // where scim-hook cannot be reached

struct hook_entry {
	struct hook_entry *next;
	struct hook *owner;
	char number[HOOK_KEY];
	char *text; // the event
	uint32_t uid;
	char name[64], event[16];
	struct ask *ask; // under way
	struct buf done; // lines of HOOK_DONE
	bool news;       // done has more than the store knows
	bool finished;   // not dropped from the store yet
	bool given_up;   // and so
	char why[256];   // of the last failure
	unsigned int tries;
	int64_t not_before; // boot clock, ms
};

struct hook {
	struct agent *agent;
	struct hook_entry *entries; // the oldest first
	size_t count;
	char last[HOOK_KEY]; // number of the newest that was read
	bool more;
	unsigned int asking, away; // away: failures in a row to reach scim-hook
	int64_t away_until;
	uint64_t failed;
	sd_event_source *timer;
	char problem[384];
	struct hook_dir dir;
};

int hook_new(struct agent *a, struct hook **out)
{
	struct hook *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->agent = a;
	*out = h;
	return 0;
}

static void hook_entry_free(struct hook_entry *e)
{
	ask_free(e->ask);
	buf_free(&e->done);
	free(e->text);
	free(e);
}

void hook_free(struct hook *h)
{
	if (!h)
		return;
	for (struct hook_entry *e = h->entries, *next; e; e = next) {
		next = e->next;
		hook_entry_free(e);
	}
	(void)sd_event_source_disable_unref(h->timer);
	free(h);
}

// ------------------------------------------------------------ reading the queue

static struct hook_entry *hook_entry(struct hook *h, const char *number, const char *text)
{
	struct json_object *o = json_tokener_parse(text);
	struct hook_entry *e = calloc(1, sizeof(*e));
	const char *name = json_string(json_member(o, "name"));
	const char *event = json_string(json_member(o, "event"));
	int64_t uid = 0;

	if (e)
		e->text = strdup(text);
	if (!e || !e->text) {
		free(e);
		json_object_put(o);
		return NULL;
	}
	(void)json_integer(json_member(o, "uid"), &uid);
	e->owner = h;
	e->uid = (uint32_t)uid;
	(void)snprintf(e->number, sizeof(e->number), "%s", number);
	(void)snprintf(e->name, sizeof(e->name), "%s", name ? name : "?");
	(void)snprintf(e->event, sizeof(e->event), "%s", event ? event : "?");
	json_object_put(o);
	return e;
}

#define HOOK_ENOUGH 1 // ends the walk

static int hook_queued(void *arg, const char *key, const char *text)
{
	struct hook *h = arg;
	struct hook_entry **end = &h->entries, *e;
	const char *number = key + strlen(HOOK_QUEUE);

	if (strcmp(number, h->last) <= 0)
		return 0;
	if (h->count == HOOK_HELD) {
		h->more = true;
		return HOOK_ENOUGH;
	}
	e = hook_entry(h, number, text);
	if (!e)
		return -ENOMEM;
	while (*end)
		end = &(*end)->next;
	*end = e;
	h->count++;
	(void)snprintf(h->last, sizeof(h->last), "%s", number);
	return 0;
}

static int hook_was_done(void *arg, const char *key, const char *text)
{
	(void)key;
	return buf_str(arg, text);
}

static int hook_read(struct hook *h)
{
	char before[HOOK_KEY], key[HOOK_KEY + sizeof(HOOK_DONE)];
	struct store_txn *view;
	int r;

	if (h->count > HOOK_HELD / 2)
		return 0; // enough to do
	r = store_view(h->agent->store, &view, NULL);
	if (r < 0)
		return r;
	(void)snprintf(before, sizeof(before), "%s", h->last);
	h->more = false;
	r = store_queue_each(view, HOOK_QUEUE, hook_queued, h);
	for (struct hook_entry *e = h->entries; e && r >= 0; e = e->next) {
		if (strcmp(e->number, before) <= 0)
			continue;
		(void)snprintf(key, sizeof(key), HOOK_DONE "%s", e->number);
		r = store_queue_each(view, key, hook_was_done, &e->done);
	}
	store_view_end(view);
	return r < 0 ? r : 0;
}

// ---------------------------------------------------------------- what was done

static int hook_audit(struct store_txn *t, const struct hook_entry *e)
{
	struct json_object *o = json_object_new_object();
	int r;

	if (!o)
		return -ENOMEM;
	(void)json_object_object_add(o, "event", json_object_new_string("hook failed"));
	(void)json_object_object_add(o, "kind", json_object_new_string("user"));
	(void)json_object_object_add(o, "name", json_object_new_string(e->name));
	(void)json_object_object_add(o, "uid", json_object_new_int64(e->uid));
	(void)json_object_object_add(o, "hook event", json_object_new_string(e->event));
	(void)json_object_object_add(o, "detail", json_object_new_string(e->why));
	r = store_audit_add(t, json_object_to_json_string_ext(
				       o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
	return r;
}

static int hook_write_one(struct store_txn *t, const struct hook_entry *e)
{
	char key[HOOK_KEY + sizeof(HOOK_QUEUE)], done[HOOK_KEY + sizeof(HOOK_DONE)];
	int r;

	(void)snprintf(key, sizeof(key), HOOK_QUEUE "%s", e->number);
	(void)snprintf(done, sizeof(done), HOOK_DONE "%s", e->number);
	if (!e->finished)
		return store_queue_put(t, done, buf_text(&e->done));
	r = store_queue_drop(t, key);
	if (r == 0)
		r = store_queue_drop(t, done);
	return r == 0 && e->given_up ? hook_audit(t, e) : r;
}

static int hook_write_all(struct store_txn *t, void *arg, struct fail *f)
{
	struct hook *h = arg;
	int r = 0;

	(void)f;
	for (struct hook_entry *e = h->entries; e && r == 0; e = e->next)
		if (e->finished || e->news)
			r = hook_write_one(t, e);
	return r;
}

// False: the writer is at work, or there is no room; the end of the next round does it.
static bool hook_note(struct hook *h)
{
	struct hook_entry **at = &h->entries, *e;
	struct fail f = { "" };
	bool any = false;

	for (e = h->entries; e; e = e->next)
		any |= e->finished || e->news;
	if (!any)
		return true;
	if (worker_busy(h->agent->worker))
		return false;
	if (store_apply(h->agent->store, hook_write_all, h, &f) < 0) {
		log_event(EVENT_NOT_NOTED, NULL, "what scim-hook did cannot be noted: %s", f.text);
		return false;
	}
	while ((e = *at)) {
		e->news = false;
		if (!e->finished) {
			at = &e->next;
			continue;
		}
		*at = e->next;
		h->count--;
		hook_entry_free(e);
	}
	return true;
}

// --------------------------------------------------------------------- answers

struct hook_answer {
	bool over, again;
};

static void hook_failed(struct hook_entry *e, const char *name, const char *why)
{
	(void)snprintf(e->why, sizeof(e->why), "%s: %s", name, why);
	(void)snprintf(e->owner->problem, sizeof(e->owner->problem), "%s of \"%s\": %s", e->event,
		       e->name, e->why);
}

static void hook_line(struct hook_entry *e, char *line, struct hook_answer *an)
{
	char *save = NULL, *word = strtok_r(line, " ", &save), *name = strtok_r(NULL, " ", &save);
	const char *why = save ? save : "";

	if (word && strcmp(word, "over") == 0)
		an->over = true;
	if (!word || !name || strlen(name) > HOOK_NAME_MAX)
		return;
	if (strcmp(word, "done") == 0 || strcmp(word, "never") == 0) {
		e->news = buf_printf(&e->done, "done %s\n", name) == 0;
	} else if (strcmp(word, "failed") == 0) {
		an->again = true;
	}
	if (strcmp(word, "failed") == 0 || strcmp(word, "never") == 0)
		hook_failed(e, name, why);
	if (strcmp(word, "never") == 0)
		e->given_up = true; // told when it is dropped
}

static void hook_again(struct hook_entry *e)
{
	const struct config *c = e->owner->agent->config;
	int64_t pause = 1000;

	for (unsigned int i = 0; i < e->tries && pause < HOOK_PAUSE_MAX; i++)
		pause *= 2;
	e->not_before = clock_boot() + (pause < HOOK_PAUSE_MAX ? pause : HOOK_PAUSE_MAX);
	if (e->tries++ < c->hook_retries)
		return;
	e->finished = e->given_up = true;
}

static bool hook_in_trouble(const struct hook *h)
{
	for (const struct hook_entry *e = h->entries; e; e = e->next)
		if (e->why[0])
			return true;
	return false;
}

static void hook_on_end(void *arg, char *text, const char *why)
{
	struct hook_entry *e = arg;
	const struct log_about about = { .user = e->name, .code = e->event, .uid = e->uid };
	struct hook *h = e->owner;
	struct agent *a = h->agent;
	struct hook_answer an = { false, false };
	char *save = NULL;

	e->ask = NULL;
	if (!e->given_up)
		e->why[0] = '\0';
	h->asking--;
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		hook_line(e, l, &an);
	if (!an.over)
		hook_failed(e, "scim-hook", why ? why : "gave no answer");
	if (!an.over || an.again)
		hook_again(e);
	else
		e->finished = true;
	h->failed += e->finished && e->given_up;
	if (!hook_in_trouble(h))
		h->problem[0] = '\0';
	if (e->why[0])
		log_event(EVENT_HOOK_FAILED, &about, "the %s of \"%s\": hook %s%s", e->event,
			  e->name, e->why, !e->finished ? "; it is tried again" : "");
	if (!hook_go(h) && a->once && !a->wishes && !lockout_go(a->lockout))
		(void)sd_event_exit(a->event, 0);
}

// ---------------------------------------------------------------------- asking

static int hook_on_timer(sd_event_source *s, uint64_t usec, void *arg)
{
	(void)s;
	(void)usec;
	(void)hook_go(arg);
	return 0;
}

static void hook_later(struct hook *h, int64_t ms)
{
	(void)sd_event_source_disable_unref(h->timer);
	h->timer = NULL;
	if (!h->agent->once)
		(void)sd_event_add_time_relative(h->agent->event, &h->timer, CLOCK_BOOTTIME,
						 (uint64_t)ms * 1000, 1000, hook_on_timer, h);
}

static int hook_ask(struct hook_entry *e, struct fail *f)
{
	const struct config *c = e->owner->agent->config;
	struct ask_request rq = { .path = c->hook_socket,
				  .who = "scim-hook",
				  .max = HOOK_ANSWER_MAX,
				  .silence = c->hook_timeout + HOOK_SPARE_S,
				  .end = hook_on_end,
				  .arg = e };
	struct buf b = BUF_INIT;
	int r;

	(void)buf_printf(&b, "run %u %zu\n%s\n%s", c->hook_timeout * 1000, strlen(e->text),
			 buf_text(&e->done), e->text);
	rq.text = buf_text(&b);
	rq.len = b.len;
	r = buf_ok(&b) ? ask_open(e->owner->agent->event, &rq, &e->ask, f)
		       : fail(f, ENOMEM, "out of memory");
	buf_free(&b);
	return r;
}

// What happened to a person is told in order.
static bool hook_turn(const struct hook *h, const struct hook_entry *e)
{
	if (e->ask || e->finished || lockout_pending(h->agent->lockout, e->uid))
		return false;
	for (const struct hook_entry *b = h->entries; b != e; b = b->next)
		if (b->uid == e->uid)
			return false;
	return true;
}

static void hook_away(struct hook *h, const char *why)
{
	int64_t pause = 500;

	for (unsigned int i = 0; i < h->away && pause < HOOK_AWAY_MAX; i++)
		pause *= 2;
	if (h->away++ == 0)
		log_event(EVENT_HOOKS_WAITING, NULL, "hooks wait: %s", why);
	h->away_until = clock_boot() + pause;
	(void)snprintf(h->problem, sizeof(h->problem), "%s", why);
}

bool hook_go(struct hook *h)
{
	int64_t now = clock_boot(), next = INT64_MAX;
	struct fail f = { "" };

	if (!hook_note(h))
		return h->asking > 0;
	if (hook_read(h) < 0)
		next = now + 1000;
	for (struct hook_entry *e = h->entries; e && h->away_until <= now; e = e->next) {
		if (!hook_turn(h, e))
			continue;
		if (e->not_before > now) {
			next = e->not_before < next ? e->not_before : next;
		} else if (h->asking < HOOK_ASKS) {
			if (hook_ask(e, &f) < 0) {
				hook_away(h, f.text);
				break;
			}
			h->away = 0;
			h->asking++;
		}
	}
	if (h->entries && h->away_until > now)
		next = h->away_until;
	if (next != INT64_MAX)
		hook_later(h, next > now ? next - now : 0);
	return h->asking > 0;
}

void hook_state(struct hook *h, struct hook_state *out)
{
	hook_dir_read(SCIMD_HOOKS, &h->dir);
	*out = (struct hook_state){ .waiting = h->count,
				    .more = h->more,
				    .failed = h->failed,
				    .problem = h->problem,
				    .dir = &h->dir };
}
