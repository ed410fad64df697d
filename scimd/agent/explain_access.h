// SPDX-License-Identifier: MIT
//
// For `explain`: each rule of the access policy with what it says of one person, and
// what would come of it if the person were disabled or in a group.
#ifndef SCIMD_AGENT_EXPLAIN_ACCESS_H
#define SCIMD_AGENT_EXPLAIN_ACCESS_H

#include "scimd/base/arena.h"
#include "scimd/identity/resolve.h"

struct config;
struct explain_if;
struct fail;
struct json_object;
struct store_resource;
struct store_txn;

// Life: fill view, config and what_if; access_explain for each person; access_free.
struct access {
	struct store_txn *view;
	const struct config *config;
	const struct explain_if *what_if;
	struct arena arena;
	struct identity_source *sources;
	struct identity_resource *resources; // number 0 is the person's, then every group
	size_t count, cap;                   // of resources; 0: the groups are not read yet
};

// Adds "rules" to out, and "would" where something is asked that is not so. 0,
// -ENXIO: there is no such group; or -errno.
int access_explain(struct access *a, const struct store_resource *person, struct json_object *out,
		   struct fail *f);
void access_free(struct access *a);

#endif
