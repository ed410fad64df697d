// SPDX-License-Identifier: MIT
//
// The one thread beside the loop: it runs jobs (job.h), one at a time.
#ifndef SCIMD_AGENT_WORKER_H
#define SCIMD_AGENT_WORKER_H

#include "scimd/agent/job.h"
#include <stdbool.h>
#include <systemd/sd-event.h>

struct worker;

// done is called on the loop, with the job that was given; it belongs to the caller again.
int worker_new(sd_event *event, void (*done)(void *arg), void *arg, struct worker **out,
	       struct fail *f);
// in and out must stay until done is called. -EBUSY while one runs.
int worker_start(struct worker *w, const struct job_input *in, struct job *out);
bool worker_busy(const struct worker *w);
void worker_free(struct worker *w); // waits for a job that runs

#endif
