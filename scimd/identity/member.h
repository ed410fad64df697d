// SPDX-License-Identifier: MIT
//
// Who is in which group, as indexes of resources, nested groups flattened; and which
// group a name or an id of the configuration means.
#ifndef SCIMD_IDENTITY_MEMBER_H
#define SCIMD_IDENTITY_MEMBER_H

#include "scimd/identity/internal.h"

struct memberships {
	uint32_t *group_count; // per resource: how many users a group has
	size_t *user_at;       // user i's groups: user_groups[user_at[i] … user_at[i + 1])
	size_t *user_fill;
	uint32_t *user_groups;
	uint64_t total;
	// Per resource: a group that its displayName, or its id, does not stand for. A
	// name that two of one directory bear means neither; of several directories the
	// first section has it.
	bool *nameless, *idless;
};

int memberships_make(struct resolver *rv, struct memberships *m); // after judge_all
void memberships_free(struct memberships *m);

#endif
