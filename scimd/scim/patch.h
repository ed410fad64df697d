// SPDX-License-Identifier: MIT
//
// PATCH (RFC 7644 §3.5.2), in the dialects of Okta, Entra and the rest: op in
// any case; keys like "name.givenName" and "URN:attr" in a value without path;
// read-only keys in a value ignored; "True"; null = unassign; `remove` with the
// values to remove; add or replace at `emails[type eq "work"].value` that
// matches nothing creates the value.
//
// Atomic: the target is not modified, and a failure leaves nothing. Only the
// callbacks for `members` act at once; the caller undoes them (by aborting its
// transaction) when scim_patch fails.
#ifndef SCIMD_SCIM_PATCH_H
#define SCIMD_SCIM_PATCH_H

struct json_object;
struct scim_problem;
struct scim_resource_type;

#define SCIM_PATCH_OPERATIONS 1000u
#define SCIM_PATCH_LOOKS 2000000u // at members and values, each term of a filter; more: tooMany

// A group's members, where they are not in the resource. Each returns 0, or
// -errno with p filled, which ends the PATCH. A member is normalised: an object
// with `value` (and `type`, `$ref` if given); borrowed.
struct scim_patch_list {
	void *arg;
	int (*add)(void *arg, struct json_object *member, struct scim_problem *p); // there: 0
	int (*remove)(void *arg, const char *value, struct scim_problem *p);       // not there: 0
	int (*clear)(void *arg, struct scim_problem *p);
	// Calls fn for every member until it returns non-zero, and returns that.
	// Used only for filters other than `value eq`; fn calls back nothing.
	int (*each)(void *arg, int (*fn)(void *fn_arg, struct json_object *member), void *fn_arg);
};

// target: normalised (scim_accept), possibly with id, meta and other read-only
// attributes, which are kept. members: NULL if they are in the target. 0 and
// the new resource in *out (the caller's; equal to the target if nothing
// changed), or -EINVAL with *p filled, -ENOMEM, or what a callback returned.
int scim_patch(const struct scim_resource_type *t, struct json_object *target,
	       struct json_object *body, const struct scim_patch_list *members,
	       struct json_object **out, struct scim_problem *p);

#endif
