// SPDX-License-Identifier: MIT
//
// decide(): every combination of what it may be told, held against the rules as
// sentences, each written apart from the code; and the age of an image.
#include "pam/decide.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define DAY 86400

static const int64_t ages[] = { DECIDE_AGE_UNKNOWN, INT64_MIN, 0,        DAY - 1, DAY,
				7 * DAY - 1,        7 * DAY,   INT64_MAX };
static const uint32_t limits[] = { 0, DAY, 7 * DAY, UINT32_MAX };
static unsigned long seen[REASONS], combinations;

static bool is_mine(const struct decide_facts *f)
{
	return f->state == ACCOUNT_ACTIVE &&
	       (f->verdict == VERDICT_ALLOW || f->verdict == VERDICT_BREAK_GLASS);
}

static bool too_old(const struct decide_facts *f)
{
	return f->stale_deny != 0 && (f->age < 0 || f->age >= f->stale_deny);
}

// Each rule alone, in the words of the manual.
static void rules_hold(const struct decide_facts *f, struct decision d)
{
	bool known = f->found == DECIDE_KNOWN && !f->local;
	bool in = d.result == DECIDE_ALLOW || d.result == DECIDE_WARN;

	// Local accounts are never ours, whatever else is wrong.
	assert_int_equal(f->local, d.reason == REASON_LOCAL);
	if (f->local)
		assert_int_equal(d.result, DECIDE_IGNORE);
	// PAM_IGNORE is for proven facts, or for what the administrator asked for.
	if (d.result == DECIDE_IGNORE)
		assert_true(f->local || f->found == DECIDE_STRANGER ||
			    f->found == DECIDE_UNCONFIGURED ||
			    (f->found == DECIDE_UNREADABLE && f->unavailable_ignores &&
			     !f->trouble && f->live != DECIDE_SAYS_DISABLED &&
			     f->live != DECIDE_SAYS_GONE));
	// A stranger is let through to others, in whatever state we are.
	if (!f->local && (f->found == DECIDE_STRANGER || f->found == DECIDE_UNCONFIGURED))
		assert_int_equal(d.result, DECIDE_IGNORE);
	// Nobody comes in but an active, allowed, known person without a word against it.
	if (in)
		assert_true(known && is_mine(f) && !f->trouble &&
			    (f->live == DECIDE_NO_ANSWER || f->live == DECIDE_SAYS_ACTIVE));
	if (in && too_old(f))
		assert_true(f->live == DECIDE_SAYS_ACTIVE || f->verdict == VERDICT_BREAK_GLASS);
	// And such a person does come in.
	if (known && is_mine(f) && !f->trouble && !too_old(f) &&
	    (f->live == DECIDE_NO_ANSWER || f->live == DECIDE_SAYS_ACTIVE))
		assert_true(in);
	if (known && is_mine(f) && !f->trouble && too_old(f) &&
	    (f->live == DECIDE_SAYS_ACTIVE ||
	     (f->live == DECIDE_NO_ANSWER && f->verdict == VERDICT_BREAK_GLASS)))
		assert_int_equal(d.result, DECIDE_WARN);
	// A warning is given exactly where the image is older than one of the limits.
	if (in)
		assert_int_equal(d.result == DECIDE_WARN,
				 f->age < 0 || (f->stale_warn && f->age >= f->stale_warn) ||
					 too_old(f));
	// Leavers are told apart from strangers.
	if (known && f->state == ACCOUNT_DISABLED)
		assert_int_equal(d.reason, REASON_DISABLED);
	if (known && f->state == ACCOUNT_DELETED)
		assert_int_equal(d.reason, REASON_DELETED);
	if (known && f->state == ACCOUNT_PROBE)
		assert_int_equal(d.reason, REASON_PROBE);
	if (known && f->state == ACCOUNT_REFUSED)
		assert_int_equal(d.reason, REASON_REFUSED);
	if (known && f->state == ACCOUNT_ACTIVE && f->live == DECIDE_SAYS_DISABLED)
		assert_int_equal(d.reason, REASON_SAYS_DISABLED);
	if (known && f->state == ACCOUNT_ACTIVE && f->live == DECIDE_SAYS_GONE)
		assert_int_equal(d.reason, REASON_SAYS_GONE);
	if (d.reason == REASON_NO_POLICY)
		assert_false(f->stated);
	if (d.reason == REASON_POLICY)
		assert_true(f->stated);
}

static void try_all(struct decide_facts f)
{
	for (unsigned flags = 0; flags < 16; flags++)
		for (size_t a = 0; a < sizeof(ages) / sizeof(*ages); a++)
			for (unsigned l = 0; l < 16; l++)
				for (int live = -1; live <= DECIDE_SAYS_GONE + 1; live++) {
					struct decision d;

					f.local = flags & 1;
					f.trouble = flags & 2;
					f.stated = flags & 4;
					f.unavailable_ignores = flags & 8;
					f.age = ages[a];
					f.stale_warn = limits[l % 4];
					f.stale_deny = limits[l / 4];
					f.live = (enum decide_live)live;
					d = decide(&f);
					rules_hold(&f, d);
					assert_true((unsigned)d.reason < REASONS);
					seen[d.reason]++;
					combinations++;
				}
}

static void test_decide_obeys_every_rule_in_every_combination(void **state)
{
	static const uint8_t states[] = { 0, 1, 2, 3, 4, 5, 6, 255 };
	static const uint8_t verdicts[] = { 0, 1, 2, 3, 255 };

	(void)state;
	memset(seen, 0, sizeof(seen));
	for (int found = -1; found <= DECIDE_KNOWN + 1; found++)
		for (size_t s = 0; s < sizeof(states); s++)
			for (size_t v = 0; v < sizeof(verdicts); v++)
				try_all((struct decide_facts){ .found = (enum decide_found)found,
							       .state = states[s],
							       .verdict = verdicts[v] });
	for (unsigned i = 0; i < REASONS; i++)
		assert_true(seen[i] > 0); // none that cannot come
	printf("%lu combinations\n", combinations);
}

static void test_decide_denies_what_is_all_zeros(void **state)
{
	const struct decide_facts f = { 0 };
	struct decision d = decide(&f);

	(void)state;
	assert_int_equal(d.result, DECIDE_DENY);
	assert_int_equal(d.reason, REASON_UNREADABLE);
	assert_int_equal((int)DECIDE_DENY, 0);
	assert_int_equal((int)REASON_ERROR, 0);
}

static void test_decide_age_takes_the_clock_that_makes_older(void **state)
{
	static const struct {
		struct decide_clock then, now;
		int64_t age;
	} cases[] = {
		{ { 1000, 50, { 7 } }, { 61000, 60050, { 7 } }, 60 },
		// set back: the other clock counts
		{ { 900000, 50, { 7 } }, { 1000, 60050, { 7 } }, 60 },
		// set ahead, or slept through
		{ { 1000, 50, { 7 } }, { 3601000, 60050, { 7 } }, 3600 },
		// another boot: the wall clock alone
		{ { 1000, 50, { 7 } }, { 61000, 10, { 8 } }, 60 },
		{ { 61000, 50, { 7 } }, { 1000, 900000, { 8 } }, DECIDE_AGE_UNKNOWN },
		// which boot it is is not known: likewise, also when both are unknown
		{ { 1000, 50, { 0 } }, { 61000, 90050, { 0 } }, 60 },
		{ { 61000, 50, { 0 } }, { 1000, 90050, { 0 } }, DECIDE_AGE_UNKNOWN },
		// never confirmed; no clock; the boot clock behind itself
		{ { 0, 0, { 7 } }, { 61000, 10, { 7 } }, DECIDE_AGE_UNKNOWN },
		{ { -5, 0, { 7 } }, { 61000, 10, { 7 } }, DECIDE_AGE_UNKNOWN },
		{ { 1000, 0, { 7 } }, { -1, 10, { 7 } }, DECIDE_AGE_UNKNOWN },
		{ { 1000, 100, { 7 } }, { 61000, 50, { 7 } }, DECIDE_AGE_UNKNOWN },
		{ { 1000, -100, { 7 } }, { 61000, 50, { 7 } }, DECIDE_AGE_UNKNOWN },
		// forged extremes
		{ { INT64_MAX, INT64_MAX, { 7 } }, { 1000, 50, { 7 } }, DECIDE_AGE_UNKNOWN },
		{ { INT64_MIN, INT64_MIN, { 7 } }, { 1000, 50, { 7 } }, DECIDE_AGE_UNKNOWN },
		{ { 1, 0, { 7 } }, { INT64_MAX, 0, { 7 } }, (INT64_MAX - 1) / 1000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (decide_age(&cases[i].then, &cases[i].now) != cases[i].age)
			fail_msg("case %zu: %lld, not %lld", i,
				 (long long)decide_age(&cases[i].then, &cases[i].now),
				 (long long)cases[i].age);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decide_obeys_every_rule_in_every_combination),
		cmocka_unit_test(test_decide_denies_what_is_all_zeros),
		cmocka_unit_test(test_decide_age_takes_the_clock_that_makes_older),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
