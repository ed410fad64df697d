// SPDX-License-Identifier: MIT
//
// GET of some resources by their ids, several at a time.
//
// Life: pick_start; callbacks come from the loop, `end` once and last; pick_free at
// any time before that, or after, but not from inside a callback.
#ifndef SCIMD_CLIENT_PICK_H
#define SCIMD_CLIENT_PICK_H

#include "scimd/client/listen.h"

struct pick;

#define PICK_MAX 50 // where more changed than these, the whole list is read

struct pick_calls {
	void *arg;
	const char *user_attributes, *group_attributes; // for attributes=, NULL: not sent
	int (*resource)(void *arg, uint8_t kind, struct json_object *res); // < 0 ends it
	// It is not there (404, 410), and its `gone` says that it is not expected to be.
	int (*gone)(void *arg, uint8_t kind, const char *id);
	// There is no telling whether it is there: text is why. NULL: that ends it. What is
	// no answer about this one alone (a token refused, too many requests, no network,
	// more than a few failures of the directory's own) ends it in any case.
	int (*unclear)(void *arg, uint8_t kind, const char *id, const char *text);
	void (*end)(void *arg, int r, const char *text, int64_t retry_after);
};

// list is copied; n is at least 1.
int pick_start(struct session *s, const struct listen_change *list, size_t n,
	       const struct pick_calls *calls, struct pick **out, struct fail *f);
void pick_free(struct pick *p); // takes NULL

#endif
