// SPDX-License-Identifier: MIT
//
// The server's life: opening, signals, the loop, the end. What a request passes is
// in serve_request.c.
#include "scimd/directory/serve.h"
#include "scimd/base/clock.h"
#include "scimd/base/log.h"
#include "scimd/directory/conf.h"
#include "scimd/directory/serve_internal.h"
#include "scimd/store/store.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

static int serve_secret(struct store_txn *t, void *arg, struct fail *f)
{
	unsigned char secret[32];
	const void *known;
	size_t len;

	(void)arg;
	(void)f;
	if (store_state_get(t, "cursor-secret", &known, &len) == 0)
		return 0;
	if (getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret))
		return -EIO;
	return store_state_put(t, "cursor-secret", secret, sizeof(secret));
}

// Where every address is listened on, locations bear the machine's name.
static int serve_base(struct serve *s, struct fail *f)
{
	const struct directory_conf *c = s->conf;
	const char *colon = strrchr(c->listen, ':'), *host = c->listen;
	int len = colon ? (int)(colon - c->listen) : (int)strlen(c->listen), n;
	char name[HOST_NAME_MAX + 1] = "";

	if (!c->url && http_listen_any(c->listen)) {
		if (gethostname(name, sizeof(name) - 1) < 0 || !name[0])
			return fail(f, EINVAL, "this machine has no name: url is needed beside %s",
				    c->listen);
		host = name;
		len = (int)strlen(name);
	}
	n = c->url ? asprintf(&s->base, "%s", c->url)
		   : asprintf(&s->base, "%s://%.*s:%u%s", c->tls_cert ? "https" : "http", len, host,
			      http_server_port(s->http), c->base_path);
	if (n < 0)
		return fail(f, ENOMEM, "out of memory");
	while (n > 0 && s->base[n - 1] == '/')
		s->base[--n] = '\0';
	return 0;
}

static int serve_on_signal(sd_event_source *src, const struct signalfd_siginfo *si, void *arg)
{
	struct serve *s = arg;
	struct fail f = { "" };

	(void)src;
	if (si->ssi_signo != SIGHUP)
		return sd_event_exit(s->event, 0);
	(void)sd_notify(false, "RELOADING=1");
	if (http_server_reload_tls(s->http, &f) < 0)
		log_event(EVENT_CERTIFICATE_KEPT, NULL, "the certificate in use stays: %s", f.text);
	(void)sd_notify(false, "READY=1");
	return 0;
}

static int serve_signals(struct serve *s, struct fail *f)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	sigset_t set;
	int r = 0;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < 3; i++)
		(void)sigaddset(&set, signals[i]);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; r >= 0 && i < 3; i++)
		r = sd_event_add_signal(s->event, NULL, signals[i], serve_on_signal, s);
	return r < 0 ? fail(f, -r, "event loop: %s", strerror(-r)) : 0;
}

// One server for a state folder; the command line may write beside it.
static int serve_lock(const char *dir, struct fail *f)
{
	char path[PATH_MAX];
	int fd;

	if (snprintf(path, sizeof(path), "%s/serving.lock", dir) >= (int)sizeof(path))
		return fail(f, ENAMETOOLONG, "%s: name too long", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fail(f, errno, "%s: %s", path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		(void)close(fd);
		return fail(f, EBUSY, "%s: another scim-directory serves from here", dir);
	}
	return fd;
}

static int serve_open(struct serve *s, struct fail *f)
{
	const struct directory_conf *c = s->conf;
	const struct http_calls calls = serve_calls(s);
	const struct http_options o = { .listen = c->listen,
					.tls_cert = c->tls_cert,
					.tls_key = c->tls_key,
					.body_max = c->body_max,
					.connections_max = c->connections,
					.total_ms = (uint64_t)c->request_timeout * 1000 };
	int r = directory_store(c, &s->store, f);

	if (r == 0)
		r = store_apply(s->store, serve_secret, NULL, f);
	if (r == 0) // before there are threads: they inherit what is blocked
		r = serve_signals(s, f);
	if (r == 0)
		r = writer_new(s->event, s->store, WRITER_WRITES, &s->writer, f);
	if (r == 0)
		r = writer_new(s->event, s->store, WRITER_READS, &s->reader, f);
	if (r == 0)
		r = http_server_new(s->event, &o, &calls, &s->http, f);
	if (r == 0)
		r = serve_events_begin(s, f);
	return r < 0 ? r : serve_base(s, f);
}

int serve_run(const struct directory_conf *c)
{
	struct serve s = { .conf = c,
			   .limits = { c->page_size, c->page_max },
			   .started = clock_wall() };
	struct fail f = { "" };
	int lock = serve_lock(c->state_dir, &f), r = lock < 0 ? lock : sd_event_default(&s.event);

	if (r >= 0) {
		(void)sd_event_set_watchdog(s.event, true);
		r = serve_open(&s, &f);
	}
	if (r == 0) {
		log_event(EVENT_DIRECTORY_SERVING, NULL, "serving %s on port %u", s.base,
			  http_server_port(s.http));
		(void)sd_notify(false, "READY=1");
		r = sd_event_loop(s.event);
		(void)sd_notify(false, "STOPPING=1");
	}
	if (r < 0)
		log_event(EVENT_DIRECTORY_FAILED, NULL, "%s", f.text[0] ? f.text : strerror(-r));
	serve_events_end(&s);
	// Jobs first: what waits for them is answered or forgotten, then the connections go.
	s.ending = true;
	writer_free(s.writer);
	writer_free(s.reader);
	http_server_free(s.http);
	store_close(s.store);
	sd_event_unref(s.event);
	free(s.base);
	if (lock >= 0)
		(void)close(lock);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
