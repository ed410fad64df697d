// SPDX-License-Identifier: MIT
//
// The parts of scim-hook: scim-hook.c reads the event and answers, run.c runs one
// program and ends whatever it leaves behind.
#ifndef SCIMD_HOOK_HOOK_H
#define SCIMD_HOOK_HOOK_H

#include <stddef.h>

// Once in the life of the process: what a hook leaves behind becomes our child.
int hook_prepare(void);
// Runs it with the event on its standard input, an empty environment and at most ms; none
// of its descendants lives on. Its exit status, or -1 with why it has none.
int hook_run(const char *path, const char *event, size_t len, int ms, char *why, size_t why_len);

#endif
