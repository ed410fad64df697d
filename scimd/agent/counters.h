// SPDX-License-Identifier: MIT
//
// What happened since the start, for `scimctl metrics`. Each is counted at one place,
// on the loop; nobody acts on them.
#ifndef SCIMD_AGENT_COUNTERS_H
#define SCIMD_AGENT_COUNTERS_H

#include <stdint.h>

struct counter_rounds { // of one kind
	uint64_t good, failed;
	int64_t ms; // of all of them
};

struct counters {
	struct counter_rounds full, changes;      // round.c
	uint64_t active, disabled, gone, unknown; // live checks by what was answered: check.c
	int64_t live_ms;                          // of all of them
	uint64_t lockouts_done, lockouts_refused, ended; // lockout.c; ended: processes
	int64_t deny_last_ms, deny_max_ms; // from the change to the closed door: round.c
	uint64_t denied;                   // doors that were closed
};

#endif
