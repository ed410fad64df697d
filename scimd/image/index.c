// SPDX-License-Identifier: MIT
//
// Filling an index: open addressing over lines of seven entries, four of them
// used on average, so that one lookup in twenty needs a second line. Records are
// in place before their keys are added: duplicates are found by comparing.

#include "scimd/image/build.h"

#include <errno.h>
#include <string.h>

#define FILL 4u // entries a line has on average

uint64_t image_index_length(uint64_t entries)
{
	uint64_t lines = (entries + FILL - 1) / FILL;

	return (lines ? lines : 1) * sizeof(struct image_line);
}

static struct image_line *line_at(const struct image_index_build *x, uint64_t line)
{
	return (struct image_line *)(void *)(x->data + x->section.offset) + line;
}

void image_index_start(struct image_index_build *x)
{
	const uint64_t lines = x->section.length / sizeof(struct image_line);

	memset(x->data + x->section.offset, 0xff, x->section.length);
	for (uint64_t i = 0; i < lines; i++) {
		line_at(x, i)->used = 0;
		line_at(x, i)->overflow = 0;
	}
}

void image_index_seal(struct image_index_build *x)
{
	const uint64_t lines = x->section.length / sizeof(struct image_line);

	for (uint64_t i = 0; i < lines; i++) {
		struct image_line *l = line_at(x, i);
		uint64_t at = x->section.offset + i * sizeof(*l);

		l->check = image_check(x->seed ^ at, &l->used, sizeof(*l) - sizeof(l->check));
	}
}

static bool same_name(const struct image_index_build *x, uint32_t ref, const char *name)
{
	uint64_t at = 8 * (uint64_t)(ref & ~IMAGE_REF_USER);

	at += x->of_users || (ref & IMAGE_REF_USER) ? x->users + sizeof(struct image_user)
						    : x->groups + sizeof(struct image_group);
	return strcmp((const char *)x->data + at, name) == 0;
}

// name NULL: ids were found unique when they were sorted.
static int add(struct image_index_build *x, uint64_t hash, const char *name, uint32_t ref,
	       uint32_t *ref_out)
{
	const uint64_t lines = x->section.length / sizeof(struct image_line);
	const uint32_t tag = (uint32_t)(hash >> 32);
	uint64_t line = image_line_of(hash, lines);

	for (unsigned step = 0; step < IMAGE_CHAIN_MAX; step++) {
		struct image_line *l = line_at(x, line);

		for (unsigned i = 0; name && i < l->used; i++) {
			if (l->tag[i] == tag && same_name(x, l->ref[i], name)) {
				*ref_out = l->ref[i];
				return -EEXIST;
			}
		}
		if (l->used < IMAGE_LINE_ENTRIES) {
			l->tag[l->used] = tag;
			l->ref[l->used++] = ref;
			return 0;
		}
		l->overflow = 1;
		line = line + 1 == lines ? 0 : line + 1;
	}
	return -EAGAIN;
}

int image_index_add_name(struct image_index_build *x, const char *name, size_t len, uint32_t ref,
			 uint32_t *ref_out)
{
	return add(x, image_hash(x->seed, name, len), name, ref, ref_out);
}

int image_index_add_id(struct image_index_build *x, uint32_t id, uint32_t ref)
{
	return add(x, image_hash(x->seed, &id, sizeof(id)), NULL, ref, NULL);
}
