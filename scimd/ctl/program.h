// SPDX-License-Identifier: MIT
//
// Other programs, run by scimctl: by name and arguments, never by a shell. They are
// looked for in the system's folders only.
#ifndef SCIMD_CTL_PROGRAM_H
#define SCIMD_CTL_PROGRAM_H

#include <stdbool.h>

struct buf;

bool program_there(const char *name);
// Runs argv with nothing to read; what it writes goes to out (or nowhere: NULL). Its
// exit status; -ENOENT: there is no such program; -ETIMEDOUT: it was killed after so
// many seconds; another -errno.
int program_run(const char *const *argv, struct buf *out, int seconds);
// Where scimctl reads and writes, for as long as it takes.
int program_show(const char *const *argv);
// A function in a process of its own: what it returned, 0 to 125, or as above; what it
// writes to standard output goes to out. What ended by a signal has 128 and its number,
// in both.
int program_fork(int (*fn)(void *arg), void *arg, struct buf *out, int seconds);

#endif
