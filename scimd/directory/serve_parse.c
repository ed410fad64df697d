// SPDX-License-Identifier: MIT
//
// A request's body, from bytes to JSON. A small one is parsed where it comes in. A large
// one is parsed on the reader's thread, so that nobody waits for it, and only one of
// them is in the works at a time: parsed, it takes twenty times its bytes.
#include "scimd/base/fail.h"
#include "scimd/directory/serve_internal.h"
#include <json-c/json.h>
#include <limits.h>
#include <malloc.h>
#include <string.h>

#define PARSE_LARGE 65536 // bytes

// More values than this are no resource: a group's members are one in fifty bytes.
static size_t parse_values_max(size_t len)
{
	return 65536 + len / 24;
}

// How many values a body has at most, known without parsing it; up to where it is
// deeper than the parser goes.
static size_t parse_values(const char *text, size_t len)
{
	size_t n = 0, depth = 0;
	bool string = false;

	for (size_t i = 0; i < len && depth <= SERVE_JSON_DEPTH; i++) {
		char c = text[i];

		if (c == '"') {
			string = !string;
		} else if (string) {
			i += c == '\\';
		} else if (c == ',' || c == '{' || c == '[') {
			n++;
			depth += c != ',';
		} else if ((c == '}' || c == ']') && depth) {
			depth--;
		}
	}
	return n;
}

// On either thread: rq->body, or rq->problem.
static void parse_text(struct serve_request *rq, const char *text, size_t len)
{
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
	if (e != json_tokener_success || !rq->body)
		(void)scim_problem(&rq->problem, 400, "invalidSyntax", "the body is not JSON: %s",
				   e == json_tokener_continue ? "it ends too early"
							      : json_tokener_error_desc(e));
}

static void parse_handle(struct serve_request *rq)
{
	if (rq->problem.status)
		serve_problem(rq, &rq->problem);
	else
		rq->route->run(rq);
}

// ---------------------------------------------------------------- large bodies

static int parse_run(struct store_txn *t, struct writer_job *j, struct fail *f)
{
	struct serve_request *rq = serve_of(j);

	(void)t, (void)f;
	parse_text(rq, buf_text(&rq->text), rq->text.len);
	buf_free(&rq->text);
	return 0;
}

static void parse_done(struct writer_job *j)
{
	struct serve_request *rq = serve_of(j);

	if (!serve_job_over(rq))
		return;
	if (j->r < 0)
		serve_error(rq, j->r, &j->fail);
	else
		parse_handle(rq);
}

static void parse_next(struct serve *s)
{
	struct serve_request *rq = s->large;

	if (!rq || rq->turn == SERVE_TURN_HAS || s->ending)
		return;
	rq->turn = SERVE_TURN_HAS;
	http_body_move(rq->http, &rq->text); // the client may go away
	serve_start(s->reader, rq, parse_run, parse_done);
}

void serve_parse_end(struct serve_request *rq)
{
	struct serve_request **at = &rq->s->large;
	bool had = rq->turn == SERVE_TURN_HAS;

	json_object_put(rq->body);
	rq->body = NULL;
	buf_free(&rq->text);
	if (rq->turn == SERVE_TURN_NONE)
		return;
	while (*at != rq)
		at = &(*at)->large_next;
	*at = rq->large_next;
	rq->turn = SERVE_TURN_NONE;
	if (had)
		(void)malloc_trim(0);
	parse_next(rq->s);
}

void serve_parse(struct serve_request *rq)
{
	struct serve_request **at = &rq->s->large;
	size_t len;
	const char *text = http_body(rq->http, &len);

	if (len <= PARSE_LARGE) {
		parse_text(rq, text, len);
		parse_handle(rq);
		return;
	}
	if (parse_values(text, len) > parse_values_max(len)) {
		(void)scim_problem(&rq->problem, 413, NULL,
				   "the body has more than %zu values, too many for its size",
				   parse_values_max(len));
		serve_problem(rq, &rq->problem);
		return;
	}
	while (*at)
		at = &(*at)->large_next;
	*at = rq;
	rq->turn = SERVE_TURN_WAITS;
	parse_next(rq->s);
}
