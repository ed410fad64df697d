// SPDX-License-Identifier: MIT
//
// The tail of a user record: supplementary gids and public keys, under a
// checksum of their own so that a lookup of the person need not read them.

#include "scimd/image/read.h"
#include "scimd/image/record.h"

#include <errno.h>
#include <scimd/account.h>
#include <string.h>

#define PIECE 1024u // a multiple of the checksum's block

// Copies what [at, at + n) and [from, from + len) share to its place in dst.
static void copy_shared(const unsigned char *piece, uint64_t at, uint64_t n, uint64_t from,
			void *dst, uint64_t len)
{
	uint64_t first = at > from ? at : from;
	uint64_t end = at + n < from + len ? at + n : from + len;

	if (first < end)
		memcpy((unsigned char *)dst + (first - from), piece + (first - at), end - first);
}

// The usual case of the next function: no keys, and all groups wanted, by map.
static int take_gids(const struct image *im, uint64_t at, const struct image_user *head,
		     unsigned char *dst)
{
	const uint64_t len = image_tail_len(head), rest = len % 16;
	const unsigned char *from = im->base + at + image_tail_at(head);
	uint64_t last[2] = { 0, 0 };
	struct image_sum h;

	image_sum_start(&h, im->head.seed ^ at, len);
	image_take_blocks(&h, dst, from, len / 16);
	dst += len - rest;
	from += len - rest;
	for (uint64_t i = 0; i < rest; i += 4)
		last[i / 8] |= (uint64_t)image_take_half(dst + i, from + i) << (8 * (i % 8));
	return head->check_tail == image_sum_end(&h, (image_pair){ last[0], last[1] }) ? 0
										       : -EBADMSG;
}

int image_load_tail(const struct image *im, uint64_t at, const struct image_user *head,
		    const unsigned char *tail, uint64_t from, void *dst, uint64_t len)
{
	const uint64_t all = image_tail_len(head);
	unsigned char piece[PIECE];
	struct image_sum h;
	uint64_t done = 0, n;
	int r;

	if (dst && im->base && head->keys == 0 && from == 0 && len == all)
		return take_gids(im, at, head, dst);
	image_sum_start(&h, im->head.seed ^ at, all);
	do {
		n = all - done < PIECE ? all - done : PIECE;
		if (tail) {
			memcpy(piece, tail + done, n);
		} else {
			r = image_copy(im, at + image_tail_at(head) + done, piece, n);
			if (r < 0)
				return r;
		}
		copy_shared(piece, done, n, from, dst, len);
		image_sum_blocks(&h, piece, n / 16);
		done += n;
	} while (done < all);
	return head->check_tail == image_sum_last(&h, piece + n / 16 * 16, n % 16) ? 0 : -EBADMSG;
}

bool image_gid_served(uint32_t gid)
{
	return gid != 0 && !account_id_reserved(gid < 1000 ? 1000 : gid);
}

int64_t image_user_groups(const struct image *im, const struct image_found_user *u, uint32_t start,
			  uint32_t *gids, uint32_t max)
{
	bool good = true;
	uint32_t n = start < u->head.groups ? u->head.groups - start : 0;
	int r;

	if (n > max)
		n = max;
	r = image_load_tail(im, u->at, &u->head, u->tail, 4 * (uint64_t)start, gids,
			    4 * (uint64_t)n);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < n; i++)
		good &= image_gid_served(gids[i]);
	return good ? (int64_t)n : -EBADMSG;
}

int image_user_keys(const struct image *im, const struct image_found_user *u, char *buf, size_t len)
{
	struct image_scan scan = { 0 };
	int r;

	if (len < u->head.keys)
		return -ERANGE;
	r = image_load_tail(im, u->at, &u->head, u->tail, 4 * (uint64_t)u->head.groups, buf,
			    u->head.keys);
	if (r < 0)
		return r;
	image_scan(&scan, (unsigned char *)buf, u->head.keys);
	if (scan.bad || (u->head.keys > 0 && buf[u->head.keys - 1] != '\0'))
		return -EBADMSG;
	return 0;
}
