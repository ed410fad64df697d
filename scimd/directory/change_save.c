// SPDX-License-Identifier: MIT
//
// Writing one resource: uniqueness, index, record, event, audit entry. See
// change_internal.h.
#include "scimd/base/clock.h"
#include "scimd/directory/change_internal.h"
#include "scimd/scim/json.h"
#include "scimd/scim/problem.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

int change_generation(struct store_txn *t, uint64_t *out)
{
	return dir_counter(t, "generation", out);
}

static bool save_active(struct json_object *o)
{
	struct json_object *a = json_member(o, "active");

	return !a || json_object_get_boolean(a);
}

static int save_other(void *arg, uint64_t seq)
{
	return seq == *(const uint64_t *)arg ? 0 : 1;
}

// userName is unique among Users (RFC 7643 §4.1.1), displayName among Groups (what
// identity providers match groups by).
static int save_unique(struct store_txn *t, const struct dir_head *head, const char *label,
		       struct scim_problem *p)
{
	bool user = head->kind == RESOURCE_USER;
	uint64_t seq = head->seq;
	int r = dir_index_each(t, head->kind, user ? DIR_KEY_USER_NAME : DIR_KEY_DISPLAY, label,
			       save_other, &seq);

	if (r == 1)
		return scim_problem(p, 409, "uniqueness", "%s \"%s\" is taken",
				    user ? "userName" : "displayName", label);
	return r;
}

// { attribute: [before, after] } for what differs.
static struct json_object *save_changes(struct json_object *old, struct json_object *now)
{
	struct json_object *out = json_object_new_object();

	if (!out)
		return NULL;
	json_object_object_foreach(now, key, is)
	{
		struct json_object *was = NULL, *pair;

		(void)json_object_object_get_ex(old, key, &was);
		if (strcmp(key, "schemas") == 0 || json_object_equal(was, is))
			continue;
		pair = json_object_new_array();
		(void)json_object_array_add(pair, json_object_get(was));
		(void)json_object_array_add(pair, json_object_get(is));
		(void)json_object_object_add(out, key, pair);
	}
	if (!old)
		return out;
	json_object_object_foreach(old, gone, value)
	{
		struct json_object *pair;

		if (json_object_object_get_ex(now, gone, NULL))
			continue;
		pair = json_object_new_array();
		(void)json_object_array_add(pair, json_object_get(value));
		(void)json_object_array_add(pair, NULL);
		(void)json_object_object_add(out, gone, pair);
	}
	return out;
}

static void save_member_changes(struct json_object *changes, const struct change_members *m)
{
	struct json_object *o;

	if (!m || (!m->added && !m->removed))
		return;
	o = json_object_new_object();
	(void)json_object_object_add(o, "added", json_object_new_int64((int64_t)m->added));
	(void)json_object_object_add(o, "removed", json_object_new_int64((int64_t)m->removed));
	if (m->named)
		(void)json_object_object_add(o, "named", json_object_get(m->named));
	(void)json_object_object_add(changes, "members", o);
}

int change_audit(struct store_txn *t, const struct change *c, const char *event,
		 const struct dir_head *head, const char *label, struct json_object *changes)
{
	struct json_object *o = json_object_new_object();
	char id[DIR_ID_TEXT];
	int r = -ENOMEM;

	dir_id_text(id, head->id);
	if (o && json_object_object_add(o, "event", json_object_new_string(event)) == 0 &&
	    json_object_object_add(o, "actor", json_object_new_string(c->actor)) == 0 &&
	    json_object_object_add(o, "peer", json_object_new_string(c->peer ? c->peer : "")) ==
		    0 &&
	    json_object_object_add(o, "id", json_object_new_string(id)) == 0 &&
	    json_object_object_add(o, "name", json_object_new_string(label)) == 0 &&
	    (!changes || json_object_object_add(o, "changes", json_object_get(changes)) == 0))
		r = store_audit_add(t, json_object_to_json_string_ext(
					       o, JSON_C_TO_STRING_PLAIN |
							  JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
	return r;
}

static int save_event(struct store_txn *t, const struct change *c, enum feed_what what,
		      const struct dir_head *head, const char *label, struct json_object *changes,
		      bool was_active)
{
	static const char *const names[] = {
		[FEED_CREATE] = "created", [FEED_PUT] = "replaced", [FEED_PATCH] = "patched"
	};
	struct buf attributes = BUF_INIT;
	char id[DIR_ID_TEXT], event[32];
	int r = 0;

	dir_id_text(id, head->id);
	json_object_object_foreach(changes, key, value)
	{
		(void)value;
		if (r == 0)
			r = buf_printf(&attributes, "%s%s", attributes.len ? "," : "", key);
	}
	if (r == 0)
		r = feed_add(t, what, head->kind, id, buf_text(&attributes));
	if (r == 0 && what != FEED_CREATE && was_active != (head->active != 0))
		r = feed_add(t, head->active ? FEED_ACTIVATE : FEED_DEACTIVATE, head->kind, id, "");
	(void)snprintf(event, sizeof(event), "%s-%s",
		       head->kind == RESOURCE_USER ? "user" : "group", names[what]);
	if (r == 0)
		r = change_audit(t, c, event, head, label, changes);
	buf_free(&attributes);
	return r;
}

static int save_record(struct store_txn *t, struct dir_head *head, const char *label,
		       struct json_object *now)
{
	struct dir_record rec;
	size_t len;

	rec.json = json_object_to_json_string_length(
		now, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
	if (!rec.json)
		return -ENOMEM;
	rec.json_len = len;
	rec.label = label;
	rec.head = *head;
	return dir_put(t, &rec);
}

int change_save(struct store_txn *t, const struct change *c, enum feed_what what,
		struct dir_head *head, struct json_object *old, struct json_object *now,
		const struct change_members *m, struct scim_problem *p)
{
	bool user = head->kind == RESOURCE_USER, was_active = head->active != 0;
	const char *label = json_string(json_member(now, user ? "userName" : "displayName"));
	struct json_object *changes;
	size_t len = label ? strlen(label) : 0;
	int r;

	if (len == 0 || len > 1024)
		return scim_problem(p, 400, "invalidValue", "%s is required, at most 1024 bytes",
				    user ? "userName" : "displayName");
	head->label_len = (uint16_t)len;
	head->modified = old ? clock_wall() : head->created;
	head->active = save_active(now);
	if (head->modified < head->created)
		head->modified = head->created;
	r = save_unique(t, head, label, p);
	if (r == 0)
		r = dir_counter_next(t, "generation", &head->version);
	if (r == 0)
		r = dir_index(t, head->kind, head->seq, old, now);
	if (r == 0)
		r = save_record(t, head, label, now);
	if (r < 0)
		return r;
	changes = save_changes(old, now);
	if (!changes)
		return -ENOMEM;
	save_member_changes(changes, m);
	r = save_event(t, c, what, head, label, changes, was_active);
	json_object_put(changes);
	return r;
}

int change_touch(struct store_txn *t, uint64_t group)
{
	struct dir_record r;
	char id[DIR_ID_TEXT];
	struct buf b = BUF_INIT;
	int rc = dir_get(t, RESOURCE_GROUP, group, &r);

	if (rc < 0)
		return rc;
	// The record lies in the map that dir_put is about to write.
	rc = buf_add(&b, r.label, r.head.label_len + r.json_len);
	if (rc == 0)
		rc = dir_counter_next(t, "generation", &r.head.version);
	if (rc == 0) {
		r.head.modified = clock_wall();
		r.label = b.data;
		r.json = b.data + r.head.label_len;
		rc = dir_put(t, &r);
	}
	dir_id_text(id, r.head.id);
	if (rc == 0)
		rc = feed_add(t, FEED_PATCH, RESOURCE_GROUP, id, "members");
	buf_free(&b);
	return rc;
}
