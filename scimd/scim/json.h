// SPDX-License-Identifier: MIT
//
// json-c, with SCIM's habits: names without regard to case (RFC 7643 §2.1),
// numbers that come as strings, singles where lists belong.
#ifndef SCIMD_SCIM_JSON_H
#define SCIMD_SCIM_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;

// The member of an object by name, exact first; NULL if it is not there, is
// null, or obj is no object. Borrowed.
struct json_object *json_member(struct json_object *obj, const char *name);
const char *json_string(struct json_object *v);         // NULL if not a string
const char *json_id(struct json_object *v);             // also a whole number, as text
bool json_integer(struct json_object *v, int64_t *out); // also "17" and 17.0

#endif
