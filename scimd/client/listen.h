// SPDX-License-Identifier: MIT
//
// Listening to a directory's events (RFC 8936 polls of RFC 9967 events): one
// request that waits, opened again as soon as it is answered. An event only says
// which resource to read; nothing else in it is believed.
//
// Life: listen_start; then callbacks from the loop: `ready` once, when the first
// poll was answered or failed (from here on nothing is missed), `changed` with what
// changed and `lost` when everything must be read. After either, nothing is asked
// for until listen_done says whether that was done; only then is it acknowledged.
// listen_free at any time.
#ifndef SCIMD_CLIENT_LISTEN_H
#define SCIMD_CLIENT_LISTEN_H

#include "scimd/client/session.h"

struct json_object;
struct listen;

#define LISTEN_RECEIVER 33 // with the NUL

struct listen_change {
	uint8_t kind; // enum resource_kind
	bool gone;    // an event said that it was deleted
	char *id;
};

struct listen_calls {
	void *arg;
	void (*ready)(void *arg);
	void (*changed)(void *arg, const struct listen_change *list, size_t n); // until listen_done
	void (*lost)(void *arg);
	// "connecting", "connected", or "failed" and why.
	void (*state)(void *arg, const char *word, const char *text);
	// For the report: an array of {id, denied_at, ended_at}, taken over. May be NULL.
	struct json_object *(*lockouts)(void *arg);
};

int listen_start(sd_event *event, struct session *s, const char receiver[LISTEN_RECEIVER],
		 const char *host, const struct listen_calls *calls, struct listen **out,
		 struct fail *f);
// The report has something new: a poll that waits is asked anew, with it.
void listen_tell(struct listen *l); // takes NULL
void listen_done(struct listen *l, bool good);
void listen_free(struct listen *l); // takes NULL

#endif
