// SPDX-License-Identifier: MIT
//
// `attributes` and `excludedAttributes` (RFC 7644 §3.4.2.5, §3.9): parsed once
// per request, applied to every resource of the answer. Immutable once parsed.
// Everywhere a NULL projection means that neither was given.
#ifndef SCIMD_SCIM_PROJECT_H
#define SCIMD_SCIM_PROJECT_H

#include <stdbool.h>

struct json_object;
struct scim_problem;
struct scim_projection;
struct scim_resource_type;

// Comma-separated, as in a query; NULL or "": not given. *out is NULL if neither
// is. 400 invalidValue for both at once and for what is no attribute name; an
// unknown name is no error, it matches nothing. -ENOMEM.
int scim_projection_parse(const char *attributes, const char *excluded,
			  struct scim_projection **out, struct scim_problem *p);
// The same from a SearchRequest: lists of strings, or one string; NULL: not given.
int scim_projection_read(struct json_object *attributes, struct json_object *excluded,
			 struct scim_projection **out, struct scim_problem *p);
void scim_projection_free(struct scim_projection *pr); // takes NULL

// Whether anything of this attribute ("members", "members.type", "URN:attr") will be in
// the answer, supposed that it is returned by default: if not, it need not be computed.
bool scim_projection_wants(const struct scim_projection *pr, const char *path);
// Whether `attributes` was given (a PATCH then answers 200 with a body).
bool scim_projection_selects(const struct scim_projection *pr);

// A new object (the caller's) with what is to be returned of `full`, which is
// not modified; values are shared with it. NULL without memory.
struct json_object *scim_project(const struct scim_projection *pr,
				 const struct scim_resource_type *t, struct json_object *full);

#endif
