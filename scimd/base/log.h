// SPDX-License-Identifier: MIT
//
// The daemon's log: the journal under systemd, standard error elsewhere.
//
// Only floors 5 and up log; everything beneath returns. A message names the
// object in quotes, then the reason. Bytes below 0x20 and 0x7f are escaped, so
// that nothing from a directory can forge a line. Keeps errno. Thread-safe.
//
// What somebody may want to search for, to be woken by or to have explained is an
// event: a row in log_event.c with a name and a MESSAGE_ID, an entry in
// packaging/catalog/scimd.catalog, a line in scimd(8). On standard error it is the
// line that log_at would print; the journal gets its fields beside the line.
#ifndef SCIMD_BASE_LOG_H
#define SCIMD_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7
};

enum log_event {
	EVENT_SYNC_DONE,
	EVENT_SYNC_FAILED,
	EVENT_BRAKE_HELD,
	EVENT_TOKEN_REJECTED,
	EVENT_CHANGES_UNREAD,
	EVENT_READ_IN_FULL,
	EVENT_EVENTS_CONNECTED,
	EVENT_EVENTS_FAILED,
	EVENT_EVENTS_LOST,
	EVENT_RECORDS_REFUSED,
	EVENT_RECORD_REFUSED,
	EVENT_LOCKOUT_SEEN,
	EVENT_LOCKOUT_PUBLISHED,
	EVENT_LOCKOUT_HELD,
	EVENT_LET_IN_AGAIN,
	EVENT_SESSIONS_ENDED,
	EVENT_SESSIONS_WAITING,
	EVENT_SESSIONS_NOT_ENDED,
	EVENT_LOGIN_DENIED,
	EVENT_HOOK_FAILED,
	EVENT_HOOKS_WAITING,
	EVENT_STORE_DAMAGED,
	EVENT_IDS_RESTORED,
	EVENT_NOT_NOTED,
	EVENT_NO_ROOM,
	EVENT_CONFIG_READ,
	EVENT_CONFIG_REFUSED,
	EVENT_START_FAILED,
	EVENT_PATHS_DIFFER,
	EVENT_DIRECTORY_SERVING,
	EVENT_DIRECTORY_FAILED,
	EVENT_CERTIFICATE_KEPT,
	EVENT_REQUEST_FAILED,
	LOG_EVENTS
};

struct log_event_row {
	const char *name; // SCIM_EVENT
	const char *id;   // MESSAGE_ID
	enum log_level level;
};
extern const struct log_event_row log_events[LOG_EVENTS]; // log_event.c

struct log_about {             // what an event is about; what does not apply is NULL or 0
	const char *directory; // SCIM_DIRECTORY, the section's name
	const char *user;      // SCIM_USER
	const char *id;        // SCIM_ID
	const char *code;      // SCIM_CODE, the reason as a stable word
	uint32_t uid;          // SCIM_UID
};

void log_open(enum log_level max); // looks at $JOURNAL_STREAM itself
void log_at(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
// about: NULL where there is nothing to add.
void log_event(enum log_event e, const struct log_about *about, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define log_error(...) log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_at(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
