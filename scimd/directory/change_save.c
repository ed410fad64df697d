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

static int save_pair(struct json_object *out, const char *key, struct json_object *was,
		     struct json_object *is)
{
	struct json_object *pair = json_object_new_array();

	if (pair && json_object_array_add(pair, json_object_get(was)) == 0 &&
	    json_object_array_add(pair, json_object_get(is)) == 0 &&
	    json_object_object_add(out, key, pair) == 0)
		return 0;
	json_object_put(pair);
	return -ENOMEM;
}

// What of `here` differs from or is not in `there`; the second time round only the latter.
static int save_side(struct json_object *out, struct json_object *here, struct json_object *there,
		     bool gone)
{
	int r = 0;

	if (!here)
		return 0;
	json_object_object_foreach(here, key, value)
	{
		struct json_object *other = NULL;
		bool both = json_object_object_get_ex(there, key, &other);

		if (r < 0 || strcmp(key, "schemas") == 0 ||
		    (gone ? both : json_object_equal(other, value)))
			continue;
		r = gone ? save_pair(out, key, value, NULL) : save_pair(out, key, other, value);
	}
	return r;
}

struct json_object *change_differences(struct json_object *old, struct json_object *now)
{
	struct json_object *out = json_object_new_object();

	if (out && save_side(out, now, old, false) == 0 && save_side(out, old, now, true) == 0)
		return out;
	json_object_put(out);
	return NULL;
}

// So many of the ids from that byte on as one entry names.
static struct json_object *save_ids(const struct buf *ids, size_t from)
{
	size_t end = from + (size_t)CHANGE_NAMED * DIR_ID_LEN;
	struct json_object *list = json_object_new_array();
	char id[DIR_ID_TEXT];

	for (size_t i = from; list && i < end && i < ids->len; i += DIR_ID_LEN) {
		struct json_object *text;

		dir_id_text(id, (const uint8_t *)ids->data + i);
		text = json_object_new_string(id);
		if (!text || json_object_array_add(list, text) < 0) {
			json_object_put(text);
			json_object_put(list);
			return NULL;
		}
	}
	return list;
}

static int save_list(struct json_object *to, const char *key, const struct buf *ids, size_t from)
{
	struct json_object *list;

	if (from >= ids->len)
		return 0;
	list = save_ids(ids, from);
	if (list && json_object_object_add(to, key, list) == 0)
		return 0;
	json_object_put(list);
	return -ENOMEM;
}

static bool save_more_members(const struct change_members *m, size_t from)
{
	return from < m->added.len || from < m->removed.len;
}

static bool save_more(const struct change_members *m, size_t from)
{
	return m && (save_more_members(m, from) || from < m->left.len);
}

static int save_members(struct json_object *changes, const struct change_members *m, size_t from)
{
	struct json_object *o = json_object_new_object();
	int r;

	if (!o || json_object_object_add(changes, "members", o) < 0) {
		json_object_put(o);
		return -ENOMEM;
	}
	r = save_list(o, "added", &m->added, from);
	return r < 0 ? r : save_list(o, "removed", &m->removed, from);
}

static int save_groups(struct json_object *changes, const struct change_members *m, size_t from)
{
	struct json_object *list = save_ids(&m->left, from);
	int r = list ? save_pair(changes, "groups", list, NULL) : -ENOMEM;

	json_object_put(list);
	return r;
}

// The members and groups from that byte on, so many as one entry names.
static int save_lists(struct json_object *changes, const struct change_members *m, size_t from)
{
	int r = 0;

	if (m && save_more_members(m, from))
		r = save_members(changes, m, from);
	if (r == 0 && m && from < m->left.len)
		r = save_groups(changes, m, from);
	return r;
}

static int save_entry(struct store_txn *t, const struct change *c, const char *event,
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
	    json_object_object_add(o, "changes", json_object_get(changes)) == 0)
		r = store_audit_add(t, json_object_to_json_string_ext(
					       o, JSON_C_TO_STRING_PLAIN |
							  JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
	return r;
}

int change_audit(struct store_txn *t, const struct change *c, const char *event,
		 const struct dir_head *head, const char *label, struct json_object *changes,
		 const struct change_members *m)
{
	size_t step = (size_t)CHANGE_NAMED * DIR_ID_LEN;
	int r = save_lists(changes, m, 0);

	if (r == 0)
		r = save_entry(t, c, event, head, label, changes);
	for (size_t at = step; r == 0 && save_more(m, at); at += step) {
		struct json_object *rest = json_object_new_object();

		r = rest ? save_lists(rest, m, at) : -ENOMEM;
		if (r == 0)
			r = save_entry(t, c,
				       head->kind == RESOURCE_USER ? "user-groups"
								   : "group-members",
				       head, label, rest);
		json_object_put(rest);
	}
	return r;
}

static int save_event(struct store_txn *t, const struct change *c, enum feed_what what,
		      const struct dir_head *head, const char *label, struct json_object *changes,
		      const struct change_members *m, bool was_active)
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
	if (r == 0 && save_more(m, 0))
		r = buf_printf(&attributes, "%smembers", attributes.len ? "," : "");
	if (r == 0)
		r = feed_add(t, what, head->kind, id, buf_text(&attributes));
	if (r == 0 && what != FEED_CREATE && was_active != (head->active != 0))
		r = feed_add(t, head->active ? FEED_ACTIVATE : FEED_DEACTIVATE, head->kind, id, "");
	(void)snprintf(event, sizeof(event), "%s-%s",
		       head->kind == RESOURCE_USER ? "user" : "group", names[what]);
	if (r == 0)
		r = change_audit(t, c, event, head, label, changes, m);
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
	changes = change_differences(old, now);
	if (!changes)
		return -ENOMEM;
	r = save_event(t, c, what, head, label, changes, m, was_active);
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
