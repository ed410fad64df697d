// SPDX-License-Identifier: MIT
//
// Every way to change the directory, for HTTP, Bulk and the command line alike
// (RFC 7644 §3.3, §3.5, §3.6). A change writes the record, the index, the numbers,
// the event and the audit entry, all in the caller's transaction.
//
// 0, with *out naming the resource; -EINVAL with p filled: the request is refused
// and the transaction must be aborted; other -errno: the store failed.
#ifndef SCIMD_DIRECTORY_CHANGE_H
#define SCIMD_DIRECTORY_CHANGE_H

#include <stdbool.h>
#include <stdint.h>

struct json_object;
struct scim_problem;
struct store_txn;

struct change {
	const char *actor;    // token's name, or "local: USER"
	const char *peer;     // address, "" if none
	const char *if_match; // the header, NULL: none
	const uint8_t *id;    // that a resource moved here keeps, NULL: a new one
};

struct change_result {
	uint8_t kind;
	uint64_t seq;
	bool changed;
	bool disabled; // a User who was active is not any more
};

int change_create(struct store_txn *t, const struct change *c, uint8_t kind,
		  struct json_object *body, struct change_result *out, struct scim_problem *p);
int change_replace(struct store_txn *t, const struct change *c, uint8_t kind, const char *id,
		   struct json_object *body, struct change_result *out, struct scim_problem *p);
int change_patch(struct store_txn *t, const struct change *c, uint8_t kind, const char *id,
		 struct json_object *body, struct change_result *out, struct scim_problem *p);
int change_delete(struct store_txn *t, const struct change *c, uint8_t kind, const char *id,
		  struct scim_problem *p);

// Counts every change; the ETag of lists is made from it.
int change_generation(struct store_txn *t, uint64_t *out);

#endif
