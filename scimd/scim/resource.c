// SPDX-License-Identifier: MIT
//
// Reading and writing the fields of a mapped resource; see resource.h.
#include "scimd/scim/resource.h"
#include "scimd/base/buf.h"
#include <errno.h>
#include <string.h>

#define FIELD_HEAD 6

const char *resource_over_text(int64_t what)
{
	static const char *const texts[RESOURCE_OVER_MANY] = {
		[RESOURCE_OVER_STRING] = "has a value longer than 4 MiB",
		[RESOURCE_OVER_KEYS] = "has more than 10000 attributes in one object",
		[RESOURCE_OVER_VALUES] = "has more than a million values in one list",
		[RESOURCE_OVER_WEIGHT] = "would take more than 224 MiB of memory",
		[RESOURCE_OVER_DEPTH] = "is nested too deeply",
	};

	return what > 0 && what < RESOURCE_OVER_MANY ? texts[what] : "is too large";
}

int resource_put(struct buf *b, uint8_t tag, uint8_t via, const char *text, size_t len)
{
	unsigned char head[FIELD_HEAD] = { tag, via };
	int r;

	if (len > RESOURCE_VALUE_MAX)
		return -EMSGSIZE;
	for (unsigned int i = 0; i < 4; i++)
		head[2 + i] = (unsigned char)(len >> (8 * i));
	r = buf_add(b, head, sizeof(head));
	return r < 0 ? r : buf_add(b, text, len);
}

int resource_next(const void *bytes, size_t len, size_t *pos, struct field *out)
{
	const unsigned char *p = bytes;
	uint32_t n;

	if (*pos == len)
		return 0;
	if (*pos > len || len - *pos < FIELD_HEAD)
		return -EBADMSG;
	p += *pos;
	n = (uint32_t)p[2] | (uint32_t)p[3] << 8 | (uint32_t)p[4] << 16 | (uint32_t)p[5] << 24;
	if (n > len - *pos - FIELD_HEAD)
		return -EBADMSG;
	*out = (struct field){ p[0], p[1], n, (const char *)p + FIELD_HEAD };
	*pos += FIELD_HEAD + (size_t)n;
	return 1;
}

int resource_find(const void *bytes, size_t len, uint8_t tag, struct field *out)
{
	struct field f;
	size_t pos = 0;
	int r;

	while ((r = resource_next(bytes, len, &pos, &f)) == 1) {
		if (f.tag == tag) {
			*out = f;
			return 1;
		}
		if (f.tag > tag)
			return 0; // in tag order
	}
	return r;
}

bool resource_active(const void *bytes, size_t len)
{
	struct field f;

	return resource_find(bytes, len, FIELD_ACTIVE, &f) != 1 ||
	       (f.len == 4 && memcmp(f.text, "true", 4) == 0);
}

size_t resource_stable(const void *bytes, size_t len)
{
	struct field f;
	size_t pos = 0, end = 0;

	while (resource_next(bytes, len, &pos, &f) == 1 && f.tag < FIELD_UNSTABLE)
		end = pos;
	return end;
}
