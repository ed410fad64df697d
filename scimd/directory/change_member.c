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
	return buf_add(&m->added, r.head.id, DIR_ID_LEN);
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
	return buf_add(&m->removed, r.head.id, DIR_ID_LEN);
}

struct member_list {
	uint64_t *seq;
	size_t count, cap;
	struct buf *ids; // NULL: not wanted
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
	return l->ids ? buf_add(l->ids, d->id, DIR_ID_LEN) : 0;
}

static int member_clear(void *arg, struct scim_problem *p)
{
	struct change_members *m = arg;
	struct member_list l = { .ids = &m->removed };
	int r = dir_member_each(m->t, m->group.seq, member_collect, &l);

	(void)p;
	for (size_t i = 0; r == 0 && i < l.count; i++)
		r = dir_member_drop(m->t, m->group.seq, l.seq[i]);
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
	buf_free(&m->added);
	buf_free(&m->removed);
	buf_free(&m->left);
}

static int member_order(const void *a, const void *b)
{
	return memcmp(a, b, DIR_ID_LEN);
}

void change_members_settle(struct change_members *m)
{
	char *in = m->added.data, *out = m->removed.data;
	size_t i = 0, o = 0, kept_in = 0, kept_out = 0;

	if (m->added.len == 0 || m->removed.len == 0)
		return;
	qsort(in, m->added.len / DIR_ID_LEN, DIR_ID_LEN, member_order);
	qsort(out, m->removed.len / DIR_ID_LEN, DIR_ID_LEN, member_order);
	while (i < m->added.len || o < m->removed.len) {
		int c = i == m->added.len     ? 1
			: o == m->removed.len ? -1
					      : memcmp(in + i, out + o, DIR_ID_LEN);

		if (c < 0) {
			memmove(in + kept_in, in + i, DIR_ID_LEN);
			kept_in += DIR_ID_LEN;
		} else if (c > 0) {
			memmove(out + kept_out, out + o, DIR_ID_LEN);
			kept_out += DIR_ID_LEN;
		}
		i += c <= 0 ? DIR_ID_LEN : 0;
		o += c >= 0 ? DIR_ID_LEN : 0;
	}
	m->added.len = kept_in;
	m->removed.len = kept_out;
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
