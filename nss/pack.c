// SPDX-License-Identifier: MIT
//
// Packing: strings stay where the reader copied them, pointers are set. The room
// a group needs is its strings, padding to a pointer's alignment, and one pointer
// for each member and the NULL; not a byte more.

#include "nss/pack.h"

#include "scimd/image/read.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#define ONES 0x0101010101010101u
#define LOW7 (0x7f * ONES)

void nss_pack_passwd(const struct image_found_user *u, struct passwd *pw)
{
	pw->pw_name = u->name;
	pw->pw_passwd = u->passwd;
	pw->pw_uid = u->head.uid;
	pw->pw_gid = u->head.gid;
	pw->pw_gecos = u->gecos;
	pw->pw_dir = u->home;
	pw->pw_shell = u->shell;
}

// The high bit of each byte that is NUL, exactly.
static uint64_t nul_bytes(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return ~(((v & LOW7) + LOW7) | v | LOW7);
}

// Sets member[i] to the start of each of n strings that end at `end`.
static int point_at_members(char **member, uint32_t n, char *p, const char *end)
{
	char *start = p;
	uint32_t i = 0;

	while (i < n && end - p >= 8) {
		for (uint64_t nuls = nul_bytes(p); nuls; nuls &= nuls - 1) {
			char *nul = p + __builtin_ctzll(nuls) / 8;

			if (nul == start || i == n)
				return -EBADMSG;
			member[i++] = start;
			start = nul + 1;
		}
		p += 8;
	}
	for (; i < n && p < end; p++) {
		if (*p != '\0')
			continue;
		if (p == start)
			return -EBADMSG;
		member[i++] = start;
		start = p + 1;
	}
	return i == n && start == end ? 0 : -EBADMSG;
}

int nss_pack_group(const struct image_found_group *g, char *buf, size_t len, struct group *gr)
{
	const uint32_t n = g->head.members;
	size_t used = g->head.strings, pad = -((uintptr_t)buf + used) % _Alignof(char *), room;
	char **member;
	int r;

	if (__builtin_mul_overflow((size_t)n + 1, sizeof(*member), &room) ||
	    __builtin_add_overflow(room, used + pad, &room))
		return -ERANGE;
	if (len < room)
		return -ERANGE;
	member = (char **)(void *)(buf + used + pad);
	r = point_at_members(member, n, g->members, buf + used);
	if (r < 0)
		return r;
	member[n] = NULL;
	gr->gr_name = g->name;
	gr->gr_passwd = g->passwd;
	gr->gr_gid = g->head.gid;
	gr->gr_mem = member;
	return 0;
}
