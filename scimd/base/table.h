// SPDX-License-Identifier: MIT
//
// A hash table from bytes to a 32-bit number (an index into the caller's array).
//
// Keys are borrowed: they must outlive the table. The hash is seeded anew in
// every process, so that a directory cannot choose keys that collide.
#ifndef SCIMD_BASE_TABLE_H
#define SCIMD_BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TABLE_NONE UINT32_MAX

struct table_cell {
	const void *key;
	uint32_t len;
	uint32_t value;
	uint64_t hash;
};

struct table {
	struct table_cell *cells;
	size_t used;
	size_t mask; // cells - 1, or 0 when empty
};

#define TABLE_INIT                                                                                 \
	{                                                                                          \
		0                                                                                  \
	}

uint32_t table_get(const struct table *t, const void *key, size_t len); // TABLE_NONE: not there
// Sets or replaces. 0 or -ENOMEM.
int table_put(struct table *t, const void *key, size_t len, uint32_t value);
void table_free(struct table *t);

#endif
