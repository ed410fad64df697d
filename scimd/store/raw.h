// SPDX-License-Identifier: MIT
//
// Bytes by bytes in a caller's own databases (store_options.databases), for a
// program whose records are its own affair. db counts from STORE_RAW. Keys are
// 1 to 511 bytes, in memcmp order. What is found points into the map: valid
// until the next write of the same transaction, or its end.
//
// All return 0 or -errno; -ENOENT: not there.
#ifndef SCIMD_STORE_RAW_H
#define SCIMD_STORE_RAW_H

#include "scimd/store/store.h"

struct store_bytes {
	const void *data;
	size_t len;
};

int store_get(struct store_txn *t, unsigned int db, struct store_bytes key,
	      struct store_bytes *out);
int store_put(struct store_txn *t, unsigned int db, struct store_bytes key,
	      struct store_bytes value);
int store_add(struct store_txn *t, unsigned int db, struct store_bytes key,
	      struct store_bytes value); // -EEXIST if the key is there
int store_drop(struct store_txn *t, unsigned int db, struct store_bytes key);
uint64_t store_count(struct store_txn *t, unsigned int db);

// A walk in key order. Life: store_walk_open, any of the moves, store_walk_close
// (before the transaction ends). After a move that found nothing the walk has no
// place; seek or last gives it one.
struct store_walk;

int store_walk_open(struct store_txn *t, unsigned int db, struct store_walk **out);
int store_walk_seek(struct store_walk *w, struct store_bytes from, struct store_bytes *key_out,
		    struct store_bytes *value_out); // the first key >= from; from.len 0: the first
int store_walk_next(struct store_walk *w, struct store_bytes *key_out,
		    struct store_bytes *value_out);
int store_walk_back(struct store_walk *w, struct store_bytes *key_out,
		    struct store_bytes *value_out);
int store_walk_last(struct store_walk *w, struct store_bytes *key_out,
		    struct store_bytes *value_out);
void store_walk_close(struct store_walk *w);

// Big-endian numbers, so that keys sort as their numbers do.
static inline void store_be(unsigned char out[8], uint64_t v)
{
	for (int i = 7; i >= 0; i--, v >>= 8)
		out[i] = (unsigned char)v;
}

static inline uint64_t store_number(const void *p)
{
	const unsigned char *b = p;
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | b[i];
	return v;
}

#endif
