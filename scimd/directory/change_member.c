// SPDX-License-Identifier: MIT
//
// A group's members as requests change them; see change_internal.h.
#include "scimd/directory/change_internal.h"
#include "scimd/scim/json.h"
#include "scimd/scim/problem.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

static int member_named(struct change_members *m, const char *id)
{
	if (!m->named)
		m->named = json_object_new_array();
	if (!m->named)
		return -ENOMEM;
	if (json_object_array_length(m->named) >= CHANGE_NAMED)
		return 0;
	return json_object_array_add(m->named, json_object_new_string(id)) < 0 ? -ENOMEM : 0;
}

static int member_add(void *arg, struct json_object *member, struct scim_problem *p)
{
	struct change_members *m = arg;
	const char *id = json_string(json_member(member, "value"));
	struct dir_record r;
	int rc;

	if (!id)
		return scim_problem(p, 400, "invalidValue", "members: a member needs a value");
	rc = dir_find(m->t, 0, id, &r);
	if (rc == -ENOENT)
		return scim_problem(p, 400, "invalidValue", "members: there is no resource \"%s\"",
				    id);
	if (rc < 0)
		return rc;
	if (r.head.seq == m->group.seq)
		return scim_problem(p, 400, "invalidValue", "members: a group cannot be in itself");
	rc = dir_member_add(m->t, m->group.seq, &r.head);
	if (rc < 0)
		return rc == -EEXIST ? 0 : rc;
	m->added++;
	return member_named(m, id);
}

static int member_remove(void *arg, const char *value, struct scim_problem *p)
{
	struct change_members *m = arg;
	struct dir_record r;
	int rc = dir_find(m->t, 0, value, &r);

	(void)p;
	if (rc == 0)
		rc = dir_member_drop(m->t, m->group.seq, r.head.seq);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	m->removed++;
	return member_named(m, value);
}

struct member_list {
	uint64_t *seq;
	size_t count, cap;
};

static int member_collect(void *arg, const struct dir_member *d)
{
	struct member_list *l = arg;

	if (l->count == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 256;
		uint64_t *more = reallocarray(l->seq, cap, sizeof(*more));

		if (!more)
			return -ENOMEM;
		l->seq = more;
		l->cap = cap;
	}
	l->seq[l->count++] = d->seq;
	return 0;
}

static int member_clear(void *arg, struct scim_problem *p)
{
	struct change_members *m = arg;
	struct member_list l = { 0 };
	int r = dir_member_each(m->t, m->group.seq, member_collect, &l);

	(void)p;
	for (size_t i = 0; r == 0 && i < l.count; i++)
		r = dir_member_drop(m->t, m->group.seq, l.seq[i]);
	if (r == 0)
		m->removed += l.count;
	free(l.seq);
	return r;
}

struct member_call {
	int (*fn)(void *arg, struct json_object *member);
	void *arg;
};

static int member_one(void *arg, const struct dir_member *d)
{
	struct member_call *c = arg;
	struct json_object *o = json_object_new_object();
	char id[DIR_ID_TEXT];
	int r = -ENOMEM;

	dir_id_text(id, d->id);
	if (o && json_object_object_add(o, "value", json_object_new_string(id)) == 0 &&
	    json_object_object_add(o, "type",
				   json_object_new_string(d->kind == RESOURCE_USER ? "User"
										   : "Group")) == 0)
		r = c->fn(c->arg, o);
	json_object_put(o);
	return r;
}

static int member_each(void *arg, int (*fn)(void *fn_arg, struct json_object *member), void *fn_arg)
{
	struct change_members *m = arg;
	struct member_call c = { fn, fn_arg };

	return dir_member_each(m->t, m->group.seq, member_one, &c);
}

void change_members_init(struct change_members *m, struct store_txn *t, const struct dir_head *g)
{
	*m = (struct change_members){ .t = t, .group = *g };
	m->list = (struct scim_patch_list){ .arg = m,
					    .add = member_add,
					    .remove = member_remove,
					    .clear = member_clear,
					    .each = member_each };
}

void change_members_free(struct change_members *m)
{
	json_object_put(m->named);
}

int change_members_add(struct change_members *m, struct json_object *members,
		       struct scim_problem *p)
{
	size_t n = json_object_is_type(members, json_type_array) ? json_object_array_length(members)
								 : 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = member_add(m, json_object_array_get_idx(members, i), p);
	return r;
}

// What is in both lists stays untouched, so that a PUT of 10,000 members that changes
// one costs one.
int change_members_set(struct change_members *m, struct json_object *members,
		       struct scim_problem *p)
{
	struct member_list l = { 0 };
	struct json_object *keep = json_object_new_object();
	size_t n = json_object_is_type(members, json_type_array) ? json_object_array_length(members)
								 : 0;
	int r = keep ? dir_member_each(m->t, m->group.seq, member_collect, &l) : -ENOMEM;

	for (size_t i = 0; r == 0 && i < n; i++) {
		const char *id =
			json_string(json_member(json_object_array_get_idx(members, i), "value"));

		if (id && json_object_object_add(keep, id, json_object_new_boolean(true)) < 0)
			r = -ENOMEM;
	}
	for (size_t i = 0; r == 0 && i < l.count; i++) {
		struct dir_record rec;
		char id[DIR_ID_TEXT];

		r = dir_get(m->t, RESOURCE_USER, l.seq[i], &rec);
		if (r == -ENOENT)
			r = dir_get(m->t, RESOURCE_GROUP, l.seq[i], &rec);
		if (r < 0)
			break;
		dir_id_text(id, rec.head.id);
		if (!json_object_object_get_ex(keep, id, NULL))
			r = member_remove(m, id, p);
	}
	if (r == 0)
		r = change_members_add(m, members, p);
	json_object_put(keep);
	free(l.seq);
	return r;
}
