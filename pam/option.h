// SPDX-License-Identifier: MIT
//
// The words behind pam_scim.so in a stack's file. One row each in option.c; the
// manual page says the same, which a test compares.
#ifndef PAM_OPTION_H
#define PAM_OPTION_H

#include <stdbool.h>

struct option {
	int live_ms;              // deadline of the live check, 0 = off
	bool unavailable_ignores; // on_unavailable=allow
	bool mkhome, debug;
};

#define OPTION_LIVE_MAX_MS 10000

// The defaults for a service, then the words. Returns NULL, or the word that is
// not understood; the others are set all the same.
const char *option_read(struct option *o, const char *service, int argc, const char **argv);

// What there is, for the manual's test: the i-th option or service with its
// default, NULL after the last.
const char *option_row(unsigned i, const char **values_out, const char **default_out);
const char *option_service(unsigned i, const char **live_out);

#endif
