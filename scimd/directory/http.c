// SPDX-License-Identifier: MIT
//
// The server's life and its place in the loop; see http.h and http_internal.h.
#include "scimd/directory/http.h"
#include "scimd/base/fail.h"
#include "scimd/directory/http_internal.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define HTTP_ROUNDS 8         // turns of the library before the rest of the loop has its turn
#define HTTP_ROUNDS_IDLE 1024 // turns in a row in which no callback came
#define HTTP_REST_US 5000

void http_kick(struct http_server *s)
{
	(void)sd_event_source_set_enabled(s->kick, SD_EVENT_ONESHOT);
}

static void http_turn(struct http_server *s)
{
	MHD_UNSIGNED_LONG_LONG wait;

	for (int i = 0; i < HTTP_ROUNDS; i++) {
		(void)MHD_run(s->mhd);
		// No timeouts are asked of the library: it wants to go on now or not at all.
		if (MHD_get_timeout(s->mhd, &wait) != MHD_YES || wait > 0) {
			s->rounds = 0;
			return;
		}
	}
	// A chunk's size line that fills the library's buffer makes it want to go on without
	// end and without doing anything. Until the deadline ends that it goes on slowly.
	s->rounds += HTTP_ROUNDS;
	if (s->rounds < HTTP_ROUNDS_IDLE) {
		http_kick(s);
		return;
	}
	(void)sd_event_source_set_time_relative(s->rest, HTTP_REST_US);
	(void)sd_event_source_set_enabled(s->rest, SD_EVENT_ONESHOT);
}

static int http_on_io(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	(void)source, (void)fd, (void)revents;
	http_turn(arg);
	return 0;
}

static int http_on_kick(sd_event_source *source, void *arg)
{
	(void)source;
	http_turn(arg);
	return 0;
}

static int http_on_rest(sd_event_source *source, uint64_t usec, void *arg)
{
	(void)source, (void)usec;
	http_turn(arg);
	return 0;
}

static enum MHD_Result http_admit(void *arg, const struct sockaddr *a, socklen_t len)
{
	const struct http_server *s = arg;

	(void)a, (void)len;
	return s->count < s->count_max ? MHD_YES : MHD_NO;
}

static size_t http_keep_escapes(void *arg, struct MHD_Connection *m, char *text)
{
	(void)arg, (void)m;
	return strlen(text);
}

static int http_start(struct http_server *s, const struct http_options *o, int fd, struct fail *f)
{
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, NULL },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, NULL },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0,
		  (void *)(uintptr_t) "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2" },
		{ MHD_OPTION_END, 0, NULL },
	};
	unsigned flags = MHD_USE_EPOLL | MHD_USE_SUSPEND_RESUME | (s->cert ? MHD_USE_TLS : 0U);
	unsigned per_address = o->per_address_max ? o->per_address_max : s->count_max;

	if (s->cert) {
		tls[0].ptr_value = (void *)(uintptr_t)tls_cert_pem(s->cert);
		tls[1].ptr_value = (void *)(uintptr_t)tls_key_pem(s->cert);
	} else {
		tls[0].option = MHD_OPTION_END;
	}
	s->mhd = MHD_start_daemon(
		flags, 0, http_admit, s, request_step, s, MHD_OPTION_LISTEN_SOCKET, fd,
		// One more than is admitted: the library would leave the rest in the queue,
		// where they learn nothing and keep others out.
		MHD_OPTION_CONNECTION_LIMIT, s->count_max + 1, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
		per_address, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_HEAD_POOL,
#if MHD_VERSION >= 0x00097601
		MHD_OPTION_CLIENT_DISCIPLINE_LVL, 1,
#else
		MHD_OPTION_STRICT_FOR_CLIENT, 1,
#endif
		MHD_OPTION_NOTIFY_CONNECTION, conn_notify, s, MHD_OPTION_NOTIFY_COMPLETED,
		request_end, s, MHD_OPTION_URI_LOG_CALLBACK, request_new, s,
		MHD_OPTION_UNESCAPE_CALLBACK, http_keep_escapes, NULL, MHD_OPTION_ARRAY, tls,
		MHD_OPTION_END);
	if (s->mhd)
		return 0;
	close(fd);
	return fail(f, EIO, "the HTTP library does not start");
}

static int http_join_loop(struct http_server *s)
{
	const union MHD_DaemonInfo *i = MHD_get_daemon_info(s->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	int r;

	if (!i)
		return -EIO;
	r = sd_event_add_io(s->event, &s->io, i->epoll_fd, EPOLLIN, http_on_io, s);
	if (r >= 0)
		r = sd_event_add_defer(s->event, &s->kick, http_on_kick, s);
	// A deferred source counts as the one that has waited longest, always: among equals
	// it would keep everybody else from their turn.
	if (r >= 0)
		r = sd_event_source_set_priority(s->kick, SD_EVENT_PRIORITY_NORMAL + 1);
	if (r >= 0)
		r = sd_event_add_time_relative(s->event, &s->rest, CLOCK_MONOTONIC, 0, 1000,
					       http_on_rest, s);
	return r < 0 ? r : conn_setup(s);
}

int http_server_new(struct sd_event *event, const struct http_options *o,
		    const struct http_calls *calls, struct http_server **out, struct fail *f)
{
	struct http_server *s = calloc(1, sizeof(*s));
	int r, fd = -1;

	if (!s)
		return fail(f, ENOMEM, "out of memory");
	s->event = sd_event_ref(event);
	s->calls = *calls;
	s->watch_fd = -1;
	s->body_max = o->body_max ? o->body_max : (size_t)1 << 20;
	s->idle_ms = o->idle_ms ? o->idle_ms : 60000;
	s->total_ms = o->total_ms ? o->total_ms : 30000;
	s->count_max = listen_room(o->connections_max ? o->connections_max : 12000);
	r = -EINVAL;
	if (!o->tls_cert != !o->tls_key) {
		(void)fail(f, EINVAL, "tls_cert and tls_key are given together or not at all");
		goto out;
	}
	if (o->tls_cert) {
		s->cert_path = strdup(o->tls_cert);
		s->key_path = strdup(o->tls_key);
		r = s->cert_path && s->key_path ? tls_load(s->cert_path, s->key_path, &s->cert, f)
						: fail(f, ENOMEM, "out of memory");
		if (r < 0)
			goto out;
	}
	r = listen_open(o->listen, s->cert != NULL, &fd, &s->port, f);
	if (r == 0)
		r = http_start(s, o, fd, f);
	if (r < 0)
		goto out;
	r = http_join_loop(s);
	if (r < 0) {
		(void)fail(f, -r, "event loop: %s", strerror(-r));
		goto out;
	}
	*out = s;
	return 0;
out:
	http_server_free(s);
	return r;
}

unsigned http_server_port(const struct http_server *s)
{
	return s->port;
}

unsigned http_server_connections(const struct http_server *s)
{
	return s->count;
}

int http_server_reload_tls(struct http_server *s, struct fail *f)
{
	struct tls_cert *fresh;
	int r;

	if (!s->cert)
		return 0;
	r = tls_load(s->cert_path, s->key_path, &fresh, f);
	if (r < 0)
		return r;
	tls_unref(s->cert);
	s->cert = fresh;
	return 0;
}

void http_server_free(struct http_server *s)
{
	if (!s)
		return;
	// The last turn of the library finds new requests, too, whose owner is half gone.
	s->ending = true;
	// The library must not be stopped while connections are suspended.
	for (struct http_conn *c = s->conns; c; c = c->next)
		if (c->waiting)
			conn_lost(c);
	if (s->mhd) {
		(void)MHD_run(s->mhd);
		MHD_stop_daemon(s->mhd);
	}
	(void)sd_event_source_disable_unref(s->io);
	(void)sd_event_source_disable_unref(s->kick);
	(void)sd_event_source_disable_unref(s->rest);
	(void)sd_event_source_disable_unref(s->watch);
	(void)sd_event_source_disable_unref(s->tick);
	if (s->watch_fd >= 0)
		close(s->watch_fd);
	if (s->gzip_ready)
		(void)deflateEnd(&s->gzip);
	tls_unref(s->cert);
	free(s->cert_path);
	free(s->key_path);
	sd_event_unref(s->event);
	free(s);
}
