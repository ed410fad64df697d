// SPDX-License-Identifier: MIT
//
// What stream.c (places in the feed), stream_step.c (when they were reached),
// stream_poll.c (requests), stream_set.c (answers) and feed.c share.
#ifndef SCIMD_DIRECTORY_STREAM_INTERNAL_H
#define SCIMD_DIRECTORY_STREAM_INTERNAL_H

#include "scimd/directory/feed.h"
#include "scimd/directory/stream.h"
#include "scimd/store/raw.h"

#define STREAM_KEY 16

struct stream_head {
	uint64_t feed;     // which one the numbers are of
	uint64_t position; // everything up to here is acknowledged
	uint64_t applied;
	int64_t created, seen;
	uint32_t lockouts_len;
	uint16_t host_len;
	uint8_t token_len, receiver_len;
};

// A stream as it lies in the map: valid until the next write.
struct stream_record {
	struct stream_head head;
	const char *token, *receiver, *host, *lockouts;
	const void *steps; // of struct stream_step, not aligned
	size_t step_count;
};

int stream_decode(struct store_bytes value, struct stream_record *out); // -EBADMSG
// -ENOENT: not there.
int stream_get(struct store_txn *t, const struct stream_poll *poll, struct stream_record *out);
// One of that token's has gone.
int stream_uncount(struct store_txn *t, const char *token);
// Its steps with the one to `applied` at `now` put to them.
int stream_step_add(struct store_txn *t, const struct stream_record *s, uint64_t applied,
		    int64_t now, struct stream_step out[STREAM_STEPS], size_t *count_out);
// Whether its next event is lost.
int stream_is_expired(struct store_txn *t, const struct stream_head *h, bool *out);

void stream_jti(char out[STREAM_JTI], struct stream_mark m);
int stream_jti_read(const char *text, struct stream_mark *out); // -EINVAL: not of ours

// The feed's own name, 0 while there is none; feed_name_make gives it one.
int feed_name(struct store_txn *t, uint64_t *out);
int feed_name_make(struct store_txn *t, uint64_t *out);
// The first event that is retained, one past the head when none is.
int feed_first(struct store_txn *t, uint64_t *out);

struct feed_event {
	uint64_t number;
	struct feed_head head;
	const char *id; // FEED_ID bytes
	const char *attributes;
	size_t attributes_len;
};
#define FEED_ID 36
int feed_decode(struct store_bytes key, struct store_bytes value, struct feed_event *out);
// Whether it ends somebody's logins.
bool feed_closes(const struct feed_event *e);

#endif
