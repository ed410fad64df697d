// SPDX-License-Identifier: MIT
//
// How a request is answered, and its jobs; see serve_internal.h.
#include "scimd/base/fail.h"
#include "scimd/base/log.h"
#include "scimd/directory/serve_internal.h"
#include "scimd/scim/json.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#define SERVE_TYPE "application/scim+json"

static void answer_send(struct serve_request *rq, int status, const char *type)
{
	const char *headers[9]; // ETag, Location, two for who asks without a token
	struct http_reply reply = { .status = status, .type = type, .headers = headers };
	size_t n = 0;

	if (rq->etag[0]) {
		headers[n++] = "ETag";
		headers[n++] = rq->etag;
	}
	if (rq->location[0]) {
		headers[n++] = status == 201 ? "Location" : "Content-Location";
		headers[n++] = rq->location;
	}
	if (status == 401) {
		headers[n++] = "WWW-Authenticate";
		headers[n++] = SERVE_BEARER;
	}
	// What people look at with a browser, which then asks them.
	if (status == 401 && rq->route && rq->route->path[0] == '!') {
		headers[n++] = "WWW-Authenticate";
		headers[n++] = "Basic realm=\"scim-directory: the token is the password\", "
			       "charset=\"UTF-8\"";
	}
	headers[n] = NULL;
	if (status >= 100 && status < 600)
		rq->s->answers[status / 100]++;
	// Not when it has been read: a client may take its time for that.
	serve_parse_end(rq);
	http_answer(rq->http, &reply, &rq->out);
}

// What was written is said whatever it takes; what was only asked for can be asked again.
bool serve_room(struct serve_request *rq)
{
	if (!rq->route || rq->route->who != SERVE_READ || http_answer_room(rq->http, rq->out.len))
		return true;
	(void)scim_problem(&rq->problem, 503, NULL, "too many large answers are not read yet");
	buf_free(&rq->out);
	serve_problem(rq, &rq->problem);
	return false;
}

void serve_body(struct serve_request *rq, int status, const char *type)
{
	if (!serve_room(rq))
		return;
	answer_send(rq, status, status == 204 ? NULL : type ? type : SERVE_TYPE);
}

void serve_json(struct serve_request *rq, int status, struct json_object *o)
{
	size_t len = 0;
	const char *text =
		o ? json_object_to_json_string_length(
			    o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len)
		  : NULL;

	buf_clear(&rq->out);
	if (text)
		(void)buf_add(&rq->out, text, len);
	json_object_put(o);
	serve_body(rq, text && buf_ok(&rq->out) ? status : 500, NULL);
}

void serve_problem(struct serve_request *rq, const struct scim_problem *p)
{
	rq->etag[0] = rq->location[0] = '\0';
	serve_json(rq, p->status ? p->status : 500, scim_problem_json(p));
}

int serve_problem_text(const struct scim_problem *p, struct buf *out)
{
	struct json_object *o = scim_problem_json(p);
	int r = o ? buf_str(out, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN))
		  : -ENOMEM;

	json_object_put(o);
	return r;
}

void serve_error(struct serve_request *rq, int r, const struct fail *f)
{
	struct scim_problem p = { 0 };

	if (r == -EINVAL && rq->problem.status) {
		serve_problem(rq, &rq->problem);
		return;
	}
	if (r == -ENOSPC)
		(void)scim_problem(&p, 507, NULL, "no space is left; nothing was changed");
	else if (r == -ENOMEM)
		(void)scim_problem(&p, 503, NULL, "out of memory; nothing was changed");
	else
		(void)scim_problem(&p, 500, NULL, "the store failed; nothing was changed");
	log_event(EVENT_REQUEST_FAILED, NULL, "%s %s: %s", http_method(rq->http),
		  http_path(rq->http), f && f->text[0] ? f->text : fail_word(r));
	serve_problem(rq, &p);
}

bool serve_etag_matches(struct serve_request *rq, const char *etag)
{
	const char *said = http_header(rq->http, "If-None-Match");

	return said && render_etag_listed(said, etag);
}

void serve_not_modified(struct serve_request *rq, const char *etag)
{
	if (etag != rq->etag)
		memcpy(rq->etag, etag, strlen(etag) + 1);
	rq->location[0] = '\0';
	buf_clear(&rq->out);
	answer_send(rq, 304, NULL);
}

struct change serve_change(const struct serve_request *rq)
{
	return (struct change){ .actor = rq->token.name,
				.peer = rq->peer,
				.if_match = rq->if_match };
}

struct render serve_render(const struct serve_request *rq)
{
	return (struct render){ .base = rq->s->base, .pr = rq->query.projection };
}
