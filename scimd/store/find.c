// SPDX-License-Identifier: MIT
//
// The reverse table: from the words that a record is known by to the record, so that
// nobody walks the store for one name. It is made of the records alone (find_changed
// is called by whatever writes one), and made anew where a store has none.
//
// Key: 8 bytes of hash of the word in small letters; value: the first 8 bytes of the
// records' key. Both may meet by chance, so whoever finds compares. What a
// transaction adds is kept until its end and put in order, which makes the first
// fill of a large directory cheap.
#include "scimd/base/fail.h"
#include "scimd/scim/resource.h"
#include "scimd/store/internal.h"
#include <scimd/image.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIND_SEED 0x7363696d66696e64u

static char find_small(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static uint64_t find_hash(const char *word, size_t len)
{
	char small[256];
	uint64_t h = FIND_SEED;

	for (size_t at = 0; at < len; at += sizeof(small)) {
		size_t n = len - at < sizeof(small) ? len - at : sizeof(small);

		for (size_t i = 0; i < n; i++)
			small[i] = find_small(word[at + i]);
		h = image_hash(h, small, n);
	}
	return h;
}

static void find_add_word(struct find_words *w, const char *word, size_t len)
{
	uint64_t h = find_hash(word, len);

	for (size_t i = 0; i < w->count; i++)
		if (w->hash[i] == h)
			return;
	if (len && w->count < FIND_WORDS_MAX)
		w->hash[w->count++] = h;
}

void find_of_resource(const struct store_resource *r, struct find_words *w)
{
	struct field f;
	size_t pos = 0;

	find_add_word(w, r->id, strlen(r->id));
	if (r->kind == RESOURCE_GROUP)
		find_add_word(w, STORE_GROUPS, strlen(STORE_GROUPS));
	while (resource_next(r->bytes, r->len, &pos, &f) == 1) {
		const char *at;

		if (f.tag != FIELD_USER_NAME && f.tag != FIELD_NAME &&
		    !(f.tag == FIELD_DISPLAY && r->kind == RESOURCE_GROUP))
			continue;
		at = memchr(f.text, '@', f.len);
		find_add_word(w, f.text, f.len);
		if (at)
			find_add_word(w, f.text, (size_t)(at - f.text));
	}
}

void find_of_ledger(const struct store_ledger *l, struct find_words *w)
{
	char number[16];
	int n = snprintf(number, sizeof(number), "%u", l->kind == RESOURCE_USER ? l->uid : l->gid);

	find_add_word(w, l->name, strlen(l->name));
	find_add_word(w, number, (size_t)n);
	if (l->deleted) // the others have a resource, which knows its id
		find_add_word(w, l->id, strlen(l->id));
}

static bool find_has(const struct find_words *w, uint64_t hash)
{
	for (size_t i = 0; w && i < w->count; i++)
		if (w->hash[i] == hash)
			return true;
	return false;
}

static int find_keep(struct store_txn *t, uint64_t word, const uint8_t key[DIGEST_LEN])
{
	if (t->found_count == t->found_cap) {
		size_t cap = t->found_cap ? t->found_cap * 2 : 256;
		struct find_pair *more = reallocarray(t->found, cap, sizeof(*more));

		if (!more)
			return -ENOMEM;
		t->found = more;
		t->found_cap = cap;
	}
	memcpy(t->found[t->found_count].word, &word, FIND_LEN);
	memcpy(t->found[t->found_count++].record, key, FIND_LEN);
	return 0;
}

static int find_order(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct find_pair));
}

int find_flush(struct store_txn *t)
{
	MDB_cursor *cur;
	int r;

	if (!t->found_count)
		return 0;
	qsort(t->found, t->found_count, sizeof(*t->found), find_order);
	r = store_errno(mdb_cursor_open(t->txn, store_dbi(t, STORE_FIND), &cur));
	if (r < 0)
		return r;
	for (size_t i = 0; i < t->found_count && r == 0; i++) {
		MDB_val k = { FIND_LEN, t->found[i].word };
		MDB_val v = { FIND_LEN, t->found[i].record };
		int rc = mdb_cursor_put(cur, &k, &v, MDB_NODUPDATA);

		r = rc == MDB_KEYEXIST ? 0 : store_errno(rc);
	}
	mdb_cursor_close(cur);
	t->found_count = 0;
	return r;
}

int find_changed(struct store_txn *t, const uint8_t key[DIGEST_LEN], const struct find_words *was,
		 const struct find_words *is, const struct find_words *besides)
{
	int r = 0;

	for (size_t i = 0; is && i < is->count && r == 0; i++)
		if (!find_has(was, is->hash[i]))
			r = find_keep(t, is->hash[i], key);
	for (size_t i = 0; was && i < was->count && r == 0; i++) {
		MDB_val k = { FIND_LEN, (void *)(uintptr_t)&was->hash[i] };
		MDB_val v = { FIND_LEN, (void *)(uintptr_t)key };

		if (find_has(is, was->hash[i]) || find_has(besides, was->hash[i]))
			continue;
		r = find_flush(t);
		if (r == 0)
			r = store_errno(mdb_del(t->txn, store_dbi(t, STORE_FIND), &k, &v));
		r = r == -ENOENT ? 0 : r;
	}
	return r;
}

// -------------------------------------------------------------------- finding

struct find {
	struct store_txn *t;
	int (*fn)(void *arg, const struct store_resource *r, const struct store_ledger *l);
	void *arg;
};

static int find_resource(void *arg, const struct store_resource *r)
{
	const struct find *f = arg;
	struct store_ledger l;
	int rc = store_ledger_get(f->t, r->source, r->kind, r->id, &l);

	return rc < 0 && rc != -ENOENT ? rc : f->fn(f->arg, r, rc == 0 ? &l : NULL);
}

static int find_ledger(void *arg, const struct store_ledger *l)
{
	const struct find *f = arg;
	struct store_resource r;
	int rc = store_resource_get(f->t, l->source, l->kind, l->id, &r);

	return rc == -ENOENT ? f->fn(f->arg, NULL, l) : rc < 0 ? rc : 0; // found by its resource
}

int store_find(struct store_txn *t, const char *word,
	       int (*fn)(void *arg, const struct store_resource *r, const struct store_ledger *l),
	       void *arg)
{
	struct find f = { t, fn, arg };
	uint64_t hash = find_hash(word, strlen(word));
	MDB_val k = { FIND_LEN, &hash }, v;
	MDB_cursor *cur;
	int r = find_flush(t);

	if (r == 0)
		r = store_errno(mdb_cursor_open(t->txn, store_dbi(t, STORE_FIND), &cur));
	if (r < 0)
		return r;
	for (MDB_cursor_op op = MDB_SET_KEY; r == 0; op = MDB_NEXT_DUP) {
		unsigned char head[FIND_LEN];

		r = store_errno(mdb_cursor_get(cur, &k, &v, op));
		if (r == 0 && v.mv_size != sizeof(head))
			r = -EBADMSG;
		if (r < 0)
			break;
		memcpy(head, v.mv_data, sizeof(head));
		r = store_resource_near(t, head, find_resource, &f);
		if (r == 0)
			r = store_ledger_near(t, head, find_ledger, &f);
	}
	mdb_cursor_close(cur);
	return r == -ENOENT ? 0 : r;
}

// ----------------------------------------------------------------- made anew

static int find_again_resource(void *arg, const struct store_resource *r)
{
	struct find_words w = { 0 };
	uint8_t key[DIGEST_LEN];
	int rc = store_key(key, r->source, r->kind, r->id);

	find_of_resource(r, &w);
	return rc < 0 ? rc : find_changed(arg, key, NULL, &w, NULL);
}

static int find_again_ledger(void *arg, const struct store_ledger *l)
{
	struct find_words w = { 0 };
	uint8_t key[DIGEST_LEN];
	int rc = store_key(key, l->source, l->kind, l->id);

	find_of_ledger(l, &w);
	return rc < 0 ? rc : find_changed(arg, key, NULL, &w, NULL);
}

int find_rebuild(struct store_txn *t)
{
	int r = store_errno(mdb_drop(t->txn, store_dbi(t, STORE_FIND), 0));

	if (r == 0)
		r = store_resource_each(t, find_again_resource, t);
	if (r == 0)
		r = store_ledger_each(t, find_again_ledger, t);
	return r == 0 ? find_flush(t) : r;
}
