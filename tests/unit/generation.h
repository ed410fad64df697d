// SPDX-License-Identifier: MIT
//
// Images that say which one they are: every string of a person and the only member
// of a group carry the number of the publish, so that an answer is of one image,
// of several, or of none.
#ifndef TESTS_GENERATION_H
#define TESTS_GENERATION_H

#include "nss/entry.h"
#include "scimd/base/fail.h"
#include "scimd/image/write.h"
#include "tests/unit/imagebox.h"

#include <scimd/account.h>
#include <scimd/image.h>
#include <stdatomic.h>

#define GENERATION_UID 1900000007u
#define GENERATION_GID 2000000007u
#define GENERATION_NAME "ada"
#define GENERATION_GROUP "staff"

static _Atomic unsigned long generation_now;

// Aborts where it fails: it is called from threads and signal handlers' shadows.
static inline void generation_publish(void)
{
	unsigned long n = generation_now + 1;
	char gecos[32], home[32], shell[32], other[32];
	const uint32_t gids[] = { GENERATION_GID }, members[] = { 1 };
	const struct image_user_source users[] = {
		{ GENERATION_NAME, "*", gecos, home, shell, GENERATION_UID, GENERATION_UID, gids, 1,
		  ACCOUNT_ACTIVE, VERDICT_ALLOW, RULE_ALLOW, IMAGE_PRIVATE_GROUP, NULL, 0 },
		{ other, "*", gecos, home, shell, GENERATION_UID + 1, GENERATION_UID + 1, gids, 1,
		  ACCOUNT_ACTIVE, VERDICT_ALLOW, RULE_ALLOW, IMAGE_PRIVATE_GROUP, NULL, 0 },
	};
	const struct image_group_source groups[] = { { GENERATION_GROUP, GENERATION_GID, members,
						       1 } };
	const struct image_source src = {
		.users = users, .user_count = 2, .groups = groups, .group_count = 1
	};
	struct image_published out;
	struct fail f = { "" };

	snprintf(gecos, sizeof(gecos), "Ada %lu", n);
	snprintf(home, sizeof(home), "/home/%lu", n);
	snprintf(shell, sizeof(shell), "/bin/%lu", n);
	snprintf(other, sizeof(other), "m%lu", n);
	if (image_publish(box_dir, &src, 0, &out, &f) < 0) {
		fprintf(stderr, "%s\n", f.text);
		abort();
	}
	generation_now = n;
}

// Asks for the person or the group. The number of the image that the answer is
// of; 0 for an answer that is of none; -status where there is none.
static inline long generation_ask(unsigned which, int *err)
{
	struct passwd pw = { 0 };
	struct group gr = { 0 };
	char buf[512];
	enum nss_status s;
	unsigned long a = 0, b = 0, c = 0;

	*err = 0;
	if (which % 3 < 2) {
		s = which % 3 ? _nss_scim_getpwuid_r(GENERATION_UID, &pw, buf, sizeof(buf), err)
			      : _nss_scim_getpwnam_r(GENERATION_NAME, &pw, buf, sizeof(buf), err);
		if (s != NSS_STATUS_SUCCESS)
			return s == NSS_STATUS_NOTFOUND ? 0 : -100 + (long)s;
		if (pw.pw_uid != GENERATION_UID || strcmp(pw.pw_name, GENERATION_NAME) != 0 ||
		    sscanf(pw.pw_gecos, "Ada %lu", &a) != 1 ||
		    sscanf(pw.pw_dir, "/home/%lu", &b) != 1 ||
		    sscanf(pw.pw_shell, "/bin/%lu", &c) != 1)
			return 0;
		return a == b && b == c ? (long)a : 0;
	}
	s = _nss_scim_getgrnam_r(GENERATION_GROUP, &gr, buf, sizeof(buf), err);
	if (s != NSS_STATUS_SUCCESS)
		return s == NSS_STATUS_NOTFOUND ? 0 : -100 + (long)s;
	if (gr.gr_gid != GENERATION_GID || !gr.gr_mem[0] || gr.gr_mem[1] ||
	    sscanf(gr.gr_mem[0], "m%lu", &a) != 1)
		return 0;
	return (long)a;
}

#endif
