// SPDX-License-Identifier: MIT
//
// Room for one more commit: DIR/reserve is a file of written bytes that is given
// up when a commit finds the disk full, so that the disables in it still count.
// It grows with the store and is made again when there is room.
#include "scimd/base/file.h"
#include "scimd/store/internal.h"
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define RESERVE_MIN ((uint64_t)1 << 20)
#define RESERVE_MAX ((uint64_t)16 << 20) // some 4,000 pages: two for each of 1,000 people, and more
#define RESERVE_BLOCK 65536u

// A commit that touches everything writes every page once more. In powers of two,
// so that a store that grows by a page does not make the file grow by one.
static uint64_t reserve_wanted(struct store *s)
{
	uint64_t size = RESERVE_MIN;
	MDB_envinfo info;
	MDB_stat st;
	int rc;

	(void)pthread_rwlock_rdlock(&s->growing);
	rc = s->env ? mdb_env_info(s->env, &info) : MDB_PANIC;
	if (rc == 0)
		rc = mdb_env_stat(s->env, &st);
	(void)pthread_rwlock_unlock(&s->growing);
	while (rc == 0 && size < RESERVE_MAX &&
	       size < (uint64_t)(info.me_last_pgno + 1) * st.ms_psize * 2)
		size *= 2;
	return size;
}

// Written, for not every file system keeps its word about what was only allocated.
static int reserve_write(int fd, uint64_t have, uint64_t size)
{
	unsigned char block[RESERVE_BLOCK];
	struct statvfs fs;
	int r = 0;

	// It is not worth the last bytes of anybody else.
	if (fstatvfs(fd, &fs) < 0)
		return -errno;
	if ((uint64_t)fs.f_bavail * fs.f_frsize < size - have)
		return -ENOSPC;
	memset(block, 0x5c, sizeof(block));
	if (lseek(fd, (off_t)have, SEEK_SET) < 0)
		return -errno;
	for (uint64_t at = have; at < size && r == 0; at += RESERVE_BLOCK)
		r = file_write(fd, block,
			       size - at < RESERVE_BLOCK ? (size_t)(size - at) : RESERVE_BLOCK);
	if (r < 0 && ftruncate(fd, (off_t)have) < 0)
		return -errno;
	return r;
}

bool store_reserve(struct store *s)
{
	uint64_t size = reserve_wanted(s), have;
	struct stat st;
	int fd, r;

	fd = open(s->reserve, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd < 0)
		return false;
	r = fstat(fd, &st) < 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -EINVAL;
	have = r == 0 ? (uint64_t)st.st_size : 0;
	if (r == 0 && have < size)
		r = reserve_write(fd, have, size);
	if (close(fd) < 0 && r == 0)
		r = -errno;
	return r == 0;
}

bool store_no_room(const struct store *s, int r)
{
	struct statvfs fs;

	if (r == -ENOSPC || r == -EDQUOT)
		return true;
	// What LMDB calls a write that the disk took only the first part of.
	return r == -EIO && statvfs(s->dir, &fs) == 0 &&
	       (uint64_t)fs.f_bavail * fs.f_frsize < RESERVE_MIN;
}

bool store_reserve_release(struct store *s)
{
	struct stat st;

	return lstat(s->reserve, &st) == 0 && st.st_size > 0 && unlink(s->reserve) == 0;
}
