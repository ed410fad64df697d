// SPDX-License-Identifier: MIT
//
// Answers: headers, compression, and handing them to the library, which takes
// them only from inside its own callback: an answer given later waits in the
// request while the connection is woken.
#include "scimd/directory/http_internal.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool answer_bodiless(int status)
{
	return status == 204 || status == 304 || status < 200;
}

// Whether gzip is in the list with a weight that is not 0.
bool answer_gzip_wanted(const char *accept)
{
	while (accept && *accept) {
		size_t len = strcspn(accept, ","), name;
		const char *q;

		while (len > 0 && (*accept == ' ' || *accept == '\t'))
			accept++, len--;
		name = strcspn(accept, ",; \t");
		if (name == 4 && !strncasecmp(accept, "gzip", 4)) {
			q = memchr(accept, '=', len);
			// q=0, q=0.0 … are a no
			return !q || strspn(q + 1, "0.") < len - (size_t)(q + 1 - accept);
		}
		accept += len + (accept[len] == ',');
	}
	return false;
}

void answer_headers(struct MHD_Response *m, const struct http_reply *reply, bool vary, bool gzip)
{
	if (reply->type && !answer_bodiless(reply->status))
		(void)MHD_add_response_header(m, "Content-Type", reply->type);
	for (const char *const *h = reply->headers; h && h[0] && h[1]; h += 2)
		(void)MHD_add_response_header(m, h[0], h[1]);
	if (reply->status == 503 || reply->status == 429)
		(void)MHD_add_response_header(m, "Retry-After",
					      reply->status == 503 ? HTTP_RETRY_BUSY
								   : HTTP_RETRY_MANY);
	if (vary)
		(void)MHD_add_response_header(m, "Vary", "Accept-Encoding");
	if (gzip)
		(void)MHD_add_response_header(m, "Content-Encoding", "gzip");
}

static bool answer_is_coded(const struct http_reply *reply)
{
	for (const char *const *h = reply->headers; h && h[0] && h[1]; h += 2)
		if (!strcasecmp(h[0], "Content-Encoding"))
			return true;
	return false;
}

static struct MHD_Response *answer_plain(struct buf *body)
{
	struct MHD_Response *m;

	if (!body || body->len == 0) {
		buf_free(body);
		return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	}
	m = MHD_create_response_from_buffer(body->len, body->data, MHD_RESPMEM_MUST_FREE);
	if (m)
		*body = (struct buf)BUF_INIT;
	else
		buf_free(body);
	return m;
}

// A short body at once; the compressor is kept for the next. NULL = send it as it is.
static struct MHD_Response *answer_packed(struct http_server *s, struct buf *body)
{
	z_stream *z = &s->gzip;
	struct MHD_Response *m;
	uLong room;
	char *out;

	if (!s->gzip_ready &&
	    deflateInit2(z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return NULL;
	s->gzip_ready = true;
	(void)deflateReset(z);
	room = deflateBound(z, (uLong)body->len);
	out = malloc(room);
	if (!out)
		return NULL;
	z->next_in = (unsigned char *)body->data;
	z->avail_in = (uInt)body->len;
	z->next_out = (unsigned char *)out;
	z->avail_out = (uInt)room;
	if (deflate(z, Z_FINISH) != Z_STREAM_END || z->total_out >= body->len) {
		free(out);
		return NULL;
	}
	m = MHD_create_response_from_buffer(z->total_out, out, MHD_RESPMEM_MUST_FREE);
	if (m)
		buf_free(body);
	else
		free(out);
	return m;
}

// A long body, compressed as it is sent: nobody else waits for it.
struct answer_rest {
	struct buf body;
	size_t at;
};

static ssize_t answer_produce(void *arg, char *out, size_t room)
{
	struct answer_rest *rest = arg;
	size_t left = rest->body.len - rest->at, n = left < room ? left : room;

	memcpy(out, rest->body.data + rest->at, n);
	rest->at += n;
	return (ssize_t)n;
}

static void answer_done(void *arg)
{
	struct answer_rest *rest = arg;

	buf_free(&rest->body);
	free(rest);
}

// NULL and nothing left in body: it was lost, there is no answer to send.
static struct MHD_Response *answer_long(struct http_request *r, struct buf *body)
{
	struct answer_rest *rest = calloc(1, sizeof(*rest));

	if (!rest)
		return NULL;
	rest->body = *body;
	*body = (struct buf)BUF_INIT;
	return stream_new(r, true, answer_produce, answer_done, rest);
}

// Out of memory leaves no response: the connection is then broken.
void answer_give(struct http_request *r, const struct http_reply *reply, struct MHD_Response *m)
{
	r->response = m;
	r->status = (unsigned)reply->status;
	if (!m) {
		r->dead = true;
		conn_due(r->conn, 0);
	}
	if (!r->calling)
		conn_resume(r->conn);
}

bool http_answer_room(const struct http_request *r, size_t len)
{
	return len <= HTTP_SMALL || r->conn->server->answers <= HTTP_ANSWERS_MAX;
}

void http_answer(struct http_request *r, const struct http_reply *reply, struct buf *body)
{
	struct MHD_Response *m = NULL;
	bool vary, gzip, lost;

	if (r->dead || r->response) {
		buf_free(body);
		return;
	}
	if (body && (answer_bodiless(reply->status) || !buf_ok(body)))
		buf_free(body);
	r->answer_held = body ? body->len : 0;
	r->conn->server->answers += r->answer_held;
	vary = body && body->len >= HTTP_GZIP_MIN && !answer_is_coded(reply);
	gzip = vary && r->gzip;
	if (gzip)
		m = body->len <= HTTP_GZIP_ONCE ? answer_packed(r->conn->server, body)
						: answer_long(r, body);
	lost = gzip && !m && body->len == 0;
	gzip = m != NULL;
	if (!m && !lost) {
		r->plain = body && body->len ? body->data : NULL;
		r->plain_len = r->plain ? body->len : 0;
		m = answer_plain(body);
	}
	if (m)
		answer_headers(m, reply, vary, gzip);
	answer_give(r, reply, m);
}

void http_answer_stream(struct http_request *r, const struct http_reply *reply,
			ssize_t (*produce)(void *arg, char *out, size_t room),
			void (*done)(void *arg), void *arg)
{
	bool vary = !answer_is_coded(reply);
	struct MHD_Response *m;

	if (r->dead || r->response || answer_bodiless(reply->status)) {
		if (done)
			done(arg);
		if (answer_bodiless(reply->status))
			http_answer(r, reply, NULL);
		return;
	}
	m = stream_new(r, vary && r->gzip, produce, done, arg);
	if (m)
		answer_headers(m, reply, vary, vary && r->gzip);
	answer_give(r, reply, m);
}

void http_extend(struct http_request *r, uint64_t ms)
{
	if (!r->dead && r->phase == HTTP_HANDED)
		conn_due(r->conn, ms);
}

enum MHD_Result answer_queue(struct http_request *r)
{
	enum MHD_Result ok;

	if (!r->response)
		return MHD_NO;
	r->phase = HTTP_ANSWERED;
	conn_due(r->conn, r->conn->server->total_ms);
	// Versions of the library before 1.0 read the lines between chunks leniently, and a
	// proxy may see the end elsewhere: nothing is read from behind such a body.
	if (http_header(r, "Transfer-Encoding"))
		(void)MHD_add_response_header(r->response, "Connection", "close");
	ok = MHD_queue_response(r->conn->mhd, r->status, r->response);
	MHD_destroy_response(r->response);
	r->response = NULL;
	return ok;
}

enum MHD_Result answer_refuse(struct http_request *r, int status, const char *why)
{
	static const char *const close_it[] = { "Connection", "close", NULL };
	struct http_reply reply = { .status = status, .headers = close_it };
	const struct http_calls *calls = &r->conn->server->calls;
	struct buf body = BUF_INIT;

	if (calls->refuse)
		calls->refuse(calls->arg, status, why, &reply.type, &body);
	r->calling = true;
	http_answer(r, &reply, &body);
	r->calling = false;
	return answer_queue(r);
}
