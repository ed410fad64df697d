// SPDX-License-Identifier: MIT
//
// What keeps an accident in the directory from emptying the hosts: absence may
// take away only so much in one sync, and another directory behind the same URL
// is not taken for the old one.
//
//   users and groups, each: max(5, 5 %) of those of this directory, of users who were
//                           active; others may go
//   memberships:            max(50, 25 %)
//   fingerprint:            at least half of the 64 oldest ids, the active ones first, still
//                           there, those left out who were taken away or disabled since
#ifndef SCIMD_AGENT_BRAKE_H
#define SCIMD_AGENT_BRAKE_H

#include "scimd/agent/plan.h"

// Whether so many gone, of so many users (or groups) that there were, are too many for one
// sync.
bool brake_removals(uint64_t had, uint64_t gone);

// Judges the items of one directory. Held items get what = '=' and their old
// bytes; held_out names them. Sets p->fingerprints[source] when the stored one
// should change. a is where held_out lives. 0 or -errno.
int brake_judge(const struct job_input *in, struct plan *p, uint32_t source, struct store_txn *view,
		struct job_held *held_out, struct arena *a, struct fail *f);

#endif
