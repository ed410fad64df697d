// SPDX-License-Identifier: MIT
//
// The events of the log. `test_log list` prints the table, for the scripts that
// compare it with the catalog and the manual; what the journal gets is seen by
// tests/system/journal.sh.
#include "scimd/base/log.h"
#include <ctype.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void test_log_events_have_a_name_and_an_id_of_their_own(void **state)
{
	(void)state;
	for (size_t i = 0; i < LOG_EVENTS; i++) {
		const struct log_event_row *row = &log_events[i];

		assert_non_null(row->name);
		assert_non_null(row->id);
		assert_int_equal(strspn(row->name, "abcdefghijklmnopqrstuvwxyz-"),
				 strlen(row->name));
		assert_int_equal(strspn(row->id, "0123456789abcdef"), 32);
		assert_int_equal(strlen(row->id), 32);
		assert_in_range(row->level, LOG_LEVEL_ERROR, LOG_LEVEL_DEBUG);
		for (size_t k = 0; k < i; k++) {
			assert_string_not_equal(row->name, log_events[k].name);
			assert_string_not_equal(row->id, log_events[k].id);
		}
	}
}

// What `call` writes to standard error.
static void caught(char *out, size_t len, void (*call)(void))
{
	FILE *to = tmpfile();
	int keep = dup(STDERR_FILENO);

	assert_non_null(to);
	assert_true(dup2(fileno(to), STDERR_FILENO) >= 0);
	call();
	(void)fflush(stderr);
	assert_true(dup2(keep, STDERR_FILENO) >= 0);
	(void)close(keep);
	rewind(to);
	out[fread(out, 1, len - 1, to)] = '\0';
	(void)fclose(to);
}

static void say(void)
{
	errno = E2BIG;
	log_event(EVENT_LOCKOUT_HELD, &(struct log_about){ .user = "ann" }, "%s of\n\"%s\"", "one",
		  "ann");
	log_error("one of\n\"ann\"");
	log_event(EVENT_SESSIONS_ENDED, NULL, "two");
	log_info("two");
	log_event(EVENT_NO_ROOM, NULL, "three");
	log_warning("three");
	assert_int_equal(errno, E2BIG);
}

static void test_log_event_is_the_line_of_its_level(void **state)
{
	char text[1000];

	(void)state;
	assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
	log_open(LOG_LEVEL_INFO);
	caught(text, sizeof(text), say);
	assert_string_equal(text, "scimd: error: one of\\x0a\"ann\"\n"
				  "scimd: error: one of\\x0a\"ann\"\n"
				  "scimd: two\nscimd: two\n"
				  "scimd: warning: three\nscimd: warning: three\n");
	log_open(LOG_LEVEL_WARNING); // what is below it is not said
	caught(text, sizeof(text), say);
	assert_null(strstr(text, "two"));
	assert_non_null(strstr(text, "three"));
}

static int list(void)
{
	for (size_t i = 0; i < LOG_EVENTS; i++)
		(void)printf("%s\t%s\t%d\n", log_events[i].name, log_events[i].id,
			     (int)log_events[i].level);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_log_events_have_a_name_and_an_id_of_their_own),
		cmocka_unit_test(test_log_event_is_the_line_of_its_level),
	};

	if (argc == 2 && strcmp(argv[1], "list") == 0)
		return list();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
