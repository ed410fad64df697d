// SPDX-License-Identifier: MIT
//
// The command `status`: health in one word and a reason, counts, what comes next.
#include "scimd/agent/agent.h"
#include "scimd/agent/answer.h"
#include "scimd/agent/control.h"
#include "scimd/agent/ear.h"
#include "scimd/agent/lockout.h"
#include "scimd/base/fail.h"
#include "scimd/image/read.h"
#include "scimd/store/store.h"
#include <errno.h>
#include <json-c/json.h>
#include <scimd/paths.h>
#include <stdio.h>
#include <string.h>

static struct json_object *strings(char *const *list, size_t n)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; i < n && i < 1000; i++)
		(void)json_object_array_add(a, json_object_new_string(list[i]));
	return a;
}

static struct json_object *status_directory(const struct config_directory *c,
					    const struct agent_directory *d, const struct ear *ear)
{
	struct json_object *o = json_object_new_object(), *held;

	answer_str(o, "name", c->name);
	answer_str(o, "url", c->url);
	answer_str(o, "state", d->state);
	answer_int(o, "users", (int64_t)d->users);
	answer_int(o, "groups", (int64_t)d->groups);
	answer_time(o, "last_ok", d->last_ok);
	answer_str(o, "error", d->error[0] ? d->error : NULL);
	answer_str(o, "events", ear_state(ear));
	if (!d->held[0])
		return o;
	held = json_object_new_object();
	answer_str(held, "reason", d->held);
	answer_put(held, "users", strings(d->held_users, d->held_user_count));
	answer_put(held, "groups", strings(d->held_groups, d->held_group_count));
	answer_int(held, "memberships", (int64_t)d->held_memberships);
	answer_put(o, "held", held);
	return o;
}

static const struct hook_file *status_hook_refused(const struct hook_dir *d)
{
	for (size_t i = 0; i < d->count; i++)
		if (d->files[i].why)
			return &d->files[i];
	return NULL;
}

static struct json_object *status_hooks(const struct hook_state *st)
{
	struct json_object *o = json_object_new_object(), *refused = json_object_new_array();

	answer_int(o, "waiting", (int64_t)st->waiting);
	answer_put(o, "more", json_object_new_boolean(st->more));
	answer_int(o, "failed", (int64_t)st->failed);
	answer_str(o, "problem", st->problem[0] ? st->problem : NULL);
	answer_int(o, "hooks", (int64_t)st->dir->count);
	if (st->dir->why)
		(void)json_object_array_add(refused, json_object_new_string(st->dir->why));
	for (size_t i = 0; i < st->dir->count; i++) {
		char line[160];

		if (!st->dir->files[i].why)
			continue;
		(void)snprintf(line, sizeof(line), "%s: %s", st->dir->files[i].name,
			       st->dir->files[i].why);
		(void)json_object_array_add(refused, json_object_new_string(line));
	}
	answer_put(o, "refused", refused);
	return o;
}

// One word and a sentence. Red: what is served may be wrong or nothing is.
static const char *status_health(const struct agent_status *st, bool image, char *why, size_t len)
{
	(void)snprintf(why, len, "everything is in order");
	for (size_t i = 0; i < st->config->directory_count; i++) {
		const struct agent_directory *d = &st->directories[i];

		if (d->held[0]) {
			(void)snprintf(why, len, "directory \"%s\": %s",
				       st->config->directories[i].name, d->held);
			return "red";
		}
		if (d->error[0]) {
			(void)snprintf(why, len, "directory \"%s\": %s",
				       st->config->directories[i].name, d->error);
			return "red";
		}
	}
	if (st->store_lost) {
		(void)snprintf(why, len,
			       "the store was damaged and moved aside; the image stays until "
			       "every directory has been read completely");
		return "red";
	}
	if (!image || st->publish_failed) {
		(void)snprintf(why, len, "no image could be published: %s",
			       st->last_error ? st->last_error : "none yet");
		return "red";
	}
	if (st->lockout.held) {
		(void)snprintf(
			why, len,
			"the processes of %zu people who were locked out at once go on; see: "
			"scimctl lockout",
			st->lockout.held);
		return "red";
	}
	if (st->lockout.problem[0]) {
		(void)snprintf(why, len,
			       "the processes of %zu people who were locked out go on: %s",
			       st->lockout.queued, st->lockout.problem);
		return "red";
	}
	if (!st->last_at) {
		(void)snprintf(why, len, "the first sync since the start has not ended yet");
		return "yellow";
	}
	if (!st->config->identity.allow && !st->config->identity.allow_all) {
		(void)snprintf(why, len, "[access] allow is not set: nobody may log in");
		return "yellow";
	}
	if (st->no_room) {
		(void)snprintf(why, len, "%s", st->no_room);
		return "yellow";
	}
	if (st->hook.problem[0]) {
		(void)snprintf(why, len, "hooks: %s", st->hook.problem);
		return "yellow";
	}
	if (st->hook.dir->why || status_hook_refused(st->hook.dir)) {
		(void)snprintf(why, len, SCIMD_HOOKS "%s%s: %s", st->hook.dir->why ? "" : "/",
			       st->hook.dir->why ? "" : status_hook_refused(st->hook.dir)->name,
			       st->hook.dir->why ? st->hook.dir->why
						 : status_hook_refused(st->hook.dir)->why);
		return "yellow";
	}
	return "green";
}

static void status_image(struct json_object *o, const struct agent_status *st, bool *image_out)
{
	struct image_confirmed conf;
	struct image im;
	char path[4096];

	*image_out = false;
	if (snprintf(path, sizeof(path), "%s/%s", st->config->state_dir, SCIMD_IMAGE_NAME) >=
		    (int)sizeof(path) ||
	    image_open(&im, path, IMAGE_BY_PREAD) < 0) {
		answer_put(o, "generation", NULL);
		return;
	}
	*image_out = true;
	answer_int(o, "generation", (int64_t)im.head.generation);
	answer_time(o, "published", im.head.published);
	if (image_confirmed_at(&im, &conf) == 0)
		answer_time(o, "confirmed", conf.wall);
	image_close(&im);
}

int command_health(const struct agent_status *st, char *why, size_t len)
{
	struct json_object *o = json_object_new_object();
	const char *word;
	bool image;

	status_image(o, st, &image);
	json_object_put(o);
	word = status_health(st, image, why, len);
	return strcmp(word, "green") == 0 ? 0 : strcmp(word, "yellow") == 0 ? 1 : 2;
}

void command_status(struct control_call *call)
{
	struct json_object *o = answer_new(), *dirs = json_object_new_array(), *last;
	struct agent_status st;
	char why[768];
	bool image;

	agent_status_get(call->agent, &st);
	status_image(o, &st, &image);
	answer_str(o, "health", status_health(&st, image, why, sizeof(why)));
	answer_str(o, "reason", why);
	if (st.job) {
		answer_int(o, "users", st.job->users);
		answer_int(o, "active", st.job->active);
		answer_int(o, "allowed", st.job->allowed);
		answer_int(o, "groups", st.job->groups);
		answer_int(o, "refused", st.job->refused);
		answer_int(o, "warnings", st.job->warnings);
	}
	if (st.last_at) {
		last = json_object_new_object();
		answer_time(last, "at", st.last_at);
		answer_put(last, "ok", json_object_new_boolean(st.last_ok));
		answer_put(last, "full", json_object_new_boolean(st.last_full));
		answer_put(last, "seconds", json_object_new_double((double)st.last_ms / 1000));
		answer_str(last, "error", st.last_error);
		answer_put(o, "last_sync", last);
	}
	answer_time(o, "next_sync", st.next_at);
	answer_str(o, "no_room", st.no_room);
	answer_put(o, "syncing", json_object_new_boolean(st.syncing));
	for (size_t i = 0; i < st.config->directory_count; i++)
		(void)json_object_array_add(dirs, status_directory(&st.config->directories[i],
								   &st.directories[i], st.ears[i]));
	answer_put(o, "directories", dirs);
	answer_put(o, "hooks", status_hooks(&st.hook));
	control_ok(call, o);
}
