// SPDX-License-Identifier: MIT
//
// Memory that is freed all at once: a page of a list, a plan, a configuration.
//
// `struct arena a = ARENA_INIT;` … arena_alloc … arena_free. Pointers stay
// valid until arena_free. All return NULL when memory is short.
#ifndef SCIMD_BASE_ARENA_H
#define SCIMD_BASE_ARENA_H

#include <stddef.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks;
	size_t total; // bytes taken from malloc
};

#define ARENA_INIT                                                                                 \
	{                                                                                          \
		0                                                                                  \
	}

void *arena_alloc(struct arena *a, size_t len); // zeroed, aligned for any type
void *arena_array(struct arena *a, size_t n, size_t size);
void *arena_copy(struct arena *a, const void *data, size_t len);
char *arena_str(struct arena *a, const char *s);                  // NULL in, NULL out
char *arena_strn(struct arena *a, const char *s, size_t len);     // adds the NUL
void *arena_bytes(struct arena *a, const void *data, size_t len); // unaligned copy, tightly packed
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void arena_free(struct arena *a); // takes NULL

#endif
