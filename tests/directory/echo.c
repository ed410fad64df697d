// SPDX-License-Identifier: MIT
//
// A server on scimd/directory/http.h for its tests: it says its port on standard
// output and answers by path.
//
//   /echo            the request as it was understood, one line each
//   /size/N          N bytes;  /stream/N the same of unknown size
//   /break           breaks off in the middle of a stream
//   /wait            waits until somebody asks for /wake
//   /soon            answers later, by the loop
//   /secret          401 at the head, whatever the body
//   /quick           a kilobyte, made once (for figures)
//   /counts          waiting, gone, requests begun and not ended, connections, KiB resident
//
//   echo LISTEN [body_max=N] [idle_ms=N] [total_ms=N] [connections=N] [per_address=N]
//        [cert=FILE key=FILE]          SIGHUP loads the certificate anew, SIGTERM ends
#include "scimd/base/buf.h"
#include "scimd/base/fail.h"
#include "scimd/directory/http.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>
#include <unistd.h>

struct wait {
	struct wait *next, **back;
	struct http_request *r;
};

static struct http_server *server;
static struct wait *waiting;
static unsigned waits, gone, open_requests;

static void on_end(void *arg, struct http_request *r)
{
	struct wait *w = http_arg(r);

	(void)arg;
	open_requests--;
	if (!w)
		return;
	*w->back = w->next;
	if (w->next)
		w->next->back = w->back;
	waits--;
	free(w);
}

static void on_gone(void *arg, struct http_request *r)
{
	struct wait *w = http_arg(r);

	(void)arg;
	gone++;
	if (w)
		w->r = NULL;
}

static void say(struct http_request *r, int status, struct buf *body)
{
	struct http_reply reply = { .status = status, .type = "text/plain" };

	http_answer(r, &reply, body);
}

static bool on_head(void *arg, struct http_request *r)
{
	static const char *const headers[] = { "WWW-Authenticate", "Bearer", NULL };
	struct http_reply reply = { .status = 401, .headers = headers };
	struct buf body = BUF_INIT;

	(void)arg;
	open_requests++;
	if (strcmp(http_segment(r, 0), "secret"))
		return true;
	(void)buf_str(&body, "no\n");
	http_answer(r, &reply, &body);
	return false;
}

static void echo(struct http_request *r)
{
	struct buf out = BUF_INIT;
	const char *s, *v;
	size_t len;

	(void)buf_printf(&out, "method %s\npath %s\npeer %s\n", http_method(r), http_path(r),
			 http_peer(r));
	for (size_t i = 0; (s = http_segment(r, i)); i++)
		(void)buf_printf(&out, "segment <%s>\n", s);
	for (const char *const *q = (const char *const[]){ "a", "b", "filter", NULL }; *q; q++)
		if ((v = http_query(r, *q)))
			(void)buf_printf(&out, "query %s <%s>\n", *q, v);
	v = http_header(r, "x-one");
	if (v)
		(void)buf_printf(&out, "x-one <%s>\n", v);
	v = http_body(r, &len);
	(void)buf_printf(&out, "body %zu <%.*s>\n", len, len < 100 ? (int)len : 100, v);
	say(r, 200, &out);
}

struct flow {
	size_t left;
	bool breaks;
};

// Numbers: compressible, and a mistake in order shows.
static size_t fill(char *out, size_t n, size_t left)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (char)('0' + (left - i) % 10);
	return n;
}

static ssize_t flow_produce(void *arg, char *out, size_t room)
{
	struct flow *f = arg;
	size_t n = f->left < room ? f->left : room;

	if (f->left == 0 && f->breaks)
		return -1;
	(void)fill(out, n, f->left);
	f->left -= n;
	return (ssize_t)n;
}

static void sized(struct http_request *r, size_t n, bool stream, bool breaks)
{
	struct http_reply reply = { .status = 200, .type = "text/plain" };
	struct flow *f;
	struct buf out = BUF_INIT;
	char *data;

	if (stream) {
		f = calloc(1, sizeof(*f));
		f->left = n;
		f->breaks = breaks;
		http_answer_stream(r, &reply, flow_produce, free, f);
		return;
	}
	data = malloc(n + 1);
	(void)buf_add(&out, data, fill(data, n, n));
	free(data);
	http_answer(r, &reply, &out);
}

static void wait_for_it(struct http_request *r, const char *ms)
{
	struct wait *w = calloc(1, sizeof(*w));

	w->r = r;
	w->next = waiting;
	w->back = &waiting;
	if (w->next)
		w->next->back = &w->next;
	waiting = w;
	waits++;
	http_set_arg(r, w);
	if (ms)
		http_extend(r, strtoul(ms, NULL, 10));
}

static void wake(struct http_request *r)
{
	struct buf out = BUF_INIT;

	for (struct wait *w = waiting; w; w = w->next) {
		struct buf woken = BUF_INIT;

		if (!w->r)
			continue;
		(void)buf_str(&woken, "woken\n");
		say(w->r, 200, &woken);
		w->r = NULL;
	}
	(void)buf_str(&out, "done\n");
	say(r, 200, &out);
}

static int on_soon(sd_event_source *s, void *arg)
{
	struct wait *w = arg;
	struct buf out = BUF_INIT;

	(void)buf_str(&out, "soon\n");
	if (w->r)
		say(w->r, 201, &out);
	w->r = NULL;
	sd_event_source_unref(s);
	return 0;
}

static void counts(struct http_request *r)
{
	struct buf out = BUF_INIT;
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (!f || fscanf(f, "%*u %lu", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	(void)buf_printf(&out, "waiting %u\ngone %u\nopen %u\nconnections %u\nresident %lu\n",
			 waits, gone, open_requests, http_server_connections(server),
			 pages * (unsigned long)sysconf(_SC_PAGESIZE) / 1024);
	say(r, 200, &out);
}

static void on_handle(void *arg, struct http_request *r)
{
	const char *what = http_segment(r, 0), *second = http_segment(r, 1);
	size_t n = second ? strtoul(second, NULL, 10) : 0;
	sd_event_source *s = NULL;

	if (!strcmp(what, "echo"))
		echo(r);
	else if (!strcmp(what, "size") || !strcmp(what, "stream"))
		sized(r, n, what[1] == 't', false);
	else if (!strcmp(what, "break"))
		sized(r, 100000, true, true);
	else if (!strcmp(what, "quick"))
		sized(r, 1000, false, false);
	else if (!strcmp(what, "nothing"))
		say(r, 204, NULL);
	else if (!strcmp(what, "wait"))
		wait_for_it(r, http_query(r, "ms"));
	else if (!strcmp(what, "wake"))
		wake(r);
	else if (!strcmp(what, "counts"))
		counts(r);
	else if (!strcmp(what, "soon")) {
		wait_for_it(r, NULL);
		(void)sd_event_add_defer(arg, &s, on_soon, waiting);
	} else {
		say(r, 404, NULL);
	}
}

static void on_refuse(void *arg, int status, const char *why, const char **type, struct buf *body)
{
	(void)arg;
	*type = "text/plain";
	(void)buf_printf(body, "refused %d: %s\n", status, why);
}

static int on_signal(sd_event_source *s, const struct signalfd_siginfo *si, void *arg)
{
	struct fail f;

	(void)s, (void)arg;
	if (si->ssi_signo == SIGTERM)
		return sd_event_exit(sd_event_source_get_event(s), 0);
	if (http_server_reload_tls(server, &f) < 0)
		printf("reload: %s\n", f.text);
	else
		printf("reloaded\n");
	fflush(stdout);
	return 0;
}

static void option(struct http_options *o, const char *a)
{
	const char *v = strchr(a, '=');
	unsigned long n = v ? strtoul(v + 1, NULL, 10) : 0;

	if (!strncmp(a, "body_max=", 9))
		o->body_max = n;
	else if (!strncmp(a, "idle_ms=", 8))
		o->idle_ms = n;
	else if (!strncmp(a, "total_ms=", 9))
		o->total_ms = n;
	else if (!strncmp(a, "connections=", 12))
		o->connections_max = (unsigned)n;
	else if (!strncmp(a, "per_address=", 12))
		o->per_address_max = (unsigned)n;
	else if (!strncmp(a, "cert=", 5))
		o->tls_cert = v + 1;
	else if (!strncmp(a, "key=", 4))
		o->tls_key = v + 1;
}

int main(int argc, char **argv)
{
	struct http_options o = { .listen = argc > 1 ? argv[1] : "127.0.0.1:0" };
	struct http_calls calls = { .head = on_head,
				    .handle = on_handle,
				    .gone = on_gone,
				    .end = on_end,
				    .refuse = on_refuse };
	sd_event *event = NULL;
	sigset_t set;
	struct fail f;

	for (int i = 2; i < argc; i++)
		option(&o, argv[i]);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGPIPE);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (sd_event_new(&event) < 0)
		return 1;
	calls.arg = event;
	if (http_server_new(event, &o, &calls, &server, &f) < 0) {
		fprintf(stderr, "%s\n", f.text);
		return 2;
	}
	(void)sd_event_add_signal(event, NULL, SIGTERM, on_signal, NULL);
	(void)sd_event_add_signal(event, NULL, SIGHUP, on_signal, NULL);
	printf("%u\n", http_server_port(server));
	fflush(stdout);
	(void)sd_event_loop(event);
	http_server_free(server);
	sd_event_unref(event);
	// What was begun must have been ended.
	return open_requests == 0 && waits == 0 ? 0 : 3;
}
