// SPDX-License-Identifier: MIT
//
// The listening socket: "127.0.0.1:8643", "[::]:8643". What is not TLS is bound to
// loopback only: tokens and people's data do not cross a network in the clear.
#include "scimd/base/fail.h"
#include "scimd/directory/http_internal.h"
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define LISTEN_BACKLOG 1024
#define LISTEN_OTHER_FILES 128 // descriptors that are not connections

union listen_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static int listen_parse(const char *text, union listen_address *a, struct fail *f)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN] = "", *end;
	size_t len = colon ? (size_t)(colon - text) : 0;
	bool v6 = len >= 2 && text[0] == '[' && text[len - 1] == ']';
	unsigned long port;

	memset(a, 0, sizeof(*a));
	if (v6)
		len -= 2;
	if (!colon || len == 0 || len >= sizeof(host))
		goto bad;
	memcpy(host, text + v6, len);
	port = strtoul(colon + 1, &end, 10);
	if (colon[1] < '0' || colon[1] > '9' || *end || port > 65535)
		goto bad;
	a->any.sa_family = v6 ? AF_INET6 : AF_INET;
	if (v6)
		a->v6.sin6_port = htons((uint16_t)port);
	else
		a->v4.sin_port = htons((uint16_t)port);
	if (inet_pton(a->any.sa_family, host,
		      v6 ? (void *)&a->v6.sin6_addr : (void *)&a->v4.sin_addr) == 1)
		return 0;
bad:
	return fail(f, EINVAL,
		    "\"%s\" is not an address and a port, as in 127.0.0.1:8643 or [::]:8643", text);
}

static bool listen_is_loopback(const union listen_address *a)
{
	if (a->any.sa_family == AF_INET)
		return ntohl(a->v4.sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr);
}

bool http_listen_any(const char *listen)
{
	union listen_address a;

	if (listen_parse(listen, &a, NULL) < 0)
		return false;
	if (a.any.sa_family == AF_INET)
		return a.v4.sin_addr.s_addr == htonl(INADDR_ANY);
	return IN6_IS_ADDR_UNSPECIFIED(&a.v6.sin6_addr);
}

int listen_open(const char *text, bool tls, int *fd_out, unsigned *port_out, struct fail *f)
{
	union listen_address a;
	socklen_t len = sizeof(a);
	const int yes = 1, no = 0;
	int fd, r = listen_parse(text, &a, f);

	if (r < 0)
		return r;
	if (!tls && !listen_is_loopback(&a))
		return fail(f, EINVAL,
			    "%s is not a loopback address: without tls_cert and tls_key only "
			    "127.0.0.1 or [::1] is served (put a proxy in front, or give both)",
			    text);
	fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(f, errno, "socket: %s", strerror(errno));
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (a.any.sa_family == AF_INET6) // [::] serves IPv4 too
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));
	if (bind(fd, &a.any, a.any.sa_family == AF_INET ? sizeof(a.v4) : sizeof(a.v6)) < 0 ||
	    listen(fd, LISTEN_BACKLOG) < 0 || getsockname(fd, &a.any, &len) < 0) {
		r = fail(f, errno, "cannot listen on %s: %s", text, strerror(errno));
		close(fd);
		return r;
	}
	*port_out = ntohs(a.any.sa_family == AF_INET ? a.v4.sin_port : a.v6.sin6_port);
	*fd_out = fd;
	return 0;
}

unsigned listen_room(unsigned wanted)
{
	struct rlimit l;
	rlim_t need = (rlim_t)wanted + LISTEN_OTHER_FILES;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0)
		return wanted;
	if (l.rlim_cur < need) {
		l.rlim_cur = l.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &l);
		(void)getrlimit(RLIMIT_NOFILE, &l);
	}
	if (l.rlim_cur >= need)
		return wanted;
	return l.rlim_cur > 2 * LISTEN_OTHER_FILES ? (unsigned)(l.rlim_cur - LISTEN_OTHER_FILES)
						   : LISTEN_OTHER_FILES;
}
