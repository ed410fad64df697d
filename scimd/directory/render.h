// SPDX-License-Identifier: MIT
//
// From records to what a client sees: id, meta, a user's groups and a group's
// members are put in here (RFC 7643 §3.1, §4.1.2, §4.2).
#ifndef SCIMD_DIRECTORY_RENDER_H
#define SCIMD_DIRECTORY_RENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct dir_head;
struct dir_record;
struct json_object;
struct scim_projection;
struct store_txn;

#define RENDER_ETAG 32 // room for W/"18446744073709551615"
#define RENDER_GROUPS_MAX 65536

// Members looked up by their ids, whatever the size of the group.
struct render_only {
	const char *const *value;
	size_t count;
};

struct render {
	const char *base;                 // "https://id.example.com/scim/v2", no final slash
	const struct scim_projection *pr; // NULL: what is returned by default
	const struct render_only *only;   // of a group's members; NULL: all
};

void render_etag(char out[RENDER_ETAG], const struct dir_head *h);
// Whether a list as in If-Match names it, or everything; strong and weak alike.
bool render_etag_listed(const char *list, const char *tag);
// Appends the resource's JSON. 0, -ENOMEM, or what the store says.
int render_resource(struct store_txn *t, const struct render *c, const struct dir_record *r,
		    struct buf *out);
// The whole resource as an object, for filters and sorting; groups: with `groups`
// or `members` too, of which `only` may choose. NULL: damaged or no memory.
struct json_object *render_object(struct store_txn *t, const char *base, const struct dir_record *r,
				  bool groups, const struct render_only *only);
// Appends a JSON string, quotes included.
int render_string(struct buf *out, const char *text, size_t len);

#endif
