// SPDX-License-Identifier: MIT
//
// What a process is, by /proc. The pidfd is taken first: whatever is read after
// that and while the process still lives is about that process and no other.
#include "scimd/lockout/lockout.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <time.h>
#include <unistd.h>

#define PROCESS_NESTED 40 // user namespaces nest 32 deep

static int64_t now(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t now_wall(void)
{
	return now(CLOCK_REALTIME);
}

int64_t now_boot(void)
{
	return now(CLOCK_BOOTTIME);
}

bool process_ended(int pidfd)
{
	struct pollfd p = { pidfd, POLLIN, 0 };

	return poll(&p, 1, 0) != 0; // an odd descriptor is none to wait for
}

static int process_file(int proc, pid_t pid, const char *name, char *buf, size_t len)
{
	char path[64];
	size_t got = 0;
	ssize_t n;
	int fd, r;

	(void)snprintf(path, sizeof(path), "%d/%s", pid, name);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while ((n = read(fd, buf + got, len - 1 - got)) > 0)
		got += (size_t)n;
	r = n < 0 ? -errno : 0;
	buf[got] = '\0';
	(void)close(fd);
	return r;
}

// Uid: real, effective, saved, file system.
static int process_uids(const char *status, uint32_t uid, struct process *p)
{
	const char *at = strstr(status, "\nUid:");
	unsigned int u[4];

	if (!at || sscanf(at + 5, "%u %u %u %u", &u[0], &u[1], &u[2], &u[3]) != 4)
		return -EIO;
	for (int i = 0; i < 4; i++)
		p->theirs |= u[i] == uid;
	p->root = (u[0] | u[1] | u[2] | u[3]) == 0;
	return 0;
}

// "…/user.slice/user-UID.slice/…" of any hierarchy: their sessions' scopes lie in it.
static bool process_slice(const char *cgroup, uint32_t uid)
{
	char slice[40];

	(void)snprintf(slice, sizeof(slice), "/user-%u.slice", uid);
	for (const char *at = cgroup; (at = strstr(at, slice)); at++) {
		char after = at[strlen(slice)];

		if (after == '/' || after == '\n' || after == '\0')
			return true;
	}
	return false;
}

// True when its user namespace, or one around it, was made by that uid.
static bool process_namespace(int proc, pid_t pid, uint32_t uid)
{
	char path[64];
	bool theirs = false;
	int fd;

	(void)snprintf(path, sizeof(path), "%d/ns/user", pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	for (int i = 0; fd >= 0 && i < PROCESS_NESTED && !theirs; i++) {
		uid_t owner = 0;
		int parent;

		theirs = ioctl(fd, NS_GET_OWNER_UID, &owner) == 0 && owner == uid;
		parent = theirs ? -1 : ioctl(fd, NS_GET_PARENT);
		(void)close(fd);
		fd = parent;
	}
	if (fd >= 0)
		(void)close(fd);
	return theirs;
}

// "PID (NAME) STATE PPID PGRP SESSION TTY …"; the name may hold anything.
static void process_stat(const char *stat, struct process *p)
{
	const char *open = strchr(stat, '('), *close = strrchr(stat, ')');
	int tty = 0;

	if (!open || !close || close < open)
		return;
	(void)snprintf(p->name, sizeof(p->name), "%.*s", (int)(close - open - 1), open + 1);
	for (char *c = p->name; *c; c++)
		if ((unsigned char)*c <= 0x20 || (unsigned char)*c >= 0x7f)
			*c = '?';
	if (sscanf(close + 1, " %*c %*d %*d %*d %d", &tty) == 1)
		p->terminal = (uint32_t)tty;
}

static int process_look(int proc, uint32_t uid, struct process *p)
{
	char text[8192];
	int r = process_file(proc, p->pid, "status", text, sizeof(text));

	if (r == 0)
		r = process_uids(text, uid, p);
	if (r < 0)
		return r;
	if (process_file(proc, p->pid, "stat", text, sizeof(text)) == 0)
		process_stat(text, p);
	if (!p->theirs && process_file(proc, p->pid, "cgroup", text, sizeof(text)) == 0)
		p->theirs = process_slice(text, uid);
	if (!p->theirs)
		p->theirs = process_namespace(proc, p->pid, uid);
	if (!p->theirs && process_file(proc, p->pid, "loginuid", text, sizeof(text)) == 0)
		p->login = strtoul(text, NULL, 10) == uid;
	return 0;
}

int process_read(int proc, pid_t pid, uint32_t uid, struct process *out)
{
	int r;

	*out = (struct process){ .pid = pid, .pidfd = pidfd_open(pid, 0) };
	if (out->pidfd < 0)
		return errno == EINVAL ? -ESRCH : -errno;
	r = process_look(proc, uid, out);
	if (process_ended(out->pidfd))
		r = -ESRCH;
	if (r < 0)
		(void)close(out->pidfd);
	return r;
}
