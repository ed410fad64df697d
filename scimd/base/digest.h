// SPDX-License-Identifier: MIT
//
// SHA-256 (libcrypto's), the only digest of this project.
#ifndef SCIMD_BASE_DIGEST_H
#define SCIMD_BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define DIGEST_LEN 32
#define DIGEST_HEX 65 // with the NUL

struct digest_part {
	const void *data;
	size_t len;
};

// The digest of the parts, one after the other. 0 or -ENOMEM.
int digest_parts(uint8_t out[DIGEST_LEN], const struct digest_part *parts, size_t n);
int digest(uint8_t out[DIGEST_LEN], const void *data, size_t len);
void digest_hex(char out[DIGEST_HEX], const uint8_t d[DIGEST_LEN]);

#endif
