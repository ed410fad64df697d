// SPDX-License-Identifier: MIT
//
// The decision; see decide.h. The order of the questions is the policy: what makes
// a person none of ours comes first, then all that denies, then what allows.
#include "pam/decide.h"

#include <string.h>

static struct decision deny(enum decide_reason why)
{
	return (struct decision){ .result = DECIDE_DENY, .reason = why };
}

static struct decision ignore(enum decide_reason why)
{
	return (struct decision){ .result = DECIDE_IGNORE, .reason = why };
}

// Nobody can tell a leaver from a stranger; a directory that says so itself still can.
static struct decision unreadable(const struct decide_facts *f)
{
	switch (f->live) {
	case DECIDE_SAYS_DISABLED:
		return deny(REASON_SAYS_DISABLED);
	case DECIDE_SAYS_GONE:
		return deny(REASON_SAYS_GONE);
	default:
		break;
	}
	if (f->unavailable_ignores && !f->trouble)
		return ignore(REASON_UNREADABLE);
	return deny(REASON_UNREADABLE);
}

static enum decide_reason state_denies(uint8_t state)
{
	switch (state) {
	case ACCOUNT_ACTIVE:
		return REASON_ALLOWED;
	case ACCOUNT_DISABLED:
		return REASON_DISABLED;
	case ACCOUNT_DELETED:
		return REASON_DELETED;
	case ACCOUNT_REFUSED:
		return REASON_REFUSED;
	case ACCOUNT_PROBE:
		return REASON_PROBE;
	default:
		return REASON_ERROR;
	}
}

static enum decide_reason verdict_denies(const struct decide_facts *f)
{
	switch (f->verdict) {
	case VERDICT_ALLOW:
	case VERDICT_BREAK_GLASS:
		return REASON_ALLOWED;
	case VERDICT_DENY:
		return f->stated ? REASON_POLICY : REASON_NO_POLICY;
	default:
		return REASON_ERROR;
	}
}

// How old the image is: REASON_ALLOWED, REASON_OLD, or a reason to deny.
static enum decide_reason age_denies(const struct decide_facts *f)
{
	if (f->age < 0)
		return f->stale_deny ? REASON_AGE_UNKNOWN : REASON_OLD;
	if (f->stale_deny && f->age >= f->stale_deny)
		return REASON_STALE;
	if (f->stale_warn && f->age >= f->stale_warn)
		return REASON_OLD;
	return REASON_ALLOWED;
}

static struct decision known(const struct decide_facts *f)
{
	enum decide_reason why = state_denies(f->state);
	bool fresh = false;

	if (why != REASON_ALLOWED)
		return deny(why);
	switch (f->live) {
	case DECIDE_SAYS_DISABLED:
		return deny(REASON_SAYS_DISABLED);
	case DECIDE_SAYS_GONE:
		return deny(REASON_SAYS_GONE);
	case DECIDE_SAYS_ACTIVE:
		fresh = true;
		break;
	case DECIDE_NO_ANSWER:
		break;
	default:
		return deny(REASON_ERROR);
	}
	if (f->trouble)
		return deny(REASON_ERROR);
	why = verdict_denies(f);
	if (why != REASON_ALLOWED)
		return deny(why);
	why = age_denies(f);
	if (why == REASON_ALLOWED)
		return (struct decision){ .result = DECIDE_ALLOW, .reason = REASON_ALLOWED };
	if (why != REASON_OLD && !fresh && f->verdict != VERDICT_BREAK_GLASS)
		return deny(why);
	return (struct decision){ .result = DECIDE_WARN, .reason = REASON_OLD };
}

struct decision decide(const struct decide_facts *f)
{
	if (f->local)
		return ignore(REASON_LOCAL);
	switch (f->found) {
	case DECIDE_UNCONFIGURED:
		return ignore(REASON_UNCONFIGURED);
	case DECIDE_STRANGER:
		return ignore(REASON_STRANGER);
	case DECIDE_UNREADABLE:
		return unreadable(f);
	case DECIDE_KNOWN:
		return known(f);
	default:
		return deny(REASON_ERROR);
	}
}

static bool same_boot(const struct decide_clock *a, const struct decide_clock *b)
{
	static const uint8_t unknown[sizeof(a->boot_id)];

	return memcmp(a->boot_id, b->boot_id, sizeof(a->boot_id)) == 0 &&
	       memcmp(a->boot_id, unknown, sizeof(unknown)) != 0;
}

int64_t decide_age(const struct decide_clock *confirmed, const struct decide_clock *now)
{
	int64_t wall, boot;

	if (confirmed->wall <= 0 || now->wall <= 0)
		return DECIDE_AGE_UNKNOWN;
	wall = now->wall - confirmed->wall; // both positive: no overflow
	if (!same_boot(confirmed, now))
		return wall < 0 ? DECIDE_AGE_UNKNOWN : wall / 1000;
	if (confirmed->boot < 0 || now->boot < confirmed->boot)
		return DECIDE_AGE_UNKNOWN;
	boot = now->boot - confirmed->boot;
	return (boot > wall ? boot : wall) / 1000;
}
