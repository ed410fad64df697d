// SPDX-License-Identifier: MIT
//
// The entry points of libnss_scim, called as glibc calls them: statuses, buffer
// sizes, enumeration, and what a host process may do to them: threads, forks,
// cancellation, publishes at any moment.

#include "nss/entry.h"
#include "nss/source.h"
#include "scimd/base/fail.h"
#include "scimd/image/read.h"
#include "scimd/image/write.h"
#include "tests/bench/people.h"
#include "tests/unit/imagebox.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cmocka.h>

#define USERS 300u
#define GROUPS 7u
#define THREADS 16 // of them the short ring uses half
#define HANG 60    // seconds after which a hang is one

static struct people people;
static _Atomic unsigned long allocations;

// Counts what the process allocates; sanitizers bring an allocator of their own.
#ifndef SANITIZED
#define COUNTING 1
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
__attribute__((visibility("default"))) void *malloc(size_t n)
{
	allocations++;
	return __libc_malloc(n);
}

__attribute__((visibility("default"))) void *calloc(size_t n, size_t size)
{
	allocations++;
	return __libc_calloc(n, size);
}

__attribute__((visibility("default"))) void *realloc(void *p, size_t n)
{
	allocations++;
	return __libc_realloc(p, n);
}
#endif

static void publish(const struct image_source *src)
{
	struct image_published out;
	struct fail f = { "" };

	if (image_publish(box_dir, src, 0, &out, &f) < 0)
		fail_msg("%s", f.text);
}

static void check_user(uint32_t i, const struct passwd *pw)
{
	char name[16], home[32];

	people_name(name, i);
	snprintf(home, sizeof(home), "/home/%s", name);
	assert_string_equal(pw->pw_name, name);
	assert_string_equal(pw->pw_passwd, "*");
	assert_string_equal(pw->pw_dir, home);
	assert_string_equal(pw->pw_shell, "/bin/bash");
	assert_int_equal(pw->pw_uid, people_uid(i));
	assert_int_equal(pw->pw_gid, people_uid(i));
}

static bool mapped(void)
{
	char line[512];
	bool found = false;
	FILE *maps = fopen("/proc/self/maps", "re");

	while (maps && fgets(line, sizeof(line), maps))
		found |= strstr(line, box_image) != NULL;
	if (maps)
		fclose(maps);
	return found;
}

// Must come first: it is about the first lookups of a process.
static void test_nss_maps_from_the_eighth_lookup(void **state)
{
	struct rlimit old, none;
	struct passwd pw;
	char buf[256];
	int err = 0;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(_nss_scim_getpwnam_r("u0000001", &pw, buf, sizeof(buf), &err),
			 NSS_STATUS_UNAVAIL);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(err, EMFILE);
	for (uint32_t i = 1; i < 7; i++) {
		assert_int_equal(_nss_scim_getpwuid_r(people_uid(i), &pw, buf, sizeof(buf), &err),
				 NSS_STATUS_SUCCESS);
		check_user(i, &pw);
		assert_false(mapped());
	}
	assert_int_equal(_nss_scim_getpwuid_r(people_uid(7), &pw, buf, sizeof(buf), &err),
			 NSS_STATUS_SUCCESS);
	check_user(7, &pw);
	assert_true(mapped());
}

static void test_nss_answers_and_keeps_errno(void **state)
{
	struct passwd pw;
	struct group gr;
	char buf[8192];
	int err = 77;

	(void)state;
	errno = 55;
	assert_int_equal(_nss_scim_getpwnam_r("u0000042", &pw, buf, sizeof(buf), &err),
			 NSS_STATUS_SUCCESS);
	check_user(42, &pw);
	assert_int_equal(_nss_scim_getgrnam_r("g0000003", &gr, buf, sizeof(buf), &err),
			 NSS_STATUS_SUCCESS);
	assert_int_equal(gr.gr_gid, PEOPLE_FIRST_GROUP + 3);
	assert_int_equal(_nss_scim_getgrgid_r(people_uid(9), &gr, buf, sizeof(buf), &err),
			 NSS_STATUS_SUCCESS);
	assert_string_equal(gr.gr_name, "u0000009");
	assert_string_equal(gr.gr_passwd, "*");
	assert_null(gr.gr_mem[0]);
	assert_int_equal(err, 77);
	assert_int_equal(errno, 55);
	assert_int_equal(_nss_scim_getpwnam_r("nobody-here", &pw, buf, sizeof(buf), &err),
			 NSS_STATUS_NOTFOUND);
	assert_int_equal(err, ENOENT);
	assert_int_equal(_nss_scim_getpwuid_r(5000, &pw, buf, sizeof(buf), &err),
			 NSS_STATUS_NOTFOUND);
	assert_int_equal(_nss_scim_getgrnam_r("u", &gr, buf, sizeof(buf), &err),
			 NSS_STATUS_NOTFOUND);
	assert_int_equal(_nss_scim_getgrgid_r(5000, &gr, buf, sizeof(buf), &err),
			 NSS_STATUS_NOTFOUND);
}

// In a child, whose image is elsewhere from its first lookup on.
static int without_image(const char *path, int failure)
{
	static const uid_t no_ids[] = { 0, 999, 61184, 65534, 65535, 2147352576u, UINT32_MAX };
	static const char *const no_names[] = { "",
						"root ",
						"ROOT",
						"a:b",
						"-",
						"a b",
						"0",
						"\xc3\xa9",
						"a~",
						"a~b",
						"a~12345678901",
						"a23456789012345678901234567890123" };
	struct passwd pw;
	struct group gr;
	gid_t *gids = NULL;
	long start = 0, size = 0;
	char buf[256];
	int err = 0, wrong = 0;

	nss_image_path = path;
	for (int i = 0; i < 20; i++)
		wrong += _nss_scim_getpwnam_r("u0000001", &pw, buf, sizeof(buf), &err) !=
				 NSS_STATUS_UNAVAIL ||
			 err == 0 || err == ERANGE;
	wrong += err != failure;
	wrong += _nss_scim_getgrgid_r(5000, &gr, buf, sizeof(buf), &err) != NSS_STATUS_UNAVAIL;
	err = 0;
	if (failure == ENOENT) // is none to who walks through all
		failure = 0;
	wrong += _nss_scim_getpwent_r(&pw, buf, sizeof(buf), &err) != NSS_STATUS_UNAVAIL ||
		 err != failure;
	err = 0;
	wrong += _nss_scim_getgrent_r(&gr, buf, sizeof(buf), &err) != NSS_STATUS_UNAVAIL ||
		 err != failure;
	wrong += _nss_scim_initgroups_dyn("u0000001", 1, &start, &size, &gids, 0, &err) !=
		 NSS_STATUS_UNAVAIL;
	for (unsigned i = 0; i < sizeof(no_ids) / sizeof(*no_ids); i++)
		wrong += _nss_scim_getpwuid_r(no_ids[i], &pw, buf, sizeof(buf), &err) !=
				 NSS_STATUS_NOTFOUND ||
			 _nss_scim_getgrgid_r(no_ids[i], &gr, buf, sizeof(buf), &err) !=
				 NSS_STATUS_NOTFOUND;
	for (unsigned i = 0; i < sizeof(no_names) / sizeof(*no_names); i++)
		wrong += _nss_scim_getpwnam_r(no_names[i], &pw, buf, sizeof(buf), &err) !=
				 NSS_STATUS_NOTFOUND ||
			 _nss_scim_getgrnam_r(no_names[i], &gr, buf, sizeof(buf), &err) !=
				 NSS_STATUS_NOTFOUND ||
			 _nss_scim_initgroups_dyn(no_names[i], 1, &start, &size, &gids, 0, &err) !=
				 NSS_STATUS_NOTFOUND;
	return wrong;
}

static int status_of_child(pid_t child)
{
	int status = -1;

	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void test_nss_without_image_is_unavailable_not_absent(void **state)
{
	char path[300];
	pid_t child;
	int fd;

	(void)state;
	fd = open(box_path(path, "garbage"), O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_int_equal(ftruncate(fd, 20000), 0);
	close(fd);
	child = fork();
	if (child == 0) { // its map is the sound image's: retired, so it must look again
		int r;

		publish(&people.source);
		r = without_image("/nonexistent/accounts.image", ENOENT);
		_exit(r ? 1 : without_image(path, EBADMSG) ? 2 : 0);
	}
	assert_int_equal(status_of_child(child), 0);
}

typedef enum nss_status pack_fn(char *buf, size_t len, int *err);

static enum nss_status pack_user(char *buf, size_t len, int *err)
{
	struct passwd pw;
	enum nss_status s = _nss_scim_getpwnam_r("u0000011", &pw, buf, len, err);

	if (s == NSS_STATUS_SUCCESS)
		check_user(11, &pw);
	return s;
}

static enum nss_status pack_group(char *buf, size_t len, int *err)
{
	struct group gr;
	enum nss_status s = _nss_scim_getgrnam_r("g0000002", &gr, buf, len, err);

	if (s == NSS_STATUS_SUCCESS) {
		uint32_t n = 0;

		assert_int_equal((uintptr_t)gr.gr_mem % sizeof(char *), 0);
		while (gr.gr_mem[n]) {
			assert_int_equal(strlen(gr.gr_mem[n]), 8);
			n++;
		}
		assert_int_equal(n, people.source.groups[2].member_count);
		assert_true((char *)(gr.gr_mem + n + 1) <= buf + len);
	}
	return s;
}

static enum nss_status pack_private(char *buf, size_t len, int *err)
{
	struct group gr;
	enum nss_status s = _nss_scim_getgrgid_r(people_uid(11), &gr, buf, len, err);

	if (s == NSS_STATUS_SUCCESS)
		assert_true(strcmp(gr.gr_name, "u0000011") == 0 && !gr.gr_mem[0]);
	return s;
}

// What each needs of a buffer at an address: its strings, padding, pointers.
static size_t need_user(uintptr_t at)
{
	const struct image_user_source *u = &people.source.users[11];

	(void)at;
	return strlen(u->name) + strlen(u->gecos) + strlen(u->home) + strlen(u->shell) + 4 + 2;
}

static size_t need_group(uintptr_t at)
{
	size_t n = people.source.groups[2].member_count, strings = 8 + 1 + 2 + 9 * n;

	return strings + (-(at + strings) % 8) + 8 * (n + 1);
}

static size_t need_private(uintptr_t at)
{
	return 8 + 1 + 2 + (-(at + 11) % 8) + 8;
}

// Sizes around nothing and around what is needed, in a buffer that ends before a
// page nobody may touch and begins after one.
static void sweep(pack_fn *pack, size_t (*need)(uintptr_t))
{
	enum { ROOM = 16384 };
	char *base =
		mmap(NULL, ROOM + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_int_equal(mprotect(base + ROOM, 4096, PROT_NONE), 0);
	for (unsigned shift = 0; shift < 8; shift++) {
		for (size_t len = 0; len < ROOM - 64;
		     len += len < 400 || len + 40 > need(0) ? 1 : 97) {
			char *buf = base + ROOM - len - shift;
			size_t want = need((uintptr_t)buf);
			enum nss_status s;
			int err = 0;

			memset(base, 0x5a, ROOM);
			s = pack(buf, len, &err);
			assert_int_equal(s, len >= want ? NSS_STATUS_SUCCESS : NSS_STATUS_TRYAGAIN);
			assert_int_equal(err, len >= want ? 0 : ERANGE);
			for (unsigned i = 0; i < 64; i++)
				assert_int_equal(buf[-(int)i - 1], 0x5a);
			for (unsigned i = 0; i < shift; i++)
				assert_int_equal(buf[len + i], 0x5a);
			if (len > need(0) + 64)
				break;
		}
	}
	munmap(base, ROOM + 4096);
}

static void test_nss_needs_exactly_what_it_uses(void **state)
{
	(void)state;
	sweep(pack_user, need_user);
	sweep(pack_group, need_group);
	sweep(pack_private, need_private);
}

static void test_nss_enumerates_everybody_once(void **state)
{
	struct passwd pw;
	char buf[256];
	int err;

	(void)state;
	_nss_scim_setpwent(0);
	for (uint32_t i = 0; i < USERS; i++) {
		// A small buffer must not lose the entry.
		assert_int_equal(_nss_scim_getpwent_r(&pw, buf, 20, &err), NSS_STATUS_TRYAGAIN);
		assert_int_equal(err, ERANGE);
		assert_int_equal(_nss_scim_getpwent_r(&pw, buf, sizeof(buf), &err),
				 NSS_STATUS_SUCCESS);
		check_user(i, &pw);
	}
	err = 0; // and stays: callers tell the end from a failure by it
	assert_int_equal(_nss_scim_getpwent_r(&pw, buf, sizeof(buf), &err), NSS_STATUS_NOTFOUND);
	assert_int_equal(_nss_scim_getpwent_r(&pw, buf, sizeof(buf), &err), NSS_STATUS_NOTFOUND);
	assert_int_equal(err, 0);
	_nss_scim_endpwent();
	assert_int_equal(_nss_scim_getpwent_r(&pw, buf, sizeof(buf), &err), NSS_STATUS_SUCCESS);
	check_user(0, &pw);
	_nss_scim_endpwent();
}

static void test_nss_enumerates_on_after_a_publish(void **state)
{
	struct image_source half = people.source;
	struct passwd pw;
	char buf[256];
	int err;

	(void)state;
	_nss_scim_setpwent(0);
	for (uint32_t i = 0; i < USERS; i++) {
		if (i == 50) { // the first hundred are gone: on at the next one there is
			half.users += 100;
			half.user_count -= 100;
			half.group_count = 0;
			publish(&half);
			i = 100;
		}
		assert_int_equal(_nss_scim_getpwent_r(&pw, buf, sizeof(buf), &err),
				 NSS_STATUS_SUCCESS);
		check_user(i, &pw);
	}
	assert_int_equal(_nss_scim_getpwent_r(&pw, buf, sizeof(buf), &err), NSS_STATUS_NOTFOUND);
	_nss_scim_endpwent();
	publish(&people.source);
}

static const struct image_user_source mixed_users[] = {
	{ "low", "*", "", "/", "/bin/sh", 3000, 3000, NULL, 0, ACCOUNT_ACTIVE, VERDICT_ALLOW,
	  RULE_ALLOW, IMAGE_PRIVATE_GROUP, NULL, 0 },
	{ "high", "*", "", "/", "/bin/sh", 9000, 9000, NULL, 0, ACCOUNT_ACTIVE, VERDICT_ALLOW,
	  RULE_ALLOW, IMAGE_PRIVATE_GROUP, NULL, 0 },
	{ "left", "!", "", "/", "/bin/sh", 4000, 4000, NULL, 0, ACCOUNT_DELETED, VERDICT_DENY,
	  RULE_STATE, IMAGE_PRIVATE_GROUP | IMAGE_HIDDEN, NULL, 0 },
	{ "unseen", "!", "", "/", "/bin/sh", 4500, 4500, NULL, 0, ACCOUNT_DELETED, VERDICT_DENY,
	  RULE_STATE, IMAGE_PRIVATE_GROUP | IMAGE_NO_NSS, NULL, 0 },
};
static const struct image_group_source mixed_groups[] = {
	{ "between", 5000, NULL, 0 },
	{ "last", 9500, NULL, 0 },
	{ "first", 2000, NULL, 0 },
};
static const struct image_source mixed = {
	.users = mixed_users, .user_count = 4, .groups = mixed_groups, .group_count = 3
};

static void test_nss_merges_private_groups_by_gid(void **state)
{
	static const char *const want[] = { "first", "low", "between", "high", "last" };
	struct group gr;
	char buf[256];
	int err;

	(void)state;
	publish(&mixed);
	_nss_scim_setgrent(0);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(_nss_scim_getgrent_r(&gr, buf, 3, &err), NSS_STATUS_TRYAGAIN);
		assert_int_equal(_nss_scim_getgrent_r(&gr, buf, sizeof(buf), &err),
				 NSS_STATUS_SUCCESS);
		assert_string_equal(gr.gr_name, want[i]);
	}
	assert_int_equal(_nss_scim_getgrent_r(&gr, buf, sizeof(buf), &err), NSS_STATUS_NOTFOUND);
	_nss_scim_endgrent();
	publish(&people.source);
}

static void test_nss_hides_who_is_hidden(void **state)
{
	struct passwd pw;
	struct group gr;
	gid_t *gids = NULL;
	long start = 0, size = 0;
	char buf[256];
	int err;

	(void)state;
	publish(&mixed);
	assert_int_equal(_nss_scim_getpwnam_r("left", &pw, buf, sizeof(buf), &err),
			 NSS_STATUS_SUCCESS);
	assert_string_equal(pw.pw_passwd, "!");
	assert_int_equal(_nss_scim_getpwnam_r("unseen", &pw, buf, sizeof(buf), &err),
			 NSS_STATUS_NOTFOUND);
	assert_int_equal(_nss_scim_getpwuid_r(4500, &pw, buf, sizeof(buf), &err),
			 NSS_STATUS_NOTFOUND);
	assert_int_equal(_nss_scim_getgrgid_r(4500, &gr, buf, sizeof(buf), &err),
			 NSS_STATUS_NOTFOUND);
	assert_int_equal(_nss_scim_getgrnam_r("unseen", &gr, buf, sizeof(buf), &err),
			 NSS_STATUS_NOTFOUND);
	assert_int_equal(_nss_scim_initgroups_dyn("unseen", 1, &start, &size, &gids, 0, &err),
			 NSS_STATUS_NOTFOUND);
	_nss_scim_setpwent(0);
	assert_int_equal(_nss_scim_getpwent_r(&pw, buf, sizeof(buf), &err), NSS_STATUS_SUCCESS);
	assert_string_equal(pw.pw_name, "low");
	assert_int_equal(_nss_scim_getpwent_r(&pw, buf, sizeof(buf), &err), NSS_STATUS_SUCCESS);
	assert_string_equal(pw.pw_name, "high");
	assert_int_equal(_nss_scim_getpwent_r(&pw, buf, sizeof(buf), &err), NSS_STATUS_NOTFOUND);
	_nss_scim_endpwent();
	publish(&people.source);
}

static bool in_list(const gid_t *gids, long n, gid_t gid)
{
	for (long i = 0; i < n; i++)
		if (gids[i] == gid)
			return true;
	return false;
}

static void test_nss_lists_groups(void **state)
{
	const struct image_user_source *u = &people.source.users[5];

	(void)state;
	for (long limit = 0; limit < 9; limit++) {
		for (long room = 1; room < 9; room++) {
			long size = limit > 0 && room > limit ? limit : room, start = 1, n;
			gid_t *gids = malloc((size_t)size * sizeof(*gids));
			int err = 0;

			gids[0] = 4711;
			assert_int_equal(_nss_scim_initgroups_dyn(u->name, u->groups[2], &start,
								  &size, &gids, limit, &err),
					 NSS_STATUS_SUCCESS);
			n = PEOPLE_GROUPS - 1; // without the one to skip
			if (limit > 0 && n > limit - 1)
				n = limit - 1;
			assert_int_equal(start, 1 + n);
			assert_true(size >= start && (limit <= 0 || size <= limit));
			assert_int_equal(gids[0], 4711);
			assert_false(in_list(gids, start, u->groups[2]));
			for (long i = 1; i < start; i++) {
				assert_true(in_list(u->groups, PEOPLE_GROUPS, gids[i]));
				assert_false(in_list(gids, i, gids[i]));
			}
			free(gids);
		}
	}
}

static void test_nss_warm_lookups_do_not_allocate(void **state)
{
#ifdef COUNTING
	gid_t *gids = malloc(64 * sizeof(*gids));
	unsigned long before;
	char buf[4096];
	int err;

	(void)state;
	for (int round = 0; round < 2; round++) { // the first one warms
		before = allocations;
		for (uint32_t i = 0; i < 200; i++) {
			struct passwd pw;
			struct group gr;
			long start = 1, size = 64;
			char name[16];

			people_name(name, i);
			_nss_scim_getpwnam_r(name, &pw, buf, sizeof(buf), &err);
			_nss_scim_getpwuid_r(people_uid(i), &pw, buf, sizeof(buf), &err);
			_nss_scim_getpwuid_r(5000, &pw, buf, sizeof(buf), &err);
			_nss_scim_getgrnam_r("g0000001", &gr, buf, sizeof(buf), &err);
			_nss_scim_initgroups_dyn(name, 1, &start, &size, &gids, 0, &err);
			assert_int_equal(start, 1 + PEOPLE_GROUPS);
		}
	}
	assert_true(allocations == before);
	free(gids);
#else
	(void)state;
	skip();
#endif
}

static void test_nss_keeps_no_descriptor(void **state)
{
	unsigned before = open_files();
	struct passwd pw;
	char buf[256];
	int err;

	(void)state;
	for (uint32_t i = 0; i < 50; i++) {
		publish(&people.source);
		for (uint32_t k = 0; k < 100; k++)
			assert_int_equal(_nss_scim_getpwuid_r(people_uid(k), &pw, buf, sizeof(buf),
							      &err),
					 NSS_STATUS_SUCCESS);
	}
	assert_int_equal(open_files(), before);
}

static void test_nss_follows_images_of_all_sizes(void **state)
{
	static const uint32_t sizes[] = { 1, 20000, 10, 60000, 200, 100000, 3 };
	struct passwd pw;
	char buf[256], name[16];
	int err;

	(void)state;
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct people p;

		people_make(&p, sizes[i], 0);
		publish(&p.source);
		for (uint32_t k = 0; k < sizes[i]; k += 1 + sizes[i] / 50) {
			people_name(name, k);
			assert_int_equal(_nss_scim_getpwnam_r(name, &pw, buf, sizeof(buf), &err),
					 NSS_STATUS_SUCCESS);
			check_user(k, &pw);
		}
		people_name(name, sizes[i]);
		assert_int_equal(_nss_scim_getpwnam_r(name, &pw, buf, sizeof(buf), &err),
				 NSS_STATUS_NOTFOUND);
		people_free(&p);
	}
	publish(&people.source);
}

// Threads that look up what is always there, while images come and go.
static _Atomic bool stop;
static _Atomic unsigned long wrong, again, looked;
static unsigned running;

static void look_once(uint32_t i)
{
	struct passwd pw;
	struct group gr;
	char buf[1 << 16];
	int err = 0;
	enum nss_status s;

	if (i % 3) {
		s = _nss_scim_getpwuid_r(people_uid(i % USERS), &pw, buf, sizeof(buf), &err);
		if (s == NSS_STATUS_SUCCESS &&
		    (pw.pw_uid != people_uid(i % USERS) || strcmp(pw.pw_shell, "/bin/bash") != 0))
			wrong++;
	} else {
		s = _nss_scim_getgrgid_r(PEOPLE_FIRST_GROUP + i % GROUPS, &gr, buf, sizeof(buf),
					 &err);
		if (s == NSS_STATUS_SUCCESS && gr.gr_gid != PEOPLE_FIRST_GROUP + i % GROUPS)
			wrong++;
	}
	looked++;
	if (s == NSS_STATUS_UNAVAIL && err == EAGAIN)
		again++; // retired three times within one lookup
	else if (s != NSS_STATUS_SUCCESS)
		wrong++;
}

static void *look_all_the_time(void *arg)
{
	for (uint32_t i = (uint32_t)(uintptr_t)arg; !stop; i++)
		look_once(i);
	return NULL;
}

static void *enumerate_all_the_time(void *arg)
{
	(void)arg;
	while (!stop) {
		uint32_t next = 0;
		struct passwd pw;
		char buf[256];
		int err;

		_nss_scim_setpwent(0);
		while (!stop && next < USERS) {
			enum nss_status s = _nss_scim_getpwent_r(&pw, buf, sizeof(buf), &err);

			if (s == NSS_STATUS_UNAVAIL && err == EAGAIN)
				continue;
			if (s != NSS_STATUS_SUCCESS || pw.pw_uid != people_uid(next++)) {
				wrong++;
				break;
			}
		}
	}
	return NULL;
}

static void start_threads(pthread_t *threads, void *(*run)(void *))
{
	stop = false;
	wrong = again = looked = 0;
	running = box_rounds(THREADS / 2, THREADS);
	for (uintptr_t i = 0; i < running; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
						i == 0 ? enumerate_all_the_time : run,
						(void *)(i * 31)),
				 0);
	// This thread's turn comes at once, wherever the others are in their lookups.
	(void)setpriority(PRIO_PROCESS, 0, -15);
}

static void stop_threads(pthread_t *threads)
{
	stop = true;
	for (unsigned i = 0; i < running; i++)
		pthread_join(threads[i], NULL);
	(void)setpriority(PRIO_PROCESS, 0, 0);
	assert_true(wrong == 0);
	assert_true(again <= 10 + looked / 100);
}

static void test_nss_answers_rightly_while_images_change(void **state)
{
	pthread_t threads[THREADS];
	struct people large;
	unsigned rounds = 0;

	(void)state;
	people_make(&large, 3000, GROUPS); // has all of the others, and more
	start_threads(threads, look_all_the_time);
	while (rounds < 300 || looked < 20000)
		publish(rounds++ % 2 ? &large.source : &people.source);
	stop_threads(threads);
	people_free(&large);
	publish(&people.source);
}

static void test_nss_answers_in_children_of_threads(void **state)
{
	const uint32_t forks = box_rounds(200, 10000);
	pthread_t threads[THREADS];

	(void)state;
	start_threads(threads, look_all_the_time);
	for (uint32_t i = 0; i < forks; i++) {
		pid_t child;

		if (i % 4 == 0)
			publish(&people.source);
		child = fork();
		if (child == 0) {
			alarm(HANG);
			wrong = again = 0;
			for (uint32_t k = 0; k < 20; k++)
				look_once(i + k);
			if (i % 8 == 0) { // and where the parent's map was retired
				publish(&people.source);
				for (uint32_t k = 0; k < 20; k++)
					look_once(i + k);
			}
			_exit(wrong || again ? 1 : 0);
		}
		assert_int_equal(status_of_child(child), 0);
	}
	stop_threads(threads);
}

static void *look_until_cancelled(void *arg)
{
	for (uint32_t i = (uint32_t)(uintptr_t)arg;; i++) {
		look_once(i);
		pthread_testcancel();
	}
	return NULL;
}

static void test_nss_lets_itself_be_cancelled(void **state)
{
	const unsigned threads = box_rounds(1000, 10000), before = open_files();

	(void)state;
	wrong = again = 0;
	for (unsigned i = 0; i < threads; i++) {
		pthread_t thread;

		if (i % 10 == 0)
			publish(&people.source);
		assert_int_equal(pthread_create(&thread, NULL, look_until_cancelled,
						(void *)(uintptr_t)i),
				 0);
		for (volatile unsigned spin = box_random(20000); spin > 0; spin--)
			;
		pthread_cancel(thread);
		assert_int_equal(pthread_join(thread, NULL), 0);
	}
	assert_true(wrong == 0);
	assert_int_equal(open_files(), before);
	look_once(1);
	assert_true(wrong == 0);
}

static int group_setup(void **state)
{
	(void)state;
	people_make(&people, USERS, GROUPS);
	publish(&people.source);
	nss_image_path = box_image;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nss_maps_from_the_eighth_lookup),
		cmocka_unit_test(test_nss_answers_and_keeps_errno),
		cmocka_unit_test(test_nss_without_image_is_unavailable_not_absent),
		cmocka_unit_test(test_nss_needs_exactly_what_it_uses),
		cmocka_unit_test(test_nss_enumerates_everybody_once),
		cmocka_unit_test(test_nss_enumerates_on_after_a_publish),
		cmocka_unit_test(test_nss_merges_private_groups_by_gid),
		cmocka_unit_test(test_nss_hides_who_is_hidden),
		cmocka_unit_test(test_nss_lists_groups),
		cmocka_unit_test(test_nss_warm_lookups_do_not_allocate),
		cmocka_unit_test(test_nss_keeps_no_descriptor),
		cmocka_unit_test(test_nss_follows_images_of_all_sizes),
		cmocka_unit_test(test_nss_answers_rightly_while_images_change),
		cmocka_unit_test(test_nss_answers_in_children_of_threads),
		cmocka_unit_test(test_nss_lets_itself_be_cancelled),
	};
	int failed;

	box_seed();
	box_make();
	failed = cmocka_run_group_tests_name("nss", tests, group_setup, NULL);
	people_free(&people);
	box_remove();
	return failed;
}
