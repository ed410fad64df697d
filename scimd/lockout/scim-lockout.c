// SPDX-License-Identifier: MIT
//
// main of scim-lockout(8): takes connections, from systemd or on a socket of its
// own, and answers one request in a process of its own (scimd/lockout.h).
#include "scimd/lockout/lockout.h"
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <scimd/paths.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0"
#endif

#define SERVE_READ_MS 2000 // for the one line of the request
#define SERVE_AT_ONCE 32   // processes of ours

// ---------------------------------------------------------------- one request

static ssize_t serve_line(int fd, char *buf, size_t len)
{
	int64_t end = now_boot() + SERVE_READ_MS;
	size_t got = 0;

	while (got < len) {
		struct pollfd p = { fd, POLLIN, 0 };
		int64_t rest = end - now_boot();
		char *nl;
		ssize_t n;

		if (rest <= 0 || poll(&p, 1, (int)rest) <= 0)
			return -1;
		n = recv(fd, buf + got, len - got, MSG_DONTWAIT);
		if (n <= 0)
			return -1;
		got += (size_t)n;
		nl = memchr(buf, '\n', got);
		if (nl)
			return nl - buf;
	}
	return -1;
}

struct serve_text {
	char data[LOCKOUT_ANSWER_MAX];
	size_t len;
};

static void serve_add(struct serve_text *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void serve_add(struct serve_text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->data + t->len, sizeof(t->data) - t->len, fmt, ap);
	va_end(ap);
	if (n > 0 && (size_t)n < sizeof(t->data) - t->len)
		t->len += (size_t)n;
}

// It fits a socket's buffer; whoever does not read it has none.
static void serve_send(int fd, const struct serve_text *t)
{
	char more[4096];

	// What is left unread would make the answer a reset.
	for (int i = 0; i < 64 && recv(fd, more, sizeof(more), MSG_DONTWAIT) > 0; i++)
		;
	(void)send(fd, t->data, t->len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void serve_evidence(struct serve_text *t, const struct lockout_evidence *ev)
{
	serve_add(t, "began %lld\nover %lld\nprocesses %u\nsessions %u\nroot %u\n",
		  (long long)ev->began, (long long)ev->over, ev->processes, ev->sessions, ev->root);
	for (unsigned int i = 0; i < ev->left_count; i++)
		serve_add(t, "left %d %s\n", ev->left[i].pid, ev->left[i].name);
}

static void serve_end(const struct lockout_request *rq, const char *name, struct serve_text *t)
{
	struct lockout_evidence ev = { .began = now_wall(), .sessions = session_count(rq->uid) };
	char why[256] = "";
	// The processes go first: a bus that hangs holds nothing up.
	int r = sweep(rq, true, &ev, why, sizeof(why));

	session_end(rq->uid, name);
	if (r == 0)
		r = sweep(rq, false, &ev, why, sizeof(why));
	ev.over = now_wall();
	serve_evidence(t, &ev);
	if (r == 0)
		serve_add(t, "done\n");
	else
		serve_add(t, "failed %s\n", why);
	syslog(r == 0 ? LOG_NOTICE : LOG_ERR, "%s (uid %u): %u processes ended%s%s", name, rq->uid,
	       ev.processes, r == 0 ? "" : "; ", why);
}

static void serve(int fd, const char *image)
{
	struct ucred peer = { .uid = (uid_t)-1 };
	char line[LOCKOUT_REQUEST_MAX + 1], name[MAY_NAME] = "", why[256] = "";
	struct serve_text t = { .len = 0 };
	socklen_t len = sizeof(peer);
	struct lockout_request rq;
	const char *no;
	ssize_t n;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return;
	n = serve_line(fd, line, sizeof(line));
	if (n < 0 || !request_read(line, (size_t)n, &rq)) {
		serve_add(&t, "refused " LOCKOUT_REQUEST " the request is not to be understood\n");
		syslog(LOG_WARNING, "uid %u: the request is not to be understood", peer.uid);
		serve_send(fd, &t);
		return;
	}
	no = may_end(image, "/etc/passwd", peer.uid, &rq, name, why, sizeof(why));
	if (!no) {
		serve_end(&rq, name, &t);
	} else {
		serve_add(&t, "%s%s%s %s\n", *no ? "refused" : "failed", *no ? " " : "", no, why);
		syslog(LOG_WARNING, "uid %u asked about uid %u: %s", peer.uid, rq.uid, why);
	}
	serve_send(fd, &t);
}

// -------------------------------------------------------------------- sockets

static void serve_on_child(int sig)
{
	(void)sig; // accept ends with EINTR, and what has ended is waited for
}

// A process for each: one that is stuck (a disk that does not answer) holds up no other.
static int serve_all(int listener, const char *image)
{
	const struct sigaction act = { .sa_handler = serve_on_child };
	unsigned int children = 0;

	(void)sigaction(SIGCHLD, &act, NULL);
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		pid_t pid = -1;

		while (children && waitpid(-1, NULL, children < SERVE_AT_ONCE ? WNOHANG : 0) > 0)
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
			serve(fd, image);
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
static int serve_listen(const char *path)
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

static void usage(FILE *out)
{
	(void)fprintf(out, "Usage: scim-lockout [--listen PATH]\n"
			   "Ends the processes of people whom scimd locked out.\n\n"
			   "  --listen PATH  take requests on PATH, for hosts without systemd\n"
			   "  --version      print the version\n"
			   "  --help         print this\n"
			   "\nWithout --listen the socket comes from systemd.\n");
}

static int run(const char *path)
{
	int fd, n;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)setpriority(PRIO_PROCESS, 0, -20); // whoever is to go may have filled the machine
	openlog("scim-lockout", LOG_PID | (path ? LOG_PERROR : 0), LOG_AUTHPRIV);
	if (path) {
		fd = serve_listen(path);
		if (fd < 0) {
			syslog(LOG_ERR, "%s: %m", path);
			return EXIT_FAILURE;
		}
		return serve_all(fd, SCIMD_IMAGE);
	}
	n = sd_listen_fds(true);
	if (n != 1) {
		usage(stderr);
		return 2;
	}
	fd = SD_LISTEN_FDS_START;
	if (sd_is_socket(fd, AF_UNIX, SOCK_STREAM, 1) > 0)
		return serve_all(fd, SCIMD_IMAGE);
	serve(fd, SCIMD_IMAGE);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "listen", required_argument, NULL, 'l' },
		{ "version", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
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
			(void)printf("scim-lockout %s\n", PACKAGE_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			usage(stdout);
			return EXIT_SUCCESS;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (optind != argc) {
		usage(stderr);
		return 2;
	}
	return run(path);
}
