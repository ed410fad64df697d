// SPDX-License-Identifier: MIT
//
// Building an image in memory. The source is checked, users and groups are put
// in id order, records are written one after the other, then the indexes are
// filled from them, then everything is sealed with its checksum.

#include "scimd/image/build.h"

#include "scimd/base/clock.h"
#include "scimd/base/fail.h"
#include "scimd/image/record.h"
#include "scimd/image/write.h"

#include <errno.h>
#include <scimd/account.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct build {
	const struct image_source *src;
	struct fail *f;
	struct image_rank *users, *groups; // in id order
	uint32_t *user_ref, *group_ref;    // by position in the source: offset / 8
	uint32_t *seen;                    // by user: 1 + the last group it was a member of
	uint8_t *name_len;                 // by user
	struct image_header head;
	unsigned char *data;
	uint64_t bound; // bytes of data
	uint32_t private_groups, active;
};

static void free_build(struct build *b)
{
	free(b->users);
	free(b->groups);
	free(b->user_ref);
	free(b->group_ref);
	free(b->seen);
	free(b->name_len);
	free(b->data);
}

static int check_source(struct build *b)
{
	const struct image_source *src = b->src;
	uint64_t sum = 0, bound = 0;
	int r;

	for (uint32_t i = 0; i < src->user_count; i++) {
		r = image_check_user(&src->users[i], &bound, b->f);
		if (r < 0)
			return r;
		sum += bound;
		b->name_len[i] = (uint8_t)strlen(src->users[i].name);
		b->private_groups += !!(src->users[i].flags & IMAGE_PRIVATE_GROUP);
		b->active += src->users[i].state == ACCOUNT_ACTIVE;
	}
	for (uint32_t i = 0; i < src->group_count; i++) {
		r = image_check_group(src, i, &bound, b->f);
		if (r < 0)
			return r;
		sum += bound;
	}
	b->bound = sum;
	return 0;
}

static int order_ids(struct build *b, struct image_rank *spare)
{
	const struct image_source *src = b->src;

	for (uint32_t i = 0; i < src->user_count; i++)
		b->users[i] = (struct image_rank){ src->users[i].uid, i };
	for (uint32_t i = 0; i < src->group_count; i++)
		b->groups[i] = (struct image_rank){ src->groups[i].gid, i };
	image_order(b->users, spare, src->user_count);
	image_order(b->groups, spare, src->group_count);
	for (uint32_t i = 1; i < src->user_count; i++)
		if (b->users[i].key == b->users[i - 1].key)
			return fail(b->f, EINVAL, "users \"%s\" and \"%s\" have one uid %u",
				    src->users[b->users[i - 1].position].name,
				    src->users[b->users[i].position].name, b->users[i].key);
	for (uint32_t i = 1; i < src->group_count; i++)
		if (b->groups[i].key == b->groups[i - 1].key)
			return fail(b->f, EINVAL, "groups \"%s\" and \"%s\" have one gid %u",
				    src->groups[b->groups[i - 1].position].name,
				    src->groups[b->groups[i].position].name, b->groups[i].key);
	return 0;
}

// Private groups and groups share their numbers.
static int check_shared_ids(struct build *b)
{
	const struct image_source *src = b->src;
	uint32_t g = 0;

	for (uint32_t i = 0; i < src->user_count; i++) {
		const struct image_user_source *u = &src->users[b->users[i].position];

		while (g < src->group_count && b->groups[g].key < u->uid)
			g++;
		if (g < src->group_count && b->groups[g].key == u->uid &&
		    (u->flags & IMAGE_PRIVATE_GROUP))
			return fail(b->f, EEXIST, "gid %u is group \"%s\"'s and user \"%s\"'s own",
				    u->uid, src->groups[b->groups[g].position].name, u->name);
	}
	return 0;
}

static int prepare(struct build *b)
{
	const uint32_t nu = b->src->user_count, ng = b->src->group_count;
	struct image_rank *spare = calloc((size_t)(nu > ng ? nu : ng) + 1, sizeof(*spare));
	int r = -ENOMEM;

	b->users = calloc((size_t)nu + 1, sizeof(*b->users));
	b->groups = calloc((size_t)ng + 1, sizeof(*b->groups));
	b->user_ref = calloc((size_t)nu + 1, sizeof(*b->user_ref));
	b->group_ref = calloc((size_t)ng + 1, sizeof(*b->group_ref));
	b->seen = calloc((size_t)nu + 1, sizeof(*b->seen));
	b->name_len = calloc((size_t)nu + 1, 1);
	if (spare && b->users && b->groups && b->user_ref && b->group_ref && b->seen && b->name_len)
		r = check_source(b);
	if (r == 0)
		r = order_ids(b, spare);
	if (r == 0)
		r = check_shared_ids(b);
	free(spare);
	return r;
}

// Sections up to the users' start; the bound of the whole image.
static int lay_out(struct build *b)
{
	const uint64_t people = b->src->user_count;
	const uint64_t groups = (uint64_t)b->src->group_count + b->private_groups;
	const uint64_t entries[IMAGE_INDEXES] = { people, people, groups, groups };
	uint64_t at = IMAGE_HEADER_LEN;

	for (unsigned i = 0; i < IMAGE_INDEXES; i++) {
		b->head.index[i].offset = at;
		b->head.index[i].length = image_index_length(entries[i]);
		at += b->head.index[i].length;
	}
	b->head.users.offset = at;
	b->bound += at;
	if (b->bound > IMAGE_MAX)
		return fail(b->f, EFBIG, "an image of up to %llu bytes",
			    (unsigned long long)b->bound);
	b->data = calloc(1, b->bound);
	return b->data ? 0 : -ENOMEM;
}

static void put_records(struct build *b)
{
	struct image_members members = { .users = b->src->users,
					 .name_len = b->name_len,
					 .seen = b->seen };
	uint64_t at = b->head.users.offset;

	for (uint32_t i = 0; i < b->src->user_count; i++) {
		uint32_t number = b->users[i].position;

		b->user_ref[number] = (uint32_t)((at - b->head.users.offset) / 8);
		at += image_put_user(b->data, b->head.seed, at, &b->src->users[number]);
	}
	b->head.users.length = at - b->head.users.offset;
	b->head.groups.offset = at;
	if (b->src->user_count > 0)
		memset(b->seen, 0, b->src->user_count * sizeof(*b->seen));
	for (uint32_t i = 0; i < b->src->group_count; i++) {
		uint32_t number = b->groups[i].position;

		b->group_ref[number] = (uint32_t)((at - b->head.groups.offset) / 8);
		at += image_put_group(b->data, b->head.seed, at, &b->src->groups[number], &members);
	}
	b->head.groups.length = at - b->head.groups.offset;
	b->head.size = at;
}

static struct image_index_build index_of(const struct build *b, enum image_index which)
{
	return (struct image_index_build){ .data = b->data,
					   .section = b->head.index[which],
					   .seed = b->head.seed,
					   .of_users = which < IMAGE_GROUP_NAME,
					   .users = b->head.users.offset,
					   .groups = b->head.groups.offset };
}

static int index_users(struct build *b, bool as_groups)
{
	const uint32_t flag = as_groups ? IMAGE_REF_USER : 0;
	const enum image_index which = as_groups ? IMAGE_GROUP_NAME : IMAGE_USER_NAME;
	struct image_index_build names = index_of(b, which), ids = index_of(b, which + 1);
	uint32_t other;
	int r = 0;

	image_index_start(&names);
	image_index_start(&ids);
	for (uint32_t i = 0; r == 0 && i < b->src->user_count; i++) {
		const struct image_user_source *u = &b->src->users[i];

		if (as_groups && !(u->flags & IMAGE_PRIVATE_GROUP))
			continue;
		r = image_index_add_name(&names, u->name, b->name_len[i], b->user_ref[i] | flag,
					 &other);
		if (r == -EEXIST)
			return fail(b->f, EINVAL, "two users have the name \"%s\"", u->name);
		if (r == 0)
			r = image_index_add_id(&ids, u->uid, b->user_ref[i] | flag);
	}
	return r;
}

static int index_groups(struct build *b)
{
	struct image_index_build names = index_of(b, IMAGE_GROUP_NAME);
	struct image_index_build ids = index_of(b, IMAGE_GROUP_ID);
	uint32_t other;
	int r = index_users(b, true);

	for (uint32_t i = 0; r == 0 && i < b->src->group_count; i++) {
		const struct image_group_source *g = &b->src->groups[i];

		r = image_index_add_name(&names, g->name, strlen(g->name), b->group_ref[i], &other);
		if (r == -EEXIST && (other & IMAGE_REF_USER))
			return fail(b->f, EEXIST, "group \"%s\" has the name of a user's own group",
				    g->name);
		if (r == -EEXIST)
			return fail(b->f, EINVAL, "two groups have the name \"%s\"", g->name);
		if (r == 0)
			r = image_index_add_id(&ids, g->gid, b->group_ref[i]);
	}
	return r;
}

static int new_seed(uint64_t *seed_out)
{
	uint64_t seed;

	do {
		if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
			return -EIO;
	} while (seed == 0);
	*seed_out = seed;
	return 0;
}

// Everything that depends on the seed. -EAGAIN: a chain grew too long with it.
static int fill(struct build *b)
{
	int r = new_seed(&b->head.seed);

	if (r < 0)
		return fail(b->f, -r, "no random numbers");
	put_records(b);
	r = index_users(b, false);
	if (r == 0)
		r = index_groups(b);
	for (unsigned i = 0; r == 0 && i < IMAGE_INDEXES; i++) {
		struct image_index_build x = index_of(b, i);

		image_index_seal(&x);
	}
	return r;
}

static void put_header(struct build *b, uint64_t generation,
		       const struct image_confirmed *confirmed)
{
	struct image_header *h = &b->head;

	memcpy(h->magic, IMAGE_MAGIC, sizeof(h->magic));
	h->version = IMAGE_VERSION;
	h->header_len = IMAGE_HEADER_LEN;
	h->generation = generation;
	h->published = clock_wall();
	h->user_count = b->src->user_count;
	h->group_count = b->src->group_count;
	h->active_count = b->active;
	h->policy_flags = b->src->policy_flags;
	h->made_of = b->src->made_of;
	h->stale_warn = b->src->stale_warn;
	h->stale_deny = b->src->stale_deny;
	h->check = image_check(h->seed, h, offsetof(struct image_header, check));
	h->confirmed = *confirmed;
	memcpy(b->data, h, sizeof(*h));
}

int image_build(const struct image_source *src, uint64_t generation,
		const struct image_confirmed *confirmed, struct image_built *out, struct fail *f)
{
	struct build b = { .src = src, .f = f };
	int r = prepare(&b);

	if (r == 0)
		r = lay_out(&b);
	for (int i = 0; r == 0; i++) {
		r = fill(&b);
		if (r != -EAGAIN || i == 8)
			break;
		memset(b.data, 0, b.bound);
		r = 0;
	}
	if (r == 0) {
		put_header(&b, generation, confirmed);
		*out = (struct image_built){ .data = b.data, .size = b.head.size };
		b.data = NULL;
	} else if (r == -ENOMEM) {
		r = fail(f, ENOMEM, "no memory to build the image");
	}
	free_build(&b);
	return r;
}
