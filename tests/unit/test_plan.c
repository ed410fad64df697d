// SPDX-License-Identifier: MIT
//
// Laying answers over the stored state: what a complete list, one that failed and one
// that speaks for single ids each make of somebody who is stored, and of a newcomer.
#include "scimd/agent/config.h"
#include "scimd/agent/plan.h"
#include "scimd/agent/stage.h"
#include "scimd/base/buf.h"
#include "scimd/base/clock.h"
#include "scimd/base/fail.h"
#include "scimd/identity/map.h"
#include "scimd/scim/resource.h"
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64];
static struct store *store;
static struct config_directory sections[2] = { { .name = "corp" }, { .name = "lab" } };
static struct config config = { .directories = sections, .directory_count = 2 };
static struct stage stage;
static struct stage *stages[2];
static struct arena arena;
static struct plan plan;
static struct job job;
static struct job_held helds[2];

static int setup(void **state)
{
	struct fail f = { "" };
	bool damaged;

	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/scimd-plan.XXXXXX");
	arena = (struct arena){ 0 };
	stage = (struct stage){ .source = "corp" };
	stages[0] = &stage;
	stages[1] = NULL;
	return mkdtemp(folder) && store_open(folder, NULL, &store, &damaged, &f) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	static const char *const files[] = { "data.mdb", "lock.mdb", "lock", NULL };
	char path[96];

	(void)state;
	store_close(store);
	for (size_t i = 0; files[i]; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
		(void)unlink(path);
	}
	(void)rmdir(folder);
	plan_free(&plan);
	plan = (struct plan){ 0 };
	arena_free(&job.arena);
	job = (struct job){ 0 };
	arena_free(&arena);
	table_free(&stage.users);
	table_free(&stage.groups);
	free(stage.entries);
	return 0;
}

// A resource's bytes: its display name, active where that is given, its date.
static const void *bytes(const char *id, const char *display, const char *active,
			 const char *modified, size_t *len)
{
	struct buf b = BUF_INIT;
	const void *copy;

	assert_int_equal(resource_put(&b, FIELD_ID, 0, id, strlen(id)), 0);
	assert_int_equal(resource_put(&b, FIELD_DISPLAY, 0, display, strlen(display)), 0);
	if (active)
		assert_int_equal(resource_put(&b, FIELD_ACTIVE, 0, active, strlen(active)), 0);
	assert_int_equal(resource_put(&b, FIELD_SHELL, 0, "/bin/sh", 7), 0);
	if (modified)
		assert_int_equal(resource_put(&b, FIELD_MODIFIED, 0, modified, strlen(modified)),
				 0);
	assert_int_equal(resource_put(&b, FIELD_VERSION, 0, "v1", 2), 0);
	*len = b.len;
	copy = arena_bytes(&arena, b.data, b.len);
	buf_free(&b);
	assert_non_null(copy);
	return copy;
}

static int put(struct store_txn *t, void *arg, struct fail *f)
{
	(void)f;
	return store_resource_put(t, arg);
}

static void stored(const char *source, uint8_t kind, const char *id, const char *active,
		   const char *modified)
{
	struct store_resource r = { .source = source, .kind = kind, .id = id };
	struct fail f = { "" };

	r.bytes = bytes(id, "old", active, modified, &r.len);
	assert_int_equal(digest(r.digest, r.bytes, resource_stable(r.bytes, r.len)), 0);
	if (store_apply(store, put, &r, &f) != 0)
		fail_msg("%s", f.text);
}

static struct stage_entry *answered(uint8_t kind, const char *id)
{
	struct stage_entry *more = reallocarray(stage.entries, stage.count + 1, sizeof(*more));

	assert_non_null(more);
	stage.entries = more;
	more[stage.count] = (struct stage_entry){
		.id = id, .kind = kind, .known = true, .modified = CLOCK_NONE
	};
	assert_int_equal(table_put(kind == RESOURCE_USER ? &stage.users : &stage.groups, id,
				   strlen(id), (uint32_t)stage.count),
			 0);
	return &more[stage.count++];
}

static void changed(struct stage_entry *e)
{
	e->changed = true;
	e->bytes = bytes(e->id, "new", NULL, NULL, &e->len);
	assert_int_equal(digest(e->digest, e->bytes, resource_stable(e->bytes, e->len)), 0);
}

static void make(void)
{
	const struct job_input in = { .config = &config, .store = store, .stages = stages };
	struct fail f = { "" };

	plan_free(&plan);
	plan = (struct plan){ 0 };
	helds[0] = helds[1] = (struct job_held){ 0 };
	job.helds = helds;
	if (plan_make(&in, &plan, &job, &f) != 0)
		fail_msg("%s", f.text);
}

static const struct plan_item *found(uint32_t source, const char *id)
{
	for (size_t i = 0; i < plan.count; i++)
		if (plan.items[i].source == source && strcmp(plan.items[i].id, id) == 0)
			return &plan.items[i];
	return NULL;
}

static char what(const char *id)
{
	const struct plan_item *it = found(0, id);

	return it ? it->what : '0';
}

static void answer_everything(void)
{
	(void)answered(RESOURCE_USER, "same");
	changed(answered(RESOURCE_USER, "other"));
	changed(answered(RESOURCE_USER, "newcomer"));
	stage.entries[2].known = false;
	answered(RESOURCE_USER, "said-gone")->gone = true;
}

static void test_plan_follows_the_kind_of_answer(void **state)
{
	static const struct {
		bool complete, partial;
		const char *wanted; // same, other, newcomer, said-gone, absent
	} rows[] = {
		{ true, false, "=~+--" },
		{ false, true, "=~+-=" },
		{ false, false, "==0-=" }, // a list that failed
	};

	(void)state;
	stored("corp", RESOURCE_USER, "same", NULL, NULL);
	stored("corp", RESOURCE_USER, "other", NULL, NULL);
	stored("corp", RESOURCE_USER, "said-gone", NULL, NULL);
	stored("corp", RESOURCE_USER, "absent", NULL, NULL);
	stored("lab", RESOURCE_USER, "absent", NULL, NULL);
	stored("removed-section", RESOURCE_USER, "resting", NULL, NULL);
	answer_everything();
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char is[6] = "";

		stage.complete = rows[i].complete;
		stage.partial = rows[i].partial;
		make();
		is[0] = what("same");
		is[1] = what("other");
		is[2] = what("newcomer");
		is[3] = what("said-gone");
		is[4] = what("absent");
		assert_string_equal(is, rows[i].wanted);
		assert_true(plan.changed);
		// The other section was not asked, the removed one is nobody's.
		assert_int_equal(found(1, "absent")->what, '=');
		assert_null(found(0, "resting"));
		assert_int_equal(plan.count, what("newcomer") == '+' ? 6 : 5);
		if (what("other") == '~')
			assert_memory_equal(found(0, "other")->digest, stage.entries[1].digest,
					    DIGEST_LEN);
	}
}

static void test_plan_nothing_asked_changes_nothing(void **state)
{
	(void)state;
	stored("corp", RESOURCE_USER, "same", NULL, NULL);
	stages[0] = NULL;
	make();
	assert_int_equal(what("same"), '=');
	assert_false(plan.changed);
	assert_true(plan.unread);
}

static void test_plan_a_group_is_not_a_user_of_the_same_id(void **state)
{
	(void)state;
	stored("corp", RESOURCE_GROUP, "one", NULL, NULL);
	(void)answered(RESOURCE_USER, "one");
	stage.complete = true;
	make();
	assert_int_equal(what("one"), '-');
}

// A failed walk, and what an explicit active:false in it makes of who is stored how.
static void test_plan_disables_out_of_a_failed_list(void **state)
{
	static const char old[] = "2024-01-01T00:00:00Z", now[] = "2024-06-01T00:00:00Z";
	static const struct {
		uint8_t kind;
		const char *active, *stored, *answered;
		char wanted;
	} rows[] = {
		{ RESOURCE_USER, NULL, NULL, NULL, 'd' },
		{ RESOURCE_USER, "true", NULL, NULL, 'd' },
		{ RESOURCE_USER, "\"odd\"", NULL, NULL, 'd' },
		{ RESOURCE_USER, "false", NULL, NULL, '=' },
		{ RESOURCE_USER, NULL, now, old, '=' }, // an old copy
		{ RESOURCE_USER, NULL, now, now, 'd' },
		{ RESOURCE_USER, NULL, old, now, 'd' },
		{ RESOURCE_USER, NULL, now, NULL, 'd' },
		{ RESOURCE_USER, NULL, "no date", old, 'd' },
		{ RESOURCE_GROUP, NULL, NULL, NULL, '=' },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint8_t sum[DIGEST_LEN];
		const struct plan_item *it;
		struct stage_entry *e;
		struct field f;

		assert_int_equal(setup(state), 0);
		stored("corp", rows[i].kind, "one", rows[i].active, rows[i].stored);
		e = answered(rows[i].kind, "one");
		changed(e);
		e->inactive = true;
		if (rows[i].answered)
			assert_int_equal(clock_parse(rows[i].answered, strlen(rows[i].answered),
						     &e->modified),
					 0);
		make();
		it = found(0, "one");
		if (it->what != rows[i].wanted)
			fail_msg("row %zu: %c", i, it->what);
		// Everything else is what was stored, not what came.
		assert_int_equal(resource_find(it->bytes, it->len, FIELD_DISPLAY, &f), 1);
		assert_true(f.len == 3 && memcmp(f.text, "old", 3) == 0);
		assert_int_equal(resource_find(it->bytes, it->len, FIELD_SHELL, &f), 1);
		if (it->what == 'd') {
			assert_int_equal(resource_find(it->bytes, it->len, FIELD_ACTIVE, &f), 1);
			assert_true(f.len == 5 && memcmp(f.text, "false", 5) == 0);
			assert_int_equal(digest(sum, it->bytes,
						resource_stable(it->bytes, it->len)),
					 0);
			assert_memory_equal(sum, it->digest, DIGEST_LEN);
			// It is no version of this: who asked with it would be told "as it was".
			assert_int_equal(resource_find(it->bytes, it->len, FIELD_VERSION, &f), 0);
		}
		(void)teardown(state);
	}
}

// Both in one walk is inactive, and of the date of the copy that said so.
static void test_plan_seen_active_and_inactive_is_inactive(void **state)
{
	static const char off[] = "{\"id\":\"one\",\"userName\":\"ada\",\"active\":false,"
				  "\"meta\":{\"lastModified\":\"2024-06-01T00:00:00Z\"}}";
	static const char on[] = "{\"id\":\"one\",\"userName\":\"ada\",\"active\":true,"
				 "\"meta\":{\"lastModified\":\"2023-01-01T00:00:00Z\"}}";
	struct mapping *m = NULL;
	struct fail f = { "" };

	for (int turned = 0; turned < 2; turned++) {
		assert_int_equal(setup(state), 0);
		assert_int_equal(mapping_new(NULL, 0, NULL, 0, &m, &f), 0);
		stored("corp", RESOURCE_USER, "one", NULL, "2024-01-01T00:00:00Z");
		assert_int_equal(stage_new("corp", m, store, &stages[0]), 0);
		for (int i = 0; i < 2; i++) {
			struct json_object *o = json_tokener_parse((i == 0) == !turned ? on : off);

			assert_int_equal(stage_resource(stages[0], RESOURCE_USER, o), i ? 2 : 0);
			json_object_put(o);
		}
		assert_int_equal(stage_finish(stages[0], false, &f), 0);
		make();
		assert_int_equal(what("one"), 'd');
		stage_free(stages[0]);
		mapping_free(m);
		(void)teardown(state);
	}
}

static int put_ledger(struct store_txn *t, void *arg, struct fail *f)
{
	(void)f;
	return store_ledger_put(t, arg);
}

static void test_plan_reads_the_ledger_and_sees_that_it_was_restored(void **state)
{
	struct store_ledger l = { .source = "corp",
				  .id = "one",
				  .name = "alice",
				  .kind = RESOURCE_USER,
				  .uid = 1879048200,
				  .gid = 1879048200,
				  .first_seen = 5,
				  .last_seen = 6 };
	struct fail f = { "" };

	(void)state;
	assert_int_equal(store_apply(store, put_ledger, &l, &f), 0);
	make();
	assert_int_equal(plan.ledger_count, 1);
	assert_string_equal(plan.ledger[0].name, "alice");
	assert_int_equal(plan.ledger[0].uid, 1879048200);
	assert_false(plan.restored);
	l.source = LEDGER_RESTORED;
	assert_int_equal(store_apply(store, put_ledger, &l, &f), 0);
	make();
	assert_int_equal(plan.ledger_count, 2);
	assert_true(plan.restored);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_plan_follows_the_kind_of_answer, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_plan_nothing_asked_changes_nothing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_plan_a_group_is_not_a_user_of_the_same_id,
						setup, teardown),
		cmocka_unit_test(test_plan_disables_out_of_a_failed_list),
		cmocka_unit_test(test_plan_seen_active_and_inactive_is_inactive),
		cmocka_unit_test_setup_teardown(
			test_plan_reads_the_ledger_and_sees_that_it_was_restored, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
