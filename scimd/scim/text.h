// SPDX-License-Identifier: MIT
//
// Text as the protocol takes it: valid UTF-8 (RFC 7644 §3.8; RFC 3629, so no
// surrogates and no overlong forms). What is not case-exact is one when it differs in
// case only or in how a letter is composed, in filters, in sorting and in an index alike.
#ifndef SCIMD_SCIM_TEXT_H
#define SCIMD_SCIM_TEXT_H

#include <stdbool.h>
#include <stddef.h>

// The bytes of the UTF-8 character that text (len >= 1) starts with; 0: none does.
size_t scim_text_char(const char *text, size_t len);
// Whether it is UTF-8 without NUL.
bool scim_text_valid(const char *text, size_t len);

bool scim_text_ascii(const char *text);
// Lower case, letters composed: equal where the texts are one. Malloc'd; NULL: no memory,
// or it is not UTF-8.
char *scim_text_fold(const char *text);
// As strcmp does of what is folded.
int scim_text_order(const char *a, const char *b);

#endif
