// SPDX-License-Identifier: MIT
//
// Publishing an image: write it beside the old one, fsync, read it back through
// the reader, rename, and only then retire the old one. Up to the rename every
// failure leaves the old image as it was; after it nothing can fail that matters.

#include "scimd/base/fail.h"
#include "scimd/base/file.h"
#include "scimd/image/build.h"
#include "scimd/image/file.h"
#include "scimd/image/read.h"
#include "scimd/image/write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FINAL_MODE 0644

// What the new image takes over from the one it replaces.
static void read_last(const struct image_paths *p, int64_t confirmed_wall, uint64_t *generation_out,
		      struct image_confirmed *confirmed_out)
{
	struct image_confirmed last;
	struct image im;

	*generation_out = 1;
	image_confirmed_for(confirmed_out, confirmed_wall);
	if (image_open(&im, p->image, IMAGE_BY_PREAD) < 0)
		return;
	*generation_out = im.head.generation + 1;
	if (image_confirmed_at(&im, &last) == 0 &&
	    (confirmed_wall == 0 || last.wall == confirmed_wall))
		*confirmed_out = last; // with its boot clock, which proves the age
	image_close(&im);
}

// The spare becomes the temporary file where there is one. *spare_out: it did.
static int open_tmp(const struct image_paths *p, bool *spare_out, struct fail *f)
{
	struct stat st;
	int fd, r = image_keep_room(p, f);

	if (r < 0)
		return r;
	*spare_out = rename(p->spare, p->tmp) == 0;
	if (*spare_out) {
		fd = open(p->tmp, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1 &&
		    st.st_uid == geteuid())
			return fd;
		if (fd >= 0)
			close(fd);
		*spare_out = false;
		unlink(p->tmp);
	}
	fd = open(p->tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? fail(f, errno, "%s: %m", p->tmp) : fd;
}

// Writing reserves the room; only then is what the spare had too much cut off.
static int fill_tmp(const char *path, int fd, const struct image_built *built, struct fail *f)
{
	int r = file_write(fd, built->data, built->size);

	if (r == 0 && ftruncate(fd, (off_t)built->size) < 0)
		r = -errno;
	if (r == 0 && fchmod(fd, FINAL_MODE) < 0)
		r = -errno;
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	return r < 0 ? fail(f, -r, "%s: %s", path, fail_word(r)) : 0;
}

static int read_back(const char *path, struct fail *f)
{
	struct image im;
	int r = image_open(&im, path, IMAGE_BY_MAP);

	if (r < 0)
		return fail(f, -r, "%s: cannot be read back: %s", path, fail_word(r));
	r = image_verify(&im);
	image_close(&im);
	return r < 0 ? fail(f, -r, "%s: reads back damaged", path) : 0;
}

static int write_tmp(const struct image_paths *p, const struct image_built *built, struct fail *f)
{
	bool from_spare;
	int r, fd = open_tmp(p, &from_spare, f);

	if (fd < 0)
		return fd;
	r = fill_tmp(p->tmp, fd, built, f);
	close(fd);
	if (r == 0)
		r = read_back(p->tmp, f);
	// The room stays reserved for a smaller image, or for the next attempt.
	if (r < 0 && (!from_spare || rename(p->tmp, p->spare) < 0))
		unlink(p->tmp);
	return r;
}

// The directory would not be synced: the old one gets its name back, and who
// mapped the new one meanwhile is told to look again.
static void swap_back(const struct image_paths *p)
{
	if (link(p->image, p->tmp) < 0)
		return;
	if (rename(p->old, p->image) == 0)
		(void)image_retire(p->tmp, NULL);
	unlink(p->tmp);
}

static int swap(const struct image_paths *p, struct fail *f)
{
	int r;

	if (link(p->image, p->old) < 0 && errno != ENOENT) {
		r = fail(f, errno, "%s: %m", p->old);
		goto out;
	}
	if (rename(p->tmp, p->image) < 0) {
		r = fail(f, errno, "%s: %m", p->image);
		goto out;
	}
	r = file_sync_dir(p->image);
	if (r < 0) {
		swap_back(p);
		return fail(f, -r, "%s: the directory cannot be synced: %s", p->image,
			    fail_word(r));
	}
	return 0;
out:
	unlink(p->old);
	unlink(p->tmp);
	return r;
}

static bool make_spare(const struct image_paths *p, uint64_t size)
{
	int fd = open(p->spare, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), r;
	const off_t want = (off_t)(size + size / 4);
	struct stat st = { 0 };

	if (fd < 0)
		return false;
	r = fstat(fd, &st) < 0 ? errno : 0;
	if (r == 0 && st.st_size < want)
		r = posix_fallocate(fd, 0, want);
	// A smaller one that stood there already is better than none.
	if (r != 0 && (st.st_size == 0 || ftruncate(fd, st.st_size) < 0))
		unlink(p->spare);
	close(fd);
	return r == 0;
}

bool image_keep_spare(const char *dir)
{
	struct image_paths p;
	struct stat st;

	if (image_paths_of(&p, dir, NULL) < 0)
		return false;
	return stat(p.image, &st) < 0 ? errno == ENOENT : make_spare(&p, (uint64_t)st.st_size);
}

int image_publish(const char *dir, const struct image_source *src, int64_t confirmed_wall,
		  struct image_published *out, struct fail *f)
{
	struct image_built built = { 0 };
	struct image_confirmed confirmed;
	struct image_paths p;
	uint64_t generation;
	int r = image_paths_of(&p, dir, f);

	if (r == 0)
		r = image_finish_old(&p, f);
	if (r < 0)
		return r;
	read_last(&p, confirmed_wall, &generation, &confirmed);
	r = image_build(src, generation, &confirmed, &built, f);
	if (r < 0)
		return r;
	r = write_tmp(&p, &built, f);
	free(built.data);
	if (r == 0)
		r = swap(&p, f);
	if (r < 0)
		return r;
	// Left undone it is done by the next publish or at the next start.
	(void)image_finish_old(&p, NULL);
	out->generation = generation;
	out->size = built.size;
	out->spare = make_spare(&p, built.size);
	return 0;
}
