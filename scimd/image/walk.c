// SPDX-License-Identifier: MIT
//
// Records in id order, for enumeration. A record's place follows from the one
// before it, so every record on the way is checked.

#include "scimd/image/read.h"
#include "scimd/image/record.h"
#include "scimd/image/take.h"

#include <errno.h>
#include <string.h>

int image_user_next(const struct image *im, uint64_t from, uint64_t *hint, char *buf, size_t len,
		    struct image_found_user *out)
{
	const struct image_section *s = &im->head.users;
	const enum image_depth depth = buf ? IMAGE_NAME : IMAGE_NUMBERS;
	struct image_page page;
	size_t have;
	int r;

	while (*hint < s->length) {
		r = image_load_user(im, s->offset + *hint, depth, &page, &have);
		if (r < 0)
			return r;
		if (page.head.uid >= from) {
			out->head = page.head;
			r = image_give_user(page.strings, have, buf, len, out);
			if (r == 0)
				out->at = s->offset + *hint;
			return r;
		}
		*hint += image_user_length(&page.head);
	}
	return -ENOENT;
}

int image_group_next(const struct image *im, uint64_t from, uint64_t *hint, char *buf, size_t len,
		     struct image_found_group *out)
{
	const struct image_section *s = &im->head.groups;
	unsigned char page[IMAGE_PAGE];
	struct image_group head;
	int r;

	while (*hint < s->length) {
		r = image_load_group(im, s->offset + *hint, page, NULL, 0, &head);
		if (r < 0)
			return r;
		if (head.gid >= from) {
			memset(out, 0, sizeof(*out));
			out->at = s->offset + *hint;
			out->head = head;
			if (!buf)
				return 0;
			r = image_load_group(im, out->at, page, buf, len, &head);
			if (r < 0)
				return r;
			out->name = buf;
			out->passwd = buf + head.at_members - 2;
			out->members = buf + head.at_members;
			return 0;
		}
		*hint += head.length;
	}
	return -ENOENT;
}
