// SPDX-License-Identifier: MIT
//
// The command `metrics`: what happened since the start (counters.h) and how things
// are, as numbers. scimctl makes OpenMetrics of it: there, in metrics_table.c, stands
// what each is called; here only what it is. What the image tells scimctl reads itself.
#include "scimd/agent/agent.h"
#include "scimd/agent/answer.h"
#include "scimd/agent/control.h"
#include "scimd/agent/ear.h"
#include "scimd/agent/internal.h"
#include "scimd/base/clock.h"
#include <json-c/json.h>
#include <string.h>

static void put_seconds(struct json_object *o, const char *key, int64_t ms)
{
	answer_put(o, key, json_object_new_double((double)ms / 1000));
}

static struct json_object *summary(uint64_t count, int64_t ms)
{
	struct json_object *o = json_object_new_object();

	answer_int(o, "count", (int64_t)count);
	put_seconds(o, "sum", ms);
	return o;
}

static void add(struct json_object *list, const char *label, const char *word, const char *second,
		const char *other, uint64_t count)
{
	struct json_object *o = json_object_new_object();

	answer_str(o, label, word);
	if (second)
		answer_str(o, second, other);
	answer_int(o, "count", (int64_t)count);
	(void)json_object_array_add(list, o);
}

static void metrics_rounds(struct json_object *o, const struct counters *n)
{
	const struct {
		const char *kind;
		const struct counter_rounds *rounds;
	} kinds[] = { { "full", &n->full }, { "changes", &n->changes } };
	struct json_object *syncs = json_object_new_array(), *took = json_object_new_array();

	for (size_t i = 0; i < 2; i++) {
		const struct counter_rounds *k = kinds[i].rounds;
		struct json_object *t = summary(k->good + k->failed, k->ms);
		struct json_object *x = json_object_new_object();

		add(syncs, "kind", kinds[i].kind, "result", "good", k->good);
		add(syncs, "kind", kinds[i].kind, "result", "failed", k->failed);
		answer_str(x, "kind", kinds[i].kind);
		answer_put(x, "seconds", t);
		(void)json_object_array_add(took, x);
	}
	answer_put(o, "syncs", syncs);
	answer_put(o, "sync_times", took);
}

static void metrics_live(struct json_object *o, const struct counters *n)
{
	struct json_object *list = json_object_new_array();

	add(list, "outcome", "active", NULL, NULL, n->active);
	add(list, "outcome", "disabled", NULL, NULL, n->disabled);
	add(list, "outcome", "gone", NULL, NULL, n->gone);
	add(list, "outcome", "unknown", NULL, NULL, n->unknown);
	answer_put(o, "live_checks", list);
	answer_put(o, "live_times",
		   summary(n->active + n->disabled + n->gone + n->unknown, n->live_ms));
}

// By their stable word: how many records each keeps away, or alters.
static struct json_object *metrics_refusals(const struct job *j)
{
	struct json_object *list = json_object_new_array(), *at = json_object_new_object();

	for (size_t i = 0; j && i < j->refusal_count; i++) {
		const char *effect = j->refusals[i].warning ? "altered" : "refused";
		struct json_object *x, *n;
		char key[96];

		(void)snprintf(key, sizeof(key), "%s %.80s", effect, j->refusals[i].code);
		if (json_object_object_get_ex(at, key, &x)) {
			n = NULL;
			(void)json_object_object_get_ex(x, "count", &n);
			(void)json_object_int_inc(n, 1);
			continue;
		}
		add(list, "code", j->refusals[i].code, "effect", effect, 1);
		x = json_object_array_get_idx(list, json_object_array_length(list) - 1);
		(void)json_object_object_add(at, key, json_object_get(x));
	}
	json_object_put(at);
	return list;
}

static struct json_object *metrics_directories(const struct agent_status *st)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < st->config->directory_count; i++) {
		const struct agent_directory *d = &st->directories[i];
		struct json_object *o = json_object_new_object();

		answer_str(o, "directory", st->config->directories[i].name);
		answer_int(o, "held", d->held[0] != '\0');
		answer_int(o, "failed", d->error[0] != '\0');
		answer_int(o, "token_rejected", d->error[0] && d->denied);
		answer_int(o, "events_connected", ear_hears(st->ears[i]));
		if (d->last_ok) {
			put_seconds(o, "age", clock_wall() - d->last_ok);
			answer_int(o, "users", (int64_t)d->users);
			answer_int(o, "groups", (int64_t)d->groups);
		}
		(void)json_object_array_add(list, o);
	}
	return list;
}

static void metrics_lockouts(struct json_object *o, const struct agent_status *st,
			     const struct counters *n)
{
	struct json_object *list = json_object_new_array();

	add(list, "result", "done", NULL, NULL, n->lockouts_done);
	add(list, "result", "refused", NULL, NULL, n->lockouts_refused);
	answer_put(o, "lockouts", list);
	answer_int(o, "lockouts_queued", (int64_t)st->lockout.queued);
	answer_int(o, "lockouts_held", (int64_t)st->lockout.held);
	answer_int(o, "processes_ended", (int64_t)n->ended);
	answer_int(o, "doors_closed", (int64_t)n->denied);
	if (n->denied) {
		put_seconds(o, "deny_last", n->deny_last_ms);
		put_seconds(o, "deny_max", n->deny_max_ms);
	}
}

void command_metrics(struct control_call *call)
{
	const struct counters *n = &call->agent->counters;
	struct json_object *o = answer_new();
	struct agent_status st;
	char why[768];

	agent_status_get(call->agent, &st);
	answer_int(o, "health", command_health(&st, why, sizeof(why)));
	answer_put(o, "directories", metrics_directories(&st));
	if (st.job) {
		answer_int(o, "users", st.job->users);
		answer_int(o, "active", st.job->active);
		answer_int(o, "allowed", st.job->allowed);
		answer_int(o, "groups", st.job->groups);
		answer_int(o, "refused", st.job->refused);
		answer_put(o, "records", metrics_refusals(st.job));
	}
	if (st.last_at) {
		answer_int(o, "last_sync_good", st.last_ok);
		put_seconds(o, "last_sync_time", st.last_ms);
	}
	metrics_rounds(o, n);
	metrics_live(o, n);
	metrics_lockouts(o, &st, n);
	answer_int(o, "hooks_waiting", (int64_t)st.hook.waiting);
	answer_int(o, "hooks_failed", (int64_t)st.hook.failed);
	control_ok(call, o);
}
