// SPDX-License-Identifier: MIT
//
// The entry points of libnss_scim.so.2, as glibc calls them. Statuses: SUCCESS;
// NOTFOUND only for the certain fact that there is no such account; TRYAGAIN
// with ERANGE for a small buffer; UNAVAIL with errno for everything else, so
// that nobody takes a damaged or missing image for an answer.
#ifndef NSS_ENTRY_H
#define NSS_ENTRY_H

#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <stddef.h>
#include <sys/types.h>

#define NSS_ENTRY __attribute__((visibility("default"))) enum nss_status

NSS_ENTRY _nss_scim_getpwnam_r(const char *name, struct passwd *pw, char *buf, size_t len,
			       int *errnop);
NSS_ENTRY _nss_scim_getpwuid_r(uid_t uid, struct passwd *pw, char *buf, size_t len, int *errnop);
NSS_ENTRY _nss_scim_setpwent(int stayopen);
NSS_ENTRY _nss_scim_getpwent_r(struct passwd *pw, char *buf, size_t len, int *errnop);
NSS_ENTRY _nss_scim_endpwent(void);

NSS_ENTRY _nss_scim_getgrnam_r(const char *name, struct group *gr, char *buf, size_t len,
			       int *errnop);
NSS_ENTRY _nss_scim_getgrgid_r(gid_t gid, struct group *gr, char *buf, size_t len, int *errnop);
NSS_ENTRY _nss_scim_setgrent(int stayopen);
NSS_ENTRY _nss_scim_getgrent_r(struct group *gr, char *buf, size_t len, int *errnop);
NSS_ENTRY _nss_scim_endgrent(void);

NSS_ENTRY _nss_scim_initgroups_dyn(const char *user, gid_t group, long *start, long *size,
				   gid_t **groups, long limit, int *errnop);

#endif
