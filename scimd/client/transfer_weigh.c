// SPDX-License-Identifier: MIT
//
// What an answer will weigh in memory, known from its bytes before the parser makes
// anything of them: an object is some eight hundred bytes to it, an element ninety, so
// that a small body can become gigabytes. Nothing is checked here but sizes; what is
// no JSON is for the parser to find.
//
// One resource of a list that is more than a resource may be does not cost the page: the
// parser is not shown the rest of what is too much, up to the end of that string, list or
// object, and the resource is marked (RESOURCE_OVER) for identity to refuse. What belongs
// to no resource of a list refuses the answer.
#include "scimd/client/transfer_internal.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define WEIGH_OBJECT 800u
#define WEIGH_ARRAY 330u
#define WEIGH_ITEM 90u
#define WEIGH_MAX ((size_t)256 << 20)
#define WEIGH_RESOURCE_MAX ((size_t)224 << 20) // a group of 200,000 members is below it
#define WEIGH_STRING_MAX ((size_t)4 << 20)
#define WEIGH_KEYS_MAX 10000u
#define WEIGH_ELEMENTS_MAX 1000000u
#define WEIGH_RESOURCE 3u // the depth within a resource of a list

// Of what belongs to no resource of a list.
static const char *const weigh_refusals[RESOURCE_OVER_MANY] = {
	[RESOURCE_OVER_STRING] = "a string in the answer is longer than 4 MiB",
	[RESOURCE_OVER_KEYS] = "an object in the answer has more than 10000 attributes",
	[RESOURCE_OVER_VALUES] = "an array in the answer has more than a million elements",
	[RESOURCE_OVER_WEIGHT] = "the answer would take more than 256 MiB of memory; a smaller "
				 "page_size may help",
	[RESOURCE_OVER_DEPTH] = "the answer is nested too deeply",
};

static bool weigh_in_resource(const struct transfer_weight *w)
{
	return w->in_list && w->depth >= WEIGH_RESOURCE && w->object[WEIGH_RESOURCE];
}

static void weigh_show(struct transfer *q, size_t upto)
{
	struct transfer_weight *w = &q->weight;

	if (!w->hidden && !w->cut && upto > w->shown)
		transfer_parse(q, w->data + w->shown, upto - w->shown);
	w->shown = upto;
}

// Too much: nothing from `at` on is shown to the parser until depth is less than it is
// now. False: of no resource, so that the answer is refused.
static bool weigh_over(struct transfer *q, enum resource_over what, size_t at)
{
	struct transfer_weight *w = &q->weight;

	if (!weigh_in_resource(w)) {
		w->refused = weigh_refusals[what];
		return false;
	}
	w->over = w->over ? w->over : what;
	weigh_show(q, at);
	w->hidden = what == RESOURCE_OVER_STRING ? 0 : w->depth;
	return true;
}

// Where a string may be ended: not within a character or an escape.
static void weigh_cut(struct transfer *q, const char *p, size_t at)
{
	struct transfer_weight *w = &q->weight;

	if (w->hidden || w->cut || w->escaped || w->hex || (*p & 0xc0) == 0x80)
		return;
	w->cut = weigh_over(q, RESOURCE_OVER_STRING, at);
}

// Inside a string: up to its end, or all there is.
static size_t weigh_string(struct transfer_weight *w, const char *p, size_t len)
{
	const char *end = memchr(p, '"', len), *escape;
	size_t n = end ? (size_t)(end - p) : len;

	if (w->escaped) {
		w->escaped = false;
		w->hex = *p == 'u' ? 4 : 0;
		w->string++;
		return 1;
	}
	if (w->string > WEIGH_STRING_MAX && !w->cut)
		n = n && (p[0] & 0xc0) == 0x80 ? 1 : n;
	escape = memchr(p, '\\', n);
	if (escape) {
		n = (size_t)(escape - p);
		w->escaped = true;
	}
	for (size_t i = 0; w->depth == 1 && i < n && w->string + i < sizeof(w->key); i++)
		w->key[w->string + i] = p[i];
	w->string += n;
	w->hex = n < w->hex ? w->hex - (unsigned int)n : 0;
	if (escape || p + n != end)
		return escape ? n + 1 : n;
	w->in_string = false;
	return n + 1;
}

static void weigh_item(struct transfer *q, size_t at)
{
	struct transfer_weight *w = &q->weight;
	uint32_t n;

	if (w->hidden)
		return;
	n = ++w->items[w->depth];
	w->weight += WEIGH_ITEM;
	if (w->object[w->depth] && n >= WEIGH_KEYS_MAX)
		(void)weigh_over(q, RESOURCE_OVER_KEYS, at);
	else if (n >= WEIGH_ELEMENTS_MAX)
		(void)weigh_over(q, RESOURCE_OVER_VALUES, at);
	else if (weigh_in_resource(w) && w->depth > WEIGH_RESOURCE &&
		 w->weight - w->before > WEIGH_RESOURCE_MAX)
		(void)weigh_over(q, RESOURCE_OVER_WEIGHT, at);
}

static void weigh_open(struct transfer *q, bool object, size_t after)
{
	struct transfer_weight *w = &q->weight;

	if (w->depth == 1 && w->object[1] && !object)
		w->in_list = w->string == 9 && strncasecmp(w->key, "Resources", 9) == 0;
	w->depth++;
	if (w->hidden || w->depth > TRANSFER_DEPTH)
		return;
	w->weight += object ? WEIGH_OBJECT : WEIGH_ARRAY;
	w->items[w->depth] = 0;
	w->object[w->depth] = object;
	if (w->depth == WEIGH_RESOURCE)
		w->before = w->weight;
	if (!weigh_in_resource(w) || w->depth == WEIGH_RESOURCE)
		return;
	if (w->weight - w->before > WEIGH_RESOURCE_MAX)
		(void)weigh_over(q, RESOURCE_OVER_WEIGHT, after);
	else if (w->depth == TRANSFER_DEPTH - 1)
		(void)weigh_over(q, RESOURCE_OVER_DEPTH, after);
}

// A bracket that closes: the parser sees it, and before it, at the end of a resource,
// what was too much.
static void weigh_close(struct transfer *q, size_t at)
{
	struct transfer_weight *w = &q->weight;
	char mark[64];

	if (w->hidden && w->hidden == w->depth) {
		w->shown = at;
		w->hidden = 0;
	}
	if (w->over && !w->hidden && w->depth == WEIGH_RESOURCE) {
		weigh_show(q, at);
		(void)snprintf(mark, sizeof(mark), ",\"" RESOURCE_OVER "\":%d", (int)w->over);
		transfer_parse(q, mark, strlen(mark));
		w->over = (enum resource_over)0;
	}
	if (w->depth)
		w->depth--;
	w->in_list &= w->depth > 1;
}

const char *transfer_weigh(struct transfer *q, const char *data, size_t len)
{
	struct transfer_weight *w = &q->weight;

	w->data = data;
	w->shown = 0;
	for (size_t at = 0; at < len && !w->refused && (w->depth <= TRANSFER_DEPTH || w->hidden);) {
		char c;

		if (w->in_string) {
			if (w->string > WEIGH_STRING_MAX)
				weigh_cut(q, data + at, at);
			at += weigh_string(w, data + at, len - at);
			if (!w->in_string && w->cut) { // its last quote is shown again
				w->shown = at - 1;
				w->cut = false;
			}
			continue;
		}
		c = data[at++];
		if (c == '"') {
			w->in_string = true;
			w->string = 0;
			w->hex = 0;
		} else if (c == ',') {
			weigh_item(q, at - 1);
		} else if (c == '{' || c == '[') {
			weigh_open(q, c == '{', at);
		} else if (c == '}' || c == ']') {
			weigh_close(q, at - 1);
		}
		if (w->weight > WEIGH_MAX)
			w->refused = weigh_refusals[RESOURCE_OVER_WEIGHT];
	}
	if (!w->refused)
		weigh_show(q, len);
	return w->refused;
}
