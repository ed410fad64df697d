// SPDX-License-Identifier: MIT
//
// Text as the protocol takes it: valid UTF-8 (RFC 7644 §3.8; RFC 3629, so no
// surrogates and no overlong forms).
#ifndef SCIMD_SCIM_TEXT_H
#define SCIMD_SCIM_TEXT_H

#include <stdbool.h>
#include <stddef.h>

// The bytes of the UTF-8 character that text (len >= 1) starts with; 0: none does.
size_t scim_text_char(const char *text, size_t len);
// Whether it is UTF-8 without NUL.
bool scim_text_valid(const char *text, size_t len);

#endif
