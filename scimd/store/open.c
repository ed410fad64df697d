// SPDX-License-Identifier: MIT
//
// Opening the LMDB environment, looking whether it is whole, moving it aside if not.
// Default flags only: no NOSYNC, no WRITEMAP (a full disk would be SIGBUS); NOTLS so
// that a view is not bound to its thread's slot.
#include "scimd/base/clock.h"
#include "scimd/base/fail.h"
#include "scimd/store/internal.h"
#include "scimd/store/store.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define STORE_FIRST ((size_t)256 << 20)
#define STORE_MAX ((size_t)64 << 30)
#define STORE_FORMAT "1"
#define STORE_FORMAT_HOST                                                                          \
	"3" // 1 had no reverse table, 2 no STORE_GROUPS in it: made when such a store is opened

static const char *const store_common[] = { "state", "audit" };
static const char *const store_host[] = { "resource", "ledger", "find", "queue", NULL };

static int store_lock(struct store *s, const char *dir, bool shared, struct fail *f)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/lock", dir) >= (int)sizeof(path))
		return fail(f, ENAMETOOLONG, "%s: name too long", dir);
	s->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lock < 0)
		return fail(f, errno, "%s: %s", path, strerror(errno));
	if (flock(s->lock, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return fail(f, errno, "%s: %s", path, strerror(errno));
	return fail(f, EBUSY, "%s: %s", dir,
		    s->host  ? "another scimd holds the store; ask it instead: scimctl sync"
		    : shared ? "the store is being replaced; try again"
			     : "another process holds the store");
}

// Processes that share a store open it one after the other: a data.mdb that one is
// making must not look damaged to the next.
static int store_gate(const char *dir, int *out, struct fail *f)
{
	char path[PATH_MAX];
	int fd;

	if (snprintf(path, sizeof(path), "%s/opening", dir) >= (int)sizeof(path))
		return fail(f, ENAMETOOLONG, "%s: name too long", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fail(f, errno, "%s: %s", path, strerror(errno));
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR) {
			(void)close(fd);
			return fail(f, errno, "%s: %s", path, strerror(errno));
		}
	*out = fd;
	return 0;
}

// LMDB maps the file and trusts its meta page: pages that are not there would be
// SIGBUS at the first look. Returns one of LMDB's codes.
static int store_whole(struct store *s, const char *dir)
{
	char path[PATH_MAX];
	MDB_envinfo info;
	struct stat file;
	MDB_stat st;
	int rc = mdb_env_info(s->env, &info);

	if (rc == 0)
		rc = mdb_env_stat(s->env, &st);
	if (rc)
		return rc;
	if (snprintf(path, sizeof(path), "%s/data.mdb", dir) >= (int)sizeof(path))
		return ENAMETOOLONG;
	if (stat(path, &file) < 0)
		return errno;
	return (uint64_t)file.st_size < (uint64_t)(info.me_last_pgno + 1) * st.ms_psize
		       ? MDB_CORRUPTED
		       : 0;
}

static unsigned int store_flags(const struct store *s, size_t db)
{
	return MDB_CREATE | (s->host && db == STORE_FIND ? MDB_DUPSORT | MDB_DUPFIXED : 0u);
}

int store_map(struct store *s, const char *dir, unsigned int flags)
{
	int rc = mdb_env_create(&s->env);

	if (rc == 0)
		rc = mdb_env_set_maxdbs(s->env, STORE_DB_MAX);
	if (rc == 0)
		rc = mdb_env_set_mapsize(s->env, s->map_size);
	if (rc == 0)
		rc = mdb_env_open(s->env, dir, MDB_NOTLS | flags, 0600);
	return rc == 0 ? store_whole(s, dir) : rc;
}

static int store_env(struct store *s, const char *dir, struct fail *f)
{
	MDB_txn *txn = NULL;
	int rc, dead;

	rc = store_map(s, dir, 0);
	if (rc == 0) // a reader that was killed would keep old pages from being used again
		rc = mdb_reader_check(s->env, &dead);
	if (rc == 0)
		rc = mdb_txn_begin(s->env, NULL, 0, &txn);
	for (size_t i = 0; rc == 0 && i < s->count; i++)
		rc = mdb_dbi_open(txn, s->names[i], store_flags(s, i), &s->dbi[i]);
	if (rc == 0)
		rc = mdb_txn_commit(txn);
	else if (txn)
		mdb_txn_abort(txn);
	if (rc != 0) {
		if (s->env)
			mdb_env_close(s->env);
		s->env = NULL;
		return fail(f, -store_errno(rc), "%s: %s", dir, mdb_strerror(rc));
	}
	return 0;
}

// A damaged store is evidence and may hold the only copy of the ledger: it is
// moved, never deleted.
static int store_move_aside(const char *dir, struct fail *f)
{
	static const char *const names[] = { "data.mdb", "lock.mdb" };
	char to[PATH_MAX], from[PATH_MAX], target[PATH_MAX + 16];

	if (snprintf(to, sizeof(to), "%s/damaged-%lld", dir, (long long)(clock_wall() / 1000)) >=
	    (int)sizeof(to))
		return fail(f, ENAMETOOLONG, "%s: name too long", dir);
	if (mkdir(to, 0700) < 0 && errno != EEXIST)
		return fail(f, errno, "%s: %s", to, strerror(errno));
	for (size_t i = 0; i < 2; i++) {
		if (snprintf(from, sizeof(from), "%s/%s", dir, names[i]) >= (int)sizeof(from) ||
		    snprintf(target, sizeof(target), "%s/%s", to, names[i]) >= (int)sizeof(target))
			return fail(f, ENAMETOOLONG, "%s: name too long", dir);
		if (rename(from, target) < 0 && errno != ENOENT)
			return fail(f, errno, "%s: cannot be moved aside: %s", from,
				    strerror(errno));
	}
	return 0;
}

const char *store_knows(const struct store *s)
{
	return s->host ? STORE_FORMAT_HOST : STORE_FORMAT;
}

static int store_check(struct store *s, struct fail *f)
{
	struct store_txn t = { .store = s };
	char format[16];
	int rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &t.txn), r;

	if (rc)
		return fail(f, -store_errno(rc), "%s", mdb_strerror(rc));
	r = store_state_text(&t, "format", format, sizeof(format));
	if (r == 0 && format[0] && (format[1] || format[0] < '1' || format[0] > *store_knows(s)))
		r = fail(f, ESTALE, "the store has format %s, this scimd knows %s", format,
			 store_knows(s));
	mdb_txn_abort(t.txn);
	return r;
}

static int store_format(struct store_txn *t, void *arg, struct fail *f)
{
	const char *knows = store_knows(t->store);
	char known[32];
	int r = 0;

	(void)arg;
	// Written once: a start that has nothing to say commits nothing.
	if (store_state_text(t, "format", known, sizeof(known)) == 0 && strcmp(known, knows) == 0)
		return 0;
	if (t->store->host)
		r = find_rebuild(t);
	if (r == 0)
		r = store_state_put(t, "format", knows, strlen(knows));
	return r < 0 && r != -STORE_EFULL
		       ? fail(f, -r, "the reverse table cannot be made: %s", fail_word(r))
		       : r;
}

// An empty or odd file is damage too, which LMDB would take for a new one.
static int store_size_sane(const char *dir, struct fail *f)
{
	char path[PATH_MAX];
	struct stat st;

	if (snprintf(path, sizeof(path), "%s/data.mdb", dir) >= (int)sizeof(path))
		return fail(f, ENAMETOOLONG, "%s: name too long", dir);
	if (stat(path, &st) < 0)
		return errno == ENOENT ? 0 : fail(f, errno, "%s: %s", path, strerror(errno));
	if (st.st_size == 0 || st.st_size % 4096 != 0 || st.st_size < 2 * 4096)
		return fail(f, EBADMSG, "%s: %lld bytes, not whole pages", path,
			    (long long)st.st_size);
	return 0;
}

int store_attempt(struct store *s, const char *dir, struct fail *f)
{
	int r = store_size_sane(dir, f);

	if (r == 0)
		r = store_env(s, dir, f);
	if (r < 0)
		return r;
	if (r == 0)
		r = store_check(s, f);
	if (r < 0) {
		mdb_env_close(s->env);
		s->env = NULL;
	}
	return r;
}

static void store_databases(struct store *s, const char *const *own)
{
	s->host = !own;
	for (size_t i = 0; i < sizeof(store_common) / sizeof(*store_common); i++)
		s->names[s->count++] = store_common[i];
	for (own = own ? own : store_host; *own && s->count < STORE_DB_MAX; own++)
		s->names[s->count++] = *own;
}

static int store_enter(struct store *s, const char *dir, bool shared, bool *damaged_out,
		       struct fail *f)
{
	struct fail why = { "" };
	int r = store_lock(s, dir, shared, f);

	if (r < 0)
		return r;
	r = s->host ? store_probe(s, dir, &why) : 0;
	if (r == 0)
		r = store_attempt(s, dir, &why);
	if (r == -EBADMSG && !s->host) // others may be at work in it
		return fail(f, EBADMSG, "store: %s", why.text);
	if (r == -EBADMSG) {
		if (damaged_out)
			*damaged_out = true;
		r = store_move_aside(dir, f);
		if (r < 0)
			return r;
		r = store_attempt(s, dir, &why);
	}
	if (r < 0)
		return fail(f, -r, "store: %s", why.text);
	return store_apply(s, store_format, NULL, f);
}

int store_open(const char *dir, const struct store_options *o, struct store **out,
	       bool *damaged_out, struct fail *f)
{
	struct store *s = calloc(1, sizeof(*s));
	bool shared = o && o->shared;
	int gate = -1, r;

	if (!s)
		return fail(f, ENOMEM, "out of memory");
	if (damaged_out)
		*damaged_out = false;
	s->lock = -1;
	s->map_size = o && o->map_size ? o->map_size : STORE_FIRST;
	s->map_max = o && o->map_max ? o->map_max : STORE_MAX;
	store_databases(s, o ? o->databases : NULL);
	(void)pthread_rwlock_init(&s->growing, NULL);
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		r = fail(f, errno, "%s: %s", dir, strerror(errno));
	else if (snprintf(s->dir, sizeof(s->dir), "%s", dir) >= (int)sizeof(s->dir) ||
		 snprintf(s->reserve, sizeof(s->reserve), "%s/reserve", dir) >=
			 (int)sizeof(s->reserve))
		r = fail(f, ENAMETOOLONG, "%s: name too long", dir);
	else
		r = shared ? store_gate(dir, &gate, f) : 0;
	if (r == 0)
		r = store_enter(s, dir, shared, damaged_out, f);
	if (gate >= 0)
		(void)close(gate);
	if (r < 0)
		store_close(s);
	else
		*out = s;
	return r;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	if (s->env)
		mdb_env_close(s->env);
	if (s->lock >= 0)
		(void)close(s->lock);
	(void)pthread_rwlock_destroy(&s->growing);
	free(s);
}
