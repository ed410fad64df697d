// SPDX-License-Identifier: MIT
//
// The brake once it is known what would be served: what takes people away although
// nothing is absent from a list.
//
//   refused    records of people and groups that are served have changed so that they
//              cannot be: at most max(5, 5 %) of a directory's, like absence (brake.h)
//   unclaimed  after the store was lost: people whom the image knows and no directory has
#ifndef SCIMD_AGENT_LOSS_H
#define SCIMD_AGENT_LOSS_H

#include "scimd/agent/plan.h"

// Too many refused: the items go back to what they were, out->helds says so, and
// *again_out: it has to be resolved anew. 0 or -ENOMEM.
int loss_refused(const struct job_input *in, struct plan *p, const struct resolved *res,
		 struct job *out, bool *again_out);
// Too many unclaimed: how many; else 0. Of known_out.
size_t loss_unclaimed(const struct job_input *in, const struct plan *p, const struct resolved *res,
		      size_t *known_out);

#endif
