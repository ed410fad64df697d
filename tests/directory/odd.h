// SPDX-License-Identifier: MIT
//
// Odd and hostile requests, and what each must get.
#ifndef TESTS_DIRECTORY_ODD_H
#define TESTS_DIRECTORY_ODD_H

#include <stdbool.h>
#include <stddef.h>

struct odd {
	const char *name;
	const char *bytes;
	size_t len;
	int want;         // status of the last answer; 0 = closed without one
	int answers;      // how many answers come in all
	bool stays;       // the connection is kept
	bool lax;         // closing without an answer will do too
	const char *fill; // put where bytes has @@, `times` times
	size_t times;
};

extern const struct odd odd_table[];
extern const size_t odd_count;

int dial(unsigned port);
// One healthy request; its milliseconds, or < 0.
double healthy(unsigned port);
double now_ms(void);

int crowd_slow(unsigned port, unsigned n);
int crowd_wait(unsigned port, unsigned n, const char *path, bool leave);

#endif
