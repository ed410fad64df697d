// SPDX-License-Identifier: MIT
//
// A growing byte buffer with a ceiling; see buf.h.
#include "scimd/base/buf.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_MAX_DEFAULT ((size_t)1 << 30)

static int buf_grow(struct buf *b, size_t more)
{
	size_t max = b->max ? b->max : BUF_MAX_DEFAULT;
	size_t cap;
	char *data;

	if (b->broken)
		return -ENOMEM;
	if (more > max || b->len > max - more) {
		b->broken = true;
		return -ENOBUFS;
	}
	if (b->cap > b->len + more)
		return 0;
	cap = b->cap ? b->cap : 64;
	while (cap <= b->len + more)
		cap *= 2;
	if (b->secret) { // realloc would leave a copy behind
		data = malloc(cap);
		if (data && b->data) {
			memcpy(data, b->data, b->len + 1);
			explicit_bzero(b->data, b->cap);
			free(b->data);
		}
	} else {
		data = realloc(b->data, cap);
	}
	if (!data) {
		b->broken = true;
		return -ENOMEM;
	}
	b->data = data;
	b->cap = cap;
	return 0;
}

int buf_add(struct buf *b, const void *data, size_t len)
{
	int r = buf_grow(b, len);

	if (r < 0)
		return r;
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
	return 0;
}

int buf_str(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

int buf_chr(struct buf *b, char c)
{
	return buf_add(b, &c, 1);
}

int buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	int n, r;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	r = n < 0 ? -EINVAL : buf_grow(b, (size_t)n);
	if (r == 0) {
		(void)vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
	return r;
}

bool buf_ok(const struct buf *b)
{
	return !b->broken;
}

const char *buf_text(const struct buf *b)
{
	return b->data ? b->data : "";
}

void buf_clear(struct buf *b)
{
	if (b->data) {
		if (b->secret)
			explicit_bzero(b->data, b->cap);
		b->data[0] = '\0';
	}
	b->len = 0;
	b->broken = false;
}

void buf_free(struct buf *b)
{
	if (!b)
		return;
	buf_clear(b);
	free(b->data);
	b->data = NULL;
	b->cap = 0;
}
