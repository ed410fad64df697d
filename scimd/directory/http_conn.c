// SPDX-License-Identifier: MIT
//
// Connections: the deadline of each, and clients that leave while they wait.
//
// Deadlines are kept in a wheel: arming one costs nothing, and a connection that
// is not due yet when its slot comes by stays there for the next turn. The
// library's own timeout is for silence only; one byte a second would get past it.
//
// A suspended connection is out of the library's sight, so a client that leaves
// is noticed here, by an epoll descriptor of our own.
#include "scimd/directory/http_internal.h"
#include <errno.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define WATCH_EVENTS 64

static uint64_t conn_now(const struct http_server *s)
{
	uint64_t us = 0;

	(void)sd_event_now(s->event, CLOCK_MONOTONIC, &us);
	return us / 1000;
}

static void conn_off_wheel(struct http_conn *c)
{
	if (!c->wheel_back)
		return;
	*c->wheel_back = c->wheel_next;
	if (c->wheel_next)
		c->wheel_next->wheel_back = c->wheel_back;
	c->wheel_back = NULL;
}

static void conn_on_wheel(struct http_conn *c, struct http_conn **slot)
{
	c->wheel_next = *slot;
	c->wheel_back = slot;
	if (*slot)
		(*slot)->wheel_back = &c->wheel_next;
	*slot = c;
}

void conn_due(struct http_conn *c, uint64_t ms)
{
	struct http_server *s = c->server;

	conn_off_wheel(c);
	c->due = conn_now(s) + ms;
	// The slot after the one it falls in, so that it is due when its slot is looked at.
	conn_on_wheel(c, &s->wheel[(c->due / WHEEL_TICK + 1) % WHEEL_SLOTS]);
}

static void conn_shut(struct http_conn *c)
{
	// The library sees the end of the stream and cleans up.
	(void)shutdown(c->fd, SHUT_RDWR);
	http_kick(c->server);
}

// While a body comes in the library takes no answer, and it writes nothing itself.
static void conn_send(struct http_conn *c, const char *text, size_t len)
{
	const union MHD_ConnectionInfo *i;

	if (c->server->cert) {
		i = MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
		if (i && i->tls_session)
			(void)gnutls_record_send(i->tls_session, text, len);
	} else {
		(void)send(c->fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	}
}

static void conn_end(struct http_conn *c, const char *text, size_t len)
{
	conn_send(c, text, len);
	if (c->request)
		c->request->dead = true;
	conn_shut(c);
}

static size_t conn_line(char text[256], int status, const char *why)
{
	int len =
		snprintf(text, 256,
			 "HTTP/1.1 %d %s\r\nContent-Length: 0\r\nConnection: close\r\n%s\r\n",
			 status, why, status == 503 ? "Retry-After: " HTTP_RETRY_BUSY "\r\n" : "");

	return (size_t)len;
}

void conn_say(struct http_conn *c, int status, const char *why)
{
	char text[256];

	conn_end(c, text, conn_line(text, status, why));
}

void conn_tell(struct http_conn *c, int status, const char *why)
{
	char text[256];

	conn_send(c, text, conn_line(text, status, why));
	(void)shutdown(c->fd, SHUT_WR);
	c->request->drain = c->request->told = true;
	conn_due(c, HTTP_DRAIN_MS);
}

static enum MHD_Result conn_header(void *arg, enum MHD_ValueKind kind, const char *name,
				   const char *value)
{
	(void)kind;
	if (strcasecmp(name, "Content-Length") && strcasecmp(name, "Connection"))
		(void)buf_printf(arg, "%s: %s\r\n", name, value);
	return MHD_YES;
}

void conn_answer(struct http_conn *c)
{
	const struct http_request *r = c->request;
	struct buf b = BUF_INIT;

	(void)buf_printf(&b, "HTTP/1.1 %u %s\r\n", r->status, MHD_get_reason_phrase_for(r->status));
	(void)MHD_get_response_headers(r->response, conn_header, &b);
	(void)buf_printf(&b, "Content-Length: %zu\r\nConnection: close\r\n\r\n", r->plain_len);
	if (r->plain && strcmp(r->method, "HEAD") != 0)
		(void)buf_add(&b, r->plain, r->plain_len);
	if (buf_ok(&b))
		conn_end(c, b.data, b.len);
	else
		conn_lost(c);
	buf_free(&b);
}

void conn_wait(struct http_conn *c)
{
	struct epoll_event e = { .events = EPOLLRDHUP, .data.ptr = c };

	MHD_suspend_connection(c->mhd);
	c->waiting = true;
	(void)epoll_ctl(c->server->watch_fd, EPOLL_CTL_ADD, c->fd, &e);
}

void conn_resume(struct http_conn *c)
{
	if (!c->waiting)
		return;
	c->waiting = false;
	(void)epoll_ctl(c->server->watch_fd, EPOLL_CTL_DEL, c->fd, NULL);
	MHD_resume_connection(c->mhd);
	http_kick(c->server);
}

void conn_lost(struct http_conn *c)
{
	struct http_request *r = c->request;

	if (r && !r->dead) {
		r->dead = r->phase != HTTP_ANSWERED;
		if (r->phase == HTTP_HANDED && !r->response && c->server->calls.gone)
			c->server->calls.gone(c->server->calls.arg, r);
	}
	conn_shut(c);
	conn_resume(c);
}

static int conn_on_watch(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	struct epoll_event e[WATCH_EVENTS];
	int n = epoll_wait(fd, e, WATCH_EVENTS, 0);

	(void)source, (void)revents, (void)arg;
	for (int i = 0; i < n; i++) {
		struct http_conn *c = e[i].data.ptr;

		if (c->waiting) // an earlier one of this batch may have led to its answer
			conn_lost(c);
	}
	return 0;
}

static void conn_overdue(struct http_conn *c)
{
	struct http_request *r = c->request;

	if (r && r->phase == HTTP_READING && !r->dead && r->drain && r->response)
		conn_answer(c);
	else if (r && r->phase == HTTP_READING && !r->dead && !r->told)
		conn_say(c, 408, "Request Timeout");
	else
		conn_lost(c);
}

// One slot. It is taken out whole: what gone() does may move any other connection.
static void conn_turn(struct http_server *s, uint64_t slot, uint64_t now)
{
	struct http_conn *todo = s->wheel[slot], *later = NULL, *c;

	s->wheel[slot] = NULL;
	if (todo)
		todo->wheel_back = &todo;
	while ((c = todo)) {
		conn_off_wheel(c);
		if (c->due <= now)
			conn_overdue(c);
		else
			conn_on_wheel(c, &later);
	}
	while ((c = later)) {
		conn_off_wheel(c);
		conn_on_wheel(c, &s->wheel[slot]);
	}
}

static int conn_on_tick(sd_event_source *source, uint64_t usec, void *arg)
{
	struct http_server *s = arg;
	uint64_t now = conn_now(s), end = now / WHEEL_TICK;

	(void)usec;
	if (end - s->wheel_at > WHEEL_SLOTS)
		s->wheel_at = end - WHEEL_SLOTS;
	while (s->wheel_at < end)
		conn_turn(s, ++s->wheel_at % WHEEL_SLOTS, now);
	if (sd_event_source_set_time_relative(source, WHEEL_TICK * 1000) < 0)
		return 0;
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int conn_setup(struct http_server *s)
{
	int r;

	s->wheel_at = conn_now(s) / WHEEL_TICK;
	s->watch_fd = epoll_create1(EPOLL_CLOEXEC);
	if (s->watch_fd < 0)
		return -errno;
	r = sd_event_add_io(s->event, &s->watch, s->watch_fd, EPOLLIN, conn_on_watch, s);
	if (r >= 0)
		r = sd_event_add_time_relative(s->event, &s->tick, CLOCK_MONOTONIC,
					       WHEEL_TICK * 1000, WHEEL_TICK * 500, conn_on_tick,
					       s);
	return r < 0 ? r : 0;
}

struct http_conn *conn_of(struct MHD_Connection *m)
{
	const union MHD_ConnectionInfo *i =
		MHD_get_connection_info(m, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return i ? i->socket_context : NULL;
}

static void conn_started(struct http_server *s, struct MHD_Connection *m, void **slot)
{
	const union MHD_ConnectionInfo *i =
		MHD_get_connection_info(m, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct http_conn *c = calloc(1, sizeof(*c));

	s->count++;
	*slot = c;
	if (!i)
		return;
	if (!c || (s->cert && tls_use(s->cert, m) < 0)) {
		// Without its context a connection gets no request either; see request_new.
		(void)shutdown(i->connect_fd, SHUT_RDWR);
		*slot = NULL;
		free(c);
		return;
	}
	c->server = s;
	c->mhd = m;
	c->fd = i->connect_fd;
	c->cert = tls_ref(s->cert);
	c->next = s->conns;
	c->back = &s->conns;
	if (c->next)
		c->next->back = &c->next;
	s->conns = c;
	conn_due(c, s->idle_ms < s->total_ms ? s->idle_ms : s->total_ms); // handshake, first line
}

void conn_notify(void *arg, struct MHD_Connection *m, void **slot,
		 enum MHD_ConnectionNotificationCode code)
{
	struct http_server *s = arg;
	struct http_conn *c = *slot;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		conn_started(s, m, slot);
		return;
	}
	s->count--;
	*slot = NULL;
	if (!c)
		return;
	conn_off_wheel(c);
	*c->back = c->next;
	if (c->next)
		c->next->back = c->back;
	if (c->request)
		c->request->conn = NULL;
	tls_unref(c->cert);
	free(c);
}
