// SPDX-License-Identifier: MIT
//
// Sorting by 32-bit numbers in linear time: four passes over 8 bits each.

#include "scimd/image/build.h"

#include <string.h>

#define SMALL 64 // below, insertion is quicker

static void pass(const struct image_rank *from, struct image_rank *to, uint32_t n, unsigned shift)
{
	uint32_t start[257] = { 0 };

	for (uint32_t i = 0; i < n; i++)
		start[(from[i].key >> shift & 0xff) + 1]++;
	for (unsigned b = 1; b < 257; b++)
		start[b] += start[b - 1];
	for (uint32_t i = 0; i < n; i++)
		to[start[from[i].key >> shift & 0xff]++] = from[i];
}

void image_order(struct image_rank *order, struct image_rank *spare, uint32_t n)
{
	for (unsigned shift = 0; shift < 32; shift += 16) {
		pass(order, spare, n, shift);
		pass(spare, order, n, shift + 8);
	}
}

static void sift(uint32_t *ids, uint32_t at, uint32_t n)
{
	uint32_t id = ids[at], child;

	while ((child = 2 * at + 1) < n) {
		if (child + 1 < n && ids[child + 1] > ids[child])
			child++;
		if (ids[child] <= id)
			break;
		ids[at] = ids[child];
		at = child;
	}
	ids[at] = id;
}

// A person's groups are few: insertion; else a heap, which needs no room.
void image_order_ids(uint32_t *ids, uint32_t n)
{
	if (n <= SMALL) {
		for (uint32_t i = 1; i < n; i++) {
			uint32_t id = ids[i], at = i;

			for (; at > 0 && ids[at - 1] > id; at--)
				ids[at] = ids[at - 1];
			ids[at] = id;
		}
		return;
	}
	for (uint32_t i = n / 2; i-- > 0;)
		sift(ids, i, n);
	for (uint32_t left = n - 1; left > 0; left--) {
		uint32_t last = ids[left];

		ids[left] = ids[0];
		ids[0] = last;
		sift(ids, 0, left);
	}
}
