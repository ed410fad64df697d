// SPDX-License-Identifier: MIT
//
// Between the files of the schema tables; the door is schema.h.
#ifndef SCIMD_SCIM_SCHEMA_TABLES_H
#define SCIMD_SCIM_SCHEMA_TABLES_H

#include "scimd/scim/schema.h"

extern const struct scim_schema scim_schema_user, scim_schema_enterprise, scim_schema_posix_user;
extern const struct scim_schema scim_schema_group, scim_schema_posix_group;

#endif
