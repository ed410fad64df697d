// SPDX-License-Identifier: MIT
//
// The folder of hooks, as both scimd and scim-hook read it: which of its files may be
// run, in lexical order, and why the others may not. Only files that nobody but root
// can have put there are.
#ifndef SCIMD_BASE_HOOK_DIR_H
#define SCIMD_BASE_HOOK_DIR_H

#include <stdbool.h>
#include <stddef.h>

#define HOOK_NAME_MAX 48
#define HOOK_FILES_MAX 64

struct hook_file {
	char name[HOOK_NAME_MAX + 1]; // cut where it is too long, unprintable bytes as ?
	const char *why;              // NULL: it may be run; a constant
};

struct hook_dir {
	struct hook_file files[HOOK_FILES_MAX];
	size_t count;
	const char *why; // not NULL: none of the folder's is run, and there are no files
};

// A folder that is not there has no files. Files whose name begins with a dot are none.
void hook_dir_read(const char *path, struct hook_dir *out);
bool hook_dir_any(const struct hook_dir *d); // that may be run

#endif
