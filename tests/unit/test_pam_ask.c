// SPDX-License-Identifier: MIT
//
// Asking scimd when scimd is well, slow, mute, mad or gone: an answer or an error
// within the deadline, no signal, no descriptor left, none in the place of a
// standard stream.
#include "pam/ask.h"
#include "tests/unit/imagebox.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char box[] = "/tmp/scimd-ask-XXXXXX", path[64];
static int listener = -1;

enum manner {
	ANSWERS,
	ANSWERS_BYTEWISE,
	NEVER_ANSWERS,
	CLOSES_AT_ONCE,
	CLOSES_IN_THE_HEAD,
	CLOSES_IN_THE_BODY,
	SAYS_TOO_LONG,
	SAYS_ZERO,
	DRIPS_FOR_EVER,
	MANNERS,
};

static enum manner manner;
static const char said[] = "{\"ok\":true,\"result\":{\"answer\":\"active\"}}";
static char heard[256];

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void out(int fd, const void *p, size_t n)
{
	(void)send(fd, p, n, MSG_NOSIGNAL);
}

static void drip(int fd)
{
	while (send(fd, "\0", 1, MSG_NOSIGNAL) == 1)
		nanosleep(&(struct timespec){ 0, 30000000 }, NULL);
}

static void *serve(void *arg)
{
	static const unsigned char head[4] = { 0, 0, 0, sizeof(said) - 1 };
	static const unsigned char huge[4] = { 0, 0, 0x10, 0x01 };
	char block[256];
	sigset_t all;
	ssize_t n;
	int fd;

	(void)arg;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, NULL); // interruptions are for the one who asks
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return NULL;
	if (manner != CLOSES_AT_ONCE) {
		n = recv(fd, heard, sizeof(heard) - 1, 0);
		heard[n > 0 ? n : 0] = '\0';
	}
	switch (manner) {
	case ANSWERS:
		out(fd, head, 4);
		out(fd, said, sizeof(said) - 1);
		break;
	case ANSWERS_BYTEWISE:
		for (int i = 0; i < 4; i++)
			out(fd, head + i, 1);
		for (size_t i = 0; i < sizeof(said) - 1; i++)
			out(fd, said + i, 1);
		break;
	case NEVER_ANSWERS:
		(void)recv(fd, block, sizeof(block), 0); // until the other side is gone
		break;
	case CLOSES_IN_THE_HEAD:
		out(fd, head, 2);
		break;
	case CLOSES_IN_THE_BODY:
		out(fd, head, 4);
		out(fd, said, 5);
		break;
	case SAYS_TOO_LONG:
		out(fd, huge, 4);
		break;
	case SAYS_ZERO:
		out(fd, "\0\0\0\0", 4);
		break;
	case DRIPS_FOR_EVER:
		out(fd, "\0\0\x0f\xff", 4);
		drip(fd);
		break;
	default:
		break;
	}
	close(fd);
	return NULL;
}

static int ask_one(enum manner how, int deadline, char buf[ASK_ANSWER_MAX])
{
	pthread_t thread;
	int r;

	manner = how;
	assert_int_equal(pthread_create(&thread, NULL, serve, NULL), 0);
	r = ask("check", "ann", deadline, buf);
	assert_int_equal(pthread_join(thread, NULL), 0);
	return r;
}

static void test_ask_sends_one_frame_and_takes_one(void **state)
{
	static const char wanted[] = "{\"command\":\"check\",\"name\":\"ann\"}";
	char buf[ASK_ANSWER_MAX];

	(void)state;
	for (int bytewise = 0; bytewise < 2; bytewise++) {
		int r = ask_one(bytewise ? ANSWERS_BYTEWISE : ANSWERS, 5000, buf);

		assert_int_equal(r, sizeof(said) - 1);
		assert_memory_equal(buf, said, sizeof(said) - 1);
		assert_memory_equal(heard, "\0\0\0", 3);
		assert_int_equal(heard[3], sizeof(wanted) - 1);
		assert_string_equal(heard + 4, wanted);
	}
}

static void test_ask_ends_in_time_whatever_the_server_does(void **state)
{
	char buf[ASK_ANSWER_MAX];
	unsigned before = open_files();

	(void)state;
	for (int how = NEVER_ANSWERS; how < MANNERS; how++) {
		int64_t began = now_ms();
		int r = ask_one((enum manner)how, 200, buf);
		int64_t took = now_ms() - began;

		assert_true(r < 0);
		if (how == NEVER_ANSWERS || how == DRIPS_FOR_EVER) {
			assert_int_equal(r, -ETIMEDOUT);
			assert_true(took >= 195);
		}
		assert_true(took < 2000); // what a busy machine adds
	}
	assert_int_equal(open_files(), before);
}

static void test_ask_refuses_what_json_would_have_to_escape(void **state)
{
	char buf[ASK_ANSWER_MAX], longer[300];

	(void)state;
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(ask("check", "a\"b", 100, buf), -EINVAL);
	assert_int_equal(ask("check", "a\nb", 100, buf), -EINVAL);
	assert_int_equal(ask("check", "A", 100, buf), -EINVAL);
	assert_int_equal(ask("check", longer, 100, buf), -EINVAL);
}

static void test_ask_without_a_server(void **state)
{
	static char longer[300];
	char buf[ASK_ANSWER_MAX];

	(void)state;
	ask_socket_path = "/nowhere/scimd.sock";
	assert_int_equal(ask("check", "ann", 100, buf), -ENOENT);
	ask_socket_path = "/dev/null";
	assert_int_equal(ask("check", "ann", 100, buf), -ECONNREFUSED);
	memset(longer, 'a', sizeof(longer) - 1);
	ask_socket_path = longer;
	assert_int_equal(ask("check", "ann", 100, buf), -ENAMETOOLONG);
	ask_socket_path = path;
}

static int listen_at(const char *where, int queue)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(un.sun_path, where, strlen(where) + 1);
	assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&un, sizeof(un)) == 0 &&
		    listen(fd, queue) == 0);
	return fd;
}

// A daemon that hangs: its queue fills, and connecting itself has to be given up.
static void test_ask_waits_for_a_full_queue_no_longer_than_allowed(void **state)
{
	char full[80], buf[ASK_ANSWER_MAX];
	int64_t began, took;
	int r, hung;

	(void)state;
	(void)snprintf(full, sizeof(full), "%s/full", box);
	hung = listen_at(full, 0);
	ask_socket_path = full;
	for (int i = 0; i < 4; i++) {
		began = now_ms();
		r = ask("check", "ann", 150, buf);
		took = now_ms() - began;
		assert_int_equal(r, -ETIMEDOUT);
		assert_true(took >= 145 && took < 2000);
	}
	close(hung);
	unlink(full);
	ask_socket_path = path;
}

static atomic_uint alarms;

static void on_alarm(int s)
{
	(void)s;
	alarms++;
}

// Signals that interrupt every call lengthen nothing.
static void test_ask_goes_on_after_interruptions(void **state)
{
	struct sigaction sa = { .sa_handler = on_alarm }, old;
	timer_t timer;
	struct itimerspec every = { { 0, 300000 }, { 0, 300000 } };
	char buf[ASK_ANSWER_MAX];
	int64_t began = now_ms();

	(void)state;
	assert_int_equal(sigaction(SIGALRM, &sa, &old), 0);
	assert_int_equal(timer_create(CLOCK_MONOTONIC, NULL, &timer), 0);
	assert_int_equal(timer_settime(timer, 0, &every, NULL), 0);
	for (int i = 0; i < 20; i++)
		assert_int_equal(ask_one(ANSWERS_BYTEWISE, 5000, buf), sizeof(said) - 1);
	assert_int_equal(ask_one(NEVER_ANSWERS, 100, buf), -ETIMEDOUT);
	timer_delete(timer);
	sigaction(SIGALRM, &old, NULL);
	assert_true(alarms > 10);
	assert_true(now_ms() - began < 10000);
}

// The host program may have closed its standard streams.
static void test_ask_keeps_off_the_standard_streams(void **state)
{
	char buf[ASK_ANSWER_MAX];
	int keep, r;

	(void)state;
	keep = dup(0);
	close(0);
	r = ask_one(ANSWERS, 5000, buf);
	assert_true(r > 0);
	assert_int_equal(fcntl(0, F_GETFD), -1);
	assert_int_equal(dup2(keep, 0), 0);
	close(keep);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ask_sends_one_frame_and_takes_one),
		cmocka_unit_test(test_ask_ends_in_time_whatever_the_server_does),
		cmocka_unit_test(test_ask_refuses_what_json_would_have_to_escape),
		cmocka_unit_test(test_ask_without_a_server),
		cmocka_unit_test(test_ask_waits_for_a_full_queue_no_longer_than_allowed),
		cmocka_unit_test(test_ask_goes_on_after_interruptions),
		cmocka_unit_test(test_ask_keeps_off_the_standard_streams),
	};
	int r;

	if (!mkdtemp(box))
		return IMAGEBOX_SKIP;
	(void)snprintf(path, sizeof(path), "%s/sock", box);
	listener = listen_at(path, 8);
	ask_socket_path = path;
	r = cmocka_run_group_tests(tests, NULL, NULL);
	close(listener);
	unlink(path);
	rmdir(box);
	return r;
}
