// SPDX-License-Identifier: MIT
//
// What store.c, record.c, audit.c and reserve.c share; nobody else includes this.
#ifndef SCIMD_STORE_INTERNAL_H
#define SCIMD_STORE_INTERNAL_H

#include "scimd/store/store.h"
#include <errno.h>
#include <limits.h>
#include <lmdb.h>
#include <pthread.h>

// The first two are in every store; the rest are the host's, or the caller's own (raw.h).
enum store_db { STORE_STATE, STORE_AUDIT, STORE_RESOURCE, STORE_LEDGER, STORE_QUEUE, STORE_DBS };

#define STORE_EFULL EXFULL // the map is full: grow and run again; never leaves the store

struct store {
	MDB_env *env;
	MDB_dbi dbi[STORE_DB_MAX];
	const char *names[STORE_DB_MAX];
	size_t count;             // of databases
	bool host;                // its own are the host's (record.c)
	pthread_rwlock_t growing; // views and writers hold it shared, growing takes it alone
	size_t map_size, map_max;
	int lock;
	char reserve[PATH_MAX];
};

struct store_txn {
	struct store *store;
	MDB_txn *txn;
};

MDB_dbi store_dbi(const struct store_txn *t, unsigned int db);
int store_errno(int rc); // of LMDB's codes, 0 or -errno

#endif
