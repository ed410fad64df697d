// SPDX-License-Identifier: MIT
//
// What an account is, for every program and module: its state, the verdict on
// its login, and the numbers that nobody may ever be served with.
#ifndef SCIMD_ACCOUNT_H
#define SCIMD_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

// How the directory sees the person.
enum account_state {
	ACCOUNT_ACTIVE = 1,
	ACCOUNT_DISABLED = 2, // explicit active:false, or a value that is not a boolean
	ACCOUNT_DELETED = 3,  // tombstone: gone from the directory, number kept for ever
	ACCOUNT_REFUSED = 4,  // known, but its present record cannot be served
	ACCOUNT_PROBE = 5,    // `_scimd_probe`: never a person, always denied
};

// What the access policy says of an active person.
enum account_verdict {
	VERDICT_DENY = 0, // also: no policy was stated
	VERDICT_ALLOW = 1,
	VERDICT_BREAK_GLASS = 2, // allowed, and staleness does not deny
};

// Which policy rule decided (explain names it).
enum account_rule {
	RULE_NONE = 0,     // no `allow` was stated
	RULE_ALLOW = 1,    // matched `allow`
	RULE_DENY = 2,     // matched `deny`
	RULE_NO_MATCH = 3, // `allow` was stated and did not match
	RULE_STATE = 4,    // the state decided
	RULE_BREAK_GLASS = 5,
};

// The words that programs and people read.
static inline const char *account_state_word(uint8_t state)
{
	static const char *const words[] = { "unknown", "active",  "disabled",
					     "deleted", "refused", "probe" };

	return words[state < sizeof(words) / sizeof(*words) ? state : 0];
}

static inline const char *account_verdict_word(uint8_t verdict)
{
	return verdict == VERDICT_ALLOW         ? "allow"
	       : verdict == VERDICT_BREAK_GLASS ? "break-glass"
						: "deny";
}

#define ACCOUNT_PROBE_NAME "_scimd_probe"
#define ACCOUNT_PROBE_ID 2147352575u // last of the managed range, never given to a person

// The range that hashed ids come from; systemd leaves it unused.
#define ACCOUNT_HASH_FIRST 1879048192u
#define ACCOUNT_HASH_LAST 2147352574u

#define ACCOUNT_NAME_MAX 32
#define ACCOUNT_GROUPS_MAX 65535 // with the primary one Linux's NGROUPS_MAX

// True for numbers refused everywhere, by writer and reader alike:
// 0-999, 61184-65519 (systemd's dynamic users), 65534, 65535, 2147352576 and up
// (requirements: uids above 2^31-1 have made other programs root).
static inline bool account_id_reserved(uint64_t id)
{
	if (id - 65536 < 2147352576u - 65536) // nearly always
		return false;
	return id < 1000 || (id >= 61184 && id <= 65519) || id == 65534 || id == 65535 ||
	       id >= 2147352576u;
}

// Served with a warning: ranges that containers use.
static inline bool account_id_container(uint64_t id)
{
	return id >= 524288 && id < ACCOUNT_HASH_FIRST;
}

#endif
