// SPDX-License-Identifier: MIT
//
// Reading back a whole image: every line, every record, and for every record
// that each index leads to it. The writer's own check before it publishes, and
// doctor's.

#include "scimd/image/read.h"
#include "scimd/image/record.h"

#include <errno.h>
#include <string.h>

struct tally {
	uint64_t users, groups, private_groups;
};

static int need(int has)
{
	return has < 0 ? has : has ? 0 : -EBADMSG;
}

static int indexed(const struct image *im, enum image_index by_name, const void *name, size_t len,
		   uint32_t id, uint32_t ref)
{
	int r = need(image_index_has(im, by_name, image_hash(im->head.seed, name, len), ref));

	if (r == 0)
		r = need(image_index_has(im, by_name + 1,
					 image_hash(im->head.seed, &id, sizeof(id)), ref));
	return r;
}

static int verify_users(const struct image *im, struct tally *t)
{
	const struct image_section *s = &im->head.users;
	struct image_page page;
	const struct image_user *head = &page.head;
	uint64_t at = 0, next_id = 0;
	size_t have;
	int r = 0;

	for (; r == 0 && at < s->length; at += image_user_length(head)) {
		r = image_load_user(im, s->offset + at, IMAGE_NAME, &page, &have);
		if (r < 0)
			break;
		if (head->uid < next_id)
			return -EBADMSG;
		next_id = (uint64_t)head->uid + 1;
		t->users++;
		r = image_load_tail(im, s->offset + at, head, NULL, 0, NULL, 0);
		if (r == 0)
			r = indexed(im, IMAGE_USER_NAME, page.strings, head->at_passwd - 1u,
				    head->uid, (uint32_t)(at / 8));
		if (r == 0 && (head->flags & IMAGE_PRIVATE_GROUP)) {
			t->private_groups++;
			r = indexed(im, IMAGE_GROUP_NAME, page.strings, head->at_passwd - 1u,
				    head->gid, (uint32_t)(at / 8) | IMAGE_REF_USER);
		}
	}
	return r;
}

static int verify_groups(const struct image *im, struct tally *t)
{
	const struct image_section *s = &im->head.groups;
	unsigned char page[IMAGE_PAGE];
	struct image_group head;
	uint64_t at = 0, next_id = 0;
	int r = 0;

	for (; r == 0 && at < s->length; at += head.length) {
		r = image_load_group(im, s->offset + at, page, NULL, 0, &head);
		if (r < 0)
			break;
		if (head.gid < next_id)
			return -EBADMSG;
		next_id = (uint64_t)head.gid + 1;
		t->groups++;
		r = indexed(im, IMAGE_GROUP_NAME, page + sizeof(head), head.at_members - 3u,
			    head.gid, (uint32_t)(at / 8));
	}
	return r;
}

// As many entries as there are keys: with each record found, none is left over.
static int verify_lines(const struct image *im, enum image_index which, uint64_t entries)
{
	const uint64_t lines = im->head.index[which].length / sizeof(struct image_line);
	struct image_line window[16];
	uint64_t used = 0, line = 0;

	while (line < lines) {
		int n = image_load_lines(im, which, line, window, 16);

		if (n < 0)
			return n;
		for (int i = 0; i < n; i++, line++) {
			if (!image_line_good(im, which, line, &window[i]))
				return -EBADMSG;
			used += window[i].used;
		}
	}
	return used == entries ? 0 : -EBADMSG;
}

int image_verify(const struct image *im)
{
	struct tally t = { 0 };
	int r = verify_users(im, &t);

	if (r == 0)
		r = verify_groups(im, &t);
	if (r == 0)
		r = verify_lines(im, IMAGE_USER_NAME, t.users);
	if (r == 0)
		r = verify_lines(im, IMAGE_USER_ID, t.users);
	if (r == 0)
		r = verify_lines(im, IMAGE_GROUP_NAME, t.groups + t.private_groups);
	if (r == 0)
		r = verify_lines(im, IMAGE_GROUP_ID, t.groups + t.private_groups);
	if (r == 0 && (t.users != im->head.user_count || t.groups != im->head.group_count))
		r = -EBADMSG;
	return r;
}
