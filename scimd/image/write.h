// SPDX-License-Identifier: MIT
//
// Writing and publishing accounts.image (format: scimd/image.h).
//
// Life: fill struct image_source (arrays borrowed for the call), image_publish,
// done. Records may come in any order; the writer sorts. It refuses what the
// reader would refuse: reserved ids, duplicate names or ids, bytes below 0x20,
// 0x7f, ':' … (-EINVAL, nothing written). Users and groups share the group
// namespace: a private group's name or gid equal to a group's is -EEXIST.
// One process publishes at a time; any thread may do it.
#ifndef SCIMD_IMAGE_WRITE_H
#define SCIMD_IMAGE_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fail;

struct image_user_source {
	const char *name, *passwd, *gecos, *home, *shell;
	uint32_t uid, gid;
	const uint32_t *groups; // any order, duplicates and the primary gid are dropped
	uint32_t group_count;
	uint8_t state, verdict, rule;
	uint16_t flags;
	const char *const *keys; // "type base64", or NULL
	uint32_t key_count;
};

struct image_group_source {
	const char *name;
	uint32_t gid;
	const uint32_t *members; // indexes into users
	uint32_t member_count;
};

struct image_source {
	const struct image_user_source *users;
	uint32_t user_count;
	const struct image_group_source *groups;
	uint32_t group_count;
	uint32_t policy_flags, stale_warn, stale_deny;
	uint64_t made_of; // scimd/image.h
};

struct image_published {
	uint64_t generation;
	uint64_t size;
	bool spare; // a preallocated spare stands ready for the next one
};

// Builds the image, writes it to DIR/accounts.image.tmp (or the spare), fsyncs,
// verifies it through the reader, keeps the old one's second name
// accounts.image.old, renames, fsyncs DIR, retires and punches the old one and
// makes the next spare. 0, or -errno with the old image untouched and still answering.
// confirmed_wall: see image_confirm; 0 = the answers prove nothing new, what the
// old image says of its age stays (never confirmed, if there is none).
int image_publish(const char *dir, const struct image_source *src, int64_t confirmed_wall,
		  struct image_published *out, struct fail *f);

// Makes the spare of DIR/accounts.image where it is missing or too small. false:
// there is no room for it.
bool image_keep_spare(const char *dir);

// Rewrites only the `confirmed` block of DIR/accounts.image, in place.
int image_confirm(const char *dir, int64_t wall, struct fail *f);

// At start: finishes or undoes what a crash left (.tmp, .old). 0 or -errno.
int image_recover(const char *dir, struct fail *f);

#endif
