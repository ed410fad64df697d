// SPDX-License-Identifier: MIT
//
// The attributes of a User and of a Group: one row each, in tables that are
// both what validates and what /Schemas and /ResourceTypes serve (RFC 7643 §7,
// §8.7.1). Constant data: no life cycle, any thread.
//
// A further attribute is one row in schema_user.c or schema_group.c.
#ifndef SCIMD_SCIM_SCHEMA_H
#define SCIMD_SCIM_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

struct json_object;
struct scim_path;

#define SCIM_URN_USER "urn:ietf:params:scim:schemas:core:2.0:User"
#define SCIM_URN_GROUP "urn:ietf:params:scim:schemas:core:2.0:Group"
#define SCIM_URN_ENTERPRISE "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
#define SCIM_URN_POSIX_USER "urn:scimd:params:scim:schemas:extension:posix:1.0:User"
#define SCIM_URN_POSIX_GROUP "urn:scimd:params:scim:schemas:extension:posix:1.0:Group"

enum scim_kind { // RFC 7643 §2.3
	SCIM_KIND_STRING,
	SCIM_KIND_BOOLEAN,
	SCIM_KIND_DECIMAL,
	SCIM_KIND_INTEGER,
	SCIM_KIND_DATETIME,
	SCIM_KIND_BINARY,
	SCIM_KIND_REFERENCE,
	SCIM_KIND_COMPLEX
};
enum scim_mutability { SCIM_READ_WRITE, SCIM_READ_ONLY, SCIM_IMMUTABLE, SCIM_WRITE_ONLY };
enum scim_returned { SCIM_DEFAULT, SCIM_ALWAYS, SCIM_NEVER, SCIM_REQUEST };
enum scim_uniqueness { SCIM_NONE, SCIM_SERVER, SCIM_GLOBAL };

struct scim_attribute {
	const char *name, *description;
	enum scim_kind kind;
	enum scim_mutability mutability;
	enum scim_returned returned;
	enum scim_uniqueness uniqueness;
	bool multi, required, case_exact;
	bool many;                         // a list of up to SCIM_MEMBERS_MAX values
	const char *const *canonical;      // canonicalValues, ended by NULL; NULL: none
	const char *const *references;     // referenceTypes, likewise
	const struct scim_attribute *subs; // ended by a row without a name; NULL: not complex
};

struct scim_schema {
	const char *urn, *name, *description;
	const struct scim_attribute *attributes; // ended by a row without a name
};

struct scim_resource_type {
	const char *name, *endpoint, *description; // "User", "/Users"
	const struct scim_schema *core;
	const struct scim_schema *const *extensions; // ended by NULL
};

extern const struct scim_resource_type scim_type_user, scim_type_group;
// schemas, id, externalId, meta: part of every resource, of no schema (RFC 7643 §3.1).
extern const struct scim_attribute scim_common[];

// "User" or "Group", case-insensitive; NULL: no such type.
const struct scim_resource_type *scim_type_by_name(const char *name);
// By number: 0, 1, … NULL at the end.
const struct scim_resource_type *scim_type_at(size_t i);
// By number over all types: the core schemas, then the extensions; NULL at the end.
const struct scim_schema *scim_schema_at(size_t i);
// By URN, case-insensitive; NULL: no such schema.
const struct scim_schema *scim_schema_by_urn(const char *urn);

// The row that a path names, the sub-attribute's if it names one; NULL if there
// is none. Without URN: core, then common, then the extensions in their order.
// *schema_out (may be NULL): where the attribute is, NULL for a common one.
const struct scim_attribute *scim_schema_find(const struct scim_resource_type *t,
					      const struct scim_path *p,
					      const struct scim_schema **schema_out);
// One row of a table by name, len bytes, case-insensitive; NULL.
const struct scim_attribute *scim_attribute_find(const struct scim_attribute *rows,
						 const char *name, size_t len);
// The type's schema (core or extension) with that URN of len bytes; NULL.
const struct scim_schema *scim_type_schema(const struct scim_resource_type *t, const char *urn,
					   size_t len);
// Whether it is `members` of a Group, the list that is not held in the resource.
bool scim_attribute_is_members(const struct scim_attribute *a);

// The bodies served; owned by the caller, NULL without memory. base_url without
// a final slash: meta.location = base_url + "/Schemas/…".
struct json_object *scim_schema_json(const struct scim_schema *s, const char *base_url);
struct json_object *scim_resource_type_json(const struct scim_resource_type *t,
					    const char *base_url);

#endif
