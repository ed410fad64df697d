// SPDX-License-Identifier: MIT
//
// Reading accounts.image: the one reader, compiled into libnss_scim, pam_scim,
// scim-authorized-keys, scimctl and the writer's own check. Needs libc only.
//
// Two ways at the same bytes: IMAGE_BY_PREAD keeps a descriptor for the length
// of one call, IMAGE_BY_MAP maps the file. Nothing read is trusted (image.h).
// Results: 0 found; -ENOENT positively not there; -ERANGE caller's buffer too
// small; -EBADMSG damaged; -ESTALE other version; -EPERM wrong owner or mode;
// or the errno of open/fstat/pread/mmap. No function allocates.
#ifndef SCIMD_IMAGE_READ_H
#define SCIMD_IMAGE_READ_H

#include <scimd/image.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum image_way { IMAGE_BY_PREAD, IMAGE_BY_MAP };

struct image {
	const unsigned char *base; // the map, or NULL
	int fd;                    // or -1
	uint64_t size;
	struct image_header head; // a checked copy
};

// Opens, checks owner, mode, size and header. On success close with image_close.
int image_open(struct image *im, const char *path, enum image_way way);
void image_close(struct image *im); // keeps errno; takes an unopened (zeroed, fd -1) one
bool image_retired_by_pread(const struct image *im);
// Acquire order. Also true when it cannot be read.
static inline bool image_retired(const struct image *im)
{
	const unsigned char *word;

	if (!im->base)
		return image_retired_by_pread(im);
	word = im->base + offsetof(struct image_header, retired);
	// Nothing that was copied before may be read after the word.
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n((const uint32_t *)(const void *)word, __ATOMIC_ACQUIRE) != 0;
}
// How long a name is, or 0 where no account of any image can bear it:
// ^[a-z_][a-z0-9_.-]{0,31}(~[0-9]{1,10})?$
size_t image_name_fits(const char *name);
#define IMAGE_NAME_MAX 43u // the longest that fits
// The confirmed block, untorn. -EAGAIN when a writer kept it busy.
int image_confirmed_at(const struct image *im, struct image_confirmed *out);

// A user record whose strings were copied into buf. All pointers point into buf.
struct image_found_user {
	struct image_user head;
	char *name, *passwd, *gecos, *home, *shell;
	uint64_t at;               // offset of the record in the file
	const unsigned char *tail; // groups and keys where they fitted in buf too, or NULL
};

struct image_found_group {
	struct image_group head;       // for a private group: gid, members = 0, flags of its user
	char *name, *passwd, *members; // members: head.members strings, NUL after each
	uint64_t at;
};

// In all lookups buf may be NULL: the record is checked and its head given, but
// no string. One page (4096 bytes) holds the strings of any user.
int image_user_by_name(const struct image *im, const char *name, char *buf, size_t len,
		       struct image_found_user *out);
int image_user_by_id(const struct image *im, uint32_t uid, char *buf, size_t len,
		     struct image_found_user *out);
int image_group_by_name(const struct image *im, const char *name, char *buf, size_t len,
			struct image_found_group *out);
int image_group_by_id(const struct image *im, uint32_t gid, char *buf, size_t len,
		      struct image_found_group *out);
// The user with the smallest uid >= from (uid order; hidden ones included, the
// caller looks at flags). *hint: 0 at first and in every other image (head.seed
// tells), then as left by the call before; it stays at the user that was found.
int image_user_next(const struct image *im, uint64_t from, uint64_t *hint, char *buf, size_t len,
		    struct image_found_user *out);
// The same over group records only.
int image_group_next(const struct image *im, uint64_t from, uint64_t *hint, char *buf, size_t len,
		     struct image_found_group *out);
// Supplementary gids of a found user: copies at most max of them from number
// `start` on, after checking the record's tail. Returns how many, or -errno.
int64_t image_user_groups(const struct image *im, const struct image_found_user *u, uint32_t start,
			  uint32_t *gids, uint32_t max);
// The user's keys (head.keys bytes of NUL-ended lines) into buf. 0 or -errno.
int image_user_keys(const struct image *im, const struct image_found_user *u, char *buf,
		    size_t len);

// Verifies every line and record of the file. 0 or -EBADMSG.
int image_verify(const struct image *im);

#endif
