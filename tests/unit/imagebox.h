// SPDX-License-Identifier: MIT
//
// A folder for tests that publish images. The reader takes only files of root or
// of a system user, so an ordinary user's tests run as root of a user namespace
// of their own; where that is forbidden they are skipped.
#ifndef TESTS_IMAGEBOX_H
#define TESTS_IMAGEBOX_H

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define IMAGEBOX_SKIP 77

static char box_dir[256];
static char box_image[300];
static bool box_real_root;

static inline unsigned open_files(void)
{
	unsigned n = 0;
	DIR *d = opendir("/proc/self/fd");

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

static inline bool box_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return good;
}

static inline bool box_become_root(void)
{
	char map[64];
	uid_t uid = geteuid();

	box_real_root = uid == 0;
	if (uid == 0)
		return true;
	snprintf(map, sizeof(map), "0 %u 1", uid);
	return unshare(CLONE_NEWUSER) == 0 && box_write("/proc/self/setgroups", "deny") &&
	       box_write("/proc/self/uid_map", map);
}

static inline void box_make(void)
{
	const char *tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

	if (!box_become_root())
		exit(IMAGEBOX_SKIP);
	snprintf(box_dir, sizeof(box_dir), "%s/scimd-image-XXXXXX", tmp);
	if (!mkdtemp(box_dir))
		exit(IMAGEBOX_SKIP);
	snprintf(box_image, sizeof(box_image), "%s/accounts.image", box_dir);
}

static inline void box_empty(void)
{
	DIR *d = opendir(box_dir);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
}

static inline void box_remove(void)
{
	box_empty();
	rmdir(box_dir);
}

static inline const char *box_path(char out[300], const char *name)
{
	snprintf(out, 300, "%s/%s", box_dir, name);
	return out;
}

// How often: less in the short ring than in the nightly one.
static inline unsigned box_rounds(unsigned brief, unsigned nightly)
{
	const char *which = getenv("NIGHTLY");

	return which && strcmp(which, "yes") == 0 ? nightly : brief;
}

// Random numbers for tests: the seed is printed, and taken from TEST_SEED.
static unsigned long long box_random_state;

static inline void box_seed(void)
{
	const char *given = getenv("TEST_SEED");

	box_random_state =
		given ? strtoull(given, NULL, 0) : (unsigned long long)time(NULL) * 2654435761u + 1;
	printf("TEST_SEED=%llu\n", box_random_state);
	if (box_random_state == 0)
		box_random_state = 1;
}

static inline unsigned box_random(unsigned below)
{
	box_random_state ^= box_random_state << 13;
	box_random_state ^= box_random_state >> 7;
	box_random_state ^= box_random_state << 17;
	return (unsigned)(box_random_state >> 20) % below;
}

#endif
