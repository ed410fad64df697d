// SPDX-License-Identifier: MIT
//
// One value by its row: what accept.c and patch.c share. The doors are accept.h
// and patch.h. "Unassigned" (RFC 7643 §2.5) is a NULL value.
#ifndef SCIMD_SCIM_VALUE_H
#define SCIMD_SCIM_VALUE_H

#include <stdbool.h>
#include <stddef.h>

struct json_object;
struct scim_attribute;
struct scim_problem;
struct scim_resource_type;
struct scim_schema;

// The value of an attribute, normalised: a list for a multi-valued one, NULL for
// null, [] and {}. `where` names it in the problem. New, the caller's.
int scim_value_accept(const struct scim_attribute *a, const char *where, struct json_object *in,
		      struct json_object **out, struct scim_problem *p);
// The same for one element of a list.
int scim_value_element(const struct scim_attribute *a, const char *where, struct json_object *in,
		       struct json_object **out, struct scim_problem *p);
// Puts v (taken over, NULL: removes) under name. 0 or -ENOMEM.
int scim_value_put(struct json_object *o, const char *name, struct json_object *v,
		   struct scim_problem *p);
bool scim_value_primary(struct json_object *element); // whether "primary" is true
bool scim_value_empty(struct json_object *v);         // NULL, "" or {} or []

// Calls fn for every key of a body that names an attribute: by plain name,
// "name.sub", "URN:attr" or inside an object under the URN; s is NULL for a common
// attribute, sub NULL if none is named. With a NULL attribute: a whole extension
// is null. Unknown names are passed over. Ends with fn's first non-zero, and
// returns it.
typedef int scim_value_fn(void *arg, const struct scim_schema *s, const struct scim_attribute *a,
			  const struct scim_attribute *sub, struct json_object *v);
int scim_value_walk(const struct scim_resource_type *t, const struct scim_schema *s,
		    struct json_object *in, scim_value_fn *fn, void *arg);

// The object in which the attributes of s are: res itself, or the one under the
// extension's URN; NULL if there is none and it is not to be made.
struct json_object *scim_value_home(struct json_object *res, const struct scim_resource_type *t,
				    const struct scim_schema *s, bool make);

#endif
