// SPDX-License-Identifier: MIT
//
// The daemon's life: one loop, one worker thread, one round of sync at a time.
//
// A round pulls every directory in turn (stage.h), hands the stages to the
// worker (job.h), and ends when the image is published or is known not to need
// it. Between rounds the loop answers the control socket, watches /etc/passwd
// and /etc/group, and keeps the two rhythms.
#ifndef SCIMD_AGENT_AGENT_H
#define SCIMD_AGENT_AGENT_H

#include "scimd/agent/config.h"
#include "scimd/agent/hook.h"
#include "scimd/agent/job.h"
#include "scimd/agent/lockout.h"
#include "scimd/base/fail.h"
#include "scimd/client/tags.h"
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct control_call;
struct ear;
struct store;

struct agent;

struct agent_options {
	const char *config; // NULL: the default path
	bool once;          // one full round, then the loop ends
};

// What is known of a directory since the start.
struct agent_directory {
	int64_t last_ok;   // wall, ms; 0 = not yet
	char error[512];   // of the last round, "" = good
	bool denied;       // and so because it refuses the token
	const char *state; // "never" "ok" "failed" "held"
	char held[512];    // reason, "" = nothing
	char **held_users, **held_groups;
	size_t held_user_count, held_group_count;
	uint64_t held_memberships;
	uint64_t users, groups; // received in the last complete pull
	bool no_look;           // it cannot tell who is disabled without a full list
	int64_t retry_after;    // seconds the server asked for in the last round, -1
	struct tags tags;       // of the last complete lists that were applied
	struct tags tags_new;   // of those that a round under way has read
};

struct agent_status {
	const struct config *config;
	const struct agent_directory *directories;
	struct ear *const *ears; // one per directory
	const struct job *job;   // the last one that resolved, or NULL
	bool syncing, publish_failed, store_lost;
	int64_t last_at; // end of the last round, wall ms
	bool last_ok, last_full;
	int64_t last_ms; // how long it took
	const char *last_error;
	const char *no_room; // of the last job (job.h)
	int64_t next_at;     // wall ms
	struct lockout_state lockout;
	struct hook_state hook;
};

// A round somebody asked for.
struct agent_request {
	bool full, dry_run, accept_removals;
	bool events; // what the events name, and nothing else
	bool live;   // what live checks brought, and nothing else
	bool look; // only at who is disabled (the shorter rhythm); a full round where that cannot be
	const char *accept_directory; // copied
	bool republish, rebuild;      // rebuild: even where a good image stands
	struct control_call *call;    // answered at the end, or NULL
};

int agent_new(const struct agent_options *o, struct agent **out, struct fail *f);
// Runs the loop until SIGTERM, SIGINT or, with `once`, the end of the round.
// Returns the process's exit code.
int agent_run(struct agent *a);
void agent_free(struct agent *a);

sd_event *agent_event(struct agent *a);
struct store *agent_store(struct agent *a);
const struct mapping *agent_mapping(struct agent *a, size_t directory);
void agent_status_get(struct agent *a, struct agent_status *out);
// Queues a round; one that is running is finished first. 0 or -ENOMEM.
int agent_sync(struct agent *a, const struct agent_request *req);
void agent_forget(struct agent *a, struct control_call *call); // the client hung up
int agent_reload(struct agent *a, struct fail *f);
// Asks the directory about one person. The call is answered when it is known.
void agent_check(struct agent *a, struct control_call *call, const char *name);
// A person's session began: the first one on this host is put on record.
void agent_session(struct agent *a, struct control_call *call, const char *name);

#endif
