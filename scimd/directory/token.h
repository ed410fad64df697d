// SPDX-License-Identifier: MIT
//
// Bearer tokens: 256 random bits, shown once, kept as SHA-256. Several of one
// name may be valid at once, so that they can be rotated.
//
// All return 0 or -errno; -ENOENT: not there.
#ifndef SCIMD_DIRECTORY_TOKEN_H
#define SCIMD_DIRECTORY_TOKEN_H

#include "scimd/base/digest.h"
#include <stdint.h>

struct buf;
struct fail;
struct store_txn;

#define TOKEN_NAME 65 // with the NUL
#define TOKEN_TEXT 72 // "scimd_" + 64 digits, with the NUL
#define TOKEN_ID 13   // the first digits of its hash, for people

#define TOKEN_USED_MS 60000 // last use is written at most this often

enum token_scope { TOKEN_READ = 1, TOKEN_WRITE = 2 };

struct token {
	char name[TOKEN_NAME], id[TOKEN_ID];
	enum token_scope scope;
	int64_t created, expires, used; // wall, ms; 0: never
	uint8_t hash[DIGEST_LEN];
};

// name: [A-Za-z0-9._-], at most 64. secret_out is the caller's to wipe.
int token_create(struct store_txn *t, const char *actor, const char *name, enum token_scope scope,
		 int64_t expires, char secret_out[TOKEN_TEXT], struct fail *f);
// -ETIME: it has expired.
int token_check(struct store_txn *t, const char *secret, int64_t now, struct token *out);
// Whether what token_check gave is valid still: -ENOENT: revoked, -ETIME: expired.
int token_still(struct store_txn *t, const uint8_t hash[DIGEST_LEN], int64_t now);
int token_used(struct store_txn *t, const struct token *token, int64_t now);
// By name (all of that name) or id.
int token_revoke(struct store_txn *t, const char *actor, const char *which,
		 unsigned int *count_out);
int token_each(struct store_txn *t, int (*fn)(void *arg, const struct token *token), void *arg);
// The password of "dXNlcjpwYXNz" (RFC 7617), into a secret buf.
int token_basic(const char *base64, struct buf *secret);

#endif
