// SPDX-License-Identifier: MIT
//
// What the access policy makes of one person, rule by rule; also of what is not so,
// but could be. The same code decides that decides for the image (policy.h).
#ifndef SCIMD_IDENTITY_TRIAL_H
#define SCIMD_IDENTITY_TRIAL_H

#include <stdbool.h>
#include <stdint.h>

struct fail;
struct resolve_input;

#define TRIAL_NO_GROUP UINT32_MAX

struct trial {
	uint32_t user;  // index of the person's resource
	bool disabled;  // if the person were disabled
	uint32_t group; // if the person were in this one too (index), or TRIAL_NO_GROUP
};

struct trial_result {
	bool deny, break_glass, allow; // whether each rule matches; false where it is not stated
	uint8_t state, verdict, rule;  // scimd/account.h
};

// Of the input's resources only the person and the groups are looked at; accounts are
// not made, so that neither ledger nor other people are needed. 0 or -ENOMEM.
int identity_trial(const struct resolve_input *in, const struct trial *t, struct trial_result *out,
		   struct fail *f);

#endif
