// SPDX-License-Identifier: MIT
//
// A hash table from bytes to a number; see table.h. Open addressing with linear
// probing, grown at two thirds. The hash is the image's, with a random seed.
#include "scimd/base/table.h"
#include <errno.h>
#include <pthread.h>
#include <scimd/image.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static uint64_t table_seed;

static void table_seed_once(void)
{
	if (getrandom(&table_seed, sizeof(table_seed), GRND_NONBLOCK) != sizeof(table_seed))
		table_seed = (uint64_t)(uintptr_t)&table_seed ^ 0x9e3779b97f4a7c15u;
}

static uint64_t table_hash(const void *key, size_t len)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, table_seed_once);
	return image_hash(table_seed, key, len) | 1; // 0 marks an empty cell
}

static struct table_cell *table_cell(const struct table *t, const void *key, size_t len, uint64_t h)
{
	size_t i = (size_t)(h >> 7) & t->mask;

	while (t->cells[i].hash != 0) {
		const struct table_cell *c = &t->cells[i];

		if (c->hash == h && c->len == len && memcmp(c->key, key, len) == 0)
			break;
		i = (i + 1) & t->mask;
	}
	return &t->cells[i];
}

uint32_t table_get(const struct table *t, const void *key, size_t len)
{
	const struct table_cell *c;

	if (!t->cells)
		return TABLE_NONE;
	c = table_cell(t, key, len, table_hash(key, len));
	return c->hash ? c->value : TABLE_NONE;
}

static int table_grow(struct table *t)
{
	struct table bigger = { .mask = t->cells ? t->mask * 2 + 1 : 63, .used = t->used };

	bigger.cells = calloc(bigger.mask + 1, sizeof(*bigger.cells));
	if (!bigger.cells)
		return -ENOMEM;
	for (size_t i = 0; t->cells && i <= t->mask; i++) {
		const struct table_cell *c = &t->cells[i];

		if (c->hash)
			*table_cell(&bigger, c->key, c->len, c->hash) = *c;
	}
	free(t->cells);
	*t = bigger;
	return 0;
}

int table_put(struct table *t, const void *key, size_t len, uint32_t value)
{
	uint64_t h = table_hash(key, len);
	struct table_cell *c;
	int r;

	if (len > UINT32_MAX)
		return -E2BIG;
	if (!t->cells || t->used * 3 >= (t->mask + 1) * 2) {
		r = table_grow(t);
		if (r < 0)
			return r;
	}
	c = table_cell(t, key, len, h);
	if (!c->hash) {
		*c = (struct table_cell){ .key = key, .len = (uint32_t)len, .hash = h };
		t->used++;
	}
	c->value = value;
	return 0;
}

void table_free(struct table *t)
{
	free(t->cells);
	*t = (struct table)TABLE_INIT;
}
