// SPDX-License-Identifier: MIT
//
// Floor 0: sentences, buffers, arenas, tables, times, files.
#include "scimd/base/arena.h"
#include "scimd/base/buf.h"
#include "scimd/base/clock.h"
#include "scimd/base/digest.h"
#include "scimd/base/fail.h"
#include "scimd/base/file.h"
#include "scimd/base/table.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#undef fail // cmocka has a macro of that name; ours is a function

static void test_fail_keeps_the_innermost_sentence(void **state)
{
	struct fail f = { "" };

	(void)state;
	assert_int_equal(fail(&f, EPROTO, "page %d: no list", 3), -EPROTO);
	assert_int_equal(fail_in(&f, -EPROTO, "directory \"%s\"", "corp"), -EPROTO);
	assert_string_equal(f.text, "directory \"corp\": page 3: no list");
	assert_int_equal(fail(NULL, ENOMEM, "x"), -ENOMEM);
}

static void test_buf_stops_at_its_ceiling_and_stays_broken(void **state)
{
	struct buf b = { .max = 10 };

	(void)state;
	assert_int_equal(buf_str(&b, "0123456789"), 0);
	assert_int_equal(buf_chr(&b, 'x'), -ENOBUFS);
	assert_false(buf_ok(&b));
	assert_true(buf_str(&b, "") < 0);
	assert_int_equal(b.len, 10);
	buf_clear(&b);
	assert_int_equal(buf_printf(&b, "%d-%s", 7, "ab"), 0);
	assert_string_equal(buf_text(&b), "7-ab");
	buf_free(&b);
	assert_string_equal(buf_text(&b), "");
}

static void test_arena_gives_distinct_aligned_memory(void **state)
{
	struct arena a = ARENA_INIT;
	char *s[1000];

	(void)state;
	for (size_t i = 0; i < 1000; i++) {
		uint64_t *p = arena_alloc(&a, 24);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		assert_int_equal(*p, 0);
		s[i] = arena_printf(&a, "%zu", i);
		assert_non_null(arena_alloc(&a, i * 100));
	}
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(strtoul(s[i], NULL, 10), i);
	assert_null(arena_array(&a, SIZE_MAX / 2, 4));
	assert_null(arena_alloc(&a, SIZE_MAX - 8));
	arena_free(&a);
}

static void test_table_finds_what_was_put(void **state)
{
	struct table t = TABLE_INIT;
	static char keys[20000][12];

	(void)state;
	assert_int_equal(table_get(&t, "x", 1), TABLE_NONE);
	for (uint32_t i = 0; i < 20000; i++) {
		int n = snprintf(keys[i], sizeof(keys[i]), "k%u", i);

		assert_int_equal(table_put(&t, keys[i], (size_t)n, i), 0);
	}
	for (uint32_t i = 0; i < 20000; i++)
		assert_int_equal(table_get(&t, keys[i], strlen(keys[i])), i);
	assert_int_equal(table_get(&t, "k20000", 6), TABLE_NONE);
	assert_int_equal(table_get(&t, "k1", 1), TABLE_NONE);
	assert_int_equal(table_put(&t, keys[5], strlen(keys[5]), 99), 0);
	assert_int_equal(table_get(&t, "k5", 2), 99);
	table_free(&t);
}

static void test_clock_parse_reads_every_form_seen_in_the_field(void **state)
{
	static const struct {
		const char *text;
		int64_t ms; // -1: refused
	} cases[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2025-03-25T16:17:00", 1742919420000 },
		{ "2025-03-25T16:17:00Z", 1742919420000 },
		{ "2025-03-25T17:17:00+01:00", 1742919420000 },
		{ "2025-03-25T08:17:00.25-08:00", 1742919420250 },
		{ "2025-03-25T16:17:00.123456789Z", 1742919420123 },
		{ "2038-01-19T03:14:08Z", 2147483648000 },
		{ "2106-02-07T06:28:16Z", 4294967296000 },
		{ "2024-02-29T00:00:00Z", 1709164800000 },
		{ "", -1 },
		{ "2025-03-25", -1 },
		{ "2025-13-25T16:17:00Z", -1 },
		{ "2025-03-25T16:17:00Zx", -1 },
		{ "2025-03-25T16:17:00+25:00", -1 },
		{ "1742919420", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int64_t ms = -7;
		int r = clock_parse(cases[i].text, strlen(cases[i].text), &ms);

		if (cases[i].ms < 0) {
			assert_int_equal(r, -EINVAL);
			assert_int_equal(ms, -7);
		} else {
			assert_int_equal(r, 0);
			assert_int_equal(ms, cases[i].ms);
		}
	}
}

static void test_clock_format_can_be_parsed_again(void **state)
{
	char text[CLOCK_TEXT];
	int64_t ms;

	(void)state;
	for (int64_t t = -86400123; t < 5000000000000; t += 987654321987) {
		(void)clock_format(text, t);
		assert_int_equal(clock_parse(text, strlen(text), &ms), 0);
		assert_int_equal(ms, t);
	}
	assert_string_equal(clock_format(text, CLOCK_NONE), "never");
}

static void test_clock_span_takes_units_and_refuses_nonsense(void **state)
{
	uint64_t s = 1;

	(void)state;
	assert_int_equal(clock_span("5min", &s), 0);
	assert_int_equal(s, 300);
	assert_int_equal(clock_span("1h 30min", &s), 0);
	assert_int_equal(s, 5400);
	assert_int_equal(clock_span("7d", &s), 0);
	assert_int_equal(s, 604800);
	assert_int_equal(clock_span("90", &s), 0);
	assert_int_equal(s, 90);
	s = 42;
	assert_int_equal(clock_span("", &s), -EINVAL);
	assert_int_equal(clock_span("-5min", &s), -EINVAL);
	assert_int_equal(clock_span("5 lightyears", &s), -EINVAL);
	assert_int_equal(clock_span("99999999999999999999", &s), -ERANGE);
	assert_int_equal(clock_span("99999999999999999w", &s), -ERANGE);
	assert_int_equal(s, 42);
}

static void test_digest_is_sha256_of_the_parts_together(void **state)
{
	const struct digest_part parts[] = { { "a", 1 }, { "", 0 }, { "bc", 2 } };
	uint8_t d[DIGEST_LEN];
	char hex[DIGEST_HEX];

	(void)state;
	assert_int_equal(digest_parts(d, parts, 3), 0);
	digest_hex(hex, d);
	assert_string_equal(hex,
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void test_file_replace_leaves_the_old_file_when_it_cannot(void **state)
{
	char dir[] = "/tmp/scimd-test.XXXXXX", path[64], deep[80];
	struct buf b = BUF_INIT;
	struct fail f = { "" };
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/file", dir);
	(void)snprintf(deep, sizeof(deep), "%s/none/file", dir);
	assert_int_equal(file_replace(path, "one", 3, 0640, &f), 0);
	assert_int_equal(file_replace(path, "two", 3, 0640, &f), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(file_replace(deep, "x", 1, 0600, &f), -ENOENT);
	assert_non_null(strstr(f.text, deep));
	assert_int_equal(file_read(path, 100, &b, &f), 0);
	assert_string_equal(buf_text(&b), "two");
	buf_clear(&b);
	assert_int_equal(file_read(path, 2, &b, &f), -EFBIG);
	buf_free(&b);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0); // nothing temporary was left
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fail_keeps_the_innermost_sentence),
		cmocka_unit_test(test_buf_stops_at_its_ceiling_and_stays_broken),
		cmocka_unit_test(test_arena_gives_distinct_aligned_memory),
		cmocka_unit_test(test_table_finds_what_was_put),
		cmocka_unit_test(test_clock_parse_reads_every_form_seen_in_the_field),
		cmocka_unit_test(test_clock_format_can_be_parsed_again),
		cmocka_unit_test(test_clock_span_takes_units_and_refuses_nonsense),
		cmocka_unit_test(test_digest_is_sha256_of_the_parts_together),
		cmocka_unit_test(test_file_replace_leaves_the_old_file_when_it_cannot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
