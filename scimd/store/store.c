// SPDX-License-Identifier: MIT
//
// Transactions of the LMDB environment. How it is opened is in open.c, how it grows
// and comes back in grow.c, what lies in it in record.c.
#include "scimd/store/store.h"
#include "scimd/base/fail.h"
#include "scimd/store/internal.h"
#include <errno.h>
#include <stdlib.h>

int store_errno(int rc)
{
	switch (rc) {
	case 0:
		return 0;
	case MDB_NOTFOUND:
		return -ENOENT;
	case MDB_MAP_FULL:
		return -STORE_EFULL;
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_INVALID:
	case MDB_PANIC:
	case MDB_VERSION_MISMATCH:
	case MDB_INCOMPATIBLE:
	case MDB_BAD_TXN:
	case MDB_BAD_DBI:
		return -EBADMSG;
	default:
		return rc > 0 ? -rc : -EIO;
	}
}

MDB_dbi store_dbi(const struct store_txn *t, unsigned int db)
{
	return t->store->dbi[db];
}

static int store_once(struct store *s, int (*fn)(struct store_txn *t, void *arg, struct fail *f),
		      void *arg, struct fail *f)
{
	struct store_txn t = { .store = s };
	int rc, r;

	rc = store_begin(s, 0, &t.txn);
	if (rc) {
		r = fail(f, -store_errno(rc), "store: %s", mdb_strerror(rc));
		goto out;
	}
	r = fn(&t, arg, f);
	if (r >= 0)
		r = find_flush(&t);
	if (r < 0) {
		mdb_txn_abort(t.txn);
		goto out;
	}
	rc = mdb_txn_commit(t.txn);
	r = store_errno(rc);
	if (r < 0 && r != -STORE_EFULL)
		(void)fail(f, -r, "store: commit: %s", mdb_strerror(rc));
out:
	free(t.found);
	(void)pthread_rwlock_unlock(&s->growing);
	return r;
}

static int store_run(struct store *s, int (*fn)(struct store_txn *t, void *arg, struct fail *f),
		     void *arg, bool vital, struct fail *f)
{
	int r;

	for (;;) {
		r = store_once(s, fn, arg, f);
		// The disk is full: what was kept back for this moment is given up.
		if (store_no_room(s, r) && vital && store_reserve_release(s))
			continue;
		if (r != -STORE_EFULL)
			return r;
		r = store_grow(s, f);
		if (r < 0)
			return r;
	}
}

int store_apply(struct store *s, int (*fn)(struct store_txn *t, void *arg, struct fail *f),
		void *arg, struct fail *f)
{
	return store_run(s, fn, arg, s->host, f);
}

int store_apply_vital(struct store *s, int (*fn)(struct store_txn *t, void *arg, struct fail *f),
		      void *arg, struct fail *f)
{
	return store_run(s, fn, arg, true, f);
}

int store_try(struct store_txn *t, int (*fn)(struct store_txn *t, void *arg, struct fail *f),
	      void *arg, struct fail *f)
{
	struct store_txn inner = { .store = t->store };
	int r = store_errno(mdb_txn_begin(t->store->env, t->txn, 0, &inner.txn));

	if (r < 0)
		return fail(f, -r, "store: %s", fail_word(r));
	r = fn(&inner, arg, f);
	if (r >= 0)
		r = find_flush(&inner);
	if (r < 0)
		mdb_txn_abort(inner.txn);
	else
		r = store_errno(mdb_txn_commit(inner.txn));
	free(inner.found);
	return r;
}

int store_view(struct store *s, struct store_txn **out, struct fail *f)
{
	struct store_txn *t = calloc(1, sizeof(*t));
	int rc;

	if (!t)
		return fail(f, ENOMEM, "out of memory");
	t->store = s;
	rc = store_begin(s, MDB_RDONLY, &t->txn);
	if (rc) {
		(void)pthread_rwlock_unlock(&s->growing);
		free(t);
		return fail(f, -store_errno(rc), "store: %s", mdb_strerror(rc));
	}
	*out = t;
	return 0;
}

void store_view_end(struct store_txn *t)
{
	if (!t)
		return;
	mdb_txn_abort(t->txn);
	(void)pthread_rwlock_unlock(&t->store->growing);
	free(t);
}

int store_copy(struct store *s, int fd, struct fail *f)
{
	int rc;

	for (int i = 0;; i++) {
		(void)pthread_rwlock_rdlock(&s->growing);
		rc = s->env ? mdb_env_copyfd2(s->env, fd, MDB_CP_COMPACT) : MDB_PANIC;
		(void)pthread_rwlock_unlock(&s->growing);
		if (i == 1 || !store_recover(s, &rc))
			break;
	}
	return rc ? fail(f, -store_errno(rc), "the store cannot be copied: %s", mdb_strerror(rc))
		  : 0;
}

void store_tend(struct store *s)
{
	int dead;

	(void)store_reserve(s);
	(void)mdb_reader_check(s->env, &dead);
	store_rest(s);
}

int store_stat(struct store *s, struct store_stats *out)
{
	struct store_stats st = { .map_size = s->map_size };
	uint64_t *counts[] = { NULL, &st.audit, &st.resources, &st.ledger };
	struct store_txn *t;
	MDB_envinfo info;
	MDB_stat ms;
	int r = store_view(s, &t, NULL);

	if (r < 0)
		return r;
	for (size_t i = 0; i < (s->host ? STORE_FIND : STORE_RESOURCE); i++)
		if (counts[i] && mdb_stat(t->txn, s->dbi[i], &ms) == 0)
			*counts[i] = ms.ms_entries;
	if (mdb_env_info(s->env, &info) == 0 && mdb_env_stat(s->env, &ms) == 0) {
		st.bytes = (uint64_t)(info.me_last_pgno + 1) * ms.ms_psize;
		st.commits = info.me_last_txnid;
	}
	store_view_end(t);
	*out = st;
	return 0;
}
