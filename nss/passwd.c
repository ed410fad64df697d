// SPDX-License-Identifier: MIT
//
// People: getpwnam, getpwuid, and the walk through all of them by uid.

#include "nss/entry.h"
#include "nss/pack.h"
#include "nss/source.h"
#include "scimd/image/read.h"

#include <errno.h>
#include <scimd/account.h>

struct ask {
	const char *name;
	uid_t uid;
	struct passwd *pw;
	char *buf;
	size_t len;
};

// Where a thread's walk stands: the least uid not yet returned, and its place in
// the image of that seed. In any other image the walk finds the place anew.
struct cursor {
	uint64_t next, seed, hint;
};

struct step {
	struct cursor cursor;
	struct passwd *pw;
	char *buf;
	size_t len;
};

static __thread struct cursor thread_cursor;

static int hand_out(int r, const struct image_found_user *u, struct passwd *pw)
{
	if (r < 0)
		return r;
	if (u->head.flags & IMAGE_NO_NSS)
		return -ENOENT;
	nss_pack_passwd(u, pw);
	return 0;
}

static int look_name(const struct image *im, void *arg)
{
	const struct ask *ask = arg;
	struct image_found_user u;

	return hand_out(image_user_by_name(im, ask->name, ask->buf, ask->len, &u), &u, ask->pw);
}

static int look_uid(const struct image *im, void *arg)
{
	const struct ask *ask = arg;
	struct image_found_user u;

	return hand_out(image_user_by_id(im, ask->uid, ask->buf, ask->len, &u), &u, ask->pw);
}

static int look_next(const struct image *im, void *arg)
{
	struct step *step = arg;
	struct cursor *c = &step->cursor;
	struct image_found_user u;
	int r;

	if (c->seed != im->head.seed)
		c->hint = 0;
	c->seed = im->head.seed;
	while ((r = image_user_next(im, c->next, &c->hint, NULL, 0, &u)) == 0) {
		c->next = u.head.uid;
		if (!(u.head.flags & (IMAGE_HIDDEN | IMAGE_NO_NSS)))
			break;
		c->next++;
	}
	if (r == 0)
		r = image_user_next(im, c->next, &c->hint, step->buf, step->len, &u);
	return hand_out(r, &u, step->pw);
}

NSS_ENTRY _nss_scim_getpwnam_r(const char *name, struct passwd *pw, char *buf, size_t len,
			       int *errnop)
{
	struct ask ask = { .name = name, .pw = pw, .buf = buf, .len = len };

	return nss_source_look(look_name, &ask, name, errnop);
}

NSS_ENTRY _nss_scim_getpwuid_r(uid_t uid, struct passwd *pw, char *buf, size_t len, int *errnop)
{
	struct ask ask = { .uid = uid, .pw = pw, .buf = buf, .len = len };

	if (account_id_reserved(uid))
		return nss_source_none(errnop);
	return nss_source_look(look_uid, &ask, NULL, errnop);
}

NSS_ENTRY _nss_scim_setpwent(int stayopen)
{
	(void)stayopen;
	thread_cursor = (struct cursor){ 0 };
	return NSS_STATUS_SUCCESS;
}

NSS_ENTRY _nss_scim_getpwent_r(struct passwd *pw, char *buf, size_t len, int *errnop)
{
	struct step step = { .cursor = thread_cursor, .pw = pw, .buf = buf, .len = len };
	enum nss_status status = nss_source_next(look_next, &step, errnop);

	if (status == NSS_STATUS_SUCCESS) {
		step.cursor.next = (uint64_t)pw->pw_uid + 1;
		thread_cursor = step.cursor;
	}
	return status;
}

NSS_ENTRY _nss_scim_endpwent(void)
{
	return _nss_scim_setpwent(0);
}
