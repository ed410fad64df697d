// SPDX-License-Identifier: MIT
//
// Load on an HTTP server: N connections, each sends a request, waits for the
// whole answer and sends the next, until R requests are answered.
//
//   load [-c CONNECTIONS] [-n REQUESTS] [-m METHOD] [-H "Name: value"]… [-b BODY]
//        [-i FIRST-LAST] [-s STEP] [-r] [-t] [-w SECONDS] ADDRESS PORT PATH
//
//   %d in PATH and in BODY becomes a number of the range of -i, in steps, or with -r by
//   chance (a fixed seed); %D the same in twelve digits. Prints, as one line: requests per
//   second, p50 and p99 in milliseconds, bytes of bodies per second, how many answers had
//   which class, and when (seconds since 1970) the last one was in:
//     31022.4 1/s  p50 1.91 ms  p99 3.20 ms  31.0 MB/s  2xx 100000  end 1700000000.123
//   -w: gives up (exit 1) when nothing came for so long (10). Exit 1 too when an answer
//   is not a 2xx or a connection ends early. -t: over TLS, whoever the server is.
//   Answers by length or chunked. With as many requests as connections each asks once.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HEAD_MAX 8192
#define TEXT_MAX 65536
#define EVENTS 256

enum place { IN_HEAD, IN_BODY, IN_SIZE, IN_CHUNK, IN_CHUNK_END, IN_TRAILER };

struct conn {
	int fd;
	gnutls_session_t tls;
	enum place place;
	bool chunked, busy;
	char line[HEAD_MAX]; // head or chunk-size line so far
	size_t line_len;
	uint64_t left, started;
};

static struct {
	const char *method, *path, *body;
	char headers[4096];
	unsigned conns, first, last, step;
	unsigned long wanted, sent, got;
	bool random, tls;
	gnutls_certificate_credentials_t trust;
	int patience;
	struct sockaddr_in to;
	uint32_t *taken; // µs of each answer
	uint64_t bytes;
	unsigned long classes[6];
	int epoll;
	uint64_t seed;
	unsigned next;
} run = {
	.method = "GET",
	.conns = 64,
	.step = 1,
	.wanted = 100000,
	.patience = 10,
	.seed = 88172645463325252U,
};

static void die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static unsigned number(void)
{
	unsigned span = run.last - run.first + 1, n;

	if (!run.random) {
		n = run.first + run.next;
		run.next = (run.next + run.step) % span;
		return n;
	}
	run.seed ^= run.seed << 13;
	run.seed ^= run.seed >> 7;
	run.seed ^= run.seed << 17;
	return run.first + (unsigned)(run.seed % span);
}

static size_t put(char *out, size_t room, const char *template, unsigned n)
{
	size_t len = 0;

	for (const char *p = template; *p && len + 16 < room; p++) {
		if (p[0] == '%' && (p[1] == 'd' || p[1] == 'D')) {
			len += (size_t)snprintf(out + len, room - len, p[1] == 'd' ? "%u" : "%012u",
						n);
			p++;
		} else {
			out[len++] = *p;
		}
	}
	out[len] = 0;
	return len;
}

static void ask(struct conn *c)
{
	static char path[HEAD_MAX], body[TEXT_MAX / 2], text[TEXT_MAX];
	unsigned n = number();
	size_t body_len = run.body ? put(body, sizeof(body), run.body, n) : 0;
	int len;

	(void)put(path, sizeof(path), run.path, n);
	len = snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\nHost: load\r\n%s", run.method, path,
		       run.headers);
	if (run.body)
		len += snprintf(text + len, sizeof(text) - (size_t)len, "Content-Length: %zu\r\n",
				body_len);
	len += snprintf(text + len, sizeof(text) - (size_t)len, "\r\n%.*s", (int)body_len,
			run.body ? body : "");
	if (len >= (int)sizeof(text)) {
		fprintf(stderr, "load: the request is too long\n");
		exit(1);
	}
	c->busy = true;
	c->place = IN_HEAD;
	c->line_len = 0;
	run.sent++;
	c->started = now_us();
	if ((c->tls ? gnutls_record_send(c->tls, text, (size_t)len)
		    : send(c->fd, text, (size_t)len, MSG_NOSIGNAL)) != len)
		die("send");
}

static void answered(struct conn *c)
{
	run.taken[run.got++] = (uint32_t)(now_us() - c->started);
	c->busy = false;
	if (run.sent < run.wanted)
		ask(c);
}

static void head_in(struct conn *c)
{
	const char *p = c->line, *v;
	int status;

	if (sscanf(p, "HTTP/1.%*d %d", &status) != 1 || status < 200 || status > 599) {
		fprintf(stderr, "load: not an answer: %.40s\n", p);
		exit(1);
	}
	run.classes[status / 100]++;
	v = strcasestr(p, "\nContent-Length:");
	c->left = v ? strtoull(v + 16, NULL, 10) : 0;
	c->chunked = strcasestr(p, "\nTransfer-Encoding: chunked") != NULL;
	c->line_len = 0;
	c->place = c->chunked ? IN_SIZE : IN_BODY;
	if (!c->chunked && (c->left == 0 || !strcmp(run.method, "HEAD")))
		answered(c);
}

// One line of a head or of chunked framing; true when it is whole.
static bool line_in(struct conn *c, const char **p, const char *end, const char *mark)
{
	size_t mark_len = strlen(mark);

	while (*p < end) {
		if (c->line_len + 1 >= sizeof(c->line)) {
			fprintf(stderr, "load: a line or head without an end\n");
			exit(1);
		}
		c->line[c->line_len++] = *(*p)++;
		c->line[c->line_len] = 0;
		if (c->line_len >= mark_len && !strcmp(c->line + c->line_len - mark_len, mark))
			return true;
	}
	return false;
}

static void data_in(struct conn *c, const char *p, const char *end)
{
	while (p < end && c->busy) {
		uint64_t n = (uint64_t)(end - p) < c->left ? (uint64_t)(end - p) : c->left;

		switch (c->place) {
		case IN_HEAD:
			if (line_in(c, &p, end, "\r\n\r\n"))
				head_in(c);
			break;
		case IN_BODY:
		case IN_CHUNK:
			p += n;
			c->left -= n;
			run.bytes += n;
			if (c->left == 0 && c->place == IN_BODY)
				answered(c);
			else if (c->left == 0)
				c->place = IN_CHUNK_END;
			break;
		case IN_CHUNK_END:
		case IN_SIZE:
		case IN_TRAILER:
			if (!line_in(c, &p, end, "\r\n"))
				break;
			c->left = c->place == IN_SIZE ? strtoull(c->line, NULL, 16) : 0;
			if (c->place == IN_TRAILER && c->line_len == 2)
				answered(c);
			else if (c->place == IN_CHUNK_END)
				c->place = IN_SIZE;
			else if (c->place == IN_SIZE)
				c->place = c->left ? IN_CHUNK : IN_TRAILER;
			c->line_len = 0;
			break;
		}
	}
}

// What is there, or -1 with errno EAGAIN.
static ssize_t take(struct conn *c, char *data, size_t room)
{
	ssize_t n;

	if (!c->tls)
		return recv(c->fd, data, room, MSG_DONTWAIT);
	n = gnutls_record_recv(c->tls, data, room);
	errno = n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED ? EAGAIN : EPROTO;
	return n < 0 ? -1 : n;
}

static void readable(struct conn *c)
{
	static char data[262144];
	ssize_t n;

	do {
		n = take(c, data, sizeof(data));
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			if (n == 0)
				errno = EPIPE;
			die("a connection ended");
		}
		data_in(c, data, data + n);
	} while (c->tls && gnutls_record_check_pending(c->tls));
}

static ssize_t pull_now(gnutls_transport_ptr_t fd, void *data, size_t room)
{
	return recv((int)(intptr_t)fd, data, room, MSG_DONTWAIT);
}

static void handshake(struct conn *c)
{
	int r;

	if (gnutls_init(&c->tls, GNUTLS_CLIENT | GNUTLS_NO_TICKETS) < 0 ||
	    gnutls_set_default_priority(c->tls) < 0 ||
	    gnutls_credentials_set(c->tls, GNUTLS_CRD_CERTIFICATE, run.trust) < 0)
		die("TLS");
	gnutls_transport_set_int(c->tls, c->fd);
	do
		r = gnutls_handshake(c->tls);
	while (r < 0 && !gnutls_error_is_fatal(r));
	if (r < 0) {
		fprintf(stderr, "load: TLS: %s\n", gnutls_strerror(r));
		exit(1);
	}
	gnutls_transport_set_pull_function(c->tls, pull_now);
}

static struct conn *connect_all(void)
{
	struct conn *all = calloc(run.conns, sizeof(*all));
	struct rlimit l;
	int yes = 1;

	if (!all)
		die("memory");
	if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
		l.rlim_cur = l.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &l);
	}
	if (run.tls && gnutls_certificate_allocate_credentials(&run.trust) < 0)
		die("TLS");
	run.epoll = epoll_create1(EPOLL_CLOEXEC);
	for (unsigned i = 0; i < run.conns; i++) {
		struct epoll_event e = { .events = EPOLLIN, .data.ptr = &all[i] };

		all[i].fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (all[i].fd < 0 ||
		    connect(all[i].fd, (struct sockaddr *)&run.to, sizeof(run.to)) < 0)
			die("connect");
		(void)setsockopt(all[i].fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
		if (run.tls)
			handshake(&all[i]);
		if (run.conns == run.wanted) // who waits for the last one may be too late
			ask(&all[i]);
		if (epoll_ctl(run.epoll, EPOLL_CTL_ADD, all[i].fd, &e) < 0)
			die("epoll");
	}
	return all;
}

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static int report(uint64_t us)
{
	double s = (double)us / 1e6;
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	qsort(run.taken, run.got, sizeof(*run.taken), by_size);
	printf("%.1f 1/s  p50 %.2f ms  p99 %.2f ms  %.1f MB/s ", (double)run.got / s,
	       run.taken[run.got / 2] / 1e3, run.taken[run.got * 99 / 100] / 1e3,
	       (double)run.bytes / s / 1e6);
	for (int i = 2; i < 6; i++)
		if (run.classes[i])
			printf(" %dxx %lu", i, run.classes[i]);
	printf("  end %lld.%03ld\n", (long long)end.tv_sec, end.tv_nsec / 1000000);
	return run.classes[2] == run.got ? 0 : 1;
}

static void options(int argc, char **argv)
{
	int o;

	while ((o = getopt(argc, argv, "c:n:m:H:b:i:s:rtw:")) != -1) {
		size_t used = strlen(run.headers);

		if (o == 'c')
			run.conns = (unsigned)strtoul(optarg, NULL, 10);
		else if (o == 'n')
			run.wanted = strtoul(optarg, NULL, 10);
		else if (o == 'm')
			run.method = optarg;
		else if (o == 'H')
			snprintf(run.headers + used, sizeof(run.headers) - used, "%s\r\n", optarg);
		else if (o == 'b')
			run.body = optarg;
		else if (o == 'i' && sscanf(optarg, "%u-%u", &run.first, &run.last) == 2)
			continue;
		else if (o == 's')
			run.step = (unsigned)strtoul(optarg, NULL, 10);
		else if (o == 'r')
			run.random = true;
		else if (o == 't')
			run.tls = true;
		else if (o == 'w')
			run.patience = atoi(optarg);
		else
			exit(2);
	}
	if (argc - optind != 3 || run.conns == 0 || run.wanted == 0 || run.last < run.first ||
	    inet_pton(AF_INET, argv[optind], &run.to.sin_addr) != 1) {
		fprintf(stderr,
			"usage: load [options] ADDRESS PORT PATH (see the head of load.c)\n");
		exit(2);
	}
	run.to.sin_family = AF_INET;
	run.to.sin_port = htons((uint16_t)atoi(argv[optind + 1]));
	run.path = argv[optind + 2];
}

int main(int argc, char **argv)
{
	struct epoll_event e[EVENTS];
	struct conn *all;
	uint64_t start;

	options(argc, argv);
	run.taken = calloc(run.wanted, sizeof(*run.taken));
	if (!run.taken)
		die("memory");
	start = now_us();
	all = connect_all();
	if (run.sent == 0)
		start = now_us();
	for (unsigned i = 0; i < run.conns && run.sent < run.wanted; i++)
		if (!all[i].busy)
			ask(&all[i]);
	while (run.got < run.wanted) {
		int n = epoll_wait(run.epoll, e, EVENTS, run.patience * 1000);

		if (n <= 0) {
			fprintf(stderr, "load: no answer for %d s; %lu of %lu answered\n",
				run.patience, run.got, run.wanted);
			return 1;
		}
		for (int i = 0; i < n; i++)
			readable(e[i].data.ptr);
	}
	return report(now_us() - start);
}
