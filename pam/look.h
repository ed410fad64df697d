// SPDX-License-Identifier: MIT
//
// What this host itself knows of a name: whether /etc/passwd has it, and what the
// published image says. System calls only: no NSS, no allocation, no lock, nothing
// kept. Safe in any thread; each descriptor is closed before the call returns.
#ifndef PAM_LOOK_H
#define PAM_LOOK_H

#include "pam/decide.h"
#include "scimd/image/read.h"

// Where to look. Variables only so that unit tests may point them elsewhere.
extern const char *look_image_path;  // SCIMD_IMAGE
extern const char *look_store_path;  // whose absence means: never configured
extern const char *look_passwd_path; // /etc/passwd

#define LOOK_BUF 4096 // holds the strings of any record

struct look {
	uint8_t rule; // enum account_rule, of a known person
	uint32_t uid;
	const char *name, *home; // in buf, of a known person
	char buf[LOOK_BUF];
};

// True only for the proven fact that the name is local: root, or in /etc/passwd.
bool look_local(const char *name);

// Fills what decide() wants of the image: found, state, verdict, stated, age and
// limits; the rest of *facts is left alone.
// more: called with a known person's record while the image is open, or NULL; an
// image that is replaced meanwhile is looked at anew, so it may be called again.
// A failure of it counts as an image that cannot be read.
typedef int look_more_fn(const struct image *im, const struct image_found_user *u, void *arg);
void look_image(const char *name, struct look *l, struct decide_facts *facts, look_more_fn *more,
		void *arg);

#endif
