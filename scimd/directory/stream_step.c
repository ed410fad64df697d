// SPDX-License-Identifier: MIT
//
// When a host reported to have come how far: what is kept of it beside its stream,
// so that for somebody who left it can be said since when which door is closed.
#include "scimd/directory/db.h"
#include "scimd/directory/stream_internal.h"
#include "scimd/scim/resource.h"
#include <errno.h>
#include <string.h>

#define STEP_LOOK 2000 // events looked at; a longer way counts as one that passed somebody

bool feed_closes(const struct feed_event *e)
{
	return e->head.kind == RESOURCE_USER &&
	       (e->head.what == FEED_DEACTIVATE || e->head.what == FEED_DELETE);
}

// Whether any of the events after `from`, up to `to`, ends somebody's logins.
static int step_closes(struct store_txn *t, uint64_t from, uint64_t to, bool *out)
{
	struct store_bytes key, value;
	struct store_walk *w;
	struct feed_event e;
	unsigned char first[8];
	unsigned int n = 0;
	int r = store_walk_open(t, DIR_FEED, &w);

	if (r < 0)
		return r;
	*out = false;
	store_be(first, from + 1);
	for (r = store_walk_seek(w, (struct store_bytes){ first, 8 }, &key, &value);
	     r == 0 && !*out; r = store_walk_next(w, &key, &value)) {
		r = feed_decode(key, value, &e);
		if (r < 0 || e.number > to)
			break;
		*out = feed_closes(&e) || ++n == STEP_LOOK;
	}
	store_walk_close(w);
	return r == -ENOENT ? 0 : r;
}

int stream_step_add(struct store_txn *t, const struct stream_record *s, uint64_t applied,
		    int64_t now, struct stream_step out[STREAM_STEPS], size_t *count_out)
{
	size_t n = s->step_count;
	bool closes = true;
	int r = 0;

	memcpy(out, s->steps, n * sizeof(*out));
	if (n && out[n - 1].number > applied)
		n = 0; // it went back: what it said before means nothing any more
	if (n)
		r = step_closes(t, out[n - 1].number, applied, &closes);
	if (r < 0)
		return r;
	if (n && !out[n - 1].closes) {
		n--;
	} else if (n == STREAM_STEPS) {
		n--;
		memmove(out, out + 1, n * sizeof(*out));
	}
	out[n] = (struct stream_step){ .number = applied, .at = now, .closes = closes };
	*count_out = n + 1;
	return 0;
}

int64_t stream_reached(const struct stream_info *s, uint64_t number)
{
	for (size_t i = 0; i < s->step_count; i++)
		if (s->steps[i].number >= number)
			return s->steps[i].at;
	return 0;
}
