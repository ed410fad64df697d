// SPDX-License-Identifier: MIT
//
// The reading of a round: every directory in turn, in full, for what is new, or for
// the few that events name; then the worker has it.
#include "scimd/agent/answer.h"
#include "scimd/agent/control.h"
#include "scimd/agent/internal.h"
#include "scimd/agent/stage.h"
#include "scimd/base/clock.h"
#include "scimd/base/log.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

static void round_progress(void *arg, const struct fetch_progress *p)
{
	struct agent *a = arg;
	struct control_call *call = a->wishes ? a->wishes->req.call : NULL;
	struct json_object *o;

	if (!call)
		return;
	o = json_object_new_object();
	answer_put(o, "directory", json_object_new_string(a->config->directories[a->at].name));
	answer_put(o, "stage", json_object_new_string(p->stage));
	answer_put(o, "users", json_object_new_int64((int64_t)p->users));
	answer_put(o, "groups", json_object_new_int64((int64_t)p->groups));
	answer_put(o, "asked", json_object_new_int64((int64_t)p->asked));
	answer_put(o, "total", json_object_new_int64(p->total));
	control_progress(call, o);
}

#define ROUND_UNCLEAR_MAX 20 // that are named in the log, a walk

static void round_unclear(void *arg, uint8_t kind, const char *id, const char *text)
{
	struct agent *a = arg;

	if (a->stages[a->at]->unclear++ >= ROUND_UNCLEAR_MAX)
		return;
	log_warning("directory \"%s\": %s %.200s stays as it was: %s",
		    a->config->directories[a->at].name, kind == RESOURCE_USER ? "user" : "group",
		    id, text);
}

// From now on both rhythms bring the full list; the one that is due comes at once.
static void round_no_look(struct agent *a, struct agent_directory *d, const char *why)
{
	const char *name = a->config->directories[a->at].name;

	d->no_look = true;
	log_event(EVENT_READ_IN_FULL, &(struct log_about){ .directory = name },
		  "directory \"%s\" is read in full every time: %s", name, why);
	(void)agent_sync(a, &(struct agent_request){ .full = true });
}

static void round_some_failed(struct agent *a, const char *why)
{
	const char *name = a->config->directories[a->at].name;

	log_event(EVENT_CHANGES_UNREAD, &(struct log_about){ .directory = name },
		  "directory \"%s\": what changed could not be read: %s", name, why);
	ear_failed(a->ears[a->at]);
}

static void round_fetched(void *arg, const struct fetch_end *end)
{
	struct agent *a = arg;
	struct agent_directory *d = &a->directories[a->at];
	bool some = a->stages[a->at]->partial;
	struct fail f = { "" };
	bool look = !a->whole;
	int r = stage_finish(a->stages[a->at], end->r == 0 && !look, &f);

	if (a->stages[a->at]->unclear > ROUND_UNCLEAR_MAX)
		log_warning("directory \"%s\": and %u more stay as they were",
			    a->config->directories[a->at].name,
			    a->stages[a->at]->unclear - ROUND_UNCLEAR_MAX);
	if (!some)
		d->retry_after = end->r < 0 ? end->retry_after : -1;
	if (some) {
		if (end->r < 0)
			round_some_failed(a, end->text);
	} else if (look && end->r == -EOPNOTSUPP) {
		round_no_look(a, d, end->text);
	} else if (look && end->r == 0) {
		;
	} else if (end->r < 0 || r < 0) {
		d->state = "failed";
		d->denied = end->r == -EACCES;
		(void)snprintf(d->error, sizeof(d->error), "%s", end->r < 0 ? end->text : f.text);
		if (r < 0)
			a->stages[a->at]->complete = false;
	} else {
		d->state = "ok";
		d->denied = false;
		d->error[0] = '\0';
		// What a dry run has read holds for nobody.
		if (!a->wishes->req.dry_run) {
			d->last_ok = clock_wall();
			d->users = end->users;
			d->groups = end->groups;
		}
		if (end->tags && !a->wishes->req.dry_run)
			tags_move(&d->tags_new, end->tags);
	}
	a->at++;
	round_next(a);
}

// This directory could not even be asked.
static void round_unread(struct agent *a, bool some, int r, const struct fail *f)
{
	struct agent_directory *d = &a->directories[a->at];
	const char *why = f->text[0] ? f->text : strerror(-r);

	if (some) {
		round_some_failed(a, why);
	} else if (r == -EOPNOTSUPP) {
		round_no_look(a, d, why);
	} else {
		d->state = "failed";
		d->denied = false;
		(void)snprintf(d->error, sizeof(d->error), "%s", why);
	}
	stage_free(a->stages[a->at]);
	a->stages[a->at++] = NULL;
}

static int round_walk(struct agent *a, struct fail *f)
{
	const struct fetch_calls calls = {
		.arg = a, .progress = round_progress, .unclear = round_unclear, .end = round_fetched
	};
	const struct agent_request *req = &a->wishes->req;
	const char *name = a->config->directories[a->at].name;
	const struct fetch_wish wish = { .disabled_only = !a->whole,
					 .seconds = a->config->full_interval,
					 .accept_removals = req->accept_removals,
					 .accept_directory =
						 req->accept_directory &&
						 strcmp(req->accept_directory, name) == 0 };

	return fetch_run(a->fetches[a->at], a->stages[a->at], &wish, &calls, f);
}

// Where the lists are not what they were, all is read; but what events tell of
// is here already, and a look is enough.
static void round_asked(void *arg, bool same)
{
	struct agent *a = arg;
	struct fail f = { "" };
	int r;

	if (same) {
		a->directories[a->at].last_ok = clock_wall();
		a->stages[a->at++]->unchanged = true;
		round_next(a);
		return;
	}
	tags_clear(&a->directories[a->at].tags);
	a->whole = !ear_hears(a->ears[a->at]);
	r = round_walk(a, &f);
	if (r == 0)
		return;
	round_unread(a, false, r, &f);
	round_next(a);
}

// Everything, what is new (where only a list can tell: who is disabled), or the few
// that the events name.
static int round_read(struct agent *a, const struct listen_change *some, size_t n, struct fail *f)
{
	const struct fetch_calls calls = { .arg = a,
					   .progress = round_progress,
					   .end = round_fetched };
	const struct tags *tags = &a->directories[a->at].tags;
	struct fetch *ft = a->fetches[a->at];
	int r = stage_new(a->config->directories[a->at].name, a->mappings[a->at], a->store,
			  &a->stages[a->at]);

	if (r < 0)
		return r;
	a->whole = a->wishes->req.full;
	if (n)
		return fetch_some(ft, a->stages[a->at], some, n, &calls, f);
	if (!a->whole && tags_whole(tags) && fetch_unchanged(ft, tags, round_asked, a, f) == 0)
		return 0;
	return round_walk(a, f);
}

void round_next(struct agent *a)
{
	const struct agent_request *req = &a->wishes->req;

	while ((req->full || req->look || req->events) && a->at < a->config->directory_count) {
		const struct listen_change *some = NULL;
		struct fail f = { "" };
		size_t n = 0;
		int r;

		if (req->full ? !req->dry_run : req->events)
			n = ear_take(a->ears[a->at], req->full, &some);
		if (req->full)
			n = 0;
		else if (req->events && n == 0) {
			a->at++;
			continue;
		}
		r = round_read(a, some, n, &f);
		if (r == 0)
			return;
		round_unread(a, n > 0, r, &f);
	}
	round_work(a);
}
