// SPDX-License-Identifier: MIT
//
// The commands of the control socket, a row each at the end of the file. A new
// command is one function, one row, one paragraph in scimctl(1).
#include "scimd/agent/agent.h"
#include "scimd/agent/control.h"
#include "scimd/agent/ear.h"
#include "scimd/agent/explain.h"
#include "scimd/agent/lockout.h"
#include "scimd/base/clock.h"
#include "scimd/base/fail.h"
#include "scimd/image/read.h"
#include "scimd/scim/resource.h"
#include "scimd/store/store.h"
#include <errno.h>
#include <json-c/json.h>
#include <scimd/account.h>
#include <scimd/paths.h>
#include <stdio.h>
#include <string.h>

static void put(struct json_object *o, const char *key, struct json_object *v)
{
	(void)json_object_object_add(o, key, v);
}

static void put_str(struct json_object *o, const char *key, const char *v)
{
	put(o, key, v ? json_object_new_string(v) : NULL);
}

static void put_int(struct json_object *o, const char *key, int64_t v)
{
	put(o, key, json_object_new_int64(v));
}

static void put_time(struct json_object *o, const char *key, int64_t ms)
{
	char at[CLOCK_TEXT];

	put(o, key, ms ? json_object_new_string(clock_format(at, ms)) : NULL);
}

static const char *get_str(struct json_object *o, const char *key)
{
	struct json_object *v;

	if (!json_object_object_get_ex(o, key, &v) || !json_object_is_type(v, json_type_string))
		return NULL;
	return json_object_get_string(v);
}

static bool get_bool(struct json_object *o, const char *key)
{
	struct json_object *v;

	return json_object_object_get_ex(o, key, &v) && json_object_get_boolean(v);
}

static struct json_object *answer(void)
{
	struct json_object *o = json_object_new_object();

	put_int(o, "schema", 1);
	return o;
}

// ------------------------------------------------------------------- status

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

	put_str(o, "name", c->name);
	put_str(o, "url", c->url);
	put_str(o, "state", d->state);
	put_int(o, "users", (int64_t)d->users);
	put_int(o, "groups", (int64_t)d->groups);
	put_time(o, "last_ok", d->last_ok);
	put_str(o, "error", d->error[0] ? d->error : NULL);
	put_str(o, "events", ear_state(ear));
	if (!d->held[0])
		return o;
	held = json_object_new_object();
	put_str(held, "reason", d->held);
	put(held, "users", strings(d->held_users, d->held_user_count));
	put(held, "groups", strings(d->held_groups, d->held_group_count));
	put_int(held, "memberships", (int64_t)d->held_memberships);
	put(o, "held", held);
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
			       "the store was damaged and moved aside; nobody new gets an id "
			       "until it is restored");
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
		put(o, "generation", NULL);
		return;
	}
	*image_out = true;
	put_int(o, "generation", (int64_t)im.head.generation);
	put_time(o, "published", im.head.published);
	if (image_confirmed_at(&im, &conf) == 0)
		put_time(o, "confirmed", conf.wall);
	image_close(&im);
}

static void command_status(struct control_call *call)
{
	struct json_object *o = answer(), *dirs = json_object_new_array(), *last;
	struct agent_status st;
	char why[768];
	bool image;

	agent_status_get(call->agent, &st);
	status_image(o, &st, &image);
	put_str(o, "health", status_health(&st, image, why, sizeof(why)));
	put_str(o, "reason", why);
	if (st.job) {
		put_int(o, "users", st.job->users);
		put_int(o, "active", st.job->active);
		put_int(o, "allowed", st.job->allowed);
		put_int(o, "groups", st.job->groups);
		put_int(o, "refused", st.job->refused);
		put_int(o, "warnings", st.job->warnings);
	}
	if (st.last_at) {
		last = json_object_new_object();
		put_time(last, "at", st.last_at);
		put(last, "ok", json_object_new_boolean(st.last_ok));
		put(last, "full", json_object_new_boolean(st.last_full));
		put(last, "seconds", json_object_new_double((double)st.last_ms / 1000));
		put_str(last, "error", st.last_error);
		put(o, "last_sync", last);
	}
	put_time(o, "next_sync", st.next_at);
	put_str(o, "no_room", st.no_room);
	put(o, "syncing", json_object_new_boolean(st.syncing));
	for (size_t i = 0; i < st.config->directory_count; i++)
		(void)json_object_array_add(dirs, status_directory(&st.config->directories[i],
								   &st.directories[i], st.ears[i]));
	put(o, "directories", dirs);
	control_ok(call, o);
}

// --------------------------------------------------------- explain, refusals

static void command_explain(struct control_call *call)
{
	const char *name = get_str(call->request, "name");
	struct json_object *o;
	struct fail f = { "" };

	if (!name || !*name) {
		control_error(call, "usage", "explain needs a name");
		return;
	}
	o = answer();
	if (explain_name(call->agent, name, o, &f) < 0) {
		json_object_put(o);
		control_error(call, "failed", f.text);
		return;
	}
	control_ok(call, o);
}

static void command_refusals(struct control_call *call)
{
	struct json_object *o = answer(), *list = json_object_new_array();
	struct agent_status st;

	agent_status_get(call->agent, &st);
	for (size_t i = 0; st.job && i < st.job->refusal_count && i < 10000; i++)
		(void)json_object_array_add(list, explain_refusal(&st.job->refusals[i]));
	put(o, "refusals", list);
	control_ok(call, o);
}

// --------------------------------------------------------------------- sync

static void sync_gone(struct control_call *call)
{
	agent_forget(call->agent, call);
}

static void command_sync(struct control_call *call)
{
	struct agent_request req = {
		.full = true,
		.dry_run = get_bool(call->request, "dry_run"),
		.accept_removals = get_bool(call->request, "accept_removals"),
		.accept_directory = get_str(call->request, "accept_directory"),
	};
	bool wait = get_bool(call->request, "wait") || req.dry_run;
	struct agent_status st;
	bool known = !req.accept_directory;

	agent_status_get(call->agent, &st);
	for (size_t i = 0; !known && i < st.config->directory_count; i++)
		known = strcmp(st.config->directories[i].name, req.accept_directory) == 0;
	if (!known) {
		control_error(call, "not-found",
			      "no [directory/…] section of that name is configured");
		return;
	}
	req.full = get_bool(call->request, "full") || req.dry_run || req.accept_removals ||
		   req.accept_directory || wait;
	if (wait) {
		req.call = call;
		call->wait = call;
		call->gone = sync_gone;
	}
	if (agent_sync(call->agent, &req) < 0) {
		control_error(call, "temporary", "out of memory");
		return;
	}
	if (!wait) {
		struct json_object *o = answer();

		put(o, "queued", json_object_new_boolean(true));
		control_ok(call, o);
	}
}

// -------------------------------------------------------------------- audit

struct audit_walk {
	struct json_object *list;
	const char *user;
	int64_t since;
};

static int audit_entry(void *arg, const struct store_audit *a)
{
	struct audit_walk *w = arg;
	struct json_tokener *tok = json_tokener_new_ex(8);
	struct json_object *o = tok ? json_tokener_parse_ex(tok, a->line, (int)a->len) : NULL;
	const char *name, *id, *at;
	int64_t when = 0;

	if (tok)
		json_tokener_free(tok);
	if (!o)
		return -EBADMSG;
	name = get_str(o, "name");
	id = get_str(o, "id");
	at = get_str(o, "at");
	if (at)
		(void)clock_parse(at, strlen(at), &when);
	if ((w->user && !(name && strcmp(name, w->user) == 0) &&
	     !(id && strcmp(id, w->user) == 0)) ||
	    when < w->since) {
		json_object_put(o);
		return 0;
	}
	(void)json_object_array_add(w->list, o);
	return 0;
}

static void command_audit(struct control_call *call)
{
	const char *since = get_str(call->request, "since");
	struct audit_walk w = { .user = get_str(call->request, "user") };
	struct store_txn *view;
	struct json_object *o;
	struct fail f = { "" };
	uint64_t count, bad, span;
	int r;

	if (since && clock_parse(since, strlen(since), &w.since) < 0) {
		if (clock_span(since, &span) < 0 || span > 100ull * 365 * 86400) {
			control_error(call, "usage",
				      "--since takes a time (2026-01-31T08:00:00Z) or a span (7d)");
			return;
		}
		w.since = clock_wall() - (int64_t)span * 1000;
	}
	r = store_view(agent_store(call->agent), &view, &f);
	if (r < 0) {
		control_error(call, "failed", f.text);
		return;
	}
	o = answer();
	w.list = json_object_new_array();
	r = store_audit_each(view, 1, audit_entry, &w);
	put(o, "entries", w.list);
	if (r == 0 && get_bool(call->request, "verify")) {
		r = store_audit_verify(view, &count, &bad, &f);
		put(o, "verified", json_object_new_boolean(r == 0));
		put_int(o, "count", (int64_t)count);
		if (r < 0)
			put_str(o, "problem", f.text);
		r = 0;
	}
	store_view_end(view);
	if (r < 0) {
		json_object_put(o);
		control_error(call, "failed",
			      "the audit log cannot be read; try: scimctl audit --verify");
		return;
	}
	control_ok(call, o);
}

// ------------------------------------------------------------ cache and others

static void command_cache(struct control_call *call)
{
	struct store_stats st;
	struct json_object *o;
	struct agent_status ag;

	if (store_stat(agent_store(call->agent), &st) < 0) {
		control_error(call, "failed", "the store cannot be read");
		return;
	}
	agent_status_get(call->agent, &ag);
	o = answer();
	put_int(o, "image_bytes", ag.job ? (int64_t)ag.job->image.size : 0);
	put_int(o, "store_bytes", (int64_t)st.bytes);
	put_int(o, "map_size", (int64_t)st.map_size);
	put_int(o, "resources", (int64_t)st.resources);
	put_int(o, "ledger", (int64_t)st.ledger);
	put_int(o, "audit", (int64_t)st.audit);
	control_ok(call, o);
}

static void command_rebuild(struct control_call *call)
{
	const struct agent_request req = { .republish = true, .rebuild = true, .call = call };

	call->wait = call;
	call->gone = sync_gone;
	if (agent_sync(call->agent, &req) < 0)
		control_error(call, "temporary", "out of memory");
}

static void command_check(struct control_call *call)
{
	const char *name = get_str(call->request, "name");

	if (!name || !*name)
		control_error(call, "usage", "check needs a name");
	else
		agent_check(call->agent, call, name);
}

static void command_session(struct control_call *call)
{
	const char *name = get_str(call->request, "name");

	if (!name || !*name)
		control_error(call, "usage", "session needs a name");
	else
		agent_session(call->agent, call, name);
}

static void command_reload(struct control_call *call)
{
	struct fail f = { "" };

	int r = agent_reload(call->agent, &f);

	if (r < 0)
		control_error(call, r == -EAGAIN ? "temporary" : "failed", f.text);
	else
		control_ok(call, answer());
}

const struct control_command control_commands[] = {
	{ "status", CONTROL_ANYONE, command_status, "health, counts, the last and the next sync" },
	{ "explain", CONTROL_ANYONE, command_explain, "what is known of a name, and why" },
	{ "refusals", CONTROL_ANYONE, command_refusals,
	  "records that are not served, with reasons" },
	{ "cache", CONTROL_ANYONE, command_cache, "sizes of the store and the image" },
	{ "rebuild", CONTROL_ROOT, command_rebuild, "publish a new image from the store" },
	{ "sync", CONTROL_ROOT, command_sync, "fetch now" },
	{ "audit", CONTROL_ROOT, command_audit, "the audit log" },
	{ "lockout", CONTROL_ROOT, command_lockout,
	  "whose processes are still to be ended; accept: also where that is many at once" },
	{ "evidence", CONTROL_ROOT, command_evidence, "when leavers were seen, denied, ended" },
	{ "reload", CONTROL_ROOT, command_reload, "read the configuration again" },
	{ "check", CONTROL_ANYONE, command_check,
	  "the live check: root about anyone, others about themselves" },
	{ "session", CONTROL_ANYONE, command_session,
	  "pam_scim tells that a session began: root of anyone, others of themselves" },
	{ 0 },
};
