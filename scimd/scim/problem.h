// SPDX-License-Identifier: MIT
//
// What a request got wrong, as the protocol says it (RFC 7644 §3.12): an HTTP
// status, the scimType of Table 9 if there is one, and a sentence. It is the
// `struct fail` of the functions that judge a request.
#ifndef SCIMD_SCIM_PROBLEM_H
#define SCIMD_SCIM_PROBLEM_H

struct json_object;

struct scim_problem {
	int status;
	const char *scim_type; // NULL: none
	char detail[512];      // UTF-8, without control characters
};

// Fills p (NULL: nothing to fill) and returns -EINVAL, so that a refusal is one
// line: `return scim_problem(p, 400, "invalidValue", "%s is required", name);`
// Bytes that are no UTF-8 and control characters become \xNN; what does not fit
// is cut between two characters.
int scim_problem(struct scim_problem *p, int status, const char *scim_type, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

// 500 without a scimType, and -ENOMEM.
int scim_problem_memory(struct scim_problem *p);

// The error body; owned by the caller, NULL without memory.
struct json_object *scim_problem_json(const struct scim_problem *p);

#endif
