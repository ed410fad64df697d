// SPDX-License-Identifier: MIT
//
// Images that are damaged at random or cut short: the entry points give the right
// record or UNAVAIL. No signal, no other record, no hang, and never the certain
// answer that there is no such account.

#include "nss/source.h"
#include "tests/unit/badimage.h"

#define SLOW_MS 1000 // far above what lookups may take, far below a hang

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nss_damage_at_random),
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
