// SPDX-License-Identifier: MIT
//
// Which names may be served. What does not fit is refused, never cleaned up.
#ifndef SCIMD_IDENTITY_NAME_H
#define SCIMD_IDENTITY_NAME_H

#include <stdbool.h>
#include <stddef.h>

#define NAME_ROOM 33 // a legal name and its NUL

// userName → login name: cut at its one '@' (cut), ASCII lower case. False when the
// result is no legal name; *why_out then says what is wrong with it, in words.
bool name_login(const char *text, size_t len, bool cut, char out[NAME_ROOM], const char **why_out);
// displayName → group name; a space becomes `space` (0: refused).
bool name_group(const char *text, size_t len, char space, char out[NAME_ROOM],
		const char **why_out);
bool name_legal(const char *name, const char **why_out);
// Groups that carry rights on common distributions.
bool name_privileged(const char *name);
// For sentences: bytes outside 0x20…0x7e as \xNN, cut at 80 bytes.
const char *name_show(const char *text, size_t len, char *out, size_t out_len);

#endif
