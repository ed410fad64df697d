// SPDX-License-Identifier: MIT
//
// Appending to the feed and cutting its tail; see feed.h and stream.h.
#include "scimd/directory/feed.h"
#include "scimd/base/buf.h"
#include "scimd/base/clock.h"
#include "scimd/directory/db.h"
#include "scimd/directory/stream_internal.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define FEED_NAME "feed-name"
#define FEED_TRIM 1000 // events, and streams, looked at in a call

int feed_add(struct store_txn *t, enum feed_what what, uint8_t kind, const char *id,
	     const char *attributes)
{
	struct feed_head h = { .at = clock_wall(), .what = (uint8_t)what, .kind = kind };
	struct buf b = BUF_INIT;
	unsigned char key[8];
	uint64_t n;
	int r = dir_counter_next(t, "feed", &n);

	if (r == 0)
		r = buf_add(&b, &h, sizeof(h));
	if (r == 0)
		r = buf_str(&b, id);
	if (r == 0)
		r = buf_str(&b, attributes);
	store_be(key, n);
	if (r == 0)
		r = store_put(t, DIR_FEED, (struct store_bytes){ key, 8 },
			      (struct store_bytes){ b.data, b.len });
	buf_free(&b);
	return r;
}

int feed_head_number(struct store_txn *t, uint64_t *out)
{
	return dir_counter(t, "feed", out);
}

int feed_name(struct store_txn *t, uint64_t *out)
{
	return dir_counter(t, FEED_NAME, out);
}

int feed_restart(struct store_txn *t)
{
	uint64_t name = 0;

	while (name == 0)
		if (getrandom(&name, sizeof(name), 0) != sizeof(name))
			return -EIO;
	return dir_counter_put(t, FEED_NAME, name);
}

int feed_name_make(struct store_txn *t, uint64_t *out)
{
	int r = feed_name(t, out);

	if (r == 0 && *out == 0)
		r = feed_restart(t);
	return r < 0 || *out ? r : feed_name(t, out);
}

int feed_decode(struct store_bytes key, struct store_bytes value, struct feed_event *out)
{
	const char *p = value.data;

	if (key.len != 8 || value.len < sizeof(out->head) + FEED_ID)
		return -EBADMSG;
	out->number = store_number(key.data);
	memcpy(&out->head, p, sizeof(out->head));
	out->id = p + sizeof(out->head);
	out->attributes = out->id + FEED_ID;
	out->attributes_len = value.len - sizeof(out->head) - FEED_ID;
	return 0;
}

int feed_first(struct store_txn *t, uint64_t *out)
{
	struct store_bytes key, value;
	struct store_walk *w;
	int r = store_walk_open(t, DIR_FEED, &w);

	if (r < 0)
		return r;
	r = store_walk_seek(w, (struct store_bytes){ NULL, 0 }, &key, &value);
	if (r == 0)
		*out = store_number(key.data);
	store_walk_close(w);
	if (r != -ENOENT)
		return r;
	r = feed_head_number(t, out);
	if (r == 0)
		++*out;
	return r;
}

// ------------------------------------------------------------------- trim

// The first event, if it is older than `before`: -ENOENT, or its key.
static int feed_oldest(struct store_txn *t, int64_t before, unsigned char key_out[8])
{
	struct store_bytes key, value;
	struct store_walk *w;
	struct feed_event e;
	int r = store_walk_open(t, DIR_FEED, &w);

	if (r < 0)
		return r;
	r = store_walk_seek(w, (struct store_bytes){ NULL, 0 }, &key, &value);
	if (r == 0)
		r = feed_decode(key, value, &e);
	if (r == 0 && e.head.at >= before)
		r = -ENOENT;
	if (r == 0)
		store_be(key_out, e.number);
	store_walk_close(w);
	return r;
}

// A stream at or after key that nobody polled since `before`; key becomes its, and token
// becomes its token's name. Keys are digests, so a random place to begin at reaches all of
// them in time.
static int feed_forsaken(struct store_txn *t, int64_t before, uint8_t key[STREAM_KEY],
			 char token[STREAM_TOKEN], unsigned int *left)
{
	struct store_bytes at, value;
	struct stream_record s;
	struct store_walk *w;
	int r = store_walk_open(t, DIR_STREAM, &w);

	if (r < 0)
		return r;
	for (r = store_walk_seek(w, (struct store_bytes){ key, STREAM_KEY }, &at, &value); r == 0;
	     r = store_walk_next(w, &at, &value)) {
		if (at.len != STREAM_KEY || (*left)-- == 0) {
			r = -ENOENT;
			break;
		}
		r = stream_decode(value, &s);
		if (r < 0 || s.head.seen < before) {
			memcpy(key, at.data, STREAM_KEY);
			if (r == 0)
				(void)snprintf(token, STREAM_TOKEN, "%.*s", (int)s.head.token_len,
					       s.token);
			break;
		}
	}
	store_walk_close(w);
	return r;
}

int feed_trim(struct store_txn *t, int64_t retention_ms, int64_t now, bool *more)
{
	int64_t before = now - retention_ms;
	uint8_t key[STREAM_KEY] = { 0 };
	char token[STREAM_TOKEN] = "";
	unsigned int left = FEED_TRIM;
	unsigned char number[8];
	unsigned int n;
	int r = 0;

	for (n = 0; r == 0 && n < FEED_TRIM; n++) {
		r = feed_oldest(t, before, number);
		if (r == 0)
			r = store_drop(t, DIR_FEED, (struct store_bytes){ number, 8 });
	}
	if (r < 0 && r != -ENOENT)
		return r;
	if (store_count(t, DIR_STREAM) > FEED_TRIM && getrandom(key, sizeof(key), 0) != sizeof(key))
		return -EIO;
	do {
		r = feed_forsaken(t, before, key, token, &left);
		if (r == 0)
			r = store_drop(t, DIR_STREAM, (struct store_bytes){ key, STREAM_KEY });
		if (r == 0)
			r = stream_uncount(t, token);
	} while (r == 0);
	*more = n == FEED_TRIM;
	return r == -ENOENT ? 0 : r;
}
