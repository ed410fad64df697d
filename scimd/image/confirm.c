// SPDX-License-Identifier: MIT
//
// The words of a published image that change in place: `confirmed` after every
// good sync, and `retired` when a newer file has the name. Also what is left to
// do after a crash.

#include "scimd/base/clock.h"
#include "scimd/base/fail.h"
#include "scimd/base/file.h"
#include "scimd/image/file.h"
#include "scimd/image/read.h"
#include "scimd/image/write.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK_MAX (64 << 10) // no file system's blocks are larger
#define BOOT_ID "/proc/sys/kernel/random/boot_id"

static int path_of(char out[IMAGE_PATH_MAX], const char *dir, const char *suffix, struct fail *f)
{
	int n = snprintf(out, IMAGE_PATH_MAX, "%s/accounts.image%s", dir, suffix);

	return n > 0 && n < IMAGE_PATH_MAX ? 0 : fail(f, ENAMETOOLONG, "\"%s\" is too long", dir);
}

int image_paths_of(struct image_paths *p, const char *dir, struct fail *f)
{
	int r = path_of(p->image, dir, "", f);

	if (r == 0)
		r = path_of(p->tmp, dir, ".tmp", f);
	if (r == 0)
		r = path_of(p->old, dir, ".old", f);
	if (r == 0)
		r = path_of(p->spare, dir, ".spare", f);
	return r;
}

static int write_at(int fd, size_t at, const void *data, size_t len)
{
	ssize_t n;

	do
		n = pwrite(fd, data, len, (off_t)at);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : (size_t)n == len ? 0 : -EIO;
}

// Sixteen bytes from the hexadecimal digits of the kernel's text; zeros where
// there is none: then only the wall clock counts.
static void read_boot_id(uint8_t id[16])
{
	char text[64];
	int fd = open(BOOT_ID, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));
	unsigned digits = 0;

	memset(id, 0, 16);
	if (fd >= 0)
		close(fd);
	for (ssize_t i = 0; i < n && digits < 32; i++) {
		const char *hex = "0123456789abcdef", *at = strchr(hex, text[i]);

		if (!at || !text[i])
			continue;
		id[digits / 2] = (uint8_t)(id[digits / 2] << 4 | (at - hex));
		digits++;
	}
	if (digits != 32)
		memset(id, 0, 16);
}

void image_confirmed_for(struct image_confirmed *out, int64_t wall)
{
	memset(out, 0, sizeof(*out));
	if (wall == 0)
		return;
	int64_t ago = clock_wall() - wall, boot = clock_boot();

	if (ago < 0)
		ago = 0;
	out->wall = wall;
	if (ago <= boot) { // else it was before this boot: boot_id stays 0
		out->boot = boot - ago;
		read_boot_id(out->boot_id);
	}
}

// seq odd, the block, seq even: a reader that sees the same even number twice
// saw no part of a change.
static int write_confirmed(int fd, uint32_t seq, const struct image_confirmed *new)
{
	const size_t at = offsetof(struct image_header, confirmed);
	const size_t body = offsetof(struct image_confirmed, pad);
	uint32_t odd = seq | 1, even = odd + 1;
	int r = write_at(fd, at, &odd, sizeof(odd));

	if (r == 0)
		r = write_at(fd, at + body, (const char *)new + body, sizeof(*new) - body);
	if (r == 0)
		r = write_at(fd, at, &even, sizeof(even));
	return r;
}

static int confirm_path(const char *path, int64_t wall, bool only_torn, struct fail *f)
{
	struct image_confirmed new;
	struct image im;
	int fd, r = image_open(&im, path, IMAGE_BY_PREAD);
	ssize_t n;

	if (r < 0)
		return fail(f, -r, "%s: %s", path, fail_word(r));
	image_close(&im);
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return fail(f, errno, "%s: %m", path);
	n = pread(fd, &im.head, sizeof(im.head), 0);
	if (n != (ssize_t)sizeof(im.head)) {
		r = fail(f, EIO, "%s: the header cannot be read", path);
	} else if (!only_torn || im.head.confirmed.seq % 2) {
		image_confirmed_for(&new, wall);
		r = write_confirmed(fd, im.head.confirmed.seq, &new);
		if (r < 0)
			r = fail(f, -r, "%s: %s", path, fail_word(r));
	}
	close(fd);
	return r;
}

int image_confirm(const char *dir, int64_t wall, struct fail *f)
{
	struct image_paths p;
	int r = image_paths_of(&p, dir, f);

	return r < 0 ? r : confirm_path(p.image, wall, false, f);
}

// A file system that punches no holes keeps the body until the last map goes. The
// hole goes beyond the end: half a block would be zeroed, and kept.
int image_retire(const char *path, struct fail *f)
{
	const uint32_t retired = 1;
	struct stat st;
	int r, fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return errno == ENOENT ? 0 : fail(f, errno, "%s: %m", path);
	r = fstat(fd, &st) < 0 ? -errno : 0;
	if (r == 0 && S_ISREG(st.st_mode) && st.st_size >= IMAGE_HEADER_LEN) {
		r = write_at(fd, offsetof(struct image_header, retired), &retired, sizeof(retired));
		if (r == 0 && st.st_size > IMAGE_HEADER_LEN)
			(void)fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
					IMAGE_HEADER_LEN,
					st.st_size - IMAGE_HEADER_LEN + BLOCK_MAX);
	}
	close(fd);
	return r < 0 ? fail(f, -r, "%s: %s", path, fail_word(r)) : 0;
}

int image_finish_old(const struct image_paths *p, struct fail *f)
{
	struct stat old, now;
	int r = 0;

	if (lstat(p->old, &old) < 0)
		return errno == ENOENT ? 0 : fail(f, errno, "%s: %m", p->old);
	// The crash came before the rename: both names are the true file's.
	bool same =
		lstat(p->image, &now) == 0 && now.st_dev == old.st_dev && now.st_ino == old.st_ino;

	if (!same)
		r = image_retire(p->old, f);
	if (r == 0 && unlink(p->old) < 0)
		r = fail(f, errno, "%s: %m", p->old);
	return r;
}

int image_keep_room(const struct image_paths *p, struct fail *f)
{
	if (link(p->tmp, p->spare) < 0 && errno != EEXIST && errno != ENOENT)
		return fail(f, errno, "%s: %m", p->spare);
	if (unlink(p->tmp) < 0 && errno != ENOENT)
		return fail(f, errno, "%s: %m", p->tmp);
	return 0;
}

int image_recover(const char *dir, struct fail *f)
{
	struct image_paths p;
	int r = image_paths_of(&p, dir, f);

	if (r == 0)
		r = image_finish_old(&p, f);
	if (r == 0)
		r = image_keep_room(&p, f);
	if (r < 0)
		return r;
	// A torn time counts as none: the next good sync writes another.
	r = confirm_path(p.image, 0, true, NULL);
	if (r == -EIO)
		return fail(f, EIO, "%s: cannot be read or written", p.image);
	r = file_sync_dir(p.image);
	return r < 0 ? fail(f, -r, "%s: %s", dir, fail_word(r)) : 0;
}
