// SPDX-License-Identifier: MIT
//
// From mapped resources to accounts: names, numbers, groups, verdicts, and a
// sentence for everything that cannot be served. Pure: no file, no clock, no
// log, no store; the same input gives the same output in any order of input.
//
// Life: fill struct resolve_input (all borrowed until the output is freed),
// identity_resolve, read the output, arena_free(&out->arena).
#ifndef SCIMD_IDENTITY_RESOLVE_H
#define SCIMD_IDENTITY_RESOLVE_H

#include "scimd/base/arena.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fail;
struct scim_filter;

enum group_members { GROUP_MEMBERS_FULL, GROUP_MEMBERS_NONE, GROUP_MEMBERS_SELF };

struct identity_rules {
	const char *home;    // template: %u name, %U uid, %% percent
	const char *shell;   // default shell
	char override_space; // 0: a group name with spaces is refused
	bool leaver_hide;    // leaver_nss = hide
	enum group_members group_members;
	struct local_group_rule { // local_group.NAME = DISPLAYNAME or id
		const char *local;
		const char *directory_group;
	} * local_groups;
	size_t local_group_count;
	const struct scim_filter *allow, *deny, *break_glass; // NULL: not stated
	bool allow_all;                                       // allow = all
	const char *cut; // login name from userName: "at" (cut at its one @, default), "whole"
};

struct identity_source { // one [directory/NAME], in order of precedence
	const char *name;
};

struct identity_resource {
	uint32_t source;   // index into sources
	uint8_t kind;      // enum resource_kind
	const void *bytes; // scim/resource.h
	size_t len;
};

// The source of ledger entries that came back from the image: they know a name and
// a number, but no SCIM id. A newcomer whose hashed number is theirs, or whose
// given number and name are theirs, is their owner; nobody else gets the number.
#define LEDGER_RESTORED "?"

// What was decided before and may never change: from the store's ledger.
struct ledger_entry {
	const char *source; // section name
	const char *id;     // SCIM id
	uint8_t kind;
	bool deleted;     // tombstone
	const char *name; // last served
	uint32_t uid;     // users; 0 for groups
	uint32_t gid;
	int64_t first_seen, last_seen; // wall, ms
};

struct local_accounts { // /etc/passwd and /etc/group, minus nothing
	const char *const *user_names;
	const uint32_t *uids;
	size_t user_count;
	const char *const *group_names;
	const uint32_t *gids;
	size_t group_count;
};

struct resolve_input {
	const struct identity_rules *rules;
	const struct identity_source *sources;
	size_t source_count;
	const struct identity_resource *resources;
	size_t resource_count;
	const struct ledger_entry *ledger; // tombstones included
	size_t ledger_count;
	const struct local_accounts *local;
	int64_t now;
};

struct account {
	uint32_t resource; // index, or UINT32_MAX for a tombstone (then `ledger` says which)
	uint32_t ledger;   // index, or UINT32_MAX for a newcomer
	uint32_t source;
	const char *id; // SCIM id
	const char *name, *passwd, *gecos, *home, *shell;
	uint32_t uid, gid;
	uint8_t state, verdict, rule; // scimd/account.h
	bool private_group, hidden, no_nss;
	const char *const *keys;
	uint32_t key_count;
	const uint32_t *groups; // gids, ascending, served groups and mapped local ones
	uint32_t group_count;
};

struct account_group {
	uint32_t resource, ledger, source;
	const char *id, *name;
	uint32_t gid;
	const uint32_t *members; // indexes into accounts; empty unless group_members = full
	uint32_t member_count;
	uint32_t total_members; // before group_members cut the list
};

// What was refused or altered, and why. Sorted by source, kind, id.
struct refusal {
	uint32_t resource; // index into resources
	const char *code;  // stable word: "name", "name-taken", "uid-reserved", "local-name" …
	const char *text;  // a sentence that names the object, the reason and the way out
	bool warning;      // the record is served nevertheless
};

struct resolved {
	struct arena arena;
	struct account *accounts; // the probe is not among them; ascending uid
	uint32_t account_count;
	struct account_group *groups; // ascending gid
	uint32_t group_count;
	struct refusal *refusals;
	uint32_t refusal_count;
	uint32_t active_count, allowed_count;
	uint64_t memberships; // user-in-group pairs, before group_members
};

// 0 or -ENOMEM. Nothing in the input can make it fail otherwise.
int identity_resolve(const struct resolve_input *in, struct resolved *out, struct fail *f);

#endif
