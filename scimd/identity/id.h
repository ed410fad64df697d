// SPDX-License-Identifier: MIT
//
// Numbers: given by the directory, or hashed from the SCIM id.
#ifndef SCIMD_IDENTITY_ID_H
#define SCIMD_IDENTITY_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A decimal integer in 1000 … 2147483647 outside the reserved ranges. False: *why_out.
bool id_given(const char *text, size_t len, uint32_t *out, const char **why_out);
// ACCOUNT_HASH_FIRST + (first 8 bytes, big-endian, of SHA-256(source 0x00 id)) mod range.
int id_hashed(const char *source, const char *id, uint32_t *out);

#endif
