// SPDX-License-Identifier: MIT
//
// What lockout.c (the queue, and who is asked next) and lockout_tell.c (what is told of
// it: the report, the state, the command) share.
#ifndef SCIMD_AGENT_LOCKOUT_INTERNAL_H
#define SCIMD_AGENT_LOCKOUT_INTERNAL_H

#include "scimd/agent/internal.h"
#include "scimd/agent/leaver.h"
#include "scimd/agent/lockout.h"

#define LOCKOUT_TOLD 64 // in one report

struct lockout_entry {
	struct lockout_entry *next;
	struct lockout *owner;
	struct leaver who;
	struct lockout_ask *ask; // under way
	bool stays;              // still in the queue (while it is read)
	bool denied;             // the image says no, whether or not that is noted
	bool finished;           // done, or refused for good; not written yet
	struct json_object *evidence;
	unsigned int processes;
	char refused[256]; // for good: why
	int64_t over;
	int64_t not_before; // boot clock, ms
	unsigned int failures;
};

struct lockout_told { // one that ended
	struct leaver who;
	int64_t ended;
};

struct lockout {
	struct agent *agent;
	struct lockout_entry *entries;
	unsigned int asking;
	sd_event_source *timer;
	char problem[320];
	struct lockout_told told[LOCKOUT_TOLD]; // a ring
	size_t told_next;
};

int lockout_read(struct lockout *l); // the store's queue, anew

#endif
