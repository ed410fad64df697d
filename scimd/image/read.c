// SPDX-License-Identifier: MIT
//
// Opening accounts.image and the words of its header: owner and mode, size and
// checksum, `retired`, `confirmed`. The pread way costs open, fstat, one fstatat
// of the folder (only where the file is not root's), and a pread for each part.

#include "scimd/image/read.h"
#include "scimd/image/record.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYSTEM_UIDS 1000u   // owners below are system users
#define OVERFLOW_UID 65534u // what a user namespace shows for a uid it does not map
#define CONFIRMED_TRIES 100

int image_pread(const struct image *im, uint64_t at, void *dst, size_t len)
{
	unsigned char *p = dst;

	while (len > 0) {
		ssize_t n = pread(im->fd, p, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) // -ENOENT is an answer about accounts, and ours alone
			return errno == ENOENT ? -EIO : -errno;
		if (n == 0)
			return -EBADMSG; // shorter than when it was opened
		p += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static int open_again(const char *path)
{
	int fd;

	do
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

// A program that was started without standard streams must not find ours there.
static int move_up(int fd)
{
	int up = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	int r = up < 0 ? -errno : up;

	close(fd);
	return r;
}

// The initial user namespace maps everything: "0 0 4294967295". One that was just
// made maps nobody yet: its map is empty.
static bool in_user_namespace(void)
{
	static const char all[] = "0 0 4294967295";
	char text[64];
	size_t n = 0;
	ssize_t got;
	int fd = open_again("/proc/self/uid_map");

	if (fd >= 0 && fd <= STDERR_FILENO)
		fd = move_up(fd);
	if (fd < 0)
		return false;
	got = read(fd, text, sizeof(text));
	close(fd);
	for (ssize_t i = 0; i < got; i++) { // squeeze the blanks
		if (text[i] == '\n')
			break;
		if (text[i] != ' ' || (n > 0 && text[n - 1] != ' '))
			text[n++] = text[i];
	}
	return got >= 0 && (n != sizeof(all) - 1 || memcmp(text, all, n) != 0);
}

static int check_owner(const char *path, uid_t owner)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;
	char folder[PATH_MAX];
	struct stat st;

	if (owner == 0)
		return 0;
	if (owner >= SYSTEM_UIDS && owner != OVERFLOW_UID)
		return -EPERM;
	if (len >= sizeof(folder))
		return -ENAMETOOLONG;
	memcpy(folder, path, len);
	folder[len] = '\0';
	if (fstatat(AT_FDCWD, len ? folder : slash ? "/" : ".", &st, 0) < 0)
		return -errno;
	if (st.st_uid != owner)
		return -EPERM;
	return owner != OVERFLOW_UID || in_user_namespace() ? 0 : -EPERM;
}

static bool section_fits(const struct image_section *s, uint64_t size, uint64_t unit)
{
	return s->offset >= IMAGE_HEADER_LEN && s->offset % unit == 0 && s->length % unit == 0 &&
	       s->offset <= size && s->length <= size - s->offset;
}

static int check_header(const struct image_header *h, uint64_t size)
{
	if (memcmp(h->magic, IMAGE_MAGIC, sizeof(h->magic)) != 0)
		return -EBADMSG;
	if (h->version != IMAGE_VERSION)
		return -ESTALE;
	if (h->header_len != IMAGE_HEADER_LEN || h->size != size || h->seed == 0 ||
	    h->check != image_check(h->seed, h, offsetof(struct image_header, check)))
		return -EBADMSG;
	for (unsigned i = 0; i < IMAGE_INDEXES; i++)
		if (!section_fits(&h->index[i], size, sizeof(struct image_line)) ||
		    h->index[i].length == 0)
			return -EBADMSG;
	if (!section_fits(&h->users, size, 8) || !section_fits(&h->groups, size, 8))
		return -EBADMSG;
	return 0;
}

static int check_file(const char *path, int fd, uint64_t *size_out)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || (st.st_mode & (S_IWGRP | S_IWOTH)))
		return -EPERM;
	if (st.st_size < IMAGE_HEADER_LEN || (uint64_t)st.st_size > IMAGE_MAX ||
	    (uint64_t)st.st_size > SIZE_MAX)
		return -EBADMSG;
	*size_out = (uint64_t)st.st_size;
	return check_owner(path, st.st_uid);
}

int image_open(struct image *im, const char *path, enum image_way way)
{
	void *map;
	int r;

	memset(im, 0, sizeof(*im));
	im->fd = open_again(path);
	if (im->fd >= 0 && im->fd <= STDERR_FILENO)
		im->fd = move_up(im->fd);
	if (im->fd < 0) {
		r = im->fd;
		im->fd = -1;
		return r;
	}
	r = check_file(path, im->fd, &im->size);
	if (r < 0)
		goto out;
	if (way == IMAGE_BY_MAP) {
		map = mmap(NULL, (size_t)im->size, PROT_READ, MAP_SHARED, im->fd, 0);
		if (map == MAP_FAILED) {
			r = -errno;
			goto out;
		}
		im->base = map;
		close(im->fd);
		im->fd = -1;
	}
	r = image_copy(im, 0, &im->head, sizeof(im->head));
	if (r == 0)
		r = check_header(&im->head, im->size);
out:
	if (r < 0)
		image_close(im);
	return r;
}

void image_close(struct image *im)
{
	int keep = errno;

	if (im->base)
		munmap((void *)(uintptr_t)im->base, (size_t)im->size);
	if (im->fd >= 0)
		close(im->fd);
	im->base = NULL;
	im->fd = -1;
	errno = keep;
}

bool image_retired_by_pread(const struct image *im)
{
	uint32_t word;

	return image_pread(im, offsetof(struct image_header, retired), &word, sizeof(word)) < 0 ||
	       word != 0;
}

int image_confirmed_at(const struct image *im, struct image_confirmed *out)
{
	const size_t at = offsetof(struct image_header, confirmed);
	struct image_confirmed a, b;
	int r;

	// Equal copies with an even number: the writer changes the number first
	// and last, so whatever it did lies before the first or after the second.
	for (int i = 0; i < CONFIRMED_TRIES; i++) {
		r = image_copy(im, at, &a, sizeof(a));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (r == 0)
			r = image_copy(im, at, &b, sizeof(b));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (r < 0)
			return r;
		if (a.seq % 2 == 0 && memcmp(&a, &b, sizeof(a)) == 0) {
			*out = a;
			return 0;
		}
	}
	return -EAGAIN;
}
