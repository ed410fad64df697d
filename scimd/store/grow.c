// SPDX-License-Identifier: MIT
//
// A map that is full, one that another process has grown, and an environment that
// broke under a running daemon: what a transaction meets before it begins.
#include "scimd/base/fail.h"
#include "scimd/store/internal.h"
#include "scimd/store/store.h"
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

int store_grow(struct store *s, struct fail *f)
{
	size_t size = s->map_size * 2;
	int rc;

	if (size > s->map_max)
		return fail(f, ENOSPC, "the store reached its limit of %zu MiB", s->map_max >> 20);
	(void)pthread_rwlock_wrlock(&s->growing);
	rc = mdb_env_set_mapsize(s->env, size);
	if (rc == 0)
		s->map_size = size;
	(void)pthread_rwlock_unlock(&s->growing);
	return rc ? fail(f, -store_errno(rc), "the store cannot grow: %s", mdb_strerror(rc)) : 0;
}

// Another process has grown the map: take its size.
static int store_follow(struct store *s)
{
	MDB_envinfo info;
	int rc;

	(void)pthread_rwlock_wrlock(&s->growing);
	rc = s->env ? mdb_env_set_mapsize(s->env, 0) : MDB_PANIC;
	if (rc == 0 && mdb_env_info(s->env, &info) == 0)
		s->map_size = info.me_mapsize;
	(void)pthread_rwlock_unlock(&s->growing);
	return rc;
}

// A meta page could not be written, so LMDB refuses everything until the environment
// is opened anew. What is found then must be whole and no older than what was known;
// if it is not, it stays closed, and the next who asks tries again. Nothing is moved
// aside under a running daemon. Returns one of LMDB's codes, never MDB_PANIC.
static int store_renew(struct store *s)
{
	char path[PATH_MAX + 16];
	int rc = MDB_PANIC, r;
	MDB_envinfo info;
	MDB_txn *txn;

	(void)snprintf(path, sizeof(path), "%s/data.mdb", s->dir);
	(void)pthread_rwlock_wrlock(&s->growing);
	if (s->env) {
		rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn);
		if (rc == 0)
			mdb_txn_abort(txn);
	}
	if (rc != MDB_PANIC) // another thread was here before
		goto out;
	if (s->env && mdb_env_info(s->env, &info) == 0)
		s->last_commit = info.me_last_txnid;
	if (s->env)
		mdb_env_close(s->env);
	s->env = NULL;
	// A file that is gone would be made anew, empty.
	r = access(path, F_OK) < 0 ? -errno : store_attempt(s, s->dir, NULL);
	rc = r == -EBADMSG ? MDB_CORRUPTED : -r;
	if (rc == 0 && mdb_env_info(s->env, &info) == 0 && info.me_last_txnid < s->last_commit)
		rc = MDB_CORRUPTED;
	if (rc && s->env) {
		mdb_env_close(s->env);
		s->env = NULL;
	}
out:
	(void)pthread_rwlock_unlock(&s->growing);
	return rc;
}

bool store_recover(struct store *s, int *rc)
{
	if (*rc == MDB_PANIC)
		*rc = store_renew(s);
	else if (*rc == MDB_MAP_RESIZED)
		*rc = store_follow(s);
	else
		return false;
	return *rc == 0 || *rc == MDB_PANIC;
}

int store_begin(struct store *s, unsigned int flags, MDB_txn **out)
{
	int rc;

	for (int i = 0;; i++) {
		(void)pthread_rwlock_rdlock(&s->growing);
		rc = s->env ? mdb_txn_begin(s->env, NULL, flags, out) : MDB_PANIC;
		if ((rc != MDB_MAP_RESIZED && rc != MDB_PANIC) || i == 8)
			return rc;
		(void)pthread_rwlock_unlock(&s->growing);
		if (!store_recover(s, &rc)) {
			(void)pthread_rwlock_rdlock(&s->growing);
			return rc;
		}
	}
}
