// SPDX-License-Identifier: MIT
//
// What listen.c (polls) and listen_set.c (their answers) share.
#ifndef SCIMD_CLIENT_LISTEN_INTERNAL_H
#define SCIMD_CLIENT_LISTEN_INTERNAL_H

#include "scimd/client/listen.h"

#define LISTEN_EVENTS 200 // asked for at once
#define LISTEN_JTI 128    // longest name of an event that is kept

struct listen_batch {
	struct listen_change *list;
	size_t count;
	struct json_object *acks; // array of names
	char last[LISTEN_JTI];
	bool unread; // an event that could not be read: everything must be
};

// Reads {"sets":{…}}; several events of one resource become one change. 0, -EPROTO
// when it is no such answer, -ENOMEM.
int listen_read(struct json_object *answer, struct listen_batch *out);
void listen_batch_free(struct listen_batch *b);

#endif
