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

// Runs in the child: nothing of the host program goes along.
static void home_child(const char *name)
{
	const char *const argv[] = { home_helper_path, name, NULL };
	const char *const envp[] = { NULL };
	sigset_t none;
	int fd;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	for (int s = 1; s < NSIG; s++)
		(void)signal(s, SIG_DFL);
	fd = open("/dev/null", O_RDWR);
	for (int i = 0; i <= STDERR_FILENO; i++)
		if (fd < 0 || dup2(fd, i) < 0)
			_exit(126);
	(void)close_range(STDERR_FILENO + 1, ~0u, 0);
	(void)execve(argv[0], (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)envp);
	_exit(127);
}

static int home_run(const char *name)
{
	// No exit signal: the host program gets no SIGCHLD, and its own wait for any
	// child does not find this one.
	pid_t pid = (pid_t)syscall(SYS_clone, 0ul, NULL, NULL, NULL, 0ul), r;
	int status = 0;

	if (pid < 0)
		return -errno;
	if (pid == 0)
		home_child(name);
	do
		r = waitpid(pid, &status, (int)__WCLONE);
	while (r < 0 && errno == EINTR);
	return r == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ECHILD;
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
