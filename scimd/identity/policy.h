// SPDX-License-Identifier: MIT
//
// The access policy: one verdict and one rule per person.
#ifndef SCIMD_IDENTITY_POLICY_H
#define SCIMD_IDENTITY_POLICY_H

#include "scimd/identity/member.h"

// A user's path that a filter may name, for configuration checks: attributes with
// a value path other than groups[…] would lose which value belongs to which.
struct policy {
	const struct resolver *rv;
	const struct memberships *m;
};

// Whether one rule matches; NULL, one that is not stated, never does.
bool policy_matches(const struct policy *p, const struct candidate *c,
		    const struct scim_filter *rule);
void policy_judge(const struct policy *p, const struct candidate *c, uint8_t *verdict_out,
		  uint8_t *rule_out);

#endif
