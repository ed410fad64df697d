// SPDX-License-Identifier: MIT
//
// Bytes by bytes; see raw.h. LMDB's MDB_val never leaves this folder.
#include "scimd/store/raw.h"
#include "scimd/store/internal.h"
#include <stdlib.h>

struct store_walk {
	struct store *store;
	MDB_cursor *cursor;
	unsigned int steps;
};

static MDB_val raw_val(struct store_bytes b)
{
	return (MDB_val){ b.len, (void *)(uintptr_t)b.data };
}

static struct store_bytes raw_bytes(MDB_val v)
{
	return (struct store_bytes){ v.mv_data, v.mv_size };
}

int store_get(struct store_txn *t, unsigned int db, struct store_bytes key, struct store_bytes *out)
{
	MDB_val k = raw_val(key), v;
	int r = store_errno(mdb_get(t->txn, store_dbi(t, db), &k, &v));

	store_step(t->store);
	if (r == 0)
		*out = raw_bytes(v);
	return r;
}

static int raw_put(struct store_txn *t, unsigned int db, struct store_bytes key,
		   struct store_bytes value, unsigned int flags)
{
	MDB_val k = raw_val(key), v = raw_val(value);
	int rc = mdb_put(t->txn, store_dbi(t, db), &k, &v, flags);

	return rc == MDB_KEYEXIST ? -EEXIST : store_errno(rc);
}

int store_put(struct store_txn *t, unsigned int db, struct store_bytes key,
	      struct store_bytes value)
{
	return raw_put(t, db, key, value, 0);
}

int store_add(struct store_txn *t, unsigned int db, struct store_bytes key,
	      struct store_bytes value)
{
	return raw_put(t, db, key, value, MDB_NOOVERWRITE);
}

int store_drop(struct store_txn *t, unsigned int db, struct store_bytes key)
{
	MDB_val k = raw_val(key);

	return store_errno(mdb_del(t->txn, store_dbi(t, db), &k, NULL));
}

uint64_t store_count(struct store_txn *t, unsigned int db)
{
	MDB_stat st;

	return mdb_stat(t->txn, store_dbi(t, db), &st) == 0 ? st.ms_entries : 0;
}

int store_walk_open(struct store_txn *t, unsigned int db, struct store_walk **out)
{
	struct store_walk *w = calloc(1, sizeof(*w));
	int r = w ? store_errno(mdb_cursor_open(t->txn, store_dbi(t, db), &w->cursor)) : -ENOMEM;

	if (r < 0) {
		free(w);
		return r;
	}
	w->store = t->store;
	*out = w;
	return r;
}

static int raw_move(struct store_walk *w, MDB_val k, MDB_cursor_op op, struct store_bytes *key,
		    struct store_bytes *value)
{
	MDB_val v;
	int r = store_errno(mdb_cursor_get(w->cursor, &k, &v, op));

	store_walked(w->store, ++w->steps);
	if (r < 0)
		return r;
	if (key)
		*key = raw_bytes(k);
	if (value)
		*value = raw_bytes(v);
	return 0;
}

int store_walk_seek(struct store_walk *w, struct store_bytes from, struct store_bytes *key_out,
		    struct store_bytes *value_out)
{
	return raw_move(w, raw_val(from), from.len ? MDB_SET_RANGE : MDB_FIRST, key_out, value_out);
}

int store_walk_next(struct store_walk *w, struct store_bytes *key_out,
		    struct store_bytes *value_out)
{
	return raw_move(w, (MDB_val){ 0, NULL }, MDB_NEXT, key_out, value_out);
}

int store_walk_back(struct store_walk *w, struct store_bytes *key_out,
		    struct store_bytes *value_out)
{
	return raw_move(w, (MDB_val){ 0, NULL }, MDB_PREV, key_out, value_out);
}

int store_walk_last(struct store_walk *w, struct store_bytes *key_out,
		    struct store_bytes *value_out)
{
	return raw_move(w, (MDB_val){ 0, NULL }, MDB_LAST, key_out, value_out);
}

void store_walk_close(struct store_walk *w)
{
	if (!w)
		return;
	mdb_cursor_close(w->cursor);
	free(w);
}
