// SPDX-License-Identifier: MIT
//
// The helpers' sockets and options; see helper.h.
#include "scimd/base/helper.h"
#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <scimd/paths.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0"
#endif

// ---------------------------------------------------------------- one request

int64_t helper_boot(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

bool helper_peer(int fd, uid_t *uid_out)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return false;
	*uid_out = peer.uid;
	return true;
}

bool helper_line(const char *text, size_t len)
{
	return memchr(text, '\n', len) != NULL;
}

bool helper_read(int fd, char *buf, size_t len, size_t *got, int ms,
		 bool (*enough)(const char *text, size_t len))
{
	int64_t end = helper_boot() + ms;

	while (!enough(buf, *got)) {
		struct pollfd p = { fd, POLLIN, 0 };
		int64_t rest = end - helper_boot();
		ssize_t n;

		if (*got == len || rest <= 0 || poll(&p, 1, (int)rest) <= 0)
			return false;
		n = recv(fd, buf + *got, len - *got, MSG_DONTWAIT);
		if (n <= 0)
			return false;
		*got += (size_t)n;
	}
	return true;
}

void helper_drain(int fd)
{
	char more[4096];

	for (int i = 0; i < 64 && recv(fd, more, sizeof(more), MSG_DONTWAIT) > 0; i++)
		;
}

// -------------------------------------------------------------------- sockets

static void helper_on_child(int sig)
{
	(void)sig; // accept ends with EINTR, and what has ended is waited for
}

// A process for each: one that is stuck (a disk that does not answer) holds up no other.
static int helper_serve_all(const struct helper *h, int listener)
{
	const struct sigaction act = { .sa_handler = helper_on_child };
	int children = 0;

	(void)sigaction(SIGCHLD, &act, NULL);
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		pid_t pid = -1;

		while (children && waitpid(-1, NULL, children < h->at_once ? WNOHANG : 0) > 0)
			children--;
		if (fd < 0) {
			if (errno == EINTR || errno == ECONNABORTED)
				continue;
			if (errno != EMFILE && errno != ENFILE && errno != ENOMEM)
				return EXIT_FAILURE;
			(void)poll(NULL, 0, 100);
			continue;
		}
		pid = fork();
		if (pid == 0) {
			(void)signal(SIGCHLD, SIG_DFL);
			(void)close(listener);
			h->serve(fd);
			_exit(EXIT_SUCCESS);
		}
		if (pid > 0)
			children++;
		else // no process to be had: whoever asks comes again
			syslog(LOG_ERR, "fork: %m");
		(void)close(fd);
	}
}

// The socket belongs to whoever owns the folder of the image, and is theirs alone.
static int helper_listen(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct stat st;
	mode_t before;
	int fd, r;

	if (strlen(path) >= sizeof(un.sun_path) || stat(SCIMD_STATE_DIR, &st) < 0)
		return -1;
	memcpy(un.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	(void)unlink(path);
	before = umask(0177);
	r = bind(fd, (const struct sockaddr *)&un, sizeof(un));
	(void)umask(before);
	if (r < 0 || lchown(path, st.st_uid, st.st_gid) < 0 || listen(fd, 64) < 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

static bool helper_become(const char *user)
{
	const struct passwd *pw = getpwnam(user);

	if (!pw) {
		syslog(LOG_ERR, "there is no user %s", user);
		return false;
	}
	if (geteuid() == pw->pw_uid)
		return true;
	if (setgroups(0, NULL) < 0 || setgid(pw->pw_gid) < 0 || setuid(pw->pw_uid) < 0) {
		syslog(LOG_ERR, "becoming %s: %m", user);
		return false;
	}
	return true;
}

static int helper_run(const struct helper *h, const char *path)
{
	int fd;

	(void)signal(SIGPIPE, SIG_IGN);
	if (h->start)
		h->start();
	openlog(h->name, LOG_PID | (path ? LOG_PERROR : 0), h->facility);
	if (path) {
		fd = helper_listen(path);
		if (fd < 0) {
			syslog(LOG_ERR, "%s: %m", path);
			return EXIT_FAILURE;
		}
		if (h->user && !helper_become(*h->user))
			return EXIT_FAILURE;
		return helper_serve_all(h, fd);
	}
	if (sd_listen_fds(true) != 1) {
		(void)fputs(h->usage, stderr);
		return 2;
	}
	fd = SD_LISTEN_FDS_START;
	if (sd_is_socket(fd, AF_UNIX, SOCK_STREAM, 1) > 0)
		return helper_serve_all(h, fd);
	h->serve(fd);
	return EXIT_SUCCESS;
}

int helper_main(const struct helper *h, int argc, char **argv)
{
	static const struct option options[] = {
		{ "listen", required_argument, NULL, 'l' },
		{ "version", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ "user", required_argument, NULL, 'u' },
		{ 0 },
	};
	const char *path = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'l':
			path = optarg;
			break;
		case 'v':
			(void)printf("%s %s\n", h->name, PACKAGE_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			(void)fputs(h->usage, stdout);
			return EXIT_SUCCESS;
		case 'u':
			if (h->user) {
				*h->user = optarg;
				break;
			}
			// fall through
		default:
			(void)fputs(h->usage, stderr);
			return 2;
		}
	}
	if (optind != argc) {
		(void)fputs(h->usage, stderr);
		return 2;
	}
	return helper_run(h, path);
}
