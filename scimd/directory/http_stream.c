// SPDX-License-Identifier: MIT
//
// Bodies of unknown size. The library asks for a few kilobytes at a time; the
// owner is asked for much more at a time, and what it gives may be compressed
// on the way. All of it has the one deadline of an answer.
#include "scimd/directory/http_internal.h"
#include <stdlib.h>
#include <string.h>

#define STREAM_PIECE 16384

struct stream {
	struct http_conn *conn;
	ssize_t (*produce)(void *arg, char *out, size_t room);
	void (*done)(void *arg);
	void *arg;
	bool gzip, ended, packed; // packed: the last byte of the compressed body is out
	z_stream z;
	char *in; // compressed from
	char *out;
	size_t at, len;
};

static ssize_t stream_pack(struct stream *st)
{
	z_stream *z = &st->z;
	int flush;

	z->next_out = (unsigned char *)st->out;
	z->avail_out = HTTP_STREAM_ROOM;
	while (z->avail_out > 0 && !st->packed) {
		if (z->avail_in == 0 && !st->ended) {
			ssize_t n = st->produce(st->arg, st->in, HTTP_STREAM_ROOM);

			if (n < 0)
				return n;
			st->ended = n == 0;
			z->next_in = (unsigned char *)st->in;
			z->avail_in = (uInt)n;
		}
		flush = st->ended ? Z_FINISH : Z_NO_FLUSH;
		st->packed = deflate(z, flush) == Z_STREAM_END;
		// Something to send is sent: compressing on would keep the others waiting.
		if (z->avail_out < HTTP_STREAM_ROOM)
			break;
	}
	return (ssize_t)(HTTP_STREAM_ROOM - z->avail_out);
}

static ssize_t stream_fill(struct stream *st)
{
	if (!st->out) { // not before it is wanted: a HEAD never comes here
		st->out = malloc(HTTP_STREAM_ROOM);
		st->in = st->gzip ? malloc(HTTP_STREAM_ROOM) : NULL;
		// A small window: there may be many of these at a time.
		if (!st->out ||
		    (st->gzip && (!st->in || deflateInit2(&st->z, 1, Z_DEFLATED, 13 + 16, 6,
							  Z_DEFAULT_STRATEGY) != Z_OK))) {
			st->gzip = st->gzip && st->z.state;
			return -1;
		}
	}
	if (st->gzip)
		return stream_pack(st);
	return st->produce(st->arg, st->out, HTTP_STREAM_ROOM);
}

static ssize_t stream_read(void *arg, uint64_t pos, char *out, size_t max)
{
	struct stream *st = arg;
	size_t n;

	(void)pos;
	st->conn->server->rounds = 0;
	if (st->at == st->len) {
		ssize_t r = stream_fill(st);

		if (r < 0)
			return MHD_CONTENT_READER_END_WITH_ERROR;
		if (r == 0)
			return MHD_CONTENT_READER_END_OF_STREAM;
		st->at = 0;
		st->len = (size_t)r;
	}
	n = st->len - st->at;
	n = n < max ? n : max;
	memcpy(out, st->out + st->at, n);
	st->at += n;
	return (ssize_t)n;
}

static void stream_free(void *arg)
{
	struct stream *st = arg;

	if (st->done)
		st->done(st->arg);
	if (st->z.state)
		(void)deflateEnd(&st->z);
	free(st->in);
	free(st->out);
	free(st);
}

struct MHD_Response *stream_new(struct http_request *r, bool gzip,
				ssize_t (*produce)(void *arg, char *out, size_t room),
				void (*done)(void *arg), void *arg)
{
	struct stream *st = calloc(1, sizeof(*st));
	struct MHD_Response *m;

	if (!st) {
		if (done)
			done(arg);
		return NULL;
	}
	st->conn = r->conn;
	st->gzip = gzip;
	st->produce = produce;
	st->done = done;
	st->arg = arg;
	m = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_PIECE, stream_read, st,
					      stream_free);
	if (!m)
		stream_free(st);
	return m;
}
