// SPDX-License-Identifier: MIT
//
// Appending to the feed; see feed.h.
#include "scimd/directory/feed.h"
#include "scimd/base/buf.h"
#include "scimd/base/clock.h"
#include "scimd/directory/db.h"

int feed_add(struct store_txn *t, enum feed_what what, uint8_t kind, const char *id,
	     const char *attributes)
{
	struct feed_head h = { .at = clock_wall(), .what = (uint8_t)what, .kind = kind };
	struct buf b = BUF_INIT;
	unsigned char key[8];
	uint64_t n;
	int r = dir_counter_next(t, "feed", &n);

	if (r == 0)
		r = buf_add(&b, &h, sizeof(h));
	if (r == 0)
		r = buf_str(&b, id);
	if (r == 0)
		r = buf_str(&b, attributes);
	store_be(key, n);
	if (r == 0)
		r = store_put(t, DIR_FEED, (struct store_bytes){ key, 8 },
			      (struct store_bytes){ b.data, b.len });
	buf_free(&b);
	return r;
}

int feed_head_number(struct store_txn *t, uint64_t *out)
{
	return dir_counter(t, "feed", out);
}
