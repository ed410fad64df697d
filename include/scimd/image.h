// SPDX-License-Identifier: MIT
//
// accounts.image: the published file that libnss_scim, pam_scim,
// scim-authorized-keys and scimctl read. This header is the whole format; a
// second reader can be written from it alone.
//
// Life. The daemon writes a new file beside the old one, fsyncs it, reads it
// back through the reader, and renames it into place; then it sets `retired` in
// the old inode and punches a hole over its body. A file never changes after
// its rename, but for `retired` and the `confirmed` block in the header page.
//
// Layout, little-endian, every part at an offset that is a multiple of 8:
//
//     header (IMAGE_HEADER_LEN bytes)
//     four indexes, each an array of 64-byte lines
//     user records, in ascending uid order, back to back
//     group records, in ascending gid order, back to back
//
// Trust. A reader checks every offset and length against the size of the file,
// and every line and record against its own checksum, before it uses a byte.
// Whatever does not fit is damage: UNAVAIL, never "no such account". A file is
// accepted only if it is a regular file that group and others cannot write,
// owned by root or by the owner of its folder where that is a system user.
//
// Reading: (1) look at `retired`: set means open the path again, at most twice;
// (2) check the header; (3) hash the key, walk index lines from image_line_of
// (step 1, wrapping) until a line that has not overflowed; (4) copy the record
// and check the copy; (5) look at `retired` again before any answer.
#ifndef SCIMD_IMAGE_H
#define SCIMD_IMAGE_H

#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define IMAGE_MAGIC "SCIMDIMG"
#define IMAGE_VERSION 2u // a reader refuses any other
#define IMAGE_HEADER_LEN 4096u
#define IMAGE_MAX (4ull << 30) // no larger file is written or read

enum image_index {
	IMAGE_USER_NAME,  // lower-case login name → user record
	IMAGE_USER_ID,    // uid → user record
	IMAGE_GROUP_NAME, // name → group record, or user record with IMAGE_PRIVATE_GROUP
	IMAGE_GROUP_ID,   // gid → likewise
	IMAGE_INDEXES,
};

struct image_section {
	uint64_t offset; // from the start of the file
	uint64_t length; // bytes
};

// Wall and boot clock of the last sync that proved complete. Rewritten in place:
// seq is odd while a write is under way; a reader takes the pair only if seq was
// even and the same before and after. Milliseconds.
struct image_confirmed {
	uint32_t seq;
	uint32_t pad;
	int64_t wall;
	int64_t boot;        // CLOCK_BOOTTIME
	uint8_t boot_id[16]; // which boot `boot` belongs to
};

struct image_header {
	char magic[8];
	uint32_t version;
	uint32_t header_len; // IMAGE_HEADER_LEN
	uint64_t size;       // of the whole file; must equal st_size
	uint64_t seed;       // random, never 0; seeds hashes and checksums of this file
	uint64_t generation; // grows by one with every publish
	int64_t published;   // wall clock, ms
	struct image_section index[IMAGE_INDEXES]; // length is a multiple of 64, at least 64
	struct image_section users;
	struct image_section groups;
	uint32_t user_count;  // records, tombstones and the probe included
	uint32_t group_count; // group records (private groups are not records)
	uint32_t active_count;
	uint32_t policy_flags; // IMAGE_POLICY_*
	uint32_t stale_warn;   // seconds since `confirmed`, 0 = never
	uint32_t stale_deny;   // seconds, 0 = never
	uint64_t made_of;      // the writer's digest of what it was made from, 0 = untold
	uint64_t check;        // image_check(seed, bytes before this field)
	// Not covered by `check`, because they change in place:
	uint32_t retired; // not 0: a newer file has the name
	uint32_t pad;
	struct image_confirmed confirmed;
};

#define IMAGE_POLICY_STATED 1u // [access] allow was given
#define IMAGE_MEMBERS_SELF 2u  // no members are listed; a reader shows the asking person's own name

// One line of an index: up to seven entries. `tag` is the key's hash >> 32,
// `ref` the record's offset in its section divided by 8, with IMAGE_REF_USER set
// in a group index where it points into `users`. Entries fill from 0; unused
// ones are all ones. check = image_check(seed ^ offset of the line in the file,
// the 60 bytes after it), so neither an all-zero line nor one that belongs
// elsewhere verifies. A key is at most IMAGE_CHAIN_MAX lines from its own: the
// writer takes another seed until that holds, the reader calls more damage.
#define IMAGE_LINE_ENTRIES 7u
#define IMAGE_CHAIN_MAX 64u
#define IMAGE_REF_USER 0x80000000u

struct image_line {
	uint32_t check;
	uint16_t used;
	uint16_t overflow; // 1: a key that belongs here went to the next line
	uint32_t tag[IMAGE_LINE_ENTRIES];
	uint32_t ref[IMAGE_LINE_ENTRIES];
};

// A user record: this head, then `strings` bytes: name NUL passwd NUL gecos NUL
// home NUL shell NUL, then padding to 4, then `groups` gids (uint32_t,
// ascending, the primary gid not among them; local gids that a local mapping
// adds included), then `keys` bytes: public keys, each a line "type base64" NUL;
// then padding to 8. Both checks are seeded with seed ^ offset of the record in
// the file. passwd is "*" or "!"; home and shell are absolute.
struct image_user {
	uint32_t check;      // over the head after this field, and the strings
	uint32_t check_tail; // over groups and keys; seeded, so 0 bytes have one too
	uint32_t uid;
	uint32_t gid;
	uint32_t keys;     // bytes
	uint16_t groups;   // count
	uint16_t strings;  // bytes, all five NULs included
	uint16_t at_gecos; // where each string starts, counted from the name's start
	uint16_t at_home;
	uint16_t at_shell;
	uint16_t flags; // IMAGE_PRIVATE_GROUP …
	uint8_t at_passwd;
	uint8_t state;   // enum account_state
	uint8_t verdict; // enum account_verdict
	uint8_t rule;    // enum account_rule
};

#define IMAGE_USER_STRINGS_MAX 4032u // a user's head and strings fit one page
#define IMAGE_RECORD_MAX (16u << 20) // bytes of one user record, keys included

#define IMAGE_PRIVATE_GROUP 1u // a group of this name with gid == uid exists
#define IMAGE_HIDDEN 2u        // not enumerated: deleted ones and the probe
#define IMAGE_NO_NSS 4u        // not served by NSS at all (leaver_nss = hide)

// A group record: this head, then `strings` bytes: name NUL passwd NUL and
// `members` login names, each with its NUL; then padding to 8. passwd is "*".
struct image_group {
	uint32_t check; // over the head after this field, and the strings
	uint32_t length;
	uint32_t gid;
	uint32_t members;    // count
	uint32_t strings;    // bytes
	uint16_t at_members; // where the first member starts
	uint16_t flags;
};

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the structures are the file");
_Static_assert(sizeof(struct image_line) == 64, "a line is a cache line");
_Static_assert(sizeof(struct image_user) == 36, "user head");
_Static_assert(sizeof(struct image_group) == 24, "group head");
_Static_assert(sizeof(struct image_header) <= IMAGE_HEADER_LEN, "one page");

#define IMAGE_INLINE static inline __attribute__((always_inline))

IMAGE_INLINE uint64_t image_mix(uint64_t a, uint64_t b)
{
	uint64_t high = (uint64_t)((__uint128_t)a * b >> 64);

	return a * b ^ high; // in halves: compilers keep the whole in memory
}

IMAGE_INLINE uint64_t image_load(const unsigned char *p, uint64_t n) // n <= 8, little-endian
{
	uint64_t v = 0;
	uint32_t low, high;

	if (n == 8) {
		__builtin_memcpy(&v, p, 8);
	} else if (n >= 4) { // two loads that overlap in equal bytes
		__builtin_memcpy(&low, p, 4);
		__builtin_memcpy(&high, p + n - 4, 4);
		v = low | (uint64_t)high << (8 * (n - 4));
	} else if (n > 0) {
		v = p[0] | (uint64_t)p[n / 2] << (8 * (n / 2)) |
		    (uint64_t)p[n - 1] << (8 * (n - 1));
	}
	return v;
}

// The hash of a key: 128-bit multiply-folds of 16-byte steps, each step with keys of
// its own, summed. It is defined by this code, as the checksum below is.
IMAGE_INLINE uint64_t image_hash(uint64_t seed, const void *data, uint64_t len)
{
	const unsigned char *p = data;
	uint64_t a = seed ^ 0x9e3779b97f4a7c15u, b = seed + 0xd6e8feb86659fd93u;
	uint64_t sum = len, left = len, first;

	for (; left >= 16; left -= 16, p += 16) {
		sum += image_mix(a ^ image_load(p, 8), b ^ image_load(p + 8, 8));
		a += 0xa0761d6478bd642fu;
		b += 0xe7037ed1a0b428dbu;
	}
	first = left < 8 ? left : 8;
	sum += image_mix(a ^ image_load(p, first), b ^ image_load(p + first, left - first));
	return image_mix(sum ^ 0x8ebc6af09c88c6e3u,
			 (a + 0xa0761d6478bd642fu) ^ 0x589965cc75374cc3u);
}

// The checksum, over steps of 16 bytes as two little-endian numbers; the last step
// has 0 to 15 bytes, and zeros. In each step a number is combined with a key of that
// step, its halves are multiplied, and the product is added to the number's sum; the
// other number is added too, so that no half makes the other one vanish.
typedef uint64_t image_pair __attribute__((vector_size(16), aligned(1), may_alias));

struct image_sum {
	image_pair sum, key;
};

IMAGE_INLINE void image_sum_start(struct image_sum *s, uint64_t seed, uint64_t len)
{
	s->key = (image_pair){ seed, seed } ^
		 (image_pair) { 0x9e3779b97f4a7c15u, 0xd6e8feb86659fd93u };
	s->sum = (image_pair){ len, 0 };
}

IMAGE_INLINE void image_sum_step(struct image_sum *s, image_pair v)
{
	const image_pair keyed = v ^ s->key;

#ifdef __SSE2__
	s->sum += (image_pair)_mm_mul_epu32((__m128i)keyed, (__m128i)(keyed >> 32)) +
		  (image_pair)_mm_shuffle_epi32((__m128i)v, 0x4e);
#else
	s->sum += (keyed & UINT32_MAX) * (keyed >> 32) + (image_pair){ v[1], v[0] };
#endif
	s->key += (image_pair){ 0xa0761d6478bd642fu, 0xe7037ed1a0b428dbu };
}

IMAGE_INLINE void image_sum_blocks(struct image_sum *s, const unsigned char *p, uint64_t n)
{
	for (; n > 0; n--, p += 16)
		image_sum_step(s, *(const image_pair *)p);
}

// The last bytes, as two numbers that are 0 where there are none. Never 0.
IMAGE_INLINE uint32_t image_sum_end(struct image_sum *s, image_pair last)
{
	uint64_t h;

	image_sum_step(s, last);
	h = image_mix(s->sum[0] ^ 0x8ebc6af09c88c6e3u, s->sum[1] ^ s->key[0]);
	return (uint32_t)(h ^ (h >> 32)) | 1u;
}

IMAGE_INLINE uint32_t image_sum_last(struct image_sum *s, const unsigned char *p, uint64_t len)
{
	uint64_t first = len < 8 ? len : 8;

	return image_sum_end(s, (image_pair){ image_load(p, first),
					      image_load(p + first, len - first) });
}

IMAGE_INLINE uint32_t image_check(uint64_t seed, const void *data, uint64_t len)
{
	const unsigned char *p = data;
	struct image_sum s;

	image_sum_start(&s, seed, len);
	image_sum_blocks(&s, p, len / 16);
	return image_sum_last(&s, p + len / 16 * 16, len % 16);
}

// The line of an index of so many that a key belongs to; its tag is hash >> 32.
IMAGE_INLINE uint64_t image_line_of(uint64_t hash, uint64_t lines)
{
	return (hash & UINT32_MAX) * lines >> 32;
}

#endif
