// SPDX-License-Identifier: MIT
//
// Other programs; see program.h.
#include "scimd/ctl/program.h"
#include "scimd/base/buf.h"
#include "scimd/base/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM_NOT_RUN 126

extern char **environ;

static bool program_find(const char *name, char path[PATH_MAX])
{
	static const char *const folders[] = { "/usr/sbin", "/usr/bin", "/sbin", "/bin" };

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		if (snprintf(path, PATH_MAX, "%s/%s", folders[i], name) < PATH_MAX &&
		    access(path, X_OK) == 0)
			return true;
	return false;
}

bool program_there(const char *name)
{
	char path[PATH_MAX];

	return program_find(name, path);
}

// What comes is read until the other end is closed by everybody, or the time is over.
static int program_listen(int fd, struct buf *out, int seconds)
{
	const int64_t end = clock_boot() + (int64_t)seconds * 1000;
	struct pollfd p = { fd, POLLIN, 0 };
	char block[4096];

	for (;;) {
		int64_t left = end - clock_boot();
		int n;
		ssize_t got;

		if (left <= 0)
			return -ETIMEDOUT;
		n = poll(&p, 1, left > INT_MAX ? INT_MAX : (int)left);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n <= 0)
			continue;
		got = read(fd, block, sizeof(block));
		if (got == 0)
			return 0;
		if (got > 0 && out)
			(void)buf_add(out, block, (size_t)got); // full: the rest is not wanted
		else if (got < 0 && errno != EINTR)
			return -errno;
	}
}

// scimctl has no children but what it starts here, so whoever is left is a child of one
// that was killed, also where it made itself a session of its own.
static void program_end_left(void)
{
	char path[64], text[256];
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	for (;;) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
		if (fd >= 0)
			(void)close(fd);
		if (n <= 0)
			return;
		text[n] = '\0';
		(void)kill((pid_t)strtol(text, NULL, 10), SIGKILL);
		while (waitpid((pid_t)strtol(text, NULL, 10), NULL, 0) < 0)
			if (errno != EINTR)
				return;
	}
}

static int program_end(pid_t pid, int r)
{
	int status = 0;

	if (r < 0)
		(void)kill(-pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (r < 0) {
		program_end_left();
		return r;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// The child's part: nothing to read, and what it writes goes to fd.
static bool program_begin(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)setpgid(0, 0);
	return null >= 0 && dup2(null, 0) == 0 && dup2(fd, 1) == 1 && dup2(fd, 2) == 2;
}

static int program_timed(int (*fn)(void *arg), void *arg, struct buf *out, int seconds)
{
	int ends[2], r;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	(void)fflush(NULL);
	pid = fork();
	if (pid == 0)
		_exit(program_begin(ends[1]) ? fn(arg) : PROGRAM_NOT_RUN);
	r = pid < 0 ? -errno : 0;
	(void)close(ends[1]);
	if (r == 0) {
		(void)setpgid(pid, pid);
		r = program_end(pid, program_listen(ends[0], out, seconds));
	}
	(void)close(ends[0]);
	return r == PROGRAM_NOT_RUN ? -ENOEXEC : r;
}

struct program {
	char path[PATH_MAX];
	const char *const *argv;
};

static int program_become(void *arg)
{
	const struct program *p = arg;

	(void)execve(p->path, (char *const *)(uintptr_t)p->argv, environ);
	return PROGRAM_NOT_RUN;
}

int program_run(const char *const *argv, struct buf *out, int seconds)
{
	struct program p = { .argv = argv };

	return program_find(argv[0], p.path) ? program_timed(program_become, &p, out, seconds)
					     : -ENOENT;
}

int program_show(const char *const *argv)
{
	struct program p = { .argv = argv };
	pid_t pid;

	if (!program_find(argv[0], p.path))
		return -ENOENT;
	(void)fflush(NULL);
	pid = fork();
	if (pid == 0)
		_exit(program_become(&p));
	return pid < 0 ? -errno : program_end(pid, 0);
}

int program_fork(int (*fn)(void *arg), void *arg, struct buf *out, int seconds)
{
	return program_timed(fn, arg, out, seconds);
}
