// SPDX-License-Identifier: MIT
//
// plan → brake → apply → publish: what follows when the answers are in. One job
// at a time runs on the worker thread; it shares nothing with the loop but the
// immutable input and, once it has ended, the result.
//
// Life: fill struct job_input, job_run (any thread), read the result, job_free.
#ifndef SCIMD_AGENT_JOB_H
#define SCIMD_AGENT_JOB_H

#include "scimd/base/arena.h"
#include "scimd/base/digest.h"
#include "scimd/base/fail.h"
#include "scimd/image/write.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config;
struct stage;
struct store;

struct job_input {
	const struct config *config;
	struct store *store;
	struct stage *const *stages; // one per directory of the configuration; NULL: not pulled
	int64_t seen;                // wall ms, when the answers were in
	const uint8_t *grounds; // of the last good job, NULL: none; others are reason to publish
	bool dry_run;
	bool accept_removals;
	const char *accept_directory; // section name, or NULL
	bool republish;               // also when nothing changed
	bool hooks;                   // there are some: what happens to people is queued
	bool rebuild;                 // also when an image of the very same stands there
};

struct job_refusal {
	const char *source, *id, *name, *code, *text;
	uint8_t kind;
	bool warning;
};

struct job_change {
	char what; // '+' '~' '-'
	uint8_t kind;
	const char *source, *id, *name;
};

struct job_held { // what the brake or the fingerprint held back, per directory
	const char *source;
	const char *reason; // NULL: nothing held
	const char **users, **groups;
	size_t user_count, group_count;
	uint64_t memberships;
};

struct job {
	struct arena arena;
	int r;
	struct fail fail;
	bool changed, published, held;
	uint8_t grounds[DIGEST_LEN]; // once r is 0, what the image stands on
	struct image_published image;
	const char *no_room; // what a full disk would stop, NULL: what is kept in reserve stands
	struct job_refusal *refusals;
	size_t refusal_count;
	struct job_change *changes; // at most JOB_CHANGES_MAX
	size_t change_count, added, altered, removed;
	struct job_held *helds; // one per directory
	uint32_t users, groups, active, allowed, refused, warnings;
	uint64_t denied;                   // doors that were closed, and how long after the change:
	int64_t deny_last_ms, deny_max_ms; // the last one, the slowest
};

#define JOB_CHANGES_MAX 1000

void job_run(const struct job_input *in, struct job *out);
void job_free(struct job *j);

#endif
