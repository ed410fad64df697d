// SPDX-License-Identifier: MIT
//
// What the parts of the HTTP layer share: http.c (the server's life and its loop),
// http_listen.c (address and socket), http_tls.c (certificates), http_conn.c
// (connections, deadlines, clients that go away), http_request.c (a request from
// its first line to handle()), http_check.c (what is refused of a head),
// http_answer.c and http_stream.c (answers).
#ifndef SCIMD_DIRECTORY_HTTP_INTERNAL_H
#define SCIMD_DIRECTORY_HTTP_INTERNAL_H

#include "scimd/base/buf.h"
#include "scimd/directory/http.h"
#include <microhttpd.h>
#include <systemd/sd-event.h>
#include <zlib.h>

// A connection's memory inside the library: request line, headers and their table, the
// answer's head. The library wipes all of it between two requests, so all of it becomes
// resident: this is what 10,000 waiting requests pay, and the limit on heads.
#define HTTP_HEAD_POOL 6144
#define HTTP_URI_MAX 4096
#define HTTP_HEADERS_MAX 64
#define HTTP_DRAIN_MAX 65536 // of a body that head() did not want, read to keep the connection
#define HTTP_DRAIN_MS 500    // as long as that; then the answer goes out before it
#define HTTP_BODIES_MAX 32   // × body_max: what all bodies being received may hold together
#define HTTP_ANSWERS_MAX ((size_t)128 << 20) // bytes not read yet, beyond which none is begun
#define HTTP_SMALL                                                                                 \
	65536 // bodies and answers not longer count there, but are taken whatever the sum
#define HTTP_STREAM_ROOM 65536
#define HTTP_RETRY_BUSY "2"  // seconds after which a 503 is worth another try
#define HTTP_RETRY_MANY "60" // and a 429
#define HTTP_GZIP_MIN 1024
#define HTTP_GZIP_ONCE (256 * 1024) // longer ones are compressed piece by piece, as they are sent

#define WHEEL_SLOTS 256
#define WHEEL_TICK 200 // ms

struct http_conn {
	struct http_server *server;
	struct MHD_Connection *mhd;
	struct http_conn *next, **back;             // all connections
	struct http_conn *wheel_next, **wheel_back; // those due in the same slot
	uint64_t due;
	struct tls_cert *cert;
	struct http_request *request;
	int fd;
	bool waiting; // suspended, watched for the client's end
	char peer[48];
};

enum http_phase {
	HTTP_READING,  // head and body come in
	HTTP_HANDED,   // the owner has it
	HTTP_ANSWERED, // the library has the answer
};

struct http_request {
	struct http_conn *conn;
	enum http_phase phase;
	bool begun;   // the owner has seen it: end() is due
	bool calling; // inside head() or handle(): an answer is sent when that returns
	bool dead;    // no answer any more
	bool drain;   // answered in head() or told, the body is read and forgotten
	bool told;    // the answer went out in the middle of the body, and is all
	bool gzip;
	const char *method; // in the library's memory, as the headers are
	uint64_t body_size; // declared
	size_t body_held;   // counted in the server's sum
	size_t answer_held; // likewise, of the answer
	struct MHD_Response *response;
	unsigned status;
	const char *plain; // the response's body, which owns it; NULL: none, or compressed
	size_t plain_len;
	void *arg;
	struct buf body;
	// Where the library put the request line; see http_check.c.
	const char *uri_at;
	size_t uri_len;
	char *path, *query; // raw; query "" when none
	char *segments;     // decoded, each NUL-terminated
	size_t segment_count;
	char *values; // decoded name NUL value NUL …
	size_t value_count;
	char text[];
};

struct http_server {
	sd_event *event;
	sd_event_source *io, *kick, *rest, *watch, *tick;
	struct MHD_Daemon *mhd;
	struct http_calls calls;
	struct http_conn *conns;
	struct http_conn *wheel[WHEEL_SLOTS];
	uint64_t wheel_at; // the tick that was looked at last
	unsigned count, count_max;
	unsigned rounds;                  // turns of the library since the last callback from it
	size_t body_max, bodies, answers; // the sums of what is held
	uint64_t idle_ms, total_ms;
	int watch_fd;
	unsigned port;
	char *cert_path, *key_path;
	struct tls_cert *cert;
	z_stream gzip;
	bool gzip_ready;
	bool ending; // no callback but gone() and end() any more
};

// http_listen.c
int listen_open(const char *text, bool tls, int *fd_out, unsigned *port_out, struct fail *f);
unsigned listen_room(unsigned wanted); // raises the limit on descriptors; what fits

// http_tls.c. A certificate lives until the last connection that got it has ended.
int tls_load(const char *cert_path, const char *key_path, struct tls_cert **out, struct fail *f);
struct tls_cert *tls_ref(struct tls_cert *t);
void tls_unref(struct tls_cert *t); // takes NULL
const char *tls_cert_pem(const struct tls_cert *t);
const char *tls_key_pem(const struct tls_cert *t);
int tls_use(const struct tls_cert *t, struct MHD_Connection *m);

// http_conn.c
int conn_setup(struct http_server *s); // the watch and the wheel
void conn_notify(void *arg, struct MHD_Connection *m, void **slot,
		 enum MHD_ConnectionNotificationCode code);
struct http_conn *conn_of(struct MHD_Connection *m);
void conn_due(struct http_conn *c, uint64_t ms);
void conn_wait(struct http_conn *c);   // suspends and watches
void conn_resume(struct http_conn *c); // takes one that does not wait
void conn_lost(struct http_conn *c);   // gone() where it is due, then close
void conn_say(struct http_conn *c, int status, const char *why); // past the library, then close
// The same in the middle of a body: who sends is not cut off before the answer is read; the
// rest is read and forgotten, HTTP_DRAIN_MS at most.
void conn_tell(struct http_conn *c, int status, const char *why);
void conn_answer(struct http_conn *c); // the same with the response of its request
void http_kick(struct http_server *s);

// http_request.c
void *request_new(void *arg, const char *uri, struct MHD_Connection *m);
enum MHD_Result request_step(void *arg, struct MHD_Connection *m, const char *url,
			     const char *method, const char *version, const char *data, size_t *len,
			     void **request);
void request_end(void *arg, struct MHD_Connection *m, void **request,
		 enum MHD_RequestTerminationCode code);

// http_uri.c: the request line's target. 0 or -EINVAL.
int uri_split(struct http_request *r, char *raw, char *room);

// http_check.c: 0, or the status to refuse with and a sentence.
int check_head(struct http_request *r, const char *version, const char **why_out);
int check_trailer(struct http_request *r);

// http_answer.c
enum MHD_Result answer_queue(struct http_request *r);
enum MHD_Result answer_refuse(struct http_request *r, int status, const char *why);
bool answer_gzip_wanted(const char *accept);
void answer_headers(struct MHD_Response *m, const struct http_reply *reply, bool vary, bool gzip);
void answer_give(struct http_request *r, const struct http_reply *reply, struct MHD_Response *m);
bool answer_bodiless(int status);

// http_stream.c
struct MHD_Response *stream_new(struct http_request *r, bool gzip,
				ssize_t (*produce)(void *arg, char *out, size_t room),
				void (*done)(void *arg), void *arg);

#endif
