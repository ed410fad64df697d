// SPDX-License-Identifier: MIT
//
// The grammar of names in an image, and the bytes that no string of it may
// have. Reader and writer share both: what one refuses the other never serves.

#include "scimd/image/record.h"

#include <scimd/account.h>

#define SUFFIX_MAX 11u // "~" and the digits of a uid

enum { LATER = 1, FIRST = 2 }; // 0: neither

static const uint8_t kind[256] = {
	['a' ... 'z'] = FIRST, ['_'] = FIRST, ['0' ... '9'] = LATER, ['.'] = LATER, ['-'] = LATER,
};

size_t image_name_fits(const char *name)
{
	const unsigned char *p = (const unsigned char *)name;
	size_t n = 1, digits;

	if (kind[p[0]] != FIRST)
		return 0;
	while (kind[p[n]])
		if (++n > ACCOUNT_NAME_MAX)
			return 0;
	if (p[n] == '\0')
		return n;
	if (p[n] != '~')
		return 0;
	for (digits = 1; p[n + digits] >= '0' && p[n + digits] <= '9'; digits++)
		if (digits >= SUFFIX_MAX)
			return 0;
	return digits > 1 && p[n + digits] == '\0' ? n + digits : 0;
}

static void scan_bytes(struct image_scan *scan, const unsigned char *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		scan->nuls += p[i] == 0;
		scan->bad |= (p[i] < 0x20 && p[i] != 0) || p[i] == ':' || p[i] == 0x7f;
	}
}

static const image_lanes number = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };

bool image_scan_page(const unsigned char *p, size_t len, unsigned want)
{
	image_lanes bad = { 0 }, nuls = { 0 }, v, past;
	uint64_t found = 0;

	for (; len >= 16 * IMAGE_LANES_MAX; len -= 16 * IMAGE_LANES_MAX) {
		for (unsigned i = 0; i < IMAGE_LANES_MAX; i++, p += sizeof(v)) {
			memcpy(&v, p, sizeof(v));
			image_scan_lanes(v, &bad, &nuls);
		}
		found += image_sum_lanes(nuls);
		nuls = (image_lanes){ 0 };
	}
	for (; len >= sizeof(v); len -= sizeof(v), p += sizeof(v)) {
		memcpy(&v, p, sizeof(v));
		image_scan_lanes(v, &bad, &nuls);
	}
	memcpy(&v, p, sizeof(v));
	past = (image_lanes)(number >= (uint8_t)len);
	image_scan_lanes((v & ~past) | (past & 'a'), &bad, &nuls);
	return !image_any_lane(bad) && found + image_sum_lanes(nuls) == want;
}

void image_scan(struct image_scan *scan, const unsigned char *p, size_t len)
{
	image_lanes v, seen;

	if (len < sizeof(v)) {
		scan_bytes(scan, p, len);
		return;
	}
	while (len > 0) {
		image_lanes bad = { 0 }, nuls = { 0 };
		size_t steps = len / 16 < IMAGE_LANES_MAX - 1 ? len / 16 : IMAGE_LANES_MAX - 1;

		len -= steps * 16;
		for (; steps > 0; steps--, p += sizeof(v)) {
			memcpy(&v, p, sizeof(v));
			image_scan_lanes(v, &bad, &nuls);
		}
		if (len > 0 && len < sizeof(v)) { // the last 16 bytes, but for those seen
			memcpy(&v, p + len - sizeof(v), sizeof(v));
			seen = (image_lanes)(number < (uint8_t)(sizeof(v) - len));
			image_scan_lanes((v & ~seen) | (seen & 'a'), &bad, &nuls);
			len = 0;
		}
		scan->nuls += image_sum_lanes(nuls);
		scan->bad |= image_any_lane(bad);
	}
}
