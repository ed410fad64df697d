// SPDX-License-Identifier: MIT
//
// The groups a person is in, for login and getgrouplist: one record, no walk.
// The array is the caller's: glibc made it with malloc and expects it to grow.

#include "nss/entry.h"
#include "nss/source.h"
#include "scimd/image/read.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#define STRINGS_ROOM 4096 // holds any user's strings

struct ask {
	const char *user;
	gid_t skip; // the primary group: glibc has it already
	long start, *size, limit;
	gid_t **groups;
	long end_out;
};

// Room for n more, as far as the limit allows: how many of them, or -ENOMEM.
static int64_t make_room(struct ask *ask, uint32_t n)
{
	long want = ask->start + (long)n;
	gid_t *grown;

	if (ask->limit > 0 && want > ask->limit)
		want = ask->limit;
	if (want > *ask->size) {
		grown = reallocarray(*ask->groups, (size_t)want, sizeof(**ask->groups));
		if (!grown)
			return -ENOMEM;
		*ask->groups = grown;
		*ask->size = want;
	}
	return want > ask->start ? want - ask->start : 0;
}

static int look_groups(const struct image *im, void *arg)
{
	struct ask *ask = arg;
	char strings[STRINGS_ROOM];
	struct image_found_user u;
	int64_t room, got;
	uint32_t read = 0;
	long end = ask->start;
	const gid_t skip = ask->skip;
	// By pread the record's groups come along with its strings.
	int r = image_user_by_name(im, ask->user, im->base ? NULL : strings, sizeof(strings), &u);

	if (r < 0)
		return r;
	if (u.head.flags & IMAGE_NO_NSS)
		return -ENOENT;
	room = make_room(ask, u.head.groups);
	// A second round only where the limit cut and the skipped gid left room.
	while (room > 0 && read < u.head.groups) {
		gid_t *list = *ask->groups + end;
		long kept = 0;

		got = image_user_groups(im, &u, read, list, (uint32_t)room);
		if (got < 0)
			return (int)got;
		read += (uint32_t)got;
		for (int64_t i = 0; i < got; i++) {
			list[kept] = list[i];
			kept += list[i] != skip;
		}
		end += kept;
		room -= kept;
	}
	ask->end_out = end;
	return room < 0 ? (int)room : 0;
}

NSS_ENTRY _nss_scim_initgroups_dyn(const char *user, gid_t group, long *start, long *size,
				   gid_t **groups, long limit, int *errnop)
{
	struct ask ask = { .user = user,
			   .skip = group,
			   .start = *start,
			   .size = size,
			   .limit = limit,
			   .groups = groups };
	enum nss_status status;

	status = nss_source_look(look_groups, &ask, user, errnop);
	if (status == NSS_STATUS_SUCCESS)
		*start = ask.end_out;
	else if (status == NSS_STATUS_UNAVAIL && *errnop == ENOMEM)
		status = NSS_STATUS_TRYAGAIN;
	return status;
}
