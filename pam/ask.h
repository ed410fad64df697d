// SPDX-License-Identifier: MIT
//
// One question to scimd over its socket (scimd/wire.h), with one deadline for all
// of it: connecting, asking, answering. Raises no signal, leaves no descriptor,
// starts nothing; what goes wrong is an -errno, -ETIMEDOUT when the time is over.
#ifndef PAM_ASK_H
#define PAM_ASK_H

#include <stddef.h>

extern const char *ask_socket_path; // SCIMD_SOCKET; a variable for unit tests only

#define ASK_ANSWER_MAX 4096 // a longer answer is none

// {"command": COMMAND, "name": NAME}; both are of characters that JSON leaves as
// they are (-EINVAL otherwise). Returns how many bytes of answer are in buf, or -errno.
int ask(const char *command, const char *name, int deadline_ms, char buf[ASK_ANSWER_MAX]);

#endif
