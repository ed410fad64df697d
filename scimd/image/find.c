// SPDX-License-Identifier: MIT
//
// Finding a record: hash the key, walk the lines of an index, copy the record
// each matching entry points at, check the copy, compare the key. A walk ends
// with an answer only at a line that checks; everything else is damage.

#include "scimd/image/read.h"
#include "scimd/image/record.h"
#include "scimd/image/take.h"

#include <errno.h>
#include <string.h>

#define LINES 4u // that the pread way reads at once: nearly every walk ends in them

struct key {
	const char *name; // or NULL
	size_t len;       // of name
	uint32_t id;
};

bool image_line_good(const struct image *im, enum image_index which, uint64_t line,
		     const struct image_line *l)
{
	uint64_t at = im->head.index[which].offset + line * sizeof(*l);

	return l->check ==
		       image_check(im->head.seed ^ at, &l->used, sizeof(*l) - sizeof(l->check)) &&
	       l->used <= IMAGE_LINE_ENTRIES && l->overflow <= 1;
}

int image_load_lines(const struct image *im, enum image_index which, uint64_t line,
		     struct image_line *lines, unsigned max)
{
	const struct image_section *s = &im->head.index[which];
	uint64_t left = s->length / sizeof(*lines) - line;
	unsigned n = left < max ? (unsigned)left : max;
	int r = image_copy(im, s->offset + line * sizeof(*lines), lines, n * sizeof(*lines));

	return r < 0 ? r : (int)n;
}

// A walk along the lines of one chain, some of which are copied ahead.
struct walk {
	const struct image *im;
	enum image_index which;
	uint64_t lines, next; // next: the number of the line to come
	unsigned steps, have, at;
	struct image_line window[LINES];
};

static void walk_start(struct walk *w, const struct image *im, enum image_index which,
		       uint64_t hash)
{
	w->im = im;
	w->which = which;
	w->lines = im->head.index[which].length / sizeof(struct image_line);
	w->next = image_line_of(hash, w->lines);
	w->steps = w->have = w->at = 0;
}

// The next line, checked. 0 or -errno.
static int walk_step(struct walk *w, const struct image_line **line_out)
{
	const struct image_line *l;
	int r;

	if (w->steps++ > IMAGE_CHAIN_MAX)
		return -EBADMSG;
	if (w->at == w->have) {
		r = image_load_lines(w->im, w->which, w->next, w->window, LINES);
		if (r < 0)
			return r;
		w->have = (unsigned)r;
		w->at = 0;
	}
	l = &w->window[w->at++];
	if (!image_line_good(w->im, w->which, w->next, l))
		return -EBADMSG;
	if (++w->next == w->lines) {
		w->next = 0;
		w->at = w->have;
	}
	*line_out = l;
	return 0;
}

int image_index_has(const struct image *im, enum image_index which, uint64_t hash, uint32_t ref)
{
	const uint32_t tag = (uint32_t)(hash >> 32);
	const struct image_line *l;
	struct walk w;
	int r;

	walk_start(&w, im, which, hash);
	while ((r = walk_step(&w, &l)) == 0) {
		for (unsigned i = 0; i < l->used; i++)
			if (l->tag[i] == tag && l->ref[i] == ref)
				return 1;
		if (!l->overflow)
			return 0;
	}
	return r;
}

IMAGE_INLINE uint64_t key_hash(const struct image *im, const struct key *key)
{
	if (key->name)
		return image_hash(im->head.seed, key->name, key->len);
	return image_hash(im->head.seed, &key->id, sizeof(key->id));
}

// memcmp's call costs more than names are long.
IMAGE_INLINE bool same_bytes(const char *a, const unsigned char *b, size_t len)
{
	const unsigned char *p = (const unsigned char *)a;

	for (; len > 8; len -= 8, p += 8, b += 8)
		if (image_load(p, 8) != image_load(b, 8))
			return false;
	return image_load(p, len) == image_load(b, len);
}

IMAGE_INLINE bool key_is(const struct key *key, uint32_t id, const unsigned char *name, size_t len)
{
	if (!key->name)
		return key->id == id;
	return key->len == len && same_bytes(key->name, name, len);
}

// Tries one entry. 1: not the key, go on; 0: found and given; -errno.
typedef int try_fn(const struct image *im, uint32_t ref, const struct key *key, char *buf,
		   size_t len, void *out);

typedef uint32_t tags __attribute__((vector_size(16)));

// The map way: copies a line and checks it. Returns which entries have the tag, one
// bit each (without a branch for each: they could not be foretold), or -EBADMSG.
IMAGE_INLINE int take_line(const struct image *im, uint64_t at, uint32_t tag, struct image_line *l)
{
	static const tags low = { 0, 1, 2, 4 }, high = { 8, 16, 32, 64 };
	const unsigned char *from = im->base + at;
	unsigned char *to = (unsigned char *)l;
	image_pair first = image_take_pair(to + 4, from + 4);
	image_pair second = image_take_pair(to + 20, from + 20);
	image_pair third = image_take_pair(to + 36, from + 36), bits;
	struct image_sum h;
	uint64_t last;

	image_take_half(to, from);
	image_sum_start(&h, im->head.seed ^ at, sizeof(*l) - 4);
	image_sum_step(&h, first);
	image_sum_step(&h, second);
	image_sum_step(&h, third);
	last = image_take_word(to + 52, from + 52);
	if (l->check !=
		    image_sum_end(&h, (image_pair){ last, image_take_half(to + 60, from + 60) }) ||
	    l->used > IMAGE_LINE_ENTRIES || l->overflow > 1)
		return -EBADMSG;
	bits = (image_pair)(((tags)((tags)first == tag) & low) |
			    ((tags)((tags)second == tag) & high));
	bits[0] |= bits[1];
	return (int)((bits[0] | bits[0] >> 32) & ((1u << l->used) - 1));
}

IMAGE_INLINE int find_mapped(const struct image *im, enum image_index which, const struct key *key,
			     try_fn *try, char *buf, size_t len, void *out)
{
	const uint64_t hash = key_hash(im, key);
	const struct image_section *s = &im->head.index[which];
	const uint64_t lines = s->length / sizeof(struct image_line);
	uint64_t line = image_line_of(hash, lines);
	struct image_line l;
	int r, entries;

	for (unsigned steps = 0; steps <= IMAGE_CHAIN_MAX; steps++) {
		if (line >= lines) // the section lies in the file: image_open
			return -EBADMSG;
		entries = take_line(im, s->offset + line * sizeof(l), (uint32_t)(hash >> 32), &l);
		if (entries < 0)
			return entries;
		for (; entries; entries &= entries - 1) {
			r = try(im, l.ref[__builtin_ctz((unsigned)entries)], key, buf, len, out);
			if (r <= 0)
				return r;
		}
		if (!l.overflow)
			return -ENOENT;
		if (++line == lines)
			line = 0;
	}
	return -EBADMSG;
}

static __attribute__((noinline)) int find_read(const struct image *im, enum image_index which,
					       const struct key *key, try_fn *try, char *buf,
					       size_t len, void *out)
{
	const uint64_t hash = key_hash(im, key);
	const uint32_t tag = (uint32_t)(hash >> 32);
	const struct image_line *l;
	struct walk w;
	int r;

	walk_start(&w, im, which, hash);
	while ((r = walk_step(&w, &l)) == 0) {
		for (unsigned i = 0; i < l->used; i++) {
			if (l->tag[i] != tag)
				continue;
			r = try(im, l->ref[i], key, buf, len, out);
			if (r <= 0)
				return r;
		}
		if (!l->overflow)
			return -ENOENT;
	}
	return r;
}

IMAGE_INLINE int find(const struct image *im, enum image_index which, const struct key *key,
		      try_fn *try, char *buf, size_t len, void *out)
{
	return im->base ? find_mapped(im, which, key, try, buf, len, out)
			: find_read(im, which, key, try, buf, len, out);
}

// Of a user that was found by this key, and is to go to buf.
IMAGE_INLINE enum image_depth depth_for(const struct key *key, const char *buf)
{
	return !buf ? IMAGE_NUMBERS : key->name ? IMAGE_STRINGS : IMAGE_NAME;
}

static __attribute__((noinline)) int try_loaded(const struct image *im, uint64_t at,
						const struct key *key, char *buf, size_t len,
						struct image_found_user *u)
{
	struct image_page page;
	size_t have;
	int r = image_load_user(im, at, depth_for(key, buf), &page, &have);

	if (r < 0)
		return r;
	if (!key_is(key, page.head.uid, page.strings, page.head.at_passwd - 1u))
		return 1;
	u->at = at;
	u->head = page.head;
	return image_give_user(page.strings, have, buf, len, u);
}

IMAGE_INLINE int try_user(const struct image *im, uint32_t ref, const struct key *key, char *buf,
			  size_t len, void *out)
{
	const uint64_t at = im->head.users.offset + 8 * (uint64_t)ref;
	struct image_found_user *u = out;
	const unsigned char *strings;
	unsigned char room[IMAGE_USUAL];
	int r;

	if (!im->base)
		return try_loaded(im, at, key, buf, len, u);
	r = image_take_user(im, at, depth_for(key, buf), room, buf, len, &u->head, &strings);
	if (r == -EAGAIN)
		return try_loaded(im, at, key, buf, len, u);
	if (r < 0)
		return r;
	if (!key_is(key, u->head.uid, strings, u->head.at_passwd - 1u))
		return 1;
	u->at = at;
	return image_give_user(strings, 0, buf, len, u);
}

static int try_private(const struct image *im, uint32_t ref, const struct key *key, char *buf,
		       size_t len, struct image_found_group *g)
{
	const uint64_t at = im->head.users.offset + 8 * (uint64_t)(ref & ~IMAGE_REF_USER);
	struct image_page page;
	size_t have;
	int r = image_load_user(im, at, depth_for(key, buf), &page, &have);

	if (r < 0)
		return r;
	if (!(page.head.flags & IMAGE_PRIVATE_GROUP))
		return -EBADMSG;
	if (!key_is(key, page.head.gid, page.strings, page.head.at_passwd - 1u))
		return 1;
	r = image_give_private(&page, buf, len, g);
	if (r == 0)
		g->at = at;
	return r;
}

static int try_group(const struct image *im, uint32_t ref, const struct key *key, char *buf,
		     size_t len, void *out)
{
	const uint64_t at = im->head.groups.offset + 8 * (uint64_t)ref;
	struct image_found_group *g = out;
	unsigned char page[IMAGE_PAGE];
	struct image_group head;
	int r;

	if (ref & IMAGE_REF_USER)
		return try_private(im, ref, key, buf, len, g);
	r = image_load_group(im, at, page, buf, len, &head);
	if (r < 0)
		return r;
	if (!key_is(key, head.gid, page + sizeof(head), head.at_members - 3u))
		return 1;
	g->head = head;
	g->name = buf;
	g->passwd = buf ? buf + head.at_members - 2 : NULL;
	g->members = buf ? buf + head.at_members : NULL;
	g->at = at;
	return 0;
}

IMAGE_INLINE int find_name(const struct image *im, enum image_index which, const char *name,
			   try_fn *try, char *buf, size_t len, void *out)
{
	// A name that does not fit is in no index.
	struct key key = { .name = name, .len = strnlen(name, IMAGE_NAME_MAX + 1) };

	return key.len > IMAGE_NAME_MAX ? -ENOENT : find(im, which, &key, try, buf, len, out);
}

int image_user_by_name(const struct image *im, const char *name, char *buf, size_t len,
		       struct image_found_user *out)
{
	// Two copies of the code, each without the other's questions.
	return buf ? find_name(im, IMAGE_USER_NAME, name, try_user, buf, len, out)
		   : find_name(im, IMAGE_USER_NAME, name, try_user, NULL, 0, out);
}

int image_user_by_id(const struct image *im, uint32_t uid, char *buf, size_t len,
		     struct image_found_user *out)
{
	struct key key = { .id = uid };

	return find(im, IMAGE_USER_ID, &key, try_user, buf, len, out);
}

int image_group_by_name(const struct image *im, const char *name, char *buf, size_t len,
			struct image_found_group *out)
{
	return find_name(im, IMAGE_GROUP_NAME, name, try_group, buf, len, out);
}

int image_group_by_id(const struct image *im, uint32_t gid, char *buf, size_t len,
		      struct image_found_group *out)
{
	struct key key = { .id = gid };

	return find(im, IMAGE_GROUP_ID, &key, try_group, buf, len, out);
}
