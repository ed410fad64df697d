// SPDX-License-Identifier: MIT
//
// Building an image in memory: linear in the size of its source.
#ifndef SCIMD_IMAGE_BUILD_H
#define SCIMD_IMAGE_BUILD_H

#include <scimd/image.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fail;
struct image_group_source;
struct image_source;
struct image_user_source;

struct image_built {
	unsigned char *data; // free with free()
	size_t size;
};

int image_build(const struct image_source *src, uint64_t generation,
		const struct image_confirmed *confirmed, struct image_built *out, struct fail *f);

// What the writer refuses of one source (source.c). On success an upper bound of
// the record's length. 0 or -EINVAL with a sentence.
int image_check_user(const struct image_user_source *u, uint64_t *bound_out, struct fail *f);
int image_check_group(const struct image_source *src, uint32_t number, uint64_t *bound_out,
		      struct fail *f);

// The users that members are, for all groups of one image.
struct image_members {
	const struct image_user_source *users;
	const uint8_t *name_len; // by user
	uint32_t *seen;          // by user: the mark of the last group that had it, zeroed at first
	uint32_t mark;
};

// Write one record at an offset of the zeroed image (put.c). They return its length.
uint64_t image_put_user(unsigned char *data, uint64_t seed, uint64_t at,
			const struct image_user_source *u);
uint64_t image_put_group(unsigned char *data, uint64_t seed, uint64_t at,
			 const struct image_group_source *g, struct image_members *m);

// Positions 0 … n - 1 in ascending order of their key: order[n], room for as many
// in spare (order.c).
struct image_rank {
	uint32_t key, position;
};
void image_order(struct image_rank *order, struct image_rank *spare, uint32_t n);
void image_order_ids(uint32_t *ids, uint32_t n);

// One index while it is filled (index.c).
struct image_index_build {
	unsigned char *data; // the whole image
	struct image_section section;
	uint64_t seed;
	bool of_users;          // a user index: its refs carry no IMAGE_REF_USER
	uint64_t users, groups; // where the sections of records start
};

// 0; -EEXIST when the key is there (*ref_out: whose); -EAGAIN: take another seed.
int image_index_add_name(struct image_index_build *x, const char *name, size_t len, uint32_t ref,
			 uint32_t *ref_out);
int image_index_add_id(struct image_index_build *x, uint32_t id, uint32_t ref);
void image_index_start(struct image_index_build *x);
void image_index_seal(struct image_index_build *x); // checksums
uint64_t image_index_length(uint64_t entries);      // bytes

#endif
