// SPDX-License-Identifier: MIT
//
// Why an account is as it is: which resource, which attribute gave which value,
// what was refused. Reads the store, the image and the last job's report.
#ifndef SCIMD_AGENT_EXPLAIN_H
#define SCIMD_AGENT_EXPLAIN_H

struct agent;
struct fail;
struct job_refusal;
struct json_object;

// name: a login or group name, a userName, a SCIM id, or a number. Adds
// "name", "found" and "accounts" to out. 0 or -errno.
int explain_name(struct agent *a, const char *name, struct json_object *out, struct fail *f);
struct json_object *explain_refusal(const struct job_refusal *r);

#endif
