// SPDX-License-Identifier: MIT
//
// What agent.c, the rounds, check.c and live.c share; nobody else includes this.
#ifndef SCIMD_AGENT_INTERNAL_H
#define SCIMD_AGENT_INTERNAL_H

#include "scimd/agent/agent.h"
#include "scimd/agent/counters.h"
#include "scimd/agent/ear.h"
#include "scimd/agent/fetch.h"
#include "scimd/agent/hook.h"
#include "scimd/agent/live.h"
#include "scimd/agent/lockout.h"
#include "scimd/agent/worker.h"

struct agent_wish { // a round that waits for its turn
	struct agent_wish *next;
	struct agent_request req;
	char accept_directory[64];
};

struct visit {
	uint32_t uid;
	int64_t at; // wall, ms
};

struct agent {
	const char *config_path;
	bool once, once_ok;
	bool idle; // nothing is configured: systemd started it because somebody asked
	sd_event *event;
	sd_event_source *timer, *defer;
	struct config *config;
	struct mapping **mappings; // one per directory
	struct fetch **fetches;
	struct agent_directory *directories;
	struct ear **ears;
	struct live *live;
	struct store *store;
	bool store_lost;
	struct worker *worker;
	struct control *control;
	struct lockout *lockout;
	struct hook *hook;

	struct agent_wish *wishes; // the first one is under way while `running`
	bool running;
	bool reload_wanted; // SIGHUP came while a round was under way
	int64_t began;      // boot clock, ms
	size_t at;          // directory being fetched …
	bool whole;         // … in full
	struct stage **stages;
	struct job_input input;
	struct job job;

	struct job report; // the last job that resolved
	bool have_report, publish_failed;
	uint8_t grounds[DIGEST_LEN]; // of the last good job
	bool have_grounds;
	const char *no_room;
	int64_t last_at, last_ms, next_at;
	bool last_ok, last_full;
	int64_t full_at; // boot clock, ms: when the next complete list is due; 0 at first
	char last_error[800];
	unsigned int failures; // rounds in a row
	struct counters counters;

	struct visit *visits; // to be put on record (visit.c)
	size_t visit_count;
	sd_event_source *visit_defer;
};

void agent_hup(struct agent *a);
int idle_new(struct agent *a, struct fail *f); // idle.c: for agent_new and agent_run
int idle_run(struct agent *a);
void round_on_job(void *agent); // the worker has ended
void round_clear(struct agent *a);
void round_work(struct agent *a); // all is read: the worker's turn
void round_next(struct agent *a); // reads the next directory (round_read.c), or round_work
// round_report.c; j: what is told of, which may be the job of a round before
void round_keep(struct agent *a);
struct json_object *round_result(struct agent *a, const struct job *j, bool changed);
void round_log(const struct agent *a, const struct job *j, bool ok, bool news);
void round_held_clear(struct agent_directory *d);
void visit_flush(struct agent *a); // once no round is under way
void visit_free(struct agent *a);
int agent_plan_next(struct agent *a, int64_t ms);

#endif
