// SPDX-License-Identifier: MIT
//
// Hooks: what happens to people is handed to scim-hook (scimd/hook.h), which runs the
// host's own programs for it, again and again until they have done it or have had
// their tries.
//
// The events are queued in the transaction that applies the change (hook_write…), so
// that none is lost and none comes twice, and taken from the queue on the loop, in
// order for each person, a few conversations at a time, always after lock-outs.
// Nothing is queued while there is no hook.
//
// Life: hook_new; hook_go whenever a round has ended; hook_free.
#ifndef SCIMD_AGENT_HOOK_H
#define SCIMD_AGENT_HOOK_H

#include "scimd/base/hook_dir.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct account;
struct agent;
struct fail;
struct hook;
struct job_input;
struct plan;
struct plan_item;
struct store_ledger;
struct store_txn;

#define HOOK_QUEUE "hook/"

int hook_new(struct agent *a, struct hook **out);
void hook_free(struct hook *h); // takes NULL
// True while scim-hook is at work.
bool hook_go(struct hook *h);

struct hook_state {
	size_t waiting;      // events, those under way included; those that wait for room not
	bool more;           // than these
	uint64_t failed;     // given up since the start
	const char *problem; // of the last conversation, "" = none
	const struct hook_dir *dir;
};

void hook_state(struct hook *h, struct hook_state *out); // reads the folder

// ------------------------------------------------- queueing, in the transaction

struct hook_writer;

// For one run of the transaction. NULL in *out: there is no hook.
int hook_writer_new(const struct job_input *in, const struct plan *p, struct store_txn *t,
		    struct hook_writer **out);
int hook_write_deleted(struct hook_writer *w, const struct plan_item *it,
		       const struct store_ledger *l);
int hook_write_account(struct hook_writer *w, const struct account *ac);
int hook_writer_end(struct hook_writer *w);   // what follows is kept with it; takes NULL
void hook_writer_free(struct hook_writer *w); // takes NULL

#endif
