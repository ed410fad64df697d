// SPDX-License-Identifier: MIT
//
// Asking scimd; see ask.h. The path is trusted, not the peer: /run/scimd is root's.
#include "pam/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <scimd/paths.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define HEAD 4 // bytes of a frame's length
#define AGAIN_MS 20

const char *ask_socket_path = SCIMD_SOCKET;

static int64_t ask_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int ask_left(int64_t end)
{
	int64_t left = end - ask_now();

	return left > 0 ? (int)left : 0;
}

// 0 when fd is ready for that, or has failed (the next call on it says how).
static int ask_wait(int fd, short what, int64_t end)
{
	struct pollfd p = { .fd = fd, .events = what };
	int left, r;

	do {
		left = ask_left(end);
		r = left ? poll(&p, 1, left) : 0;
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r == 0 ? -ETIMEDOUT : 0;
}

// Close-on-exec, non-blocking, and never in the place of a standard stream.
static int ask_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), up;

	if (fd < 0)
		return -errno;
	if (fd > STDERR_FILENO)
		return fd;
	up = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (up < 0)
		up = -errno;
	close(fd);
	return up;
}

static int ask_connect(int fd, int64_t end)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	size_t len = strlen(ask_socket_path);
	int left;

	if (len >= sizeof(un.sun_path))
		return -ENAMETOOLONG;
	memcpy(un.sun_path, ask_socket_path, len + 1);
	while (connect(fd, (const struct sockaddr *)&un, sizeof(un)) < 0) {
		// A full queue is all that a local socket has to be waited for.
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		left = ask_left(end);
		if (left == 0)
			return -ETIMEDOUT;
		if (errno == EAGAIN)
			(void)poll(NULL, 0, left < AGAIN_MS ? left : AGAIN_MS);
	}
	return 0;
}

static int ask_send(int fd, const char *p, size_t len, int64_t end)
{
	ssize_t n;
	int r;

	while (len > 0) {
		n = send(fd, p, len, MSG_NOSIGNAL);
		if (n >= 0) {
			p += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN) {
			r = ask_wait(fd, POLLOUT, end);
			if (r < 0)
				return r;
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

static int ask_receive(int fd, void *dst, size_t len, int64_t end)
{
	char *p = dst;
	ssize_t n;
	int r;

	while (len > 0) {
		r = ask_wait(fd, POLLIN, end); // first, so that a flood ends in time too
		if (r < 0)
			return r;
		n = recv(fd, p, len, 0);
		if (n == 0)
			return -ECONNRESET;
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		} else if (errno != EAGAIN && errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

static int ask_answer(int fd, int64_t end, char buf[ASK_ANSWER_MAX])
{
	unsigned char head[HEAD];
	uint32_t len;
	int r = ask_receive(fd, head, sizeof(head), end);

	if (r < 0)
		return r;
	len = (uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 | head[3];
	if (len == 0 || len > ASK_ANSWER_MAX)
		return -EMSGSIZE;
	r = ask_receive(fd, buf, len, end);
	return r < 0 ? r : (int)len;
}

static int ask_frame(const char *command, const char *name, char frame[256], size_t *len_out)
{
	const char *plain = "abcdefghijklmnopqrstuvwxyz0123456789._-~";
	int n;

	if (strspn(name, plain) != strlen(name) || strspn(command, plain) != strlen(command))
		return -EINVAL;
	n = snprintf(frame + HEAD, 256 - HEAD, "{\"command\":\"%s\",\"name\":\"%s\"}", command,
		     name);
	if (n <= 0 || n >= 256 - HEAD)
		return -EINVAL;
	memset(frame, 0, HEAD);
	frame[HEAD - 1] = (char)n;
	*len_out = HEAD + (size_t)n;
	return 0;
}

int ask(const char *command, const char *name, int deadline_ms, char buf[ASK_ANSWER_MAX])
{
	int64_t end = ask_now() + deadline_ms;
	char frame[256];
	size_t len;
	int fd, r = ask_frame(command, name, frame, &len);

	if (r < 0)
		return r;
	fd = ask_socket();
	if (fd < 0)
		return fd;
	r = ask_connect(fd, end);
	if (r == 0)
		r = ask_send(fd, frame, len, end);
	if (r == 0)
		r = ask_answer(fd, end, buf);
	close(fd);
	return r;
}
