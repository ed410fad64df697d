// SPDX-License-Identifier: MIT
//
// From the body of a POST or PUT to a normalised resource (RFC 7644 §3.3,
// §3.5.1; RFC 7643 §2.5): names as the tables spell them and in their order,
// extensions nested under their URN, `schemas` naming what has data, nothing
// that is unassigned, read-only, unknown or a password.
//
// Taken in every dialect: "name.givenName" and "URN:attr" keys, "True" for a
// boolean, "17" for an integer, a single value where a list belongs, a bare
// string for a complex value that has a `value` (manager, emails, keys).
//
// Not judged here: uniqueness, ranges, who a member is. `id` and `meta` are the
// caller's to add.
#ifndef SCIMD_SCIM_ACCEPT_H
#define SCIMD_SCIM_ACCEPT_H

struct json_object;
struct scim_problem;
struct scim_resource_type;

#define SCIM_TEXT_MAX 65536u     // bytes of one string
#define SCIM_VALUES_MAX 1000u    // values of one list …
#define SCIM_MEMBERS_MAX 100000u // … and of `members`

// 0 and a new resource in *out (the caller's); `in` is not modified. -EINVAL
// with *p filled: 400 invalidSyntax (no object), 400 invalidValue. -ENOMEM.
int scim_accept(const struct scim_resource_type *t, struct json_object *in,
		struct json_object **out, struct scim_problem *p);

// Both normalised. 400 mutability if an immutable attribute that `old` has is
// another one in `now`; one that `now` does not name is no difference.
int scim_immutable_check(const struct scim_resource_type *t, struct json_object *old,
			 struct json_object *now, struct scim_problem *p);
// For PUT: copies the immutable attributes of `old` that `now` does not name
// into `now` (and their URN into `schemas`). 0 or -ENOMEM.
int scim_immutable_carry(const struct scim_resource_type *t, struct json_object *old,
			 struct json_object **now);
// Table order and computed `schemas` again, after the caller changed a
// normalised resource by hand. 0 or -ENOMEM.
int scim_settle(const struct scim_resource_type *t, struct json_object **res);

#endif
