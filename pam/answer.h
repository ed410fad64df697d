// SPDX-License-Identifier: MIT
//
// Reading scimd's answer to one question: a frame of flat JSON (scimd/wire.h). A
// strict reader without allocation: one object, whose only inner object is
// `result`; every other value is a string, a number or a word. Anything else, or
// anything twice, is no answer.
#ifndef PAM_ANSWER_H
#define PAM_ANSWER_H

#include "pam/decide.h"

#include <stddef.h>

// The answer to `check`. DECIDE_NO_ANSWER for everything that does not say, in
// exactly the expected form, that the directory answered.
enum decide_live answer_live(const char *text, size_t len);

// True when it says {"ok": true, …}.
bool answer_ok(const char *text, size_t len);

#endif
