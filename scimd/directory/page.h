// SPDX-License-Identifier: MIT
//
// The operator's page: one read-only HTML document about the directory. Nothing in
// it but what is in the store; no script, no form, nothing fetched.
#ifndef SCIMD_DIRECTORY_PAGE_H
#define SCIMD_DIRECTORY_PAGE_H

#include <stdint.h>

struct buf;
struct store_txn;

struct page {
	struct store_txn *t; // a view
	struct buf *out;
	const char *base;  // what clients are given
	const char *token; // whose page it is
	int64_t now;       // wall, ms
	int64_t retention; // of events, seconds
};

// Appends the document. 0, -ENOMEM, or what the store says.
int page_write(const struct page *p);

#define PAGE_POLICY 256
// The Content-Security-Policy that it fits in: its own style and nothing else.
int page_policy(char out[PAGE_POLICY]);

#endif
