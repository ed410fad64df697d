// SPDX-License-Identifier: MIT
//
// One directory, as the rest of the client talks to it: an origin (transfer.h), its
// token (token.h) or OAuth 2 client credentials, its quirks, and patience: a
// request that fails for a passing reason is tried again, politely.
//
// Life: session_new, session_get as often as wanted (one list walk and one live
// check may be under way together), session_free.
#ifndef SCIMD_CLIENT_SESSION_H
#define SCIMD_CLIENT_SESSION_H

#include "scimd/client/transfer.h"

struct session;
struct session_call;

struct session_options {
	const char *url;
	const char *token, *token_file;
	const char *client_id, *client_secret, *client_secret_file, *token_url, *scope;
	const char *quirks;
	uint32_t page_size; // wanted; 0 = 100
	struct transfer_options http;
};

int session_new(sd_event *event, const struct session_options *o, struct session **out,
		struct fail *f);
void session_free(struct session *s);

uint32_t session_quirks(const struct session *s);
uint32_t session_page(const struct session *s);
uint32_t session_timeout(const struct session *s); // seconds that one request may take

#define SESSION_PATH_MAX 128
// Where users (groups) are below the base URL: as the quirk table has it, else as
// the directory's ResourceTypes said.
const char *session_path(const struct session *s, bool users);
void session_found(struct session *s, bool users, const char *path);
// Whether users (groups) are read without attributes=, because their last list had to do
// without.
void session_plain_is(struct session *s, bool users, bool plain);
bool session_plain(const struct session *s, bool users);
bool session_first(struct session *s); // true once: what is asked for once per session

// Reads the token again (it may have been rotated). To be called when a walk begins.
int session_begin(struct session *s, struct fail *f);

// GET path with the token. patient: up to 4 tries, waiting for Retry-After (at most
// a minute) or a doubling pause with jitter. Ends with an answer whose r is 0 and
// status 200, or with what went wrong last.
int session_get(struct session *s, const char *path, bool patient, uint64_t timeout_ms,
		void (*end)(void *arg, const struct transfer_answer *a), void *arg,
		struct session_call **out, struct fail *f);
// The same, unless it is still what bore this ETag (NULL: none): then the status is 304.
int session_get_new(struct session *s, const char *path, const char *if_none_match, bool patient,
		    uint64_t timeout_ms, void (*end)(void *arg, const struct transfer_answer *a),
		    void *arg, struct session_call **out, struct fail *f);
// POST of JSON, once.
int session_post(struct session *s, const char *path, const char *body, uint64_t timeout_ms,
		 void (*end)(void *arg, const struct transfer_answer *a), void *arg,
		 struct session_call **out, struct fail *f);
void session_cancel(struct session_call *c); // takes NULL; no call back

#endif
