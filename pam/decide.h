// SPDX-License-Identifier: MIT
//
// May this person log in, now? One pure, total function of what was found out.
// It does no I/O, keeps nothing, and whatever it does not know denies.
#ifndef PAM_DECIDE_H
#define PAM_DECIDE_H

#include <scimd/account.h>
#include <stdbool.h>
#include <stdint.h>

// What the image says of the name.
enum decide_found {
	DECIDE_UNREADABLE = 0, // there is no image that can be believed
	DECIDE_UNCONFIGURED,   // scimd never ran here: no image, and no store either
	DECIDE_STRANGER,       // a good image, and the name is not in it
	DECIDE_KNOWN,          // a good image, and this is the person's record
};

// What the directory says, asked just now.
enum decide_live {
	DECIDE_NO_ANSWER = 0, // not asked, or nobody who knows answered
	DECIDE_SAYS_ACTIVE,
	DECIDE_SAYS_DISABLED,
	DECIDE_SAYS_GONE,
};

struct decide_facts {
	bool local;   // the name is in /etc/passwd itself
	bool trouble; // something that the answer depends on went wrong
	enum decide_found found;
	// Of a known person: bytes of the image, trusted no further than others.
	uint8_t state, verdict;
	bool stated; // the policy has an `allow`
	int64_t age; // seconds since the last complete sync, or DECIDE_AGE_UNKNOWN
	uint32_t stale_warn, stale_deny; // seconds, 0 = never
	enum decide_live live;
	bool unavailable_ignores; // on_unavailable=allow
};

#define DECIDE_AGE_UNKNOWN (-1)

enum decide_result {
	DECIDE_DENY = 0,
	DECIDE_ALLOW,
	DECIDE_WARN,   // allowed, and something is to be told
	DECIDE_IGNORE, // not a person of the directory: others decide
};

enum decide_reason {
	REASON_ERROR = 0,
	REASON_LOCAL,
	REASON_UNCONFIGURED,
	REASON_STRANGER,
	REASON_UNREADABLE,
	REASON_DISABLED,
	REASON_DELETED,
	REASON_REFUSED,
	REASON_PROBE,
	REASON_SAYS_DISABLED, // the directory, just now
	REASON_SAYS_GONE,
	REASON_POLICY,
	REASON_NO_POLICY,
	REASON_STALE,
	REASON_AGE_UNKNOWN,
	REASON_OLD, // warns
	REASON_ALLOWED,
	REASONS,
};

struct decision {
	enum decide_result result;
	enum decide_reason reason;
};

struct decision decide(const struct decide_facts *f);

// A pair of clocks, in milliseconds.
struct decide_clock {
	int64_t wall, boot;  // CLOCK_REALTIME, CLOCK_BOOTTIME
	uint8_t boot_id[16]; // zeros: which boot it is is not known
};

// Seconds between the two, of which the larger counts: a clock that was set back,
// or that stood still while the machine slept, makes nothing younger. UNKNOWN where
// the clock is behind what it was in an earlier boot, or nothing was ever confirmed.
int64_t decide_age(const struct decide_clock *confirmed, const struct decide_clock *now);

#endif
