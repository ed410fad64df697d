// SPDX-License-Identifier: MIT
//
// One write transaction per applied sync; see apply.h. It may run twice (the
// map grew), so nothing is kept between runs.
#include "scimd/agent/apply.h"
#include "scimd/agent/config.h"
#include "scimd/agent/hook.h"
#include "scimd/agent/leaver.h"
#include "scimd/agent/plan.h"
#include "scimd/base/buf.h"
#include "scimd/base/clock.h"
#include "scimd/base/fail.h"
#include "scimd/scim/resource.h"
#include <errno.h>
#include <json-c/json.h>
#include <scimd/account.h>
#include <stdio.h>
#include <string.h>

struct apply {
	const struct job_input *in;
	struct plan *p;
	const struct resolved *res;
	const struct leavers *leaving;
	int64_t now;
	struct table names;        // of people in the ledger → its index
	struct hook_writer *hooks; // of this run, or NULL
};

static const char *apply_source(const struct apply *a, uint32_t source)
{
	return a->in->config->directories[source].name;
}

// {"event": …, "source": …, "kind": …, "id": …, "name": …, "uid": …, "detail": …}
static int apply_audit(struct store_txn *t, const char *event, const char *source, uint8_t kind,
		       const char *id, const char *name, uint32_t uid, const char *detail)
{
	struct json_object *o = json_object_new_object();
	int r;

	if (!o)
		return -ENOMEM;
	(void)json_object_object_add(o, "event", json_object_new_string(event));
	(void)json_object_object_add(o, "source", json_object_new_string(source));
	(void)json_object_object_add(o, "kind",
				     json_object_new_string(kind == RESOURCE_USER ? "user"
										  : "group"));
	(void)json_object_object_add(o, "id", json_object_new_string(id));
	if (name)
		(void)json_object_object_add(o, "name", json_object_new_string(name));
	if (uid)
		(void)json_object_object_add(o, "uid", json_object_new_int64(uid));
	if (detail)
		(void)json_object_object_add(o, "detail", json_object_new_string(detail));
	r = store_audit_add(t, json_object_to_json_string_ext(
				       o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
	return r;
}

bool apply_inactive(const void *bytes, size_t len)
{
	struct field f;

	return bytes && resource_find(bytes, len, FIELD_ACTIVE, &f) == 1 &&
	       !(f.len == 4 && memcmp(f.text, "true", 4) == 0);
}

const char *apply_event(const struct plan_item *it)
{
	bool was = apply_inactive(it->old_bytes, it->old_len),
	     is = apply_inactive(it->bytes, it->len);

	if (it->what == '+')
		return is ? "created-disabled" : "created";
	if (it->what == '-')
		return "deleted";
	if (is && !was)
		return "disabled";
	return was && !is ? "enabled" : "changed";
}

static int apply_deleted(struct store_txn *t, const struct apply *a, const struct plan_item *it)
{
	struct store_ledger l;
	char name[ACCOUNT_NAME_MAX * 2];
	int r = store_resource_drop(t, apply_source(a, it->source), it->kind, it->id);

	if (r < 0 && r != -ENOENT)
		return r;
	r = store_ledger_get(t, apply_source(a, it->source), it->kind, it->id, &l);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	(void)snprintf(name, sizeof(name), "%s", l.name); // l points into the page that changes
	l.name = name;
	l.source = apply_source(a, it->source);
	l.id = it->id;
	if (!l.deleted && it->kind == RESOURCE_USER && a->hooks)
		r = hook_write_deleted(a->hooks, it, &l);
	l.deleted = true;
	return r < 0 ? r : store_ledger_put(t, &l);
}

static int apply_item(struct store_txn *t, const struct apply *a, const struct plan_item *it)
{
	char name[256] = "";
	struct field f;
	int r;

	if (it->what == '-') {
		r = apply_deleted(t, a, it);
	} else {
		struct store_resource sr = { .source = apply_source(a, it->source),
					     .kind = it->kind,
					     .id = it->id,
					     .bytes = it->bytes,
					     .len = it->len };

		memcpy(sr.digest, it->digest, DIGEST_LEN);
		r = store_resource_put(t, &sr);
	}
	if (resource_find(it->bytes, it->len, FIELD_USER_NAME, &f) == 1 ||
	    resource_find(it->bytes, it->len, FIELD_DISPLAY, &f) == 1)
		(void)snprintf(name, sizeof(name), "%.*s", f.len < 200 ? (int)f.len : 200, f.text);
	// The first fill of 100,000 people is one fact, not 100,000.
	if (r == 0 && (it->what != '+' || a->p->count < 1000 || a->p->ledger_count))
		r = apply_audit(t, apply_event(it), apply_source(a, it->source), it->kind, it->id,
				name, 0, NULL);
	return r;
}

// A name that somebody else bore before is worth an entry of its own.
static int apply_ledger(struct store_txn *t, const struct apply *a, uint8_t kind, uint32_t source,
			const char *id, const char *name, uint32_t uid, uint32_t gid,
			uint32_t known)
{
	const struct ledger_entry *e = known == UINT32_MAX ? NULL : &a->p->ledger[known];
	struct store_ledger l = { .source = apply_source(a, source),
				  .id = id,
				  .name = name,
				  .kind = kind,
				  .uid = uid,
				  .gid = gid,
				  .first_seen = e ? e->first_seen : a->now,
				  .last_seen = a->now };
	char detail[160];
	uint32_t before;
	int r;

	if (e && strcmp(e->source, LEDGER_RESTORED) != 0 && strcmp(e->name, name) == 0 &&
	    e->uid == uid && e->gid == gid && !e->deleted)
		return 0;
	r = store_ledger_put(t, &l);
	if (r == 0 && e && strcmp(e->name, name) != 0) {
		(void)snprintf(detail, sizeof(detail), "was %s", e->name);
		r = apply_audit(t, "renamed", l.source, kind, id, name, uid, detail);
	}
	before = e ? TABLE_NONE : table_get(&a->names, name, strlen(name));
	if (r == 0 && before != TABLE_NONE && kind == RESOURCE_USER) {
		const struct ledger_entry *b = &a->p->ledger[before];

		(void)snprintf(detail, sizeof(detail), "was the name of uid %u (id %.80s)", b->uid,
			       b->id);
		r = apply_audit(t, "name-passed", l.source, kind, id, name, uid, detail);
	}
	return r;
}

static int apply_accounts(struct store_txn *t, const struct apply *a)
{
	int r = 0;

	for (uint32_t i = 0; i < a->res->account_count && r == 0; i++) {
		const struct account *ac = &a->res->accounts[i];

		if (ac->state != ACCOUNT_ACTIVE && ac->state != ACCOUNT_DISABLED)
			continue;
		r = apply_ledger(t, a, RESOURCE_USER, ac->source, ac->id, ac->name, ac->uid,
				 ac->gid, ac->ledger);
		if (r == 0 && a->hooks)
			r = hook_write_account(a->hooks, ac);
	}
	for (uint32_t i = 0; i < a->res->group_count && r == 0; i++) {
		const struct account_group *g = &a->res->groups[i];

		r = apply_ledger(t, a, RESOURCE_GROUP, g->source, g->id, g->name, 0, g->gid,
				 g->ledger);
	}
	return r;
}

static int apply_state(struct store_txn *t, const struct apply *a)
{
	int r = a->p->reread ? store_state_put(t, PLAN_REREAD, "yes", 3) : 0;

	for (uint32_t i = 0; i < a->in->config->directory_count && r == 0; i++) {
		const char *text = a->p->fingerprints[i];
		char key[96];

		if (!text)
			continue;
		if (snprintf(key, sizeof(key), "fingerprint/%s", apply_source(a, i)) >=
		    (int)sizeof(key))
			return -ENAMETOOLONG;
		r = store_state_put(t, key, text, strlen(text));
	}
	return r;
}

static int apply_all(struct store_txn *t, void *arg, struct fail *f)
{
	struct apply *a = arg;
	int r = hook_writer_new(a->in, a->p, t, &a->hooks);

	for (size_t i = 0; i < a->p->count && r == 0; i++)
		if (a->p->items[i].what != '=')
			r = apply_item(t, a, &a->p->items[i]);
	if (r == 0)
		r = apply_accounts(t, a);
	if (r == 0)
		r = leavers_note(t, a->leaving);
	if (r == 0)
		r = apply_state(t, a);
	if (r == 0)
		r = hook_writer_end(a->hooks);
	hook_writer_free(a->hooks);
	a->hooks = NULL;
	return r < 0 && f ? fail(f, -r, "the store cannot be written: %s", fail_word(r)) : r;
}

// A republish that changes nothing (a local account came or went) may still
// serve somebody for the first time, who then needs a ledger entry.
static bool apply_needed(const struct plan *p, const struct resolved *res,
			 const struct leavers *leaving)
{
	if (p->changed || p->reread || leavers_any(leaving))
		return true;
	for (uint32_t i = 0; i < res->account_count; i++) {
		const struct account *ac = &res->accounts[i];

		if (ac->ledger == UINT32_MAX ||
		    (ac->state != ACCOUNT_DELETED && ac->state != ACCOUNT_REFUSED &&
		     (strcmp(p->ledger[ac->ledger].name, ac->name) != 0 ||
		      strcmp(p->ledger[ac->ledger].source, LEDGER_RESTORED) == 0)))
			return true;
	}
	for (uint32_t i = 0; i < res->group_count; i++)
		if (res->groups[i].ledger == UINT32_MAX)
			return true;
	return false;
}

int apply_plan(const struct job_input *in, struct plan *p, const struct resolved *res,
	       const struct leavers *leaving, struct fail *f)
{
	struct apply a = { .in = in, .p = p, .res = res, .leaving = leaving, .now = clock_wall() };
	int r = 0;

	if (!apply_needed(p, res, leaving))
		return 0;
	for (uint32_t i = 0; i < p->ledger_count && r == 0; i++)
		if (p->ledger[i].kind == RESOURCE_USER)
			r = table_put(&a.names, p->ledger[i].name, strlen(p->ledger[i].name), i);
	if (r == 0)
		r = store_apply(in->store, apply_all, &a, f);
	else
		r = fail(f, ENOMEM, "out of memory");
	table_free(&a.names);
	return r;
}
