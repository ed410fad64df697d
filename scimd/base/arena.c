// SPDX-License-Identifier: MIT
//
// Memory that is freed all at once; see arena.h.
#include "scimd/base/arena.h"
#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_CHUNK ((size_t)64 << 10)

struct arena_chunk {
	struct arena_chunk *next;
	size_t used, cap;
	alignas(max_align_t) unsigned char data[];
};

static void *arena_take(struct arena *a, size_t len, size_t align)
{
	struct arena_chunk *c = a->chunks;
	size_t start, cap;

	if (len > SIZE_MAX / 4)
		return NULL;
	if (c) {
		start = (c->used + align - 1) & ~(align - 1);
		if (start <= c->cap && len <= c->cap - start) {
			c->used = start + len;
			return c->data + start;
		}
	}
	cap = len > ARENA_CHUNK / 4 ? len : ARENA_CHUNK;
	c = malloc(sizeof(*c) + cap);
	if (!c)
		return NULL;
	c->used = len;
	c->cap = cap;
	a->total += sizeof(*c) + cap;
	if (cap == len && a->chunks) { // a big one: keep filling the chunk we had
		c->next = a->chunks->next;
		a->chunks->next = c;
	} else {
		c->next = a->chunks;
		a->chunks = c;
	}
	return c->data;
}

void *arena_alloc(struct arena *a, size_t len)
{
	void *p = arena_take(a, len ? len : 1, alignof(max_align_t));

	if (p)
		memset(p, 0, len ? len : 1);
	return p;
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
	size_t len;

	return __builtin_mul_overflow(n, size, &len) ? NULL : arena_alloc(a, len);
}

void *arena_copy(struct arena *a, const void *data, size_t len)
{
	void *p = arena_take(a, len ? len : 1, alignof(max_align_t));

	if (p && len)
		memcpy(p, data, len);
	return p;
}

void *arena_bytes(struct arena *a, const void *data, size_t len)
{
	void *p = arena_take(a, len ? len : 1, 1);

	if (p && len)
		memcpy(p, data, len);
	return p;
}

char *arena_strn(struct arena *a, const char *s, size_t len)
{
	char *p = len < SIZE_MAX ? arena_take(a, len + 1, 1) : NULL;

	if (p) {
		if (len)
			memcpy(p, s, len);
		p[len] = '\0';
	}
	return p;
}

char *arena_str(struct arena *a, const char *s)
{
	return s ? arena_strn(a, s, strlen(s)) : NULL;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;
	char *p = NULL;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n >= 0)
		p = arena_take(a, (size_t)n + 1, 1);
	if (p)
		(void)vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	return p;
}

void arena_free(struct arena *a)
{
	struct arena_chunk *next;

	if (!a)
		return;
	for (struct arena_chunk *c = a->chunks; c; c = next) {
		next = c->next;
		free(c);
	}
	a->chunks = NULL;
	a->total = 0;
}
