// SPDX-License-Identifier: MIT
//
// What a person is told who is refused or, while the image is old, let in, and what the
// log is told. Both carry the way out; what the person sees is the same whether a name
// exists or not.
#ifndef PAM_MESSAGE_H
#define PAM_MESSAGE_H

#include "pam/decide.h"

#include <stddef.h>

// For the person: "" where nothing is to be said.
const char *message_person(enum decide_reason why, unsigned rule, char *buf, size_t len);
const char *message_log(enum decide_reason why);

#endif
