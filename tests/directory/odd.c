// SPDX-License-Identifier: MIT
//
// Raw sockets against tests/directory/echo.c.
//
//   odd PORT table          every request of odd_table.c, a healthy one after each
//   odd PORT slow N         N connections that drip; they must be closed, others served
//   odd PORT wait N PATH    N requests that wait, then all are woken
//   odd PORT leave N PATH   the same, but the clients go away
#include "odd.h"
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 8000

struct answer {
	char *text;
	size_t len, room;
	bool closed;
};

double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

int dial(unsigned port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
		fprintf(stderr, "connect: %s\n", strerror(errno));
		exit(1);
	}
	return fd;
}

double healthy(unsigned port)
{
	static const char ask[] = "GET /quick HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
	double start = now_ms();
	char in[4096];
	size_t len = 0;
	ssize_t n;
	int fd = dial(port);

	if (send(fd, ask, sizeof(ask) - 1, MSG_NOSIGNAL) < 0)
		len = 0;
	while ((n = recv(fd, in + len, sizeof(in) - len - 1, 0)) > 0)
		len += (size_t)n;
	in[len] = 0;
	close(fd);
	return !strncmp(in, "HTTP/1.1 200", 12) && len > 1000 ? now_ms() - start : -1;
}

// How many whole answers the text holds; the status of the last one begun.
static int answers(const struct answer *a, const struct odd *o, int *status_out)
{
	const char *p = a->text, *end = a->text + a->len, *body;
	bool head = !strncmp(o->bytes, "HEAD", 4);
	int n = 0;

	*status_out = 0;
	while (p < end && !strncmp(p, "HTTP/1.1 ", 9)) {
		const char *length;
		size_t len = 0;
		int status = atoi(p + 9);

		body = strstr(p, "\r\n\r\n");
		if (!body)
			break;
		body += 4;
		if (status == 100) { // not an answer yet
			p = body;
			continue;
		}
		*status_out = status;
		length = strcasestr(p, "\r\nContent-Length:");
		if (length && length < body && !head)
			len = strtoul(length + 17, NULL, 10);
		if (strcasestr(p, "\r\nTransfer-Encoding:") && !head)
			return n + 1; // only the last one of a connection is streamed here
		if (len > (size_t)(end - body))
			break;
		p = body + len;
		n++;
	}
	return n;
}

static char *make(const struct odd *o, size_t *len_out)
{
	const char *mark = o->fill ? memmem(o->bytes, o->len, "@@", 2) : NULL;
	size_t unit = o->fill ? strlen(o->fill) : 0, at = mark ? (size_t)(mark - o->bytes) : o->len;
	char *out = malloc(o->len + unit * o->times + 1), *p = out;

	p = mempcpy(p, o->bytes, at);
	for (size_t i = 0; i < o->times; i++)
		p = mempcpy(p, o->fill, unit);
	if (mark)
		p = mempcpy(p, mark + 2, o->len - at - 2);
	*len_out = (size_t)(p - out);
	return out;
}

static bool read_some(int fd, struct answer *a)
{
	ssize_t n;

	if (a->room - a->len < 65536) {
		a->room = a->room * 2 + 131072;
		a->text = realloc(a->text, a->room);
	}
	n = recv(fd, a->text + a->len, 65535, MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return true;
	if (n <= 0) {
		a->closed = true;
		n = 0;
	}
	a->len += (size_t)n;
	a->text[a->len] = 0;
	return !a->closed;
}

static void talk(unsigned port, const struct odd *o, struct answer *a)
{
	size_t len, sent = 0;
	char *bytes = make(o, &len);
	double end = now_ms() + PATIENCE_MS;
	int fd = dial(port), status;

	while (!a->closed && now_ms() < end) {
		struct pollfd p = { .fd = fd,
				    .events = (short)(POLLIN | (sent < len ? POLLOUT : 0)) };

		if (poll(&p, 1, 100) > 0 && (p.revents & POLLOUT)) {
			ssize_t n = send(fd, bytes + sent, len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);

			sent = n < 0 ? (errno == EAGAIN ? sent : len) : sent + (size_t)n;
		}
		if (p.revents & (POLLIN | POLLHUP | POLLERR))
			(void)read_some(fd, a);
		if (o->stays && a->len && answers(a, o, &status) >= o->answers)
			break;
	}
	// One that is to stay must take another request.
	if (o->stays && !a->closed && send(fd, "GET /", 5, MSG_NOSIGNAL) == 5) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if (poll(&p, 1, 20) > 0)
			(void)read_some(fd, a);
	}
	close(fd);
	free(bytes);
}

static bool table_one(unsigned port, const struct odd *o)
{
	struct answer a = { .text = calloc(1, 1) };
	int status, n;
	bool ok;

	talk(port, o, &a);
	n = answers(&a, o, &status);
	ok = a.closed == !o->stays && !strstr(a.text, "smuggled");
	if (n == 0 && (o->lax || o->want == 0))
		; // closed without a word
	else
		ok = ok && n == o->answers && status == o->want;
	if (!ok)
		printf("FAIL %s: %d answers, status %d, %s; expected %d, %d, %s\n%.200s\n", o->name,
		       n, status, a.closed ? "closed" : "open", o->answers, o->want,
		       o->stays ? "open" : "closed", a.text);
	else if (getenv("VERBOSE"))
		printf("%-45s %d\n", o->name, status);
	free(a.text);
	return ok;
}

static int table(unsigned port)
{
	double worst = 0, ms;
	int bad = 0;

	for (size_t i = 0; i < odd_count; i++) {
		bad += !table_one(port, &odd_table[i]);
		ms = healthy(port);
		if (ms < 0 || ms > 1000) {
			printf("FAIL after %s: the healthy request: %.0f ms\n", odd_table[i].name,
			       ms);
			bad++;
		}
		worst = ms > worst ? ms : worst;
	}
	printf("%zu odd requests, %d wrong; healthy ones at most %.1f ms\n", odd_count, bad, worst);
	return bad ? 1 : 0;
}

int main(int argc, char **argv)
{
	unsigned port = argc > 1 ? (unsigned)atoi(argv[1]) : 0;
	unsigned n = argc > 3 ? (unsigned)atoi(argv[3]) : 0;
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
		l.rlim_cur = l.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &l);
	}
	if (argc == 3 && !strcmp(argv[2], "table"))
		return table(port);
	if (argc == 4 && !strcmp(argv[2], "slow"))
		return crowd_slow(port, n);
	if (argc == 5 && !strcmp(argv[2], "wait"))
		return crowd_wait(port, n, argv[4], false);
	if (argc == 5 && !strcmp(argv[2], "leave"))
		return crowd_wait(port, n, argv[4], true);
	fprintf(stderr, "usage: odd PORT table | slow N | wait N PATH | leave N PATH\n");
	return 2;
}
