// SPDX-License-Identifier: MIT
//
// A mapped resource: what is kept of one SCIM User or Group, as a flat run of
// fields. It is what the store holds, what the digest is taken over, and what
// identity decides from. Values are the directory's own, neither cleaned nor
// judged: a number or boolean is its JSON text, so "1.5" stays "1.5".
//
// A field is: tag (1 byte), via (1 byte), length (4 bytes, little-endian),
// value. `via` says which of the attribute's candidate paths gave it (explain
// shows that); for FIELD_POLICY the value is "path NUL type NUL text", type
// being one of s b n (string, boolean, number). Fields come in tag order.
//
// resource_next never reads past the end; damaged bytes end the walk with
// -EBADMSG.
#ifndef SCIMD_SCIM_RESOURCE_H
#define SCIMD_SCIM_RESOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

enum resource_kind { RESOURCE_USER = 1, RESOURCE_GROUP = 2 };

enum field_tag {
	FIELD_ID = 1,    // SCIM id, always first
	FIELD_USER_NAME, // userName as given
	FIELD_EXTERNAL_ID,
	FIELD_DISPLAY, // displayName
	FIELD_CREATED, // meta.created, as given
	FIELD_ACTIVE,  // absent when absent, null or []; "true" "false" or the odd JSON text
	FIELD_NAME,    // what the login (or group) name is made from
	FIELD_UID,
	FIELD_GID,
	FIELD_GECOS,
	FIELD_HOME,
	FIELD_SHELL,
	FIELD_SSH_KEY,        // repeated
	FIELD_POLICY,         // repeated: attributes that an access filter names
	FIELD_MEMBER,         // repeated: id of a member that is a User or of unknown type
	FIELD_MEMBER_GROUP,   // repeated: id of a member that is a Group
	FIELD_COMPLAINT,      // repeated: a sentence about a value that could not be taken over
	FIELD_UNSTABLE = 200, // from here on not part of the digest
	FIELD_MODIFIED = 201, // meta.lastModified, as given
	FIELD_VERSION = 202,  // meta.version or ETag
};

struct field {
	uint8_t tag;
	uint8_t via;
	uint32_t len;
	const char *text; // not NUL-terminated
};

#define RESOURCE_VALUE_MAX 65536u // longest value kept

// A member that the client adds to a resource of which it could not take all: why, as a
// number. A directory that says so itself has itself refused.
#define RESOURCE_OVER "urn:scimd:over"
enum resource_over {
	RESOURCE_OVER_STRING = 1,
	RESOURCE_OVER_KEYS,
	RESOURCE_OVER_VALUES,
	RESOURCE_OVER_WEIGHT,
	RESOURCE_OVER_DEPTH,
	RESOURCE_OVER_MANY
};
// "has a value longer than 4 MiB"; of a number that is none: that it is too large.
const char *resource_over_text(int64_t what);

// Appends one field. 0, -ENOMEM, or -EMSGSIZE over RESOURCE_VALUE_MAX.
int resource_put(struct buf *b, uint8_t tag, uint8_t via, const char *text, size_t len);
// Walks: *pos starts at 0. 1 = a field, 0 = the end, -EBADMSG.
int resource_next(const void *bytes, size_t len, size_t *pos, struct field *out);
// The first field with that tag: 1, 0, -EBADMSG.
int resource_find(const void *bytes, size_t len, uint8_t tag, struct field *out);
// Whether that person is active, as what the directory says of it is read: not said is yes.
bool resource_active(const void *bytes, size_t len);
// How many bytes belong to the digest (those before the first FIELD_UNSTABLE).
size_t resource_stable(const void *bytes, size_t len);

#endif
