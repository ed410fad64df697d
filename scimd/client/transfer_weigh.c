// SPDX-License-Identifier: MIT
//
// What an answer will weigh in memory, known from its bytes before the parser makes
// anything of them: an object is some eight hundred bytes to it, an element ninety, so
// that a small body can become gigabytes. Nothing is checked here but sizes; what is
// no JSON is for the parser to find.
#include "scimd/client/transfer_internal.h"
#include <string.h>

#define WEIGH_OBJECT 800u
#define WEIGH_ARRAY 330u
#define WEIGH_ITEM 90u
#define WEIGH_MAX ((size_t)256 << 20) // a page of 200,000 members is below it
#define WEIGH_STRING_MAX ((size_t)4 << 20)
#define WEIGH_KEYS_MAX 10000u
#define WEIGH_ELEMENTS_MAX 1000000u

// Inside a string: up to its end, or all there is.
static size_t weigh_string(struct transfer_weight *w, const char *p, size_t len)
{
	const char *end = memchr(p, '"', len), *escape;
	size_t n = end ? (size_t)(end - p) : len;

	if (w->escaped) {
		w->escaped = false;
		w->string++;
		return 1;
	}
	escape = memchr(p, '\\', n);
	if (escape) {
		n = (size_t)(escape - p);
		w->escaped = true;
	}
	w->string += n;
	if (escape || !end)
		return escape ? n + 1 : n;
	w->in_string = false;
	return n + 1;
}

static const char *weigh_item(struct transfer_weight *w)
{
	uint32_t n = ++w->items[w->depth];

	w->weight += WEIGH_ITEM;
	if (w->object[w->depth] && n >= WEIGH_KEYS_MAX)
		return "an object in the answer has more than 10000 attributes";
	return n >= WEIGH_ELEMENTS_MAX ? "an array in the answer has more than a million elements"
				       : NULL;
}

const char *transfer_weigh(struct transfer_weight *w, const char *data, size_t len)
{
	const char *why = NULL;

	for (size_t at = 0; at < len && !why && w->depth <= TRANSFER_DEPTH;) {
		char c;

		if (w->in_string) {
			at += weigh_string(w, data + at, len - at);
			if (w->string > WEIGH_STRING_MAX)
				why = "a string in the answer is longer than 4 MiB";
			continue;
		}
		c = data[at++];
		if (c == '"') {
			w->in_string = true;
			w->string = 0;
		} else if (c == ',') {
			why = weigh_item(w);
		} else if (c == '{' || c == '[') {
			w->weight += c == '{' ? WEIGH_OBJECT : WEIGH_ARRAY;
			if (++w->depth <= TRANSFER_DEPTH) {
				w->items[w->depth] = 0;
				w->object[w->depth] = c == '{';
			}
		} else if ((c == '}' || c == ']') && w->depth) {
			w->depth--;
		}
		if (w->weight > WEIGH_MAX)
			why = "the answer would take more than 256 MiB of memory; a smaller "
			      "page_size may help";
	}
	return why;
}
