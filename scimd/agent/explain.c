// SPDX-License-Identifier: MIT
//
// Why an account is as it is; see explain.h.
#include "scimd/agent/explain.h"
#include "scimd/agent/agent.h"
#include "scimd/agent/answer.h"
#include "scimd/agent/explain_access.h"
#include "scimd/base/clock.h"
#include "scimd/base/fail.h"
#include "scimd/identity/map.h"
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

#define EXPLAIN_ACCOUNTS_MAX 20
#define EXPLAIN_GROUPS_MAX 2048
#define EXPLAIN_BUFFER ((size_t)2 * IMAGE_RECORD_MAX) // one half for a record, one for a group's

struct explain {
	struct agent *agent;
	struct agent_status status;
	const char *name;
	struct store_txn *view;
	struct json_object *accounts;
	struct image image;
	bool have_image;
	char *buffer;
	struct access access;
	struct fail *fail;
};

struct json_object *explain_refusal(const struct job_refusal *r)
{
	struct json_object *o = json_object_new_object();

	answer_str(o, "source", r->source);
	answer_str(o, "kind", r->kind == RESOURCE_USER ? "user" : "group");
	answer_str(o, "id", r->id);
	answer_str(o, "name", r->name);
	answer_str(o, "code", r->code);
	answer_str(o, "text", r->text);
	(void)json_object_object_add(o, "warning", json_object_new_boolean(r->warning));
	return o;
}

static const char *explain_field(uint8_t tag)
{
	static const struct {
		uint8_t tag;
		const char *name;
	} names[] = {
		{ FIELD_USER_NAME, "userName" },
		{ FIELD_EXTERNAL_ID, "externalId" },
		{ FIELD_DISPLAY, "displayName" },
		{ FIELD_CREATED, "created" },
		{ FIELD_ACTIVE, "active" },
		{ FIELD_NAME, "name" },
		{ FIELD_UID, "uid" },
		{ FIELD_GID, "gid" },
		{ FIELD_GECOS, "gecos" },
		{ FIELD_HOME, "home" },
		{ FIELD_SHELL, "shell" },
		{ FIELD_SSH_KEY, "ssh_keys" },
		{ FIELD_POLICY, "policy" },
		{ FIELD_COMPLAINT, "complaint" },
		{ FIELD_MODIFIED, "lastModified" },
		{ FIELD_VERSION, "version" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (names[i].tag == tag)
			return names[i].name;
	return NULL;
}

const char *explain_rule(uint8_t rule)
{
	static const char *const names[] = {
		"no `allow` is stated",     "allow",      "deny", "`allow` does not match",
		"the state of the account", "break-glass"
	};

	return rule < sizeof(names) / sizeof(*names) ? names[rule] : names[0];
}

static struct json_object *explain_attributes(struct explain *x, uint32_t source, uint8_t kind,
					      const void *bytes, size_t len)
{
	struct json_object *list = json_object_new_array(), *o;
	uint64_t members = 0;
	struct field f;
	size_t pos = 0;
	char count[32];

	while (resource_next(bytes, len, &pos, &f) == 1) {
		const char *name = explain_field(f.tag);

		members += f.tag == FIELD_MEMBER || f.tag == FIELD_MEMBER_GROUP;
		if (!name)
			continue;
		o = json_object_new_object();
		answer_str(o, "field", name);
		(void)json_object_object_add(
			o, "value",
			json_object_new_string_len(f.text, (int)(f.len < 4096 ? f.len : 4096)));
		answer_str(o, "from",
			   mapping_via(agent_mapping(x->agent, source), kind, f.tag, f.via));
		(void)json_object_array_add(list, o);
	}
	if (kind == RESOURCE_GROUP) {
		o = json_object_new_object();
		(void)snprintf(count, sizeof(count), "%llu", (unsigned long long)members);
		answer_str(o, "field", "members");
		answer_str(o, "value", count);
		answer_str(o, "from", "members");
		(void)json_object_array_add(list, o);
	}
	return list;
}

static void explain_groups(struct explain *x, struct json_object *o,
			   const struct image_found_user *u)
{
	struct json_object *list = json_object_new_array();
	struct image_found_group g;
	uint32_t gids[EXPLAIN_GROUPS_MAX];
	int64_t n = image_user_groups(&x->image, u, 0, gids, EXPLAIN_GROUPS_MAX);
	char text[16];

	for (int64_t i = 0; i < n; i++) {
		if (image_group_by_id(&x->image, gids[i], x->buffer + EXPLAIN_BUFFER / 2,
				      EXPLAIN_BUFFER / 2, &g) == 0) {
			(void)json_object_array_add(list, json_object_new_string(g.name));
		} else {
			(void)snprintf(text, sizeof(text), "%u", gids[i]);
			(void)json_object_array_add(list, json_object_new_string(text));
		}
	}
	(void)json_object_object_add(o, "groups", list);
}

static void explain_served(struct explain *x, struct json_object *o, uint8_t kind, uint32_t id)
{
	struct image_found_group g;
	struct image_found_user u;

	if (!x->have_image)
		return;
	if (kind == RESOURCE_GROUP) {
		if (image_group_by_id(&x->image, id, x->buffer, EXPLAIN_BUFFER / 2, &g) != 0)
			return;
		answer_str(o, "state", "served");
		answer_str(o, "name", g.name);
		(void)json_object_object_add(o, "members", json_object_new_int64(g.head.members));
		return;
	}
	if (image_user_by_id(&x->image, id, x->buffer, EXPLAIN_BUFFER / 2, &u) != 0)
		return;
	answer_str(o, "state", account_state_word(u.head.state));
	answer_str(o, "name", u.name);
	answer_str(o, "home", u.home);
	answer_str(o, "shell", u.shell);
	answer_str(o, "gecos", u.gecos);
	answer_str(o, "verdict", account_verdict_word(u.head.verdict));
	answer_str(o, "rule", explain_rule(u.head.rule));
	explain_groups(x, o, &u);
}

static void explain_reasons(struct explain *x, struct json_object *o, const char *source,
			    uint8_t kind, const char *id)
{
	const struct job *job = x->status.job;
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; job && i < job->refusal_count; i++) {
		const struct job_refusal *r = &job->refusals[i];

		if (r->kind == kind && strcmp(r->source, source) == 0 && strcmp(r->id, id) == 0)
			(void)json_object_array_add(list, explain_refusal(r));
	}
	(void)json_object_object_add(o, "refusals", list);
}

static int explain_one(struct explain *x, const char *source, uint8_t kind, const char *id,
		       const struct store_resource *r)
{
	struct json_object *o;
	struct store_ledger l;
	char at[CLOCK_TEXT];

	if (json_object_array_length(x->accounts) >= EXPLAIN_ACCOUNTS_MAX)
		return 1;
	o = json_object_new_object();
	answer_str(o, "source", source);
	answer_str(o, "kind", kind == RESOURCE_USER ? "user" : "group");
	answer_str(o, "id", id);
	answer_str(o, "state", r ? "not served" : "deleted");
	if (r) {
		struct field f;

		for (uint32_t i = 0; i < x->status.config->directory_count; i++)
			if (strcmp(x->status.config->directories[i].name, source) == 0)
				(void)json_object_object_add(o, "attributes",
							     explain_attributes(x, i, kind,
										r->bytes, r->len));
		if (resource_find(r->bytes, r->len, FIELD_USER_NAME, &f) == 1 ||
		    resource_find(r->bytes, r->len, FIELD_DISPLAY, &f) == 1)
			(void)json_object_object_add(
				o, kind == RESOURCE_USER ? "user_name" : "display_name",
				json_object_new_string_len(f.text,
							   (int)(f.len < 4096 ? f.len : 4096)));
	}
	if (store_ledger_get(x->view, source, kind, id, &l) == 0) {
		answer_str(o, "name", l.name);
		if (kind == RESOURCE_USER)
			(void)json_object_object_add(o, "uid", json_object_new_int64(l.uid));
		(void)json_object_object_add(o, "gid", json_object_new_int64(l.gid));
		answer_str(o, "first_seen", clock_format(at, l.first_seen));
		answer_str(o, "last_seen", clock_format(at, l.last_seen));
		explain_served(x, o, kind, kind == RESOURCE_USER ? l.uid : l.gid);
	}
	explain_reasons(x, o, source, kind, id);
	(void)json_object_array_add(x->accounts, o);
	if (!r || kind != RESOURCE_USER || !x->access.what_if->rules)
		return 0;
	return access_explain(&x->access, r, o, x->fail);
}

static bool explain_is(const char *name, const struct field *f)
{
	size_t len = strlen(name);

	if (f->len == len && strncasecmp(f->text, name, len) == 0)
		return true;
	return f->len > len && f->text[len] == '@' && strncasecmp(f->text, name, len) == 0;
}

static bool explain_by_ledger(const struct explain *x, const struct store_ledger *l)
{
	char number[16];

	(void)snprintf(number, sizeof(number), "%u", l->kind == RESOURCE_USER ? l->uid : l->gid);
	return strcmp(l->name, x->name) == 0 || strcmp(number, x->name) == 0 ||
	       (l->deleted && strcmp(l->id, x->name) == 0);
}

static int explain_found(void *arg, const struct store_resource *r, const struct store_ledger *l)
{
	static const uint8_t tags[] = { FIELD_USER_NAME, FIELD_NAME, FIELD_DISPLAY };
	struct explain *x = arg;
	struct field f;
	bool hit = l && explain_by_ledger(x, l);

	if (!r)
		return hit && l->deleted ? explain_one(x, l->source, l->kind, l->id, NULL) : 0;
	hit = hit || strcmp(r->id, x->name) == 0;
	for (uint8_t i = 0; i < sizeof(tags) && !hit; i++)
		hit = (tags[i] != FIELD_DISPLAY || r->kind == RESOURCE_GROUP) &&
		      resource_find(r->bytes, r->len, tags[i], &f) == 1 && explain_is(x->name, &f);
	return hit ? explain_one(x, r->source, r->kind, r->id, r) : 0;
}

int explain_name(struct agent *a, const char *name, const struct explain_if *what_if,
		 struct json_object *out, struct fail *f)
{
	struct explain x = { .agent = a, .name = name, .fail = f };
	char path[4096];
	int r;

	agent_status_get(a, &x.status);
	x.buffer = malloc(EXPLAIN_BUFFER);
	if (!x.buffer)
		return fail(f, ENOMEM, "out of memory");
	if (snprintf(path, sizeof(path), "%s/%s", x.status.config->state_dir, SCIMD_IMAGE_NAME) <
	    (int)sizeof(path))
		x.have_image = image_open(&x.image, path, IMAGE_BY_PREAD) == 0;
	x.accounts = json_object_new_array();
	r = store_view(agent_store(a), &x.view, f);
	if (r == 0) {
		x.access = (struct access){ .view = x.view,
					    .config = x.status.config,
					    .what_if = what_if };
		r = store_find(x.view, name, explain_found, &x);
		store_view_end(x.view);
		access_free(&x.access);
		if (r < 0 && !f->text[0])
			(void)fail(f, -r, "the store cannot be read: %s", fail_word(r));
	}
	if (x.have_image)
		image_close(&x.image);
	free(x.buffer);
	answer_str(out, "name", name);
	(void)json_object_object_add(out, "found",
				     json_object_new_boolean(json_object_array_length(x.accounts) >
							     0));
	(void)json_object_object_add(out, "accounts", x.accounts);
	return r < 0 ? r : 0;
}
