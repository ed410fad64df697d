// SPDX-License-Identifier: MIT
//
// The attributes of a Group (RFC 7643 §8.7.1) and its POSIX extension, and those
// that every resource has (§3.1); see schema.h. displayName is required as §4.2
// says, and a member's display is served, though §8.7.1 says neither.
#include "scimd/scim/schema_tables.h"

static const char *const refer_user_group[] = { "User", "Group", NULL };

static const struct scim_attribute sub_members[] = {
	{ .name = "value",
	  .mutability = SCIM_IMMUTABLE,
	  .required = true,
	  .case_exact = true,
	  .description = "Identifier of the member of this Group." },
	{ .name = "$ref",
	  .kind = SCIM_KIND_REFERENCE,
	  .mutability = SCIM_IMMUTABLE,
	  .case_exact = true,
	  .references = refer_user_group,
	  .description = "The URI corresponding to a SCIM resource that is a member of this "
			 "Group." },
	{ .name = "type",
	  .mutability = SCIM_IMMUTABLE,
	  .canonical = refer_user_group,
	  .description = "A label indicating the type of resource, e.g., 'User' or 'Group'." },
	{ .name = "display",
	  .mutability = SCIM_READ_ONLY,
	  .description = "The member's name, primarily used for display purposes." },
	{ 0 }
};

static const struct scim_attribute group_rows[] = {
	{ .name = "displayName",
	  .required = true,
	  .description = "A human-readable name for the Group." },
	{ .name = "members",
	  .kind = SCIM_KIND_COMPLEX,
	  .multi = true,
	  .many = true,
	  .subs = sub_members,
	  .description = "A list of members of the Group." },
	{ 0 }
};

static const struct scim_attribute posix_rows[] = {
	{ .name = "gidNumber",
	  .kind = SCIM_KIND_INTEGER,
	  .mutability = SCIM_IMMUTABLE,
	  .uniqueness = SCIM_SERVER,
	  .description = "The group's numeric id on every host." },
	{ 0 }
};

static const struct scim_attribute sub_meta[] = {
	{ .name = "resourceType",
	  .mutability = SCIM_READ_ONLY,
	  .case_exact = true,
	  .description = "The name of the resource type." },
	{ .name = "created",
	  .kind = SCIM_KIND_DATETIME,
	  .mutability = SCIM_READ_ONLY,
	  .description = "When the resource was added." },
	{ .name = "lastModified",
	  .kind = SCIM_KIND_DATETIME,
	  .mutability = SCIM_READ_ONLY,
	  .description = "When the resource was last changed." },
	{ .name = "location",
	  .kind = SCIM_KIND_REFERENCE,
	  .mutability = SCIM_READ_ONLY,
	  .case_exact = true,
	  .description = "The URI of the resource." },
	{ .name = "version",
	  .mutability = SCIM_READ_ONLY,
	  .case_exact = true,
	  .description = "The version of the resource, its ETag." },
	{ 0 }
};

const struct scim_attribute scim_common[] = {
	{ .name = "schemas",
	  .kind = SCIM_KIND_REFERENCE,
	  .mutability = SCIM_READ_ONLY,
	  .returned = SCIM_ALWAYS,
	  .multi = true,
	  .required = true,
	  .case_exact = true,
	  .description = "The URIs of the schemas of the resource." },
	{ .name = "id",
	  .mutability = SCIM_READ_ONLY,
	  .returned = SCIM_ALWAYS,
	  .uniqueness = SCIM_SERVER,
	  .case_exact = true,
	  .description = "The identifier that the service provider gave." },
	{ .name = "externalId",
	  .case_exact = true,
	  .description = "The identifier that the provisioning client gave." },
	{ .name = "meta",
	  .kind = SCIM_KIND_COMPLEX,
	  .mutability = SCIM_READ_ONLY,
	  .subs = sub_meta,
	  .description = "The resource's metadata." },
	{ 0 }
};

const struct scim_schema scim_schema_group = { SCIM_URN_GROUP, "Group", "Group", group_rows };
const struct scim_schema scim_schema_posix_group = { SCIM_URN_POSIX_GROUP, "PosixGroup",
						     "Group on POSIX hosts", posix_rows };

static const struct scim_schema *const group_extensions[] = { &scim_schema_posix_group, NULL };

const struct scim_resource_type scim_type_group = { "Group", "/Groups", "Group", &scim_schema_group,
						    group_extensions };
