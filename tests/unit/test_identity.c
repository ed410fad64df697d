// SPDX-License-Identifier: MIT
//
// Who is served, with which name and number: every decided detail, the order of
// answers that must not matter, and a corpus of hostile records.
#include "scimd/identity/id.h"
#include "scimd/identity/trial.h"
#include "tests/unit/crowd.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define USER RESOURCE_USER
#define GROUP RESOURCE_GROUP
#define POSIX "urn:scimd:params:scim:schemas:extension:posix:1.0:User"

#define POSIX_GROUP "urn:scimd:params:scim:schemas:extension:posix:1.0:Group"

static struct crowd crowd;

static int setup(void **state)
{
	(void)state;
	crowd_open(&crowd, NULL, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	crowd_close(&crowd);
	return 0;
}

static void user(const char *json)
{
	assert_int_equal(crowd_add(&crowd, 0, USER, json), 0);
}

static void group(const char *json)
{
	assert_int_equal(crowd_add(&crowd, 0, GROUP, json), 0);
}

static const struct account *only(void)
{
	crowd_resolve(&crowd);
	return crowd.out.account_count == 1 ? &crowd.out.accounts[0] : NULL;
}

static void test_identity_hashed_id_is_the_manuals_vector(void **state)
{
	uint32_t id;

	(void)state;
	assert_int_equal(id_hashed("corp", "2819c223-7f76-453a-919d-413861904646", &id), 0);
	assert_int_equal(id, 1996197546u);
	user("{\"id\":\"2819c223-7f76-453a-919d-413861904646\",\"userName\":\"bjensen\"}");
	assert_int_equal(only()->uid, id);
	assert_int_equal(only()->gid, id);
}

static void test_identity_name_is_cut_and_lowered(void **state)
{
	(void)state;
	user("{\"id\":\"1\",\"userName\":\"Ada.Lovelace@Example.COM\",\"displayName\":\"Ada\"}");
	assert_non_null(only());
	assert_string_equal(only()->name, "ada.lovelace");
	assert_string_equal(only()->gecos, "Ada");
	assert_string_equal(only()->home, "/home/ada.lovelace");
	assert_string_equal(only()->shell, "/bin/bash");
	assert_string_equal(only()->passwd, "*");
}

static void test_identity_active_takes_what_is_decided(void **state)
{
	static const struct {
		const char *json;
		uint8_t state;
	} rows[] = {
		{ "", ACCOUNT_ACTIVE },
		{ ",\"active\":null", ACCOUNT_ACTIVE },
		{ ",\"active\":[]", ACCOUNT_ACTIVE },
		{ ",\"active\":true", ACCOUNT_ACTIVE },
		{ ",\"active\":\"true\"", ACCOUNT_ACTIVE },
		{ ",\"active\":\"True\"", ACCOUNT_ACTIVE },
		{ ",\"active\":false", ACCOUNT_DISABLED },
		{ ",\"active\":\"false\"", ACCOUNT_DISABLED },
		{ ",\"active\":\"False\"", ACCOUNT_DISABLED },
		{ ",\"active\":0", ACCOUNT_DISABLED },
		{ ",\"active\":1", ACCOUNT_DISABLED },
		{ ",\"active\":\"\"", ACCOUNT_DISABLED },
		{ ",\"active\":\"yes\"", ACCOUNT_DISABLED },
		{ ",\"active\":\"TRUE\"", ACCOUNT_DISABLED },
		{ ",\"active\":{}", ACCOUNT_DISABLED },
		{ ",\"active\":[true]", ACCOUNT_DISABLED },
		{ ",\"Active\":false", ACCOUNT_DISABLED },
		{ ",\"ACTIVE\":false", ACCOUNT_DISABLED },
	};
	char json[128];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		crowd.count = 0;
		(void)snprintf(json, sizeof(json), "{\"id\":\"1\",\"userName\":\"ada\"%s}",
			       rows[i].json);
		user(json);
		if (!only() || only()->state != rows[i].state)
			fail_msg("%s: state %d", json, only() ? only()->state : -1);
		if (rows[i].state == ACCOUNT_DISABLED) {
			assert_string_equal(only()->passwd, "!");
			assert_string_equal(only()->shell, "/usr/sbin/nologin");
			assert_int_equal(only()->verdict, VERDICT_DENY);
		}
	}
}

static void test_identity_bad_texts_are_replaced_and_reported(void **state)
{
	(void)state;
	user("{\"id\":\"1\",\"userName\":\"ada\",\"displayName\":\"a:b\",\"" POSIX
	     "\":{\"homeDirectory\":\"../etc\",\"loginShell\":\"/bin/false \"}}");
	assert_non_null(only());
	assert_string_equal(only()->gecos, "");
	assert_string_equal(only()->home, "/home/ada");
	assert_string_equal(only()->shell, "/usr/sbin/nologin");
	assert_true(crowd.out.refusal_count >= 3);
	for (uint32_t i = 0; i < crowd.out.refusal_count; i++)
		assert_true(crowd.out.refusals[i].warning);
}

static void test_identity_shell_that_is_well_formed_stands(void **state)
{
	(void)state;
	user("{\"id\":\"1\",\"userName\":\"ada\",\"" POSIX
	     "\":{\"loginShell\":\"/bin/zsh\",\"uidNumber\":\"4711\",\"gidNumber\":100100}}");
	assert_string_equal(only()->shell, "/bin/zsh");
	assert_int_equal(only()->uid, 4711);
	assert_int_equal(only()->gid, 100100);
}

static void test_identity_container_ids_are_served_with_a_warning(void **state)
{
	(void)state;
	user("{\"id\":\"1\",\"userName\":\"ada\",\"" POSIX "\":{\"uidNumber\":600000}}");
	assert_int_equal(only()->uid, 600000);
	assert_int_equal(crowd.out.refusal_count, 1);
	assert_true(crowd.out.refusals[0].warning);
}

static void test_identity_ledgers_number_stands(void **state)
{
	(void)state;
	crowd.ledger[crowd.ledger_count++] = (struct ledger_entry){
		.source = "corp", .id = "1", .kind = USER, .name = "ada", .uid = 5001, .gid = 5001
	};
	user("{\"id\":\"1\",\"userName\":\"ada\",\"" POSIX "\":{\"uidNumber\":6001}}");
	assert_int_equal(only()->uid, 5001);
	assert_non_null(crowd_refusal(&crowd, "uid-changed"));
}

static void test_identity_deleted_people_keep_their_number_and_lose_their_name(void **state)
{
	(void)state;
	crowd.ledger[crowd.ledger_count++] = (struct ledger_entry){ .source = "corp",
								    .id = "old",
								    .kind = USER,
								    .deleted = true,
								    .name = "ada",
								    .uid = 5001,
								    .gid = 5001 };
	user("{\"id\":\"new\",\"userName\":\"ada\"}");
	user("{\"id\":\"greedy\",\"userName\":\"eve\",\"" POSIX "\":{\"uidNumber\":5001}}");
	crowd_resolve(&crowd);
	assert_int_not_equal(crowd_user(&crowd, "ada")->uid, 5001);
	assert_int_equal(crowd_user(&crowd, "ada~5001")->state, ACCOUNT_DELETED);
	assert_int_equal(crowd_user(&crowd, "ada~5001")->verdict, VERDICT_DENY);
	assert_null(crowd_user(&crowd, "eve"));
	assert_non_null(crowd_refusal(&crowd, "id-kept"));
}

static void test_identity_restored_numbers_find_their_owner_only(void **state)
{
	uint32_t hashed;

	(void)state;
	assert_int_equal(id_hashed("corp", "1", &hashed), 0);
	crowd.ledger[crowd.ledger_count++] = (struct ledger_entry){ .source = LEDGER_RESTORED,
								    .id = "a",
								    .kind = USER,
								    .name = "ada",
								    .uid = hashed,
								    .gid = hashed };
	crowd.ledger[crowd.ledger_count++] = (struct ledger_entry){ .source = LEDGER_RESTORED,
								    .id = "b",
								    .kind = USER,
								    .name = "bob",
								    .uid = 5002,
								    .gid = 5002 };
	user("{\"id\":\"1\",\"userName\":\"ada.married\"}");
	user("{\"id\":\"2\",\"userName\":\"eve\",\"" POSIX "\":{\"uidNumber\":5002}}");
	crowd_resolve(&crowd);
	assert_int_equal(crowd_user(&crowd, "ada.married")->uid, hashed);
	assert_int_equal(crowd_user(&crowd, "ada.married")->ledger, 0);
	assert_null(crowd_user(&crowd, "eve"));
	assert_int_equal(crowd_user(&crowd, "bob")->state, ACCOUNT_DELETED);
	crowd.count = 0;
	user("{\"id\":\"2\",\"userName\":\"bob\",\"" POSIX "\":{\"uidNumber\":5002}}");
	crowd_resolve(&crowd);
	assert_int_equal(crowd_user(&crowd, "bob")->state, ACCOUNT_ACTIVE);
}

static void test_identity_first_directory_wins(void **state)
{
	(void)state;
	assert_int_equal(crowd_add(&crowd, 1, USER, "{\"id\":\"1\",\"userName\":\"ada\"}"), 0);
	user("{\"id\":\"2\",\"userName\":\"ada\"}");
	crowd_resolve(&crowd);
	assert_int_equal(crowd.out.account_count, 1);
	assert_int_equal(crowd_user(&crowd, "ada")->source, 0);
	assert_non_null(crowd_refusal(&crowd, "name-taken"));
}

static void test_identity_local_accounts_win(void **state)
{
	static const char *const users[] = { "root", "backup", "dora" };
	static const char *const groups[] = { "root", "kvm", "crew" };
	static const uint32_t uids[] = { 0, 5005, 5020 }, gids[] = { 0, 5006, 5021 };

	(void)state;
	crowd.local = (struct local_accounts){ .user_names = users,
					       .uids = uids,
					       .user_count = 3,
					       .group_names = groups,
					       .gids = gids,
					       .group_count = 3 };
	user("{\"id\":\"1\",\"userName\":\"backup\"}");
	user("{\"id\":\"2\",\"userName\":\"Backup\"}");
	user("{\"id\":\"3\",\"userName\":\"ada\",\"" POSIX "\":{\"uidNumber\":5005}}");
	user("{\"id\":\"4\",\"userName\":\"bob\",\"" POSIX
	     "\":{\"uidNumber\":5007,\"gidNumber\":5006}}");
	user("{\"id\":\"5\",\"userName\":\"kvm\"}");
	group("{\"id\":\"6\",\"displayName\":\"kvm\"}");
	// A local group's name or number is no user's either, nor a local user's a group's.
	user("{\"id\":\"7\",\"userName\":\"crew\",\"" POSIX
	     "\":{\"uidNumber\":5008,\"gidNumber\":5009}}");
	user("{\"id\":\"8\",\"userName\":\"eve\",\"" POSIX
	     "\":{\"uidNumber\":5006,\"gidNumber\":5010}}");
	user("{\"id\":\"9\",\"userName\":\"fay\",\"" POSIX
	     "\":{\"uidNumber\":5011,\"gidNumber\":5005}}");
	group("{\"id\":\"10\",\"displayName\":\"dora\"}");
	group("{\"id\":\"11\",\"displayName\":\"ops\",\"" POSIX_GROUP "\":{\"gidNumber\":5005}}");
	group("{\"id\":\"12\",\"displayName\":\"dev\",\"" POSIX_GROUP "\":{\"gidNumber\":5006}}");
	crowd_resolve(&crowd);
	assert_int_equal(crowd.out.account_count, 0);
	assert_int_equal(crowd.out.group_count, 0);
	assert_int_equal(crowd.out.refusal_count, 12);
}

static void test_identity_privileged_group_names_are_refused(void **state)
{
	static const char *const names[] = { "root", "wheel",  "sudo", "docker", "adm",
					     "disk", "shadow", "lxd",  "kmem" };
	char json[96];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		(void)snprintf(json, sizeof(json), "{\"id\":\"g%zu\",\"displayName\":\"%s\"}", i,
			       names[i]);
		group(json);
		(void)snprintf(json, sizeof(json), "{\"id\":\"u%zu\",\"userName\":\"%s\"}", i,
			       names[i]);
		user(json);
	}
	crowd_resolve(&crowd);
	assert_int_equal(crowd.out.account_count, 0);
	assert_int_equal(crowd.out.group_count, 0);
}

static void test_identity_twin_groups_are_both_refused(void **state)
{
	(void)state;
	group("{\"id\":\"?\",\"displayName\":\"ops\"}");
	group("{\"id\":\"2\",\"displayName\":\"OPS\"}");
	group("{\"id\":\"3\",\"displayName\":\"dev\"}");
	crowd_resolve(&crowd);
	assert_int_equal(crowd.out.group_count, 1);
	assert_non_null(crowd_refusal(&crowd, "twin"));
}

static void test_identity_space_in_a_group_name(void **state)
{
	(void)state;
	group("{\"id\":\"1\",\"displayName\":\"Linux Admins\"}");
	crowd_resolve(&crowd);
	assert_int_equal(crowd.out.group_count, 0);
	crowd.rules.override_space = '-';
	crowd_resolve(&crowd);
	assert_non_null(crowd_group(&crowd, "linux-admins"));
}

static void test_identity_nesting_is_flattened_and_cycles_are_cut(void **state)
{
	const struct account *ada;

	(void)state;
	user("{\"id\":\"u\",\"userName\":\"ada\"}");
	group("{\"id\":\"a\",\"displayName\":\"a\",\"members\":[{\"value\":\"b\",\"type\":"
	      "\"Group\"}]}");
	group("{\"id\":\"b\",\"displayName\":\"b\",\"members\":[{\"value\":\"c\",\"type\":"
	      "\"Group\"},"
	      "{\"value\":\"a\",\"type\":\"Group\"}]}");
	group("{\"id\":\"c\",\"displayName\":\"c\",\"members\":[{\"value\":\"u\"},"
	      "{\"value\":\"nobody\"},{\"value\":\"u\"}]}");
	crowd_resolve(&crowd);
	ada = crowd_user(&crowd, "ada");
	assert_int_equal(ada->group_count, 3);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(crowd.out.groups[i].member_count, 1);
}

// Sixty-four levels beneath a group count, those below them do not.
static void test_identity_nesting_ends_at_a_depth(void **state)
{
	char json[160];

	(void)state;
	user("{\"id\":\"u\",\"userName\":\"ada\"}");
	for (int i = 0; i < 70; i++) {
		(void)snprintf(
			json, sizeof(json),
			"{\"id\":\"g%d\",\"displayName\":\"g%d\",\"members\":[{\"value\":\"%s%d\"}"
			",{\"value\":\"%s\"}]}",
			i, i, "g", i + 1, i == 69 ? "u" : "nobody");
		group(json);
	}
	crowd_resolve(&crowd);
	assert_int_equal(crowd_group(&crowd, "g5")->member_count, 1);
	assert_int_equal(crowd_group(&crowd, "g4")->member_count, 0);
	assert_int_equal(crowd_user(&crowd, "ada")->group_count, 65);
}

// A stored record that is damaged is nobody, whatever else is in it.
static void test_identity_damaged_records_are_nobody(void **state)
{
	static const char bytes[] = "\3\0\xff\xff\xff\xffx";

	(void)state;
	for (uint8_t kind = USER; kind <= GROUP; kind++)
		crowd.resources[crowd.count++] = (struct identity_resource){
			.source = 0, .kind = kind, .bytes = bytes, .len = sizeof(bytes) - 1
		};
	user("{\"id\":\"1\",\"userName\":\"ada\"}");
	assert_non_null(only());
	assert_string_equal(only()->name, "ada");
	assert_int_equal(crowd.out.group_count, 0);
	assert_non_null(crowd_refusal(&crowd, "damaged"));
}

// Who was served and whose record cannot be any more is denied; who is disabled in it
// is disabled all the same, or what they left running would go on.
static void test_identity_disabled_is_disabled_in_a_refused_record(void **state)
{
	static const char *const ids[] = { "1", "2" };

	(void)state;
	for (uint32_t i = 0; i < 2; i++)
		crowd.ledger[crowd.ledger_count++] =
			(struct ledger_entry){ .source = "corp",
					       .id = ids[i],
					       .kind = USER,
					       .name = i ? "bob" : "ada",
					       .uid = 5001 + i,
					       .gid = 5001 + i };
	user("{\"id\":\"1\",\"userName\":\"a:da\",\"active\":false}");
	user("{\"id\":\"2\",\"userName\":\"b:ob\",\"active\":true}");
	crowd_resolve(&crowd);
	assert_int_equal(crowd_user(&crowd, "ada")->state, ACCOUNT_DISABLED);
	assert_int_equal(crowd_user(&crowd, "bob")->state, ACCOUNT_REFUSED);
	assert_int_equal(crowd_user(&crowd, "ada")->verdict, VERDICT_DENY);
	assert_int_equal(crowd_user(&crowd, "bob")->verdict, VERDICT_DENY);
}

static void test_identity_ledgers_gid_stands(void **state)
{
	(void)state;
	crowd.ledger[crowd.ledger_count++] = (struct ledger_entry){
		.source = "corp", .id = "1", .kind = USER, .name = "ada", .uid = 5001, .gid = 5002
	};
	crowd.ledger[crowd.ledger_count++] = (struct ledger_entry){
		.source = "corp", .id = "2", .kind = GROUP, .name = "ops", .gid = 5003
	};
	user("{\"id\":\"1\",\"userName\":\"ada\",\"" POSIX
	     "\":{\"uidNumber\":5001,\"gidNumber\":6002}}");
	group("{\"id\":\"2\",\"displayName\":\"ops\",\"" POSIX_GROUP "\":{\"gidNumber\":6003}}");
	assert_int_equal(only()->gid, 5002);
	assert_int_equal(crowd_group(&crowd, "ops")->gid, 5003);
	assert_int_equal(crowd.out.refusal_count, 2);
	assert_string_equal(crowd.out.refusals[0].code, "gid-changed");
	assert_string_equal(crowd.out.refusals[1].code, "gid-changed");
}

static void test_identity_leavers_have_no_groups(void **state)
{
	(void)state;
	user("{\"id\":\"u\",\"userName\":\"ada\",\"active\":false,\"" POSIX
	     "\":{\"sshPublicKeys\":[\"ssh-ed25519 "
	     "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl\"]}}");
	group("{\"id\":\"a\",\"displayName\":\"a\",\"members\":[{\"value\":\"u\"}]}");
	crowd_resolve(&crowd);
	assert_int_equal(crowd_user(&crowd, "ada")->group_count, 0);
	assert_int_equal(crowd_user(&crowd, "ada")->key_count, 0);
	assert_int_equal(crowd_group(&crowd, "a")->member_count, 0);
}

static void test_identity_local_group_is_mapped_by_name_or_id(void **state)
{
	static const char *const names[] = { "sudo" };
	static const uint32_t gids[] = { 27 };
	static struct local_group_rule rules[] = { { "sudo", "linux-admins" } };

	(void)state;
	crowd.local =
		(struct local_accounts){ .group_names = names, .gids = gids, .group_count = 1 };
	crowd.rules.local_groups = rules;
	crowd.rules.local_group_count = 1;
	user("{\"id\":\"u\",\"userName\":\"ada\"}");
	user("{\"id\":\"v\",\"userName\":\"bob\"}");
	group("{\"id\":\"a\",\"displayName\":\"linux-admins\",\"members\":[{\"value\":\"u\"}]}");
	crowd_resolve(&crowd);
	assert_int_equal(crowd_user(&crowd, "ada")->group_count, 2);
	assert_int_equal(crowd_user(&crowd, "ada")->groups[0], 27);
	assert_int_equal(crowd_user(&crowd, "bob")->group_count, 0);
}

// A twin would be a way into somebody else's group.
static void test_identity_whose_group_a_rule_means(void **state)
{
	static const char *const names[] = { "sudo" }, prod[] = "groups.display eq \"linux-prod\"";
	static const uint32_t gids[] = { 27 };
	static struct local_group_rule rules[] = { { "sudo", "linux-admins" } };
	struct scim_filter *allow;

	(void)state;
	assert_int_equal(scim_filter_parse(prod, strlen(prod), &allow, NULL), 0);
	crowd_close(&crowd);
	crowd_open(&crowd, allow, NULL);
	crowd.local =
		(struct local_accounts){ .group_names = names, .gids = gids, .group_count = 1 };
	crowd.rules.local_groups = rules;
	crowd.rules.local_group_count = 1;
	user("{\"id\":\"u\",\"userName\":\"ada\"}");
	user("{\"id\":\"v\",\"userName\":\"bob\"}");
	// Another directory's group of that name, before and behind ours.
	assert_int_equal(crowd_add(&crowd, 1, RESOURCE_USER, "{\"id\":\"w\",\"userName\":\"cem\"}"),
			 0);
	assert_int_equal(crowd_add(&crowd, 1, RESOURCE_GROUP,
				   "{\"id\":\"x\",\"displayName\":\"Linux-Admins\",\"members\":[{"
				   "\"value\":\"w\"}]}"),
			 0);
	assert_int_equal(crowd_add(&crowd, 1, RESOURCE_GROUP,
				   "{\"id\":\"a\",\"displayName\":\"linux-prod\",\"members\":[{"
				   "\"value\":\"w\"}]}"),
			 0);
	group("{\"id\":\"a\",\"displayName\":\"linux-admins\",\"members\":[{\"value\":\"u\"}]}");
	group("{\"id\":\"p\",\"displayName\":\"linux-prod\",\"members\":[{\"value\":\"u\"}]}");
	crowd_resolve(&crowd);
	assert_int_equal(crowd_user(&crowd, "ada")->groups[0], 27);
	assert_int_equal(crowd_user(&crowd, "ada")->verdict, VERDICT_ALLOW);
	for (uint32_t i = 0; i < crowd_user(&crowd, "cem")->group_count; i++)
		assert_int_not_equal(crowd_user(&crowd, "cem")->groups[i], 27);
	assert_int_equal(crowd_user(&crowd, "cem")->verdict, VERDICT_DENY);
	rules[0].directory_group = "a"; // by id: the first section's
	crowd_resolve(&crowd);
	assert_int_equal(crowd_user(&crowd, "ada")->groups[0], 27);
	for (uint32_t i = 0; i < crowd_user(&crowd, "cem")->group_count; i++)
		assert_int_not_equal(crowd_user(&crowd, "cem")->groups[i], 27);
	rules[0].directory_group = "linux-admins";
	// Two of one directory: the name means neither.
	group("{\"id\":\"b\",\"displayName\":\"LINUX-admins\",\"members\":[{\"value\":\"v\"}]}");
	crowd_resolve(&crowd);
	for (uint32_t i = 0; i < crowd_user(&crowd, "bob")->group_count; i++)
		assert_int_not_equal(crowd_user(&crowd, "bob")->groups[i], 27);
	for (uint32_t i = 0; i < crowd_user(&crowd, "ada")->group_count; i++)
		assert_int_not_equal(crowd_user(&crowd, "ada")->groups[i], 27);
	assert_non_null(crowd_refusal(&crowd, "twin"));
}

static void test_identity_policy_deny_beats_allow(void **state)
{
	struct scim_filter *allow, *deny;
	static const char a[] = "groups.display eq \"linux-prod\"", d[] = "userName sw \"eve\"";

	(void)state;
	assert_int_equal(scim_filter_parse(a, strlen(a), &allow, NULL), 0);
	assert_int_equal(scim_filter_parse(d, strlen(d), &deny, NULL), 0);
	crowd_close(&crowd);
	crowd_open(&crowd, allow, deny);
	user("{\"id\":\"u\",\"userName\":\"ada\"}");
	user("{\"id\":\"v\",\"userName\":\"eve\"}");
	user("{\"id\":\"w\",\"userName\":\"bob\"}");
	group("{\"id\":\"a\",\"displayName\":\"linux-prod\",\"members\":[{\"value\":\"u\"},{"
	      "\"value\":"
	      "\"v\"}]}");
	crowd_resolve(&crowd);
	assert_int_equal(crowd_user(&crowd, "ada")->verdict, VERDICT_ALLOW);
	assert_int_equal(crowd_user(&crowd, "eve")->verdict, VERDICT_DENY);
	assert_int_equal(crowd_user(&crowd, "eve")->rule, RULE_DENY);
	assert_int_equal(crowd_user(&crowd, "bob")->rule, RULE_NO_MATCH);
	// A second group of that name: the rule matches nobody any more.
	group("{\"id\":\"b\",\"displayName\":\"linux-prod\",\"members\":[]}");
	crowd_resolve(&crowd);
	assert_int_equal(crowd_user(&crowd, "ada")->verdict, VERDICT_DENY);
	scim_filter_free(allow);
	scim_filter_free(deny);
}

static struct trial_result trial_of(uint32_t who, bool disabled, uint32_t also_in)
{
	struct resolve_input in = { .rules = &crowd.rules,
				    .sources = crowd.sources,
				    .source_count = crowd.source_count,
				    .resources = crowd.resources,
				    .resource_count = crowd.count };
	struct trial t = { who, disabled, also_in };
	struct trial_result result;
	struct fail f = { "" };

	assert_int_equal(identity_trial(&in, &t, &result, &f), 0);
	return result;
}

// What a trial says of what is so is what the image gets; what is not so changes it.
static void test_identity_a_trial_says_what_each_rule_says(void **state)
{
	static const char a[] = "groups.value eq \"in\"", d[] = "groups.value eq \"out\"";
	enum { ADA, BOB, EVE, IN, OUT, TEAM };
	struct scim_filter *allow, *deny;
	struct trial_result t;

	(void)state;
	assert_int_equal(scim_filter_parse(a, strlen(a), &allow, NULL), 0);
	assert_int_equal(scim_filter_parse(d, strlen(d), &deny, NULL), 0);
	crowd_close(&crowd);
	crowd_open(&crowd, allow, deny);
	user("{\"id\":\"a\",\"userName\":\"ada\"}");
	user("{\"id\":\"b\",\"userName\":\"bob\"}");
	user("{\"id\":\"e\",\"userName\":\"eve\",\"active\":false}");
	group("{\"id\":\"in\",\"displayName\":\"in\",\"members\":[{\"value\":\"a\"},{\"value\":"
	      "\"e\"},"
	      "{\"value\":\"team\"}]}");
	group("{\"id\":\"out\",\"displayName\":\"out\"}");
	group("{\"id\":\"team\",\"displayName\":\"team\"}");
	crowd_resolve(&crowd);
	for (uint32_t i = ADA; i <= EVE; i++) {
		static const char *const names[] = { "ada", "bob", "eve" };
		const struct account *is = crowd_user(&crowd, names[i]);

		t = trial_of(i, false, TRIAL_NO_GROUP);
		assert_int_equal(t.state, is->state);
		assert_int_equal(t.verdict, is->verdict);
		assert_int_equal(t.rule, is->rule);
	}
	t = trial_of(ADA, true, TRIAL_NO_GROUP);
	assert_int_equal(t.rule, RULE_STATE);
	assert_true(t.allow);
	t = trial_of(ADA, false, OUT);
	assert_true(t.allow && t.deny);
	assert_int_equal(t.rule, RULE_DENY);
	assert_int_equal(trial_of(BOB, false, TRIAL_NO_GROUP).rule, RULE_NO_MATCH);
	assert_int_equal(trial_of(BOB, false, IN).verdict, VERDICT_ALLOW);
	assert_int_equal(trial_of(BOB, false, TEAM).verdict, VERDICT_ALLOW); // it is in `in`
	assert_int_equal(trial_of(EVE, false, IN).verdict, VERDICT_DENY);
	scim_filter_free(allow);
	scim_filter_free(deny);
}

static void test_identity_no_policy_means_nobody(void **state)
{
	(void)state;
	crowd.rules.allow_all = false;
	user("{\"id\":\"u\",\"userName\":\"ada\"}");
	assert_int_equal(only()->verdict, VERDICT_DENY);
	assert_int_equal(only()->rule, RULE_NONE);
}

// ------------------------------------------------------------------ any order

static unsigned int seed;

static unsigned int dice(unsigned int n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

static void print(struct buf *b)
{
	const struct resolved *out = &crowd.out;

	for (uint32_t i = 0; i < out->account_count; i++) {
		const struct account *a = &out->accounts[i];

		assert_int_equal(buf_printf(b, "%s %s %u %u %d %d", a->name, a->id, a->uid, a->gid,
					    a->state, a->verdict),
				 0);
		for (uint32_t k = 0; k < a->group_count; k++)
			assert_int_equal(buf_printf(b, " %u", a->groups[k]), 0);
		assert_int_equal(buf_chr(b, '\n'), 0);
	}
	for (uint32_t i = 0; i < out->group_count; i++)
		assert_int_equal(buf_printf(b, "g %s %u %u\n", out->groups[i].name,
					    out->groups[i].gid, out->groups[i].member_count),
				 0);
}

static void test_identity_order_of_answers_does_not_matter(void **state)
{
	struct buf first = BUF_INIT, again = BUF_INIT;
	char json[512];

	(void)state;
	for (unsigned int round = 0; round < 40; round++) {
		seed = round;
		crowd.count = 0;
		for (unsigned int i = 0; i < 60; i++) { // few names, few numbers: many quarrels
			(void)snprintf(json, sizeof(json),
				       "{\"id\":\"u%u\",\"userName\":\"n%u\",\"active\":%s,"
				       "\"meta\":{\"created\":\"2024-01-0%uT00:00:00Z\"}%s%u%s}",
				       i, dice(40), dice(5) ? "true" : "false", 1 + dice(9),
				       dice(2) ? ",\"" POSIX "\":{\"uidNumber\":"
					       : ",\"x\":{\"y\":",
				       2000 + dice(50), "}");
			assert_int_equal(crowd_add(&crowd, dice(2), USER, json), 0);
		}
		for (unsigned int i = 0; i < 12; i++) {
			(void)snprintf(
				json, sizeof(json),
				"{\"id\":\"g%u\",\"displayName\":\"n%u\",\"members\":[{"
				"\"value\":\"u%u\"},{\"value\":\"g%u\",\"type\":\"Group\"}]}",
				i, dice(60), dice(60), dice(12));
			assert_int_equal(crowd_add(&crowd, dice(2), GROUP, json), 0);
		}
		buf_clear(&first);
		crowd_resolve(&crowd);
		print(&first);
		for (unsigned int shuffle = 0; shuffle < 10; shuffle++) {
			for (size_t i = crowd.count - 1; i > 0; i--) {
				size_t k = dice((unsigned int)i + 1);
				struct identity_resource t = crowd.resources[i];

				crowd.resources[i] = crowd.resources[k];
				crowd.resources[k] = t;
			}
			buf_clear(&again);
			crowd_resolve(&crowd);
			print(&again);
			assert_string_equal(buf_text(&first), buf_text(&again));
		}
	}
	buf_free(&first);
	buf_free(&again);
}

static void test_identity_no_number_twice(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 3000; i++) {
		char json[96];

		(void)snprintf(json, sizeof(json), "{\"id\":\"%u\",\"userName\":\"u%u\"}", i, i);
		user(json);
	}
	crowd_resolve(&crowd);
	for (uint32_t i = 1; i < crowd.out.account_count; i++)
		assert_true(crowd.out.accounts[i - 1].uid < crowd.out.accounts[i].uid);
	assert_true(crowd.out.account_count >= 2999);
}

// Who gets a name or a number that two want: the id of the one served, and the
// code that the other is refused with, whichever comes first.
#define BORN(day) ",\"meta\":{\"created\":\"2024-01-" day "T00:00:00Z\"}"
#define NUMBER(n) ",\"" POSIX "\":{\"uidNumber\":" n "}"
#define VECTOR "2819c223-7f76-453a-919d-413861904646" // hashes to 1996197546
static void test_identity_quarrels_are_settled_as_decided(void **state)
{
	static const struct {
		const char *one, *two, *served, *code;
		const char *ledger_id; // whom the ledger knows as "ada"
		uint32_t ledger_uid;
	} rows[] = {
		// the oldest, else the smallest id
		{ "\"id\":\"1\",\"userName\":\"ada\"" BORN("02"),
		  "\"id\":\"2\",\"userName\":\"ada\"" BORN("01"), "2", "name-taken", NULL, 0 },
		{ "\"id\":\"b\",\"userName\":\"ada\"" BORN("01"),
		  "\"id\":\"a\",\"userName\":\"ada\"" BORN("01"), "a", "name-taken", NULL, 0 },
		{ "\"id\":\"1\",\"userName\":\"ada@x.org\"" BORN("02"),
		  "\"id\":\"2\",\"userName\":\"Ada@y.org\"" BORN("01"), "2", "name-taken", NULL,
		  0 },
		// the ledger's incumbent over an older newcomer
		{ "\"id\":\"1\",\"userName\":\"ada\"" BORN("02"),
		  "\"id\":\"2\",\"userName\":\"ada\"" BORN("01"), "1", "name-taken", "1", 5001 },
		// one number, two names
		{ "\"id\":\"1\",\"userName\":\"ada\"" BORN("02") NUMBER("5000"),
		  "\"id\":\"2\",\"userName\":\"bob\"" BORN("01") NUMBER("5000"), "2", "id-taken",
		  NULL, 0 },
		{ "\"id\":\"1\",\"userName\":\"ada\"" BORN("02") NUMBER("5000"),
		  "\"id\":\"2\",\"userName\":\"bob\"" BORN("01") NUMBER("5000"), "1", "id-kept",
		  "1", 5000 },
		// a given number over a hashed newcomer, an incumbent over both
		{ "\"id\":\"" VECTOR "\",\"userName\":\"ada\"" BORN("01"),
		  "\"id\":\"2\",\"userName\":\"bob\"" BORN("02") NUMBER("\"1996197546\""), "2",
		  "id-taken", NULL, 0 },
		{ "\"id\":\"" VECTOR "\",\"userName\":\"ada\"" BORN("02"),
		  "\"id\":\"2\",\"userName\":\"bob\"" BORN("01") NUMBER("1996197546"), VECTOR,
		  "id-kept", VECTOR, 1996197546 },
	};
	char json[512];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		for (int turned = 0; turned < 2; turned++) {
			crowd.count = crowd.ledger_count = 0;
			if (rows[i].ledger_id)
				crowd.ledger[crowd.ledger_count++] =
					(struct ledger_entry){ .source = "corp",
							       .id = rows[i].ledger_id,
							       .name = "ada",
							       .kind = USER,
							       .uid = rows[i].ledger_uid,
							       .gid = rows[i].ledger_uid };
			for (int k = 0; k < 2; k++) {
				(void)snprintf(json, sizeof(json), "{%s}",
					       k == turned ? rows[i].one : rows[i].two);
				user(json);
			}
			if (!only() || strcmp(only()->id, rows[i].served) != 0 ||
			    !crowd_refusal(&crowd, rows[i].code))
				fail_msg("row %zu, turned %d: %u served, first %s, refused %s", i,
					 turned, crowd.out.account_count,
					 crowd.out.account_count ? crowd.out.accounts[0].id : "-",
					 crowd.out.refusal_count ? crowd.out.refusals[0].code
								 : "-");
		}
	}
}

// Two ids that hash alike: found by trial, the range has but 2^28.
static void test_identity_collisions_are_never_probed(void **state)
{
	static uint32_t ids[60000];
	const struct refusal *r;
	char text[16], json[160];
	unsigned int a = 0, b = 0;

	(void)state;
	for (unsigned int i = 0; i < 60000 && !b; i++) {
		(void)snprintf(text, sizeof(text), "%u", i);
		assert_int_equal(id_hashed("corp", text, &ids[i]), 0);
		for (unsigned int k = 0; k < i && !b; k++)
			if (ids[i] == ids[k]) {
				a = k;
				b = i;
			}
	}
	assert_int_not_equal(b, 0);
	for (int turned = 0; turned < 2; turned++) { // b is the older one
		crowd.count = 0;
		for (int k = 0; k < 2; k++) {
			unsigned int who = k == turned ? a : b;

			(void)snprintf(json, sizeof(json),
				       "{\"id\":\"%u\",\"userName\":\"n%u\"" BORN("0%u") "}", who,
				       who, who == a ? 5 : 4);
			user(json);
		}
		assert_non_null(only());
		assert_int_equal(only()->uid, ids[a]);
		(void)snprintf(text, sizeof(text), "n%u", b);
		assert_string_equal(only()->name, text);
		r = crowd_refusal(&crowd, "id-taken");
		assert_non_null(r);
		assert_non_null(strstr(r->text, "map uidNumber, or use scim-directory"));
	}
}

static void test_identity_private_groups_stay_private(void **state)
{
	(void)state;
	user("{\"id\":\"1\",\"userName\":\"docker\"}"); // its group would be docker's
	user("{\"id\":\"2\",\"userName\":\"ada\"" NUMBER("5000") "}");
	group("{\"id\":\"3\",\"displayName\":\"crew\","
	      "\"urn:scimd:params:scim:schemas:extension:posix:1.0:Group\":{\"gidNumber\":5000}}");
	crowd_resolve(&crowd);
	assert_null(crowd_user(&crowd, "docker"));
	assert_non_null(crowd_user(&crowd, "ada"));
	assert_null(crowd_group(&crowd, "crew"));
	assert_non_null(crowd_refusal(&crowd, "id-taken"));
}

// ------------------------------------------------------------ hostile records

static unsigned int tried;

static struct json_object *record(const char *name)
{
	struct json_object *o = json_object_new_object();

	(void)json_object_object_add(o, "id", json_object_new_string("1"));
	(void)json_object_object_add(o, "userName", json_object_new_string(name));
	return o;
}

// One user with one value of the POSIX extension. What is served of it, or NULL.
static const struct account *with(const char *attr, struct json_object *value)
{
	struct json_object *o = record("ada"), *x = json_object_new_object();

	(void)json_object_object_add(x, attr, value);
	(void)json_object_object_add(o, POSIX, x);
	crowd.count = 0;
	assert_int_equal(crowd_put(&crowd, 0, USER, o), 0);
	json_object_put(o);
	tried++;
	return only();
}

static const struct account *named(const char *name, size_t len)
{
	struct json_object *o = record("x");

	(void)json_object_object_add(o, "userName", json_object_new_string_len(name, (int)len));
	crowd.count = 0;
	assert_int_equal(crowd_put(&crowd, 0, USER, o), 0);
	json_object_put(o);
	tried++;
	return only();
}

static void test_identity_hostile_records(void **state)
{
	static const char *const names[] = {
		"",
		"-ada",
		".ada",
		"1",
		"0x10",
		"12345",
		"0X1F",
		"a..b",
		"ada.",
		"a/b",
		"../etc",
		"a b",
		" ada",
		"ada ",
		"a:b",
		"a@b@c",
		"@example",
		"a\\b",
		"a$b",
		"ada$",
		"a*",
		"a?",
		"a\"b",
		"a'b",
		"a`b",
		"a;b",
		"a|b",
		"a&b",
		"a<b",
		"a>b",
		"a(b",
		"a)b",
		"a{b",
		"a}b",
		"a[b",
		"a]b",
		"a!b",
		"a#b",
		"a%b",
		"a^b",
		"a=b",
		"a+b",
		"a,b",
		"a~b",
		"ada~5",
		"\xc3\xa4",
		"\xd0\xb0"
		"da",
		"\xef\xbd\x81",
		"\xe2\x84\xaa",
		"\xe2\x80\xae"
		"ada",
		"a\xcc\x88",
		"\xf0\x9f\x98\x80",
		"root",
		"+",
		"+ada",
		"-",
		"_scimd_probe",
		"aaaaaaaaaabbbbbbbbbbccccccccccddd",
	};
	static const char *const numbers[] = {
		"0",
		"1",
		"27",
		"999",
		"-1",
		"-2147483648",
		"61184",
		"61185",
		"65000",
		"65519",
		"65534",
		"65535",
		"2147352575",
		"2147352576",
		"2147483647",
		"2147483648",
		"4294967295",
		"4294967296",
		"4294968296",
		"18446744073709551616",
		"1.5",
		"1e4",
		"1000.5",
		"\"\"",
		"\" 5000\"",
		"\"5000 \"",
		"\"5e3\"",
		"\"0x1388\"",
		"\"+5000\"",
		"\"-5000\"",
		"\"05000\"",
		"\"5000\\u0000\"",
		"\"five\"",
		"true",
		"false",
		"{}",
		"{\"x\":5000}",
		"1e400",
		"-0",
		"\"\\u0665\"",
	};
	static const char *const homes[] = {
		"",    "home", "./x", "../x",      "/home/../etc", "/home/./x", "/home//x/..",
		"/..", "/",    "//",  "/home/a:b", "~ada",         "$HOME",     "relative/path"
	};
	static const char *const shells[] = { "",           "bash",       "/bin/bash ",
					      " /bin/bash", "/bin/ba sh", "/bin/../sh",
					      "bin/sh",     "/bin/sh:x",  "/bin/false " };
	static const char *const keys[] = {
		"ssh-ed25519",
		"ssh-ed25519 ",
		"ssh-ed25519 !!!!",
		"AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
		"command=\"/bin/sh\" ssh-ed25519 "
		"AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
		"cert-authority ssh-ed25519 "
		"AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
		"ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
		"ssh-ed25519-cert-v01@openssh.com "
		"AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
		"ssh-ed25519 "
		"AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl\nssh-ed25519 "
		"AAAA",
		"ssh-dss AAAAB3NzaC1kc3M=",
		"unknown AAAA",
	};
	char text[64];
	const struct account *a;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (named(names[i], strlen(names[i])))
			fail_msg("name \"%s\" is served as \"%s\"", names[i], only()->name);
	for (unsigned int c = 0; c < 256; c++) { // every byte, in the middle and at the end
		bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';

		(void)snprintf(text, sizeof(text), "a%cb", (char)c);
		a = named(text, 3);
		if (c != '@' && (a != NULL) != good)
			fail_msg("a byte %02x in a name: %s", c, a ? a->name : "refused");
	}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		if (with("uidNumber", json_tokener_parse(numbers[i])))
			fail_msg("uid %s is served as %u", numbers[i], only()->uid);
		if (with("gidNumber", json_tokener_parse(numbers[i])))
			fail_msg("gid %s is served as %u", numbers[i], only()->gid);
	}
	for (size_t i = 0; i < sizeof(homes) / sizeof(*homes); i++) {
		a = with("homeDirectory", json_object_new_string(homes[i]));
		assert_non_null(a);
		if (strcmp(a->home, "/home/ada") != 0)
			fail_msg("home \"%s\" is served", a->home);
	}
	for (size_t i = 0; i < sizeof(shells) / sizeof(*shells); i++) {
		a = with("loginShell", json_object_new_string(shells[i]));
		assert_non_null(a);
		if (strcmp(a->shell, shells[i]) == 0 || strcmp(a->shell, "/bin/bash") == 0)
			if (shells[i][0])
				fail_msg("shell \"%s\" is served as \"%s\"", shells[i], a->shell);
	}
	for (unsigned int c = 1; c < 0x21; c++) { // control bytes, space excepted in gecos
		if (c == 0x20)
			c = 0x7f;
		(void)snprintf(text, sizeof(text), "/home/a%cb", (char)c);
		assert_string_equal(with("homeDirectory", json_object_new_string(text))->home,
				    "/home/ada");
		(void)snprintf(text, sizeof(text), "/bin/a%cb", (char)c);
		assert_string_equal(with("loginShell", json_object_new_string(text))->shell,
				    "/usr/sbin/nologin");
		(void)snprintf(text, sizeof(text), "a%cb", (char)c);
		assert_string_equal(with("gecos", json_object_new_string(text))->gecos, "");
	}
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		struct json_object *list = json_object_new_array();

		(void)json_object_array_add(list, json_object_new_string(keys[i]));
		a = with("sshPublicKeys", list);
		assert_non_null(a);
		if (a->key_count)
			fail_msg("key \"%s\" is served", keys[i]);
	}
	assert_true(tried >= 400);
}

// Legal, if odd: slashes, spaces, a DN, four thousand characters.
static void test_identity_odd_ids_are_served(void **state)
{
	static const char *const ids[] = {
		"/", "?", "#", "%2F", "a b", "..", "uid=ada,ou=people,dc=example,dc=com"
	};
	char longest[4097], json[4200];

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		crowd.count = 0;
		(void)snprintf(json, sizeof(json), "{\"id\":\"%s\",\"userName\":\"ada\"}", ids[i]);
		user(json);
		assert_non_null(only());
		assert_string_equal(only()->id, ids[i]);
	}
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	crowd.count = 0;
	(void)snprintf(json, sizeof(json), "{\"id\":\"%s\",\"userName\":\"ada\"}", longest);
	user(json);
	assert_non_null(only());
	assert_string_equal(only()->id, longest);
}

static void test_identity_records_without_an_id_are_refused(void **state)
{
	static const char *const rows[] = {
		"{}",          "[]",          "\"x\"",        "{\"id\":null}", "{\"id\":\"\"}",
		"{\"id\":[]}", "{\"id\":{}}", "{\"id\":true}"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (crowd_add(&crowd, 0, USER, rows[i]) == 0)
			fail_msg("%s was taken", rows[i]);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_identity_hashed_id_is_the_manuals_vector),
		T(test_identity_name_is_cut_and_lowered),
		T(test_identity_active_takes_what_is_decided),
		T(test_identity_bad_texts_are_replaced_and_reported),
		T(test_identity_shell_that_is_well_formed_stands),
		T(test_identity_container_ids_are_served_with_a_warning),
		T(test_identity_ledgers_number_stands),
		T(test_identity_deleted_people_keep_their_number_and_lose_their_name),
		T(test_identity_restored_numbers_find_their_owner_only),
		T(test_identity_first_directory_wins),
		T(test_identity_local_accounts_win),
		T(test_identity_privileged_group_names_are_refused),
		T(test_identity_twin_groups_are_both_refused),
		T(test_identity_space_in_a_group_name),
		T(test_identity_nesting_is_flattened_and_cycles_are_cut),
		T(test_identity_nesting_ends_at_a_depth),
		T(test_identity_damaged_records_are_nobody),
		T(test_identity_disabled_is_disabled_in_a_refused_record),
		T(test_identity_ledgers_gid_stands),
		T(test_identity_leavers_have_no_groups),
		T(test_identity_local_group_is_mapped_by_name_or_id),
		T(test_identity_whose_group_a_rule_means),
		T(test_identity_policy_deny_beats_allow),
		T(test_identity_a_trial_says_what_each_rule_says),
		T(test_identity_no_policy_means_nobody),
		T(test_identity_order_of_answers_does_not_matter),
		T(test_identity_no_number_twice),
		T(test_identity_quarrels_are_settled_as_decided),
		T(test_identity_collisions_are_never_probed),
		T(test_identity_private_groups_stay_private),
		T(test_identity_hostile_records),
		T(test_identity_odd_ids_are_served),
		T(test_identity_records_without_an_id_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
