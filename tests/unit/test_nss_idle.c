// SPDX-License-Identifier: MIT
//
// Hundreds of processes that looked somebody up long ago, each in another image,
// and idle since: what their maps keep on the disk is a page each, not an image
// each. Measured on a file system of its own, by what is used of it.

#include "nss/entry.h"
#include "nss/source.h"
#include "scimd/base/fail.h"
#include "scimd/image/write.h"
#include "tests/bench/people.h"
#include "tests/unit/imagebox.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include <cmocka.h>

#define PROCESSES_MAX 500u
#define GROUPS 50u
#define TIMES 3u // an image: what they may keep in all

static struct people people;
static unsigned processes; // 500 in the nightly ring
static pid_t idle[PROCESSES_MAX];

static void publish(void)
{
	struct image_published out;
	struct fail f = { "" };

	if (image_publish(box_dir, &people.source, 0, &out, &f) < 0)
		fail_msg("%s", f.text);
}

static uint64_t used(void)
{
	struct statvfs st;

	assert_int_equal(statvfs(box_dir, &st), 0);
	return (uint64_t)(st.f_blocks - st.f_bfree) * st.f_frsize;
}

// Looks so often that it has the image mapped, says so, and idles.
static void be_idle(int ready)
{
	struct passwd pw;
	char buf[256], said = 'n';
	int err;

	for (uint32_t i = 0; i < 20; i++)
		if (_nss_scim_getpwuid_r(people_uid(i), &pw, buf, sizeof(buf), &err) !=
		    NSS_STATUS_SUCCESS)
			_exit(1);
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];

	while (maps && fgets(line, sizeof(line), maps))
		if (strstr(line, box_image))
			said = 'y';
	if (maps)
		fclose(maps);
	if (write(ready, &said, 1) == 1)
		for (;;)
			pause();
	_exit(1);
}

static void start_all(void)
{
	int ready[2];
	char said;

	assert_int_equal(pipe(ready), 0);
	for (unsigned i = 0; i < processes; i++) {
		publish();
		idle[i] = fork();
		assert_true(idle[i] >= 0);
		if (idle[i] == 0)
			be_idle(ready[1]);
		assert_int_equal(read(ready[0], &said, 1), 1);
		assert_int_equal(said, 'y');
	}
	publish(); // even the last one has an old image
	close(ready[0]);
	close(ready[1]);
}

static void end_all(void)
{
	for (unsigned i = 0; i < processes; i++)
		if (idle[i] > 0) {
			kill(idle[i], SIGKILL);
			waitpid(idle[i], NULL, 0);
		}
}

static void test_nss_idle_processes_keep_a_page_each(void **state)
{
	uint64_t with, without;
	struct stat st;

	(void)state;
	start_all();
	with = used();
	end_all();
	without = used();
	assert_int_equal(stat(box_image, &st), 0);
	printf("%u idle processes keep %llu bytes; an image has %lld\n", processes,
	       (unsigned long long)(with - without), (long long)st.st_size);
	assert_true(with > without); // they did have them
	assert_true(with - without <= TIMES * (uint64_t)st.st_size);
	// And nothing of all that remains: the image and the spare of the next one.
	assert_true(without <= TIMES * (uint64_t)st.st_size);
}

static int setup(void **state)
{
	(void)state;
	processes = box_rounds(100, PROCESSES_MAX);
	people_make(&people, box_rounds(1000, 5000), GROUPS);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nss_idle_processes_keep_a_page_each),
	};
	int failed;

	box_make();
	nss_image_path = box_image;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", box_dir, "tmpfs", 0, "mode=755") < 0) {
		rmdir(box_dir);
		return IMAGEBOX_SKIP;
	}
	failed = cmocka_run_group_tests_name("nss_idle", tests, setup, NULL);
	people_free(&people);
	box_empty();
	(void)umount2(box_dir, MNT_DETACH);
	rmdir(box_dir);
	return failed;
}
