// SPDX-License-Identifier: MIT
//
// `backup` and `restore`. A backup is data.mdb as of one moment. What takes its
// place again forgets nothing that must not be forgotten: numbers once given,
// counters that make ETags and places, tokens revoked since.
#include "scimd/base/clock.h"
#include "scimd/base/file.h"
#include "scimd/directory/admin_internal.h"
#include "scimd/directory/stream.h"
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <scimd/account.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

// How far the numbers skip when it is not known what was given since the backup.
#define RESTORE_SKIP 1000000u

// -------------------------------------------------------------------- backup

static int backup_write(struct admin *a, const char *path, const char *tmp, struct fail *f)
{
	int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600), r;

	if (fd < 0 && errno == EEXIST)
		return fail(f, EEXIST, "%s: is there already; remove it if no backup is running",
			    tmp);
	if (fd < 0)
		return fail(f, errno, "%s: %s", tmp, strerror(errno));
	r = store_copy(a->store, fd, f);
	if (r == 0 && fsync(fd) < 0)
		r = fail(f, errno, "%s: %s", tmp, strerror(errno));
	if (close(fd) < 0 && r == 0)
		r = fail(f, errno, "%s: %s", tmp, strerror(errno));
	if (r == 0 && rename(tmp, path) < 0)
		r = fail(f, errno, "%s: %s", path, strerror(errno));
	if (r < 0)
		(void)unlink(tmp);
	else if ((r = file_sync_dir(path)) < 0)
		(void)fail(f, -r, "%s: cannot sync its folder: %s", path, strerror(-r));
	return r;
}

int admin_backup(struct admin *a)
{
	const char *path = a->args[0];
	char tmp[PATH_MAX];
	struct fail f = { "" };
	int r;

	if (snprintf(tmp, sizeof(tmp), "%s.tmp", path) >= (int)sizeof(tmp))
		return admin_wrong(a, "%s: name too long", path);
	r = admin_open(a);
	if (r)
		return r;
	r = backup_write(a, path, tmp, &f);
	return r < 0 ? admin_fail(r, &f) : 0;
}

// ------------------------------------------------------------------- restore

struct restore {
	struct admin *a;
	struct store *now, *old; // old: what is replaced; NULL: there is none
	struct store_txn *view;  // of old
	bool lost;               // old was damaged
	bool known;              // old is what became of the backup's store
	// In state_dir. The backup is made ready in a folder that bears the name under which the
	// old store is kept: then one exchange of names is all.
	char name[64];
};

static int restore_path(const struct restore *re, const char *file, char out[PATH_MAX],
			struct fail *f)
{
	const char *dir = re->a->conf->state_dir;

	if (snprintf(out, PATH_MAX, "%s/%s%s%s", dir, re->name, *file ? "/" : "", file) >= PATH_MAX)
		return fail(f, ENAMETOOLONG, "%s: name too long", dir);
	return 0;
}

static int restore_copy(const struct admin *a, int in, int out)
{
	char block[65536];
	struct stat st;
	ssize_t n = 0;
	int r = 0;

	while (r == 0 && (n = read(in, block, sizeof(block))) > 0)
		r = file_write(out, block, (size_t)n);
	if (n < 0)
		r = -errno;
	// What root makes belongs to the service.
	if (r == 0 && geteuid() == 0 &&
	    (stat(a->conf->state_dir, &st) < 0 || fchown(out, st.st_uid, st.st_gid) < 0))
		r = -errno;
	if (r == 0 && fsync(out) < 0)
		r = -errno;
	return r;
}

static int restore_folder(struct restore *re, struct fail *f)
{
	char path[PATH_MAX];
	struct stat st;
	int r = -EEXIST;

	for (int i = 0; r == -EEXIST && i < 100; i++) {
		(void)snprintf(re->name, sizeof(re->name), "private.before-%lld.%d",
			       (long long)(clock_wall() / 1000), i);
		r = restore_path(re, "", path, f);
		if (r == 0 && mkdir(path, 0700) < 0)
			r = fail(f, errno, "%s: %s", path, strerror(errno));
	}
	if (r < 0) {
		re->name[0] = '\0';
		return r;
	}
	if (geteuid() == 0 &&
	    (stat(re->a->conf->state_dir, &st) < 0 || chown(path, st.st_uid, st.st_gid) < 0))
		return fail(f, errno, "%s: %s", path, strerror(errno));
	return 0;
}

static int restore_lay(struct restore *re, int in, struct fail *f)
{
	char path[PATH_MAX];
	int fd, r = restore_folder(re, f);

	if (r == 0)
		r = restore_path(re, "data.mdb", path, f);
	if (r < 0)
		return r;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fail(f, errno, "%s: %s", path, strerror(errno));
	r = restore_copy(re->a, in, fd);
	if (close(fd) < 0 && r == 0)
		r = -errno;
	return r < 0 ? fail(f, -r, "%s: %s", path, strerror(-r)) : 0;
}

// What a restore that failed has made.
static void restore_clear(const struct restore *re)
{
	static const char *const names[] = { "data.mdb", "lock.mdb", "lock", "opening", "reserve" };
	char path[PATH_MAX];

	for (size_t i = 0; re->name[0] && i < sizeof(names) / sizeof(*names); i++)
		if (restore_path(re, names[i], path, NULL) == 0)
			(void)unlink(path);
	if (re->name[0] && restore_path(re, "", path, NULL) == 0)
		(void)rmdir(path);
}

// A backup of ours has given numbers or made ids; whatever else LMDB can open has not.
static int restore_sound(struct store_txn *t, struct fail *f)
{
	struct store_bytes v;
	struct store_walk *w;
	struct dir_record rec;
	uint64_t count, bad;
	int r = store_audit_verify(t, &count, &bad, f);

	if (r == 0 && count == 0)
		return fail(f, EINVAL, "it is no backup of scim-directory, or one of nothing");
	for (int kind = RESOURCE_USER; r == 0 && kind <= RESOURCE_GROUP; kind++) {
		r = store_walk_open(t, dir_of((uint8_t)kind), &w);
		if (r < 0)
			break;
		for (r = store_walk_seek(w, (struct store_bytes){ "", 0 }, NULL, &v); r == 0;
		     r = r == 0 ? store_walk_next(w, NULL, &v) : r)
			r = dir_decode(v, &rec);
		store_walk_close(w);
		r = r == -ENOENT ? 0 : r;
	}
	return r;
}

// Every entry of the old database goes into the new one; -EEXIST is none.
static int restore_merge(struct restore *re, struct store_txn *t, enum dir_db db)
{
	struct store_bytes k, v;
	struct store_walk *w;
	int r = store_walk_open(re->view, db, &w);

	if (r < 0)
		return r;
	for (r = store_walk_seek(w, (struct store_bytes){ "", 0 }, &k, &v); r == 0;
	     r = r == 0 ? store_walk_next(w, &k, &v) : r) {
		r = store_add(t, db, k, v);
		if (r == -EEXIST)
			r = 0;
	}
	store_walk_close(w);
	return r == -ENOENT ? 0 : r;
}

// Tokens are as they are now: what was revoked since does not come back.
static int restore_tokens(struct restore *re, struct store_txn *t)
{
	unsigned char key[DIGEST_LEN];
	struct store_bytes k;
	struct store_walk *w;
	int r;

	for (;;) {
		r = store_walk_open(t, DIR_TOKEN, &w);
		if (r < 0)
			return r;
		r = store_walk_seek(w, (struct store_bytes){ "", 0 }, &k, NULL);
		if (r == 0 && k.len == sizeof(key))
			memcpy(key, k.data, sizeof(key));
		else if (r == 0)
			r = -EBADMSG;
		store_walk_close(w);
		if (r < 0)
			break;
		r = store_drop(t, DIR_TOKEN, (struct store_bytes){ key, sizeof(key) });
		if (r < 0)
			return r;
	}
	return r == -ENOENT ? restore_merge(re, t, DIR_TOKEN) : r;
}

struct restore_entry { // the last one of the backup's audit log
	uint64_t seq;
	const char *line;
	size_t len;
};

static int restore_last(void *arg, const struct store_audit *a)
{
	*(struct restore_entry *)arg = (struct restore_entry){ a->seq, a->line, a->len };
	return 1;
}

static int restore_same(void *arg, const struct store_audit *a)
{
	const struct restore_entry *last = arg;

	return a->seq == last->seq && a->len == last->len &&
			       memcmp(a->line, last->line, a->len) == 0
		       ? 1
		       : -ENOENT;
}

static int restore_beyond(void *arg, const struct store_audit *a)
{
	(void)arg;
	(void)a;
	return 1;
}

// Whether the old store went on from where the backup ends. Every entry holds the digest of
// the one before, so one that is the same has the same past. The very store that was backed
// up may have gone on elsewhere, and counts for nothing.
static int restore_lineage(struct restore *re, struct store_txn *t)
{
	struct restore_entry last = { 0 };
	int r = re->view ? store_audit_back(t, restore_last, &last) : 0;

	if (r > 0)
		r = store_audit_each(re->view, last.seq, restore_same, &last);
	if (r > 0)
		r = store_audit_each(re->view, last.seq + 1, restore_beyond, NULL);
	re->known = r > 0;
	return r < 0 && r != -ENOENT ? r : 0;
}

// ETags, places in lists and numbers go on from the greater of the two, and beyond what may
// have been given where nobody sees it.
static int restore_counters(struct restore *re, struct store_txn *t)
{
	static const char *const names[] = { "number", "seq", "generation", "feed" };
	uint64_t was, is;
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(names) / sizeof(*names); i++) {
		was = 0;
		r = dir_counter(t, names[i], &is);
		if (r == 0 && re->view)
			r = dir_counter(re->view, names[i], &was);
		if (was < is)
			was = is;
		if (strcmp(names[i], "number") == 0 && was < ACCOUNT_HASH_FIRST)
			was = ACCOUNT_HASH_FIRST;
		if (!re->known)
			was += RESTORE_SKIP;
		// What stands now is neither what the backup was nor what was here: lists of
		// either have tags of their own.
		was += strcmp(names[i], "generation") == 0;
		if (r == 0 && was > is)
			r = dir_counter_put(t, names[i], was);
	}
	return r;
}

static int restore_audit(struct restore *re, struct store_txn *t)
{
	struct json_object *o = json_object_new_object();
	int r = admin_put_text(o, "event", "restored");

	if (r == 0)
		r = admin_put_text(o, "actor", re->a->actor);
	if (r == 0)
		r = admin_put_text(o, "name", re->a->args[0]);
	if (r == 0)
		r = store_audit_add(t, json_object_to_json_string_ext(
					       o, JSON_C_TO_STRING_PLAIN |
							  JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
	return r;
}

static int restore_into(struct store_txn *t, void *arg, struct fail *f)
{
	struct restore *re = arg;
	int r = restore_sound(t, f);

	if (r == 0 && re->view)
		r = restore_merge(re, t, DIR_NUMBER);
	if (r == 0 && re->view)
		r = restore_tokens(re, t);
	if (r == 0)
		r = restore_lineage(re, t);
	if (r == 0)
		r = restore_counters(re, t);
	if (r == 0) // hosts have applied what is not there any more: they read everything
		r = feed_restart(t);
	return r < 0 ? r : restore_audit(re, t);
}

// The old store is held alone: who opens it meanwhile is told to try again.
static int restore_swap(const struct restore *re, struct fail *f)
{
	const char *dir = re->a->conf->state_dir;
	bool keep = re->old || re->lost;
	char ready[PATH_MAX], is[PATH_MAX];
	int r = restore_path(re, "", ready, f);

	if (r < 0)
		return r;
	if (snprintf(is, sizeof(is), "%s/private", dir) >= (int)sizeof(is))
		return fail(f, ENAMETOOLONG, "%s: name too long", dir);
	if (renameat2(AT_FDCWD, ready, AT_FDCWD, is, keep ? RENAME_EXCHANGE : RENAME_NOREPLACE) < 0)
		return fail(f, errno, "%s: %s", is, strerror(errno));
	if (!re->known && (re->lost || !re->a->option[ADMIN_QUIET]))
		(void)fprintf(stderr,
			      "scim-directory: %swhich numbers were given since the backup is not "
			      "known, so new ones begin %u further on\n",
			      re->lost ? "the store of before is damaged: " : "", RESTORE_SKIP);
	if (keep && !re->a->option[ADMIN_QUIET])
		(void)fprintf(stderr, "scim-directory: the store of before is %s\n", ready);
	r = file_sync_dir(is);
	if (r < 0) // it is there all the same
		(void)fprintf(stderr, "scim-directory: %s: cannot be synced: %s\n", dir,
			      strerror(-r));
	return 0;
}

static int restore_old(struct restore *re, struct fail *f)
{
	const struct store_options alone = { .databases = dir_databases };
	char path[PATH_MAX];
	struct stat st;
	int r;

	if (snprintf(path, sizeof(path), "%s/private", re->a->conf->state_dir) >= (int)sizeof(path))
		return fail(f, ENAMETOOLONG, "%s: name too long", re->a->conf->state_dir);
	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : fail(f, errno, "%s: %s", path, strerror(errno));
	r = directory_private(re->a->conf, "private", &alone, &re->old, f);
	if (r == -EBUSY)
		return fail(f, EBUSY, "the store is in use; stop scim-directory first");
	if (r == -EBADMSG) {
		re->lost = true;
		return 0;
	}
	return r < 0 ? r : store_view(re->old, &re->view, f);
}

static int restore_run(struct restore *re, int in, struct fail *f)
{
	const struct store_options o = { .databases = dir_databases, .shared = true };
	int r = restore_old(re, f);

	if (r == 0)
		r = restore_lay(re, in, f);
	if (r == 0) {
		r = directory_private(re->a->conf, re->name, &o, &re->now, f);
		if (r == 0)
			r = store_apply(re->now, restore_into, re, f);
		if (r < 0)
			(void)fail_in(f, r, "%s", re->a->args[0]);
	}
	if (r == 0)
		r = restore_swap(re, f);
	store_view_end(re->view);
	store_close(re->now);
	store_close(re->old);
	if (r < 0)
		restore_clear(re);
	return r;
}

int admin_restore(struct admin *a)
{
	struct restore re = { .a = a };
	struct fail f = { "" };
	int in = open(a->args[0], O_RDONLY | O_CLOEXEC), r;

	if (in < 0) {
		r = fail(&f, errno, "%s: %s", a->args[0], strerror(errno));
	} else if (mkdir(a->conf->state_dir, 0755) < 0 && errno != EEXIST) {
		r = fail(&f, errno, "%s: %s", a->conf->state_dir, strerror(errno));
	} else {
		r = restore_run(&re, in, &f);
	}
	if (in >= 0)
		(void)close(in);
	return r < 0 ? admin_fail(r, &f) : 0;
}
