// SPDX-License-Identifier: MIT
//
// The words of pam_scim: options in a stack's file, scimd's answers, and what is
// said to people.
#include "pam/answer.h"
#include "pam/message.h"
#include "pam/option.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_option_defaults_go_by_service(void **state)
{
	static const struct {
		const char *service;
		int live;
	} cases[] = {
		{ "sshd", 1500 }, { "login", 1500 },  { "su", 1500 },           { "su-l", 1500 },
		{ "sudo", 1500 }, { "sudo-i", 1500 }, { "gdm-password", 1500 }, { "cron", 0 },
		{ "crond", 0 },   { "atd", 0 },       { "systemd-user", 0 },    { NULL, 1500 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct option o;

		assert_null(option_read(&o, cases[i].service, 0, NULL));
		assert_int_equal(o.live_ms, cases[i].live);
		assert_false(o.unavailable_ignores || o.mkhome || o.debug);
	}
}

static void test_option_words(void **state)
{
	static const struct {
		const char *word;
		int live; // -1: refused
	} cases[] = {
		{ "live=off", 0 },
		{ "live=2", 2000 },
		{ "live=2s", 2000 },
		{ "live=1.5s", 1500 },
		{ "live=1.5", 1500 },
		{ "live=0.25s", 250 },
		{ "live=500ms", 500 },
		{ "live=10s", 10000 },
		{ "live=1.2345s", 1234 },
		{ "live=", -1 },
		{ "live", -1 },
		{ "live=0", -1 },
		{ "live=0.0s", -1 },
		{ "live=11s", -1 },
		{ "live=10.001s", -1 },
		{ "live=-1s", -1 },
		{ "live=1m", -1 },
		{ "live=1.5ms", -1 },
		{ "live=1s ", -1 },
		{ "live=.5s", -1 },
		{ "live=99999999999999999999", -1 },
		{ "live=on", -1 },
		{ "lives=1s", -1 },
		{ "liv=1s", -1 },
		{ "", -1 },
		{ "=", -1 },
		{ "on_unavailable", -1 },
		{ "on_unavailable=", -1 },
		{ "on_unavailable=maybe", -1 },
		{ "mkhome=yes", -1 },
		{ "debug=1", -1 },
		{ "user_unknown=ignore", -1 },
	};
	const char *all[] = { "mkhome", "live=3s", "on_unavailable=allow", "debug" };
	const char *bad_first[] = { "nonsense", "live=off" };
	struct option o;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *word = cases[i].word, *bad = option_read(&o, "sshd", 1, &word);

		if (bad != (cases[i].live < 0 ? word : NULL) ||
		    (!bad && o.live_ms != cases[i].live))
			fail_msg("\"%s\": %s, %d ms", word, bad ? "refused" : "taken", o.live_ms);
	}
	assert_null(option_read(&o, "cron", 4, all));
	assert_true(o.live_ms == 3000 && o.unavailable_ignores && o.mkhome && o.debug);
	assert_ptr_equal(option_read(&o, "sshd", 2, bad_first), bad_first[0]);
	assert_int_equal(o.live_ms, 0);
}

#define OK(result) "{\"ok\":true,\"result\":" result "}"

static void test_answer_takes_exactly_the_four_words(void **state)
{
	static const struct {
		const char *text;
		enum decide_live live;
	} cases[] = {
		{ OK("{\"schema\":1,\"answer\":\"active\",\"status\":200,\"ms\":3}"),
		  DECIDE_SAYS_ACTIVE },
		{ OK("{\"answer\":\"disabled\"}"), DECIDE_SAYS_DISABLED },
		{ " { \"ok\" : true , \"result\" : { \"answer\" : \"gone\" } } \n",
		  DECIDE_SAYS_GONE },
		{ OK("{\"answer\":\"unknown\",\"reason\":\"a \\\"quoted\\\" \\u00e9 {}[]: word\"}"),
		  DECIDE_NO_ANSWER },
		{ OK("{\"answer\":\"active\",\"ms\":-1.5e3,\"x\":null,\"y\":false}"),
		  DECIDE_SAYS_ACTIVE },
		{ "{\"result\":{\"answer\":\"active\"},\"ok\":true}", DECIDE_SAYS_ACTIVE },
		{ "{\"ok\":false,\"code\":\"not-found\",\"error\":\"no\"}", DECIDE_NO_ANSWER },
		{ "{\"ok\":false,\"result\":{\"answer\":\"active\"}}", DECIDE_NO_ANSWER },
		{ "{\"ok\":\"true\",\"result\":{\"answer\":\"active\"}}", DECIDE_NO_ANSWER },
		{ "{\"result\":{\"answer\":\"active\"}}", DECIDE_NO_ANSWER },
		{ "{\"ok\":true,\"answer\":\"active\"}", DECIDE_NO_ANSWER },
		{ "{\"ok\":true,\"ok\":true,\"result\":{\"answer\":\"active\"}}",
		  DECIDE_NO_ANSWER },
		{ OK("{\"answer\":\"disabled\",\"answer\":\"active\"}"), DECIDE_NO_ANSWER },
		{ "{\"ok\":true,\"result\":{},\"result\":{\"answer\":\"active\"}}",
		  DECIDE_NO_ANSWER },
		{ OK("{\"answer\":true}"), DECIDE_NO_ANSWER },
		{ OK("{\"answer\":{\"x\":\"active\"}}"), DECIDE_NO_ANSWER },
		{ OK("{\"answer\":[\"active\"]}"), DECIDE_NO_ANSWER },
		{ OK("{\"result\":{\"answer\":\"active\"}}"), DECIDE_NO_ANSWER },
		{ OK("{\"answer\":\"Active\"}"), DECIDE_NO_ANSWER },
		{ OK("{\"answer\":\"active \"}"), DECIDE_NO_ANSWER },
		{ OK("{\"answer\":\"\\u0061ctive\"}"), DECIDE_NO_ANSWER },
		{ OK("{\"answer\":\"active"), DECIDE_NO_ANSWER },
		{ OK("{\"answer\":\"active\"}") "x", DECIDE_NO_ANSWER },
		{ OK("{\"answer\":\"active\",}"), DECIDE_NO_ANSWER },
		{ OK("{\"answer\":\"active\" \"a\":1}"), DECIDE_NO_ANSWER },
		{ OK("{\"answer\":\"active\",\"a\":maybe}"), DECIDE_NO_ANSWER },
		{ OK("{\"answer\":\"active\",\"a\":}"), DECIDE_NO_ANSWER },
		{ OK("{\"answer\":\"active\",\"a\":\"\x01\"}"), DECIDE_NO_ANSWER },
		{ OK("{\"answer\":\"active\",\"a\":\"\\q\"}"), DECIDE_NO_ANSWER },
		{ OK("{\"answer\":\"active\",\"a\":\"\\u12g4\"}"), DECIDE_NO_ANSWER },
		{ "[" OK("{\"answer\":\"active\"}") "]", DECIDE_NO_ANSWER },
		{ "", DECIDE_NO_ANSWER },
		{ "{", DECIDE_NO_ANSWER },
		{ "{}", DECIDE_NO_ANSWER },
		{ "\"", DECIDE_NO_ANSWER },
		{ "active", DECIDE_NO_ANSWER },
		{ "null", DECIDE_NO_ANSWER },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (answer_live(cases[i].text, strlen(cases[i].text)) != cases[i].live)
			fail_msg("%s", cases[i].text);
	assert_true(answer_ok("{\"ok\":true}", 11));
	assert_false(answer_ok("{\"ok\":true", 10));
}

// No cut or changed answer turns into another: at worst it is none. Each try lies
// at the end of its own allocation, so that reading on is seen by a sanitizer.
static void test_answer_survives_every_cut_and_byte(void **state)
{
	static const char good[] =
		OK("{\"schema\":1,\"answer\":\"disabled\",\"reason\":\"\\u00e9\"}");
	const size_t len = sizeof(good) - 1;

	(void)state;
	for (size_t cut = 0; cut < len; cut++) {
		char *copy = malloc(cut + 1);

		assert_non_null(copy);
		memcpy(copy, good, cut);
		copy = realloc(copy, cut ? cut : 1);
		assert_non_null(copy);
		assert_int_equal(answer_live(copy, cut), DECIDE_NO_ANSWER);
		free(copy);
	}
	for (size_t at = 0; at < len; at++)
		for (int byte = 0; byte < 256; byte++) {
			char *copy = malloc(len);
			enum decide_live live;

			assert_non_null(copy);
			memcpy(copy, good, len);
			copy[at] = (char)byte;
			live = answer_live(copy, len);
			assert_true(live == DECIDE_NO_ANSWER || live == DECIDE_SAYS_DISABLED);
			free(copy);
		}
}

static void test_message_says_what_to_do_and_no_more(void **state)
{
	char a[256], b[256];

	(void)state;
	assert_string_equal(message_person(REASON_DISABLED, 4, a, sizeof(a)),
			    "Your account is disabled. Ask your administrator. (scimd: rule 4)");
	assert_string_equal(message_person(REASON_POLICY, 3, a, sizeof(a)),
			    "You may not log in on this host. Ask your administrator. "
			    "(scimd: rule 3)");
	// The same words for a person who was deleted and for one who is disabled.
	assert_string_equal(message_person(REASON_DELETED, 4, a, sizeof(a)),
			    message_person(REASON_DISABLED, 4, b, sizeof(b)));
	assert_string_equal(message_person(REASON_SAYS_GONE, 0, a, sizeof(a)),
			    message_person(REASON_SAYS_DISABLED, 0, b, sizeof(b)));
	for (unsigned i = 0; i < REASONS + 2; i++) {
		const char *text = message_person((enum decide_reason)i, 2, a, sizeof(a));

		assert_non_null(message_log((enum decide_reason)i));
		if (i != REASON_PROBE && *text)
			assert_non_null(strstr(text, "Ask your administrator."));
		assert_null(strstr(text, "unknown"));
	}
	// Where others decide, and where one comes in, nothing is said.
	assert_string_equal(message_person(REASON_STRANGER, 0, a, sizeof(a)), "");
	assert_string_equal(message_person(REASON_LOCAL, 0, a, sizeof(a)), "");
	assert_string_equal(message_person(REASON_ALLOWED, 0, a, sizeof(a)), "");
}

// For the manual's test: what there is, and the defaults.
static int list(void)
{
	const char *name, *values, *otherwise;

	for (unsigned i = 0; (name = option_row(i, &values, &otherwise)); i++)
		printf("%s\t%s\t%s\n", name, values ? values : "", otherwise);
	for (unsigned i = 0; (name = option_service(i, &values)); i++)
		printf("service %s\t%s\t\n", name, values);
	return 0;
}

// What may stand behind "scimd:" in what a person is told.
static int grounds(void)
{
	for (unsigned i = 0; i < REASONS; i++)
		for (unsigned rule = RULE_NONE; rule <= RULE_BREAK_GLASS; rule++) {
			char a[256];
			const char *at =
				strstr(message_person((enum decide_reason)i, rule, a, sizeof(a)),
				       "(scimd: ");

			// Who is allowed is told nothing.
			if (at && !(strncmp(at, "(scimd: rule ", 13) == 0 &&
				    (rule == RULE_ALLOW || rule == RULE_BREAK_GLASS ||
				     rule == RULE_NONE)))
				printf("%.*s\n", (int)strcspn(at + 8, ")"), at + 8);
		}
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_option_defaults_go_by_service),
		cmocka_unit_test(test_option_words),
		cmocka_unit_test(test_answer_takes_exactly_the_four_words),
		cmocka_unit_test(test_answer_survives_every_cut_and_byte),
		cmocka_unit_test(test_message_says_what_to_do_and_no_more),
	};

	if (argc == 2 && strcmp(argv[1], "list") == 0)
		return list();
	if (argc == 2 && strcmp(argv[1], "grounds") == 0)
		return grounds();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
