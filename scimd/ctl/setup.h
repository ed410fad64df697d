// SPDX-License-Identifier: MIT
//
// The parts of `scimctl setup`: asking, trying, enabling.
#ifndef SCIMD_CTL_SETUP_H
#define SCIMD_CTL_SETUP_H

#include "scimd/base/buf.h"
#include <limits.h>
#include <stdbool.h>

struct ctl;

struct setup {
	const struct ctl *ctl;
	const char *name, *token_file;
	char url[1024], allow[1024];
	struct buf token; // secret
	bool yes;         // nobody is asked
	bool keep_pam;
	char trial[PATH_MAX]; // a folder of root's own under /run
};

// A question that takes y or n; with --yes the answer is yes. False also at the end
// of the input.
bool setup_ask(const struct setup *s, const char *question);

// setup_try.c: reads the directory into a folder of its own and shows who would be
// served. 0 or an exit code after saying why not. setup_clean takes the folder away.
int setup_try(struct setup *s);
void setup_clean(struct setup *s);
// The drop-in as it will be; with the trial's token file where trial is true.
int setup_dropin(const struct setup *s, bool trial, struct buf *out);

// setup_enable.c: writes the files, starts scimd, has glibc and PAM ask it. 0 or an
// exit code.
int setup_enable(struct setup *s);

#endif
