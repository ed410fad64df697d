// SPDX-License-Identifier: MIT
//
// From a found record to glibc's structures, inside the caller's buffer.
#ifndef NSS_PACK_H
#define NSS_PACK_H

#include <grp.h>
#include <pwd.h>
#include <stddef.h>

struct image_found_group;
struct image_found_user;

void nss_pack_passwd(const struct image_found_user *u, struct passwd *pw);
// The strings lie at the start of buf already; the pointers go after them.
// 0, -ERANGE, or -EBADMSG where a member's name is empty.
int nss_pack_group(const struct image_found_group *g, char *buf, size_t len, struct group *gr);

#endif
