// SPDX-License-Identifier: MIT
//
// What the files of the store share; nobody else includes this.
#ifndef SCIMD_STORE_INTERNAL_H
#define SCIMD_STORE_INTERNAL_H

#include "scimd/store/store.h"
#include <errno.h>
#include <limits.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>

// The first two are in every store; the rest are the host's, or the caller's own (raw.h).
enum store_db {
	STORE_STATE,
	STORE_AUDIT,
	STORE_RESOURCE,
	STORE_LEDGER,
	STORE_FIND,
	STORE_QUEUE,
	STORE_DBS
};

#define STORE_EFULL EXFULL // the map is full: grow and run again; never leaves the store

struct store {
	MDB_env *env; // NULL: it broke and could not be opened again yet
	MDB_dbi dbi[STORE_DB_MAX];
	const char *names[STORE_DB_MAX];
	size_t count;             // of databases
	bool host;                // its own are the host's (record.c)
	pthread_rwlock_t growing; // views and writers hold it shared, growing takes it alone
	size_t map_size, map_max;
	size_t last_commit; // what was known when the environment broke
	atomic_uint looks;  // trim.c
	int lock;
	char dir[PATH_MAX], reserve[PATH_MAX];
};

#define FIND_LEN 8

struct find_pair {
	unsigned char word[FIND_LEN], record[FIND_LEN];
};

struct store_txn {
	struct store *store;
	MDB_txn *txn;
	struct find_pair *found; // new entries of the reverse table, put in at the end
	size_t found_count, found_cap;
};

// trim.c, both in a transaction: one look at the map; so many of one walk.
void store_step(struct store *s);
void store_walked(struct store *s, unsigned int steps);
void store_rest(struct store *s); // outside of any

MDB_dbi store_dbi(const struct store_txn *t, unsigned int db);
int store_errno(int rc); // of LMDB's codes, 0 or -errno

// reserve.c: whether a commit failed with r since the disk is full.
bool store_no_room(const struct store *s, int r);
// open.c: an environment at dir, if what lies there is whole; -EBADMSG: it is damaged.
int store_attempt(struct store *s, const char *dir, struct fail *f);

const char *store_knows(const struct store *s); // the format
// Maps it, when it has all its pages. One of LMDB's codes.
int store_map(struct store *s, const char *dir, unsigned int flags);
// probe.c: the same, looked at whole by a child; 0 also where it could not look.
int store_probe(struct store *s, const char *dir, struct fail *f);

// grow.c
int store_grow(struct store *s, struct fail *f);
// With `growing` held shared, also after a failure. One of LMDB's codes.
int store_begin(struct store *s, unsigned int flags, MDB_txn **out);
bool store_recover(struct store *s, int *rc); // whether that code is worth another try

// record.c
int store_key(uint8_t key[DIGEST_LEN], const char *source, uint8_t kind, const char *id);
// The records whose key begins with these bytes.
int store_resource_near(struct store_txn *t, const unsigned char head[FIND_LEN],
			int (*fn)(void *arg, const struct store_resource *r), void *arg);
int store_ledger_near(struct store_txn *t, const unsigned char head[FIND_LEN],
		      int (*fn)(void *arg, const struct store_ledger *l), void *arg);

// find.c: the words that a record is known by, and what a change of them means. was,
// is: NULL before it was there, and after; besides: of the other record with the same key.
#define FIND_WORDS_MAX 16

struct find_words {
	size_t count;
	uint64_t hash[FIND_WORDS_MAX];
};

void find_of_resource(const struct store_resource *r, struct find_words *w);
void find_of_ledger(const struct store_ledger *l, struct find_words *w);
int find_changed(struct store_txn *t, const uint8_t key[DIGEST_LEN], const struct find_words *was,
		 const struct find_words *is, const struct find_words *besides);
int find_flush(struct store_txn *t);
int find_rebuild(struct store_txn *t);

#endif
