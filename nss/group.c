// SPDX-License-Identifier: MIT
//
// Groups: getgrnam, getgrgid, and the walk through all of them by gid. A user's
// private group is no record of its own; the walk merges both orders.

#include "nss/entry.h"
#include "nss/pack.h"
#include "nss/source.h"
#include "scimd/image/read.h"

#include <errno.h>
#include <scimd/account.h>
#include <string.h>
#include <unistd.h>

struct ask {
	const char *name;
	gid_t gid;
	struct group *gr;
	char *buf;
	size_t len;
};

// As in passwd.c, with a place among the groups and one among the users.
struct cursor {
	uint64_t next, seed, group_hint, user_hint;
};

struct step {
	struct cursor cursor;
	struct group *gr;
	char *buf;
	size_t len;
};

static __thread struct cursor thread_cursor;

#define SOME 64 // gids looked at in one go

// group_members = self: whoever asks is listed where they are a member, nobody else.
static int add_self(const struct image *im, struct image_found_group *g, char *buf, size_t len)
{
	uint32_t gids[SOME], start = 0;
	char strings[IMAGE_USER_STRINGS_MAX];
	struct image_found_user u;
	size_t used = g->head.strings, n;
	int64_t got;
	int r = image_user_by_id(im, getuid(), strings, sizeof(strings), &u);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	while ((got = image_user_groups(im, &u, start, gids, SOME)) > 0) {
		for (int64_t i = 0; i < got; i++) {
			if (gids[i] != g->head.gid)
				continue;
			n = strlen(u.name) + 1;
			if (used > len || len - used < n)
				return -ERANGE;
			g->members = buf + used;
			memcpy(g->members, u.name, n);
			g->head.members = 1;
			g->head.strings += (uint32_t)n;
			return 0;
		}
		start += (uint32_t)got;
	}
	return got < 0 ? (int)got : 0;
}

static int hand_out(const struct image *im, int r, struct image_found_group *g, char *buf,
		    size_t len, struct group *gr)
{
	if (r < 0)
		return r;
	if (g->head.flags & IMAGE_NO_NSS)
		return -ENOENT;
	if ((im->head.policy_flags & IMAGE_MEMBERS_SELF) &&
	    !(g->head.flags & IMAGE_PRIVATE_GROUP)) {
		r = add_self(im, g, buf, len);
		if (r < 0)
			return r;
	}
	return nss_pack_group(g, buf, len, gr);
}

static int look_name(const struct image *im, void *arg)
{
	const struct ask *ask = arg;
	struct image_found_group g;
	int r = image_group_by_name(im, ask->name, ask->buf, ask->len, &g);

	return hand_out(im, r, &g, ask->buf, ask->len, ask->gr);
}

static int look_gid(const struct image *im, void *arg)
{
	const struct ask *ask = arg;
	struct image_found_group g;
	int r = image_group_by_id(im, ask->gid, ask->buf, ask->len, &g);

	return hand_out(im, r, &g, ask->buf, ask->len, ask->gr);
}

// The next private group that is shown.
static int next_private(const struct image *im, uint64_t from, uint64_t *hint, uint32_t *gid_out)
{
	struct image_found_user u;
	int r;

	while ((r = image_user_next(im, from, hint, NULL, 0, &u)) == 0) {
		if ((u.head.flags & (IMAGE_PRIVATE_GROUP | IMAGE_HIDDEN | IMAGE_NO_NSS)) ==
		    IMAGE_PRIVATE_GROUP) {
			*gid_out = u.head.gid;
			return 0;
		}
		from = (uint64_t)u.head.uid + 1;
	}
	return r;
}

static int look_next(const struct image *im, void *arg)
{
	struct step *step = arg;
	struct cursor *c = &step->cursor;
	struct image_found_group g;
	uint32_t private = 0, gid;
	int has_group, has_private, r;

	if (c->seed != im->head.seed)
		c->group_hint = c->user_hint = 0;
	c->seed = im->head.seed;
	has_group = image_group_next(im, c->next, &c->group_hint, NULL, 0, &g);
	if (has_group < 0 && has_group != -ENOENT)
		return has_group;
	has_private = next_private(im, c->next, &c->user_hint, &private);
	if (has_private < 0 && has_private != -ENOENT)
		return has_private;
	if (has_group < 0 && has_private < 0)
		return -ENOENT;
	gid = has_group < 0 || (has_private == 0 && private < g.head.gid) ? private : g.head.gid;
	r = image_group_by_id(im, gid, step->buf, step->len, &g);
	if (r == -ENOENT) // it was there a moment ago
		return -EBADMSG;
	return hand_out(im, r, &g, step->buf, step->len, step->gr);
}

NSS_ENTRY _nss_scim_getgrnam_r(const char *name, struct group *gr, char *buf, size_t len,
			       int *errnop)
{
	struct ask ask = { .name = name, .gr = gr, .buf = buf, .len = len };

	return nss_source_look(look_name, &ask, name, errnop);
}

NSS_ENTRY _nss_scim_getgrgid_r(gid_t gid, struct group *gr, char *buf, size_t len, int *errnop)
{
	struct ask ask = { .gid = gid, .gr = gr, .buf = buf, .len = len };

	if (account_id_reserved(gid))
		return nss_source_none(errnop);
	return nss_source_look(look_gid, &ask, NULL, errnop);
}

NSS_ENTRY _nss_scim_setgrent(int stayopen)
{
	(void)stayopen;
	thread_cursor = (struct cursor){ 0 };
	return NSS_STATUS_SUCCESS;
}

NSS_ENTRY _nss_scim_getgrent_r(struct group *gr, char *buf, size_t len, int *errnop)
{
	struct step step = { .cursor = thread_cursor, .gr = gr, .buf = buf, .len = len };
	enum nss_status status = nss_source_next(look_next, &step, errnop);

	if (status == NSS_STATUS_SUCCESS) {
		step.cursor.next = (uint64_t)gr->gr_gid + 1;
		thread_cursor = step.cursor;
	}
	return status;
}

NSS_ENTRY _nss_scim_endgrent(void)
{
	return _nss_scim_setgrent(0);
}
