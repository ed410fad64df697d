// SPDX-License-Identifier: MIT
//
// What is told of lock-outs: to the directory, in the status, to who asks; see lockout.h.
#include "scimd/agent/answer.h"
#include "scimd/agent/control.h"
#include "scimd/agent/lockout_internal.h"
#include "scimd/base/clock.h"
#include "scimd/base/fail.h"
#include "scimd/store/store.h"
#include <json-c/json.h>
#include <string.h>

static void report_add(struct json_object *list, const struct leaver *who, int64_t ended)
{
	struct json_object *o = json_object_new_object();
	char at[CLOCK_TEXT];

	(void)json_object_object_add(o, "id", json_object_new_string(who->id));
	(void)json_object_object_add(
		o, "denied_at",
		json_object_new_string(clock_format(at, who->published ? who->published : ended)));
	if (ended)
		(void)json_object_object_add(o, "ended_at",
					     json_object_new_string(clock_format(at, ended)));
	(void)json_object_array_add(list, o);
}

struct json_object *lockout_report(const struct lockout *l, const char *source)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < LOCKOUT_TOLD; i++) {
		const struct lockout_told *t = &l->told[(l->told_next + i) % LOCKOUT_TOLD];

		if (t->who.id && strcmp(t->who.source, source) == 0)
			report_add(list, &t->who, t->ended);
	}
	for (const struct lockout_entry *e = l->entries;
	     e && json_object_array_length(list) < LOCKOUT_TOLD; e = e->next)
		if (e->who.published && !e->finished && !e->who.ended &&
		    strcmp(e->who.source, source) == 0)
			report_add(list, &e->who, 0);
	if (json_object_array_length(list))
		return list;
	json_object_put(list);
	return NULL;
}

// Who is still to go: not those at whom just one more look is taken.
static bool lockout_waits(const struct lockout_entry *e)
{
	return !e->finished && !e->who.ended;
}

void lockout_state(const struct lockout *l, struct lockout_state *out)
{
	*out = (struct lockout_state){ .problem = l->problem };
	for (const struct lockout_entry *e = l->entries; e; e = e->next) {
		out->queued += lockout_waits(e);
		out->held += lockout_waits(e) && e->who.held;
	}
}

// --------------------------------------------------------------- the command

static struct json_object *lockout_entry_json(const struct lockout_entry *e)
{
	struct json_object *o = json_object_new_object();
	char at[CLOCK_TEXT];

	(void)json_object_object_add(o, "name", json_object_new_string(e->who.name));
	(void)json_object_object_add(o, "uid", json_object_new_int64(e->who.uid));
	(void)json_object_object_add(o, "source", json_object_new_string(e->who.source));
	(void)json_object_object_add(o, "id", json_object_new_string(e->who.id));
	(void)json_object_object_add(o, "cause", json_object_new_string(e->who.cause));
	(void)json_object_object_add(o, "seen",
				     json_object_new_string(clock_format(at, e->who.seen)));
	(void)json_object_object_add(o, "state",
				     json_object_new_string(e->who.held         ? "held"
							    : !e->who.published ? "publishing"
							    : e->ask            ? "ending"
										: "waiting"));
	return o;
}

static int lockout_accept(struct store_txn *t, void *arg, struct fail *f)
{
	struct lockout *l = arg;
	int r = 0;

	(void)f;
	for (struct lockout_entry *e = l->entries; e && r == 0; e = e->next) {
		struct leaver who = e->who;

		if (!who.held || e->finished)
			continue;
		who.held = false;
		r = leaver_put(t, &who);
		if (r == 0)
			r = leaver_audit(t, &who, "ending accepted", clock_wall(), NULL);
	}
	return r;
}

void command_lockout(struct control_call *call)
{
	struct lockout *l = call->agent->lockout;
	struct json_object *o, *list, *v;
	struct lockout_state st;
	struct fail f = { "" };

	if (json_object_object_get_ex(call->request, "accept", &v) && json_object_get_boolean(v)) {
		if (worker_busy(call->agent->worker)) {
			control_error(call, "temporary",
				      "a sync is being written; try again in a moment");
			return;
		}
		if (lockout_read(l) < 0 ||
		    store_apply(call->agent->store, lockout_accept, l, &f) < 0) {
			control_error(call, "failed", f.text[0] ? f.text : "out of memory");
			return;
		}
		(void)lockout_go(l);
	}
	o = answer_new();
	list = json_object_new_array();
	lockout_state(l, &st);
	for (const struct lockout_entry *e = l->entries; e; e = e->next)
		if (lockout_waits(e))
			(void)json_object_array_add(list, lockout_entry_json(e));
	(void)json_object_object_add(o, "lockouts", list);
	(void)json_object_object_add(o, "held", json_object_new_int64((int64_t)st.held));
	if (st.problem[0])
		(void)json_object_object_add(o, "problem", json_object_new_string(st.problem));
	control_ok(call, o);
}
