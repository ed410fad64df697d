// SPDX-License-Identifier: MIT
//
// One conversation with a helper behind a socket: a request is sent, what comes back is
// gathered until the helper closes or is silent for too long. Everything on the loop.
#ifndef SCIMD_AGENT_ASK_H
#define SCIMD_AGENT_ASK_H

#include "scimd/base/fail.h"
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct ask;

struct ask_request {
	const char *path; // of the socket
	const char *who;  // whom it asks, for sentences; a constant
	const char *text; // at most what a socket's buffer takes
	size_t len;
	size_t max;       // of the answer
	uint64_t silence; // seconds
	// Called once, from the loop, unless ask_free comes first. text: what was answered,
	// "" if nothing; why: NULL when the helper ended it. Both valid until end returns.
	void (*end)(void *arg, char *text, const char *why);
	void *arg;
};

int ask_open(sd_event *event, const struct ask_request *rq, struct ask **out, struct fail *f);
void ask_free(struct ask *k); // takes NULL

#endif
