// SPDX-License-Identifier: MIT
//
// Copying one record out of an image and checking the copy: that it lies in its
// section, that its lengths agree, that its checksum is right, and that what it
// says may be served at all (reserved ids, names, control bytes), whoever wrote
// the file. -EBADMSG for whatever does not fit.

#include "scimd/image/record.h"
#include "scimd/image/take.h"

#include <errno.h>
#include <scimd/account.h>
#include <stddef.h>
#include <string.h>

#define PIECE (IMAGE_PAGE - IMAGE_GUESS) // of a group too large for the page

_Static_assert(PIECE % 16 == 0, "whole blocks of the checksum");
_Static_assert((sizeof(struct image_user) - IMAGE_CHECKED) % 16 == 0, "strings begin a block");
_Static_assert(offsetof(struct image_user, check_tail) == IMAGE_CHECKED, "check is first");
_Static_assert(offsetof(struct image_group, length) == IMAGE_CHECKED, "check is first");

// Copies the first `want` bytes of what `left` allows, by pread more of them.
static int copy_some(const struct image *im, uint64_t at, unsigned char *page, size_t want,
		     uint64_t left, size_t *have_out)
{
	size_t n = im->base ? want : IMAGE_GUESS;

	if (n > left)
		n = (size_t)left;
	if (n < want)
		return -EBADMSG;
	*have_out = n;
	return image_copy(im, at, page, n);
}

static int copy_rest(const struct image *im, uint64_t at, unsigned char *page, size_t want,
		     size_t *have)
{
	int r = 0;

	if (want > *have) {
		r = image_copy(im, at + *have, page + *have, want - *have);
		*have = want;
	}
	return r;
}

static int copy_user(const struct image *im, uint64_t at, uint64_t left, struct image_page *page,
		     size_t *have)
{
	unsigned char *bytes = (unsigned char *)page;
	size_t whole;
	int r = copy_some(im, at, bytes, sizeof(page->head), left, have);

	if (r < 0)
		return r;
	if (!image_user_fits(&page->head, left))
		return -EBADMSG;
	whole = sizeof(page->head) + page->head.strings;
	r = copy_rest(im, at, bytes, whole, have);
	if (r == 0 && page->head.check != image_check(im->head.seed ^ at, bytes + IMAGE_CHECKED,
						      whole - IMAGE_CHECKED))
		r = -EBADMSG;
	return r;
}

int image_load_user(const struct image *im, uint64_t at, enum image_depth depth,
		    struct image_page *page, size_t *have)
{
	const uint64_t left = image_section_left(&im->head.users, at);
	int r;

	if (left < sizeof(page->head)) // the section lies in the file: image_open
		return -EBADMSG;
	r = copy_user(im, at, left, page, have);
	if (r < 0)
		return r;
	if (!image_user_numbers_good(&page->head) ||
	    (depth > IMAGE_NUMBERS &&
	     (!image_user_strings_good(&page->head, page->strings, depth) ||
	      !image_scan_page(page->strings, page->head.strings, 5))))
		return -EBADMSG;
	return 0;
}

int image_give_private(const struct image_page *page, char *buf, size_t len,
		       struct image_found_group *out)
{
	const size_t name = page->head.at_passwd;

	memset(out, 0, sizeof(*out));
	out->head.gid = page->head.gid;
	out->head.flags = page->head.flags;
	out->head.strings = (uint32_t)(name + 2);
	out->head.at_members = (uint16_t)(name + 2);
	if (!buf)
		return 0;
	if (len < name + 2)
		return -ERANGE;
	memcpy(buf, page->strings, name);
	memcpy(buf + name, "*", 2);
	out->name = buf;
	out->passwd = buf + name;
	out->members = buf + name + 2;
	return 0;
}

static bool group_head_good(const struct image_group *g, uint64_t left)
{
	return g->length <= left && g->strings >= g->at_members && g->at_members > 3 &&
	       g->length == image_round(sizeof(*g) + (uint64_t)g->strings, 8) &&
	       g->at_members <= ACCOUNT_NAME_MAX + 16 && !account_id_reserved(g->gid) &&
	       (g->members == 0) == (g->strings == g->at_members) &&
	       g->members <= (g->strings - g->at_members) / 2;
}

static bool group_names_good(const struct image_group *g, const unsigned char *s)
{
	const size_t name = g->at_members - 3u;

	return s[name] == '\0' && s[name + 1] == '*' && s[name + 2] == '\0' &&
	       image_name_fits((const char *)s) == name;
}

// The rest of a group's strings, from byte `from` on: to buf, or piece by piece
// through the second part of the page (the first keeps head and name).
static int load_members(const struct image *im, uint64_t at, const struct image_group *g,
			size_t from, unsigned char page[IMAGE_PAGE], char *buf, struct image_sum *h,
			struct image_scan *scan)
{
	size_t left = g->strings - from, n;
	unsigned char *p = buf ? (unsigned char *)buf + from : page + IMAGE_GUESS;

	at += sizeof(*g) + from;
	do {
		n = buf || left < PIECE ? left : PIECE;
		int r = image_copy(im, at, p, n);

		if (r < 0)
			return r;
		image_scan(scan, p, n);
		if (n == left && p[n - 1] != '\0')
			return -EBADMSG;
		image_sum_blocks(h, p, n / 16); // n is a multiple of 16 but for the last
		at += n;
		left -= n;
	} while (left > 0);
	return g->check == image_sum_last(h, p + n / 16 * 16, n % 16) ? 0 : -EBADMSG;
}

int image_load_group(const struct image *im, uint64_t at, unsigned char page[IMAGE_PAGE], char *buf,
		     size_t len, struct image_group *head)
{
	const uint64_t seed = im->head.seed ^ at, left = image_section_left(&im->head.groups, at);
	const unsigned char *strings = page + sizeof(*head);
	struct image_scan scan = { 0 };
	struct image_sum h;
	size_t have, whole, first;
	int r = copy_some(im, at, page, sizeof(*head), left, &have);

	if (r < 0)
		return r;
	memcpy(head, page, sizeof(*head));
	if (!group_head_good(head, left))
		return -EBADMSG;
	if (buf && len < head->strings)
		return -ERANGE;
	// The first part ends at a whole number of the checksum's blocks.
	whole = sizeof(*head) + head->strings;
	first = whole <= IMAGE_GUESS ? whole
				     : IMAGE_CHECKED + (IMAGE_GUESS - IMAGE_CHECKED) / 16 * 16;
	r = copy_rest(im, at, page, first, &have);
	if (r < 0)
		return r;
	if (!group_names_good(head, strings))
		return -EBADMSG;
	image_scan(&scan, strings, first - sizeof(*head));
	if (buf)
		memcpy(buf, strings, first - sizeof(*head));
	if (first == whole) {
		if (page[whole - 1] != '\0' ||
		    head->check != image_check(seed, page + IMAGE_CHECKED, whole - IMAGE_CHECKED))
			return -EBADMSG;
	} else {
		image_sum_start(&h, seed, whole - IMAGE_CHECKED);
		image_sum_blocks(&h, page + IMAGE_CHECKED, (first - IMAGE_CHECKED) / 16);
		r = load_members(im, at, head, first - sizeof(*head), page, buf, &h, &scan);
		if (r < 0)
			return r;
	}
	return !scan.bad && scan.nuls == 2 + (uint64_t)head->members ? 0 : -EBADMSG;
}
