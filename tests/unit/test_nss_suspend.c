// SPDX-License-Identifier: MIT
//
// A thread that is stopped in the middle of its lookups, wherever a signal finds
// it, while a thousand images come and go and its sisters map each of them: when
// it runs again it gives the old answer or the new one.

#include "nss/entry.h"
#include "nss/source.h"
#include "tests/unit/generation.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>

#include <cmocka.h>

#define PUBLISHES 1000
#define SISTERS 2
#define STUCK 120 // seconds

static _Atomic bool stop;
static _Atomic unsigned long lookups, torn, unanswered;
static sem_t asleep;
static int wake[2];

// One lookup, and whether its answer is of an image that was there meanwhile.
static void look(unsigned which)
{
	long from = (long)generation_now, got;
	int err;

	got = generation_ask(which, &err);
	if (got < 0)
		unanswered += err != EAGAIN; // three times retired within one lookup
	else if (got < from || got > (long)generation_now + 1) // its number is set after it
		torn++;
	lookups++;
}

static void *look_on(void *arg)
{
	for (unsigned i = (unsigned)(uintptr_t)arg; !stop; i++)
		look(i);
	return NULL;
}

static void sleep_in_handler(int sig)
{
	int keep = errno;
	char byte;

	(void)sig;
	sem_post(&asleep);
	while (read(wake[0], &byte, 1) != 1)
		;
	errno = keep;
}

static void spin(unsigned n)
{
	for (volatile unsigned i = n; i > 0; i--)
		;
}

static void publish_many(void)
{
	for (unsigned i = 0; i < PUBLISHES; i++)
		generation_publish();
}

static void test_nss_suspend_a_thread(void **state)
{
	struct sigaction act = { .sa_handler = sleep_in_handler };
	const unsigned rounds = box_rounds(6, 100);
	pthread_t sleeper, sisters[SISTERS];

	(void)state;
	assert_int_equal(sigaction(SIGUSR1, &act, NULL), 0);
	assert_int_equal(pthread_create(&sleeper, NULL, look_on, NULL), 0);
	for (uintptr_t i = 0; i < SISTERS; i++)
		assert_int_equal(pthread_create(&sisters[i], NULL, look_on, (void *)(i + 1)), 0);
	for (unsigned i = 0; i < rounds; i++) {
		unsigned long before = lookups;

		alarm(STUCK);
		while (lookups < before + 100) // all are warm again
			spin(100);
		spin(box_random(20000));
		assert_int_equal(pthread_kill(sleeper, SIGUSR1), 0);
		assert_int_equal(sem_wait(&asleep), 0);
		publish_many();
		assert_int_equal(write(wake[1], "", 1), 1);
	}
	stop = true;
	pthread_join(sleeper, NULL);
	for (unsigned i = 0; i < SISTERS; i++)
		pthread_join(sisters[i], NULL);
	alarm(0);
	printf("%lu lookups, %lu publishes\n", lookups, generation_now);
	assert_true(torn == 0);
	assert_true(unanswered == 0);
}

// The same with the whole process stopped, from outside, in its first lookups or
// later: nobody of it sees the images in between.
static int stopped_child(int ready)
{
	alarm(STUCK);
	for (unsigned i = 0;; i++) {
		int err;
		long got = generation_ask(i, &err);

		if (got <= 0)
			return 2;
		// One write per answer: the parent reads which image it is of.
		if (write(ready, &got, sizeof(got)) != sizeof(got))
			return 0;
	}
}

static void test_nss_suspend_a_process(void **state)
{
	const unsigned rounds = box_rounds(4, 100);

	(void)state;
	for (unsigned i = 0; i < rounds; i++) {
		const long before = (long)generation_now;
		int answers[2], status;
		long got, last = before;
		pid_t child;

		assert_int_equal(pipe(answers), 0);
		child = fork();
		if (child == 0) {
			close(answers[0]);
			_exit(stopped_child(answers[1]));
		}
		close(answers[1]);
		if (i % 2) // past its first lookups; else wherever it has come to
			for (unsigned k = 0; k < 50; k++)
				assert_int_equal(read(answers[0], &got, sizeof(got)), sizeof(got));
		spin(box_random(100000));
		assert_int_equal(kill(child, SIGSTOP), 0);
		assert_int_equal(waitpid(child, &status, WUNTRACED), child);
		assert_true(WIFSTOPPED(status));
		publish_many();
		assert_int_equal(kill(child, SIGCONT), 0);
		while (last != (long)generation_now) { // old ones, then new ones only
			assert_int_equal(read(answers[0], &got, sizeof(got)), sizeof(got));
			assert_true(got == last || got == (long)generation_now);
			last = got;
		}
		close(answers[0]); // SIGPIPE
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nss_suspend_a_process), // it comes first: no threads yet
		cmocka_unit_test(test_nss_suspend_a_thread),
	};
	int failed;

	box_seed();
	box_make();
	nss_image_path = box_image;
	if (sem_init(&asleep, 0, 0) < 0 || pipe(wake) < 0)
		return 1;
	generation_publish();
	failed = cmocka_run_group_tests_name("nss_suspend", tests, NULL, NULL);
	box_remove();
	return failed;
}
