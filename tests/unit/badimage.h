// SPDX-License-Identifier: MIT
//
// Files in the place of an image that nobody should have written, and what the
// entry points make of them: the right record or UNAVAIL.
#ifndef TESTS_BADIMAGE_H
#define TESTS_BADIMAGE_H

#include "nss/entry.h"
#include "scimd/base/fail.h"
#include "scimd/image/write.h"
#include "tests/bench/people.h"
#include "tests/unit/imagebox.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define USERS 24u
#define GROUPS 7u

static struct people people;
static unsigned char *sound, *bytes;
static size_t size;
static int current = -1; // the file that has the name

// As a publish does it: the new file gets the name, then the old one is retired.
static inline void put(const unsigned char *data, size_t len)
{
	const uint32_t retired = 1;
	char path[300];
	int fd = open(box_path(path, "next"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), (ssize_t)len);
	assert_int_equal(rename(path, box_image), 0);
	if (current >= 0) {
		// One that was cut short before the word needs none: nobody could map it.
		assert_int_equal(pwrite(current, &retired, sizeof(retired),
					offsetof(struct image_header, retired)),
				 sizeof(retired));
		close(current);
	}
	current = fd;
}

static unsigned long answers, refusals;

static inline void count(enum nss_status s, int err, bool right)
{
	if (s == NSS_STATUS_SUCCESS) {
		assert_true(right);
		answers++;
		return;
	}
	assert_int_equal(s, NSS_STATUS_UNAVAIL);
	assert_true(err != 0 && err != ENOENT && err != ERANGE);
	refusals++;
}

static inline void ask_user(uint32_t i, bool by_name)
{
	const struct image_user_source *u = &people.source.users[i];
	struct passwd pw = { 0 };
	char buf[1024];
	int err = 0;
	enum nss_status s = by_name ? _nss_scim_getpwnam_r(u->name, &pw, buf, sizeof(buf), &err)
				    : _nss_scim_getpwuid_r(u->uid, &pw, buf, sizeof(buf), &err);

	count(s, err,
	      s == NSS_STATUS_SUCCESS && pw.pw_uid == u->uid && pw.pw_gid == u->gid &&
		      strcmp(pw.pw_name, u->name) == 0 && strcmp(pw.pw_passwd, u->passwd) == 0 &&
		      strcmp(pw.pw_gecos, u->gecos) == 0 && strcmp(pw.pw_dir, u->home) == 0 &&
		      strcmp(pw.pw_shell, u->shell) == 0);
}

static inline int setup(void **state)
{
	struct image_published out;
	struct fail f = { "" };
	struct stat st;

	(void)state;
	people_make(&people, USERS, GROUPS);
	if (image_publish(box_dir, &people.source, 0, &out, &f) < 0 || stat(box_image, &st) < 0)
		return -1;
	size = (size_t)st.st_size;
	sound = malloc(size);
	bytes = malloc(size);
	current = open(box_image, O_RDWR | O_CLOEXEC);
	return sound && bytes && pread(current, sound, size, 0) == (ssize_t)size ? 0 : -1;
}

#endif
