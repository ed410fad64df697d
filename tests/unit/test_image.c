// SPDX-License-Identifier: MIT
//
// The image: what is written is read back, what may not be served is refused,
// what is replaced is retired, and no damage ever turns into a wrong answer.

#include "scimd/base/clock.h"
#include "scimd/base/fail.h"
#include "scimd/image/read.h"
#include "scimd/image/write.h"
#include "tests/bench/people.h"
#include "tests/unit/imagebox.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <cmocka.h>

static unsigned damages; // how many

static const uint32_t few_gids[] = { 2000000002, 998, 2000000001, 2000000002, 1900000001 };
static const char *const few_keys[] = { "ssh-ed25519 AAAAC3Nza", "ssh-rsa AAAAB3Nza" };

static const struct image_user_source few_users[] = {
	{ "zoe", "*", "Zoe Zebra", "/home/zoe", "/bin/bash", 1900000009, 1900000009, NULL, 0,
	  ACCOUNT_ACTIVE, VERDICT_ALLOW, RULE_ALLOW, IMAGE_PRIVATE_GROUP, NULL, 0 },
	{ "alice", "*", "", "/home/alice", "/bin/zsh", 1900000001, 1900000001, few_gids, 5,
	  ACCOUNT_ACTIVE, VERDICT_ALLOW, RULE_ALLOW, IMAGE_PRIVATE_GROUP, few_keys, 2 },
	{ "gone~1900000005", "!", "Gone", "/home/gone", "/usr/sbin/nologin", 1900000005, 1900000005,
	  NULL, 0, ACCOUNT_DELETED, VERDICT_DENY, RULE_STATE, IMAGE_HIDDEN | IMAGE_PRIVATE_GROUP,
	  NULL, 0 },
	{ "b.o-b_1", "!", "Bob", "/srv/b", "/usr/sbin/nologin", 1500, 2000000001, NULL, 0,
	  ACCOUNT_DISABLED, VERDICT_DENY, RULE_STATE, 0, NULL, 0 },
	{ ACCOUNT_PROBE_NAME, "!", "", "/nonexistent", "/usr/sbin/nologin", ACCOUNT_PROBE_ID,
	  ACCOUNT_PROBE_ID, NULL, 0, ACCOUNT_PROBE, VERDICT_DENY, RULE_STATE, IMAGE_HIDDEN, NULL,
	  0 },
};
static const uint32_t few_members[] = { 1, 0, 1 };
static const struct image_group_source few_groups[] = {
	{ "staff-eu", 2000000001, few_members, 3 },
	{ "empty", 2000000002, NULL, 0 },
};

static const struct image_source few = { .users = few_users,
					 .user_count = 5,
					 .groups = few_groups,
					 .group_count = 2,
					 .policy_flags = IMAGE_POLICY_STATED,
					 .stale_warn = 3600,
					 .stale_deny = 604800 };

static struct image_published publish(const struct image_source *src)
{
	struct image_published out = { 0 };
	struct fail f = { "" };
	int r = image_publish(box_dir, src, 1000, &out, &f);

	if (r < 0)
		print_error("%s\n", f.text);
	assert_int_equal(r, 0);
	return out;
}

static void open_good(struct image *im, enum image_way way)
{
	assert_int_equal(image_open(im, box_image, way), 0);
}

static int clean(void **state)
{
	(void)state;
	box_empty();
	return 0;
}

static void test_image_reads_back_what_was_written(void **state)
{
	(void)state;
	publish(&few);
	for (int way = IMAGE_BY_PREAD; way <= IMAGE_BY_MAP; way++) {
		struct image im;

		open_good(&im, (enum image_way)way);
		assert_int_equal(image_verify(&im), 0);
		assert_int_equal(im.head.stale_deny, 604800);
		assert_int_equal(im.head.active_count, 2);
		for (unsigned i = 0; i < few.user_count; i++) {
			const struct image_user_source *s = &few_users[i];
			struct image_found_user u;
			char buf[256];

			assert_int_equal(image_user_by_name(&im, s->name, buf, sizeof(buf), &u), 0);
			assert_int_equal(u.head.uid, s->uid);
			assert_int_equal(image_user_by_id(&im, s->uid, buf, sizeof(buf), &u), 0);
			assert_string_equal(u.name, s->name);
			assert_string_equal(u.passwd, s->passwd);
			assert_string_equal(u.gecos, s->gecos);
			assert_string_equal(u.home, s->home);
			assert_string_equal(u.shell, s->shell);
			assert_int_equal(u.head.gid, s->gid);
			assert_int_equal(u.head.state, s->state);
			assert_int_equal(u.head.verdict, s->verdict);
			assert_int_equal(u.head.rule, s->rule);
			assert_int_equal(u.head.flags, s->flags);
		}
		image_close(&im);
	}
}

static void test_image_gives_groups_sorted_and_once(void **state)
{
	static const uint32_t want[] = { 998, 2000000001, 2000000002 };
	(void)state;
	publish(&few);
	for (int way = IMAGE_BY_PREAD; way <= IMAGE_BY_MAP; way++) {
		struct image_found_user u;
		uint32_t gids[8] = { 0 };
		char buf[512], keys[64];
		struct image im;

		open_good(&im, (enum image_way)way);
		for (size_t len = 60; len <= sizeof(buf); len += sizeof(buf) - 60) {
			assert_int_equal(image_user_by_name(&im, "alice", buf, len, &u), 0);
			assert_int_equal(image_user_groups(&im, &u, 0, gids, 8), 3);
			assert_memory_equal(gids, want, sizeof(want));
			assert_int_equal(image_user_groups(&im, &u, 2, gids, 8), 1);
			assert_int_equal(gids[0], want[2]);
			assert_int_equal(image_user_groups(&im, &u, 0, gids, 2), 2);
			assert_int_equal(image_user_groups(&im, &u, 7, gids, 2), 0);
			assert_int_equal(u.head.keys,
					 strlen(few_keys[0]) + strlen(few_keys[1]) + 2);
			assert_int_equal(image_user_keys(&im, &u, keys, u.head.keys - 1), -ERANGE);
			assert_int_equal(image_user_keys(&im, &u, keys, sizeof(keys)), 0);
			assert_string_equal(keys, few_keys[0]);
			assert_string_equal(keys + strlen(keys) + 1, few_keys[1]);
		}
		image_close(&im);
	}
}

static void test_image_gives_groups_and_private_groups(void **state)
{
	struct image_found_group g;
	struct image im;
	char buf[256];

	(void)state;
	publish(&few);
	open_good(&im, IMAGE_BY_MAP);
	assert_int_equal(image_group_by_name(&im, "staff-eu", buf, sizeof(buf), &g), 0);
	assert_int_equal(g.head.gid, 2000000001);
	assert_int_equal(g.head.members, 2);
	assert_string_equal(g.members, "alice");
	assert_string_equal(g.members + 6, "zoe");
	assert_int_equal(image_group_by_id(&im, 2000000002, buf, sizeof(buf), &g), 0);
	assert_string_equal(g.name, "empty");
	assert_int_equal(g.head.members, 0);
	assert_int_equal(image_group_by_id(&im, 1900000001, buf, sizeof(buf), &g), 0);
	assert_string_equal(g.name, "alice");
	assert_string_equal(g.passwd, "*");
	assert_int_equal(g.head.members, 0);
	assert_int_equal(image_group_by_name(&im, "b.o-b_1", buf, sizeof(buf), &g), -ENOENT);
	assert_int_equal(image_group_by_id(&im, 1500, buf, sizeof(buf), &g), -ENOENT);
	image_close(&im);
}

static void test_image_finds_nobody_who_is_not_there(void **state)
{
	static const char *const names[] = {
		"",     "alic", "alicee",           "ALICE", "root", "zoe ", "a:b", "-x",
		"../x", "gone", "gone~19000000055", "gone~", "x\n"
	};
	struct image_found_user u;
	struct image im;
	char buf[256];

	(void)state;
	publish(&few);
	open_good(&im, IMAGE_BY_PREAD);
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_int_equal(image_user_by_name(&im, names[i], buf, sizeof(buf), &u), -ENOENT);
	assert_int_equal(image_user_by_id(&im, 0, buf, sizeof(buf), &u), -ENOENT);
	assert_int_equal(image_user_by_id(&im, 1900000002, buf, sizeof(buf), &u), -ENOENT);
	image_close(&im);
}

static void test_image_walks_in_id_order(void **state)
{
	static const uint32_t want[] = { 1500, 1900000001, 1900000005, 1900000009,
					 ACCOUNT_PROBE_ID };
	struct image_found_group g;
	struct image_found_user u;
	uint64_t from = 0, hint = 0;
	struct image im;
	char buf[256];

	(void)state;
	publish(&few);
	open_good(&im, IMAGE_BY_PREAD);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(image_user_next(&im, from, &hint, buf, 3, &u), -ERANGE);
		assert_int_equal(image_user_next(&im, from, &hint, buf, sizeof(buf), &u), 0);
		assert_int_equal(u.head.uid, want[i]);
		from = (uint64_t)u.head.uid + 1;
	}
	assert_int_equal(image_user_next(&im, from, &hint, buf, sizeof(buf), &u), -ENOENT);
	hint = 0;
	assert_int_equal(image_user_next(&im, 1900000002, &hint, buf, sizeof(buf), &u), 0);
	assert_int_equal(u.head.uid, 1900000005);
	hint = 0;
	assert_int_equal(image_group_next(&im, 0, &hint, buf, sizeof(buf), &g), 0);
	assert_int_equal(g.head.gid, 2000000001);
	assert_int_equal(image_group_next(&im, 2000000002, &hint, buf, sizeof(buf), &g), 0);
	assert_string_equal(g.name, "empty");
	assert_int_equal(image_group_next(&im, 2000000003, &hint, buf, sizeof(buf), &g), -ENOENT);
	image_close(&im);
}

static void test_image_holds_large_groups_and_records(void **state)
{
	enum { N = 3000 };
	struct image_found_group g;
	struct image_found_user u;
	struct people p;
	struct image im;
	static char buf[N * 16];
	static uint32_t gids[N], big[N];
	struct image_user_source *first;

	(void)state;
	people_make(&p, N, 5); // every group has all
	first = (struct image_user_source *)(uintptr_t)&p.source.users[0];
	const uint32_t *keep = first->groups;

	for (uint32_t i = 0; i < N; i++)
		big[i] = 2100000000 - i;
	first->groups = big;
	first->group_count = N;
	publish(&p.source);
	for (int way = IMAGE_BY_PREAD; way <= IMAGE_BY_MAP; way++) {
		open_good(&im, (enum image_way)way);
		assert_int_equal(image_group_by_name(&im, "g0000003", buf, sizeof(buf), &g), 0);
		assert_int_equal(g.head.members, N);
		assert_string_equal(g.members + 9 * (N - 1), "u0002999");
		assert_int_equal(image_group_by_name(&im, "g0000003", NULL, 0, &g), 0);
		assert_int_equal(g.head.members, N);
		assert_int_equal(image_user_by_name(&im, "u0000000", buf, sizeof(buf), &u), 0);
		assert_int_equal(image_user_groups(&im, &u, 0, gids, N), N);
		for (uint32_t i = 0; i < N; i++)
			assert_int_equal(gids[i], 2100000000 - N + 1 + i);
		image_close(&im);
	}
	first->groups = keep;
	people_free(&p);
}

static void test_image_of_nobody_is_good(void **state)
{
	const struct image_source none = { 0 };
	struct image_found_user u;
	struct image im;
	char buf[64];

	(void)state;
	publish(&none);
	open_good(&im, IMAGE_BY_MAP);
	assert_int_equal(image_verify(&im), 0);
	assert_int_equal(image_user_by_name(&im, "alice", buf, sizeof(buf), &u), -ENOENT);
	image_close(&im);
}

static void refuse_user(int err, const char *why, struct image_user_source u)
{
	const struct image_user_source two[] = { few_users[1], u };
	const struct image_source src = {
		.users = two, .user_count = 2, .groups = few_groups, .group_count = 1
	};
	struct image_published out;
	struct fail f = { "" };
	int r = image_publish(box_dir, &src, 0, &out, &f);

	if (r != -err)
		print_error("%s: %d\n", why, r);
	assert_int_equal(r, -err);
	assert_string_not_equal(f.text, "");
	assert_int_equal(access(box_image, F_OK), -1);
}

#define REFUSE(err, ...)                                                                           \
	do {                                                                                       \
		struct image_user_source u = few_users[0];                                         \
		__VA_ARGS__;                                                                       \
		refuse_user(err, #__VA_ARGS__, u);                                                 \
	} while (0)

static void test_image_refuses_bad_users(void **state)
{
	static const uint32_t root[] = { 0 }, nogroup[] = { 65534 };
	static const char *const line[] = { "ssh-rsa A\nB" };
	static char text[5000];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[0] = '/';
	REFUSE(EINVAL, u.name = "");
	REFUSE(EINVAL, u.name = NULL);
	REFUSE(EINVAL, u.name = "Zoe");
	REFUSE(EINVAL, u.name = "a b");
	REFUSE(EINVAL, u.name = "a:b");
	REFUSE(EINVAL, u.name = "a\n");
	REFUSE(EINVAL, u.name = "-a");
	REFUSE(EINVAL, u.name = "0a");
	REFUSE(EINVAL, u.name = "a~b");
	REFUSE(EINVAL, u.name = "zo\xc3\xa9");
	REFUSE(EINVAL, u.name = "a23456789012345678901234567890123");
	REFUSE(EINVAL, u.name = "alice");
	REFUSE(EINVAL, u.uid = u.gid = 1900000001);
	REFUSE(EINVAL, u.uid = u.gid = 0);
	REFUSE(EINVAL, u.uid = u.gid = 999);
	REFUSE(EINVAL, u.uid = u.gid = 61184);
	REFUSE(EINVAL, u.uid = u.gid = 65519);
	REFUSE(EINVAL, u.uid = u.gid = 65534);
	REFUSE(EINVAL, u.uid = u.gid = 65535);
	REFUSE(EINVAL, u.uid = u.gid = 2147352576u);
	REFUSE(EINVAL, u.uid = u.gid = UINT32_MAX);
	REFUSE(EINVAL, u.uid = u.gid = ACCOUNT_PROBE_ID);
	REFUSE(EINVAL, u.gid = 0; u.flags = 0);
	REFUSE(EINVAL, u.gid = 1900000010);
	REFUSE(EINVAL, u.passwd = "x");
	REFUSE(EINVAL, u.passwd = "");
	REFUSE(EINVAL, u.gecos = "a:b");
	REFUSE(EINVAL, u.gecos = "a\x7f");
	REFUSE(EINVAL, u.gecos = "a long enough text, then a control byte\x1f and more");
	REFUSE(EINVAL, u.gecos = NULL);
	REFUSE(EINVAL, u.home = "");
	REFUSE(EINVAL, u.home = "home");
	REFUSE(EINVAL, u.home = "/ho\tme");
	REFUSE(EINVAL, u.home = text);
	REFUSE(EINVAL, u.shell = "bash");
	REFUSE(EINVAL, u.shell = "/bin/sh\n");
	REFUSE(EINVAL, u.state = 0);
	REFUSE(EINVAL, u.state = 9);
	REFUSE(EINVAL, u.state = ACCOUNT_PROBE);
	REFUSE(EINVAL, u.verdict = 9);
	REFUSE(EINVAL, u.groups = root; u.group_count = 1);
	REFUSE(EINVAL, u.groups = nogroup; u.group_count = 1);
	REFUSE(EINVAL, u.groups = root; u.group_count = ACCOUNT_GROUPS_MAX + 1);
	REFUSE(EINVAL, u.keys = line; u.key_count = 1);
	REFUSE(EEXIST, u.name = "staff-eu");
	REFUSE(EEXIST, u.uid = u.gid = 2000000001);
}

static void refuse_group(int err, const char *name, uint32_t gid, uint32_t member)
{
	const struct image_group_source two[] = { few_groups[0], { name, gid, &member, 1 } };
	const struct image_source src = {
		.users = few_users, .user_count = 2, .groups = two, .group_count = 2
	};
	struct image_published out;
	struct fail f = { "" };

	assert_int_equal(image_publish(box_dir, &src, 0, &out, &f), -err);
	assert_string_not_equal(f.text, "");
	assert_int_equal(access(box_image, F_OK), -1);
}

static void test_image_refuses_bad_groups(void **state)
{
	(void)state;
	refuse_group(EINVAL, "", 2000000009, 0);
	refuse_group(EINVAL, "A", 2000000009, 0);
	refuse_group(EINVAL, "a b", 2000000009, 0);
	refuse_group(EINVAL, "ok", 27, 0);
	refuse_group(EINVAL, "ok", ACCOUNT_PROBE_ID, 0);
	refuse_group(EINVAL, "ok", 2000000009, 2);
	refuse_group(EINVAL, "staff-eu", 2000000009, 0);
	refuse_group(EINVAL, "ok", 2000000001, 0);
	refuse_group(EEXIST, "alice", 2000000009, 0);
	refuse_group(EEXIST, "ok", 1900000001, 0);
}

static void test_image_retires_and_empties_the_old_one(void **state)
{
	struct image_found_user u;
	struct image by_map, by_pread, new;
	struct people p;
	char path[300], buf[256];
	struct stat st;

	(void)state;
	people_make(&p, 2000, 10);
	assert_int_equal(publish(&p.source).generation, 1);
	open_good(&by_map, IMAGE_BY_MAP);
	open_good(&by_pread, IMAGE_BY_PREAD);
	assert_false(image_retired(&by_map));
	assert_false(image_retired(&by_pread));
	assert_int_equal(publish(&few).generation, 2);
	assert_true(image_retired(&by_map));
	assert_true(image_retired(&by_pread));
	assert_int_equal(fstat(by_pread.fd, &st), 0);
	assert_int_equal(st.st_nlink, 0);
	assert_true(st.st_blocks * 512 <= sysconf(_SC_PAGESIZE)); // the header's page
	assert_int_equal(image_user_by_name(&by_map, "u0000001", buf, sizeof(buf), &u), -EBADMSG);
	image_close(&by_map);
	image_close(&by_pread);
	open_good(&new, IMAGE_BY_MAP);
	assert_false(image_retired(&new));
	image_close(&new);
	assert_int_equal(access(box_path(path, "accounts.image.old"), F_OK), -1);
	assert_int_equal(access(box_path(path, "accounts.image.tmp"), F_OK), -1);
	assert_int_equal(stat(box_image, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	people_free(&p);
}

static void test_image_keeps_a_spare(void **state)
{
	struct image_published out;
	struct stat st, again;
	char path[300];

	(void)state;
	out = publish(&few);
	assert_true(out.spare);
	assert_int_equal(stat(box_path(path, "accounts.image.spare"), &st), 0);
	assert_true((uint64_t)st.st_size >= out.size + out.size / 4);
	assert_true((uint64_t)st.st_blocks * 512 >= out.size + out.size / 4);
	publish(&few);
	assert_int_equal(stat(box_image, &again), 0);
	assert_int_equal(again.st_ino, st.st_ino);
	assert_int_equal(again.st_size, (off_t)out.size);
}

static void copy_file(const char *from, const char *to)
{
	char buf[1 << 16];
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	ssize_t n;

	while ((n = read(in, buf, sizeof(buf))) > 0)
		assert_int_equal(write(out, buf, (size_t)n), n);
	close(in);
	close(out);
}

static void test_image_recovers_from_a_crash(void **state)
{
	char tmp[300], old[300], spare[300];
	struct image im, last;
	struct fail f;

	(void)state;
	box_path(tmp, "accounts.image.tmp");
	box_path(old, "accounts.image.old");
	box_path(spare, "accounts.image.spare");
	assert_int_equal(image_recover(box_dir, &f), 0); // nothing there at all
	publish(&few);
	// Before the rename: both names are the true file's.
	assert_int_equal(link(box_image, old), 0);
	copy_file(box_image, tmp);
	assert_int_equal(unlink(spare), 0);
	assert_int_equal(image_recover(box_dir, &f), 0);
	assert_int_equal(access(old, F_OK), -1);
	assert_int_equal(access(tmp, F_OK), -1);
	assert_int_equal(access(spare, F_OK), 0);
	open_good(&im, IMAGE_BY_MAP);
	assert_false(image_retired(&im));
	image_close(&im);
	// After the rename: the old one was not retired yet.
	copy_file(box_image, old);
	assert_int_equal(image_open(&last, old, IMAGE_BY_MAP), 0);
	assert_int_equal(image_recover(box_dir, &f), 0);
	assert_true(image_retired(&last));
	image_close(&last);
	assert_int_equal(access(old, F_OK), -1);
	open_good(&im, IMAGE_BY_MAP);
	assert_false(image_retired(&im));
	assert_int_equal(image_verify(&im), 0);
	image_close(&im);
	// The next publish does the same.
	copy_file(box_image, old);
	assert_int_equal(publish(&few).generation, 2);
	assert_int_equal(access(old, F_OK), -1);
}

static void test_image_survives_a_failed_publish(void **state)
{
	struct image_published out = { 0 };
	char tmp[300], old[300], blocker[400];
	struct image im;
	struct fail f;

	(void)state;
	publish(&few);
	// A folder in the way of the temporary name, and one in that of the old.
	box_path(tmp, "accounts.image.tmp");
	assert_int_equal(mkdir(tmp, 0700), 0);
	assert_true(image_publish(box_dir, &few, 0, &out, &f) < 0);
	assert_int_equal(rmdir(tmp), 0);
	box_path(old, "accounts.image.old");
	assert_int_equal(mkdir(old, 0700), 0);
	snprintf(blocker, sizeof(blocker), "%s/x", old);
	assert_int_equal(mkdir(blocker, 0700), 0);
	assert_true(image_publish(box_dir, &few, 0, &out, &f) < 0);
	assert_int_equal(out.generation, 0);
	assert_int_equal(rmdir(blocker), 0);
	assert_int_equal(rmdir(old), 0);
	open_good(&im, IMAGE_BY_MAP);
	assert_false(image_retired(&im));
	assert_int_equal(image_verify(&im), 0);
	image_close(&im);
}

static void test_image_confirms_in_place(void **state)
{
	struct image_confirmed c;
	int64_t now = clock_wall();
	struct image im;
	struct fail f;

	(void)state;
	publish(&few);
	open_good(&im, IMAGE_BY_MAP);
	assert_int_equal(image_confirmed_at(&im, &c), 0);
	assert_int_equal(c.wall, 1000);
	assert_int_equal(image_confirm(box_dir, now, &f), 0);
	assert_int_equal(image_confirmed_at(&im, &c), 0);
	assert_int_equal(c.wall, now);
	assert_true(c.boot > 0 && c.boot <= clock_boot());
	assert_false(image_retired(&im));
	assert_int_equal(image_verify(&im), 0);
	image_close(&im);
	assert_int_equal(image_confirm("/nonexistent", now, &f), -ENOENT);
}

static void confirm_for_ever(int64_t a, int64_t b)
{
	for (;;)
		if (image_confirm(box_dir, a, NULL) < 0 || image_confirm(box_dir, b, NULL) < 0)
			_exit(1);
}

static void test_image_never_gives_a_torn_confirmation(void **state)
{
	// Both times lie within this boot, however short it has been.
	const int64_t gap = clock_boot() / 2, now = clock_wall(), before = now - gap;
	const int64_t zero = now - clock_boot(); // when the boot clock began
	unsigned changes = 0, tries = 0;
	int64_t last = 0;
	pid_t child;

	(void)state;
	publish(&few);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		confirm_for_ever(now, before);
	while (changes < 300 && tries++ < 3000000) {
		struct image_confirmed c;
		struct image im;
		int r;

		open_good(&im, tries % 2 ? IMAGE_BY_MAP : IMAGE_BY_PREAD);
		r = image_confirmed_at(&im, &c);
		image_close(&im);
		if (r == -EAGAIN || (r == 0 && c.wall == 1000))
			continue;
		assert_int_equal(r, 0);
		assert_true(c.wall == now || c.wall == before);
		assert_true(llabs((c.wall - c.boot) - zero) < gap / 2);
		changes += c.wall != last;
		last = c.wall;
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_int_equal(changes, 300);
}

static void test_image_takes_no_untrusted_file(void **state)
{
	char path[300], target[300];
	struct image im;
	int fd;

	(void)state;
	publish(&few);
	assert_int_equal(chmod(box_image, 0664), 0);
	assert_int_equal(image_open(&im, box_image, IMAGE_BY_PREAD), -EPERM);
	assert_int_equal(chmod(box_image, 0646), 0);
	assert_int_equal(image_open(&im, box_image, IMAGE_BY_MAP), -EPERM);
	assert_int_equal(chmod(box_image, 0644), 0);
	assert_int_equal(symlink(box_image, box_path(path, "link")), 0);
	assert_int_equal(image_open(&im, path, IMAGE_BY_PREAD), -ELOOP);
	assert_int_equal(mkfifo(box_path(path, "fifo"), 0600), 0);
	assert_int_equal(image_open(&im, path, IMAGE_BY_PREAD), -EPERM);
	assert_int_equal(image_open(&im, box_path(path, "none"), IMAGE_BY_PREAD), -ENOENT);
	assert_int_equal(im.fd, -1);
	fd = open(box_path(target, "short"), O_WRONLY | O_CREAT, 0644);
	close(fd);
	assert_int_equal(image_open(&im, target, IMAGE_BY_MAP), -EBADMSG);
	if (!box_real_root)
		return;
	assert_int_equal(chown(box_image, 1000, 0), 0);
	assert_int_equal(image_open(&im, box_image, IMAGE_BY_PREAD), -EPERM);
	assert_int_equal(chown(box_image, 500, 0), 0);
	assert_int_equal(image_open(&im, box_image, IMAGE_BY_PREAD), -EPERM);
	assert_int_equal(chown(box_dir, 500, 0), 0);
	open_good(&im, IMAGE_BY_PREAD);
	image_close(&im);
	assert_int_equal(chown(box_dir, 1000, 0), 0);
	assert_int_equal(chown(box_image, 1000, 0), 0);
	assert_int_equal(image_open(&im, box_image, IMAGE_BY_PREAD), -EPERM);
	assert_int_equal(chown(box_dir, 65534, 0), 0);
	assert_int_equal(chown(box_image, 65534, 0), 0);
	assert_int_equal(image_open(&im, box_image, IMAGE_BY_PREAD), -EPERM);
	assert_int_equal(chown(box_dir, 0, 0), 0);
}

static void test_image_keeps_off_the_standard_streams(void **state)
{
	struct image im;
	int keep = dup(0), r, fd;

	(void)state;
	publish(&few);
	close(0);
	r = image_open(&im, box_image, IMAGE_BY_PREAD);
	fd = im.fd;
	image_close(&im);
	dup2(keep, 0);
	close(keep);
	assert_int_equal(r, 0);
	assert_true(fd > 2);
}

static void test_image_refuses_another_version(void **state)
{
	struct image_header h;
	struct image im;
	int fd;

	(void)state;
	publish(&few);
	fd = open(box_image, O_RDWR);
	assert_int_equal(pread(fd, &h, sizeof(h), 0), sizeof(h));
	h.version++;
	h.check = image_check(h.seed, &h, offsetof(struct image_header, check));
	assert_int_equal(pwrite(fd, &h, sizeof(h), 0), sizeof(h));
	close(fd);
	assert_int_equal(image_open(&im, box_image, IMAGE_BY_MAP), -ESTALE);
}

static void test_image_checksum_is_the_same_in_pieces(void **state)
{
	unsigned char *page =
		mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_int_equal(mprotect(page + 4096, 4096, PROT_NONE), 0);
	for (unsigned i = 0; i < 4096; i++)
		page[i] = (unsigned char)(i * 31 + 7);
	for (unsigned len = 0; len < 300; len++) {
		const unsigned char *p = page + 4096 - len; // nothing behind it may be read
		struct image_sum s;
		unsigned first = len / 32 * 16;

		image_sum_start(&s, 42, len);
		image_sum_blocks(&s, p, first / 16);
		image_sum_blocks(&s, p + first, len / 16 - first / 16);
		assert_int_equal(image_check(42, p, len),
				 image_sum_last(&s, p + len / 16 * 16, len % 16));
		if (len > 0) {
			uint32_t was = image_check(42, p, len);

			page[4095 - len / 2]++;
			assert_int_not_equal(was, image_check(42, p, len));
		}
	}
	munmap(page, 8192);
}

// The same bytes must come out as from the sound image, or an error that is no
// answer: never another record, never "not there".
static void ask_damaged(const struct image *im)
{
	struct image_found_user u;
	struct image_found_group g;
	char buf[512];
	uint32_t gids[8];

	for (unsigned i = 0; i < few.user_count; i++) {
		const struct image_user_source *s = &few_users[i];
		int r = i % 2 ? image_user_by_name(im, s->name, buf, sizeof(buf), &u)
			      : image_user_by_id(im, s->uid, buf, sizeof(buf), &u);

		assert_int_not_equal(r, -ENOENT);
		if (r < 0)
			continue;
		assert_string_equal(u.name, s->name);
		assert_string_equal(u.passwd, s->passwd);
		assert_string_equal(u.gecos, s->gecos);
		assert_string_equal(u.home, s->home);
		assert_string_equal(u.shell, s->shell);
		assert_int_equal(u.head.uid, s->uid);
		assert_int_equal(u.head.gid, s->gid);
		assert_int_equal(u.head.state, s->state);
		assert_int_equal(u.head.verdict, s->verdict);
		assert_int_equal(u.head.flags, s->flags);
		int64_t n = image_user_groups(im, &u, 0, gids, 8);
		if (n >= 0)
			assert_int_equal(n, i == 1 ? 3 : 0);
		if (n > 0)
			assert_true(gids[0] == 998 && gids[1] == 2000000001 &&
				    gids[2] == 2000000002);
		if (u.head.keys && image_user_keys(im, &u, buf, sizeof(buf)) == 0)
			assert_string_equal(buf, few_keys[0]);
	}
	int r = image_group_by_name(im, "staff-eu", buf, sizeof(buf), &g);
	assert_int_not_equal(r, -ENOENT);
	if (r == 0)
		assert_true(g.head.members == 2 && memcmp(g.members, "alice\0zoe", 10) == 0);
	r = image_group_by_id(im, 1900000001, buf, sizeof(buf), &g);
	assert_int_not_equal(r, -ENOENT);
	if (r == 0)
		assert_string_equal(g.name, "alice");
}

static size_t damage(unsigned char *bytes, size_t size)
{
	unsigned kind = box_random(10), n = 1 + box_random(16), page;

	if (kind == 0)
		return box_random((unsigned)size);
	if (kind == 1) {
		page = box_random((unsigned)(size / 512)) * 512;
		memset(bytes + page, 0, size - page < 512 ? size - page : 512);
		return size;
	}
	if (kind == 2) { // two lines change places
		unsigned char keep[64], *a = bytes + 4096 + 64 * box_random(8),
					*b = bytes + 4096 + 64 * box_random(8);

		memcpy(keep, a, 64);
		memmove(a, b, 64);
		memcpy(b, keep, 64);
		return size;
	}
	// Most edits go where something is: past the empty rest of the header page.
	while (n-- > 0) {
		size_t at = box_random(4) ? 4096 + box_random((unsigned)size - 4096)
					  : box_random(sizeof(struct image_header));

		bytes[at] = (unsigned char)(kind % 2 ? bytes[at] ^ 1 << box_random(8)
						     : (int)box_random(256));
	}
	return size;
}

static void test_image_damage_is_never_an_answer(void **state)
{
	unsigned char *sound, *bytes;
	unsigned opened = 0, verified = 0;
	struct stat st;
	int fd;

	(void)state;
	publish(&few);
	fd = open(box_image, O_RDWR);
	assert_int_equal(fstat(fd, &st), 0);
	sound = malloc((size_t)st.st_size);
	bytes = malloc((size_t)st.st_size);
	assert_int_equal(pread(fd, sound, (size_t)st.st_size, 0), st.st_size);
	for (unsigned i = 0; i < damages; i++) {
		struct image im;
		size_t size;

		memcpy(bytes, sound, (size_t)st.st_size);
		size = damage(bytes, (size_t)st.st_size);
		assert_int_equal(ftruncate(fd, (off_t)size), 0);
		assert_int_equal(pwrite(fd, bytes, size, 0), (ssize_t)size);
		if (image_open(&im, box_image, i % 2 ? IMAGE_BY_MAP : IMAGE_BY_PREAD) < 0)
			continue;
		opened++;
		ask_damaged(&im);
		verified += image_verify(&im) == 0;
		image_close(&im);
	}
	// The loop did look: many open, few of them are sound.
	assert_true(opened > damages / 4);
	assert_true(verified < opened / 2);
	free(sound);
	free(bytes);
	close(fd);
}

static void test_image_shrinking_under_pread_is_an_error(void **state)
{
	struct image_found_user u;
	struct image im;
	char buf[256];

	(void)state;
	publish(&few);
	open_good(&im, IMAGE_BY_PREAD);
	assert_int_equal(truncate(box_image, 4096), 0);
	assert_int_equal(image_user_by_name(&im, "alice", buf, sizeof(buf), &u), -EBADMSG);
	image_close(&im);
}

#define TEST(name) cmocka_unit_test_setup(name, clean)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_image_reads_back_what_was_written),
		TEST(test_image_gives_groups_sorted_and_once),
		TEST(test_image_gives_groups_and_private_groups),
		TEST(test_image_finds_nobody_who_is_not_there),
		TEST(test_image_walks_in_id_order),
		TEST(test_image_holds_large_groups_and_records),
		TEST(test_image_of_nobody_is_good),
		TEST(test_image_refuses_bad_users),
		TEST(test_image_refuses_bad_groups),
		TEST(test_image_retires_and_empties_the_old_one),
		TEST(test_image_keeps_a_spare),
		TEST(test_image_recovers_from_a_crash),
		TEST(test_image_survives_a_failed_publish),
		TEST(test_image_confirms_in_place),
		TEST(test_image_never_gives_a_torn_confirmation),
		TEST(test_image_takes_no_untrusted_file),
		TEST(test_image_keeps_off_the_standard_streams),
		TEST(test_image_refuses_another_version),
		TEST(test_image_checksum_is_the_same_in_pieces),
		TEST(test_image_damage_is_never_an_answer),
		TEST(test_image_shrinking_under_pread_is_an_error),
	};
	int failed;

	box_seed();
	damages = box_rounds(20000, 100000);
	box_make();
	failed = cmocka_run_group_tests_name("image", tests, NULL, NULL);
	box_remove();
	return failed;
}
