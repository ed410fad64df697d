// SPDX-License-Identifier: MIT
//
// Who reads the feed, and how far: polls of RFC 8936 as transactions over the
// store, without HTTP. A stream is a receiver's place in the feed, under the token
// that polls; the first poll makes it at the feed's head.
//
//   stream   SHA-256/128 of token and receiver → struct stream_head, token,
//            receiver, host, lockouts (JSON), steps
//   state    "streams:TOKEN" → how many there are under it
//
// One poll: stream_poll_read; stream_due in a view, and if it says so stream_ack in
// a write transaction; then stream_sets in a view, again after each commit that
// moves feed_head_number, until there is any event, or stream_waits is false, or
// the time is up (then the answer that stream_sets wrote is sent without events).
// Events that were not acknowledged are handed out again.
//
// A stream is expired when its next event is not retained any more, when the feed
// is another one (restored from a backup), and when a poll speaks of a past (ack or
// applied) that the server does not know. It is deleted, and the poll answered with
// stream_expired's 404: the receiver reads everything, and its next poll, without a
// past, makes the stream anew.
//
// All return 0 or -errno; with a problem: -EINVAL when it was filled.
#ifndef SCIMD_DIRECTORY_STREAM_H
#define SCIMD_DIRECTORY_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct json_object;
struct scim_problem;
struct store_txn;

#define STREAM_RECEIVER 65 // with the NUL
#define STREAM_TOKEN 256   // likewise
#define STREAM_HOST 256
#define STREAM_EVENTS 100      // maxEvents when not given
#define STREAM_EVENTS_MAX 1000 // and never more
#define STREAM_ACKS_MAX 4096   // ack and setErrs of one poll together
#define STREAM_LOCKOUTS_MAX 64 // of one report
#define STREAM_MAX 65536       // streams of one directory …
#define STREAM_TOKEN_MAX 32768 // … and of one token's name
#define STREAM_JTI 48          // room for the name of an event

struct stream_mark { // an event: the feed it is of, its number there
	uint64_t feed, number;
};

struct stream_poll {
	char token[STREAM_TOKEN]; // its name
	char receiver[STREAM_RECEIVER];
	uint32_t max_events; // 0: acknowledges only
	bool immediately;
	struct stream_mark *acks; // setErrs too: both are done with
	size_t ack_count;
	// urn:scimd:report
	bool report;
	char host[STREAM_HOST];
	bool applied_given;
	struct stream_mark applied;
	char *lockouts; // JSON array, NULL: none given
};

// Judges receiver and body (NULL: an empty one). Life: stream_poll_free, also after
// a refusal. 404 for a receiver that is none.
int stream_poll_read(struct stream_poll *poll, const char *token, const char *receiver,
		     struct json_object *body, struct scim_problem *p);
void stream_poll_free(struct stream_poll *poll);
// Whether the answer may wait for an event.
bool stream_waits(const struct stream_poll *poll);

// 1: stream_ack has something to write; 0: nothing, or -errno. now: wall, ms.
int stream_due(struct store_txn *view, const struct stream_poll *poll, int64_t now);
// Makes, moves or deletes the stream and keeps the report. *expired: it was deleted (commit
// that, and answer 404). -EINVAL with p: there are too many streams, or
// too many of this token.
int stream_ack(struct store_txn *t, const struct stream_poll *poll, int64_t now, bool *expired,
	       struct scim_problem *p);
// Appends {"sets":{…},"moreAvailable":…}. iss: the base URL. *any: it has events.
// -ENOENT: the stream is gone or expired in the meantime (answer 404).
int stream_sets(struct store_txn *view, const struct stream_poll *poll, const char *iss,
		struct buf *out, bool *any);
int stream_expired(struct scim_problem *p); // fills the 404; -EINVAL

// How far a host had come, and when it said so first. Kept are its present place and the
// last of those places whose way to them passed somebody who was disabled or deleted.
struct stream_step {
	uint64_t number;
	int64_t at; // wall, ms
	uint64_t closes;
};
#define STREAM_STEPS 32

struct stream_info { // valid until the view ends
	char token[STREAM_TOKEN], receiver[STREAM_RECEIVER], host[STREAM_HOST];
	uint64_t position;     // the last event acknowledged
	uint64_t applied;      // as reported, 0: never
	int64_t created, seen; // wall, ms; seen is at most STREAM_SEEN behind
	bool expired;          // its next poll is told to read everything
	char *lockouts;        // JSON array, NULL: none
	struct stream_step steps[STREAM_STEPS];
	size_t step_count;
};

// When the host first reported a place at or after event `number`; 0: it did not.
int64_t stream_reached(const struct stream_info *s, uint64_t number);

#define STREAM_SEEN (5 * 60 * 1000)

// fn returns 0 to go on, anything else ends the walk and is returned.
int stream_each(struct store_txn *t, int (*fn)(void *arg, const struct stream_info *s), void *arg);

// Drops events older than retention, and streams that nobody polled for so long; a bounded
// number in a call. *more: call again soon.
int feed_trim(struct store_txn *t, int64_t retention_ms, int64_t now, bool *more);
// Another feed from here on: after a restore, so that no host takes the events of the lost
// time for known.
int feed_restart(struct store_txn *t);

// Puts `urn:scimd:params:scim:events` and `securityEvents` (RFC 9967 §4) into the
// ServiceProviderConfig. base: without a final slash; retention in seconds. 0 or -ENOMEM.
int stream_advertise(const char *base, int64_t retention, struct json_object *config);

#endif
