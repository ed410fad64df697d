// SPDX-License-Identifier: MIT
//
// Stands between the reader and the kernel: counts the system calls of a lookup
// and, at a chosen one, fails it or runs something before it. Functions of a test
// program win over the C library's for everything that is linked into it.
#ifndef TESTS_CALLHOOK_H
#define TESTS_CALLHOOK_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool hook_armed;
static unsigned hook_calls, hook_point; // calls since it was armed; at which one
static int hook_error;                  // 0: none
static void (*hook_then)(void);         // run before the call, or NULL
static unsigned hook_inheritable;       // descriptors opened without FD_CLOEXEC

static inline void hook_arm(unsigned point, int error, void (*then)(void))
{
	hook_calls = 0;
	hook_point = point;
	hook_error = error;
	hook_then = then;
	hook_armed = true;
}

// How many calls there were; fewer than the point: it was not reached.
static inline unsigned hook_disarm(void)
{
	hook_armed = false;
	return hook_calls;
}

// True: the call is to fail, errno says how.
static inline bool hook_strikes(void)
{
	if (!hook_armed || ++hook_calls != hook_point)
		return false;
	if (hook_then) {
		hook_armed = false;
		hook_then();
		hook_armed = true;
	}
	errno = hook_error;
	return hook_error != 0;
}

int hook_open(const char *path, int flags, ...) __asm__("open");
int hook_open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	va_start(ap, flags);
	if (flags & O_CREAT)
		mode = va_arg(ap, mode_t);
	va_end(ap);
	hook_inheritable += hook_armed && !(flags & O_CLOEXEC);
	return hook_strikes() ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int hook_fcntl(int fd, int cmd, long arg) __asm__("fcntl");
int hook_fcntl(int fd, int cmd, long arg)
{
	hook_inheritable += hook_armed && cmd != F_DUPFD_CLOEXEC;
	return hook_strikes() ? -1 : (int)syscall(SYS_fcntl, fd, cmd, arg);
}

int hook_fstat(int fd, struct stat *st) __asm__("fstat");
int hook_fstat(int fd, struct stat *st)
{
	return hook_strikes() ? -1 : fstatat(fd, "", st, AT_EMPTY_PATH);
}

ssize_t hook_pread(int fd, void *to, size_t len, off_t at) __asm__("pread");
ssize_t hook_pread(int fd, void *to, size_t len, off_t at)
{
	return hook_strikes() ? -1 : syscall(SYS_pread64, fd, to, len, at);
}

// Linux closes the descriptor whatever it says.
int hook_close(int fd) __asm__("close");
int hook_close(int fd)
{
	bool strikes = hook_strikes();
	int r = (int)syscall(SYS_close, fd);

	if (strikes)
		errno = hook_error;
	return strikes ? -1 : r;
}

void *hook_mmap(void *at, size_t len, int prot, int flags, int fd, off_t off) __asm__("mmap");
void *hook_mmap(void *at, size_t len, int prot, int flags, int fd, off_t off)
{
	return hook_strikes() ? (void *)-1
			      : (void *)syscall(SYS_mmap, at, len, prot, flags, fd, off);
}

int hook_mprotect(void *at, size_t len, int prot) __asm__("mprotect");
int hook_mprotect(void *at, size_t len, int prot)
{
	return hook_strikes() ? -1 : (int)syscall(SYS_mprotect, at, len, prot);
}

int hook_munmap(void *at, size_t len) __asm__("munmap");
int hook_munmap(void *at, size_t len)
{
	return hook_strikes() ? -1 : (int)syscall(SYS_munmap, at, len);
}

void *hook_mremap(void *at, size_t len, size_t new_len, int flags, void *to) __asm__("mremap");
void *hook_mremap(void *at, size_t len, size_t new_len, int flags, void *to)
{
	return hook_strikes() ? (void *)-1
			      : (void *)syscall(SYS_mremap, at, len, new_len, flags, to);
}

#endif
