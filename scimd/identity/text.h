// SPDX-License-Identifier: MIT
//
// The texts of a passwd line, and SSH keys.
#ifndef SCIMD_IDENTITY_TEXT_H
#define SCIMD_IDENTITY_TEXT_H

#include <stdbool.h>
#include <stddef.h>

bool text_gecos_ok(const char *text, size_t len);
bool text_home_ok(const char *text, size_t len);
bool text_shell_ok(const char *text, size_t len);
// "%u" name, "%U" uid, "%%". NULL: no memory.
struct arena;
const char *text_home(struct arena *a, const char *template, const char *name, unsigned int uid);
// A bare key of a known type → "type base64" in a; NULL with *why_out otherwise.
const char *text_key(struct arena *a, const char *text, size_t len, const char **why_out);

#endif
