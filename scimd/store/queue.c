// SPDX-License-Identifier: MIT
//
// The queue; see queue.h. Keys and texts are stored with their NUL.
#include "scimd/store/queue.h"
#include "scimd/store/internal.h"
#include "scimd/store/raw.h"
#include <string.h>

static struct store_bytes queue_bytes(const char *text)
{
	return (struct store_bytes){ text, strlen(text) + 1 };
}

int store_queue_put(struct store_txn *t, const char *key, const char *text)
{
	return store_put(t, STORE_QUEUE, queue_bytes(key), queue_bytes(text));
}

int store_queue_drop(struct store_txn *t, const char *key)
{
	int r = store_drop(t, STORE_QUEUE, queue_bytes(key));

	return r == -ENOENT ? 0 : r;
}

static bool queue_whole(struct store_bytes b)
{
	return b.len > 0 && ((const char *)b.data)[b.len - 1] == '\0';
}

int store_queue_each(struct store_txn *t, const char *prefix,
		     int (*fn)(void *arg, const char *key, const char *text), void *arg)
{
	struct store_bytes key, text, from = { prefix, strlen(prefix) };
	struct store_walk *w = NULL;
	int r = store_walk_open(t, STORE_QUEUE, &w);

	if (r == 0)
		r = store_walk_seek(w, from, &key, &text);
	for (; r == 0; r = store_walk_next(w, &key, &text)) {
		if (!queue_whole(key) || !queue_whole(text)) {
			r = -EBADMSG;
			break;
		}
		if (strncmp(key.data, prefix, from.len) != 0)
			break;
		r = fn(arg, key.data, text.data);
		if (r != 0)
			break;
	}
	store_walk_close(w);
	return r == -ENOENT ? 0 : r;
}
