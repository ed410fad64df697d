// SPDX-License-Identifier: MIT
//
// The commands of the control socket, a row each at the end of the file. A new
// command is one function, one row, one paragraph in scimctl(1).
#include "scimd/agent/agent.h"
#include "scimd/agent/answer.h"
#include "scimd/agent/control.h"
#include "scimd/agent/explain.h"
#include "scimd/agent/lockout.h"
#include "scimd/base/clock.h"
#include "scimd/base/fail.h"
#include "scimd/base/log.h"
#include "scimd/scim/json.h"
#include "scimd/store/store.h"
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

static bool get_bool(struct json_object *o, const char *key)
{
	struct json_object *v;

	return json_object_object_get_ex(o, key, &v) && json_object_get_boolean(v);
}

// --------------------------------------------------------- explain, refusals

static void command_explain(struct control_call *call)
{
	const char *name = json_string(json_member(call->request, "name"));
	// The rules read every group, and are nobody's business but root's.
	struct explain_if what_if = { call->uid == 0, get_bool(call->request, "if_disabled"),
				      json_string(json_member(call->request, "if_group")) };
	struct json_object *o;
	struct fail f = { "" };
	int r;

	if (!name || !*name) {
		control_error(call, "usage", "explain needs a name");
		return;
	}
	if (!what_if.rules && (what_if.disabled || what_if.group)) {
		control_error(call, "permission", "what would be is told to root only");
		return;
	}
	o = answer_new();
	r = explain_name(call->agent, name, &what_if, o, &f);
	if (r < 0) {
		json_object_put(o);
		control_error(call, r == -ENXIO ? "not-found" : "failed", f.text);
		return;
	}
	control_ok(call, o);
}

static void command_refusals(struct control_call *call)
{
	struct json_object *o = answer_new(), *list = json_object_new_array();
	struct agent_status st;

	agent_status_get(call->agent, &st);
	for (size_t i = 0; st.job && i < st.job->refusal_count && i < 10000; i++)
		(void)json_object_array_add(list, explain_refusal(&st.job->refusals[i]));
	answer_put(o, "refusals", list);
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
		.dry_run = get_bool(call->request, "dry_run"),
		.accept_removals = get_bool(call->request, "accept_removals"),
		.accept_directory = json_string(json_member(call->request, "accept_directory")),
		.full = true,
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
		struct json_object *o = answer_new();

		answer_put(o, "queued", json_object_new_boolean(true));
		control_ok(call, o);
	}
}

// -------------------------------------------------------------------- audit

#define AUDIT_MAX 20000u // entries in one answer; what is older is left out

struct audit_walk {
	struct json_object *found[AUDIT_MAX]; // the newest first
	size_t count;
	const char *user;
	int64_t since;
	bool more;
};

static int audit_entry(void *arg, const struct store_audit *a)
{
	struct audit_walk *w = arg;
	const char *name, *id, *at;
	struct json_tokener *tok;
	struct json_object *o;
	int64_t when = 0;

	// Most of a log is about others. In JSON some letters are not themselves.
	if (w->user && !strpbrk(w->user, "\"\\") &&
	    !memmem(a->line, a->len, w->user, strlen(w->user)))
		return 0;
	tok = json_tokener_new_ex(8);
	o = tok ? json_tokener_parse_ex(tok, a->line, (int)a->len) : NULL;
	if (tok)
		json_tokener_free(tok);
	if (!o)
		return -EBADMSG;
	name = json_string(json_member(o, "name"));
	id = json_string(json_member(o, "id"));
	at = json_string(json_member(o, "at"));
	if (at)
		(void)clock_parse(at, strlen(at), &when);
	w->more = when >= w->since && w->count == AUDIT_MAX;
	if ((w->user && !(name && strcmp(name, w->user) == 0) &&
	     !(id && strcmp(id, w->user) == 0)) ||
	    when < w->since || w->more) {
		json_object_put(o);
		return w->more;
	}
	w->found[w->count++] = o;
	return 0;
}

static void command_audit(struct control_call *call)
{
	const char *since = json_string(json_member(call->request, "since"));
	struct json_object *o, *list;
	struct store_txn *view;
	struct fail f = { "" };
	uint64_t count, bad, span;
	struct audit_walk *w;
	int64_t from = 0;
	int r;

	if (since && clock_parse(since, strlen(since), &from) < 0) {
		if (clock_span(since, &span) < 0 || span > 100ull * 365 * 86400) {
			control_error(call, "usage",
				      "--since takes a time (2026-01-31T08:00:00Z) or a span (7d)");
			return;
		}
		from = clock_wall() - (int64_t)span * 1000;
	}
	w = calloc(1, sizeof(*w));
	r = w ? store_view(agent_store(call->agent), &view, &f) : fail(&f, ENOMEM, "out of memory");
	if (r < 0) {
		free(w);
		control_error(call, "failed", f.text);
		return;
	}
	w->user = json_string(json_member(call->request, "user"));
	w->since = from;
	o = answer_new();
	list = json_object_new_array();
	r = store_audit_back(view, audit_entry, w);
	while (w->count)
		(void)json_object_array_add(list, w->found[--w->count]);
	answer_put(o, "entries", list);
	answer_put(o, "older_left_out", json_object_new_boolean(w->more));
	free(w);
	r = r < 0 ? r : 0;
	if (r == 0 && get_bool(call->request, "verify")) {
		r = store_audit_verify(view, &count, &bad, &f);
		answer_put(o, "verified", json_object_new_boolean(r == 0));
		answer_int(o, "count", (int64_t)count);
		if (r < 0)
			answer_str(o, "problem", f.text);
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
	o = answer_new();
	answer_int(o, "image_bytes", ag.job ? (int64_t)ag.job->image.size : 0);
	answer_int(o, "store_bytes", (int64_t)st.bytes);
	answer_int(o, "map_size", (int64_t)st.map_size);
	answer_int(o, "resources", (int64_t)st.resources);
	answer_int(o, "ledger", (int64_t)st.ledger);
	answer_int(o, "audit", (int64_t)st.audit);
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
	const char *name = json_string(json_member(call->request, "name"));

	if (!name || !*name)
		control_error(call, "usage", "check needs a name");
	else
		agent_check(call->agent, call, name);
}

static void command_session(struct control_call *call)
{
	const char *name = json_string(json_member(call->request, "name"));

	if (!name || !*name)
		control_error(call, "usage", "session needs a name");
	else
		agent_session(call->agent, call, name);
}

static void command_reload(struct control_call *call)
{
	struct fail f = { "" };

	int r = agent_reload(call->agent, &f);

	if (r < 0 && r != -EAGAIN)
		log_event(EVENT_CONFIG_REFUSED, NULL,
			  "the configuration was not read again, the running one stays: %s",
			  f.text);
	if (r < 0)
		control_error(call, r == -EAGAIN ? "temporary" : "failed", f.text);
	else
		control_ok(call, answer_new());
}

const struct control_command control_commands[] = {
	{ "status", CONTROL_ANYONE, command_status, "health, counts, the last and the next sync" },
	{ "explain", CONTROL_ANYONE, command_explain, "what is known of a name, and why" },
	{ "people", CONTROL_ROOT, command_people, "whose number is whose SCIM id" },
	{ "refusals", CONTROL_ANYONE, command_refusals,
	  "records that are not served, with reasons" },
	{ "cache", CONTROL_ANYONE, command_cache, "sizes of the store and the image" },
	{ "metrics", CONTROL_ANYONE, command_metrics, "what happened since the start, in numbers" },
	{ "rebuild", CONTROL_ROOT, command_rebuild, "publish a new image from the store" },
	{ "sync", CONTROL_ROOT, command_sync, "fetch now" },
	{ "audit", CONTROL_ROOT, command_audit, "the audit log" },
	{ "lockout", CONTROL_ROOT, command_lockout,
	  "whose processes are still to be ended; accept: also where that is many at once" },
	{ "evidence", CONTROL_ROOT, command_evidence, "when leavers were seen, denied, ended" },
	{ "reload", CONTROL_ROOT, command_reload, "read the configuration again" },
	{ "check", CONTROL_ANYONE, command_check,
	  "the live check: root about anyone, others about themselves" },
	{ "probe", CONTROL_ROOT, command_probe, "whether a directory answers, asked now" },
	{ "session", CONTROL_ANYONE, command_session,
	  "pam_scim tells that a session began: root of anyone, others of themselves" },
	{ 0 },
};
