// SPDX-License-Identifier: MIT
//
// One sentence about what went wrong.
//
// Every function of every floor returns 0 or -errno. Those that can say more
// take a last `struct fail *` (may be NULL), in which the innermost failing
// call leaves a sentence for the log; callers add context in front of it.
// The errno values mean the same everywhere: ENOENT not there, ERANGE buffer
// too small, EBADMSG damaged, ESTALE format too new, EPROTO the server talks
// nonsense, EACCES refused by the server, EAGAIN try later, ENOMEM, EINVAL
// the caller's or the administrator's mistake, ECANCELED held back on purpose.
//
// Thread rule: a struct fail belongs to one thread at a time.
#ifndef SCIMD_BASE_FAIL_H
#define SCIMD_BASE_FAIL_H

struct fail {
	char text[768];
};

// Writes the sentence and returns -err, so that a failure is one line:
// `return fail(f, EPROTO, "page %u: Resources is not an array", n);`
int fail(struct fail *f, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

// Puts "context: " in front of the sentence and returns r unchanged (r < 0).
int fail_in(struct fail *f, int r, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

// A short text for -errno r in the vocabulary above.
const char *fail_word(int r);

#endif
