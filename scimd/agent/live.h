// SPDX-License-Identifier: MIT
//
// The live check of one person: what was asked, what was answered, and what the
// answer brings to the store.
//
// One request per person at a time, whoever waits for it; its answer serves for two
// seconds, and a directory that gave none is left alone for thirty. An answer that
// differs from the store becomes a round of its own (live_stages), a partial one:
// memberships stay as the last sync found them.
//
// Life: live_new with the fetches of a configuration, live_ask, live_free after the
// fetches have ended.
#ifndef SCIMD_AGENT_LIVE_H
#define SCIMD_AGENT_LIVE_H

#include <stdbool.h>
#include <stddef.h>

struct agent;
struct fail;
struct live;
struct stage;

#define LIVE_DEADLINE_MS 1500

struct live_known {     // what the store has of the person
	char etag[512]; // "": none
	bool active;
};

struct live_answer {
	const char *word; // "active" "disabled" "gone" "unknown"
	int status;       // HTTP, 0 = no answer
	const char *text; // why there is none, or ""
};

int live_new(struct agent *a, size_t directories, struct live **out);
void live_free(struct live *l); // takes NULL

// 1: *out is the answer; 0: end is called once, later; or -errno.
int live_ask(struct live *l, size_t directory, const char *id, const struct live_known *known,
	     void (*end)(void *arg, const struct live_answer *a), void *arg,
	     struct live_answer *out, struct fail *f);

// Takes what the answers brought for a directory as a stage; NULL: nothing. 0 or -ENOMEM.
int live_stage(struct live *l, size_t directory, struct stage **out);
// A round found changes: answers from before it are not given again.
void live_expire(struct live *l);
// The stages were not applied: the next answers have to bring it all again.
void live_forget(struct live *l);

#endif
