// SPDX-License-Identifier: MIT
//
// The store: what was put comes back, the ledger outlives its people, the map
// grows under way, a damaged store is moved aside, the audit chain shows edits.
#include "scimd/base/buf.h"
#include "scimd/base/fail.h"
#include "scimd/scim/resource.h"
#include "scimd/store/raw.h"
#include "scimd/store/store.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64];

// liblmdb's writes come by here: those of a meta page, one of the first two and less
// than a page long, can be made to fail.
static int bad_metas, failed_metas;

__attribute__((visibility("default"))) ssize_t pwrite(int fd, const void *data, size_t len,
						      off_t at);
__attribute__((visibility("default"))) ssize_t pwrite64(int fd, const void *data, size_t len,
							off64_t at);

static bool fails(size_t len, off64_t at)
{
	if (bad_metas == 0 || len >= 4096 || at >= 2 * 4096)
		return false;
	bad_metas--;
	failed_metas++;
	errno = EIO;
	return true;
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
	return fails(len, at) ? -1 : syscall(SYS_pwrite64, fd, data, len, at);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at)
{
	return fails(len, at) ? -1 : syscall(SYS_pwrite64, fd, data, len, at);
}

static int setup(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/scimd-store.XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	char cmd[5][96];

	(void)state;
	// No shell: three known names, and whatever was moved aside stays below /tmp/…/damaged-*.
	(void)snprintf(cmd[0], sizeof(cmd[0]), "%s/data.mdb", dir);
	(void)snprintf(cmd[1], sizeof(cmd[1]), "%s/lock.mdb", dir);
	(void)snprintf(cmd[2], sizeof(cmd[2]), "%s/lock", dir);
	(void)snprintf(cmd[3], sizeof(cmd[3]), "%s/opening", dir);
	(void)snprintf(cmd[4], sizeof(cmd[4]), "%s/reserve", dir);
	for (size_t i = 0; i < 5; i++)
		(void)unlink(cmd[i]);
	(void)rmdir(dir);
	return 0;
}

static struct store *open_store(const struct store_options *o, bool *damaged)
{
	struct store *s = NULL;
	struct fail f = { "" };

	if (store_open(dir, o, &s, damaged, &f) != 0)
		fail_msg("%s", f.text);
	return s;
}

struct load {
	uint32_t count;
	size_t size;
};

static int put_many(struct store_txn *t, void *arg, struct fail *f)
{
	const struct load *l = arg;
	char id[24], *bytes = calloc(1, l->size);
	int r = bytes ? 0 : -ENOMEM;

	(void)f;
	for (uint32_t i = 0; i < l->count && r == 0; i++) {
		struct store_resource res = {
			.source = "corp", .kind = 1, .bytes = bytes, .len = l->size
		};

		(void)snprintf(id, sizeof(id), "id-%u", i);
		memset(bytes, (int)(i & 0xff), l->size);
		res.id = id;
		r = store_resource_put(t, &res);
	}
	free(bytes);
	return r;
}

static void test_store_gives_back_what_was_put(void **state)
{
	struct load l = { 100, 300 };
	bool damaged = true;
	struct store *s = open_store(NULL, &damaged);
	struct store_resource r;
	struct store_txn *v;

	(void)state;
	assert_false(damaged);
	assert_int_equal(store_apply(s, put_many, &l, NULL), 0);
	assert_int_equal(store_view(s, &v, NULL), 0);
	assert_int_equal(store_resource_get(v, "corp", 1, "id-42", &r), 0);
	assert_int_equal(r.len, 300);
	assert_int_equal(((const unsigned char *)r.bytes)[299], 42);
	assert_string_equal(r.id, "id-42");
	assert_int_equal(store_resource_get(v, "corp", 2, "id-42", &r), -ENOENT);
	assert_int_equal(store_resource_get(v, "other", 1, "id-42", &r), -ENOENT);
	store_view_end(v);
	store_close(s);
}

static int tick(void *arg, const struct store_resource *r)
{
	unsigned int *times = arg;

	times[strtoul(r->id + strlen("id-"), NULL, 10)]++;
	times[2000]++;
	return 0;
}

static void test_store_parts_are_all_of_it(void **state)
{
	struct load l = { 2000, 10 };
	unsigned int times[2001] = { 0 }, before = 0;
	bool damaged;
	struct store *s = open_store(NULL, &damaged);
	struct store_txn *v;

	(void)state;
	assert_int_equal(store_apply(s, put_many, &l, NULL), 0);
	for (unsigned int part = 0; part < 256; part++) {
		assert_int_equal(store_view(s, &v, NULL), 0);
		assert_int_equal(store_resource_part(v, (uint8_t)part, tick, times), 0);
		store_view_end(v);
		assert_true(times[2000] - before < 40); // of 2000, about 8
		before = times[2000];
	}
	for (unsigned int i = 0; i < 2000; i++)
		assert_int_equal(times[i], 1);
	store_close(s);
}

static void test_store_grows_its_map_without_a_restart(void **state)
{
	struct store_options o = { .map_size = 1 << 20 };
	struct load l = { 4000, 2000 }; // 8 MB into a map of 1 MiB
	bool damaged;
	struct store *s = open_store(&o, &damaged);
	struct store_stats st;

	(void)state;
	assert_int_equal(store_apply(s, put_many, &l, NULL), 0);
	assert_int_equal(store_stat(s, &st), 0);
	assert_int_equal(st.resources, 4000);
	assert_true(st.map_size >= (8u << 20));
	store_close(s);
}

static void test_store_refuses_to_outgrow_its_limit_and_keeps_what_was(void **state)
{
	struct store_options o = { .map_size = 1 << 20, .map_max = 2 << 20 };
	struct load small = { 10, 100 }, big = { 4000, 2000 };
	struct fail f = { "" };
	bool damaged;
	struct store *s = open_store(&o, &damaged);
	struct store_stats st;

	(void)state;
	assert_int_equal(store_apply(s, put_many, &small, NULL), 0);
	assert_int_equal(store_apply(s, put_many, &big, &f), -ENOSPC);
	assert_non_null(strstr(f.text, "limit"));
	assert_int_equal(store_stat(s, &st), 0);
	assert_int_equal(st.resources, 10);
	store_close(s);
}

static void test_store_is_held_by_one_at_a_time(void **state)
{
	bool damaged;
	struct store *s = open_store(NULL, &damaged), *other = NULL;
	struct fail f = { "" };

	(void)state;
	assert_int_equal(store_open(dir, NULL, &other, &damaged, &f), -EBUSY);
	assert_non_null(strstr(f.text, "scimctl sync"));
	assert_null(other);
	store_close(s);
	s = open_store(NULL, &damaged);
	store_close(s);
}

static int put_ledger(struct store_txn *t, void *arg, struct fail *f)
{
	(void)f;
	return store_ledger_put(t, arg);
}

static void test_store_ledger_survives_the_resource(void **state)
{
	struct store_ledger l = { .source = "corp",
				  .id = "a/b?c#d %",
				  .name = "alice",
				  .kind = 1,
				  .uid = 200000,
				  .gid = 200000,
				  .first_seen = 1,
				  .last_seen = 2 },
			    got;
	bool damaged;
	struct store *s = open_store(NULL, &damaged);
	struct store_txn *v;

	(void)state;
	assert_int_equal(store_apply(s, put_ledger, &l, NULL), 0);
	l.deleted = true;
	l.last_seen = 3;
	assert_int_equal(store_apply(s, put_ledger, &l, NULL), 0);
	store_close(s);
	s = open_store(NULL, &damaged);
	assert_int_equal(store_view(s, &v, NULL), 0);
	assert_int_equal(store_ledger_get(v, "corp", 1, "a/b?c#d %", &got), 0);
	assert_true(got.deleted);
	assert_string_equal(got.name, "alice");
	assert_int_equal(got.uid, 200000);
	assert_int_equal(got.last_seen, 3);
	store_view_end(v);
	store_close(s);
}

static int fail_half_way(struct store_txn *t, void *arg, struct fail *f)
{
	int r = put_many(t, arg, f);

	return r < 0 ? r : -EIO;
}

static void test_store_aborts_the_whole_transaction(void **state)
{
	struct load l = { 5, 10 };
	bool damaged;
	struct store *s = open_store(NULL, &damaged);
	struct store_stats st;

	(void)state;
	assert_int_equal(store_apply(s, fail_half_way, &l, NULL), -EIO);
	assert_int_equal(store_stat(s, &st), 0);
	assert_int_equal(st.resources, 0);
	store_close(s);
}

static void damage(off_t at, const void *bytes, size_t len)
{
	char path[96];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/data.mdb", dir);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	if (bytes)
		assert_int_equal(pwrite(fd, bytes, len, at), len);
	else
		assert_int_equal(ftruncate(fd, at), 0);
	(void)close(fd);
}

static void test_store_damaged_is_moved_aside_and_says_so(void **state)
{
	static const char garbage[8192] = "this is no database";
	struct load l = { 1000, 300 };
	bool damaged;
	struct store *s = open_store(NULL, &damaged);
	struct store_stats st;

	(void)state;
	assert_int_equal(store_apply(s, put_many, &l, NULL), 0);
	store_close(s);
	damage(0, garbage, sizeof(garbage));
	s = open_store(NULL, &damaged);
	assert_true(damaged);
	assert_int_equal(store_stat(s, &st), 0);
	assert_int_equal(st.resources, 0);
	store_close(s);
}

static void test_store_cut_short_is_damage_not_a_signal(void **state)
{
	struct load l = { 1000, 300 };
	bool damaged;
	struct store *s = open_store(NULL, &damaged);

	(void)state;
	assert_int_equal(store_apply(s, put_many, &l, NULL), 0);
	store_close(s);
	damage(5 * 4096, NULL, 0);
	s = open_store(NULL, &damaged);
	assert_true(damaged);
	store_close(s);
}

static int add_audit(struct store_txn *t, void *arg, struct fail *f)
{
	(void)f;
	return store_audit_add(t, arg);
}

static void test_store_audit_is_a_chain(void **state)
{
	char entry[] = "{\"event\":\"created\",\"name\":\"alice\"}", empty[] = "{}",
	     bad[] = "nonsense";
	bool damaged;
	struct store *s = open_store(NULL, &damaged);
	uint64_t count, first_bad;
	struct store_txn *v;
	struct fail f = { "" };

	(void)state;
	for (int i = 0; i < 20; i++)
		assert_int_equal(store_apply(s, add_audit, i % 3 ? entry : empty, NULL), 0);
	assert_int_equal(store_apply(s, add_audit, bad, NULL), -EINVAL);
	assert_int_equal(store_view(s, &v, NULL), 0);
	assert_int_equal(store_audit_verify(v, &count, &first_bad, &f), 0);
	assert_int_equal(count, 20);
	store_view_end(v);
	store_close(s);
}

static void test_store_audit_shows_an_edited_line(void **state)
{
	char one[] = "{\"event\":\"disabled\",\"name\":\"mallory\"}", path[96], *page, *hit;
	bool damaged;
	struct store *s = open_store(NULL, &damaged);
	uint64_t count, first_bad;
	struct store_txn *v;
	struct fail f = { "" };
	struct stat st;
	int fd;

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(store_apply(s, add_audit, one, NULL), 0);
	store_close(s);
	(void)snprintf(path, sizeof(path), "%s/data.mdb", dir);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(fstat(fd, &st), 0);
	page = malloc((size_t)st.st_size);
	assert_int_equal(pread(fd, page, (size_t)st.st_size, 0), st.st_size);
	for (char *p = page; (hit = memmem(p, (size_t)(page + st.st_size - p), "mallory", 7));
	     p = hit + 1)
		assert_int_equal(pwrite(fd, "nobody1", 7, hit - page), 7);
	free(page);
	(void)close(fd);
	s = open_store(NULL, &damaged);
	assert_false(damaged);
	assert_int_equal(store_view(s, &v, NULL), 0);
	assert_int_equal(store_audit_verify(v, &count, &first_bad, &f), -EBADMSG);
	assert_non_null(strstr(f.text, "audit entry"));
	store_view_end(v);
	store_close(s);
}

static int put_word(struct store_txn *t, void *arg, struct fail *f)
{
	(void)f;
	return store_state_put(t, "word", arg, strlen(arg));
}

static int no_ledger(void *arg, const struct store_ledger *l)
{
	(void)arg;
	(void)l;
	return 0;
}

static void assert_word(struct store *s, const char *wanted)
{
	struct store_txn *t;
	struct fail f = { "" };
	char word[16];

	if (store_view(s, &t, &f) != 0)
		fail_msg("%s", f.text);
	assert_int_equal(store_state_text(t, "word", word, sizeof(word)), 0);
	assert_string_equal(word, wanted);
	assert_int_equal(store_ledger_each(t, no_ledger, NULL), 0);
	store_view_end(t);
}

// Also where the old meta page cannot be written back (two failures), and where the
// disk stays broken for longer: nothing is lost, nobody has to restart anything.
static void test_store_opens_itself_anew_after_a_meta_page_failed(void **state)
{
	struct store *s = open_store(NULL, NULL);
	struct store_stats before, after;
	struct fail f = { "" };

	(void)state;
	for (int failures = 1; failures < 4; failures++) {
		char word[8] = "one";

		assert_int_equal(store_apply(s, put_word, word, &f), 0);
		assert_int_equal(store_stat(s, &before), 0);
		bad_metas = failures;
		failed_metas = 0;
		assert_int_equal(store_apply(s, put_word, (void *)"two", &f), -EIO);
		assert_true(failed_metas > 0);
		assert_non_null(strstr(f.text, "commit"));
		bad_metas = 0;
		assert_word(s, "one");
		assert_int_equal(store_apply(s, put_word, (void *)"three", &f), 0);
		assert_word(s, "three");
		assert_int_equal(store_stat(s, &after), 0);
		assert_true(after.commits > before.commits);
	}
	store_close(s);
	s = open_store(NULL, NULL);
	assert_word(s, "three");
	store_close(s);
}

// Opening anew must not take what is not the store for it.
static void test_store_stays_closed_when_its_file_is_gone_or_older(void **state)
{
	struct store *s = open_store(NULL, NULL);
	char path[96], saved[96];
	struct fail f = { "" };
	struct store_txn *t;
	struct stat st;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/data.mdb", dir);
	(void)snprintf(saved, sizeof(saved), "%s/saved", dir);
	assert_int_equal(store_apply(s, put_word, (void *)"one", &f), 0);
	bad_metas = 1;
	assert_int_equal(store_apply(s, put_word, (void *)"two", &f), -EIO);
	assert_int_equal(rename(path, saved), 0);
	assert_true(store_apply(s, put_word, (void *)"two", &f) < 0);
	assert_int_equal(stat(path, &st), -1);
	assert_true(store_view(s, &t, &f) < 0);
	assert_true(store_copy(s, -1, &f) < 0);
	assert_false(store_reserve(s) && stat(path, &st) == 0);
	assert_int_equal(truncate(saved, 2 * 4096), 0);
	assert_int_equal(rename(saved, path), 0);
	assert_int_equal(store_apply(s, put_word, (void *)"two", &f), -EBADMSG);
	store_close(s);
	(void)snprintf(path, sizeof(path), "%s/reserve", dir);
	(void)unlink(path);
}

struct sight {
	const char *id;
	unsigned int resources, ledgers;
};

static int see(void *arg, const struct store_resource *r, const struct store_ledger *l)
{
	struct sight *s = arg;

	if (strcmp(r ? r->id : l->id, s->id) == 0) {
		s->resources += r != NULL;
		s->ledgers += l != NULL;
	}
	return 0;
}

// Whether `word` leads to the record `id`: 0 no, 1 its ledger entry alone, 2 its resource
// alone, 3 both; never twice.
static unsigned int leads(struct store *s, const char *word, const char *id)
{
	struct sight sight = { .id = id };
	struct store_txn *t;

	assert_int_equal(store_view(s, &t, NULL), 0);
	assert_int_equal(store_find(t, word, see, &sight), 0);
	store_view_end(t);
	assert_true(sight.resources <= 1 && sight.ledgers <= 1);
	return sight.ledgers + 2 * sight.resources;
}

struct person {
	const char *id, *user_name, *name; // user_name NULL: gone
	uint32_t uid;
};

static int put_person(struct store_txn *t, void *arg, struct fail *f)
{
	const struct person *p = arg;
	struct store_ledger l = { .source = "corp",
				  .id = p->id,
				  .name = p->name,
				  .kind = 1,
				  .deleted = !p->user_name,
				  .uid = p->uid,
				  .gid = p->uid };
	struct store_resource r = { .source = "corp", .kind = 1, .id = p->id };
	struct buf b = BUF_INIT;
	int rc = 0;

	(void)f;
	if (p->user_name) {
		rc = resource_put(&b, FIELD_ID, 0, p->id, strlen(p->id));
		if (rc == 0)
			rc = resource_put(&b, FIELD_USER_NAME, 0, p->user_name,
					  strlen(p->user_name));
		r.bytes = b.data;
		r.len = b.len;
		if (rc == 0)
			rc = store_resource_put(t, &r);
	} else {
		rc = store_resource_drop(t, "corp", 1, p->id);
		rc = rc == -ENOENT ? 0 : rc;
	}
	buf_free(&b);
	return rc < 0 ? rc : store_ledger_put(t, &l);
}

static void put(struct store *s, struct person p)
{
	assert_int_equal(store_apply(s, put_person, &p, NULL), 0);
}

static void test_store_words_lead_to_records(void **state)
{
	struct store *s = open_store(NULL, NULL);

	(void)state;
	put(s, (struct person){ "id-1", "Ann@example.com", "ann", 70001 });
	put(s, (struct person){ "id-2", "bob", "bob", 70002 });
	for (size_t i = 0; i < 5; i++) {
		static const char *const words[] = { "ann@example.com", "ANN", "ID-1", "70001",
						     "ann" };

		assert_int_equal(leads(s, words[i], "id-1"), 3);
		assert_int_equal(leads(s, words[i], "id-2"), 0);
	}
	assert_int_equal(leads(s, "example.com", "id-1"), 0);

	// Renamed in the directory, not yet on the host: both names lead there.
	put(s, (struct person){ "id-1", "anna@example.com", "ann", 70001 });
	assert_int_equal(leads(s, "anna", "id-1"), 3);
	assert_int_equal(leads(s, "ann", "id-1"), 3);
	assert_int_equal(leads(s, "ann@example.com", "id-1"), 0);
	put(s, (struct person){ "id-1", "anna@example.com", "anna", 70001 });
	assert_int_equal(leads(s, "ann", "id-1"), 0);

	// Gone: what the ledger keeps still leads there; then the name passes to somebody else.
	put(s, (struct person){ "id-1", NULL, "anna", 70001 });
	assert_int_equal(leads(s, "anna", "id-1"), 1);
	assert_int_equal(leads(s, "id-1", "id-1"), 1);
	assert_int_equal(leads(s, "anna@example.com", "id-1"), 0);
	put(s, (struct person){ "id-2", "anna", "anna", 70002 });
	assert_int_equal(leads(s, "anna", "id-1"), 1);
	assert_int_equal(leads(s, "anna", "id-2"), 3);
	store_close(s);
}

#define FIND_DB (STORE_RAW + 2)

// As a store of the format before: no reverse table, and no mark of one.
static int forget_words(struct store_txn *t, void *arg, struct fail *f)
{
	struct store_bytes key, from = { NULL, 0 };
	struct store_walk *w;
	int r = 0;

	(void)f;
	while (r == 0) {
		assert_int_equal(store_walk_open(t, FIND_DB, &w), 0);
		r = store_walk_seek(w, from, &key, NULL);
		store_walk_close(w);
		if (r == 0)
			r = store_drop(t, FIND_DB, key);
	}
	assert_int_equal(r, -ENOENT);
	return store_state_put(t, "format", arg, 1);
}

static void test_store_of_an_older_format_gets_their_words(void **state)
{
	struct store *s = open_store(NULL, NULL);
	struct store_ledger l;
	struct store_txn *t;

	(void)state;
	put(s, (struct person){ "id-1", "ann@example.com", "ann", 70001 });
	put(s, (struct person){ "id-2", NULL, "bob", 70002 });
	for (char format[] = "1"; *format < '3'; ++*format) {
		assert_int_equal(store_apply(s, forget_words, format, NULL), 0);
		assert_int_equal(leads(s, "ann", "id-1"), 0);
		store_close(s);
		s = open_store(NULL, NULL);
		assert_int_equal(leads(s, "ann", "id-1"), 3);
	}
	assert_int_equal(leads(s, "ann@example.com", "id-1"), 3);
	assert_int_equal(leads(s, "70002", "id-2"), 1);
	assert_int_equal(store_view(s, &t, NULL), 0);
	assert_int_equal(store_ledger_get(t, "corp", 1, "id-2", &l), 0);
	assert_int_equal(l.uid, 70002);
	store_view_end(t);
	store_close(s);
}

static int put_numbers(struct store_txn *t, void *arg, struct fail *f)
{
	static const char block[1000];
	const uint64_t *range = arg;
	unsigned char key[8];
	int r = 0;

	(void)f;
	for (uint64_t i = range[0]; r == 0 && i < range[1]; i++) {
		store_be(key, i);
		r = store_put(t, STORE_RAW, (struct store_bytes){ key, 8 },
			      (struct store_bytes){ block, sizeof(block) });
	}
	return r;
}

static uint64_t count_numbers(struct store *s)
{
	struct store_txn *v;
	uint64_t n;

	assert_int_equal(store_view(s, &v, NULL), 0);
	n = store_count(v, STORE_RAW);
	store_view_end(v);
	return n;
}

// The command line beside the server: what one process grows, the other follows,
// whichever it does first: looking, writing or copying.
static void test_store_follows_another_process_that_grew_it(void **state)
{
	static const char *const own[] = { "number", NULL };
	const struct store_options o = { .databases = own, .shared = true, .map_size = 1u << 20 };
	uint64_t range[2] = { 0, 10 };
	struct fail f = { "" };
	struct store *s;

	(void)state;
	for (int first = 0; first < 3; first++) {
		int go[2], out, status;
		pid_t other;

		assert_int_equal(pipe(go), 0);
		other = fork(); // before this process has the store open
		if (other == 0) {
			uint64_t much[2] = { 1000u * (unsigned)(first + 1),
					     1000u * (unsigned)(first + 1) + 9000u };
			char c;

			_exit(read(go[0], &c, 1) == 1 && store_open(dir, &o, &s, NULL, &f) == 0 &&
					      store_apply(s, put_numbers, much, &f) == 0
				      ? 0
				      : 1);
		}
		assert_int_equal(store_open(dir, &o, &s, NULL, &f), 0);
		assert_int_equal(store_apply(s, put_numbers, range, &f), 0);
		assert_int_equal(write(go[1], "x", 1), 1);
		assert_int_equal(waitpid(other, &status, 0), other);
		assert_int_equal(status, 0);
		if (first == 0)
			assert_int_equal(count_numbers(s), 10 + 9000);
		if (first == 1)
			assert_int_equal(store_apply(s, put_numbers, range, &f), 0);
		if (first == 2) {
			out = open("/dev/null", O_WRONLY | O_CLOEXEC);
			assert_int_equal(store_copy(s, out, &f), 0);
			(void)close(out);
		}
		assert_int_equal(count_numbers(s), 10 + 9000 + 1000 * first);
		assert_int_equal(store_apply(s, put_numbers, range, &f), 0);
		store_close(s);
		(void)close(go[0]);
		(void)close(go[1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_store_gives_back_what_was_put, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_store_parts_are_all_of_it, setup, teardown),
		cmocka_unit_test_setup_teardown(test_store_grows_its_map_without_a_restart, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			test_store_refuses_to_outgrow_its_limit_and_keeps_what_was, setup,
			teardown),
		cmocka_unit_test_setup_teardown(test_store_is_held_by_one_at_a_time, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_store_ledger_survives_the_resource, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_store_aborts_the_whole_transaction, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_store_damaged_is_moved_aside_and_says_so,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_store_cut_short_is_damage_not_a_signal, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			test_store_opens_itself_anew_after_a_meta_page_failed, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_store_stays_closed_when_its_file_is_gone_or_older, setup, teardown),
		cmocka_unit_test_setup_teardown(test_store_follows_another_process_that_grew_it,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_store_audit_is_a_chain, setup, teardown),
		cmocka_unit_test_setup_teardown(test_store_audit_shows_an_edited_line, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_store_words_lead_to_records, setup, teardown),
		cmocka_unit_test_setup_teardown(test_store_of_an_older_format_gets_their_words,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
