// SPDX-License-Identifier: MIT
//
// Copying one record out of an image and checking the copy: that it lies in its
// section, that its lengths agree, that its checksum is right, and that what it
// says may be served at all (reserved ids, names, control bytes), whoever wrote
// the file. -EBADMSG for whatever does not fit.

#include "scimd/image/record.h"

#include <errno.h>
#include <scimd/account.h>
#include <stddef.h>
#include <string.h>

#define PIECE (IMAGE_PAGE - IMAGE_GUESS) // of a group too large for the page
#define CHECKED 4u                       // a record's checksum covers it from here on

_Static_assert(PIECE % 16 == 0, "whole blocks of the checksum");
_Static_assert((sizeof(struct image_user) - CHECKED) % 16 == 0, "strings begin a block");
_Static_assert(offsetof(struct image_user, check_tail) == CHECKED, "check is first");
_Static_assert(offsetof(struct image_group, length) == CHECKED, "check is first");

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

// How many bytes of the section there are from `at` on; 0 where it is outside.
static uint64_t section_left(const struct image_section *s, uint64_t at)
{
	return at < s->offset || at - s->offset >= s->length ? 0 : s->length - (at - s->offset);
}

static inline bool user_fits(const struct image_user *u, uint64_t left)
{
	return u->strings <= IMAGE_USER_STRINGS_MAX && u->keys <= IMAGE_RECORD_MAX &&
	       image_user_length(u) <= left;
}

// The five strings: exactly five NULs, each where the next string's start says.
static inline bool user_strings_good(const struct image_page *page, enum image_depth depth)
{
	const struct image_user *u = &page->head;
	const unsigned char *s = page->strings;

	if (s[u->at_passwd - 1] | s[u->at_gecos - 1] | s[u->at_home - 1] | s[u->at_shell - 1] |
	    s[u->strings - 1])
		return false;
	if ((s[u->at_passwd] != '*' && s[u->at_passwd] != '!') || s[u->at_home] != '/' ||
	    s[u->at_shell] != '/')
		return false;
	return image_scan_page(s, u->strings, 5) &&
	       (depth < IMAGE_NAME || image_name_fits((const char *)s) == u->at_passwd - 1u);
}

static inline bool user_numbers_good(const struct image_user *u)
{
	return !account_id_reserved(u->uid) && !account_id_reserved(u->gid) &&
	       u->state >= ACCOUNT_ACTIVE && u->state <= ACCOUNT_PROBE &&
	       u->verdict <= VERDICT_BREAK_GLASS &&
	       (u->uid == u->gid || !(u->flags & IMAGE_PRIVATE_GROUP)) && u->at_passwd > 1 &&
	       u->at_gecos == u->at_passwd + 2 && u->at_home > u->at_gecos &&
	       u->at_shell > u->at_home && u->strings > u->at_shell;
}

// The bytes of a number that count, of `len` in memory.
static uint64_t low_bytes(uint64_t v, size_t len)
{
	return len >= 8 ? v : v & ~(UINT64_MAX << (8 * len));
}

// The map way of the next function: -EAGAIN where the record lies too near the
// end of its section for steps of 16 bytes.
static inline int take_user(const struct image *im, uint64_t at, uint64_t left,
			    struct image_page *page, size_t *have)
{
	const unsigned char *from = im->base + at;
	unsigned char *to = (unsigned char *)page;
	struct image_hash_run h;
	size_t strings, rest;
	image_pair last;

	image_take_half(to, from);
	image_hash_start(&h, ~(im->head.seed ^ at), 0);
	image_take_blocks(&h, to + CHECKED, from + CHECKED, (sizeof(page->head) - CHECKED) / 16);
	if (!user_fits(&page->head, left))
		return -EBADMSG;
	strings = page->head.strings;
	rest = strings % 16;
	if (left - sizeof(page->head) < strings + 16)
		return -EAGAIN;
	image_take_blocks(&h, page->strings, from + sizeof(page->head), strings / 16);
	last = image_take_pair(page->strings + strings - rest,
			       from + sizeof(page->head) + strings - rest);
	h.sum += sizeof(page->head) - CHECKED + strings;
	*have = sizeof(page->head) + strings;
	return page->head.check ==
			       image_check_fold(
				       image_hash_last(&h, low_bytes(last[0], rest),
						       low_bytes(last[1], rest < 8 ? 0 : rest - 8)))
		       ? 0
		       : -EBADMSG;
}

static __attribute__((noinline)) int copy_user(const struct image *im, uint64_t at, uint64_t left,
					       struct image_page *page, size_t *have)
{
	unsigned char *bytes = (unsigned char *)page;
	size_t whole;
	int r = copy_some(im, at, bytes, sizeof(page->head), left, have);

	if (r < 0)
		return r;
	if (!user_fits(&page->head, left))
		return -EBADMSG;
	whole = sizeof(page->head) + page->head.strings;
	r = copy_rest(im, at, bytes, whole, have);
	if (r == 0 &&
	    page->head.check != image_check(im->head.seed ^ at, bytes + CHECKED, whole - CHECKED))
		r = -EBADMSG;
	return r;
}

int image_load_user(const struct image *im, uint64_t at, enum image_depth depth,
		    struct image_page *page, size_t *have)
{
	const uint64_t left = section_left(&im->head.users, at);
	int r = -EAGAIN;

	if (left < sizeof(page->head)) // the section lies in the file: image_open
		return -EBADMSG;
	if (im->base)
		r = take_user(im, at, left, page, have);
	if (r == -EAGAIN)
		r = copy_user(im, at, left, page, have);
	if (r < 0)
		return r;
	if (!user_numbers_good(&page->head) ||
	    (depth > IMAGE_NUMBERS && !user_strings_good(page, depth)))
		return -EBADMSG;
	return 0;
}

// As memcpy, but in the steps in which the page was written.
static void copy_strings(char *buf, const unsigned char *from, size_t n, size_t room)
{
	if (image_round(n, 16) > room) {
		memcpy(buf, from, n);
		return;
	}
	for (size_t i = 0; i < n; i += 16)
		memcpy(buf + i, from + i, 16);
}

int image_give_user(const struct image_page *page, size_t have, char *buf, size_t len,
		    struct image_found_user *out)
{
	const struct image_user *head = &page->head;
	const uint64_t all = image_user_length(head) - sizeof(*head);
	size_t give = head->strings;

	memcpy(&out->head, head, CHECKED); // in the page's steps, as above
	memcpy((unsigned char *)&out->head + CHECKED, (const unsigned char *)head + CHECKED,
	       sizeof(*head) - CHECKED);
	out->tail = NULL;
	if (!buf) {
		out->name = out->passwd = out->gecos = out->home = out->shell = NULL;
		return 0;
	}
	if (len < give)
		return -ERANGE;
	// The tail comes along where it costs nothing: it saves the pread way a call.
	if (have >= all + sizeof(*head) && len >= all) {
		give = all;
		out->tail = (unsigned char *)buf + image_tail_at(head) - sizeof(*head);
	}
	copy_strings(buf, page->strings, give, len);
	out->name = buf;
	out->passwd = buf + head->at_passwd;
	out->gecos = buf + head->at_gecos;
	out->home = buf + head->at_home;
	out->shell = buf + head->at_shell;
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
			size_t from, unsigned char page[IMAGE_PAGE], char *buf,
			struct image_hash_run *h, struct image_scan *scan)
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
		image_hash_blocks(h, p, n / 16); // n is a multiple of 16 but for the last
		at += n;
		left -= n;
	} while (left > 0);
	return g->check == image_check_fold(image_hash_end(h, p + n / 16 * 16, n % 16)) ? 0
											: -EBADMSG;
}

int image_load_group(const struct image *im, uint64_t at, unsigned char page[IMAGE_PAGE], char *buf,
		     size_t len, struct image_group *head)
{
	const uint64_t seed = im->head.seed ^ at, left = section_left(&im->head.groups, at);
	const unsigned char *strings = page + sizeof(*head);
	struct image_scan scan = { 0 };
	struct image_hash_run h;
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
	first = whole <= IMAGE_GUESS ? whole : CHECKED + (IMAGE_GUESS - CHECKED) / 16 * 16;
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
		    head->check != image_check(seed, page + CHECKED, whole - CHECKED))
			return -EBADMSG;
	} else {
		image_hash_start(&h, ~seed, whole - CHECKED);
		image_hash_blocks(&h, page + CHECKED, (first - CHECKED) / 16);
		r = load_members(im, at, head, first - sizeof(*head), page, buf, &h, &scan);
		if (r < 0)
			return r;
	}
	return !scan.bad && scan.nuls == 2 + (uint64_t)head->members ? 0 : -EBADMSG;
}
