// SPDX-License-Identifier: MIT
//
// Filters and sorting over a JSON resource, by the schema's rules: caseExact,
// `value` for a multi-valued complex attribute that is compared as a whole,
// dateTimes by time.
#ifndef SCIMD_SCIM_SUBJECT_H
#define SCIMD_SCIM_SUBJECT_H

#include "scimd/scim/filter.h"
#include <stdbool.h>

struct json_object;
struct scim_problem;
struct scim_resource_type;

bool scim_json_match(const struct scim_filter *f, const struct scim_resource_type *t,
		     struct json_object *res);

// Whether one value of an attribute matches the brackets of a value path.
bool scim_json_match_element(const struct scim_node *value_node, const struct scim_resource_type *t,
			     struct json_object *element);

// 400 invalidFilter if the filter orders (gt ge lt le) what has no order. An
// attribute that the type does not have is no error: it matches nothing.
int scim_filter_check(const struct scim_filter *f, const struct scim_resource_type *t,
		      struct scim_problem *p);

// What a resource is sorted by (§3.4.2.3): the primary value of a list, else the first;
// NULL where it has none, or where `by` names no attribute that scim_schema_find knows.
// Borrowed from the resource, which need not be kept where a reference to this is.
struct json_object *scim_json_sort_value(const struct scim_resource_type *t,
					 const struct scim_path *by, struct json_object *res);

// < 0, 0, > 0 in ascending order of two such values; NULL comes last.
int scim_json_sort_order(const struct scim_resource_type *t, const struct scim_path *by,
			 struct json_object *a, struct json_object *b);

#endif
