// SPDX-License-Identifier: MIT
//
// Small files, read whole and replaced whole; see file.h.
#include "scimd/base/file.h"
#include "scimd/base/buf.h"
#include "scimd/base/fail.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int file_write(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int file_read(const char *path, size_t max, struct buf *out, struct fail *f)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char block[16384];
	size_t total = 0;
	int r = 0;

	if (fd < 0)
		return fail(f, errno, "%s: %s", path, strerror(errno));
	for (;;) {
		ssize_t n = read(fd, block, sizeof(block));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			r = fail(f, errno, "%s: %s", path, strerror(errno));
			break;
		}
		if (n == 0)
			break;
		total += (size_t)n;
		if (total > max) {
			r = fail(f, EFBIG, "%s: longer than %zu bytes", path, max);
			break;
		}
		r = buf_add(out, block, (size_t)n);
		if (r < 0)
			break;
	}
	if (out->secret)
		explicit_bzero(block, sizeof(block));
	(void)close(fd);
	return r;
}

int file_sync_dir(const char *path)
{
	char dir[PATH_MAX];
	char *slash;
	int fd, r = 0;

	if (strlen(path) >= sizeof(dir))
		return -ENAMETOOLONG;
	memcpy(dir, path, strlen(path) + 1);
	slash = strrchr(dir, '/');
	if (!slash)
		memcpy(dir, ".", 2);
	else if (slash == dir)
		dir[1] = '\0';
	else
		*slash = '\0';
	fd = open(dir, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
	if (fd < 0)
		return -errno;
	if (fsync(fd) < 0)
		r = -errno;
	(void)close(fd);
	return r;
}

int file_replace(const char *path, const void *data, size_t len, mode_t mode, struct fail *f)
{
	char tmp[PATH_MAX];
	int fd, r;

	if (snprintf(tmp, sizeof(tmp), "%s.tmp", path) >= (int)sizeof(tmp))
		return fail(f, ENAMETOOLONG, "%s: name too long", path);
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fail(f, errno, "%s: %s", tmp, strerror(errno));
	r = fchmod(fd, mode) < 0 ? -errno : file_write(fd, data, len);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r == 0 && rename(tmp, path) < 0)
		r = -errno;
	if (r < 0) {
		(void)unlink(tmp);
		return fail(f, -r, "%s: %s", path, strerror(-r));
	}
	r = file_sync_dir(path);
	return r < 0 ? fail(f, -r, "%s: cannot sync its folder: %s", path, strerror(-r)) : 0;
}
