// SPDX-License-Identifier: MIT
//
// One round of sync: every directory in turn, then the worker, then the report.
#include "scimd/agent/agent.h"
#include "scimd/agent/control.h"
#include "scimd/agent/internal.h"
#include "scimd/agent/stage.h"
#include "scimd/base/clock.h"
#include "scimd/base/log.h"
#include <errno.h>
#include <scimd/image.h>
#include <scimd/paths.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int round_start(struct agent *a);

// ------------------------------------------------------------------- wishes

static int round_on_defer(sd_event_source *s, void *arg)
{
	struct agent *a = arg;

	(void)sd_event_source_set_enabled(s, SD_EVENT_OFF);
	if (!a->running && a->reload_wanted)
		agent_hup(a);
	if (!a->running && a->wishes && round_start(a) < 0) {
		// It has an end all the same: somebody waits for it, and the next one must come.
		a->job.r = fail(&a->job.fail, ENOMEM, "a sync could not be started: out of memory");
		round_on_job(a);
	}
	return 0;
}

int agent_sync(struct agent *a, const struct agent_request *req)
{
	struct agent_wish *w, **end = &a->wishes;
	int r;

	// A wish that nobody waits for and that asks for no more than one already
	// queued (not the running one) is that one.
	for (; *end; end = &(*end)->next) {
		bool queued = !(a->running && *end == a->wishes);
		bool apart = req->live != (*end)->req.live ||
			     (!(*end)->req.full && ((req->events && (*end)->req.look) ||
						    (req->look && (*end)->req.events)));

		if (queued && !apart && !req->call && !req->rebuild && !req->dry_run &&
		    !req->accept_removals && !req->accept_directory && !(*end)->req.dry_run &&
		    (*end)->req.full >= req->full) {
			(*end)->req.republish |= req->republish;
			(*end)->req.look |= req->look && !(*end)->req.full;
			(*end)->req.events |= req->events;
			return 0;
		}
	}
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->req = *req;
	if (req->accept_directory) {
		(void)snprintf(w->accept_directory, sizeof(w->accept_directory), "%s",
			       req->accept_directory);
		w->req.accept_directory = w->accept_directory;
	}
	if (req->live) // somebody looks for it at once
		end = a->running ? &a->wishes->next : &a->wishes;
	w->next = *end;
	*end = w;
	if (a->defer)
		return sd_event_source_set_enabled(a->defer, SD_EVENT_ON);
	r = sd_event_add_defer(a->event, &a->defer, round_on_defer, a);
	return r < 0 ? r : 0;
}

void agent_forget(struct agent *a, struct control_call *call)
{
	for (struct agent_wish *w = a->wishes; w; w = w->next)
		if (w->req.call == call)
			w->req.call = NULL;
}

// --------------------------------------------------------------------- ends

static void round_count(struct agent *a, const struct agent_wish *w, bool ok)
{
	struct counters *n = &a->counters;
	struct counter_rounds *k = w->req.full ? &n->full : &n->changes;

	if (w->req.dry_run || !(w->req.full || w->req.look || w->req.events))
		return;
	k->good += ok;
	k->failed += !ok;
	k->ms += a->last_ms;
}

// Once it has run, whatever the round was for.
static void round_count_denied(struct counters *n, const struct job *j)
{
	n->denied += j->denied;
	if (j->denied)
		n->deny_last_ms = j->deny_last_ms;
	if (j->deny_max_ms > n->deny_max_ms)
		n->deny_max_ms = j->deny_max_ms;
}

// Splay: a fleet that was restarted together does not ask together. Never later than was
// promised.
static int64_t earlier(int64_t ms)
{
	return ms - random() % (ms / 10 + 1);
}

static void round_end(struct agent *a)
{
	struct agent_wish *w = a->wishes;
	bool ok, applied = a->job.r == 0, changed = a->job.changed;
	bool news = changed || a->job.published || !applied; // the job kept may be an older one
	const struct job *j;

	a->last_ms = clock_boot() - a->began;
	a->last_error[0] = '\0';
	if (a->job.r < 0)
		(void)snprintf(a->last_error, sizeof(a->last_error), "%s", a->job.fail.text);
	round_count_denied(&a->counters, &a->job); // round_keep takes it
	round_keep(a);
	for (size_t i = 0; i < a->config->directory_count && !a->last_error[0]; i++) {
		const struct agent_directory *d = &a->directories[i];
		const char *why = d->error[0] ? d->error : d->held;

		if (*why)
			(void)snprintf(a->last_error, sizeof(a->last_error),
				       "directory \"%s\": %.500s", a->config->directories[i].name,
				       why);
	}
	ok = !a->last_error[0];
	j = a->have_report && a->report.refusals && !a->job.refusals && a->report.r == 0 &&
			    !a->input.dry_run
		    ? &a->report
		    : &a->job;
	if (w->req.look && !ok) {
		a->last_ok = false;
		a->failures++;
	}
	round_count(a, w, ok);
	if (w->req.full && !w->req.dry_run) {
		if (ok)
			a->full_at = a->began + earlier(1000 * (int64_t)a->config->full_interval);
		a->store_lost &= !ok; // all is there again
		a->last_ok = ok;
		a->last_full = true;
		a->last_at = clock_wall();
		a->failures = ok ? 0 : a->failures + 1;
	}
	round_log(a, j, ok, news);
	if (w->req.call) {
		if (ok)
			control_ok(w->req.call, round_result(a, j, changed));
		else
			control_error(w->req.call, "failed", a->last_error);
	}
	if (w->req.live && !applied)
		live_forget(a->live);
	if (!w->req.live && changed)
		live_expire(a->live);
	for (size_t i = 0; i < a->config->directory_count; i++)
		ear_end(a->ears[i], applied && (!w->req.full || !a->directories[i].error[0]));
	a->wishes = w->next;
	a->running = false;
	if (w->req.full)
		a->once_ok = ok;
	free(w);
	job_free(&a->job);
	a->job = (struct job){ 0 };
	for (size_t i = 0; a->stages && i < a->config->directory_count; i++)
		stage_free(a->stages[i]);
	free(a->stages);
	a->stages = NULL;
}

// How long until the next round, in ms. The rhythm goes from the beginning of a round to
// that of the next, so that nobody who left stays longer than it says; however long a
// round takes, the directory has as long a rest, up to the rhythm.
static int64_t round_pause(const struct agent *a)
{
	const struct config *c = a->config;
	const int64_t usual =
		1000 * (int64_t)(c->interval < c->full_interval ? c->interval : c->full_interval);
	const int64_t began = a->began - clock_boot();
	int64_t ms = 5000, next = began + earlier(usual), rest = a->last_ms;

	if (a->failures == 0) {
		if (a->full_at - clock_boot() < next)
			next = a->full_at - clock_boot();
		if (rest > usual)
			rest = usual;
		return next > rest ? next : rest;
	}
	// Failed rounds come again sooner, doubling.
	for (unsigned int i = 1; i < a->failures && ms < usual; i++)
		ms *= 2;
	if (ms > usual)
		ms = usual;
	// What a server asks for is honoured, up to the rhythm of complete lists.
	for (size_t i = 0; i < c->directory_count; i++) {
		int64_t asked = a->directories[i].retry_after;

		if (asked > (int64_t)c->full_interval)
			asked = c->full_interval;
		if (asked > 0 && 1000 * asked > ms)
			ms = 1000 * asked;
	}
	return ms + random() % (ms / 10 + 1);
}

void round_on_job(void *arg)
{
	struct agent *a = arg;
	// Only a look at the directory puts off the next one: local files that change all
	// the time must not.
	bool looked = (a->wishes->req.full || a->wishes->req.look) && !a->wishes->req.dry_run;
	bool asking;

	round_end(a);
	asking = lockout_go(a->lockout); // before any hook
	asking |= hook_go(a->hook);
	if (a->once) {
		if (!a->wishes && !asking)
			(void)sd_event_exit(a->event, 0);
	} else if (looked || !a->timer) {
		(void)agent_plan_next(a, round_pause(a));
	}
	if (a->wishes || a->reload_wanted)
		(void)sd_event_source_set_enabled(a->defer, SD_EVENT_ON);
	visit_flush(a);
}

// -------------------------------------------------------------------- rounds

void round_work(struct agent *a)
{
	const struct agent_wish *w = a->wishes;
	struct hook_dir hooks;
	char path[4096];

	hook_dir_read(SCIMD_HOOKS, &hooks);
	a->input = (struct job_input){ .config = a->config,
				       .seen = clock_wall(),
				       .store = a->store,
				       .stages = a->stages,
				       .grounds = a->have_grounds ? a->grounds : NULL,
				       .dry_run = w->req.dry_run,
				       .accept_removals = w->req.accept_removals,
				       .accept_directory = w->req.accept_directory,
				       .republish = w->req.republish || a->publish_failed,
				       .hooks = hook_dir_any(&hooks),
				       .rebuild = w->req.rebuild };
	if (snprintf(path, sizeof(path), "%s/%s", a->config->state_dir, SCIMD_IMAGE_NAME) <
		    (int)sizeof(path) &&
	    access(path, F_OK) < 0)
		a->input.republish = true;
	if (worker_start(a->worker, &a->input, &a->job) < 0) {
		a->job.r = fail(&a->job.fail, EAGAIN, "no thread could be started");
		round_on_job(a);
	}
}

static int round_start(struct agent *a)
{
	a->began = clock_boot();
	a->stages = calloc(a->config->directory_count + 1, sizeof(*a->stages));
	if (!a->stages)
		return -ENOMEM;
	for (size_t i = 0; a->wishes->req.live && i < a->config->directory_count; i++) {
		int r = live_stage(a->live, i, &a->stages[i]);

		if (r < 0)
			return r;
	}
	a->running = true;
	a->at = 0;
	round_next(a);
	return 0;
}

void round_clear(struct agent *a)
{
	struct agent_wish *next;

	for (size_t i = 0; a->stages && i < a->config->directory_count; i++)
		stage_free(a->stages[i]);
	free(a->stages);
	a->stages = NULL;
	for (struct agent_wish *w = a->wishes; w; w = next) {
		next = w->next;
		free(w);
	}
	a->wishes = NULL;
	job_free(&a->job);
	if (a->have_report)
		job_free(&a->report);
	a->have_report = false;
}
