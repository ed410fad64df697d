// SPDX-License-Identifier: MIT
//
// Whose processes may be ended: people whom the published image locks out, and
// nobody else. Whatever cannot be read is a no.
#include "scimd/image/read.h"
#include "scimd/lockout/lockout.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <scimd/account.h>
#include <scimd/paths.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PASSWD "/etc/passwd"

static bool request_number(const char **p, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;
	const char *s = *p;

	if (!isdigit((unsigned char)*s))
		return false;
	for (; isdigit((unsigned char)*s); s++) {
		v = v * 10 + (uint64_t)(*s - '0');
		if (v > max)
			return false;
	}
	if (*s != ' ')
		return false;
	*p = s + 1;
	*out = v;
	return true;
}

bool request_read(const char *line, size_t len, struct lockout_request *out)
{
	char text[LOCKOUT_REQUEST_MAX + 1];
	const char *p = text;
	uint64_t uid, grace;
	size_t n = 0;

	if (len > LOCKOUT_REQUEST_MAX || memchr(line, '\0', len))
		return false;
	memcpy(text, line, len);
	text[len] = '\0';
	if (strncmp(p, "end ", 4) != 0)
		return false;
	p += 4;
	if (!request_number(&p, UINT32_MAX, &uid) || !request_number(&p, LOCKOUT_GRACE_MAX, &grace))
		return false;
	*out = (struct lockout_request){ .uid = (uint32_t)uid, .grace = (uint32_t)grace };
	out->policy = strncmp(p, "policy ", 7) == 0;
	if (!out->policy && strncmp(p, "left ", 5) != 0)
		return false;
	p += out->policy ? 7 : 5;
	if (strlen(p) > LOCKOUT_MESSAGE_MAX)
		return false;
	// Nothing that steers a terminal; UTF-8 passes, but for the C1 controls.
	for (; *p; p++)
		out->message[n++] =
			(unsigned char)*p < 0x20 || *p == 0x7f ||
					((unsigned char)p[0] == 0xc2 && (unsigned char)p[1] < 0xa0)
				? '?'
				: *p;
	return true;
}

// 1: a local account has that uid, 0: none has, -errno.
static int may_local(uint32_t uid)
{
	FILE *f = fopen(PASSWD, "re");
	char *line = NULL;
	size_t cap = 0;
	int r = f ? 0 : -errno;

	while (r == 0 && getline(&line, &cap, f) > 0) {
		const char *at = strchr(line, ':');
		char *end;

		at = at ? strchr(at + 1, ':') : NULL;
		if (!at || !isdigit((unsigned char)at[1]))
			continue;
		errno = 0;
		r = strtoul(at + 1, &end, 10) == uid && *end == ':' && errno == 0;
	}
	if (r == 0 && ferror(f))
		r = -EIO;
	free(line);
	if (f)
		(void)fclose(f);
	return r;
}

static const char *may_state(const struct image_found_user *u, const struct lockout_request *rq,
			     char *why, size_t len)
{
	bool out =
		u->head.state == ACCOUNT_DISABLED || u->head.state == ACCOUNT_DELETED ||
		(rq->policy && u->head.state == ACCOUNT_ACTIVE && u->head.verdict == VERDICT_DENY);

	if (out)
		return NULL;
	(void)snprintf(why, len, "the image does not lock uid %u out", rq->uid);
	return LOCKOUT_ACTIVE;
}

// The image as it is now: one that was replaced meanwhile says nothing of today.
static int may_look(uid_t *owner, uint32_t uid, char buf[4096], struct image_found_user *u)
{
	int r = -EAGAIN;

	for (int i = 0; i < 3 && r == -EAGAIN; i++) {
		struct image im;
		struct stat st;

		r = image_open(&im, SCIMD_IMAGE, IMAGE_BY_PREAD);
		if (r < 0)
			return r == -ENOENT ? -ENODATA : r;
		r = fstat(im.fd, &st) < 0 ? -errno : 0;
		*owner = st.st_uid;
		if (r == 0)
			r = image_user_by_id(&im, uid, buf, 4096, u);
		if (image_retired(&im))
			r = -EAGAIN;
		image_close(&im);
	}
	return r;
}

const char *may_end(const struct lockout_request *rq, char *name_out, char *why, size_t len)
{
	struct image_found_user u;
	uid_t owner = 0;
	char buf[4096];
	int r = may_look(&owner, rq->uid, buf, &u);

	if (r < 0 && r != -ENOENT) {
		(void)snprintf(why, len, "%s cannot be read: %s", SCIMD_IMAGE,
			       r == -EBADMSG ? "it is damaged" : strerror(-r));
		return "";
	}
	if (rq->peer != owner) {
		(void)snprintf(why, len, "uid %u does not own %s", rq->peer, SCIMD_IMAGE);
		return LOCKOUT_CALLER;
	}
	if (account_id_reserved(rq->uid) || rq->uid == ACCOUNT_PROBE_ID || rq->uid == rq->peer) {
		(void)snprintf(why, len, "uid %u is nobody's of a directory", rq->uid);
		return LOCKOUT_RESERVED;
	}
	if (r == -ENOENT) {
		(void)snprintf(why, len, "%s has no uid %u", SCIMD_IMAGE, rq->uid);
		return LOCKOUT_UNKNOWN;
	}
	r = may_local(rq->uid);
	if (r < 0) {
		(void)snprintf(why, len, "%s cannot be read: %s", PASSWD, strerror(-r));
		return "";
	}
	if (r > 0) {
		(void)snprintf(why, len, "uid %u is a local account", rq->uid);
		return LOCKOUT_LOCAL;
	}
	(void)snprintf(name_out, MAY_NAME, "%s", u.name);
	return may_state(&u, rq, why, len);
}
