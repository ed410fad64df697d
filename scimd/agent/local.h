// SPDX-License-Identifier: MIT
//
// The accounts of /etc/passwd and /etc/group, read directly (never through NSS,
// which would ask us): local accounts win, always.
#ifndef SCIMD_AGENT_LOCAL_H
#define SCIMD_AGENT_LOCAL_H

struct arena;
struct fail;
struct local_accounts;

// A file that is missing counts as empty; one that cannot be read is an error.
int local_read(struct arena *a, const char *passwd, const char *group, struct local_accounts *out,
	       struct fail *f);

#endif
