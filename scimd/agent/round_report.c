// SPDX-License-Identifier: MIT
//
// What a round leaves: what was held back, the tags of lists, the job that explain
// and status read, the answer for who waits, the lines of the log.
#include "scimd/agent/answer.h"
#include "scimd/agent/control.h"
#include "scimd/agent/internal.h"
#include "scimd/agent/stage.h"
#include "scimd/base/log.h"
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

// Tags hold for lists that were applied as they were, or not at all.
static void round_tags(struct agent *a)
{
	for (size_t i = 0; i < a->config->directory_count; i++) {
		struct agent_directory *d = &a->directories[i];
		bool held = a->job.helds && a->job.helds[i].reason;

		if (a->stages && a->stages[i] && a->stages[i]->complete && !a->input.dry_run) {
			tags_clear(&d->tags);
			if (a->job.r == 0 && !held)
				tags_move(&d->tags, &d->tags_new);
		}
		tags_clear(&d->tags_new);
	}
	if (a->input.dry_run)
		return;
	a->have_grounds = a->job.r == 0;
	memcpy(a->grounds, a->job.grounds, sizeof(a->grounds));
}

// The last job that resolved stays: explain and status read it. One that found
// nothing to do leaves it.
void round_keep(struct agent *a)
{
	bool resolved = a->job.r == 0 && a->job.refusals;

	round_tags(a);
	if (a->job.no_room && !a->no_room)
		log_event(EVENT_NO_ROOM, NULL, "%s", a->job.no_room);
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

struct json_object *round_result(struct agent *a, const struct job *j, bool changed)
{
	struct json_object *o = answer_new(), *plan;

	answer_put(o, "changed", json_object_new_boolean(changed));
	answer_put(o, "users", json_object_new_int64(a->have_report || j->refusals ? j->users : 0));
	answer_put(o, "groups", json_object_new_int64(j->groups));
	answer_put(o, "refused", json_object_new_int64(j->refused));
	answer_put(o, "seconds", json_object_new_double((double)a->last_ms / 1000));
	if (a->input.dry_run) {
		plan = json_object_new_object();
		answer_put(plan, "added", round_names(j, '+'));
		answer_put(plan, "changed", round_names(j, '~'));
		answer_put(plan, "removed", round_names(j, '-'));
		answer_put(o, "plan", plan);
	}
	return o;
}

// The first directory that is not well has given its reason to the whole round.
static void round_log_failed(const struct agent *a)
{
	enum log_event event = EVENT_SYNC_FAILED;
	struct log_about about = { 0 };

	for (size_t i = 0; a->job.r == 0 && i < a->config->directory_count; i++) {
		const struct agent_directory *d = &a->directories[i];

		if (!d->error[0] && !d->held[0])
			continue;
		about.directory = a->config->directories[i].name;
		event = !d->error[0] ? EVENT_BRAKE_HELD
			: d->denied  ? EVENT_TOKEN_REJECTED
				     : EVENT_SYNC_FAILED;
		break;
	}
	log_event(event, &about, "sync failed: %s", a->last_error);
}

static void round_log_refusal(const struct job_refusal *r)
{
	log_event(EVENT_RECORD_REFUSED,
		  &(struct log_about){
			  .directory = r->source, .user = r->name, .id = r->id, .code = r->code },
		  "%s", r->text);
}

void round_log(const struct agent *a, const struct job *j, bool ok, bool news)
{
	if (!ok)
		round_log_failed(a);
	else if (news)
		log_event(EVENT_SYNC_DONE, NULL,
			  "sync: %zu added, %zu changed, %zu removed; serving %u users (%u may log "
			  "in) "
			  "and %u groups, generation %llu",
			  j->added, j->altered, j->removed, j->users, j->allowed, j->groups,
			  (unsigned long long)j->image.generation);
	else
		log_debug("sync: nothing changed");
	if (!news)
		return;
	if (j->refused)
		log_event(EVENT_RECORDS_REFUSED, NULL,
			  "%u records are not served; `scimctl explain NAME` says why", j->refused);
	for (size_t i = 0, n = 0; i < j->refusal_count && n < 20; i++)
		if (!j->refusals[i].warning) {
			round_log_refusal(&j->refusals[i]);
			n++;
		}
}
