// SPDX-License-Identifier: MIT
//
// A growing byte buffer with a ceiling.
//
// Life: `struct buf b = BUF_INIT;` … buf_add* … buf_free. data is always
// NUL-terminated once something was added (the NUL is not in len). After a
// failed add the buffer is `broken`: later adds fail too, so a chain of adds
// may be checked once at its end with buf_ok. Ceiling: max bytes, 0 = 1 GiB.
// A buffer marked secret is wiped when it grows, is cleared and is freed.
#ifndef SCIMD_BASE_BUF_H
#define SCIMD_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *data;
	size_t len;
	size_t cap;
	size_t max;
	bool secret;
	bool broken;
};

#define BUF_INIT                                                                                   \
	{                                                                                          \
		0                                                                                  \
	}

int buf_add(struct buf *b, const void *data, size_t len); // 0, -ENOMEM, -ENOBUFS (ceiling)
int buf_str(struct buf *b, const char *s);
int buf_chr(struct buf *b, char c);
int buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool buf_ok(const struct buf *b);
const char *buf_text(const struct buf *b); // "" when empty; valid until the next add
void buf_clear(struct buf *b);             // keeps the memory
void buf_free(struct buf *b);              // takes NULL

#endif
