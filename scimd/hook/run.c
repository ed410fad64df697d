// SPDX-License-Identifier: MIT
//
// Running one hook; see hook.h. Its descendants become children of ours when their
// parents end (PR_SET_CHILD_SUBREAPER), so killing children until there are none ends
// them all, whatever sessions they made.
#include "scimd/base/helper.h"
#include "scimd/hook/hook.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define RUN_END_MS 5000 // for the killed to be gone

int hook_prepare(void)
{
	return prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 ? -errno : 0;
}

// The event as a file that is at its beginning: no pipe, nobody has to feed it.
static int run_input(const char *event, size_t len)
{
	int fd = memfd_create("event", MFD_CLOEXEC | MFD_ALLOW_SEALING), r;

	if (fd < 0)
		return -errno;
	// A file in memory takes it whole, or there is no room for it.
	r = write(fd, event, len) == (ssize_t)len ? 0 : -ENOMEM;
	if (r == 0 && (lseek(fd, 0, SEEK_SET) < 0 ||
		       fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW) < 0))
		r = -errno;
	if (r == 0)
		return fd;
	(void)close(fd);
	return r;
}

__attribute__((noreturn)) static void run_child(const char *path, int input)
{
	static char *const nothing[] = { NULL };
	char *const argv[] = { (char *)(uintptr_t)path, NULL };
	const struct rlimit no_core = { 0, 0 };
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)setrlimit(RLIMIT_CORE, &no_core);
	(void)umask(077);
	// What it prints goes where our own words go.
	if (setsid() < 0 || chdir("/") < 0 || dup2(input, STDIN_FILENO) < 0 ||
	    dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		_exit(126);
	(void)execve(path, argv, nothing);
	perror(path);
	_exit(127);
}

static void run_kill_children(void)
{
	char path[64];
	FILE *list;
	int pid;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	list = fopen(path, "re");
	if (!list)
		return;
	while (fscanf(list, "%d", &pid) == 1)
		(void)kill(pid, SIGKILL);
	(void)fclose(list);
}

// True when nobody is left.
static bool run_sweep(pid_t group)
{
	int64_t end = helper_boot() + RUN_END_MS;
	pid_t pid;

	do {
		(void)kill(-group, SIGKILL);
		run_kill_children();
		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			;
		if (pid < 0 && errno == ECHILD)
			return true;
		(void)poll(NULL, 0, 5);
	} while (helper_boot() < end);
	return false;
}

static int run_wait(pid_t pid, int ms, char *why, size_t why_len)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	int64_t end = helper_boot() + ms;
	bool over = false;
	siginfo_t si;
	int r = -1;

	while (fd >= 0 && !over) {
		struct pollfd p = { fd, POLLIN, 0 };
		int64_t rest = end - helper_boot();

		over = rest <= 0 || poll(&p, 1, (int)rest) > 0;
	}
	memset(&si, 0, sizeof(si));
	// It stays a zombie: its number is its own until the sweep has been.
	if (fd < 0 || waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG | WNOWAIT) < 0)
		(void)snprintf(why, why_len, "it cannot be waited for: %s", strerror(errno));
	else if (si.si_pid == 0)
		(void)snprintf(why, why_len, "it ran longer than %d.%03d s and was killed",
			       ms / 1000, ms % 1000);
	else if (si.si_code == CLD_EXITED)
		r = si.si_status;
	else
		(void)snprintf(why, why_len, "it was ended by signal %d", si.si_status);
	if (fd >= 0)
		(void)close(fd);
	if (!run_sweep(pid)) {
		(void)snprintf(why, why_len, "a process of it cannot be ended");
		r = -1;
	}
	return r;
}

int hook_run(const char *path, const char *event, size_t len, int ms, char *why, size_t why_len)
{
	int input = run_input(event, len);
	pid_t pid;

	if (input < 0) {
		(void)snprintf(why, why_len, "no room for the event: %s", strerror(-input));
		return -1;
	}
	pid = fork();
	if (pid == 0)
		run_child(path, input);
	(void)close(input);
	if (pid < 0) {
		(void)snprintf(why, why_len, "no process could be made: %s", strerror(errno));
		return -1;
	}
	return run_wait(pid, ms, why, why_len);
}
