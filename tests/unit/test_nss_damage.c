// SPDX-License-Identifier: MIT
//
// What the entry points make of files that nobody should have written: at random
// damaged or cut short, or with every checksum right and something in them that
// may not be served. The right record or UNAVAIL: no signal, no other record, and
// never the certain answer that there is no such account.

#include "nss/entry.h"
#include "nss/source.h"
#include "scimd/base/fail.h"
#include "scimd/image/read.h"
#include "scimd/image/record.h"
#include "scimd/image/write.h"
#include "tests/bench/people.h"
#include "tests/unit/imagebox.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>

#include <cmocka.h>

#define USERS 24u
#define GROUPS 7u
#define SLOW_MS 1000 // far above what a lookup may take, far below a hang

static struct people people;
static unsigned char *sound, *bytes;
static size_t size;
static int current = -1; // the file that has the name

// As a publish does it: the new file gets the name, then the old one is retired.
static void put(const unsigned char *data, size_t len)
{
	const uint32_t retired = 1;
	char path[300];
	int fd = open(box_path(path, "next"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), (ssize_t)len);
	assert_int_equal(rename(path, box_image), 0);
	if (current >= 0) {
		// One that was cut short before the word needs none: nobody could map it.
		assert_int_equal(pwrite(current, &retired, sizeof(retired),
					offsetof(struct image_header, retired)),
				 sizeof(retired));
		close(current);
	}
	current = fd;
}

static unsigned long answers, refusals;

static void count(enum nss_status s, int err, bool right)
{
	if (s == NSS_STATUS_SUCCESS) {
		assert_true(right);
		answers++;
		return;
	}
	assert_int_equal(s, NSS_STATUS_UNAVAIL);
	assert_true(err != 0 && err != ENOENT && err != ERANGE);
	refusals++;
}

static void ask_user(uint32_t i, bool by_name)
{
	const struct image_user_source *u = &people.source.users[i];
	struct passwd pw = { 0 };
	char buf[1024];
	int err = 0;
	enum nss_status s = by_name ? _nss_scim_getpwnam_r(u->name, &pw, buf, sizeof(buf), &err)
				    : _nss_scim_getpwuid_r(u->uid, &pw, buf, sizeof(buf), &err);

	count(s, err,
	      s == NSS_STATUS_SUCCESS && pw.pw_uid == u->uid && pw.pw_gid == u->gid &&
		      strcmp(pw.pw_name, u->name) == 0 && strcmp(pw.pw_passwd, u->passwd) == 0 &&
		      strcmp(pw.pw_gecos, u->gecos) == 0 && strcmp(pw.pw_dir, u->home) == 0 &&
		      strcmp(pw.pw_shell, u->shell) == 0);
}

static bool members_are(char *const *member, const struct image_group_source *g)
{
	uint32_t n = 0;

	for (; member[n]; n++)
		if (strlen(member[n]) != 8 || member[n][0] != 'u')
			return false;
	return n == g->member_count;
}

static void ask_group(uint32_t i, bool by_name)
{
	const struct image_group_source *g = &people.source.groups[i];
	struct group gr = { 0 };
	char buf[4096];
	int err = 0;
	enum nss_status s = by_name ? _nss_scim_getgrnam_r(g->name, &gr, buf, sizeof(buf), &err)
				    : _nss_scim_getgrgid_r(g->gid, &gr, buf, sizeof(buf), &err);

	count(s, err,
	      s == NSS_STATUS_SUCCESS && gr.gr_gid == g->gid && strcmp(gr.gr_name, g->name) == 0 &&
		      members_are(gr.gr_mem, g));
}

static void ask_memberships(uint32_t i)
{
	const struct image_user_source *u = &people.source.users[i];
	long start = 0, room = 1;
	gid_t *gids = malloc(sizeof(*gids));
	int err = 0;
	enum nss_status s;

	assert_non_null(gids);
	s = _nss_scim_initgroups_dyn(u->name, u->gid, &start, &room, &gids, 0, &err);
	if (s == NSS_STATUS_SUCCESS) {
		assert_int_equal(start, u->group_count);
		for (long k = 0; k < start; k++)
			assert_true(gids[k] - PEOPLE_FIRST_GROUP < GROUPS);
	}
	count(s, err, true);
	free(gids);
}

// Whoever comes is one of us and comes once; the end may be a failure.
static void walk(void)
{
	bool seen[USERS] = { false };
	struct passwd pw;
	enum nss_status s;
	char buf[1024];
	int err = 0;

	_nss_scim_setpwent(0);
	while ((s = _nss_scim_getpwent_r(&pw, buf, sizeof(buf), &err)) == NSS_STATUS_SUCCESS) {
		uint32_t i = (pw.pw_uid - PEOPLE_FIRST) / 7;

		assert_true(i < USERS && pw.pw_uid == people_uid(i) && !seen[i]);
		assert_string_equal(pw.pw_name, people.source.users[i].name);
		seen[i] = true;
	}
	assert_true(s == NSS_STATUS_UNAVAIL || s == NSS_STATUS_NOTFOUND);
	for (unsigned i = 0; s == NSS_STATUS_NOTFOUND && i < USERS; i++)
		assert_true(seen[i]);
	_nss_scim_endpwent();
}

static size_t damage(unsigned char *p)
{
	const unsigned kind = box_random(10);
	size_t at = box_random((unsigned)size);

	if (kind == 0) // cut short, often at a page
		return box_random(2) ? at : at / 512 * 512;
	if (kind == 1) {
		at = at / 512 * 512;
		memset(p + at, 0, size - at < 512 ? size - at : 512);
		return size;
	}
	if (kind == 2) { // 64 bytes are also elsewhere
		at = 4096 + box_random((unsigned)size - 4096 - 64);
		memmove(p + at / 64 * 64, p + 4096 + 64 * box_random(8), 64);
		return size;
	}
	for (unsigned n = 1 + box_random(16); n > 0; n--) {
		at = box_random(8) ? 4096 + box_random((unsigned)size - 4096)
				   : box_random(sizeof(struct image_header));
		p[at] = (unsigned char)(kind % 2 ? p[at] ^ 1u << box_random(8) : box_random(256));
	}
	return size;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void test_nss_damage_at_random(void **state)
{
	const unsigned files = box_rounds(8000, 100000);
	int64_t slowest = 0;

	(void)state;
	answers = refusals = 0;
	for (unsigned i = 0; i < files; i++) {
		int64_t start;
		uint32_t who = box_random(USERS);
		size_t len;

		memcpy(bytes, sound, size);
		len = damage(bytes);
		put(bytes, len);
		start = now_ms();
		ask_user(who, i % 2);
		ask_user((who + 1) % USERS, !(i % 2));
		ask_group(who % GROUPS, i % 2);
		ask_memberships(who);
		if (i % 8 == 0)
			walk();
		start = now_ms() - start;
		slowest = start > slowest ? start : slowest;
	}
	printf("%u files: %lu right answers, %lu refusals, slowest five lookups %lld ms\n", files,
	       answers, refusals, (long long)slowest);
	assert_true(answers > files && refusals > files); // both happened
	assert_true(slowest < SLOW_MS);
	put(sound, size);
	ask_user(1, true); // and all is well again
	assert_int_equal(answers + refusals, 4ul * files + 1);
}

// ------------------------------------------- right checksums, wrong content

static uint64_t seed(void)
{
	return ((const struct image_header *)(const void *)sound)->seed;
}

static uint64_t record_of(uint32_t i)
{
	struct image_found_user u;
	struct image im;

	put(sound, size);
	assert_int_equal(image_open(&im, box_image, IMAGE_BY_PREAD), 0);
	assert_int_equal(image_user_by_id(&im, people_uid(i), NULL, 0, &u), 0);
	image_close(&im);
	return u.at;
}

static uint64_t group_record_of(uint32_t i)
{
	struct image_found_group g;
	struct image im;

	put(sound, size);
	assert_int_equal(image_open(&im, box_image, IMAGE_BY_PREAD), 0);
	assert_int_equal(image_group_by_id(&im, PEOPLE_FIRST_GROUP + i, NULL, 0, &g), 0);
	image_close(&im);
	return g.at;
}

// Puts the file with user 3 changed and signed, and asks: found by the old name
// (and the old number, where that stands), it must not be served.
static void forged(struct image_user *u, uint64_t at, const char *why)
{
	const size_t whole = sizeof(*u) + u->strings;
	const struct image_user_source *was = &people.source.users[3];
	struct passwd pw;
	struct image im;
	char buf[1024];
	int err = 0;

	u->check = image_check(seed() ^ at, &u->check_tail, whole - sizeof(u->check));
	put(bytes, size);
	assert_int_equal(image_open(&im, box_image, IMAGE_BY_PREAD), 0);
	if (image_verify(&im) == 0)
		fail_msg("%s: the image is called good", why);
	image_close(&im);
	for (int i = 0; i < 2; i++) {
		enum nss_status s = i ? _nss_scim_getpwnam_r(was->name, &pw, buf, sizeof(buf), &err)
				      : _nss_scim_getpwuid_r(was->uid, &pw, buf, sizeof(buf), &err);

		if (s == NSS_STATUS_SUCCESS)
			fail_msg("%s: served", why);
	}
	ask_user(4, true); // the others are
}

#define FORGE(...)                                                                                 \
	do {                                                                                       \
		struct image_user *u;                                                              \
		char *s;                                                                           \
		memcpy(bytes, sound, size);                                                        \
		u = (struct image_user *)(void *)(bytes + at);                                     \
		s = (char *)(u + 1);                                                               \
		(void)s;                                                                           \
		__VA_ARGS__;                                                                       \
		forged(u, at, #__VA_ARGS__);                                                       \
	} while (0)

static void test_nss_damage_signed_users(void **state)
{
	static const uint32_t reserved[] = { 0,           1,           27,        999,   61184,
					     61500,       65519,       65534,     65535, 2147352576,
					     2147483647u, 2147483648u, UINT32_MAX };
	const uint64_t at = record_of(3);

	(void)state;
	answers = refusals = 0;
	for (unsigned i = 0; i < sizeof(reserved) / sizeof(*reserved); i++) {
		FORGE(u->uid = u->gid = reserved[i]);
		FORGE(u->uid = reserved[i]; u->flags = 0);
		FORGE(u->gid = reserved[i]; u->flags = 0);
	}
	FORGE(u->gid++); // a private group of another number
	FORGE(u->state = 0);
	FORGE(u->state = 6);
	FORGE(u->verdict = 3);
	FORGE(s[u->at_passwd] = 'x');
	FORGE(s[0] = 'R');
	FORGE(s[0] = '0');
	FORGE(s[1] = ':');
	FORGE(s[1] = '\n');
	FORGE(s[1] = '\0');
	FORGE(s[1] = (char)0xc3);
	FORGE(s[u->at_gecos] = ':');
	FORGE(s[u->at_gecos] = '\n');
	FORGE(s[u->at_gecos] = 0x7f);
	FORGE(s[u->at_gecos + 1] = '\0');
	FORGE(s[u->at_home] = 'h');
	FORGE(s[u->at_home + 1] = '\r');
	FORGE(s[u->at_shell] = 'b');
	FORGE(s[u->at_shell + 1] = ':');
	FORGE(s[u->strings - 1] = 'x');
	FORGE(u->at_passwd = 1);
	FORGE(u->at_home++);
	FORGE(u->at_shell = u->at_home);
	assert_true(answers > 50);
	put(sound, size);
}

// A supplementary gid that opens the host: root's and the overflow groups.
static void test_nss_damage_signed_memberships(void **state)
{
	static const uint32_t never[] = { 0, 65534, 65535, UINT32_MAX };
	const uint64_t at = record_of(3);

	(void)state;
	for (unsigned i = 0; i < sizeof(never) / sizeof(*never); i++) {
		const struct image_user_source *was = &people.source.users[3];
		struct image_user *u = (struct image_user *)(void *)(bytes + at);
		long start = 0, room = 1;
		gid_t *gids = malloc(sizeof(*gids));
		uint32_t *tail;
		int err = 0;

		assert_non_null(gids);
		memcpy(bytes, sound, size);
		tail = (uint32_t *)(void *)(bytes + at + image_tail_at(u));
		tail[never[i] == 0 ? 0 : u->groups - 1] = never[i];
		u->check_tail = image_check(seed() ^ at, tail, image_tail_len(u));
		u->check = image_check(seed() ^ at, &u->check_tail,
				       sizeof(*u) + u->strings - sizeof(u->check));
		put(bytes, size);
		if (_nss_scim_initgroups_dyn(was->name, was->gid, &start, &room, &gids, 0, &err) !=
		    NSS_STATUS_UNAVAIL)
			fail_msg("group %u is given", never[i]);
		assert_int_equal(start, 0);
		free(gids);
	}
	put(sound, size);
}

static void test_nss_damage_signed_groups(void **state)
{
	static const uint32_t reserved[] = {
		0, 27, 999, 61184, 65534, 65535, 2147352576, UINT32_MAX
	};
	const struct image_group_source *was = &people.source.groups[1];
	const uint64_t at = group_record_of(1);

	(void)state;
	for (unsigned i = 0; i < sizeof(reserved) / sizeof(*reserved) + 5; i++) {
		struct image_group *g = (struct image_group *)(void *)(bytes + at);
		char *s = (char *)(g + 1);
		struct group gr;
		char buf[4096];
		int err = 0;

		memcpy(bytes, sound, size);
		switch (i) {
		case 0:
			s[g->at_members] = ':';
			break;
		case 1:
			s[g->at_members + 1] = '\n';
			break;
		case 2:
			s[g->at_members] = '\0';
			break;
		case 3:
			s[0] = 'S';
			break;
		case 4:
			g->members++;
			break;
		default:
			g->gid = reserved[i - 5];
		}
		g->check = image_check(seed() ^ at, &g->length,
				       sizeof(*g) + g->strings - sizeof(g->check));
		put(bytes, size);
		for (int way = 0; way < 2; way++) {
			enum nss_status s1 =
				way ? _nss_scim_getgrnam_r(was->name, &gr, buf, sizeof(buf), &err)
				    : _nss_scim_getgrgid_r(was->gid, &gr, buf, sizeof(buf), &err);

			if (s1 != NSS_STATUS_UNAVAIL)
				fail_msg("forgery %u of a group, way %d: %d", i, way, (int)s1);
		}
	}
	put(sound, size);
}

static int setup(void **state)
{
	struct image_published out;
	struct fail f = { "" };
	struct stat st;

	(void)state;
	people_make(&people, USERS, GROUPS);
	if (image_publish(box_dir, &people.source, 0, &out, &f) < 0 || stat(box_image, &st) < 0)
		return -1;
	size = (size_t)st.st_size;
	sound = malloc(size);
	bytes = malloc(size);
	current = open(box_image, O_RDWR | O_CLOEXEC);
	return sound && bytes && pread(current, sound, size, 0) == (ssize_t)size ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nss_damage_at_random),
		cmocka_unit_test(test_nss_damage_signed_users),
		cmocka_unit_test(test_nss_damage_signed_memberships),
		cmocka_unit_test(test_nss_damage_signed_groups),
	};
	int failed;

	box_seed();
	box_make();
	nss_image_path = box_image;
	failed = cmocka_run_group_tests_name("nss_damage", tests, setup, NULL);
	people_free(&people);
	box_remove();
	return failed;
}
