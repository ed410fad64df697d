// SPDX-License-Identifier: MIT
//
// Images in which every checksum is right and something may not be served: as if
// whoever writes them had been taken over. The reader refuses by itself.

#include "nss/source.h"
#include "scimd/image/read.h"
#include "scimd/image/record.h"
#include "tests/unit/badimage.h"

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

static void test_nss_forged_users(void **state)
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
static void test_nss_forged_memberships(void **state)
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

static void test_nss_forged_groups(void **state)
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nss_forged_users),
		cmocka_unit_test(test_nss_forged_memberships),
		cmocka_unit_test(test_nss_forged_groups),
	};
	int failed;

	box_make();
	nss_image_path = box_image;
	failed = cmocka_run_group_tests_name("nss_forged", tests, setup, NULL);
	people_free(&people);
	box_remove();
	return failed;
}
