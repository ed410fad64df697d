// SPDX-License-Identifier: MIT
//
// HTTP for one origin: libcurl's multi interface on the sd-event loop, JSON
// parsed as it arrives. The only header that stands for libcurl.
//
// Life: transfer_origin_new for an origin, transfer_start for each request, transfer_origin_free ends what
// is under way without calling back. Everything happens on the loop's thread.
// Promises: TLS is verified; no redirect is followed; .netrc and proxies from
// the environment are not looked at; the token goes to this origin only; the
// inflated body is capped; a request has one deadline for all of it.
#ifndef SCIMD_CLIENT_TRANSFER_H
#define SCIMD_CLIENT_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct fail;
struct transfer_origin;
struct transfer;
struct json_object;

struct transfer_options {
	const char *ca_file, *client_cert, *client_key; // NULL: the system's CAs, no certificate
	const char *proxy;                              // NULL: none, whatever the environment says
	bool tls13;                                     // nothing older than TLS 1.3
	uint32_t timeout;                               // seconds for a whole request
	size_t body_max;                                // inflated bytes, 0 = 64 MiB
};

struct transfer_answer {
	int r; // 0: an HTTP answer came; -errno: none, `text` says why
	const char *text;
	int status;
	struct json_object *json; // borrowed; NULL when the body was empty or no JSON
	bool bad_json;            // a body came that is not JSON (or too deep)
	int64_t retry_after;      // seconds, -1 not given; clamped to an hour
	const char *etag;         // NULL not given
	size_t bytes;             // of the inflated body
};

// Whether a URL may be used: https, or http to loopback; no user, query, fragment.
int transfer_url_check(const char *url, struct fail *f);

int transfer_origin_new(sd_event *event, const char *base_url, const struct transfer_options *o,
			struct transfer_origin **out, struct fail *f);
void transfer_origin_free(struct transfer_origin *h);

// path: what comes after the base URL ("/Users?startIndex=1"), already encoded;
// NULL: the base URL itself. authorization: a whole header value or NULL; copied
// and wiped. body: of a POST of this media type, or NULL for GET. end is called once,
// later.
int transfer_start(struct transfer_origin *h, const char *path, const char *authorization,
		   const char *if_none_match, const char *type, const char *body,
		   uint64_t timeout_ms, void (*end)(void *arg, const struct transfer_answer *a),
		   void *arg, struct transfer **out, struct fail *f);
void transfer_cancel(struct transfer *q); // without a call back

struct buf;
// Percent-encodes everything but RFC 3986 unreserved characters.
int transfer_encode(struct buf *b, const char *text);

#endif
