// SPDX-License-Identifier: MIT
//
// The server's life, and what every request passes: who asks, where, may it.
#include "scimd/directory/serve.h"
#include "scimd/base/clock.h"
#include "scimd/base/log.h"
#include "scimd/directory/conf.h"
#include "scimd/directory/db.h"
#include "scimd/directory/serve_internal.h"
#include "scimd/store/store.h"
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

// ------------------------------------------------------------------ requests

static void request_free(struct serve_request *rq)
{
	serve_events_forget(rq);
	json_object_put(rq->body);
	free(rq->kept_id);
	free(rq->if_match);
	find_free(&rq->query);
	buf_free(&rq->out);
	free(rq);
}

// Segments of the path after the base's, compared one by one. *id_out: that of "{}".
static bool route_fits(const struct http_request *r, size_t from, const char *path,
		       const char **id_out)
{
	size_t i = from;

	for (const char *p = path; *p == '/'; i++) {
		size_t len = strcspn(++p, "/");
		const char *have = http_segment(r, i);

		if (!have)
			return false;
		if (len == 2 && memcmp(p, "{}", 2) == 0) {
			if (!*have || strcmp(have, ".search") == 0)
				return false;
			*id_out = have;
		} else if (strlen(have) != len || memcmp(have, p, len) != 0) {
			return false;
		}
		p += len;
	}
	// A final slash is tolerated.
	return !http_segment(r, i) || (!*http_segment(r, i) && !http_segment(r, i + 1));
}

// How many segments the base has, or SIZE_MAX when the path does not begin with it.
static size_t route_base(const struct serve *s, const struct http_request *r)
{
	size_t i = 0;

	for (const char *p = s->conf->base_path; *p == '/'; i++) {
		size_t len = strcspn(++p, "/");
		const char *have = http_segment(r, i);

		if (len == 0)
			break;
		if (!have || strlen(have) != len || memcmp(have, p, len) != 0)
			return SIZE_MAX;
		p += len;
	}
	return i;
}

// The row, or NULL with the methods that the path has in allow ("" if none).
static const struct serve_route *route_find(struct serve_request *rq, char *allow, size_t room)
{
	size_t base = route_base(rq->s, rq->http), at = 0;
	const char *method = http_method(rq->http);

	allow[0] = '\0';
	if (strcmp(method, "HEAD") == 0)
		method = "GET";
	for (const struct serve_route *row = serve_routes; row->method; row++) {
		bool root = row->path[0] == '!';

		if ((!root && base == SIZE_MAX) ||
		    !route_fits(rq->http, root ? 0 : base, row->path + root, &rq->id))
			continue;
		if (strcmp(row->method, method) == 0)
			return row;
		at += (size_t)snprintf(allow + at, room > at ? room - at : 0, "%s%s",
				       at ? ", " : "", row->method);
	}
	return NULL;
}

// The secret of "Bearer X" or, for browsers, the password of "Basic …".
static bool request_secret(const struct http_request *r, struct buf *secret)
{
	const char *h = http_header(r, "Authorization");

	if (!h)
		return false;
	if (strncasecmp(h, "Bearer ", 7) == 0)
		return buf_str(secret, h + 7 + strspn(h + 7, " ")) == 0;
	return strncasecmp(h, "Basic ", 6) == 0 && token_basic(h + 6, secret) == 0;
}

static int request_who(struct serve_request *rq)
{
	struct buf secret = { .secret = true };
	struct store_txn *t;
	int r = request_secret(rq->http, &secret) ? store_view(rq->s->store, &t, NULL) : -ENOENT;

	if (r == 0) {
		r = token_check(t, secret.data, clock_wall(), &rq->token);
		store_view_end(t);
	}
	buf_free(&secret);
	return r;
}

static void request_refuse(struct serve_request *rq, int status, const char *why)
{
	(void)scim_problem(&rq->problem, status, NULL, "%s", why);
	serve_problem(rq, &rq->problem);
}

static bool request_json(const struct http_request *r)
{
	const char *type = http_header(r, "Content-Type");

	return !type || strncasecmp(type, "application/scim+json", 21) == 0 ||
	       strncasecmp(type, "application/json", 16) == 0 ||
	       strncasecmp(type, "text/json", 9) == 0;
}

static void request_not_here(struct serve_request *rq, const char *allow)
{
	struct http_reply reply = { 405, "application/scim+json",
				    (const char *const[]){ "Allow", allow, NULL } };

	if (!*allow) {
		request_refuse(rq, 404, "there is no such endpoint");
		return;
	}
	(void)scim_problem(&rq->problem, 405, NULL, "%s is not possible here, only %s",
			   http_method(rq->http), allow);
	rq->s->answers[4]++;
	struct json_object *o = scim_problem_json(&rq->problem);

	(void)buf_str(&rq->out, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	json_object_put(o);
	http_answer(rq->http, &reply, &rq->out);
}

// What a job needs of the request, the client being there or not.
static bool request_keep(struct serve_request *rq)
{
	const char *match = http_header(rq->http, "If-Match");

	(void)snprintf(rq->peer, sizeof(rq->peer), "%s", http_peer(rq->http));
	rq->if_match = match ? strdup(match) : NULL;
	rq->kept_id = rq->id ? strdup(rq->id) : NULL;
	if ((match && !rq->if_match) || (rq->id && !rq->kept_id))
		return false;
	rq->id = rq->kept_id;
	return true;
}

// Who asks comes before everything else: without a token nobody learns what there is.
static bool serve_head(void *arg, struct http_request *r)
{
	struct serve *s = arg;
	struct serve_request *rq = calloc(1, sizeof(*rq));
	char allow[128];

	if (!rq) {
		http_answer(r, &(struct http_reply){ .status = 503 }, NULL);
		return false;
	}
	rq->s = s;
	rq->http = r;
	http_set_arg(r, rq);
	rq->route = route_find(rq, allow, sizeof(allow));
	if (!(rq->route && rq->route->who == SERVE_ANYONE) && request_who(rq) < 0)
		request_refuse(rq, 401, "a valid token is needed: Authorization: Bearer …");
	else if (!rq->route)
		request_not_here(rq, allow);
	else if (rq->route->who == SERVE_WRITE && rq->token.scope != TOKEN_WRITE)
		request_refuse(rq, 403, "this token may read only");
	else if (rq->route->body && !request_json(r))
		request_refuse(rq, 415, "the body must be application/scim+json");
	else if (!request_keep(rq))
		request_refuse(rq, 503, "out of memory");
	else
		return true;
	return false;
}

static bool request_parse(struct serve_request *rq)
{
	size_t len;
	const char *text = http_body(rq->http, &len);
	struct json_tokener *tok = len <= INT_MAX ? json_tokener_new_ex(SERVE_JSON_DEPTH) : NULL;
	enum json_tokener_error e = json_tokener_error_parse_eof;

	if (tok) {
		json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
		rq->body = json_tokener_parse_ex(tok, text, (int)len);
		e = json_tokener_get_error(tok);
		if (e == json_tokener_success && json_tokener_get_parse_end(tok) < len &&
		    strspn(text + json_tokener_get_parse_end(tok), " \t\r\n") !=
			    len - json_tokener_get_parse_end(tok))
			e = json_tokener_error_parse_unexpected;
		json_tokener_free(tok);
	}
	if (e == json_tokener_success && rq->body)
		return true;
	(void)scim_problem(&rq->problem, 400, "invalidSyntax", "the body is not JSON: %s",
			   e == json_tokener_continue ? "it ends too early"
						      : json_tokener_error_desc(e));
	serve_problem(rq, &rq->problem);
	return false;
}

static void serve_handle(void *arg, struct http_request *r)
{
	struct serve_request *rq = http_arg(r);

	(void)arg;
	if (rq->route->body && !request_parse(rq))
		return;
	rq->route->run(rq);
}

static void serve_gone(void *arg, struct http_request *r)
{
	struct serve_request *rq = http_arg(r);

	(void)arg;
	serve_events_forget(rq);
	rq->http = NULL;
}

static void serve_end(void *arg, struct http_request *r)
{
	struct serve_request *rq = http_arg(r);

	(void)arg;
	if (!rq)
		return;
	rq->http = NULL;
	if (!rq->busy)
		request_free(rq);
}

static void serve_refuse(void *arg, int status, const char *why, const char **type,
			 struct buf *body)
{
	struct scim_problem p = { 0 };
	struct json_object *o;

	(void)arg;
	(void)scim_problem(&p, status, status == 400 ? "invalidSyntax" : NULL, "%s", why);
	o = scim_problem_json(&p);
	if (o && buf_str(body, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN)) == 0)
		*type = "application/scim+json";
	json_object_put(o);
}

// ---------------------------------------------------------------------- jobs

bool serve_job_over(struct serve_request *rq)
{
	rq->busy = false;
	serve_events_wake(rq->s);
	if (rq->http)
		return true;
	request_free(rq); // what was written stays written
	return false;
}

static void serve_job_done(struct writer_job *j)
{
	struct serve_request *rq = (struct serve_request *)j;

	if (!serve_job_over(rq))
		return;
	if (j->r == -EINVAL && rq->problem.status)
		serve_problem(rq, &rq->problem);
	else if (j->r < 0)
		serve_error(rq, j->r, &j->fail);
	else
		serve_body(rq, rq->status, NULL);
}

void serve_start(struct writer *w, struct serve_request *rq,
		 int (*run)(struct store_txn *t, struct writer_job *j, struct fail *f),
		 void (*done)(struct writer_job *j))
{
	rq->job.run = run;
	rq->job.done = done;
	rq->busy = true;
	writer_put(w, &rq->job);
}

void serve_write(struct serve_request *rq,
		 int (*run)(struct store_txn *t, struct writer_job *j, struct fail *f))
{
	serve_start(rq->s->writer, rq, run, serve_job_done);
}

void serve_read(struct serve_request *rq,
		int (*run)(struct store_txn *t, struct writer_job *j, struct fail *f))
{
	serve_start(rq->s->reader, rq, run, serve_job_done);
}

// ------------------------------------------------------------------ the server

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

static int serve_base(struct serve *s, struct fail *f)
{
	const struct directory_conf *c = s->conf;
	const char *colon = strrchr(c->listen, ':');
	int host = colon ? (int)(colon - c->listen) : (int)strlen(c->listen);
	int n = c->url ? asprintf(&s->base, "%s", c->url)
		       : asprintf(&s->base, "%s://%.*s:%u%s", c->tls_cert ? "https" : "http", host,
				  c->listen, http_server_port(s->http), c->base_path);

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
		log_error("the certificate in use stays: %s", f.text);
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
	const struct http_calls calls = { s,          serve_head, serve_handle,
					  serve_gone, serve_end,  serve_refuse };
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
		log_info("serving %s on port %u", s.base, http_server_port(s.http));
		(void)sd_notify(false, "READY=1");
		r = sd_event_loop(s.event);
		(void)sd_notify(false, "STOPPING=1");
	}
	if (r < 0)
		log_error("%s", f.text[0] ? f.text : strerror(-r));
	serve_events_end(&s);
	// Jobs first: what waits for them is answered or forgotten, then the connections go.
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
