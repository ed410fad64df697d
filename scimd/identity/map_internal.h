// SPDX-License-Identifier: MIT
//
// What map.c (the table) and extract.c (reading a resource by it) share.
#ifndef SCIMD_IDENTITY_MAP_INTERNAL_H
#define SCIMD_IDENTITY_MAP_INTERNAL_H

#include "scimd/base/arena.h"
#include "scimd/base/digest.h"
#include "scimd/base/table.h"
#include <stdbool.h>

#define MAP_PATHS_MAX 8
#define MAP_SLOTS_MAX 512
#define MAP_POLICY_MAX 64
#define MAP_VIA_NAMES 200 // made from givenName and familyName
#define MAP_NAME_MAX 256  // longest member name that is looked up

enum map_own {
	MAP_ID,
	MAP_USER_NAME,
	MAP_EXTERNAL_ID,
	MAP_DISPLAY,
	MAP_ACTIVE,
	MAP_META,
	MAP_MEMBERS,
	MAP_NAMES,
	MAP_OVER,
	MAP_OWN
};

struct map_row {
	const char *option;
	uint8_t kind, tag;
	const char *help;
	const char *paths[MAP_PATHS_MAX];
};

struct map_path {
	const char *text;       // as written
	const char *attr, *sub; // sub: NULL if none
	bool in_urn;
	uint32_t slot; // of the top-level member: the URN's object, or the attribute
	uint32_t half; // of "urn:attr" as one key
	uint32_t flat; // of the whole path as one key
};

struct map_attribute {
	uint8_t kind, tag;
	size_t count;
	struct map_path paths[MAP_PATHS_MAX];
};

struct mapping {
	struct arena arena;
	struct table names; // lower-case member name → slot
	size_t slots;
	struct map_attribute attributes[16];
	size_t attribute_count;
	struct map_path policy[MAP_POLICY_MAX];
	size_t policy_count;
	uint32_t own[MAP_OWN];
	const char *asked[2];
	char fingerprint[DIGEST_HEX];
};

#endif
