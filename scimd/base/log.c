// SPDX-License-Identifier: MIT
//
// The daemon's log; see log.h.
#define SD_JOURNAL_SUPPRESS_LOCATION // all lines come from here
#include "scimd/base/log.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>

static enum log_level log_max = LOG_LEVEL_INFO;
static bool log_journal;

void log_open(enum log_level max)
{
	log_max = max;
	log_journal = secure_getenv("JOURNAL_STREAM") != NULL;
}

// Bytes below 0x20 and 0x7f become \xNN.
static void log_escape(char *out, size_t len, const char *in)
{
	size_t n = 0;

	for (; *in && n + 5 < len; in++) {
		unsigned char c = (unsigned char)*in;

		if (c < 0x20 || c == 0x7f)
			n += (size_t)snprintf(out + n, len - n, "\\x%02x", c);
		else
			out[n++] = (char)c;
	}
	out[n] = '\0';
}

static void log_line(enum log_level level, const char *text)
{
	(void)fprintf(stderr, "scimd: %s%s\n",
		      level == LOG_LEVEL_ERROR     ? "error: "
		      : level == LOG_LEVEL_WARNING ? "warning: "
						   : "",
		      text);
}

void log_at(enum log_level level, const char *fmt, ...)
{
	char raw[1536], text[2048];
	int saved = errno;
	va_list ap;

	if (level > log_max)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	log_escape(text, sizeof(text), raw);
	if (log_journal)
		(void)sd_journal_print((int)level, "%s", text);
	else
		log_line(level, text);
	errno = saved;
}

#define LOG_FIELDS 9
#define LOG_FIELD 640 // of a value; a longer one is cut

struct log_fields {
	struct iovec list[LOG_FIELDS + 1]; // the message is the first one
	int count;
	char text[LOG_FIELDS][LOG_FIELD];
};

static void log_field(struct log_fields *f, const char *key, const char *value)
{
	char *to = f->text[f->count - 1];
	size_t n = strlen(key);

	if (!value || !*value || f->count > LOG_FIELDS)
		return;
	(void)snprintf(to, LOG_FIELD, "%s", key);
	log_escape(to + n, LOG_FIELD - n, value);
	f->list[f->count++] = (struct iovec){ to, strlen(to) };
}

static void log_number(struct log_fields *f, const char *key, uint32_t value)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%u", value);
	log_field(f, key, text);
}

static void log_send(enum log_event e, const struct log_about *about, char *message)
{
	const struct log_event_row *row = &log_events[e];
	struct log_fields f = { .list[0] = { message, strlen(message) }, .count = 1 };

	log_number(&f, "PRIORITY=", (uint32_t)row->level);
	log_field(&f, "MESSAGE_ID=", row->id);
	log_field(&f, "SCIM_EVENT=", row->name);
	if (about) {
		log_field(&f, "SCIM_DIRECTORY=", about->directory);
		log_field(&f, "SCIM_USER=", about->user);
		log_field(&f, "SCIM_ID=", about->id);
		log_field(&f, "SCIM_CODE=", about->code);
		if (about->uid)
			log_number(&f, "SCIM_UID=", about->uid);
	}
	(void)sd_journal_sendv(f.list, f.count);
}

void log_event(enum log_event e, const struct log_about *about, const char *fmt, ...)
{
	char raw[1536], text[2048] = "MESSAGE=";
	size_t n = strlen(text);
	int saved = errno;
	va_list ap;

	if (log_events[e].level > log_max)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	log_escape(text + n, sizeof(text) - n, raw);
	if (log_journal)
		log_send(e, about, text);
	else
		log_line(log_events[e].level, text + n);
	errno = saved;
}
