// SPDX-License-Identifier: MIT
//
// Create, replace, patch, delete; see change.h.
#include "scimd/base/clock.h"
#include "scimd/directory/change_internal.h"
#include "scimd/directory/render.h"
#include "scimd/scim/accept.h"
#include "scimd/scim/json.h"
#include "scimd/scim/problem.h"
#include "scimd/scim/schema.h"
#include <errno.h>
#include <json-c/json.h>
#include <scimd/account.h>
#include <stdlib.h>
#include <string.h>

static const char *change_posix_urn(uint8_t kind)
{
	return kind == RESOURCE_USER ? SCIM_URN_POSIX_USER : SCIM_URN_POSIX_GROUP;
}

// 0: not given. Out of the range of a uid_t counts as reserved.
static int change_given(struct json_object *posix, const char *name, uint32_t *out,
			struct scim_problem *p)
{
	struct json_object *v = json_member(posix, name);
	int64_t n;

	*out = 0;
	if (!v)
		return 0;
	if (!json_integer(v, &n) || n < 0 || n > UINT32_MAX || account_id_reserved((uint64_t)n))
		return scim_problem(p, 400, "invalidValue",
				    "%s %s is reserved or out of range; leave it out to get one",
				    name, json_object_to_json_string(v));
	*out = (uint32_t)n;
	return 0;
}

static int change_take(struct store_txn *t, const char *name, uint32_t wanted,
		       struct dir_head *head, struct scim_problem *p)
{
	int r = dir_number_take(t, wanted, head->kind, head->id, &head->number);

	if (r == -EEXIST)
		return scim_problem(p, 409, "uniqueness",
				    "%s %u was given before; a number is never given twice", name,
				    wanted);
	if (r == -ERANGE)
		return scim_problem(p, 400, "invalidValue", "%s %u is reserved", name, wanted);
	return r;
}

// As of a group that is gone: nobody is ever given it again.
static int change_gid_gone(struct store_txn *t, uint32_t gid)
{
	uint8_t nobody[DIR_ID_LEN];
	int r = dir_id_new(nobody);

	return r < 0 ? r : dir_number_take(t, gid, RESOURCE_GROUP, nobody, &gid);
}

// The group has to be there still: a number of one that is gone is nobody's ever again.
// Who is moved here keeps it, though, and where it was never given it counts as given.
static int change_private_gid(struct store_txn *t, const struct change *c, uint32_t gid,
			      const struct dir_head *head, struct scim_problem *p)
{
	bool given, group = false;
	unsigned char key[8];
	struct store_bytes v;
	int r;

	if (gid == 0 || gid == head->number)
		return 0;
	store_be(key, gid);
	r = store_get(t, DIR_NUMBER, (struct store_bytes){ key, 8 }, &v);
	given = r == 0;
	if (given && v.len != 1 + DIR_ID_LEN)
		return -EBADMSG;
	if (given) {
		const uint8_t *who = v.data;

		group = who[0] == RESOURCE_GROUP;
		r = group ? store_get(t, DIR_ID, (struct store_bytes){ who + 1, DIR_ID_LEN }, &v)
			  : -ENOENT;
	}
	if (r == -ENOENT && c->id && !given)
		r = change_gid_gone(t, gid);
	else if (r == -ENOENT && c->id && group)
		r = 0;
	if (r == -ENOENT || r == -ERANGE)
		return scim_problem(p, 400, "invalidValue",
				    "gidNumber %u is no group's; leave it out for a private group",
				    gid);
	return r;
}

// The numbers are given in the transaction that creates.
static int change_numbers(struct store_txn *t, const struct change *c, struct dir_head *head,
			  struct json_object **now, struct scim_problem *p)
{
	const char *urn = change_posix_urn(head->kind);
	bool user = head->kind == RESOURCE_USER;
	const char *name = user ? "uidNumber" : "gidNumber";
	struct json_object *posix = json_member(*now, urn);
	uint32_t wanted = 0, gid = 0;
	int r = change_given(posix, name, &wanted, p);

	if (r == 0 && user)
		r = change_given(posix, "gidNumber", &gid, p);
	if (r == 0)
		r = change_take(t, name, wanted, head, p);
	if (r == 0 && user)
		r = change_private_gid(t, c, gid, head, p);
	if (r < 0)
		return r;
	if (!posix) {
		posix = json_object_new_object();
		if (!posix || json_object_object_add(*now, urn, posix) < 0)
			return -ENOMEM;
	}
	if (json_object_object_add(posix, name, json_object_new_int64(head->number)) < 0 ||
	    (user && gid == 0 &&
	     json_object_object_add(posix, "gidNumber", json_object_new_int64(head->number)) < 0))
		return -ENOMEM;
	return scim_settle(dir_type(head->kind), now);
}

// members leave the resource: they are kept one by one.
static struct json_object *change_members_out(struct json_object *now)
{
	struct json_object *m = json_object_get(json_member(now, "members"));

	json_object_object_del(now, "members");
	return m;
}

static int change_id(struct store_txn *t, const struct change *c, uint8_t id[DIR_ID_LEN],
		     struct scim_problem *p)
{
	struct store_bytes v;
	int r;

	if (!c->id)
		return dir_id_new(id);
	memcpy(id, c->id, DIR_ID_LEN);
	r = store_get(t, DIR_ID, (struct store_bytes){ id, DIR_ID_LEN }, &v);
	return r == 0         ? scim_problem(p, 409, "uniqueness", "the id is in use")
	       : r == -ENOENT ? 0
			      : r;
}

int change_create(struct store_txn *t, const struct change *c, uint8_t kind,
		  struct json_object *body, struct change_result *out, struct scim_problem *p)
{
	struct json_object *now = NULL, *members = NULL;
	struct dir_head head = { .kind = kind, .created = clock_wall(), .active = 1 };
	struct change_members m = { 0 };
	int r = scim_accept(dir_type(kind), body, &now, p);

	if (r == 0)
		r = change_id(t, c, head.id, p);
	if (r == 0)
		r = dir_counter_next(t, "seq", &head.seq);
	if (r == 0)
		r = change_numbers(t, c, &head, &now, p);
	if (r == 0 && kind == RESOURCE_GROUP) {
		members = change_members_out(now);
		change_members_init(&m, t, &head);
	}
	if (r == 0 && members)
		r = change_members_add(&m, members, p);
	if (r == 0)
		r = change_save(t, c, FEED_CREATE, &head, NULL, now,
				kind == RESOURCE_GROUP ? &m : NULL, p);
	if (r == 0)
		*out = (struct change_result){ kind, head.seq, true, false };
	change_members_free(&m);
	json_object_put(members);
	json_object_put(now);
	return r;
}

// The resource and its JSON (the caller's to put), its version being what If-Match asks for.
static int change_open(struct store_txn *t, const struct change *c, uint8_t kind, const char *id,
		       struct dir_record *r, struct json_object **json, struct scim_problem *p)
{
	char tag[RENDER_ETAG];
	int rc = dir_find(t, kind, id, r);

	if (rc == -ENOENT)
		return scim_problem(p, 404, NULL, "%s \"%s\" is not here",
				    kind == RESOURCE_USER ? "User" : "Group", id);
	if (rc < 0)
		return rc;
	render_etag(tag, &r->head);
	if (c->if_match && !render_etag_listed(c->if_match, tag))
		return scim_problem(p, 412, NULL, "the resource has version %s now", tag);
	if (!json)
		return 0;
	*json = dir_json(r);
	return *json ? 0 : -EBADMSG;
}

static int change_finish(struct store_txn *t, const struct change *c, enum feed_what what,
			 struct dir_head *head, struct json_object *old, struct json_object **now,
			 struct change_members *m, struct change_result *out,
			 struct scim_problem *p)
{
	int r = scim_immutable_check(dir_type(head->kind), old, *now, p);
	bool was_active;

	if (r == 0)
		r = scim_immutable_carry(dir_type(head->kind), old, now);
	if (r < 0)
		return r;
	*out = (struct change_result){ head->kind, head->seq, false, false };
	if (m)
		change_members_settle(m);
	if (json_object_equal(old, *now) && !(m && (m->added.len || m->removed.len)))
		return 0;
	was_active = head->active != 0;
	r = change_save(t, c, what, head, old, *now, m, p);
	out->changed = true;
	out->disabled = head->kind == RESOURCE_USER && was_active && !head->active;
	return r;
}

int change_replace(struct store_txn *t, const struct change *c, uint8_t kind, const char *id,
		   struct json_object *body, struct change_result *out, struct scim_problem *p)
{
	struct json_object *old = NULL, *now = NULL, *members = NULL;
	struct change_members m = { 0 };
	struct dir_record rec;
	struct dir_head head;
	int r = change_open(t, c, kind, id, &rec, &old, p);

	if (r == 0)
		r = scim_accept(dir_type(kind), body, &now, p);
	if (r < 0)
		goto out;
	head = rec.head;
	if (kind == RESOURCE_GROUP) {
		members = change_members_out(now);
		change_members_init(&m, t, &head);
		r = change_members_set(&m, members, p);
	}
	if (r == 0)
		r = change_finish(t, c, FEED_PUT, &head, old, &now,
				  kind == RESOURCE_GROUP ? &m : NULL, out, p);
out:
	change_members_free(&m);
	json_object_put(members);
	json_object_put(now);
	json_object_put(old);
	return r;
}

int change_patch(struct store_txn *t, const struct change *c, uint8_t kind, const char *id,
		 struct json_object *body, struct change_result *out, struct scim_problem *p)
{
	struct json_object *old = NULL, *now = NULL;
	struct change_members m = { 0 };
	struct dir_record rec;
	struct dir_head head;
	int r = change_open(t, c, kind, id, &rec, &old, p);

	if (r < 0)
		goto out;
	head = rec.head;
	change_members_init(&m, t, &head);
	r = scim_patch(dir_type(kind), old, body, kind == RESOURCE_GROUP ? &m.list : NULL, &now, p);
	if (r == 0)
		r = change_finish(t, c, FEED_PATCH, &head, old, &now,
				  kind == RESOURCE_GROUP ? &m : NULL, out, p);
out:
	change_members_free(&m);
	json_object_put(now);
	json_object_put(old);
	return r;
}

struct change_groups {
	uint64_t *seq;
	size_t count, cap;
};

static int change_group_seen(void *arg, uint64_t group)
{
	struct change_groups *g = arg;

	if (g->count == g->cap) {
		size_t cap = g->cap ? g->cap * 2 : 64;
		uint64_t *more = reallocarray(g->seq, cap, sizeof(*more));

		if (!more)
			return -ENOMEM;
		g->seq = more;
		g->cap = cap;
	}
	g->seq[g->count++] = group;
	return 0;
}

// Out of every group, whose versions say so.
static int change_leave(struct store_txn *t, uint64_t seq, struct change_members *m)
{
	struct change_groups g = { 0 };
	struct dir_record rec;
	int r = dir_member_of(t, seq, change_group_seen, &g);

	for (size_t i = 0; r == 0 && i < g.count; i++) {
		r = dir_get(t, RESOURCE_GROUP, g.seq[i], &rec);
		if (r == 0)
			r = buf_add(&m->left, rec.head.id, DIR_ID_LEN);
		if (r == 0)
			r = dir_member_drop(t, g.seq[i], seq);
		if (r == 0)
			r = change_touch(t, g.seq[i]);
	}
	free(g.seq);
	return r;
}

// All that was there is what changed.
static int change_audit_gone(struct store_txn *t, const struct change *c,
			     const struct dir_head *head, const char *label,
			     struct json_object *old, const struct change_members *m)
{
	struct json_object *changes = change_differences(old, NULL);
	int r = -ENOMEM;

	if (changes)
		r = change_audit(t, c,
				 head->kind == RESOURCE_USER ? "user-deleted" : "group-deleted",
				 head, label, changes, m);
	json_object_put(changes);
	return r;
}

int change_delete(struct store_txn *t, const struct change *c, uint8_t kind, const char *id,
		  struct scim_problem *p)
{
	struct json_object *old = NULL;
	struct change_members m = { 0 };
	char *label = NULL;
	unsigned char key[8];
	struct dir_record rec;
	struct dir_head head;
	uint64_t generation;
	int r = change_open(t, c, kind, id, &rec, &old, p);

	if (r < 0)
		goto out;
	head = rec.head; // the record's place is gone with the first write
	label = strndup(rec.label, head.label_len);
	r = label ? dir_index(t, kind, head.seq, old, NULL) : -ENOMEM;
	if (r == 0 && kind == RESOURCE_GROUP) {
		change_members_init(&m, t, &head);
		r = m.list.clear(&m, p);
	}
	if (r == 0)
		r = change_leave(t, head.seq, &m);
	store_be(key, head.seq);
	if (r == 0)
		r = store_drop(t, dir_of(kind), (struct store_bytes){ key, 8 });
	if (r == 0)
		r = store_drop(t, DIR_ID, (struct store_bytes){ head.id, DIR_ID_LEN });
	if (r == 0)
		r = dir_counter_next(t, "generation", &generation);
	if (r == 0)
		r = feed_add(t, FEED_DELETE, kind, id, "");
	if (r == 0)
		r = change_audit_gone(t, c, &head, label, old, &m);
out:
	change_members_free(&m);
	free(label);
	json_object_put(old);
	return r;
}
