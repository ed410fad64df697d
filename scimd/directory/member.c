// SPDX-License-Identifier: MIT
//
// Who is in which group, one entry each way: adding a member costs the same
// whatever the size of the group. See db.h.
#include "scimd/directory/db.h"
#include <errno.h>
#include <string.h>

static void member_key(unsigned char key[16], uint64_t a, uint64_t b)
{
	store_be(key, a);
	store_be(key + 8, b);
}

int dir_member_add(struct store_txn *t, uint64_t group, const struct dir_head *member)
{
	unsigned char key[16], who[1 + DIR_ID_LEN];
	int r;

	who[0] = member->kind;
	memcpy(who + 1, member->id, DIR_ID_LEN);
	member_key(key, group, member->seq);
	r = store_add(t, DIR_MEMBER, (struct store_bytes){ key, 16 },
		      (struct store_bytes){ who, sizeof(who) });
	if (r < 0)
		return r;
	member_key(key, member->seq, group);
	return store_put(t, DIR_MEMBER_OF, (struct store_bytes){ key, 16 },
			 (struct store_bytes){ "", 0 });
}

int dir_member_drop(struct store_txn *t, uint64_t group, uint64_t member)
{
	unsigned char key[16];
	int r;

	member_key(key, group, member);
	r = store_drop(t, DIR_MEMBER, (struct store_bytes){ key, 16 });
	if (r < 0)
		return r;
	member_key(key, member, group);
	return store_drop(t, DIR_MEMBER_OF, (struct store_bytes){ key, 16 });
}

int dir_member_get(struct store_txn *t, uint64_t group, uint64_t member)
{
	unsigned char key[16];
	struct store_bytes v;

	member_key(key, group, member);
	return store_get(t, DIR_MEMBER, (struct store_bytes){ key, 16 }, &v);
}

// Every entry whose key begins with `first`.
static int member_walk(struct store_txn *t, enum dir_db db, uint64_t first,
		       int (*fn)(void *arg, uint64_t second, struct store_bytes value), void *arg)
{
	unsigned char from[8];
	struct store_bytes k, v;
	struct store_walk *w;
	int r = store_walk_open(t, db, &w);

	if (r < 0)
		return r;
	store_be(from, first);
	r = store_walk_seek(w, (struct store_bytes){ from, 8 }, &k, &v);
	while (r == 0 && k.len == 16 && memcmp(k.data, from, 8) == 0) {
		r = fn(arg, store_number((const char *)k.data + 8), v);
		if (r == 0)
			r = store_walk_next(w, &k, &v);
	}
	store_walk_close(w);
	return r == -ENOENT ? 0 : r;
}

struct member_call {
	int (*fn)(void *arg, const struct dir_member *m);
	int (*of)(void *arg, uint64_t group);
	void *arg;
};

static int member_one(void *call, uint64_t seq, struct store_bytes value)
{
	const struct member_call *c = call;
	const uint8_t *p = value.data;
	struct dir_member m = { .seq = seq };

	if (value.len != 1 + DIR_ID_LEN)
		return -EBADMSG;
	m.kind = p[0];
	m.id = p + 1;
	return c->fn(c->arg, &m);
}

int dir_member_each(struct store_txn *t, uint64_t group,
		    int (*fn)(void *arg, const struct dir_member *m), void *arg)
{
	struct member_call c = { .fn = fn, .arg = arg };

	return member_walk(t, DIR_MEMBER, group, member_one, &c);
}

static int member_of_one(void *call, uint64_t seq, struct store_bytes value)
{
	const struct member_call *c = call;

	(void)value;
	return c->of(c->arg, seq);
}

int dir_member_of(struct store_txn *t, uint64_t member, int (*fn)(void *arg, uint64_t group),
		  void *arg)
{
	struct member_call c = { .of = fn, .arg = arg };

	return member_walk(t, DIR_MEMBER_OF, member, member_of_one, &c);
}
