// SPDX-License-Identifier: MIT
//
// What the files of the reader share: bounded copies out of an image, loading
// one checked record, and the sanity of names and strings. Nothing here is for
// callers of the reader; they use scimd/image/read.h. The writer refuses by the
// same name and string rules.
#ifndef SCIMD_IMAGE_RECORD_H
#define SCIMD_IMAGE_RECORD_H

#include "scimd/image/read.h"

#include <errno.h>
#include <string.h>

#define IMAGE_GUESS 1024u // bytes of a record that the pread way reads at once
#define IMAGE_USUAL 240u  // strings of the usual user, one block short of 256
#define IMAGE_PAGE 4096u  // a user's head and strings, or the first part of a group

_Static_assert(sizeof(struct image_user) + IMAGE_USER_STRINGS_MAX <= IMAGE_PAGE, "one page");

int image_pread(const struct image *im, uint64_t at, void *dst, size_t len);

// Copies bytes at an offset of the file, whichever way it is open. What was
// copied is what gets checked and used: the file is not looked at twice.
static inline int image_copy(const struct image *im, uint64_t at, void *dst, size_t len)
{
	if (at > im->size || len > im->size - at)
		return -EBADMSG;
	if (!im->base)
		return image_pread(im, at, dst, len);
	memcpy(dst, im->base + at, len);
	return 0;
}

// For the map way: copying and hashing in one go. Each word is read once, so that
// what is hashed is what was copied, and is not read back from where it has just
// been stored, which processors are slow at unless store and load agree in size.
typedef uint64_t image_word __attribute__((aligned(1), may_alias));
typedef uint32_t image_half __attribute__((aligned(1), may_alias));

IMAGE_INLINE image_pair image_take_pair(unsigned char *dst, const unsigned char *src)
{
	image_pair v = *(const volatile image_pair *)src;

	*(image_pair *)dst = v;
	return v;
}

IMAGE_INLINE uint32_t image_take_half(unsigned char *dst, const unsigned char *src)
{
	uint32_t v = *(const volatile image_half *)src;

	*(image_half *)dst = v;
	return v;
}

IMAGE_INLINE uint64_t image_take_word(unsigned char *dst, const unsigned char *src)
{
	uint64_t v = *(const volatile image_word *)src;

	*(image_word *)dst = v;
	return v;
}

IMAGE_INLINE void image_take_blocks(struct image_sum *s, unsigned char *dst,
				    const unsigned char *src, size_t n)
{
	for (; n > 0; n--, dst += 16, src += 16)
		image_sum_step(s, image_take_pair(dst, src));
}

// Sixteen bytes of text at once: control bytes but NUL, ':' and DEL go to `bad`,
// NULs are counted in each lane.
typedef uint8_t image_lanes __attribute__((vector_size(16)));

IMAGE_INLINE void image_scan_lanes(image_lanes v, image_lanes *bad, image_lanes *nuls)
{
	const image_lanes nul = (image_lanes)(v == 0);

	*nuls -= nul;
	*bad |= ((image_lanes)(v < 0x20) ^ nul) | (image_lanes)(v == ':') |
		(image_lanes)(v == 0x7f);
}

#define IMAGE_LANES_MAX 15u // so many steps, and all NULs can be counted in one byte

IMAGE_INLINE uint64_t image_sum_lanes(image_lanes v)
{
	image_pair half = (image_pair)v;

	return (half[0] + half[1]) * 0x0101010101010101u >> 56;
}

IMAGE_INLINE bool image_any_lane(image_lanes v)
{
	image_pair half = (image_pair)v;

	return (half[0] | half[1]) != 0;
}

static inline uint64_t image_round(uint64_t n, uint64_t to) // to: a power of two
{
	return (n + to - 1) & ~(to - 1);
}

static inline uint64_t image_tail_at(const struct image_user *u) // from the record's start
{
	return image_round(sizeof(*u) + u->strings, 4);
}

static inline uint64_t image_tail_len(const struct image_user *u)
{
	return 4 * (uint64_t)u->groups + u->keys;
}

static inline uint64_t image_user_length(const struct image_user *u)
{
	return image_round(image_tail_at(u) + image_tail_len(u), 8);
}

// A user's record as far as its strings, and whatever came along; and room for
// the last step of copying by 16 bytes.
struct image_page {
	_Alignas(16) struct image_user head;
	unsigned char strings[IMAGE_PAGE - sizeof(struct image_user) + 16];
};

// How much of the record's content is looked at. The checksum always is.
enum image_depth {
	IMAGE_NUMBERS, // strings are not handed out
	IMAGE_STRINGS, // and the name is known to be good: it was the key
	IMAGE_NAME,
};

// Copies and checks the user record at an offset: *have bytes of it in all.
// 0, -EBADMSG or errno of pread.
int image_load_user(const struct image *im, uint64_t at, enum image_depth depth,
		    struct image_page *page, size_t *have);
// The same for a group; its strings go to buf, or are only checked where buf is
// NULL. page holds the head and the first strings. -ERANGE: len is too small.
int image_load_group(const struct image *im, uint64_t at, unsigned char page[IMAGE_PAGE], char *buf,
		     size_t len, struct image_group *head);

int image_give_private(const struct image_page *page, char *buf, size_t len,
		       struct image_found_group *out);

// Checks the user's groups and keys, and copies of them what lies in
// [from, from + len) of their bytes.
int image_load_tail(const struct image *im, uint64_t at, const struct image_user *head,
		    const unsigned char *tail, uint64_t from, void *dst, uint64_t len);

// A supplementary gid: local groups may be given by local configuration, but
// never root's or the overflow groups.
bool image_gid_served(uint32_t gid);

// 1 when the chain of a hash has an entry with its tag and this ref, 0 when not,
// -errno when a line on the way is damaged.
int image_index_has(const struct image *im, enum image_index which, uint64_t hash, uint32_t ref);
// At most max lines from a number on, to the index's end: how many, or -errno.
int image_load_lines(const struct image *im, enum image_index which, uint64_t line,
		     struct image_line *lines, unsigned max);
bool image_line_good(const struct image *im, enum image_index which, uint64_t line,
		     const struct image_line *l);

// Lengths of strings and what is wrong with their bytes, gathered piece by piece.
struct image_scan {
	uint64_t nuls;
	bool bad; // a control byte, ':' or DEL
};

void image_scan(struct image_scan *scan, const unsigned char *p, size_t len);

// True when the strings have no such byte and exactly so many NULs. 15 bytes
// behind them may be read; they do not count.
bool image_scan_page(const unsigned char *p, size_t len, unsigned nuls);

#endif
