// SPDX-License-Identifier: MIT
//
// What the parts of identity_resolve share: judge.c looks at each resource alone,
// claim.c lets them compete, member.c flattens groups, policy.c decides about
// logins, account.c and group.c build what is served, resolve.c puts them in order.
#ifndef SCIMD_IDENTITY_INTERNAL_H
#define SCIMD_IDENTITY_INTERNAL_H

#include "scimd/base/table.h"
#include "scimd/identity/name.h"
#include "scimd/identity/resolve.h"
#include "scimd/scim/resource.h"

struct memberships;

struct candidate {
	uint32_t resource, ledger; // ledger: UINT32_MAX for a newcomer
	uint32_t source;
	uint8_t kind, state;
	bool refused, given, incumbent, private_group;
	char name[NAME_ROOM];
	uint32_t uid, gid;
	int64_t created;
	const char *id;
	const char *shown; // for sentences: name or id
	uint32_t account;  // index of what became of it, UINT32_MAX
};

struct resolver {
	const struct resolve_input *in;
	struct resolved *out;
	struct candidate *c;                    // one per resource
	struct table ledger;                    // "source\0kind id" → ledger index
	struct table restored, owned;           // { kind, number } → ledger index
	struct table local_users, local_groups; // name → index
	struct table local_uids, local_gids;    // 4 bytes → index
	size_t refusal_cap;
	bool short_of_memory;
};

// Records a refusal (or a warning); the record is out unless warning.
void resolver_refuse(struct resolver *rv, struct candidate *c, bool warning, const char *code,
		     const char *fmt, ...) __attribute__((format(printf, 5, 6)));

void resolver_free(struct resolver *rv); // what it holds; not the results

int judge_all(struct resolver *rv);
// True for an entry that came back from the image and has found its owner since.
bool judge_settled(const struct resolver *rv, const struct ledger_entry *l);
int claim_all(struct resolver *rv);
int resolve_accounts(struct resolver *rv);
int resolve_groups(struct resolver *rv, const struct memberships *m);
// The groups of one person, into the account.
int resolve_user_groups(struct resolver *rv, const struct memberships *m, struct account *ac);

#endif
