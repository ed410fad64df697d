// SPDX-License-Identifier: MIT
//
// INI files by libini_config: the only place that includes its headers.
#ifndef SCIMD_BASE_CONFIG_FILE_H
#define SCIMD_BASE_CONFIG_FILE_H

#include <stddef.h>

struct arena;
struct fail;

struct config_line {
	const char *section, *key, *value, *file;
	unsigned int line;
	const char *overridden; // "FILE:LINE"
};

struct config_lines {
	struct config_line *list;
	size_t count, cap; // list is malloc'ed; strings live in the arena
};

// Adds one file. A key that an earlier file gave is replaced, one that this file
// gives twice is an error. 0, -EINVAL with every complaint, or the errno of open.
int config_file_add(struct arena *a, const char *path, struct config_lines *lines, struct fail *f);

// The main file and the drop-ins beside it (conf.d/*.conf, in lexical order, the later
// wins, dot files ignored). A missing main file is an error unless there are drop-ins.
int config_files_add(struct arena *a, const char *path, struct config_lines *lines, struct fail *f);

// How many letters two names differ by, for "did you mean"; 99: by too many.
size_t config_distance(const char *a, const char *b);

// Appends "text\n" to the sentence in f, as far as it has room.
void config_complain(struct fail *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
