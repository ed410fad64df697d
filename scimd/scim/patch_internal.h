// SPDX-License-Identifier: MIT
//
// Between the files of PATCH; the door is patch.h. patch.c reads the body and
// the paths, patch_apply.c changes single values, patch_list.c lists, and
// patch_members.c those members that are not in the resource.
#ifndef SCIMD_SCIM_PATCH_INTERNAL_H
#define SCIMD_SCIM_PATCH_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

struct json_object;
struct scim_attribute;
struct scim_node;
struct scim_patch_list;
struct scim_problem;
struct scim_resource_type;
struct scim_schema;

enum patch_op { PATCH_ADD, PATCH_REMOVE, PATCH_REPLACE };

struct patch {
	const struct scim_resource_type *t;
	const struct scim_patch_list *members;
	struct scim_problem *p;
	struct json_object *res; // the copy that is changed
	enum patch_op op;
	size_t looked; // see patch_look
};

struct patch_target {
	const struct scim_schema *schema; // NULL: a common attribute
	const struct scim_attribute *attr;
	const struct scim_attribute *sub; // NULL: the attribute itself
	const struct scim_node *brackets; // a VALUE node, or NULL
};

// Every function: 0, or -errno with pt->p filled. v NULL: null, or not given.
int patch_apply(struct patch *pt, const struct patch_target *tg, struct json_object *v);
int patch_list(struct patch *pt, const struct patch_target *tg, struct json_object *v);
int patch_members(struct patch *pt, const struct patch_target *tg, struct json_object *v);

// n comparisons with values or members are to come: a short operation may ask for as many
// as there are, so all of a PATCH has one bound. With brackets each of their terms counts.
int patch_look(struct patch *pt, size_t n, const struct scim_node *brackets);

// Changes the member `row` of o; `within` (may be NULL) names what o is.
int patch_leaf(struct patch *pt, const struct scim_attribute *row,
	       const struct scim_attribute *within, struct json_object *o, struct json_object *v);
// Puts the sub-attributes of `now` (normalised from v) into o; with `replace` those
// that v names as null go. Immutable ones that differ are refused.
int patch_merge(struct patch *pt, const struct scim_attribute *a, struct json_object *o,
		struct json_object *now, struct json_object *v);

// A new element from v, completed by what the brackets demand, if they are only
// equalities joined by and.
int patch_create(struct patch *pt, const struct patch_target *tg, struct json_object *v,
		 struct json_object **out);
bool patch_equalities(const struct scim_node *brackets);
int patch_no_target(struct patch *pt, const struct patch_target *tg);
// The id in [value eq "id"], NULL if the brackets say anything else.
const char *patch_member_id(const struct scim_node *brackets);

#endif
