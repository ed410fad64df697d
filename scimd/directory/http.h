// SPDX-License-Identifier: MIT
//
// The HTTP server under scim-directory: requests in, answers out, nothing about
// SCIM. The only floor that knows libmicrohttpd. One thread, one sd-event loop:
// every call here is made from the loop's thread, and every callback comes in it.
//
// Life of a request: head() when request line and headers are in (the body is
// not read yet) → handle() when the body is complete → exactly one http_answer or
// http_answer_stream, at once or any time later → end(). A request may be answered
// in head() already; handle() is not called then and the body is not read.
// After an answer the request belongs to the layer: do not touch it again but
// in end() (and in produce/done of a stream).
//
// The layer refuses by itself, and no callback sees: malformed heads, bad escapes
// and NUL in the path or the query (400), conflicting lengths and unknown codings
// (400), too long URIs (414) and heads (431), too slow requests (408 or a closed
// connection), too many connections (closed at once). Too long bodies (413) come
// after head(): who asks without a right to is told that, however much is to come. So does
// a large body when what has arrived of all of them is too much (503).
// Refusals carry what http_calls.refuse makes of them, else no body.
// It answers HEAD as GET without a body, compresses, sends the Date, and with a 503 or 429
// after how long to try again.
#ifndef SCIMD_DIRECTORY_HTTP_H
#define SCIMD_DIRECTORY_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct buf;
struct fail;
struct sd_event;
struct http_request;
struct http_server;

struct http_options {
	const char *listen;   // "127.0.0.1:8643", "[::]:8643"; port 0 = any free one
	const char *tls_cert; // PEM files, both or neither; without them only loopback is bound
	const char *tls_key;
	size_t body_max;          // bytes of a request's body; 0 = 1 MiB
	unsigned connections_max; // 0 = 12000
	unsigned per_address_max; // 0 = connections_max
	uint64_t idle_ms;         // silence on a connection that ends it; 0 = 60 s
	uint64_t total_ms; // head and body together, and the same again for the answer; 0 = 30 s
};

struct http_reply {
	int status;
	const char *type;           // Content-Type, NULL = none
	const char *const *headers; // name, value, name, value, … NULL; may be NULL
};

// All strings of a request live until its end().
const char *http_method(const struct http_request *r); // a HEAD says "HEAD"
const char *http_path(const struct http_request *r);   // as received, without the query
// Path segments, decoded: "/a%2Fb//c/" is "a/b", "", "c", "". NULL past the end.
// A segment never holds a NUL. "/" is one empty segment.
const char *http_segment(const struct http_request *r, size_t i);
// The decoded value (+ is a space), "" for a name without one, NULL when absent.
// Of a repeated name the first.
const char *http_query(const struct http_request *r, const char *name);
// Name compared without case; NULL when absent. Of a repeated header the first.
const char *http_header(const struct http_request *r, const char *name);
const char *http_body(const struct http_request *r,
		      size_t *len_out);                      // NUL after its end; "" when none
void http_body_move(struct http_request *r, struct buf *to); // into an empty one
void http_body_forget(struct http_request *r);       // it is not needed any more, the answer waits
const char *http_peer(const struct http_request *r); // address as text, without the port
void http_set_arg(struct http_request *r, void *arg);
void *http_arg(const struct http_request *r);

struct http_calls {
	void *arg;
	// The head is in. Either answer at once and return false (401, 404, 405, 415 …), or
	// return true to have the body read (100-continue is sent only then). NULL = true.
	bool (*head)(void *arg, struct http_request *r);
	// The body is in (empty for a request without one). Answer now or later.
	void (*handle)(void *arg, struct http_request *r);
	// While an answer is outstanding after handle(): the client went away, the deadline
	// passed or the server is being freed. r must not be answered any more; end() follows.
	void (*gone)(void *arg, struct http_request *r);
	// The last that is heard of r, however it went, once for each head(): free http_arg.
	void (*end)(void *arg, struct http_request *r);
	// Fills body and may set *type for a refusal of the layer itself (an RFC 7644 error
	// body, say). `why` is a sentence. NULL = refusals have no body.
	void (*refuse)(void *arg, int status, const char *why, const char **type, struct buf *body);
};

// Answers r. body is moved (emptied, its memory goes with the answer), NULL = none.
// A 204 or 304 has no body whatever is given.
void http_answer(struct http_request *r, const struct http_reply *reply, struct buf *body);

// Whether there is room for an answer of so many bytes beside those that have not been read
// yet; for a small one always. Who does not ask has it: what was written is said.
bool http_answer_room(const struct http_request *r, size_t len);

// Answers r with a body of unknown size. produce fills up to room bytes (room >= 4096) and
// returns how many: 0 = the end, < 0 = break the connection so that the client sees it is
// not whole. done is called once when no more is wanted, also when produce was never called
// (HEAD, client gone); it may be NULL. All of it must be taken within total_ms.
void http_answer_stream(struct http_request *r, const struct http_reply *reply,
			ssize_t (*produce)(void *arg, char *out, size_t room),
			void (*done)(void *arg), void *arg);

// An outstanding answer may take ms from now (a long poll); without this gone() comes
// total_ms after handle().
void http_extend(struct http_request *r, uint64_t ms);

// Binds and serves. calls is copied, options need not live on. -EINVAL with a sentence:
// bad address, no TLS on what is not loopback, certificate and key that do not load.
int http_server_new(struct sd_event *event, const struct http_options *options,
		    const struct http_calls *calls, struct http_server **server_out,
		    struct fail *f);
unsigned http_server_port(const struct http_server *s);
// Whether that address is every one of this machine ("[::]:8643"): nobody can be sent to it.
bool http_listen_any(const char *listen);
// Loads certificate and key anew from their paths; new connections get them, old ones
// stay. On failure those in use are kept. Nothing to do without TLS.
int http_server_reload_tls(struct http_server *s, struct fail *f);
// How many connections there are.
unsigned http_server_connections(const struct http_server *s);
// Closes everything: gone() and end() come for what is outstanding. Takes NULL.
void http_server_free(struct http_server *s);

#endif
