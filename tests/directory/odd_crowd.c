// SPDX-License-Identifier: MIT
//
// Thousands of connections at once: such as drip, and such as wait.
#include "odd.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CROWD_PATIENCE_MS 30000

struct counts {
	unsigned waiting, gone, open, connections;
	unsigned long resident; // KiB
};

static bool counts_get(unsigned port, struct counts *c)
{
	static const char ask[] = "GET /counts HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
	int fd = dial(port);
	char in[4096], *p;
	size_t len = 0;
	ssize_t n;

	if (send(fd, ask, sizeof(ask) - 1, MSG_NOSIGNAL) < 0)
		len = 0;
	while ((n = recv(fd, in + len, sizeof(in) - len - 1, 0)) > 0)
		len += (size_t)n;
	in[len] = 0;
	close(fd);
	p = strstr(in, "waiting ");
	return p && sscanf(p, "waiting %u gone %u open %u connections %u resident %lu", &c->waiting,
			   &c->gone, &c->open, &c->connections, &c->resident) == 5;
}

// Until the counts say so. Polls, because the counts are only to be had by asking.
static bool counts_reach(unsigned port, struct counts *c, unsigned waiting, unsigned gone)
{
	double end = now_ms() + CROWD_PATIENCE_MS;

	while (counts_get(port, c) && now_ms() < end)
		if (c->waiting == waiting && c->gone >= gone)
			return true;
	printf("waiting %u gone %u, not %u and %u\n", c->waiting, c->gone, waiting, gone);
	return false;
}

static unsigned closed_of(struct pollfd *p, unsigned n)
{
	char in[512];
	unsigned closed = 0;

	for (unsigned i = 0; i < n; i++) {
		if (p[i].fd < 0) {
			closed++;
			continue;
		}
		if (recv(p[i].fd, in, sizeof(in), MSG_DONTWAIT) == 0 ||
		    (errno != EAGAIN && errno != EWOULDBLOCK && errno != 0)) {
			close(p[i].fd);
			p[i].fd = -1;
			closed++;
		}
		errno = 0;
	}
	return closed;
}

// Drip by kind: the first line, the headers, a body by length, a body in chunks.
static const char *const drips[] = {
	"GET /echo?a=",
	"GET /echo HTTP/1.1\r\nHost: x\r\nX-One: ",
	"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n",
	"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;",
};

int crowd_slow(unsigned port, unsigned n)
{
	struct pollfd *p = calloc(n, sizeof(*p));
	double start = now_ms(), worst = 0, ms;
	unsigned at = 0, closed = 0;

	for (unsigned i = 0; i < n; i++) {
		const char *d = drips[i % 4];

		p[i].fd = dial(port);
		if (send(p[i].fd, d, strlen(d), MSG_NOSIGNAL) < 0)
			perror("send");
	}
	while (closed < n && now_ms() - start < CROWD_PATIENCE_MS) {
		// A few bytes here and there, so that none is ever silent for long.
		for (unsigned i = 0; i < n / 10; i++, at = (at + 1) % n)
			if (p[at].fd >= 0)
				(void)send(p[at].fd, "a", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		ms = healthy(port);
		worst = ms < 0 ? 1e9 : ms > worst ? ms : worst;
		closed = closed_of(p, n);
	}
	printf("%u of %u slow connections closed after %.1f s; healthy ones at most %.1f ms\n",
	       closed, n, (now_ms() - start) / 1e3, worst);
	return closed == n && worst < 1000 ? 0 : 1;
}

static bool crowd_wake(unsigned port, struct pollfd *p, unsigned n)
{
	static const char ask[] = "GET /wake HTTP/1.1\r\nHost: x\r\n\r\n";
	int fd = dial(port);
	double start = now_ms();
	unsigned woken = 0;
	char in[512];

	if (send(fd, ask, sizeof(ask) - 1, MSG_NOSIGNAL) < 0)
		return false;
	for (unsigned i = 0; i < n; i++) {
		ssize_t len;

		if (poll(&p[i], 1, CROWD_PATIENCE_MS) != 1)
			break;
		len = recv(p[i].fd, in, sizeof(in) - 1, 0);
		in[len > 0 ? len : 0] = 0;
		woken += strstr(in, "\r\n\r\nwoken") != NULL;
	}
	close(fd);
	printf("%u of %u woken in %.0f ms\n", woken, n, now_ms() - start);
	return woken == n;
}

int crowd_wait(unsigned port, unsigned n, const char *path, bool leave)
{
	struct pollfd *p = calloc(n, sizeof(*p));
	struct counts c = { 0 }, before = { 0 };
	char ask[512];
	int len = snprintf(ask, sizeof(ask),
			   "GET %s HTTP/1.1\r\nHost: directory.example.com\r\nUser-Agent: odd\r\n"
			   "Authorization: Bearer 0123456789abcdef0123456789abcdef\r\n"
			   "Accept: application/scim+json\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n",
			   path);
	bool ok = counts_get(port, &before);

	for (unsigned i = 0; i < n; i++) {
		p[i].fd = dial(port);
		p[i].events = POLLIN;
	}
	// Twice on the same connection: the second time all of its memory has been touched.
	for (int round = 0; ok && round < 2; round++) {
		for (unsigned i = 0; i < n; i++)
			ok &= send(p[i].fd, ask, (size_t)len, MSG_NOSIGNAL) == len;
		ok = ok && counts_reach(port, &c, n, 0);
		printf("%u wait: %lu KiB resident (%lu before), healthy %.1f ms\n", c.waiting,
		       c.resident, before.resident, healthy(port));
		if (round == 1 && leave)
			break;
		ok = ok && crowd_wake(port, p, n);
	}
	for (unsigned i = 0; i < n; i++)
		close(p[i].fd);
	if (leave)
		ok = ok && counts_reach(port, &c, 0, before.gone + n);
	return ok && c.resident <= 100 * 1024 ? 0 : 1;
}
