// SPDX-License-Identifier: MIT
//
// The records of the store. Every value begins with the strings that its key
// was hashed from, each with its NUL, and is parsed with every length checked:
// a damaged page gives -EBADMSG, never a wrong answer.
#include "scimd/base/clock.h"
#include "scimd/store/internal.h"
#include <stdlib.h>
#include <string.h>

struct store_cursor {
	const unsigned char *p, *end;
};

static const char *store_take_str(struct store_cursor *c)
{
	const unsigned char *nul = memchr(c->p, 0, (size_t)(c->end - c->p));
	const char *s = (const char *)c->p;

	if (!nul)
		return NULL;
	c->p = nul + 1;
	return s;
}

static bool store_take(struct store_cursor *c, void *out, size_t len)
{
	if ((size_t)(c->end - c->p) < len)
		return false;
	memcpy(out, c->p, len);
	c->p += len;
	return true;
}

int store_key(uint8_t key[DIGEST_LEN], const char *source, uint8_t kind, const char *id)
{
	struct digest_part parts[] = { { source, strlen(source) + 1 },
				       { &kind, 1 },
				       { id, strlen(id) } };

	return digest_parts(key, parts, 3);
}

static int record_get(struct store_txn *t, enum store_db db, MDB_val *key, struct store_cursor *c)
{
	MDB_val v;
	int r = store_errno(mdb_get(t->txn, store_dbi(t, db), key, &v));

	if (r == 0) {
		c->p = v.mv_data;
		c->end = c->p + v.mv_size;
	}
	return r;
}

// Walks a database, or the keys that begin with `head`, of n bytes; parse turns a value into what
// fn wants.
static int store_each(struct store_txn *t, enum store_db db, const unsigned char *head, size_t n,
		      int (*visit)(struct store_cursor c, void *fn_and_arg), void *fn_and_arg)
{
	MDB_val k = { n, (void *)(uintptr_t)head }, v;
	MDB_cursor *cur;
	int r = store_errno(mdb_cursor_open(t->txn, store_dbi(t, db), &cur));

	if (r < 0)
		return r;
	for (MDB_cursor_op op = head ? MDB_SET_RANGE : MDB_NEXT;; op = MDB_NEXT) {
		struct store_cursor c;

		r = store_errno(mdb_cursor_get(cur, &k, &v, op));
		if (r == -ENOENT || (r == 0 && head && memcmp(k.mv_data, head, n) != 0)) {
			r = 0;
			break;
		}
		if (r < 0)
			break;
		c.p = v.mv_data;
		c.end = c.p + v.mv_size;
		r = visit(c, fn_and_arg);
		if (r != 0)
			break;
	}
	mdb_cursor_close(cur);
	return r;
}

// ---------------------------------------------------------------- resources

static int store_resource_parse(struct store_cursor c, struct store_resource *out)
{
	struct store_resource r = { 0 };

	r.source = store_take_str(&c);
	if (!r.source || !store_take(&c, &r.kind, 1))
		return -EBADMSG;
	r.id = store_take_str(&c);
	if (!r.id || !store_take(&c, r.digest, DIGEST_LEN))
		return -EBADMSG;
	r.bytes = c.p;
	r.len = (size_t)(c.end - c.p);
	*out = r;
	return 0;
}

int store_resource_get(struct store_txn *t, const char *source, uint8_t kind, const char *id,
		       struct store_resource *out)
{
	uint8_t hash[DIGEST_LEN];
	MDB_val key = { DIGEST_LEN, hash };
	struct store_resource found;
	struct store_cursor c;
	int r = store_key(hash, source, kind, id);

	if (r == 0)
		r = record_get(t, STORE_RESOURCE, &key, &c);
	if (r == 0)
		r = store_resource_parse(c, &found);
	if (r == 0 && (found.kind != kind || strcmp(found.source, source) || strcmp(found.id, id)))
		r = -EBADMSG;
	if (r == 0)
		*out = found;
	return r;
}

// What the reverse table has to say when a resource changes; r: NULL, it goes.
static int store_resource_words(struct store_txn *t, const uint8_t key[DIGEST_LEN],
				const char *source, uint8_t kind, const char *id,
				const struct store_resource *r)
{
	struct find_words was = { 0 }, is = { 0 }, besides = { 0 };
	struct store_resource old;
	struct store_ledger l;
	int rc = store_resource_get(t, source, kind, id, &old);

	if (rc == 0) {
		find_of_resource(&old, &was);
		rc = store_ledger_get(t, source, kind, id, &l);
		if (rc == 0)
			find_of_ledger(&l, &besides);
	}
	if (rc < 0 && rc != -ENOENT)
		return rc;
	if (r)
		find_of_resource(r, &is);
	return find_changed(t, key, &was, &is, &besides);
}

int store_resource_put(struct store_txn *t, const struct store_resource *r)
{
	size_t source = strlen(r->source) + 1, id = strlen(r->id) + 1;
	uint8_t hash[DIGEST_LEN], *p;
	MDB_val key = { DIGEST_LEN, hash }, v;
	int rc = store_key(hash, r->source, r->kind, r->id);

	if (rc == 0)
		rc = store_resource_words(t, hash, r->source, r->kind, r->id, r);
	if (rc < 0)
		return rc;
	v.mv_size = source + 1 + id + DIGEST_LEN + r->len;
	v.mv_data = NULL;
	rc = store_errno(mdb_put(t->txn, store_dbi(t, STORE_RESOURCE), &key, &v, MDB_RESERVE));
	if (rc < 0)
		return rc;
	p = v.mv_data;
	memcpy(p, r->source, source);
	p += source;
	*p++ = r->kind;
	memcpy(p, r->id, id);
	memcpy(p + id, r->digest, DIGEST_LEN);
	if (r->len)
		memcpy(p + id + DIGEST_LEN, r->bytes, r->len);
	return 0;
}

int store_resource_drop(struct store_txn *t, const char *source, uint8_t kind, const char *id)
{
	uint8_t hash[DIGEST_LEN];
	MDB_val key = { DIGEST_LEN, hash };
	int r = store_key(hash, source, kind, id);

	if (r == 0)
		r = store_resource_words(t, hash, source, kind, id, NULL);
	if (r == 0)
		r = store_errno(mdb_del(t->txn, store_dbi(t, STORE_RESOURCE), &key, NULL));
	return r;
}

struct store_resource_walk {
	int (*fn)(void *arg, const struct store_resource *r);
	void *arg;
};

static int store_resource_visit(struct store_cursor c, void *walk)
{
	const struct store_resource_walk *w = walk;
	struct store_resource r;
	int rc = store_resource_parse(c, &r);

	return rc < 0 ? rc : w->fn(w->arg, &r);
}

int store_resource_each(struct store_txn *t, int (*fn)(void *arg, const struct store_resource *r),
			void *arg)
{
	struct store_resource_walk w = { fn, arg };

	return store_each(t, STORE_RESOURCE, NULL, 0, store_resource_visit, &w);
}

int store_resource_part(struct store_txn *t, uint8_t part,
			int (*fn)(void *arg, const struct store_resource *r), void *arg)
{
	struct store_resource_walk w = { fn, arg };

	return store_each(t, STORE_RESOURCE, &part, 1, store_resource_visit, &w);
}

int store_resource_near(struct store_txn *t, const unsigned char head[FIND_LEN],
			int (*fn)(void *arg, const struct store_resource *r), void *arg)
{
	struct store_resource_walk w = { fn, arg };

	return store_each(t, STORE_RESOURCE, head, FIND_LEN, store_resource_visit, &w);
}

// ------------------------------------------------------------------- ledger

static int store_ledger_parse(struct store_cursor c, struct store_ledger *out)
{
	struct store_ledger l = { 0 };
	uint8_t deleted = 0;

	l.source = store_take_str(&c);
	if (!l.source || !store_take(&c, &l.kind, 1))
		return -EBADMSG;
	l.id = store_take_str(&c);
	if (!l.id || !store_take(&c, &deleted, 1) || deleted > 1 || !store_take(&c, &l.uid, 4) ||
	    !store_take(&c, &l.gid, 4) || !store_take(&c, &l.first_seen, 8) ||
	    !store_take(&c, &l.last_seen, 8))
		return -EBADMSG;
	l.deleted = deleted == 1;
	l.name = store_take_str(&c);
	if (!l.name || c.p != c.end)
		return -EBADMSG;
	*out = l;
	return 0;
}

int store_ledger_get(struct store_txn *t, const char *source, uint8_t kind, const char *id,
		     struct store_ledger *out)
{
	uint8_t hash[DIGEST_LEN];
	MDB_val key = { DIGEST_LEN, hash };
	struct store_ledger found;
	struct store_cursor c;
	int r = store_key(hash, source, kind, id);

	if (r == 0)
		r = record_get(t, STORE_LEDGER, &key, &c);
	if (r == 0)
		r = store_ledger_parse(c, &found);
	if (r == 0 && (found.kind != kind || strcmp(found.source, source) || strcmp(found.id, id)))
		r = -EBADMSG;
	if (r == 0)
		*out = found;
	return r;
}

static int store_ledger_words(struct store_txn *t, const uint8_t key[DIGEST_LEN],
			      const struct store_ledger *l)
{
	struct find_words was = { 0 }, is = { 0 }, besides = { 0 };
	struct store_ledger old;
	struct store_resource r;
	int rc = store_ledger_get(t, l->source, l->kind, l->id, &old);

	if (rc == 0) {
		find_of_ledger(&old, &was);
		rc = store_resource_get(t, l->source, l->kind, l->id, &r);
		if (rc == 0)
			find_of_resource(&r, &besides);
	}
	if (rc < 0 && rc != -ENOENT)
		return rc;
	find_of_ledger(l, &is);
	return find_changed(t, key, &was, &is, &besides);
}

int store_ledger_put(struct store_txn *t, const struct store_ledger *l)
{
	size_t source = strlen(l->source) + 1, id = strlen(l->id) + 1, name = strlen(l->name) + 1;
	uint8_t hash[DIGEST_LEN], deleted = l->deleted, *p;
	MDB_val key = { DIGEST_LEN, hash }, v;
	int rc = store_key(hash, l->source, l->kind, l->id);

	if (rc == 0)
		rc = store_ledger_words(t, hash, l);
	if (rc < 0)
		return rc;
	v.mv_size = source + 1 + id + 1 + 4 + 4 + 8 + 8 + name;
	v.mv_data = NULL;
	rc = store_errno(mdb_put(t->txn, store_dbi(t, STORE_LEDGER), &key, &v, MDB_RESERVE));
	if (rc < 0)
		return rc;
	p = mempcpy(v.mv_data, l->source, source);
	*p++ = l->kind;
	p = mempcpy(p, l->id, id);
	*p++ = deleted;
	p = mempcpy(p, &l->uid, 4);
	p = mempcpy(p, &l->gid, 4);
	p = mempcpy(p, &l->first_seen, 8);
	p = mempcpy(p, &l->last_seen, 8);
	memcpy(p, l->name, name);
	return 0;
}

struct store_ledger_walk {
	int (*fn)(void *arg, const struct store_ledger *l);
	void *arg;
};

static int store_ledger_visit(struct store_cursor c, void *walk)
{
	const struct store_ledger_walk *w = walk;
	struct store_ledger l;
	int rc = store_ledger_parse(c, &l);

	return rc < 0 ? rc : w->fn(w->arg, &l);
}

int store_ledger_each(struct store_txn *t, int (*fn)(void *arg, const struct store_ledger *l),
		      void *arg)
{
	struct store_ledger_walk w = { fn, arg };

	return store_each(t, STORE_LEDGER, NULL, 0, store_ledger_visit, &w);
}

int store_ledger_near(struct store_txn *t, const unsigned char head[FIND_LEN],
		      int (*fn)(void *arg, const struct store_ledger *l), void *arg)
{
	struct store_ledger_walk w = { fn, arg };

	return store_each(t, STORE_LEDGER, head, FIND_LEN, store_ledger_visit, &w);
}

// -------------------------------------------------------------------- state

int store_state_get(struct store_txn *t, const char *key, const void **data, size_t *len)
{
	MDB_val k = { strlen(key), (void *)(uintptr_t)key };
	struct store_cursor c = { 0 };
	int r = record_get(t, STORE_STATE, &k, &c);

	if (r < 0)
		return r;
	*data = c.p;
	*len = (size_t)(c.end - c.p);
	return 0;
}

int store_state_put(struct store_txn *t, const char *key, const void *data, size_t len)
{
	MDB_val k = { strlen(key), (void *)(uintptr_t)key }, v = { len, (void *)(uintptr_t)data };

	return store_errno(mdb_put(t->txn, store_dbi(t, STORE_STATE), &k, &v, 0));
}

int store_state_text(struct store_txn *t, const char *key, char *out, size_t len)
{
	const void *data;
	size_t n;
	int r = store_state_get(t, key, &data, &n);

	out[0] = '\0';
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	if (n >= len)
		return -ERANGE;
	memcpy(out, data, n);
	out[n] = '\0';
	return 0;
}
