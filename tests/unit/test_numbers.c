// SPDX-License-Identifier: MIT
//
// Numbers over the life of a directory that means harm: names that are the same
// but for case, ids whose hashes meet, given numbers that are another's, people
// who are deleted and come again under a new id. Round by round everybody who was
// ever served keeps one number, and no number is ever anybody else's.

#include "scimd/base/arena.h"
#include "scimd/base/buf.h"
#include "scimd/base/fail.h"
#include "scimd/base/table.h"
#include "scimd/identity/id.h"
#include "scimd/identity/map.h"
#include "scimd/identity/resolve.h"
#include "scimd/scim/resource.h"
#include "tests/unit/imagebox.h"

#include <json-c/json.h>
#include <scimd/account.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define POSIX "urn:scimd:params:scim:schemas:extension:posix:1.0:User"
#define ROUNDS 3
#define MEETING 64u // pairs of ids with one hash

struct person {
	char id[24], name[40];
	uint32_t given; // or 0
	bool gone;
};

struct world {
	struct arena arena;
	struct mapping *mapping;
	struct person *people;
	size_t count;
	struct identity_resource *resources;
	size_t resource_count;
	struct ledger_entry *ledger;
	size_t ledger_count, ledger_room;
	struct table owner; // number → position in the ledger
	struct table known; // id → position in the ledger
};

static struct world w;

static uint32_t hash_of(const char *id)
{
	uint32_t n = 0;

	assert_int_equal(id_hashed("corp", id, &n), 0);
	return n;
}

static void add(const char *id, const char *name, uint32_t given)
{
	struct person *p = &w.people[w.count++];

	*p = (struct person){ .given = given };
	snprintf(p->id, sizeof(p->id), "%s", id);
	snprintf(p->name, sizeof(p->name), "%s", name);
}

// Ids that an attacker who may choose them has looked for: pairs with one number.
static unsigned add_meeting(void)
{
	struct table seen = TABLE_INIT;
	unsigned pairs = 0;
	char id[24], other[24], name[40];

	for (uint32_t i = 0; pairs < MEETING && i < 2000000; i++) {
		uint32_t number, at;

		snprintf(id, sizeof(id), "evil-%u", i);
		number = hash_of(id);
		at = table_get(&seen, arena_bytes(&w.arena, &number, sizeof(number)),
			       sizeof(number));
		if (at == TABLE_NONE) {
			assert_int_equal(table_put(&seen,
						   arena_bytes(&w.arena, &number, sizeof(number)),
						   sizeof(number), i),
					 0);
			continue;
		}
		snprintf(other, sizeof(other), "evil-%u", at);
		snprintf(name, sizeof(name), "evil%u", 2 * pairs);
		add(other, name, 0);
		snprintf(name, sizeof(name), "evil%u", 2 * pairs + 1);
		add(id, name, 0);
		pairs++;
	}
	table_free(&seen);
	return pairs;
}

// Of ten people two bear another's name but for case, one wants the hashed number
// of another, one wants a number that many want.
static void add_crowd(size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const size_t victim = box_random((unsigned)n);
		char id[24], name[40], other[24];
		uint32_t given = 0;

		snprintf(id, sizeof(id), "id-%zu", i);
		snprintf(name, sizeof(name), "user%zu", i);
		switch (box_random(10)) {
		case 0:
		case 1:
			snprintf(name, sizeof(name), "%cser%zu", box_random(2) ? 'U' : 'u', victim);
			break;
		case 2:
			snprintf(other, sizeof(other), "id-%zu", victim);
			given = hash_of(other);
			break;
		case 3:
			given = 5000 + box_random(100);
			break;
		default:
			break;
		}
		add(id, name, given);
	}
}

static void to_resources(void)
{
	struct buf b = BUF_INIT;
	struct fail f = { "" };

	w.resource_count = 0;
	for (size_t i = 0; i < w.count; i++) {
		const struct person *p = &w.people[i];
		struct json_object *o;

		if (p->gone)
			continue;
		o = json_object_new_object();
		(void)json_object_object_add(o, "id", json_object_new_string(p->id));
		(void)json_object_object_add(o, "userName", json_object_new_string(p->name));
		if (p->given) {
			struct json_object *x = json_object_new_object();

			(void)json_object_object_add(x, "uidNumber",
						     json_object_new_int64(p->given));
			(void)json_object_object_add(o, POSIX, x);
		}
		buf_clear(&b);
		assert_int_equal(map_resource(w.mapping, RESOURCE_USER, o, &b, &f), 0);
		json_object_put(o);
		w.resources[w.resource_count++] =
			(struct identity_resource){ .kind = RESOURCE_USER,
						    .bytes = arena_bytes(&w.arena, b.data, b.len),
						    .len = b.len };
	}
	buf_free(&b);
}

// What a sync keeps of a result, as the store's ledger does; and the claim itself:
// a number has one owner, an owner one number, in this result and in all before.
static void learn(const struct resolved *out)
{
	for (uint32_t i = 0; i < out->account_count; i++) {
		const struct account *a = &out->accounts[i];
		struct ledger_entry *l;
		uint32_t at;

		if (i > 0)
			assert_true(out->accounts[i - 1].uid < a->uid);
		assert_int_equal(a->uid, a->gid);
		assert_false(account_id_reserved(a->uid));
		at = table_get(&w.owner, &a->uid, sizeof(a->uid));
		if (at != TABLE_NONE) {
			assert_string_equal(w.ledger[at].id, a->id);
			continue;
		}
		assert_int_equal(table_get(&w.known, a->id, strlen(a->id)), TABLE_NONE);
		assert_true(w.ledger_count < w.ledger_room);
		l = &w.ledger[w.ledger_count];
		*l = (struct ledger_entry){ .source = "corp",
					    .id = arena_str(&w.arena, a->id),
					    .kind = RESOURCE_USER,
					    .name = arena_str(&w.arena, a->name),
					    .uid = a->uid,
					    .gid = a->gid };
		assert_int_equal(table_put(&w.owner, &l->uid, sizeof(l->uid),
					   (uint32_t)w.ledger_count),
				 0);
		assert_int_equal(table_put(&w.known, l->id, strlen(l->id),
					   (uint32_t)w.ledger_count),
				 0);
		w.ledger_count++;
	}
}

static uint32_t round_of_sync(void)
{
	const struct identity_rules rules = {
		.home = "/home/%u", .shell = "/bin/bash", .cut = "whole", .allow_all = true
	};
	const struct identity_source source = { .name = "corp" };
	const struct local_accounts local = { 0 };
	struct resolve_input in = { .rules = &rules,
				    .sources = &source,
				    .source_count = 1,
				    .ledger = w.ledger,
				    .local = &local,
				    .now = 1000 };
	struct resolved out;
	struct fail f = { "" };
	uint32_t alive = 0;

	to_resources();
	in.resources = w.resources;
	in.resource_count = w.resource_count;
	in.ledger_count = w.ledger_count;
	assert_int_equal(identity_resolve(&in, &out, &f), 0);
	learn(&out);
	for (uint32_t i = 0; i < out.account_count; i++)
		alive += out.accounts[i].resource != UINT32_MAX;
	// Everybody who ever had a number is still there with it.
	assert_int_equal(out.account_count, w.ledger_count);
	printf("%zu records, %u served, %u refused, %zu numbers so far\n", w.resource_count, alive,
	       out.refusal_count, w.ledger_count);
	arena_free(&out.arena);
	return alive;
}

// A third goes; most of them come again under a new id with the old name, and
// some of those want the old number too.
static void change(unsigned round)
{
	const size_t n = w.count;

	for (size_t i = 0; i < n; i++) {
		struct person *p = &w.people[i];
		char id[24], name[40];
		uint32_t at;

		if (p->gone || box_random(3))
			continue;
		p->gone = true;
		at = table_get(&w.known, p->id, strlen(p->id));
		if (at != TABLE_NONE)
			w.ledger[at].deleted = true;
		if (box_random(4) == 0)
			continue;
		snprintf(id, sizeof(id), "r%u-%zu", round, i);
		memcpy(name, p->name, sizeof(name));
		add(id, name, at != TABLE_NONE && box_random(3) == 0 ? w.ledger[at].uid : 0);
	}
	// Two who stay change names with each other.
	for (size_t i = 0; i + 1 < n; i += 97) {
		char keep[40];

		memcpy(keep, w.people[i].name, sizeof(keep));
		memcpy(w.people[i].name, w.people[i + 1].name, sizeof(keep));
		memcpy(w.people[i + 1].name, keep, sizeof(keep));
	}
}

static void test_numbers_are_never_used_again(void **state)
{
	const size_t n = box_rounds(20000, 1000000), room = 3 * n + 2 * MEETING;
	struct fail f = { "" };
	uint32_t served;

	(void)state;
	w.people = calloc(room, sizeof(*w.people));
	w.resources = calloc(room, sizeof(*w.resources));
	w.ledger = calloc(room, sizeof(*w.ledger));
	w.ledger_room = room;
	assert_true(w.people && w.resources && w.ledger);
	assert_int_equal(mapping_new(NULL, 0, NULL, 0, &w.mapping, &f), 0);
	assert_int_equal(add_meeting(), MEETING);
	add_crowd(n);
	served = round_of_sync();
	assert_true(served > n / 2 && served < n - MEETING); // most, and not all
	for (unsigned i = 1; i < ROUNDS; i++) {
		size_t before = w.ledger_count;

		change(i);
		(void)round_of_sync();
		assert_true(w.ledger_count > before);
	}
	table_free(&w.owner);
	table_free(&w.known);
	mapping_free(w.mapping);
	arena_free(&w.arena);
	free(w.people);
	free(w.resources);
	free(w.ledger);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_are_never_used_again),
	};

	box_seed();
	return cmocka_run_group_tests_name("numbers", tests, NULL, NULL);
}
