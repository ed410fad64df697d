// SPDX-License-Identifier: MIT
//
// Preloaded into a program, makes one of its calls fail: allocation number
// TORTURE_ALLOC gives NULL, write number TORTURE_WRITE writes only half of what it
// was asked to (a real short write, the half is there). TORTURE_COUNT names a file
// that is told at the end how many of each there were. Allocations by
// some libraries are left alone: they do not look at what they are given, and die of
// it or forget what they were told.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t align, size_t size);

static atomic_long allocs, writes;
static long fail_alloc, cut_write;
static const char *const spared_names[] = { "libjson-c",     "libcrypto",    "libini_config",
					    "libcollection", "libref_array", "libbasicobjects" };
#define SPARED (int)(sizeof(spared_names) / sizeof(*spared_names))
static uintptr_t spared[SPARED], spared_end[SPARED]; // where their code lies

static int torture_library(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	(void)arg;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];

		for (int n = 0; n < SPARED; n++)
			if (strstr(info->dlpi_name, spared_names[n]) && p->p_type == PT_LOAD &&
			    p->p_flags & PF_X) {
				spared[n] = info->dlpi_addr + p->p_vaddr;
				spared_end[n] = spared[n] + p->p_memsz;
			}
	}
	return 0;
}

__attribute__((constructor)) static void torture_start(void)
{
	const char *a = getenv("TORTURE_ALLOC"), *w = getenv("TORTURE_WRITE");

	fail_alloc = a ? atol(a) : 0;
	cut_write = w ? atol(w) : 0;
	dl_iterate_phdr(torture_library, NULL);
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

static int torture_alloc(const void *from)
{
	for (int n = 0; n < SPARED; n++)
		if ((uintptr_t)from >= spared[n] && (uintptr_t)from < spared_end[n])
			return 0;
	if (atomic_fetch_add(&allocs, 1) + 1 != fail_alloc)
		return 0;
	torture_hit();
	errno = ENOMEM;
	return 1;
}

#define FROM torture_alloc(__builtin_return_address(0))

void *malloc(size_t size)
{
	return FROM ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return FROM ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
	return FROM ? NULL : __libc_realloc(p, size);
}

void *memalign(size_t align, size_t size)
{
	return FROM ? NULL : __libc_memalign(align, size);
}

void *aligned_alloc(size_t align, size_t size)
{
	return memalign(align, size);
}

int posix_memalign(void **out, size_t align, size_t size)
{
	void *p = memalign(align, size);

	if (!p)
		return ENOMEM;
	*out = p;
	return 0;
}

// So that copies made by those libraries are known to be theirs.
char *strdup(const char *s)
{
	size_t len = strlen(s) + 1;
	char *p = FROM ? NULL : __libc_malloc(len);

	return p ? memcpy(p, s, len) : NULL;
}

char *strndup(const char *s, size_t max)
{
	size_t len = strnlen(s, max);
	char *p = FROM ? NULL : __libc_malloc(len + 1);

	if (!p)
		return NULL;
	p[len] = '\0';
	return memcpy(p, s, len);
}

static size_t torture_cut(size_t len)
{
	return atomic_fetch_add(&writes, 1) + 1 == cut_write ? len / 2 : len;
}

ssize_t write(int fd, const void *data, size_t len)
{
	return syscall(SYS_write, fd, data, torture_cut(len));
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
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
