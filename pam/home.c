// SPDX-License-Identifier: MIT
//
// Making a home folder; see home.h.
#include "pam/home.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

const char *home_helper_path = "/sbin/mkhomedir_helper";

static void home_exec(const char *name)
{
	const char *const argv[] = { home_helper_path, name, NULL };
	const char *const envp[] = { NULL };
	int fd = open("/dev/null", O_RDWR);

	for (int i = 0; i <= STDERR_FILENO; i++)
		if (fd < 0 || dup2(fd, i) < 0)
			_exit(126);
	(void)close_range(STDERR_FILENO + 1, ~0u, 0);
	(void)execve(argv[0], (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)envp);
	_exit(127);
}

// A child without exit signal: its parent gets no SIGCHLD, and waiting for any child
// does not find it.
static pid_t home_fork(void)
{
	return (pid_t)syscall(SYS_clone, 0ul, NULL, NULL, NULL, 0ul);
}

static int home_wait(pid_t pid)
{
	int status = 0;
	pid_t r;

	do
		r = waitpid(pid, &status, (int)__WALL);
	while (r < 0 && errno == EINTR);
	return r == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 125;
}

// The child that the host program has. It must not exec, which would give it back
// its exit signal, so it has a child of its own.
static void home_child(const char *name)
{
	sigset_t none;
	pid_t pid;

	(void)sigemptyset(&none);
	for (int s = 1; s < NSIG; s++)
		(void)signal(s, SIG_DFL);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	pid = home_fork();
	if (pid == 0)
		home_exec(name);
	_exit(pid < 0 ? 124 : home_wait(pid));
}

static int home_run(const char *name)
{
	pid_t pid = home_fork();

	if (pid < 0)
		return -errno;
	if (pid == 0)
		home_child(name);
	return home_wait(pid);
}

int home_make(const char *name, const char *home)
{
	struct stat st;

	if (stat(home, &st) == 0)
		return 0;
	if (errno != ENOENT)
		return -errno;
	if (geteuid() != 0)
		return -EPERM;
	return home_run(name);
}
