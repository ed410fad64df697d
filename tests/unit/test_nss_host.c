// SPDX-License-Identifier: MIT
//
// What a host process may do around its lookups: close everything, put its own
// files on any number, have none left, little memory, small stacks, and signals
// at any time. Its descriptors stay its own, and it gets its answers.

#include "nss/entry.h"
#include "nss/source.h"
#include "scimd/base/fail.h"
#include "scimd/image/write.h"
#include "tests/bench/people.h"
#include "tests/unit/imagebox.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <cmocka.h>

#define USERS 2000u
#define GROUPS 20u
#define FDS 24 // numbers that the games are played with
#define HANG 120
#define SMALL_STACK (128u << 10)
#define STACK_LIMIT (24u << 10) // of it, for the deepest lookup

static struct people people;

static void publish(const struct image_source *src)
{
	struct image_published out;
	struct fail f = { "" };

	if (image_publish(box_dir, src, 0, &out, &f) < 0) {
		fprintf(stderr, "%s\n", f.text);
		abort();
	}
}

// One of several kinds of lookup, by one thread at a time. True: it was right.
static bool look(uint32_t i, enum nss_status *status_out, int *err)
{
	static char buf[1 << 16];
	const uint32_t who = i % USERS, which = i % GROUPS;
	struct passwd pw;
	struct group gr;
	char name[16];
	bool right = false;

	*err = 0;
	switch (i % 5) {
	case 0:
		people_name(name, who);
		*status_out = _nss_scim_getpwnam_r(name, &pw, buf, sizeof(buf), err);
		right = *status_out == NSS_STATUS_SUCCESS && pw.pw_uid == people_uid(who);
		break;
	case 1:
		*status_out = _nss_scim_getpwuid_r(people_uid(who), &pw, buf, sizeof(buf), err);
		people_name(name, who);
		right = *status_out == NSS_STATUS_SUCCESS && strcmp(pw.pw_name, name) == 0;
		break;
	case 2:
		*status_out = _nss_scim_getgrgid_r(PEOPLE_FIRST_GROUP + which, &gr, buf,
						   sizeof(buf), err);
		right = *status_out == NSS_STATUS_SUCCESS && gr.gr_mem[0] != NULL;
		break;
	case 3:
		*status_out = _nss_scim_getpwuid_r(people_uid(who) + 1, &pw, buf, sizeof(buf), err);
		right = *status_out == NSS_STATUS_NOTFOUND;
		break;
	default:
		people_group_name(name, which);
		*status_out = _nss_scim_getgrnam_r(name, &gr, buf, sizeof(buf), err);
		right = *status_out == NSS_STATUS_SUCCESS &&
			gr.gr_gid == PEOPLE_FIRST_GROUP + which;
	}
	return right;
}

static bool looks(uint32_t from, uint32_t n)
{
	enum nss_status s;
	int err;

	for (uint32_t i = from; i < from + n; i++)
		if (!look(i, &s, &err))
			return false;
	return true;
}

static int child_says(pid_t child)
{
	int status = -1;

	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_false(WIFSIGNALED(status));
	return WEXITSTATUS(status);
}

// Everything that tells one open file from another.
struct table {
	struct stat st[FDS];
	int flags[FDS];
};

static void table_read(struct table *t)
{
	memset(t, 0, sizeof(*t));
	for (int fd = 0; fd < FDS; fd++) {
		t->flags[fd] = fcntl(fd, F_GETFD);
		if (t->flags[fd] < 0 || fstat(fd, &t->st[fd]) < 0)
			t->flags[fd] = -1;
	}
}

static bool table_same(const struct table *a, const struct table *b)
{
	for (int fd = 0; fd < FDS; fd++)
		if (a->flags[fd] != b->flags[fd] || a->st[fd].st_dev != b->st[fd].st_dev ||
		    a->st[fd].st_ino != b->st[fd].st_ino)
			return false;
	return true;
}

static void test_nss_host_files_after_a_million_lookups(void **state)
{
	struct table before, after;
	unsigned open_before;

	(void)state;
	table_read(&before);
	open_before = open_files();
	for (uint32_t i = 0; i < 1000; i++) {
		if (i % 20 == 0)
			publish(&people.source);
		assert_true(looks(i * 1000, 1000));
	}
	table_read(&after);
	assert_true(table_same(&before, &after));
	assert_int_equal(open_files(), open_before);
}

// Closes and reopens the numbers at random, also 0 to 2.
static void play(void)
{
	int pair[2];

	switch (box_random(5)) {
	case 0:
		closefrom((int)box_random(FDS));
		break;
	case 1:
		(void)close_range(0, ~0u, 0);
		break;
	case 2: // sockets, which a stray pread or close would hurt
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0)
			for (unsigned n = box_random(8); n > 0; n--)
				dup2(pair[box_random(2)], (int)box_random(FDS));
		break;
	case 3:
		for (unsigned n = box_random(FDS); n > 0; n--)
			(void)open("/dev/null", O_RDWR);
		break;
	default:
		for (unsigned n = box_random(8); n > 0; n--)
			close((int)box_random(FDS));
	}
}

// Every other host is a young process, which reads; the rest have the image mapped.
static int games(unsigned turns, bool young)
{
	struct table before, after;

	alarm(HANG);
	if (!young && !looks(0, 10))
		return 2;
	for (unsigned i = 0; i < turns; i++) {
		if (!young && i % 16 == 15)
			publish(&people.source);
		play();
		table_read(&before);
		if (!looks(box_random(USERS), young ? 1 : 5))
			return 3;
		table_read(&after);
		if (!table_same(&before, &after))
			return 4;
	}
	return 0;
}

static void test_nss_host_plays_with_its_files(void **state)
{
	const unsigned hosts = box_rounds(200, 10000);

	(void)state;
	for (unsigned i = 0; i < hosts; i++) {
		pid_t child;

		(void)box_random(2); // another course in each child
		fflush(stdout);
		child = fork();
		if (child == 0)
			_exit(games(i % 2 ? 7 : 48, i % 2));
		assert_int_equal(child_says(child), 0);
	}
}

// A young process and an old one whose image was retired: none may say NOTFOUND.
static int without_files(bool young)
{
	enum nss_status s;
	struct rlimit limit = { 12, 12 };
	int err, last = -1, fd;

	if (!young && !looks(0, 10))
		return 2;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 3;
	publish(&people.source);
	while ((fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
		last = fd;
	for (uint32_t i = 0; i < 20; i++) {
		if (look(i, &s, &err) || s != NSS_STATUS_UNAVAIL || err != EMFILE)
			return 4;
	}
	close(last);
	return looks(0, 20) ? 0 : 5;
}

static void test_nss_host_has_no_file_left(void **state)
{
	(void)state;
	for (int young = 0; young < 2; young++) {
		pid_t child = fork();

		if (child == 0)
			_exit(without_files(young));
		assert_int_equal(child_says(child), 0);
	}
}

#ifndef SANITIZED
static size_t address_space(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	if (f) {
		if (fscanf(f, "%lu", &pages) != 1)
			pages = 0;
		fclose(f);
	}
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static bool mapped(void)
{
	char line[512];
	bool found = false;
	FILE *maps = fopen("/proc/self/maps", "re");

	while (maps && fgets(line, sizeof(line), maps))
		found |= strstr(line, box_image) != NULL;
	if (maps)
		fclose(maps);
	return found;
}

// room: for addresses beyond what the process has; the 256 MiB are in all.
static int with_addresses(size_t in_all, size_t room, bool maps)
{
	struct rlimit limit;

	limit.rlim_cur = limit.rlim_max = in_all ? in_all : address_space() + room;
	if (setrlimit(RLIMIT_AS, &limit) < 0)
		return 2;
	if (!looks(0, 10000))
		return 3;
	return mapped() == maps ? 0 : 4;
}

static void test_nss_host_has_few_addresses(void **state)
{
	struct people large;
	pid_t child;

	(void)state;
	people_make(&large, 100000, 2000);
	publish(&large.source);
	people_free(&large);
	child = fork();
	if (child == 0)
		_exit(with_addresses(256u << 20, 0, true));
	assert_int_equal(child_says(child), 0);
	for (size_t room = 0; room < 256u << 20; room = room ? room * 2 : 64u << 10) {
		child = fork(); // too little for the image, or for the range it goes to
		if (child == 0)
			_exit(with_addresses(0, room, room >= 128u << 20));
		assert_int_equal(child_says(child), 0);
	}
	publish(&people.source);
}
#endif

static void *look_and_say(void *arg)
{
	long start = 0, size = 1;
	gid_t *gids = malloc(sizeof(*gids));
	struct group gr;
	struct passwd pw;
	char buf[256];
	int err;

	(void)arg;
	if (!gids || !looks(0, 30) ||
	    _nss_scim_initgroups_dyn("u0000001", 1, &start, &size, &gids, 0, &err) !=
		    NSS_STATUS_SUCCESS ||
	    _nss_scim_getpwent_r(&pw, buf, sizeof(buf), &err) != NSS_STATUS_SUCCESS ||
	    _nss_scim_getgrent_r(&gr, buf, sizeof(buf), &err) != NSS_STATUS_SUCCESS) {
		free(gids);
		return NULL;
	}
	free(gids);
	return (void *)1;
}

// How much of a stack was written to: it was full of one byte.
static int small_stack(bool young)
{
	unsigned char *stack = mmap(NULL, SMALL_STACK, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	pthread_attr_t attr;
	pthread_t thread;
	void *said = NULL;
	size_t unused = 0;

	if (stack == MAP_FAILED || (!young && !looks(0, 10)))
		return 2;
	memset(stack, 0xa5, SMALL_STACK);
	pthread_attr_init(&attr);
	if (pthread_attr_setstack(&attr, stack, SMALL_STACK) != 0 ||
	    pthread_create(&thread, &attr, look_and_say, NULL) != 0)
		return 3;
	pthread_join(thread, &said);
	while (unused < SMALL_STACK && stack[unused] == 0xa5)
		unused++;
	printf("%s: %zu bytes of stack\n", young ? "reading" : "mapped", SMALL_STACK - unused);
	fflush(stdout);
	return !said ? 4 : SMALL_STACK - unused > STACK_LIMIT ? 5 : 0;
}

static void test_nss_host_has_small_stacks(void **state)
{
	(void)state;
	for (int young = 0; young < 2; young++) {
		pid_t child;

		fflush(stdout);
		child = fork();
		if (child == 0)
			_exit(small_stack(young));
		assert_int_equal(child_says(child), 0);
	}
}

static volatile sig_atomic_t signals;

static void on_signal(int sig)
{
	(void)sig;
	signals = signals + 1;
}

// A timer that fires all the time, without SA_RESTART.
static int stormed(bool young)
{
	struct itimerval often = { { 0, 50 }, { 0, 50 } };
	struct sigaction act = { .sa_handler = on_signal };
	unsigned rounds = 0;

	sigaction(SIGALRM, &act, NULL);
	if (!young && !looks(0, 10))
		return 2;
	setitimer(ITIMER_REAL, &often, NULL);
	while (signals < (young ? 1 : 200) && rounds < 10000000)
		if (!looks(rounds++ % USERS, 1))
			return 3;
	return signals ? 0 : 4;
}

static void test_nss_host_gets_signals_all_the_time(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		pid_t child = fork();

		if (child == 0)
			_exit(stormed(i % 10));
		assert_int_equal(child_says(child), 0);
	}
}

static int setup(void **state)
{
	(void)state;
	people_make(&people, USERS, GROUPS);
	publish(&people.source);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		// Those with young processes come first: this one must be young too.
		cmocka_unit_test(test_nss_host_plays_with_its_files),
		cmocka_unit_test(test_nss_host_has_no_file_left),
		cmocka_unit_test(test_nss_host_has_small_stacks),
		cmocka_unit_test(test_nss_host_gets_signals_all_the_time),
#ifndef SANITIZED
		cmocka_unit_test(test_nss_host_has_few_addresses),
#endif
		cmocka_unit_test(test_nss_host_files_after_a_million_lookups),
	};
	int failed;

	box_seed();
	box_make();
	nss_image_path = box_image;
	failed = cmocka_run_group_tests_name("nss_host", tests, setup, NULL);
	people_free(&people);
	box_remove();
	return failed;
}
