// SPDX-License-Identifier: MIT
//
// Where the Authorization header comes from; see token.h.
#include "scimd/client/token.h"
#include "scimd/base/buf.h"
#include "scimd/base/fail.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <scimd/paths.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOKEN_MAX 16384

static int token_check(const char *path, int fd, bool systemd, struct fail *f)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fail(f, errno, "token file %s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fail(f, EPERM, "token file %s: not a regular file", path);
	if (systemd)
		return 0;
	if (st.st_mode & 077)
		return fail(f, EPERM, "token file %s: others can read it; chmod 600 %s", path,
			    path);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return fail(f, EPERM,
			    "token file %s: belongs to uid %u, neither root nor this daemon", path,
			    st.st_uid);
	return 0;
}

static int token_load(const char *path, bool systemd, struct buf *out, struct fail *f)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char block[4096];
	ssize_t n;
	int r;

	if (fd < 0)
		return fail(f, errno, "token file %s: %s", path, strerror(errno));
	r = token_check(path, fd, systemd, f);
	while (r == 0 && (n = read(fd, block, sizeof(block))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			r = fail(f, errno, "token file %s: %s", path, strerror(errno));
		else if (buf_add(out, block, (size_t)n) < 0)
			r = fail(f, EFBIG, "token file %s: larger than %d bytes", path, TOKEN_MAX);
	}
	explicit_bzero(block, sizeof(block));
	(void)close(fd);
	if (r < 0)
		return r;
	if (out->len && out->data[out->len - 1] == '\n')
		out->data[--out->len] = '\0';
	if (out->len && out->data[out->len - 1] == '\r')
		out->data[--out->len] = '\0';
	if (out->len == 0)
		return fail(f, EINVAL, "token file %s: empty", path);
	for (size_t i = 0; i < out->len; i++)
		if ((unsigned char)out->data[i] <= 0x20 || (unsigned char)out->data[i] >= 0x7f)
			return fail(f, EINVAL,
				    "token file %s: a byte that no token has (0x%02x at %zu)", path,
				    (unsigned char)out->data[i], i);
	return 0;
}

// scimd has no rights where the sysadmin puts credentials; systemd hands it copies.
static int token_unseen(const char *name, const char *path, bool handed, struct fail *f)
{
	if (name && handed)
		return fail(f, EACCES,
			    "credential \"%s\" is not among those that systemd handed over when "
			    "scimd was started: systemctl restart scimd",
			    name);
	if (!name && strncmp(path, SCIMD_CREDENTIALS "/", strlen(SCIMD_CREDENTIALS) + 1) == 0)
		return fail(f, EACCES,
			    "token file %s: only root sees into that folder: state token or "
			    "client_secret, with the name alone",
			    path);
	return fail(f, EACCES, "token file %s: %s", path, strerror(EACCES));
}

int token_read(const char *name, const char *path, struct buf *out, struct fail *f)
{
	const char *dir = secure_getenv("CREDENTIALS_DIRECTORY");
	char made[PATH_MAX];
	int r;

	out->secret = true;
	out->max = TOKEN_MAX;
	if (path) {
		r = token_load(path, false, out, f);
		return r == -EACCES ? token_unseen(NULL, path, false, f) : r;
	}
	if (dir) {
		if (snprintf(made, sizeof(made), "%s/cred_%s", dir, name) >= (int)sizeof(made))
			return fail(f, ENAMETOOLONG, "credential \"%s\": name too long", name);
		if (access(made, F_OK) == 0)
			return token_load(made, true, out, f);
	}
	if (snprintf(made, sizeof(made), "%s/%s", SCIMD_CREDENTIALS, name) >= (int)sizeof(made))
		return fail(f, ENAMETOOLONG, "credential \"%s\": name too long", name);
	r = token_load(made, false, out, f);
	return r == -EACCES ? token_unseen(name, made, dir != NULL, f) : r;
}
