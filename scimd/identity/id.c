// SPDX-License-Identifier: MIT
//
// Numbers; see id.h.
#include "scimd/identity/id.h"
#include "scimd/base/digest.h"
#include <scimd/account.h>
#include <string.h>

bool id_given(const char *text, size_t len, uint32_t *out, const char **why_out)
{
	uint64_t v = 0;

	*why_out = "is not an integer";
	if (len == 0 || len > 10 || (len > 1 && text[0] == '0')) {
		if (len > 10)
			*why_out = "is not a number that Linux knows";
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(text[i] - '0');
	}
	if (v == ACCOUNT_PROBE_ID || account_id_reserved(v)) {
		*why_out = "is in a reserved range (0-999, 61184-65519, 65534, 65535, 2147352575 "
			   "and up)";
		return false;
	}
	*out = (uint32_t)v;
	return true;
}

int id_hashed(const char *source, const char *id, uint32_t *out)
{
	const struct digest_part parts[] = { { source, strlen(source) + 1 }, { id, strlen(id) } };
	uint8_t d[DIGEST_LEN];
	uint64_t v = 0;
	int r = digest_parts(d, parts, 2);

	if (r < 0)
		return r;
	for (size_t i = 0; i < 8; i++)
		v = v << 8 | d[i];
	*out = (uint32_t)(ACCOUNT_HASH_FIRST + v % (ACCOUNT_HASH_LAST - ACCOUNT_HASH_FIRST + 1));
	return 0;
}
