// SPDX-License-Identifier: MIT
//
// libnss_scimempty.so.2: a module that knows nobody, to measure what glibc's
// dispatch alone costs.

#include <errno.h>
#include <grp.h>
#include <nss.h>
#include <pwd.h>

#define EXPORT __attribute__((visibility("default"))) enum nss_status

EXPORT _nss_scimempty_getpwnam_r(const char *name, struct passwd *pw, char *buf, size_t len,
				 int *e);
EXPORT _nss_scimempty_getpwuid_r(uid_t uid, struct passwd *pw, char *buf, size_t len, int *e);
EXPORT _nss_scimempty_getgrnam_r(const char *name, struct group *gr, char *buf, size_t len, int *e);
EXPORT _nss_scimempty_getgrgid_r(gid_t gid, struct group *gr, char *buf, size_t len, int *e);
EXPORT _nss_scimempty_initgroups_dyn(const char *user, gid_t group, long *start, long *size,
				     gid_t **groups, long limit, int *e);

static enum nss_status none(int *e)
{
	*e = ENOENT;
	return NSS_STATUS_NOTFOUND;
}

enum nss_status _nss_scimempty_getpwnam_r(const char *name, struct passwd *pw, char *buf,
					  size_t len, int *e)
{
	(void)name, (void)pw, (void)buf, (void)len;
	return none(e);
}

enum nss_status _nss_scimempty_getpwuid_r(uid_t uid, struct passwd *pw, char *buf, size_t len,
					  int *e)
{
	(void)uid, (void)pw, (void)buf, (void)len;
	return none(e);
}

enum nss_status _nss_scimempty_getgrnam_r(const char *name, struct group *gr, char *buf, size_t len,
					  int *e)
{
	(void)name, (void)gr, (void)buf, (void)len;
	return none(e);
}

enum nss_status _nss_scimempty_getgrgid_r(gid_t gid, struct group *gr, char *buf, size_t len,
					  int *e)
{
	(void)gid, (void)gr, (void)buf, (void)len;
	return none(e);
}

enum nss_status _nss_scimempty_initgroups_dyn(const char *user, gid_t group, long *start,
					      long *size, gid_t **groups, long limit, int *e)
{
	(void)user, (void)group, (void)start, (void)size, (void)groups, (void)limit;
	return none(e);
}
