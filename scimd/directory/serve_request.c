// SPDX-License-Identifier: MIT
//
// What every request passes: who asks, where, may it; then its route's handler,
// and the jobs it starts. serve.c above it is the server's life.
#include "scimd/base/clock.h"
#include "scimd/base/fail.h"
#include "scimd/directory/conf.h"
#include "scimd/directory/serve_internal.h"
#include "scimd/store/store.h"
#include <errno.h>
#include <json-c/json.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct serve_request *serve_of(struct writer_job *j)
{
	return (void *)((char *)j - offsetof(struct serve_request, job));
}

void serve_free(struct serve_request *rq)
{
	stream_poll_free(&rq->poll);
	serve_read_end(rq);
	serve_parse_end(rq);
	free(rq->kept_id);
	free(rq->if_match);
	find_free(&rq->query);
	buf_free(&rq->out);
	free(rq);
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

// Whether a web page lets a browser send this: it adds the token that somebody typed in for
// the operator's page to whatever any other page asks it to send here.
static bool request_from_page(const struct http_request *r)
{
	const char *h = http_header(r, "Authorization"), *method = http_method(r);

	return h && strncasecmp(h, "Basic ", 6) == 0 && strcmp(method, "GET") != 0 &&
	       strcmp(method, "HEAD") != 0 &&
	       (http_header(r, "Origin") || http_header(r, "Sec-Fetch-Site"));
}

struct request_use { // of a token: written at most once a minute
	struct writer_job job;
	struct token token;
};

static int request_use_run(struct store_txn *t, struct writer_job *j, struct fail *f)
{
	const struct request_use *u = (struct request_use *)j;
	int r = token_used(t, &u->token, clock_wall());

	(void)f;
	return r == -ENOENT ? 0 : r; // revoked in the meantime
}

static void request_use_done(struct writer_job *j)
{
	free(j);
}

static void request_used(struct serve *s, const struct token *token)
{
	int64_t now = clock_wall();
	struct request_use *u;

	// Until that is written, who comes in the same minute would write it, too.
	if (now - token->used < TOKEN_USED_MS ||
	    (now - s->used_at < TOKEN_USED_MS && strcmp(s->used_id, token->id) == 0))
		return;
	u = calloc(1, sizeof(*u));
	if (!u)
		return;
	u->token = *token;
	u->job.run = request_use_run;
	u->job.done = request_use_done;
	s->used_at = now;
	memcpy(s->used_id, token->id, sizeof(s->used_id));
	writer_put(s->writer, &u->job);
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
	if (r == 0)
		request_used(rq->s, &rq->token);
	return r;
}

// Who asked may do so no more: the token was revoked, or has expired, since the head.
static bool request_over(struct store_txn *t, struct serve_request *rq)
{
	int r;

	if (rq->route->who == SERVE_ANYONE)
		return false;
	r = token_still(t, rq->token.hash, clock_wall());
	if (r != -ENOENT && r != -ETIME)
		return false; // a store that fails says so where it is used
	(void)scim_problem(&rq->problem, 401, NULL, "the token is not valid any more");
	return true;
}

// The same once the body is there, which may have taken its time.
static bool request_is_over(struct serve_request *rq)
{
	struct store_txn *t;
	bool over;

	if (store_view(rq->s->store, &t, NULL) < 0)
		return false;
	over = request_over(t, rq);
	store_view_end(t);
	return over;
}

static void request_refuse(struct serve_request *rq, int status, const char *why)
{
	(void)scim_problem(&rq->problem, status, NULL, "%s", why);
	serve_problem(rq, &rq->problem);
}

static bool request_json(const struct http_request *r)
{
	static const char *const known[] = { "application/scim+json", "application/json",
					     "text/json" };
	const char *type = http_header(r, "Content-Type");
	size_t len = type ? strcspn(type, "; \t") : 0;

	if (!type)
		return true;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (len == strlen(known[i]) && strncasecmp(type, known[i], len) == 0)
			return true;
	return false;
}

static bool request_coded(const struct http_request *r)
{
	const char *coding = http_header(r, "Content-Encoding");

	return coding && *coding && strcasecmp(coding, "identity") != 0;
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
	(void)serve_problem_text(&rq->problem, &rq->out);
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
	rq->route = serve_route_find(rq, allow, sizeof(allow));
	if (!(rq->route && rq->route->who == SERVE_ANYONE) && request_who(rq) < 0)
		request_refuse(rq, 401,
			       "a valid token is needed: Authorization: Bearer …, or as the "
			       "password of HTTP Basic");
	else if (request_from_page(r))
		request_refuse(rq, 403, "a web page may not do this with a browser's token");
	else if (!rq->route)
		request_not_here(rq, allow);
	else if (rq->route->who == SERVE_WRITE && rq->token.scope != TOKEN_WRITE)
		request_refuse(rq, 403, "this token may read only");
	else if (rq->route->body && !request_json(r))
		request_refuse(rq, 415, "the body must be application/scim+json");
	else if (rq->route->body && request_coded(r))
		request_refuse(rq, 415, "the body must not be compressed");
	else if (!request_keep(rq))
		request_refuse(rq, 503, "out of memory");
	else
		return true;
	return false;
}

static void serve_handle(void *arg, struct http_request *r)
{
	struct serve_request *rq = http_arg(r);

	(void)arg;
	if (rq->route->body && request_is_over(rq))
		serve_problem(rq, &rq->problem);
	else if (rq->route->body)
		serve_parse(rq);
	else
		rq->route->run(rq);
}

static void serve_gone(void *arg, struct http_request *r)
{
	struct serve_client *c = http_arg(r);

	(void)arg;
	if (c->waits)
		serve_events_gone((struct serve_poll *)c);
	else
		((struct serve_request *)c)->gone = true;
}

static void serve_end(void *arg, struct http_request *r)
{
	struct serve_client *c = http_arg(r);
	struct serve_request *rq = (struct serve_request *)c;

	(void)arg;
	if (!c || c->waits) {
		free(c);
		return;
	}
	rq->http = NULL;
	if (!rq->busy)
		serve_free(rq);
}

static void serve_refuse(void *arg, int status, const char *why, const char **type,
			 struct buf *body)
{
	struct scim_problem p = { 0 };

	(void)arg;
	(void)scim_problem(&p, status, status == 400 ? "invalidSyntax" : NULL, "%s", why);
	if (serve_problem_text(&p, body) == 0)
		*type = "application/scim+json";
}

// ---------------------------------------------------------------------- jobs

bool serve_job_over(struct serve_request *rq)
{
	rq->busy = false;
	serve_read_end(rq);
	serve_events_wake(rq->s);
	if (rq->http)
		return !rq->gone; // where it is gone, its end is to come
	serve_free(rq);           // what was written stays written
	return false;
}

void serve_job_done(struct writer_job *j)
{
	struct serve_request *rq = serve_of(j);

	if (!serve_job_over(rq))
		return;
	if (j->r < 0)
		serve_error(rq, j->r, &j->fail);
	else
		serve_body(rq, rq->status, NULL);
}

// A job may have waited; what it writes is written in the transaction that knows the token.
static int request_run(struct store_txn *t, struct writer_job *j, struct fail *f)
{
	struct serve_request *rq = serve_of(j);

	return request_over(t, rq) ? -EINVAL : rq->run(t, j, f);
}

void serve_start(struct writer *w, struct serve_request *rq,
		 int (*run)(struct store_txn *t, struct writer_job *j, struct fail *f),
		 void (*done)(struct writer_job *j))
{
	rq->run = run;
	rq->job.run = request_run;
	rq->job.done = done;
	rq->busy = true;
	writer_put(w, &rq->job);
}

void serve_write(struct serve_request *rq,
		 int (*run)(struct store_txn *t, struct writer_job *j, struct fail *f))
{
	serve_start(rq->s->writer, rq, run, serve_job_done);
}

struct http_calls serve_calls(struct serve *s)
{
	return (struct http_calls){
		s, serve_head, serve_handle, serve_gone, serve_end, serve_refuse
	};
}
