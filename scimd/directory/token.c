// SPDX-License-Identifier: MIT
//
// Tokens; see token.h. The store's key is the hash, so finding one compares no
// secret byte by byte; the hash found is compared again in constant time.
#include "scimd/directory/token.h"
#include "scimd/base/buf.h"
#include "scimd/base/clock.h"
#include "scimd/base/fail.h"
#include "scimd/directory/db.h"
#include <ctype.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define TOKEN_PREFIX "scimd_"

struct token_head { // the name follows
	int64_t created, expires, used;
	uint64_t scope;
	uint8_t hash[DIGEST_LEN];
};

static int token_decode(struct store_bytes key, struct store_bytes v, struct token *out)
{
	struct token_head h;
	char hex[DIGEST_HEX];
	size_t len = v.len - sizeof(h);

	if (key.len != DIGEST_LEN || v.len <= sizeof(h) || len >= TOKEN_NAME)
		return -EBADMSG;
	memcpy(&h, v.data, sizeof(h));
	*out = (struct token){ .scope = (enum token_scope)h.scope,
			       .created = h.created,
			       .expires = h.expires,
			       .used = h.used };
	memcpy(out->name, (const char *)v.data + sizeof(h), len);
	digest_hex(hex, key.data);
	memcpy(out->id, hex, TOKEN_ID - 1);
	memcpy(out->hash, key.data, DIGEST_LEN);
	return CRYPTO_memcmp(h.hash, key.data, DIGEST_LEN) == 0 ? 0 : -EBADMSG;
}

static bool token_name_ok(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("._-", name[i]))
			return false;
	return n > 0 && n < TOKEN_NAME;
}

static int token_put(struct store_txn *t, const uint8_t hash[DIGEST_LEN], const struct token *token)
{
	struct token_head h = { token->created, token->expires, token->used, token->scope, { 0 } };
	struct buf b = BUF_INIT;
	int r;

	memcpy(h.hash, hash, DIGEST_LEN);
	r = buf_add(&b, &h, sizeof(h));
	if (r == 0)
		r = buf_str(&b, token->name);
	if (r == 0)
		r = store_put(t, DIR_TOKEN, (struct store_bytes){ hash, DIGEST_LEN },
			      (struct store_bytes){ b.data, b.len });
	buf_free(&b);
	return r;
}

static int token_audit(struct store_txn *t, const char *actor, const char *event,
		       const struct token *token)
{
	char line[400];

	(void)snprintf(
		line, sizeof(line),
		"{\"event\":\"%s\",\"actor\":\"%.64s\",\"token\":\"%s\",\"token_id\":\"%s\"}",
		event, actor, token->name, token->id);
	return store_audit_add(t, line);
}

int token_create(struct store_txn *t, const char *actor, const char *name, enum token_scope scope,
		 int64_t expires, char secret_out[TOKEN_TEXT], struct fail *f)
{
	struct token token = { .scope = scope, .created = clock_wall(), .expires = expires };
	uint8_t secret[DIGEST_LEN], hash[DIGEST_LEN];
	char hex[DIGEST_HEX];
	int r;

	if (!token_name_ok(name))
		return fail(f, EINVAL,
			    "\"%.80s\" is no name for a token: letters, digits, . _ -, "
			    "at most 64",
			    name);
	if (expires && expires <= token.created)
		return fail(f, EINVAL, "the token would have expired already");
	(void)snprintf(token.name, sizeof(token.name), "%s", name);
	if (getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret))
		return fail(f, EIO, "no random numbers");
	digest_hex(hex, secret);
	(void)snprintf(secret_out, TOKEN_TEXT, TOKEN_PREFIX "%s", hex);
	explicit_bzero(secret, sizeof(secret));
	explicit_bzero(hex, sizeof(hex));
	r = digest(hash, secret_out, strlen(secret_out));
	digest_hex(hex, hash);
	memcpy(token.id, hex, TOKEN_ID - 1);
	if (r == 0)
		r = token_put(t, hash, &token);
	return r < 0 ? r : token_audit(t, actor, "token-created", &token);
}

static int token_find(struct store_txn *t, const uint8_t hash[DIGEST_LEN], int64_t now,
		      struct token *out)
{
	struct store_bytes key = { hash, DIGEST_LEN }, v;
	int r = store_get(t, DIR_TOKEN, key, &v);

	if (r == 0)
		r = token_decode(key, v, out);
	if (r == 0 && out->expires && out->expires <= now)
		r = -ETIME;
	return r;
}

int token_check(struct store_txn *t, const char *secret, int64_t now, struct token *out)
{
	uint8_t hash[DIGEST_LEN];
	int r = digest(hash, secret, strlen(secret));

	return r == 0 ? token_find(t, hash, now, out) : r;
}

int token_still(struct store_txn *t, const uint8_t hash[DIGEST_LEN], int64_t now)
{
	struct token token;

	return token_find(t, hash, now, &token);
}

struct token_walk {
	int (*fn)(void *arg, const struct token *token);
	void *arg;
	const char *id; // or: whose hash is wanted
	uint8_t hash[DIGEST_LEN];
};

static int token_walk(struct store_txn *t, struct token_walk *tw)
{
	struct store_bytes k, v;
	struct store_walk *w;
	int r = store_walk_open(t, DIR_TOKEN, &w);

	if (r < 0)
		return r;
	r = store_walk_seek(w, (struct store_bytes){ "", 0 }, &k, &v);
	while (r == 0) {
		struct token token;

		r = token_decode(k, v, &token);
		if (r == 0 && tw->id && strcmp(token.id, tw->id) == 0) {
			memcpy(tw->hash, k.data, DIGEST_LEN);
			r = 1;
		} else if (r == 0 && tw->fn) {
			r = tw->fn(tw->arg, &token);
		}
		if (r == 0)
			r = store_walk_next(w, &k, &v);
	}
	store_walk_close(w);
	return r;
}

int token_each(struct store_txn *t, int (*fn)(void *arg, const struct token *token), void *arg)
{
	struct token_walk tw = { .fn = fn, .arg = arg };
	int r = token_walk(t, &tw);

	return r == -ENOENT ? 0 : r;
}

int token_used(struct store_txn *t, const struct token *token, int64_t now)
{
	struct token_walk tw = { .id = token->id };
	struct token copy = *token;
	int r = token_walk(t, &tw);

	copy.used = now;
	return r == 1 ? token_put(t, tw.hash, &copy) : r;
}

struct token_match {
	const char *which;
	struct token found;
};

static int token_matches(void *arg, const struct token *token)
{
	struct token_match *m = arg;

	if (strcmp(token->name, m->which) != 0 && strcmp(token->id, m->which) != 0)
		return 0;
	m->found = *token;
	return 2;
}

int token_revoke(struct store_txn *t, const char *actor, const char *which, unsigned int *count_out)
{
	unsigned int n = 0;

	for (;;) {
		struct token_match m = { .which = which };
		struct token_walk tw = { .fn = token_matches, .arg = &m }, by_id = { 0 };
		int r = token_walk(t, &tw);

		if (r == -ENOENT || r == 0)
			break;
		if (r != 2)
			return r;
		by_id.id = m.found.id;
		r = token_walk(t, &by_id);
		if (r == 1)
			r = store_drop(t, DIR_TOKEN,
				       (struct store_bytes){ by_id.hash, DIGEST_LEN });
		if (r == 0)
			r = token_audit(t, actor, "token-revoked", &m.found);
		if (r < 0)
			return r;
		n++;
	}
	*count_out = n;
	return n ? 0 : -ENOENT;
}

int token_basic(const char *base64, struct buf *secret)
{
	unsigned char text[512];
	size_t len = strlen(base64);
	const char *colon;
	int n, r = -EINVAL;

	if (len == 0 || len % 4 || len / 4 * 3 >= sizeof(text))
		return -EINVAL;
	n = EVP_DecodeBlock(text, (const unsigned char *)base64, (int)len);
	if (n > 0) {
		text[n] = '\0';
		colon = strchr((const char *)text, ':');
		r = colon ? buf_str(secret, colon + 1) : -EINVAL;
	}
	explicit_bzero(text, sizeof(text));
	return r;
}
