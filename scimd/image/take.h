// SPDX-License-Identifier: MIT
//
// Taking a user's record out of a mapped image: copying, summing and looking at the
// content in one pass, in line, since a warm lookup is little else. And what a sound
// record is, for this way and for the page that record.c loads.
#ifndef SCIMD_IMAGE_TAKE_H
#define SCIMD_IMAGE_TAKE_H

#include "scimd/image/record.h"

#include <errno.h>
#include <scimd/account.h>
#include <string.h>

#define IMAGE_CHECKED 4u // a record's checksum covers it from here on

// How many bytes of the section there are from `at` on; 0 where it is outside.
IMAGE_INLINE uint64_t image_section_left(const struct image_section *s, uint64_t at)
{
	at -= s->offset; // wraps where it lies before
	return at >= s->length ? 0 : s->length - at;
}

IMAGE_INLINE bool image_user_fits(const struct image_user *u, uint64_t left)
{
	return u->strings <= IMAGE_USER_STRINGS_MAX && u->keys <= IMAGE_RECORD_MAX &&
	       image_user_length(u) <= left;
}

// The five strings: exactly five NULs, each where the next string's start says.
IMAGE_INLINE bool image_user_strings_good(const struct image_user *u, const unsigned char *s,
					  enum image_depth depth)
{
	if (s[u->at_passwd - 1] | s[u->at_gecos - 1] | s[u->at_home - 1] | s[u->at_shell - 1] |
	    s[u->strings - 1])
		return false;
	if ((s[u->at_passwd] != '*' && s[u->at_passwd] != '!') || s[u->at_home] != '/' ||
	    s[u->at_shell] != '/')
		return false;
	return depth < IMAGE_NAME || image_name_fits((const char *)s) == u->at_passwd - 1u;
}

// The same test for both ids where they are one, as they mostly are.
IMAGE_INLINE bool image_user_numbers_good(const struct image_user *u)
{
	return !account_id_reserved(u->uid) && (u->gid == u->uid || !account_id_reserved(u->gid)) &&
	       u->state >= ACCOUNT_ACTIVE && u->state <= ACCOUNT_PROBE &&
	       u->verdict <= VERDICT_BREAK_GLASS &&
	       (u->uid == u->gid || !(u->flags & IMAGE_PRIVATE_GROUP)) && u->at_passwd > 1 &&
	       u->at_gecos == u->at_passwd + 2 && u->at_home > u->at_gecos &&
	       u->at_shell > u->at_home && u->strings > u->at_shell;
}

// What of the last 16 bytes belongs to the strings; the others become `filler`.
IMAGE_INLINE image_lanes image_only_first(image_lanes v, size_t rest, uint8_t filler)
{
	static const image_lanes number = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
	const image_lanes past = (image_lanes)(number >= (uint8_t)rest);

	return (v & ~past) | (past & filler);
}

// Counts, in each lane, the bytes that no text of a record may have, NUL among them.
// Where five are found, and the five NULs have been seen, there is no other.
IMAGE_INLINE void image_count_special(image_lanes v, image_lanes *special)
{
	*special -= (image_lanes)(v < 0x20) | (image_lanes)(v == ':') | (image_lanes)(v == 0x7f);
}

// The usual record: its strings go straight to buf where they fit, else to room, and
// *strings_out says which. -EAGAIN: no usual record, or too near the end of its
// section for steps of 16 bytes; load it.
IMAGE_INLINE int image_take_user(const struct image *im, uint64_t at, enum image_depth depth,
				 unsigned char room[IMAGE_USUAL], char *buf, size_t len,
				 struct image_user *head, const unsigned char **strings_out)
{
	const uint64_t left = image_section_left(&im->head.users, at);
	const unsigned char *from = im->base + at;
	image_lanes special = { 0 };
	struct image_sum h;
	unsigned char *to = room;
	image_pair v;
	size_t n;

	if (left < sizeof(*head) + IMAGE_USUAL)
		return -EAGAIN;
	image_take_half((unsigned char *)head, from);
	image_sum_start(&h, im->head.seed ^ at, 0);
	image_take_blocks(&h, (unsigned char *)head + IMAGE_CHECKED, from + IMAGE_CHECKED,
			  (sizeof(*head) - IMAGE_CHECKED) / 16);
	n = head->strings;
	if (n >= IMAGE_USUAL)
		return -EAGAIN;
	if (!image_user_fits(head, left) || !image_user_numbers_good(head))
		return -EBADMSG;
	if (buf && len >= image_round(n, 16))
		to = (unsigned char *)buf;
	*strings_out = to;
	h.sum += (image_pair){ sizeof(*head) - IMAGE_CHECKED + n, 0 };
	from += sizeof(*head);
	for (; n >= 16; n -= 16, from += 16, to += 16) {
		v = image_take_pair(to, from);
		image_sum_step(&h, v);
		if (depth > IMAGE_NUMBERS)
			image_count_special((image_lanes)v, &special);
	}
	v = *(const volatile image_pair *)from;
	if (n > 0)
		*(image_pair *)to = v;
	if (depth > IMAGE_NUMBERS)
		image_count_special(image_only_first((image_lanes)v, n, 'a'), &special);
	v = (image_pair)image_only_first((image_lanes)v, n, 0);
	if (head->check != image_sum_end(&h, v))
		return -EBADMSG;
	if (depth == IMAGE_NUMBERS)
		return 0;
	return image_sum_lanes(special) == 5 && image_user_strings_good(head, *strings_out, depth)
		       ? 0
		       : -EBADMSG;
}

// Hands a user out in the caller's buffer, out->head being set. `have` bytes of the
// record are at hand where the strings are.
IMAGE_INLINE int image_give_user(const unsigned char *strings, size_t have, char *buf, size_t len,
				 struct image_found_user *out)
{
	const struct image_user *head = &out->head;
	uint64_t all, give = head->strings;

	out->tail = NULL;
	if (!buf) {
		out->name = out->passwd = out->gecos = out->home = out->shell = NULL;
		return 0;
	}
	if (len < give)
		return -ERANGE;
	if (strings != (unsigned char *)buf) {
		// The tail comes along where it costs nothing: it saves the pread way a call.
		all = image_user_length(head) - sizeof(*head);
		if (have >= all + sizeof(*head) && len >= all) {
			give = all;
			out->tail = (unsigned char *)buf + image_tail_at(head) - sizeof(*head);
		}
		memcpy(buf, strings, give);
	}
	out->name = buf;
	out->passwd = buf + head->at_passwd;
	out->gecos = buf + head->at_gecos;
	out->home = buf + head->at_home;
	out->shell = buf + head->at_shell;
	return 0;
}

#endif
