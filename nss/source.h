// SPDX-License-Identifier: MIT
//
// Where the entry points of libnss_scim get their image from: the first lookups
// of a process read the file, later ones find it mapped. Also the one place
// that turns results into NSS statuses. Thread-safe, fork-safe, never blocks.
#ifndef NSS_SOURCE_H
#define NSS_SOURCE_H

#include "scimd/image/read.h"

#include <errno.h>
#include <nss.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

// The image's path: SCIMD_IMAGE. A variable only so that unit tests, which link
// these objects, may point it elsewhere; the module does not export it.
extern const char *nss_image_path;

// One look at one image: 0 found, -ENOENT positively not there, -ERANGE, or any
// other -errno. May be called again with a newer image; what it gives counts
// only after nss_source_look returned success.
typedef int nss_look_fn(const struct image *im, void *arg);

// The answer where there is positively none.
enum nss_status nss_source_none(int *errnop);

// The long way: maps the image or reads the file, looks again where it was retired
// meanwhile, and says what went wrong.
enum nss_status nss_source_search(nss_look_fn *look, void *arg, const char *name, int *errnop);

// The shared image: its sequence is 0 before the first, and odd while it changes.
extern _Atomic uint32_t nss_source_sequence;
extern _Atomic(const struct image *) nss_source_view;

// True when the image is there; sequence_out is for nss_source_true.
static inline bool nss_source_shared(const struct image **image_out, uint32_t *sequence_out)
{
	*sequence_out = atomic_load_explicit(&nss_source_sequence, memory_order_acquire);
	if (*sequence_out == 0 || *sequence_out % 2)
		return false;
	// May be a newer one than the sequence tells; it has to be whole all the same.
	*image_out = atomic_load_explicit(&nss_source_view, memory_order_acquire);
	return !image_retired(*image_out);
}

// True when what was found counts: it is from the true image, to the end.
static inline bool nss_source_true(const struct image *image, uint32_t sequence)
{
	if (image_retired(image)) // has the fence
		return false;
	return atomic_load_explicit(&nss_source_sequence, memory_order_relaxed) == sequence;
}

// name: what is looked for, or NULL; one that no account can bear is refused before
// the first system call. The warm lookup is in line.
static inline enum nss_status nss_source_look(nss_look_fn *look, void *arg, const char *name,
					      int *errnop)
{
	const struct image *image;
	uint32_t sequence;
	int r;

	if (nss_source_shared(&image, &sequence)) {
		r = look(image, arg);
		if ((r == 0 || r == -ENOENT) && nss_source_true(image, sequence))
			return r == 0 ? NSS_STATUS_SUCCESS : nss_source_none(errnop);
	}
	return nss_source_search(look, arg, name, errnop);
}

// The same for a step of a walk through all. At the end errno stays as it was: callers
// of getpwent tell the end from a failure by it (getpwent(3)).
enum nss_status nss_source_next(nss_look_fn *look, void *arg, int *errnop);

#endif
