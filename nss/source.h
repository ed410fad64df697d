// SPDX-License-Identifier: MIT
//
// Where the entry points of libnss_scim get their image from: the first lookups
// of a process read the file, later ones find it mapped. Also the one place
// that turns results into NSS statuses. Thread-safe, fork-safe, never blocks.
#ifndef NSS_SOURCE_H
#define NSS_SOURCE_H

#include <nss.h>

struct image;

// The image's path: SCIMD_IMAGE. A variable only so that unit tests, which link
// these objects, may point it elsewhere; the module does not export it.
extern const char *nss_image_path;

// One look at one image: 0 found, -ENOENT positively not there, -ERANGE, or any
// other -errno. May be called again with a newer image; what it gives counts
// only after nss_source_look returned success.
typedef int nss_look_fn(const struct image *im, void *arg);

// name: what is looked for, or NULL; one that no account can bear is refused
// before the first system call.
enum nss_status nss_source_look(nss_look_fn *look, void *arg, const char *name, int *errnop);

// A positive answer without any image: no such account can exist.
enum nss_status nss_source_none(int *errnop);

#endif
