// SPDX-License-Identifier: MIT
//
// The metrics of `scimctl metrics`, a row each: what it is called, and where in the
// answer its value stands. A new one is a number in scimd/agent/command_metrics.c (or
// in metrics.c, where the image tells it), a row, and a line in scimctl(1).
#ifndef SCIMD_CTL_METRICS_H
#define SCIMD_CTL_METRICS_H

#include <stddef.h>

enum metric_type { METRIC_GAUGE, METRIC_COUNTER, METRIC_SUMMARY };

struct metric {
	const char *name; // of the family: a counter's sample ends in _total
	enum metric_type type;
	const char *unit; // the last part of the name, or ""
	const char *help;
	const char *list;   // the array whose objects bear the value; NULL: the answer itself
	const char *labels; // members of those objects, separated by a space, or ""
	const char *key;    // the member that is the value; of a summary, {count, sum}
};

extern const struct metric metrics[];
extern const size_t metric_count;

#endif
