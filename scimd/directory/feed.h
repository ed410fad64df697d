// SPDX-License-Identifier: MIT
//
// What happened, in order: the events of RFC 9967 §2, one a change, committed in
// the same transaction as the change itself.
//
//   feed   number (8 bytes) → struct feed_head, id (36 bytes), attribute names
//          comma-separated
#ifndef SCIMD_DIRECTORY_FEED_H
#define SCIMD_DIRECTORY_FEED_H

#include <stdint.h>

struct store_txn;

enum feed_what {
	FEED_CREATE = 1,
	FEED_PUT,
	FEED_PATCH,
	FEED_DELETE,
	FEED_ACTIVATE,
	FEED_DEACTIVATE
};

struct feed_head {
	int64_t at; // wall, ms
	uint8_t what;
	uint8_t kind; // enum resource_kind
	uint8_t pad[6];
};

int feed_add(struct store_txn *t, enum feed_what what, uint8_t kind, const char *id,
	     const char *attributes);
// The number of the last event, 0 when there was none.
int feed_head_number(struct store_txn *t, uint64_t *out);

#endif
