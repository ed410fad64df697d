// SPDX-License-Identifier: MIT
//
// A request from its first line to the owner's hands. The library calls
// request_new at the request line, request_step at the head, for each piece of
// the body, at the end of it and again after a wait, request_end when all is over.
#include "scimd/directory/http_internal.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

void *request_new(void *arg, const char *uri, struct MHD_Connection *m)
{
	struct http_conn *c = conn_of(m);
	size_t len = uri ? strlen(uri) : 0, kept = len <= HTTP_URI_MAX ? len : 0;
	struct http_request *r;

	(void)arg;
	if (!c)
		return NULL;
	// Raw, and decoded: at its longest twice as long, "a&b" being "a", "", "b", "".
	r = calloc(1, sizeof(*r) + 3 * (kept + 1) + 4);
	if (!r)
		return NULL;
	r->conn = c;
	r->uri_at = uri;
	r->uri_len = len;
	if (kept)
		memcpy(r->text, uri, kept);
	r->body.max = c->server->body_max + 1;
	c->request = r;
	conn_due(c, c->server->total_ms);
	return r;
}

// What has arrived counts, not what was announced, which costs who announces it nothing. A
// small body is always taken: nobody's large ones keep it out.
static bool request_fits(const struct http_request *r, uint64_t size, uint64_t more)
{
	const struct http_server *s = r->conn->server;

	return size <= HTTP_SMALL || s->bodies + more <= HTTP_BODIES_MAX * s->body_max;
}

static enum MHD_Result request_head(struct http_request *r, const char *method, const char *version)
{
	const struct http_calls *calls = &r->conn->server->calls;
	const char *why = "the address is malformed";
	int status;
	bool go = true;

	r->method = method;
	status = check_head(r, version, &why);
	if (status == 0 && r->uri_len > HTTP_URI_MAX) {
		status = 414;
		why = "the address is too long";
	}
	if (status == 0 && uri_split(r, r->text, r->text + r->uri_len + 1) < 0) {
		status = 400;
		why = "the address is malformed";
	}
	if (status)
		return answer_refuse(r, status, why);
	r->gzip = answer_gzip_wanted(http_header(r, "Accept-Encoding"));
	r->begun = true;
	if (calls->head) {
		r->calling = true;
		go = calls->head(calls->arg, r);
		r->calling = false;
	}
	if (!go) {
		// A short body that is on its way is read to its end, so that the connection can
		// be kept and no reset overtakes the answer; one that does not come is not
		// waited for.
		r->drain = r->body_size > 0 && r->body_size <= HTTP_DRAIN_MAX &&
			   !http_header(r, "Expect");
		if (!r->drain)
			return answer_queue(r);
		if (HTTP_DRAIN_MS < r->conn->server->total_ms)
			conn_due(r->conn, HTTP_DRAIN_MS);
		return MHD_YES;
	}
	if (r->body_size > r->conn->server->body_max)
		return answer_refuse(r, 413, "the body is too large");
	if (!request_fits(r, r->body_size, r->body_size))
		return answer_refuse(r, 503, "too many requests with large bodies");
	return MHD_YES;
}

// What came of it is let go at once.
static enum MHD_Result request_too_much(struct http_request *r, int status, const char *why)
{
	conn_tell(r->conn, status, why);
	r->conn->server->bodies -= r->body_held;
	r->body_held = 0;
	buf_free(&r->body);
	return MHD_YES;
}

static enum MHD_Result request_body(struct http_request *r, const char *data, size_t len)
{
	struct http_server *s = r->conn->server;

	if (r->drain)
		return MHD_YES;
	if (len > s->body_max - r->body.len)
		return request_too_much(r, 413, "Content Too Large");
	if (!request_fits(r, r->body_held + len, len))
		return request_too_much(r, 503, "Service Unavailable");
	s->bodies += len;
	r->body_held += len;
	return buf_add(&r->body, data, len) < 0 ? MHD_NO : MHD_YES;
}

static enum MHD_Result request_hand_over(struct http_request *r)
{
	struct http_server *s = r->conn->server;

	if (check_trailer(r))
		return answer_refuse(r, 400, "trailers are not understood");
	r->phase = HTTP_HANDED;
	conn_due(r->conn, s->total_ms);
	r->calling = true;
	s->calls.handle(s->calls.arg, r);
	r->calling = false;
	if (r->response)
		return answer_queue(r);
	conn_wait(r->conn);
	return MHD_YES;
}

enum MHD_Result request_step(void *arg, struct MHD_Connection *m, const char *url,
			     const char *method, const char *version, const char *data, size_t *len,
			     void **request)
{
	struct http_server *s = arg;
	struct http_request *r = *request;
	size_t n = *len;

	(void)m, (void)url;
	s->rounds = 0;
	if (!r || r->dead || (s->ending && !r->response))
		return MHD_NO;
	if (!r->method)
		return request_head(r, method, version);
	*len = 0;
	if (r->told && n == 0)
		return MHD_NO;
	if (n > 0)
		return request_body(r, data, n);
	if (r->response)
		return answer_queue(r);
	return r->phase == HTTP_READING ? request_hand_over(r) : MHD_YES;
}

void request_end(void *arg, struct MHD_Connection *m, void **request,
		 enum MHD_RequestTerminationCode code)
{
	struct http_server *s = arg;
	struct http_request *r = *request;

	(void)m, (void)code;
	*request = NULL;
	if (!r)
		return;
	if (r->phase == HTTP_HANDED && !r->dead && !r->response && s->calls.gone)
		s->calls.gone(s->calls.arg, r);
	if (r->begun && s->calls.end)
		s->calls.end(s->calls.arg, r);
	if (r->conn) {
		r->conn->request = NULL;
		conn_due(r->conn, s->idle_ms);
	}
	s->bodies -= r->body_held;
	s->answers -= r->answer_held;
	if (r->response)
		MHD_destroy_response(r->response);
	buf_free(&r->body);
	free(r);
}

const char *http_method(const struct http_request *r)
{
	return r->method;
}

const char *http_path(const struct http_request *r)
{
	return r->path;
}

const char *http_header(const struct http_request *r, const char *name)
{
	return MHD_lookup_connection_value(r->conn->mhd, MHD_HEADER_KIND, name);
}

const char *http_body(const struct http_request *r, size_t *len_out)
{
	*len_out = r->body.len;
	return buf_text(&r->body);
}

void http_body_move(struct http_request *r, struct buf *to)
{
	*to = r->body;
	r->body = (struct buf)BUF_INIT;
}

void http_body_forget(struct http_request *r)
{
	buf_free(&r->body);
	r->conn->server->bodies -= r->body_held;
	r->body_held = 0;
}

const char *http_peer(const struct http_request *r)
{
	struct http_conn *c = r->conn;
	const union MHD_ConnectionInfo *i =
		MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *a = i ? i->client_addr : NULL;

	if (c->peer[0] || !a)
		return c->peer;
	if (a->sa_family == AF_INET6) {
		const struct in6_addr *v6 =
			&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr;

		if (IN6_IS_ADDR_V4MAPPED(v6))
			(void)inet_ntop(AF_INET, v6->s6_addr + 12, c->peer, sizeof(c->peer));
		else
			(void)inet_ntop(AF_INET6, v6, c->peer, sizeof(c->peer));
	} else {
		(void)inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)a)->sin_addr,
				c->peer, sizeof(c->peer));
	}
	return c->peer;
}

void http_set_arg(struct http_request *r, void *arg)
{
	r->arg = arg;
}

void *http_arg(const struct http_request *r)
{
	return r->arg;
}
