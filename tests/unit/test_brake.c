// SPDX-License-Identifier: MIT
//
// The brake at its edges: one more than may go is held, what is disabled is never
// held, and another directory is recognised by its oldest ids.
#include "scimd/agent/brake.h"
#include "scimd/agent/stage.h"
#include "scimd/base/buf.h"
#include "scimd/base/fail.h"
#include "scimd/scim/resource.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/scimd-brake.XXXXXX";
static struct store *store;
static struct plan plan;
static struct stage stage;
static struct arena arena;

static int setup(void **state)
{
	(void)state;
	plan = (struct plan){ 0 };
	arena = (struct arena){ 0 };
	stage = (struct stage){ .source = "corp", .complete = true };
	plan.items = calloc(2048, sizeof(*plan.items));
	return plan.items ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	free(plan.items);
	arena_free(&plan.arena);
	arena_free(&arena);
	table_free(&stage.users);
	return 0;
}

static const void *bytes(const char *id, unsigned int first, unsigned int members, size_t *len)
{
	struct buf b = BUF_INIT;
	const void *copy;
	char text[32];

	assert_int_equal(resource_put(&b, FIELD_ID, 0, id, strlen(id)), 0);
	for (unsigned int i = first; i < members; i++) {
		(void)snprintf(text, sizeof(text), "u%05u", i);
		assert_int_equal(resource_put(&b, FIELD_MEMBER, 0, text, strlen(text)), 0);
	}
	*len = b.len;
	copy = arena_bytes(&arena, b.data, b.len);
	buf_free(&b);
	assert_non_null(copy);
	return copy;
}

static struct plan_item *item(uint8_t kind, char what, unsigned int had, unsigned int lost)
{
	struct plan_item *it = &plan.items[plan.count];
	char id[32];

	(void)snprintf(id, sizeof(id), "id%zu", plan.count++);
	it->kind = kind;
	it->what = what;
	it->id = arena_str(&arena, id);
	it->old_bytes = bytes(id, 0, had, &it->old_len);
	it->bytes = what == '-' ? it->old_bytes : bytes(id, lost, had, &it->len);
	return it;
}

static void inactive(const char *id)
{
	struct plan_item *it = item(RESOURCE_USER, '=', 0, 0);
	struct buf b = BUF_INIT;

	assert_int_equal(resource_put(&b, FIELD_ID, 0, id, strlen(id)), 0);
	assert_int_equal(resource_put(&b, FIELD_ACTIVE, 0, "false", 5), 0);
	it->id = id;
	it->bytes = it->old_bytes = arena_bytes(&arena, b.data, b.len);
	it->len = it->old_len = b.len;
	buf_free(&b);
	assert_non_null(it->bytes);
}

static struct job_held judge(bool accept_removals, const char *accept_directory)
{
	struct stage *stages[] = { &stage };
	const struct job_input in = { .stages = stages,
				      .accept_removals = accept_removals,
				      .accept_directory = accept_directory };
	struct job_held held = { 0 };
	struct store_txn *view;
	struct fail f = { "" };

	assert_int_equal(store_view(store, &view, &f), 0);
	assert_int_equal(brake_judge(&in, &plan, 0, view, &held, &arena, &f), 0);
	store_view_end(view);
	return held;
}

static void test_brake_absence(void **state)
{
	static const struct {
		unsigned int had, gone;
		bool held;
	} rows[] = {
		{ 1, 1, false },    { 5, 5, false },   { 6, 6, true },       { 100, 5, false },
		{ 100, 6, true },   { 119, 6, true },  { 120, 6, false },    { 199, 10, true },
		{ 200, 10, false }, { 200, 11, true }, { 2000, 100, false }, { 2000, 101, true },
	};

	for (uint8_t kind = RESOURCE_USER; kind <= RESOURCE_GROUP; kind++) {
		for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
			for (int accept = 0; accept < 2; accept++) {
				struct job_held held;
				size_t kept = 0;

				assert_int_equal(setup(state), 0);
				for (unsigned int k = 0; k < rows[i].had; k++)
					(void)item(kind, k < rows[i].gone ? '-' : '=', 0, 0);
				held = judge(accept, NULL);
				for (size_t k = 0; k < plan.count; k++)
					kept += plan.items[k].held;
				if ((held.reason != NULL) != (rows[i].held && !accept) ||
				    kept != (held.reason ? rows[i].gone : 0) ||
				    held.user_count + held.group_count != kept)
					fail_msg("kind %u, %u of %u, accepted %d: %s", kind,
						 rows[i].gone, rows[i].had, accept,
						 held.reason ? held.reason : "not held");
				(void)teardown(state);
			}
		}
	}
}

static void test_brake_memberships(void **state)
{
	static const struct {
		unsigned int had, lost;
		bool held;
	} rows[] = {
		{ 60, 50, false },  { 60, 51, true },    { 51, 51, true },   { 203, 51, true },
		{ 204, 51, false }, { 400, 100, false }, { 400, 101, true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct job_held held;

		assert_int_equal(setup(state), 0);
		(void)item(RESOURCE_GROUP, '~', rows[i].had - 10, rows[i].lost - 10);
		(void)item(RESOURCE_GROUP, '-', 10, 10);
		held = judge(false, NULL);
		if ((held.reason != NULL) != rows[i].held ||
		    (rows[i].held && held.memberships != rows[i].lost))
			fail_msg("%u of %u: %s, %llu named", rows[i].lost, rows[i].had,
				 held.reason ? held.reason : "not held",
				 (unsigned long long)held.memberships);
		(void)teardown(state);
	}
}

static void test_brake_lets_disables_and_newcomers_pass(void **state)
{
	struct plan_item *off, *more, *disabled;

	(void)state;
	for (unsigned int k = 0; k < 20; k++)
		(void)item(RESOURCE_USER, '-', 0, 0);
	off = item(RESOURCE_USER, '~', 0, 0);
	more = item(RESOURCE_USER, '+', 0, 0);
	disabled = item(RESOURCE_USER, 'd', 0, 0);
	assert_non_null(judge(false, NULL).reason);
	assert_int_equal(off->what, '~');
	assert_int_equal(more->what, '+');
	assert_int_equal(disabled->what, 'd');
	assert_int_equal(plan.items[0].what, '=');
}

static void test_brake_incomplete_lists_are_not_judged(void **state)
{
	(void)state;
	stage.complete = false;
	assert_null(judge(false, NULL).reason);
	assert_null(plan.fingerprints[0]);
}

static int remember(struct store_txn *t, void *arg, struct fail *f)
{
	(void)f;
	return store_state_put(t, "fingerprint/corp", arg, strlen(arg));
}

static int forget(struct store_txn *t, void *arg, struct fail *f)
{
	(void)arg;
	(void)f;
	return store_state_put(t, "fingerprint/corp", "", 0);
}

static void test_brake_another_directory(void **state)
{
	static const struct {
		unsigned int left, there; // taken away or disabled before; in the answer now
		unsigned int unclear;     // missing, and nobody can say
		bool other;
	} rows[] = { { 0, 0, 0, true },   { 0, 31, 0, true },  { 0, 32, 0, false },
		     { 0, 64, 0, false }, { 40, 11, 0, true }, { 40, 12, 0, false },
		     { 64, 0, 0, false }, { 0, 31, 33, true }, { 0, 32, 32, false } };
	struct stage_entry entries[64] = { 0 };
	struct buf b = BUF_INIT;
	struct fail f = { "" };

	for (unsigned int i = 0; i < 64; i++)
		assert_int_equal(buf_printf(&b, "old%u\n", i), 0);
	assert_int_equal(store_apply(store, remember, b.data, &f), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		for (int accept = 0; accept < 3; accept++) {
			struct plan_item *it;
			const char *reason;
			char id[32];

			assert_int_equal(setup(state), 0);
			stage.entries = entries;
			it = item(RESOURCE_USER, '-', 0, 0);
			(void)item(RESOURCE_USER, '+', 0, 0);
			for (unsigned int k = 0; k < 64 - rows[i].left; k++) {
				const char *key;

				(void)snprintf(id, sizeof(id), "old%u", k);
				key = arena_str(&arena, id);
				item(RESOURCE_USER, '=', 0, 0)->id = key;
				entries[k].unclear = k >= rows[i].there;
				if (k < rows[i].there + rows[i].unclear)
					assert_int_equal(table_put(&stage.users, key, strlen(key),
								   k),
							 0);
			}
			for (unsigned int k = 64 - rows[i].left; accept == 2 && k < 64; k++) {
				(void)snprintf(id, sizeof(id), "old%u", k);
				inactive(arena_str(&arena, id));
			}
			// acceptance is of one section, by name
			reason = judge(false, accept == 1   ? "corp"
					      : accept == 2 ? "lab"
							    : NULL)
					 .reason;
			if ((reason != NULL) != (rows[i].other && accept != 1))
				fail_msg("%u of 64 there, %u left before, accepted %d: %s",
					 rows[i].there, rows[i].left, accept,
					 reason ? reason : "not held");
			assert_int_equal(it->what, reason ? '=' : '-');
			assert_int_equal(plan.count,
					 (reason ? 65U : 66U) - (accept == 2 ? 0 : rows[i].left));
			(void)teardown(state);
		}
	}
	assert_int_equal(store_apply(store, forget, NULL, &f), 0);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_brake_absence),
		cmocka_unit_test(test_brake_memberships),
		cmocka_unit_test_setup_teardown(test_brake_lets_disables_and_newcomers_pass, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_brake_incomplete_lists_are_not_judged, setup,
						teardown),
		cmocka_unit_test(test_brake_another_directory),
	};
	static const char *const files[] = { "data.mdb", "lock.mdb", "lock", "reserve", NULL };
	struct fail f = { "" };
	char path[128];
	bool damaged;
	int r;

	if (!mkdtemp(folder) || store_open(folder, NULL, &store, &damaged, &f) < 0) {
		(void)fprintf(stderr, "%s\n", f.text);
		return 1;
	}
	r = cmocka_run_group_tests(tests, NULL, NULL);
	store_close(store);
	for (size_t i = 0; files[i]; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
		(void)unlink(path);
	}
	(void)rmdir(folder);
	return r;
}
