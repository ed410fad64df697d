// SPDX-License-Identifier: MIT
//
// The words of a filter: names, paths, operators and JSON values; see
// filter_internal.h.
#include "scimd/base/arena.h"
#include "scimd/base/fail.h"
#include "scimd/scim/filter_internal.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct scim_node *filter_bad(struct filter_parser *ps, const char *wanted)
{
	size_t left = (size_t)(ps->end - ps->p);

	if (ps->f && !ps->f->text[0])
		(void)fail(ps->f, EINVAL, "column %zu: %s expected%s%.*s%s",
			   (size_t)(ps->p - ps->start) + 1, wanted,
			   left ? ", found \"" : ", found the end", left < 20 ? (int)left : 20,
			   ps->p, left ? "\"" : "");
	return NULL;
}

void filter_blank(struct filter_parser *ps)
{
	while (ps->p < ps->end && (*ps->p == ' ' || *ps->p == '\t'))
		ps->p++;
}

static bool filter_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_' || c == '$' || c == '.' || c == ':';
}

const char *filter_word(struct filter_parser *ps, size_t *len)
{
	const char *from;

	filter_blank(ps);
	from = ps->p;
	while (ps->p < ps->end && filter_name_char(*ps->p))
		ps->p++;
	*len = (size_t)(ps->p - from);
	return *len ? from : NULL;
}

bool filter_take(struct filter_parser *ps, const char *word)
{
	const char *back = ps->p;
	size_t len;
	const char *w = filter_word(ps, &len);

	if (w && len == strlen(word) && strncasecmp(w, word, len) == 0)
		return true;
	ps->p = back;
	return false;
}

bool filter_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '$';
}

int filter_path(struct arena *a, const char *w, size_t len, struct scim_path *out)
{
	size_t colon = len, dot = len;
	struct scim_path p;

	for (size_t i = 0; i < len; i++)
		if (w[i] == ':')
			colon = i;
	p.urn = arena_strn(a, w, colon < len ? colon : 0);
	if (colon < len) {
		w += colon + 1;
		len -= colon + 1;
	}
	for (dot = 0; dot < len && w[dot] != '.'; dot++)
		;
	p.attr = arena_strn(a, w, dot);
	p.sub = arena_strn(a, dot < len ? w + dot + 1 : w, dot < len ? len - dot - 1 : 0);
	if (!p.urn || !p.attr || !p.sub)
		return -ENOMEM;
	if (!filter_alpha(p.attr[0]) || strchr(p.sub, '.') || strchr(p.attr, ':') ||
	    (dot < len && !filter_alpha(p.sub[0])))
		return -EINVAL;
	*out = p;
	return 0;
}

int scim_path_parse(const char *text, size_t len, struct scim_path *out, char *buf, size_t buf_len,
		    struct fail *f)
{
	struct arena a = ARENA_INIT;
	struct scim_path p;
	size_t urn, attr, sub;
	int r;

	for (size_t i = 0; i < len; i++)
		if (!filter_name_char(text[i]))
			return fail(f, EINVAL, "\"%.*s\" is not an attribute path", (int)len, text);
	r = len ? filter_path(&a, text, len, &p) : -EINVAL;
	if (r < 0) {
		arena_free(&a);
		return fail(f, -r, "\"%.*s\" is not an attribute path", (int)len, text);
	}
	urn = strlen(p.urn) + 1;
	attr = strlen(p.attr) + 1;
	sub = strlen(p.sub) + 1;
	if (urn + attr + sub > buf_len) {
		r = fail(f, ERANGE, "the attribute path is too long");
	} else {
		memcpy(buf, p.urn, urn);
		memcpy(buf + urn, p.attr, attr);
		memcpy(buf + urn + attr, p.sub, sub);
		*out = (struct scim_path){ buf, buf + urn, buf + urn + attr };
	}
	arena_free(&a);
	return r;
}

static int filter_hex(const char *p, const char *end)
{
	int v = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = p[i];

		if (c >= '0' && c <= '9')
			v = v * 16 + (c - '0');
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			v = v * 16 + ((c | 32) - 'a' + 10);
		else
			return -1;
	}
	return v;
}

static size_t filter_utf8(char *out, uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

// \uXXXX, a surrogate pair as one. False: no character that a string may hold.
static bool filter_unicode(struct filter_parser *ps, char *out, size_t *n)
{
	int hi = filter_hex(ps->p, ps->end), lo;

	if (hi <= 0 || (hi >= 0xdc00 && hi <= 0xdfff))
		return false;
	ps->p += 4;
	if (hi < 0xd800 || hi > 0xdbff) {
		*n += filter_utf8(out, (uint32_t)hi);
		return true;
	}
	if (ps->end - ps->p < 6 || ps->p[0] != '\\' || ps->p[1] != 'u')
		return false;
	lo = filter_hex(ps->p + 2, ps->end);
	if (lo < 0xdc00 || lo > 0xdfff)
		return false;
	ps->p += 6;
	*n += filter_utf8(out,
			  0x10000u + (((uint32_t)hi - 0xd800u) << 10) + ((uint32_t)lo - 0xdc00u));
	return true;
}

// A JSON string (RFC 8259 §7), the opening quote already taken.
static bool filter_string(struct filter_parser *ps, struct scim_value *v)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	char *out = arena_alloc(ps->arena, (size_t)(ps->end - ps->p) + 1);
	size_t n = 0;

	if (!out)
		return filter_bad(ps, "memory") != NULL;
	for (;;) {
		const char *at;
		char c;

		if (ps->p == ps->end)
			return filter_bad(ps, "a closing quote") != NULL;
		c = *ps->p++;
		if (c == '"')
			break;
		if ((unsigned char)c < 0x20)
			return filter_bad(ps, "a string without control characters") != NULL;
		if (c != '\\') {
			out[n++] = c;
			continue;
		}
		c = ps->p < ps->end ? *ps->p++ : '\0';
		if (c == 'u') {
			if (!filter_unicode(ps, out + n, &n))
				return filter_bad(ps, "four hexadecimal digits of a character") !=
				       NULL;
			continue;
		}
		at = c ? strchr(from, c) : NULL;
		if (!at)
			return filter_bad(ps, "a JSON escape") != NULL;
		out[n++] = to[at - from];
	}
	out[n] = '\0';
	v->type = SCIM_STRING;
	v->text = out;
	return true;
}

bool filter_value(struct filter_parser *ps, struct scim_value *v)
{
	const char *from;
	char *end;

	filter_blank(ps);
	if (ps->p < ps->end && *ps->p == '"') {
		ps->p++;
		return filter_string(ps, v);
	}
	from = ps->p;
	while (ps->p < ps->end && !strchr(" \t()[]{}\"", *ps->p))
		ps->p++;
	if (ps->p == from)
		return filter_bad(ps, "a value") != NULL;
	v->text = arena_strn(ps->arena, from, (size_t)(ps->p - from));
	if (!v->text)
		return filter_bad(ps, "memory") != NULL;
	v->number = strtod(v->text, &end);
	if (strcasecmp(v->text, "true") == 0)
		v->type = SCIM_TRUE;
	else if (strcasecmp(v->text, "false") == 0)
		v->type = SCIM_FALSE;
	else if (strcasecmp(v->text, "null") == 0)
		v->type = SCIM_NULL;
	else if (*end == '\0' && (v->text[0] == '-' || (v->text[0] >= '0' && v->text[0] <= '9')))
		v->type = SCIM_NUMBER;
	else
		v->type = SCIM_STRING; // unquoted, as Entra sends it
	return true;
}

bool filter_operator(struct filter_parser *ps, enum scim_op *op)
{
	static const char *const names[] = { "eq", "ne", "co", "sw", "ew",
					     "gt", "ge", "lt", "le", "pr" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (filter_take(ps, names[i])) {
			*op = (enum scim_op)i;
			return true;
		}
	return filter_bad(ps, "an operator (eq ne co sw ew gt ge lt le pr)") != NULL;
}
