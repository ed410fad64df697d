// SPDX-License-Identifier: MIT
//
// SHA-256 by libcrypto; see digest.h.
#include "scimd/base/digest.h"
#include <errno.h>
#include <openssl/evp.h>

int digest_parts(uint8_t out[DIGEST_LEN], const struct digest_part *parts, size_t n)
{
	// One context and one fetched algorithm per thread: fetching costs more than hashing.
	static __thread EVP_MD_CTX *ctx;
	static __thread EVP_MD *sha256;
	unsigned int len = 0;

	if (!ctx)
		ctx = EVP_MD_CTX_new();
	if (!sha256)
		sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (!ctx || !sha256 || !EVP_DigestInit_ex2(ctx, sha256, NULL))
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (!EVP_DigestUpdate(ctx, parts[i].data, parts[i].len))
			return -ENOMEM;
	return EVP_DigestFinal_ex(ctx, out, &len) && len == DIGEST_LEN ? 0 : -ENOMEM;
}

int digest(uint8_t out[DIGEST_LEN], const void *data, size_t len)
{
	return digest_parts(out, &(struct digest_part){ data, len }, 1);
}

void digest_hex(char out[DIGEST_HEX], const uint8_t d[DIGEST_LEN])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < DIGEST_LEN; i++) {
		out[2 * i] = digits[d[i] >> 4];
		out[2 * i + 1] = digits[d[i] & 15];
	}
	out[2 * DIGEST_LEN] = '\0';
}
