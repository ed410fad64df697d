// SPDX-License-Identifier: MIT
//
// Why an account is as it is: which resource, which attribute gave which value,
// what was refused. Reads the store, the image and the last job's report.
#ifndef SCIMD_AGENT_EXPLAIN_H
#define SCIMD_AGENT_EXPLAIN_H

#include <stdbool.h>
#include <stdint.h>

struct agent;
struct control_call;
struct fail;
struct job_refusal;
struct json_object;

struct explain_if { // what is not so, but could be
	bool rules; // show each rule of the access policy; the others need it
	bool disabled;
	const char *group; // in this group too: its SCIM id or displayName; NULL
};

// name: a login or group name, a userName, a SCIM id, or a number. Adds
// "name", "found" and "accounts" to out. 0, -ENXIO (no such group), or -errno.
int explain_name(struct agent *a, const char *name, const struct explain_if *what_if,
		 struct json_object *out, struct fail *f);
const char *explain_rule(uint8_t rule);
struct json_object *explain_refusal(const struct job_refusal *r);
// The command `people` of the control socket.
void command_people(struct control_call *call);

#endif
