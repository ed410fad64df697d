// SPDX-License-Identifier: MIT
//
// What may happen at each system call of a lookup: it is interrupted, it fails
// with any error, or a host sleeps there while the daemon goes on publishing. The
// answer is right or there is none; no descriptor stays; the next lookup answers.

#include "nss/entry.h"
#include "nss/source.h"
#include "tests/unit/callhook.h"
#include "tests/unit/generation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>

#include <cmocka.h>

#define HANG 60
#define UNAVAILABLE (-100 + (long)NSS_STATUS_UNAVAIL)

// How a process gets at its image in the lookup that is struck.
enum way { WAY_PREAD, WAY_MAP, WAY_MAP_ANEW, WAYS };

static void prepare(enum way way, unsigned which)
{
	int err;

	generation_publish();
	for (unsigned i = 0; way != WAY_PREAD && i < (way == WAY_MAP ? 7u : 9u); i++)
		if (generation_ask(which, &err) != (long)generation_now)
			_exit(2);
	if (way == WAY_MAP_ANEW)
		generation_publish();
}

// In a process of its own, whose first lookups these are. Exit status: 0, 1
// where the lookup has fewer calls, more where something is wrong.
static int struck(enum way way, unsigned which, unsigned point, int error)
{
	unsigned before, calls;
	int err;
	long got;

	alarm(HANG);
	prepare(way, which);
	before = open_files();
	hook_arm(point, error, NULL);
	got = generation_ask(which, &err);
	calls = hook_disarm();
	if (hook_inheritable)
		return 3;
	if (got != (long)generation_now && (got != UNAVAILABLE || err == 0 || err == ERANGE))
		return 4;
	if (open_files() != before)
		return 5;
	for (unsigned i = 0; i < 20; i++)
		if (generation_ask(which + i, &err) != (long)generation_now)
			return 6;
	if (open_files() != before)
		return 7;
	return calls < point;
}

static int child_says(pid_t child)
{
	int status = -1;

	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_false(WIFSIGNALED(status));
	return WEXITSTATUS(status);
}

// Each call of each way in turn, until a lookup has no more. How many there were.
static unsigned sweep(int error)
{
	unsigned cells = 0;

	for (enum way way = WAY_PREAD; way < WAYS; way++)
		for (unsigned which = 0; which < 3; which++)
			for (unsigned point = 1;; point++) {
				pid_t child = fork();

				if (child == 0)
					_exit(struck(way, which, point, error));
				int r = child_says(child);

				if (r > 1)
					fail_msg("way %d, question %u, call %u, %s: %d", (int)way,
						 which, point, strerror(error), r);
				if (r == 1)
					break;
				assert_true(point < 40);
				cells++;
			}
	return cells;
}

static void test_nss_calls_may_be_interrupted(void **state)
{
	(void)state;
	assert_true(sweep(EINTR) > 40);
}

static void test_nss_calls_may_fail(void **state)
{
	static const int errors[] = { EIO,    ENOMEM, EMFILE, ENFILE, EACCES,
				      ENOENT, EAGAIN, ESTALE, EPERM,  EBADF };

	(void)state;
	for (unsigned i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		assert_true(sweep(errors[i]) > 40);
}

// An interrupted open or pread is done again: there must be an answer.
static int interrupted(unsigned point)
{
	int err;
	long got;

	prepare(WAY_PREAD, 0);
	hook_arm(point, EINTR, NULL);
	got = generation_ask(0, &err);
	hook_disarm();
	return got == (long)generation_now ? 0 : 2;
}

static void test_nss_calls_are_done_again_when_interrupted(void **state)
{
	static const unsigned points[] = { 1, 3, 4, 5, 6 }; // not fstat: it never waits

	(void)state;
	for (unsigned i = 0; i < sizeof(points) / sizeof(*points); i++) {
		pid_t child = fork();

		if (child == 0)
			_exit(interrupted(points[i]));
		assert_int_equal(child_says(child), 0);
	}
}

static unsigned publishes;

static void publish_many(void)
{
	for (unsigned i = 0; i < publishes; i++)
		generation_publish();
}

static int slept(enum way way, unsigned which, unsigned point)
{
	unsigned long before;
	unsigned calls;
	int err;
	long got;

	alarm(HANG);
	prepare(way, which);
	before = generation_now;
	hook_arm(point, 0, publish_many);
	got = generation_ask(which, &err);
	calls = hook_disarm();
	if (got != (long)before && got != (long)generation_now)
		return 4;
	for (unsigned i = 0; i < 20; i++)
		if (generation_ask(which + i, &err) != (long)generation_now)
			return 6;
	return calls < point;
}

static void test_nss_calls_survive_publishes(void **state)
{
	unsigned cells = 0;

	(void)state;
	publishes = box_rounds(40, 1000);
	for (enum way way = WAY_PREAD; way < WAYS; way++)
		for (unsigned which = 0; which < 3; which++)
			for (unsigned point = 1;; point++) {
				pid_t child = fork();

				if (child == 0)
					_exit(slept(way, which, point));
				int r = child_says(child);

				if (r > 1)
					fail_msg("way %d, question %u, call %u: %d", (int)way,
						 which, point, r);
				if (r == 1)
					break;
				assert_true(point < 40);
				cells++;
			}
	assert_true(cells > 40);
}

// Publishes are the children's: each starts from the state that is on the disk.
static int setup(void **state)
{
	(void)state;
	generation_now = 0;
	generation_publish();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_nss_calls_may_be_interrupted, setup),
		cmocka_unit_test_setup(test_nss_calls_may_fail, setup),
		cmocka_unit_test_setup(test_nss_calls_are_done_again_when_interrupted, setup),
		cmocka_unit_test_setup(test_nss_calls_survive_publishes, setup),
	};
	int failed;

	box_make();
	nss_image_path = box_image;
	failed = cmocka_run_group_tests_name("nss_calls", tests, NULL, NULL);
	box_remove();
	return failed;
}
