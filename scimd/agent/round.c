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
#include <json-c/json.h>
#include <scimd/image.h>
#include <scimd/paths.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int round_start(struct agent *a);
static void round_next(struct agent *a);

static void put(struct json_object *o, const char *key, struct json_object *v)
{
	(void)json_object_object_add(o, key, v);
}

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

// -------------------------------------------------------------------- report

void round_held_clear(struct agent_directory *d)
{
	for (size_t i = 0; i < d->held_user_count; i++)
		free(d->held_users[i]);
	for (size_t i = 0; i < d->held_group_count; i++)
		free(d->held_groups[i]);
	free(d->held_users);
	free(d->held_groups);
	d->held_users = d->held_groups = NULL;
	d->held_user_count = d->held_group_count = 0;
	d->held_memberships = 0;
	d->held[0] = '\0';
}

static char **round_copy(const char **list, size_t n, size_t *count_out)
{
	char **copy = calloc(n + 1, sizeof(*copy));

	*count_out = 0;
	for (size_t i = 0; copy && i < n; i++) {
		copy[i] = strdup(list[i]);
		if (!copy[i])
			break;
		(*count_out)++;
	}
	return copy;
}

static void round_held(struct agent_directory *d, const struct job_held *h)
{
	round_held_clear(d);
	if (!h->reason)
		return;
	d->state = "held";
	(void)snprintf(d->held, sizeof(d->held), "%s", h->reason);
	d->held_users = round_copy(h->users, h->user_count, &d->held_user_count);
	d->held_groups = round_copy(h->groups, h->group_count, &d->held_group_count);
	d->held_memberships = h->memberships;
}

// The last job that resolved stays: explain and status read it. One that found
// nothing to do leaves it.
static void round_keep(struct agent *a)
{
	bool resolved = a->job.r == 0 && a->job.refusals;

	a->no_room = a->job.no_room;
	for (size_t i = 0; a->job.helds && i < a->config->directory_count; i++)
		if (a->stages && a->stages[i] && a->stages[i]->complete)
			round_held(&a->directories[i], &a->job.helds[i]);
		else if (a->stages && a->stages[i] && a->stages[i]->partial &&
			 a->job.helds[i].reason) // the whole list says how much it is
			(void)agent_sync(a, &(struct agent_request){ .full = true });
	if (a->job.changed || a->job.published || a->job.r < 0)
		a->publish_failed = a->job.r < 0;
	if (!resolved || a->input.dry_run)
		return;
	if (a->have_report)
		job_free(&a->report);
	a->report = a->job;
	a->have_report = true;
	a->job = (struct job){ 0 };
}

static struct json_object *round_names(const struct job *j, char what)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < j->change_count; i++)
		if (j->changes[i].what == what)
			(void)json_object_array_add(list,
						    json_object_new_string(j->changes[i].name));
	return list;
}

static struct json_object *round_result(struct agent *a, const struct job *j)
{
	struct json_object *o = json_object_new_object(), *plan;

	put(o, "schema", json_object_new_int(1));
	put(o, "changed", json_object_new_boolean(j->changed));
	put(o, "users", json_object_new_int64(a->have_report || j->refusals ? j->users : 0));
	put(o, "groups", json_object_new_int64(j->groups));
	put(o, "refused", json_object_new_int64(j->refused));
	put(o, "seconds", json_object_new_double((double)a->last_ms / 1000));
	if (a->input.dry_run) {
		plan = json_object_new_object();
		put(plan, "added", round_names(j, '+'));
		put(plan, "changed", round_names(j, '~'));
		put(plan, "removed", round_names(j, '-'));
		put(o, "plan", plan);
	}
	return o;
}

static void round_log(struct agent *a, const struct job *j, bool ok)
{
	if (!ok)
		log_error("sync failed: %s", a->last_error);
	else if (j->changed || j->published)
		log_info("sync: %zu added, %zu changed, %zu removed; serving %u users (%u may log "
			 "in) "
			 "and %u groups, generation %llu",
			 j->added, j->altered, j->removed, j->users, j->allowed, j->groups,
			 (unsigned long long)j->image.generation);
	else
		log_debug("sync: nothing changed");
	if (j->refused)
		log_warning("%u records are not served; `scimctl explain NAME` says why",
			    j->refused);
	for (size_t i = 0, n = 0; i < j->refusal_count && n < 20; i++)
		if (!j->refusals[i].warning) {
			log_warning("%s", j->refusals[i].text);
			n++;
		}
}

static void round_end(struct agent *a)
{
	struct agent_wish *w = a->wishes;
	bool ok, applied = a->job.r == 0;
	const struct job *j;

	a->last_ms = clock_boot() - a->began;
	a->last_error[0] = '\0';
	if (a->job.r < 0)
		(void)snprintf(a->last_error, sizeof(a->last_error), "%s", a->job.fail.text);
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
	if (w->req.full && !w->req.dry_run) {
		a->full_boot = ok ? clock_boot() : a->full_boot;
		a->last_ok = ok;
		a->last_full = true;
		a->last_at = clock_wall();
		a->failures = ok ? 0 : a->failures + 1;
	}
	round_log(a, j, ok);
	if (w->req.call) {
		if (ok)
			control_ok(w->req.call, round_result(a, j));
		else
			control_error(w->req.call, "failed", a->last_error);
	}
	if (w->req.live && !applied)
		live_forget(a->live);
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

// Failed rounds come again sooner than the interval, doubling.
static uint64_t round_pause(const struct agent *a)
{
	uint64_t usual = a->config->interval < a->config->full_interval ? a->config->interval
									: a->config->full_interval;
	uint64_t s = 5;

	if (a->failures == 0)
		return usual;
	for (unsigned int i = 1; i < a->failures && s < usual; i++)
		s *= 2;
	if (s > usual)
		s = usual;
	// What a server asks for is honoured, up to the rhythm of complete lists.
	for (size_t i = 0; i < a->config->directory_count; i++) {
		int64_t asked = a->directories[i].retry_after;

		if (asked > (int64_t)a->config->full_interval)
			asked = a->config->full_interval;
		if (asked > 0 && (uint64_t)asked > s)
			s = (uint64_t)asked;
	}
	return s;
}

void round_on_job(void *arg)
{
	struct agent *a = arg;
	// Only a look at the directory puts off the next one: local files that change all
	// the time must not.
	bool looked = (a->wishes->req.full || a->wishes->req.look) && !a->wishes->req.dry_run;
	bool asking;

	round_end(a);
	asking = lockout_go(a->lockout);
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

// --------------------------------------------------------------------- fetch

static void round_work(struct agent *a)
{
	const struct agent_wish *w = a->wishes;
	char path[4096];

	a->input = (struct job_input){ .config = a->config,
				       .seen = clock_wall(),
				       .store = a->store,
				       .stages = a->stages,
				       .dry_run = w->req.dry_run,
				       .accept_removals = w->req.accept_removals,
				       .accept_directory = w->req.accept_directory,
				       .republish = w->req.republish || a->publish_failed,
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

static void round_progress(void *arg, const struct fetch_progress *p)
{
	struct agent *a = arg;
	struct control_call *call = a->wishes ? a->wishes->req.call : NULL;
	struct json_object *o;

	if (!call)
		return;
	o = json_object_new_object();
	put(o, "directory", json_object_new_string(a->config->directories[a->at].name));
	put(o, "stage", json_object_new_string(p->stage));
	put(o, "users", json_object_new_int64((int64_t)p->users));
	put(o, "groups", json_object_new_int64((int64_t)p->groups));
	put(o, "total", json_object_new_int64(p->total));
	control_progress(call, o);
}

// From now on both rhythms bring the full list; the one that is due comes at once.
static void round_no_look(struct agent *a, struct agent_directory *d, const char *why)
{
	d->no_look = true;
	log_info("directory \"%s\" is read in full every time: %s",
		 a->config->directories[a->at].name, why);
	(void)agent_sync(a, &(struct agent_request){ .full = true });
}

static void round_some_failed(struct agent *a, const char *why)
{
	log_warning("directory \"%s\": what changed could not be read: %s",
		    a->config->directories[a->at].name, why);
	ear_failed(a->ears[a->at]);
}

static void round_fetched(void *arg, const struct fetch_end *end)
{
	struct agent *a = arg;
	struct agent_directory *d = &a->directories[a->at];
	bool some = a->stages[a->at]->partial;
	struct fail f = { "" };
	bool look = !a->wishes->req.full;
	int r = stage_finish(a->stages[a->at], end->r == 0 && !look, &f);

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
		(void)snprintf(d->error, sizeof(d->error), "%s", end->r < 0 ? end->text : f.text);
		if (r < 0)
			a->stages[a->at]->complete = false;
	} else {
		d->state = "ok";
		d->error[0] = '\0';
		d->last_ok = clock_wall();
		d->users = end->users;
		d->groups = end->groups;
	}
	a->at++;
	round_next(a);
}

// Everything, those who are disabled, or the few that the events name.
static int round_read(struct agent *a, const struct listen_change *some, size_t n, struct fail *f)
{
	const struct fetch_calls calls = { a, round_progress, round_fetched };
	struct fetch *ft = a->fetches[a->at];
	int r = stage_new(a->config->directories[a->at].name, a->mappings[a->at], a->store,
			  &a->stages[a->at]);

	if (r < 0)
		return r;
	return n ? fetch_some(ft, a->stages[a->at], some, n, &calls, f)
		 : fetch_run(ft, a->stages[a->at], !a->wishes->req.full, &calls, f);
}

static void round_next(struct agent *a)
{
	const struct agent_request *req = &a->wishes->req;

	while ((req->full || req->look || req->events) && a->at < a->config->directory_count) {
		struct agent_directory *d = &a->directories[a->at];
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
		if (n) {
			round_some_failed(a, f.text[0] ? f.text : strerror(-r));
		} else if (r == -EOPNOTSUPP) {
			round_no_look(a, d, f.text);
		} else {
			d->state = "failed";
			(void)snprintf(d->error, sizeof(d->error), "%s",
				       f.text[0] ? f.text : strerror(-r));
		}
		stage_free(a->stages[a->at]);
		a->stages[a->at++] = NULL;
	}
	round_work(a);
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
