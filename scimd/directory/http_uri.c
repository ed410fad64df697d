// SPDX-License-Identifier: MIT
//
// The target of the request line: path segments and query, decoded once.
// Origin form ("/a?b") and absolute form ("http://host/a?b"); nothing else.
#include "scimd/directory/http_internal.h"
#include <errno.h>
#include <string.h>
#include <strings.h>

static int uri_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Decodes len bytes to *to, with a NUL behind, and moves it on. -EINVAL for a bad
// escape and for %00: no name or value of ours holds a NUL.
static int uri_decode(const char *s, size_t len, bool plus, char **to)
{
	char *out = *to;

	for (size_t i = 0; i < len; i++) {
		char c = s[i];

		if (c == '%') {
			int high = i + 2 < len ? uri_hex(s[i + 1]) : -1;
			int low = high >= 0 ? uri_hex(s[i + 2]) : -1;

			if (low < 0 || high * 16 + low == 0)
				return -EINVAL;
			c = (char)(high * 16 + low);
			i += 2;
		} else if (plus && c == '+') {
			c = ' ';
		}
		*out++ = c;
	}
	*out++ = 0;
	*to = out;
	return 0;
}

static int uri_segments(struct http_request *r, char **room)
{
	const char *p = r->path + 1;

	r->segments = *room;
	for (;;) {
		size_t len = strcspn(p, "/");

		if (uri_decode(p, len, false, room) < 0)
			return -EINVAL;
		r->segment_count++;
		if (!p[len])
			return 0;
		p += len + 1;
	}
}

static int uri_values(struct http_request *r, char **room)
{
	const char *p = r->query;

	r->values = *room;
	while (*p) {
		size_t len = strcspn(p, "&");
		size_t name = strcspn(p, "=&");
		size_t value = name < len ? name + 1 : len;

		if (len > 0) {
			if (uri_decode(p, name, true, room) < 0 ||
			    uri_decode(p + value, len - value, true, room) < 0)
				return -EINVAL;
			r->value_count++;
		}
		p += len + (p[len] == '&');
	}
	return 0;
}

int uri_split(struct http_request *r, char *raw, char *room)
{
	char *mark;

	for (const char *p = raw; *p; p++)
		if (*p <= ' ' || *p >= 0x7f || *p == '#' || *p == '\\')
			return -EINVAL;
	if (!strncasecmp(raw, "http://", 7) || !strncasecmp(raw, "https://", 8)) {
		size_t host = strcspn(raw = strchr(raw, '/') + 2, "/?");

		if (host == 0 || raw[host] != '/')
			return -EINVAL;
		raw += host;
	}
	if (*raw != '/')
		return -EINVAL;
	r->path = raw;
	mark = strchr(raw, '?');
	if (mark)
		*mark = 0;
	r->query = mark ? mark + 1 : raw + strlen(raw);
	if (uri_segments(r, &room) < 0)
		return -EINVAL;
	return uri_values(r, &room);
}

const char *http_segment(const struct http_request *r, size_t i)
{
	const char *p = r->segments;

	if (i >= r->segment_count)
		return NULL;
	while (i--)
		p += strlen(p) + 1;
	return p;
}

const char *http_query(const struct http_request *r, const char *name)
{
	const char *p = r->values;

	for (size_t i = 0; i < r->value_count; i++) {
		const char *value = p + strlen(p) + 1;

		if (!strcmp(p, name))
			return value;
		p = value + strlen(value) + 1;
	}
	return NULL;
}
