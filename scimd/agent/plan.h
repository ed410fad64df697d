// SPDX-License-Identifier: MIT
//
// The plan of one job: old state (store) and new answers (stages) become the
// list of resources that hold after it, and the list of changes. The brake and
// the fingerprint judge here.
#ifndef SCIMD_AGENT_PLAN_H
#define SCIMD_AGENT_PLAN_H

#include "scimd/agent/job.h"
#include "scimd/base/table.h"
#include "scimd/identity/resolve.h"
#include "scimd/store/store.h"

#define PLAN_REREAD "reread" // state: what was restored has been read against every directory
#define PLAN_FINGERPRINT 64  // oldest ids that make a directory recognisable

struct plan_item {
	uint32_t source; // index of the directory
	uint8_t kind;
	char what; // '=' as it was, '+' new, '~' changed, '-' gone, 'd' disabled only
	bool held; // a '-' or '~' that the brake keeps as it was
	bool lost; // was served, and what it has become cannot be
	const char *id;
	const void *old_bytes; // arena copies
	size_t old_len;
	const void *bytes;
	size_t len;
	uint8_t digest[DIGEST_LEN];
};

struct plan {
	struct arena arena;
	struct plan_item *items;
	size_t count, cap;
	struct ledger_entry *ledger;
	size_t ledger_count, ledger_cap;
	char *fingerprints[64]; // new one per directory, or NULL to leave the stored one
	bool changed;
	bool restored; // the ledger came back from the image, and not all have been read since …
	bool unread;   // … of which one not even once
	bool reread;   // they are now
};

// Reads the store and lays the stages over it. 0 or -errno.
int plan_make(const struct job_input *in, struct plan *p, struct job *out, struct fail *f);
bool plan_changed(const struct plan *p);
// The items that are handed to identity_resolve, by its index, NULL behind
// them; in the plan's arena. NULL: no memory.
struct plan_item **plan_kept(struct plan *p);
void plan_free(struct plan *p);

#endif
