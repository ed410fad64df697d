// SPDX-License-Identifier: MIT
//
// The daemon's log: the journal under systemd, standard error elsewhere.
//
// Only floors 5 and up log; everything beneath returns. A message names the
// object in quotes, then the reason. Bytes below 0x20 and 0x7f are escaped, so
// that nothing from a directory can forge a line. Keeps errno. Thread-safe.
#ifndef SCIMD_BASE_LOG_H
#define SCIMD_BASE_LOG_H

#include <stdbool.h>

enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7
};

void log_open(enum log_level max); // looks at $JOURNAL_STREAM itself
void log_at(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_at(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
