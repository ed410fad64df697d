// SPDX-License-Identifier: MIT
//
// From a SCIM resource (JSON) to a mapped one (scim/resource.h). The attribute
// table in map.c is the only place that knows which attribute lives where; a
// new attribute is one row there, one fixture, one paragraph in the manual.
#ifndef SCIMD_IDENTITY_MAP_H
#define SCIMD_IDENTITY_MAP_H

#include <stddef.h>
#include <stdint.h>

struct buf;
struct fail;
struct json_object;
struct scim_filter;

struct mapping; // the table with a directory's overrides applied; immutable, any thread

// One override from [identity] or the directory's section: "uid" → a SCIM path.
struct map_override {
	const char *option; // name uid gid gecos home shell ssh_keys group_name group_gid
	const char *path;
};

// filters: those of the access policy (entries may be NULL); the attributes they
// name are kept as FIELD_POLICY. 0, -EINVAL with a sentence, -ENOMEM.
int mapping_new(const struct map_override *overrides, size_t n,
		const struct scim_filter *const *filters, size_t filter_count, struct mapping **out,
		struct fail *f);
void mapping_free(struct mapping *m);

// True if option is a row of the table ("did you mean" lists the rest).
const char *mapping_option(size_t i, const char **help_out); // NULL past the end

// What to ask for in `attributes=` for a kind, comma-separated, top-level and
// extension paths. Valid as long as the mapping.
const char *mapping_attributes(const struct mapping *m, uint8_t kind);

// Digest word of the whole mapping: another one means that stored resources
// must be fetched and mapped again.
const char *mapping_fingerprint(const struct mapping *m);

// Appends the fields of one resource to out. Tolerates every shape of scim.md §8
// (case-insensitive names, flattened keys, URN-prefixed keys, singles for lists).
// 0; -EPROTO with a sentence when it is no object or has no usable id.
int map_resource(const struct mapping *m, uint8_t kind, struct json_object *res, struct buf *out,
		 struct fail *f);

// "urn:…:uidNumber" for a field of a mapped resource, for explain.
const char *mapping_via(const struct mapping *m, uint8_t kind, uint8_t tag, uint8_t via);

#endif
