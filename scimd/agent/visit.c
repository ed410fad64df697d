// SPDX-License-Identifier: MIT
//
// First sessions: pam_scim tells of each one, and the first of a person on this
// host becomes an entry of the audit log. A uid never belongs to another, so a word
// "session UID" in the store is all that has to be remembered. Written between
// rounds, since the store has one writer at a time.
#include "scimd/agent/agent.h"
#include "scimd/agent/answer.h"
#include "scimd/agent/control.h"
#include "scimd/agent/internal.h"
#include "scimd/base/clock.h"
#include "scimd/base/log.h"
#include "scimd/image/read.h"
#include "scimd/scim/resource.h"
#include "scimd/store/store.h"
#include <errno.h>
#include <json-c/json.h>
#include <scimd/account.h>
#include <scimd/paths.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VISIT_WAITING_MAX 4096 // people; more than that wait for their next session
#define VISIT_KEY 32

static const char *visit_key(char out[VISIT_KEY], uint32_t uid)
{
	(void)snprintf(out, VISIT_KEY, "session %u", uid);
	return out;
}

struct visit_search {
	uint32_t uid;
	int64_t at;
	struct store_txn *txn;
	bool found;
};

static void visit_str(struct json_object *o, const char *key, const char *v)
{
	(void)json_object_object_add(o, key, json_object_new_string(v));
}

static int visit_entry(void *arg, const struct store_ledger *l)
{
	struct visit_search *s = arg;
	char at[CLOCK_TEXT];
	struct json_object *o;
	int r;

	if (l->kind != RESOURCE_USER || l->uid != s->uid || strcmp(l->source, LEDGER_RESTORED) == 0)
		return 0;
	o = json_object_new_object();
	if (!o)
		return -ENOMEM;
	visit_str(o, "event", "first session");
	visit_str(o, "source", l->source);
	visit_str(o, "kind", "user");
	visit_str(o, "id", l->id);
	visit_str(o, "name", l->name);
	(void)json_object_object_add(o, "uid", json_object_new_int64(l->uid));
	visit_str(o, "when", clock_format(at, s->at));
	r = store_audit_add(s->txn,
			    json_object_to_json_string_ext(o,
							   JSON_C_TO_STRING_PLAIN |
								   JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
	s->found = true;
	return r < 0 ? r : 1;
}

static int visit_write(struct store_txn *t, void *arg, struct fail *f)
{
	struct agent *a = arg;
	char key[VISIT_KEY];
	const void *data;
	size_t len;
	int r = 0;

	for (size_t i = 0; i < a->visit_count && r >= 0; i++) {
		struct visit_search s = { .uid = a->visits[i].uid,
					  .at = a->visits[i].at,
					  .txn = t };

		if (store_state_get(t, visit_key(key, s.uid), &data, &len) == 0)
			continue;
		r = store_ledger_each(t, visit_entry, &s);
		if (r >= 0 && s.found)
			r = store_state_put(t, key, "1", 1);
	}
	return r < 0 ? fail(f, -r, "first sessions were not noted: %s", strerror(-r)) : 0;
}

void visit_flush(struct agent *a)
{
	struct fail f = { "" };

	if (a->visit_count == 0 || a->running)
		return;
	if (store_apply(a->store, visit_write, a, &f) < 0)
		log_warning("%s", f.text); // the next session of these people tells again
	a->visit_count = 0;
}

static int visit_on_defer(sd_event_source *s, void *arg)
{
	(void)s;
	visit_flush(arg);
	return 0;
}

void visit_free(struct agent *a)
{
	(void)sd_event_source_disable_unref(a->visit_defer);
	free(a->visits);
}

// The uid of a name that is served, or -errno.
static int64_t visit_uid(const struct agent *a, const char *name)
{
	struct image_found_user u;
	struct image im;
	char path[4096];
	int r;

	if (snprintf(path, sizeof(path), "%s/%s", a->config->state_dir, SCIMD_IMAGE_NAME) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	r = image_open(&im, path, IMAGE_BY_PREAD);
	if (r < 0)
		return r;
	r = image_user_by_name(&im, name, NULL, 0, &u);
	image_close(&im);
	return r < 0 ? r : u.head.state == ACCOUNT_ACTIVE ? (int64_t)u.head.uid : -ENOENT;
}

static bool visit_known(struct agent *a, uint32_t uid)
{
	struct store_txn *view;
	char key[VISIT_KEY];
	struct fail f = { "" };
	const void *data;
	bool known;
	size_t len;

	for (size_t i = 0; i < a->visit_count; i++)
		if (a->visits[i].uid == uid)
			return true;
	if (store_view(a->store, &view, &f) < 0)
		return true; // nothing could be written either
	known = store_state_get(view, visit_key(key, uid), &data, &len) == 0;
	store_view_end(view);
	return known;
}

static int visit_wait(struct agent *a, uint32_t uid)
{
	int r;

	if (a->visit_count == VISIT_WAITING_MAX)
		return -EBUSY;
	if (!a->visits)
		a->visits = calloc(VISIT_WAITING_MAX, sizeof(*a->visits));
	if (!a->visits)
		return -ENOMEM;
	if (!a->visit_defer) {
		r = sd_event_add_defer(a->event, &a->visit_defer, visit_on_defer, a);
		if (r < 0)
			return r;
		(void)sd_event_source_set_priority(a->visit_defer, SD_EVENT_PRIORITY_IDLE);
	}
	a->visits[a->visit_count++] = (struct visit){ .uid = uid, .at = clock_wall() };
	return sd_event_source_set_enabled(a->visit_defer, SD_EVENT_ONESHOT);
}

void agent_session(struct agent *a, struct control_call *call, const char *name)
{
	int64_t uid = visit_uid(a, name);
	struct json_object *o;
	bool first;

	if (uid < 0 || (call->uid != 0 && call->uid != (uid_t)uid)) {
		// The same words for a stranger and for somebody else's name.
		control_error(call, "not-found", "no such account, or not yours to tell of");
		return;
	}
	first = !visit_known(a, (uint32_t)uid);
	if (first && visit_wait(a, (uint32_t)uid) < 0) {
		control_error(call, "temporary", "it cannot be noted now");
		return;
	}
	o = answer_new();
	(void)json_object_object_add(o, "first", json_object_new_boolean(first));
	control_ok(call, o);
}
