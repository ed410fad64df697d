// SPDX-License-Identifier: MIT
//
// One write transaction per applied sync: resources, ledger, leavers, audit, state.
#ifndef SCIMD_AGENT_APPLY_H
#define SCIMD_AGENT_APPLY_H

#include <stdbool.h>
#include <stddef.h>

struct fail;
struct job_input;
struct leavers;
struct plan;
struct plan_item;
struct resolved;

// Nothing to write: no transaction. 0 or -errno with the store as it was.
int apply_plan(const struct job_input *in, struct plan *p, const struct resolved *res,
	       const struct leavers *leaving, struct fail *f);

// What it means for the person or group: "created" "changed" "disabled" …
const char *apply_event(const struct plan_item *it);
bool apply_inactive(const void *bytes, size_t len);

#endif
