// SPDX-License-Identifier: MIT
//
// A file of people and groups, read whole: SCIM JSON (a ListResponse, an array, or
// resources one after the other) or CSV with a header. Nothing is judged here but
// the form; what is in it goes through change_create.
//
// Life: import_read_json, import_read_csv or import_add, any number of them,
// import_free.
#ifndef SCIMD_DIRECTORY_IMPORT_H
#define SCIMD_DIRECTORY_IMPORT_H

#include "scimd/base/table.h"
#include "scimd/directory/db.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fail;
struct json_object;

struct import_item {
	struct json_object *json;    // without members
	struct json_object *members; // array, or NULL
	unsigned int line;
	uint8_t kind;         // enum resource_kind
	bool merge;           // a group that may be there already
	char id[DIR_ID_TEXT]; // once it is in the directory
};

struct import {
	struct import_item *list;
	size_t count, cap;
	struct table ids;    // what the file calls them → index
	struct table groups; // names of groups that CSV lines made → index
};

int import_read_json(struct import *m, const char *text, size_t len, struct fail *f);
int import_read_csv(struct import *m, char *text, size_t len, struct fail *f); // cuts text up
// Takes json over, also on failure.
int import_add(struct import *m, struct json_object *json, unsigned int line, struct fail *f);
// Puts a user in the group of that name, which is made if the file has none.
int import_member(struct import *m, const char *group, const char *user, unsigned int line,
		  struct fail *f);
void import_free(struct import *m);

#endif
