// SPDX-License-Identifier: MIT
//
// The ledger from the image. When the store was lost (damaged, deleted) but the
// image is good, its people and groups become ledger entries of LEDGER_RESTORED,
// so that no number of theirs is given to anybody else. resolve.h says how they
// find back to their owners.
#ifndef SCIMD_AGENT_RESTORE_H
#define SCIMD_AGENT_RESTORE_H

struct fail;
struct store;

// Does nothing when the ledger has entries or there is no readable image. 0 or -errno.
int restore_ledger(struct store *s, const char *state_dir, struct fail *f);

#endif
