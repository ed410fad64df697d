// SPDX-License-Identifier: MIT
//
// Ending every process of one uid. A pass looks at all of /proc, kills what is
// theirs (by pidfd, so never a stranger who got the number), and waits for the end
// of what it killed; two passes that found nobody are the proof. Whoever forks
// faster than that is met by a child of ours with their uid: kill(-1) of theirs
// cannot be outrun. Nothing waits without a deadline.
#include "scimd/lockout/lockout.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define SWEEP_HELD 4096 // pidfds of one pass; what is beyond is killed and not waited for
#define SWEEP_WAIT_MS 2000
#define SWEEP_QUIET_MS 20
#define SWEEP_TERMINALS 64

struct sweep_held {
	int pidfd;
	pid_t pid;
	char name[16];
};

struct sweep {
	const struct lockout_request *rq;
	struct lockout_evidence *ev;
	DIR *proc;
	struct sweep_held held[SWEEP_HELD];
	size_t count, cap;
	unsigned int found, unread;
	int unread_why;
	uint32_t terminals[SWEEP_TERMINALS];
	size_t terminal_count;
};

static void sweep_release(struct sweep *s)
{
	for (size_t i = 0; i < s->count; i++)
		(void)close(s->held[i].pidfd);
	s->count = 0;
}

static bool sweep_known(const struct sweep *s, size_t before, pid_t pid)
{
	for (size_t i = 0; i < before; i++)
		if (s->held[i].pid == pid)
			return true;
	return false;
}

static void sweep_terminal(struct sweep *s, uint32_t terminal)
{
	for (size_t i = 0; i < s->terminal_count; i++)
		if (s->terminals[i] == terminal)
			return;
	if (terminal && s->terminal_count < SWEEP_TERMINALS)
		s->terminals[s->terminal_count++] = terminal;
}

static void sweep_left(struct lockout_evidence *ev, const struct process *p)
{
	struct lockout_left *l;

	if (ev->left_count == LOCKOUT_LEFT_MAX)
		return;
	l = &ev->left[ev->left_count++];
	l->pid = p->pid;
	memcpy(l->name, p->name, sizeof(l->name));
}

// One that is theirs: held until it has ended. `before`: how many of the pass before
// still lived; those were counted.
static void sweep_take(struct sweep *s, const struct process *p, size_t before)
{
	bool terminal = !p->theirs;

	s->found++;
	sweep_terminal(s, p->terminal);
	if (!sweep_known(s, before, p->pid)) {
		s->ev->processes++;
		s->ev->root += terminal;
	}
	if (s->count == s->cap) {
		(void)pidfd_send_signal(p->pidfd, SIGKILL, NULL, 0);
		(void)close(p->pidfd);
		return;
	}
	s->held[s->count].pidfd = p->pidfd;
	s->held[s->count].pid = p->pid;
	memcpy(s->held[s->count++].name, p->name, sizeof(p->name));
}

static void sweep_one(struct sweep *s, pid_t pid, size_t before)
{
	struct process p;
	int r;

	// Init, ourselves, and whoever started us stay, whatever they carry.
	if (pid <= 1 || pid == getpid() || pid == getppid())
		return;
	r = process_read(dirfd(s->proc), pid, s->rq->uid, &p);
	if (r == -ESRCH || r == -ENOENT)
		return;
	if (r < 0) {
		s->unread++;
		s->unread_why = r;
		return;
	}
	if (p.theirs || (p.login && p.root && p.terminal)) {
		sweep_take(s, &p, before);
		return;
	}
	if (p.login)
		sweep_left(s->ev, &p);
	(void)close(p.pidfd);
}

// All processes there are. What was still held stays at the front of the list.
static int sweep_look(struct sweep *s)
{
	size_t before = s->count;
	struct dirent *d;

	s->found = s->unread = 0;
	s->ev->left_count = 0;
	rewinddir(s->proc);
	errno = 0;
	while ((d = readdir(s->proc))) {
		char *end;
		long pid = strtol(d->d_name, &end, 10);

		if (d->d_name[0] >= '1' && d->d_name[0] <= '9' && *end == '\0' && pid <= INT32_MAX)
			sweep_one(s, (pid_t)pid, before);
		errno = 0;
	}
	if (errno)
		return -errno;
	// Those of the pass before are in the list again, if they still live.
	for (size_t i = 0; i < before; i++)
		(void)close(s->held[i].pidfd);
	memmove(s->held, s->held + before, (s->count - before) * sizeof(*s->held));
	s->count -= before;
	return 0;
}

static void sweep_signal(struct sweep *s, int signal)
{
	for (size_t i = 0; i < s->count; i++)
		(void)pidfd_send_signal(s->held[i].pidfd, signal, NULL, 0);
}

// Waits until what is held has ended, ms at most; what has is let go.
static void sweep_wait(struct sweep *s, int64_t ms)
{
	int64_t end = now_boot() + ms;
	size_t left = 0;

	for (size_t i = 0; i < s->count; i++) {
		struct pollfd p = { s->held[i].pidfd, POLLIN, 0 };
		int64_t rest = end - now_boot();

		if (poll(&p, 1, rest > 0 ? (int)rest : 0) == 0)
			s->held[left++] = s->held[i];
		else
			(void)close(s->held[i].pidfd);
	}
	s->count = left;
}

// In a child: that uid, no capability, and a signal to everything it may signal.
static void sweep_become(uint32_t uid)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct none[2] = { { 0, 0, 0 }, { 0, 0, 0 } };
	uid_t r, e, s;

	if (setgroups(0, NULL) < 0 || setresgid(65534, 65534, 65534) < 0 ||
	    setresuid(uid, uid, uid) < 0 || syscall(SYS_capset, &head, none) < 0 ||
	    getresuid(&r, &e, &s) < 0 || r != uid || e != uid || s != uid)
		return; // as root it would be everybody's end
	(void)kill(-1, SIGKILL);
}

// The child is theirs to stop or kill, so it is not waited for beyond a moment; and
// it can be had only while there is room for a process.
static void sweep_crowd(uint32_t uid)
{
	pid_t pid = fork();
	int fd;

	if (pid == 0) {
		sweep_become(uid);
		_exit(0);
	}
	if (pid < 0)
		return;
	fd = pidfd_open(pid, 0);
	if (fd >= 0) {
		struct pollfd p = { fd, POLLIN, 0 };

		(void)poll(&p, 1, 500);
		(void)pidfd_send_signal(fd, SIGKILL, NULL, 0);
		(void)poll(&p, 1, 500);
		(void)close(fd);
	} else {
		(void)kill(pid, SIGKILL);
	}
	(void)waitpid(pid, NULL, fd >= 0 ? WNOHANG : 0);
}

// Their terminals, by number: only devices, and never one that blocks.
static void sweep_say(const struct sweep *s)
{
	char text[LOCKOUT_MESSAGE_MAX + 16], path[32];
	int n = snprintf(text, sizeof(text), "\r\n*** %s\r\n", s->rq->message);

	for (size_t i = 0; s->rq->message[0] && i < s->terminal_count; i++) {
		unsigned int major = s->terminals[i] >> 8 & 0xfff;
		unsigned int minor = (s->terminals[i] & 0xff) | (s->terminals[i] >> 12 & 0xfff00);
		struct stat st;
		int fd;

		if (major == 136)
			(void)snprintf(path, sizeof(path), "/dev/pts/%u", minor);
		else if (major == 4)
			(void)snprintf(path, sizeof(path), "/dev/tty%s%u", minor < 64 ? "" : "S",
				       minor < 64 ? minor : minor - 64);
		else
			continue;
		fd = open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
		if (fd < 0)
			continue;
		if (fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) &&
		    st.st_rdev == makedev(major, minor) && write(fd, text, (size_t)n) < 0)
			errno = 0; // a terminal that is held up hears nothing
		(void)close(fd);
	}
}

// Told, and asked to go; the stopped ones too hear it. True: there was a grace time,
// so what was seen before it is old.
static bool sweep_ask(struct sweep *s)
{
	if (s->found == 0)
		return false;
	sweep_say(s);
	if (s->rq->grace == 0)
		return false;
	sweep_signal(s, SIGTERM);
	sweep_signal(s, SIGHUP);
	sweep_signal(s, SIGCONT);
	sweep_wait(s, s->rq->grace);
	return true;
}

static int sweep_kill(struct sweep *s, bool tell, char *why, size_t len)
{
	int64_t end = now_boot() + LOCKOUT_SECONDS * 1000;
	int quiet = 0;

	while (quiet < 2) {
		int r = sweep_look(s);

		if (r == 0 && tell && sweep_ask(s)) {
			char name[MAY_NAME];

			s->ev->refused = may_end(s->rq, name, why, len);
			if (s->ev->refused)
				return -ECANCELED;
			end = now_boot() + LOCKOUT_SECONDS * 1000;
			r = sweep_look(s);
		}
		tell = false;
		if (r < 0) {
			(void)snprintf(why, len, "/proc cannot be read: %s", strerror(-r));
			return r;
		}
		if (s->found == 0 && s->unread == 0) {
			if (++quiet < 2)
				(void)poll(NULL, 0, SWEEP_QUIET_MS);
			continue;
		}
		quiet = 0;
		if (s->found) {
			sweep_crowd(s->rq->uid);
			sweep_signal(s, SIGKILL);
			sweep_wait(s, SWEEP_WAIT_MS);
		}
		if (now_boot() > end)
			break;
		if (s->found == 0)
			(void)poll(NULL, 0, SWEEP_QUIET_MS);
	}
	if (quiet == 2)
		return 0;
	if (s->found)
		(void)snprintf(why, len, "%u processes do not end%s%s", s->found,
			       s->count ? ", the first is " : "", s->count ? s->held[0].name : "");
	else
		(void)snprintf(why, len, "%u processes cannot be looked at: %s", s->unread,
			       strerror(-s->unread_why));
	return -ETIMEDOUT;
}

int sweep(const struct lockout_request *rq, bool tell, struct lockout_evidence *ev, char *why,
	  size_t len)
{
	struct sweep *s = calloc(1, sizeof(*s));
	struct rlimit files;
	int r = 0;

	if (!s) {
		(void)snprintf(why, len, "out of memory");
		return -ENOMEM;
	}
	s->rq = rq;
	s->ev = ev;
	s->cap = SWEEP_HELD;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
		if (files.rlim_cur < SWEEP_HELD * 2 + 64)
			s->cap = files.rlim_cur > 128 ? (files.rlim_cur - 64) / 2 : 32;
	}
	s->proc = opendir("/proc");
	if (!s->proc) {
		r = -errno;
		(void)snprintf(why, len, "/proc: %s", strerror(-r));
		goto out;
	}
	r = sweep_kill(s, tell, why, len);
out:
	sweep_release(s);
	if (s->proc)
		(void)closedir(s->proc);
	free(s);
	return r;
}
