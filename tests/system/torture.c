// SPDX-License-Identifier: MIT
//
// Preloaded into a daemon, makes one of its calls fail: allocation number
// TORTURE_ALLOC gives NULL, write number TORTURE_WRITE writes only half of what it
// was asked to (a real short write, the half is there). TORTURE_COUNT names a file
// that is told at the end how many of each there were. While the file that TORTURE_META
// names is there, no meta page of an LMDB store can be written. The daemons have a malloc of
// their own (scimd/base/memory.c): what fails here is the heap beneath it, whoever
// asked, the program or one of its libraries.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long allocs, writes;
static long fail_alloc, cut_write;
static void *(*real_malloc)(size_t size);
static void *(*real_calloc)(size_t n, size_t size);
static void *(*real_realloc)(void *p, size_t size);
static void *(*real_memalign)(size_t align, size_t size);

// Before the first of them, whoever is first.
static void torture_find(void)
{
	if (real_memalign)
		return;
	*(void **)&real_malloc = dlsym(RTLD_NEXT, "__libc_malloc");
	*(void **)&real_calloc = dlsym(RTLD_NEXT, "__libc_calloc");
	*(void **)&real_realloc = dlsym(RTLD_NEXT, "__libc_realloc");
	*(void **)&real_memalign = dlsym(RTLD_NEXT, "__libc_memalign");
	if (!real_malloc || !real_calloc || !real_realloc || !real_memalign)
		_exit(98);
}

__attribute__((constructor)) static void torture_start(void)
{
	const char *a = getenv("TORTURE_ALLOC"), *w = getenv("TORTURE_WRITE");

	torture_find();
	fail_alloc = a ? atol(a) : 0;
	cut_write = w ? atol(w) : 0;
	// What the loader and the constructors did is not the program's.
	allocs = writes = 0;
}

__attribute__((destructor)) static void torture_end(void)
{
	const char *path = getenv("TORTURE_COUNT");
	char text[64];
	int fd, n;

	if (!path)
		return;
	n = snprintf(text, sizeof(text), "%ld %ld\n", (long)allocs, (long)writes);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || syscall(SYS_write, fd, text, n) != n)
		_exit(99);
	close(fd);
}

// For a debugger to stop at.
__attribute__((noinline)) void torture_hit(void)
{
	__asm__ volatile("");
}

static int torture_alloc(void)
{
	torture_find();
	if (atomic_fetch_add(&allocs, 1) + 1 != fail_alloc)
		return 0;
	torture_hit();
	errno = ENOMEM;
	return 1;
}

void *__libc_malloc(size_t size)
{
	return torture_alloc() ? NULL : real_malloc(size);
}

void *__libc_calloc(size_t n, size_t size)
{
	return torture_alloc() ? NULL : real_calloc(n, size);
}

void *__libc_realloc(void *p, size_t size)
{
	return torture_alloc() ? NULL : real_realloc(p, size);
}

void *__libc_memalign(size_t align, size_t size)
{
	return torture_alloc() ? NULL : real_memalign(align, size);
}

// An eventfd takes its eight bytes or none.
static size_t torture_cut(size_t len)
{
	if (len == sizeof(uint64_t))
		return len;
	return atomic_fetch_add(&writes, 1) + 1 == cut_write ? len / 2 : len;
}

ssize_t write(int fd, const void *data, size_t len)
{
	return syscall(SYS_write, fd, data, torture_cut(len));
}

// One of the first two pages, and less than a page.
static int torture_meta(size_t len, off_t at)
{
	const char *path = getenv("TORTURE_META");

	if (!path || len >= 4096 || at >= 2 * 4096 || access(path, F_OK) < 0)
		return 0;
	errno = EIO;
	return 1;
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
	if (torture_meta(len, at))
		return -1;
	return syscall(SYS_pwrite64, fd, data, torture_cut(len), at);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at)
{
	return pwrite(fd, data, len, at);
}

static ssize_t torture_vector(long call, int fd, const struct iovec *iov, int n, off_t at)
{
	// Half of it: the vectors but the last, or of a single one its half.
	if (torture_cut(2) == 2)
		return syscall(call, fd, iov, n, at, 0L);
	if (n > 1)
		return syscall(call, fd, iov, n - 1, at, 0L);
	return syscall(call, fd, &(struct iovec){ iov->iov_base, iov->iov_len / 2 }, 1, at, 0L);
}

ssize_t writev(int fd, const struct iovec *iov, int n)
{
	return torture_vector(SYS_writev, fd, iov, n, 0);
}

ssize_t pwritev(int fd, const struct iovec *iov, int n, off_t at)
{
	return torture_vector(SYS_pwritev, fd, iov, n, at);
}

ssize_t pwritev64(int fd, const struct iovec *iov, int n, off64_t at)
{
	return torture_vector(SYS_pwritev, fd, iov, n, at);
}
