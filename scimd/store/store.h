// SPDX-License-Identifier: MIT
//
// The daemon's own store: one LMDB environment in STATE_DIR/private (0700),
// the only place that includes lmdb.h. Nothing but scimd opens it.
//
//   resource  (source, kind, SCIM id) → mapped attributes, digest
//   ledger    (source, kind, SCIM id) → name, uid, gid, first and last seen
//   find      word that either of them is known by → (source, kind, SCIM id); find.c
//   state     word → bytes (fingerprints, times, configuration digests)
//   audit     number → entry, hash-chained, append-only
//   queue     what is still to be done (queue.h)
//
// Keys made from outside strings are SHA-256; the value begins with the whole
// strings, which are compared. The ledger is state, not cache: it never shrinks.
//
// Life: store_open, then any number of store_apply (one write transaction) and
// of read views, store_close. Threads: one writer at a time, any thread; a view
// belongs to one thread and should live shortly: growing the map waits for it.
// A map that is full is doubled and the transaction run again.
#ifndef SCIMD_STORE_STORE_H
#define SCIMD_STORE_STORE_H

#include "scimd/base/digest.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fail;
struct store;
struct store_txn;

struct store_options {
	size_t map_size; // first size, 0 = 256 MiB
	size_t map_max;  // 0 = 64 GiB
	// The caller's own databases, NULL-terminated, instead of resource and ledger; raw.h
	// reads and writes them, numbered from STORE_RAW. The strings are borrowed. If it is
	// damaged it is left where it is (-EBADMSG).
	const char *const *databases;
	// Other processes of the same service may hold it too; who opens it without this
	// excludes them. Growing is followed.
	bool shared;
};

#define STORE_DB_MAX 24u
#define STORE_RAW 2u // number of the caller's first database

// Creates DIR (0700) and the environment if they are not there; takes the lock
// file DIR/lock so that one daemon at a time holds it (-EBUSY). A damaged store
// is moved aside to DIR/damaged-TIME and *damaged_out says so: the caller must
// restore the ledger before any id is allocated.
int store_open(const char *dir, const struct store_options *o, struct store **out,
	       bool *damaged_out, struct fail *f);
void store_close(struct store *s);
// Writes data.mdb as of one moment to fd, without the free pages; writers go on.
int store_copy(struct store *s, int fd, struct fail *f);

// Runs fn in one write transaction and commits; fn may run again (map grown) and
// must not keep anything between runs. fn's failure aborts. -ENOSPC: disk full (and
// the host's reserve used up), nothing changed. A commit that fails otherwise may be there or
// not: look. LMDB then refuses all until it is opened anew, which the next apply or
// view does, and looks whether it is whole (-EBADMSG: it is not; restart).
int store_apply(struct store *s, int (*fn)(struct store_txn *t, void *arg, struct fail *f),
		void *arg, struct fail *f);
// The same for what must not fail for want of room: the reserve is for this alone where
// the databases are the caller's own.
int store_apply_vital(struct store *s, int (*fn)(struct store_txn *t, void *arg, struct fail *f),
		      void *arg, struct fail *f);
// Runs fn in a transaction inside t: what it wrote stays only if it returns 0.
int store_try(struct store_txn *t, int (*fn)(struct store_txn *t, void *arg, struct fail *f),
	      void *arg, struct fail *f);
int store_view(struct store *s, struct store_txn **out, struct fail *f);

// DIR/reserve: room on the disk for one more commit. It is given up when the disk is
// full, and the commit tried again. Makes it where it is missing or too small;
// false: there is no room for it.
bool store_reserve(struct store *s);
bool store_reserve_release(struct store *s); // true: room became free
// Every few seconds where many processes share the store: the reserve, and what readers
// that were killed have left behind, which would keep old pages from being used again;
// and what is mapped, but was not needed for long, is let go.
void store_tend(struct store *s);
void store_view_end(struct store_txn *t);

struct store_resource {
	const char *source; // NUL-terminated
	uint8_t kind;
	const char *id;    // NUL-terminated
	const void *bytes; // scim/resource.h
	size_t len;
	uint8_t digest[DIGEST_LEN]; // over resource_stable(bytes)
};

// Found resources point into the map: valid until the view or transaction ends.
int store_resource_get(struct store_txn *t, const char *source, uint8_t kind, const char *id,
		       struct store_resource *out); // 0, -ENOENT, -EBADMSG
int store_resource_put(struct store_txn *t, const struct store_resource *r);
int store_resource_drop(struct store_txn *t, const char *source, uint8_t kind, const char *id);
// fn returns 0 to go on, anything else ends the walk and is returned.
int store_resource_each(struct store_txn *t, int (*fn)(void *arg, const struct store_resource *r),
			void *arg);
// One of 256 parts of them, about equal, for those who must not be away for long.
int store_resource_part(struct store_txn *t, uint8_t part,
			int (*fn)(void *arg, const struct store_resource *r), void *arg);

struct store_ledger {
	const char *source, *id, *name;
	uint8_t kind;
	bool deleted;
	uint32_t uid, gid;
	int64_t first_seen, last_seen;
};

int store_ledger_get(struct store_txn *t, const char *source, uint8_t kind, const char *id,
		     struct store_ledger *out);
int store_ledger_put(struct store_txn *t, const struct store_ledger *l);
int store_ledger_each(struct store_txn *t, int (*fn)(void *arg, const struct store_ledger *l),
		      void *arg);

// The records that a word names, letters of either case: a resource by its id, its
// userName or login name (a group's displayName), whole or up to the first @; a ledger
// entry by its name or number. Others may be among them: compare. r or l is NULL where
// there is none. fn as above. STORE_GROUPS names every group.
#define STORE_GROUPS "\001groups"
int store_find(struct store_txn *t, const char *word,
	       int (*fn)(void *arg, const struct store_resource *r, const struct store_ledger *l),
	       void *arg);

int store_state_get(struct store_txn *t, const char *key, const void **data,
		    size_t *len); // 0, -ENOENT
int store_state_put(struct store_txn *t, const char *key, const void *data, size_t len);
int store_state_text(struct store_txn *t, const char *key, char *out,
		     size_t len); // "" if not there

// Appends one JSON object (without seq, time and hash, which are added).
int store_audit_add(struct store_txn *t, const char *json);
struct store_audit {
	uint64_t seq;
	const char *line; // the JSON text, seq, time and hash of the entry before included
	size_t len;
};
int store_audit_each(struct store_txn *t, uint64_t from,
		     int (*fn)(void *arg, const struct store_audit *a), void *arg);
// The newest first.
int store_audit_back(struct store_txn *t, int (*fn)(void *arg, const struct store_audit *a),
		     void *arg);
// Recomputes the chain. 0, or -EBADMSG with the number of the first bad entry.
int store_audit_verify(struct store_txn *t, uint64_t *count_out, uint64_t *bad_out, struct fail *f);

struct store_stats {
	uint64_t bytes, map_size, resources, ledger, audit;
	uint64_t commits; // number of the last write transaction
};
int store_stat(struct store *s, struct store_stats *out);

#endif
