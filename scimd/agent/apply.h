// SPDX-License-Identifier: MIT
//
// One write transaction per applied sync: resources, ledger, audit, state.
#ifndef SCIMD_AGENT_APPLY_H
#define SCIMD_AGENT_APPLY_H

struct fail;
struct job_input;
struct plan;
struct resolved;

// Nothing to write: no transaction. 0 or -errno with the store as it was.
int apply_plan(const struct job_input *in, struct plan *p, const struct resolved *res,
	       struct fail *f);

#endif
