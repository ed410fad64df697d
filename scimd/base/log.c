// SPDX-License-Identifier: MIT
//
// The daemon's log; see log.h.
#include "scimd/base/log.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
		(void)fprintf(stderr, "scimd: %s%s\n",
			      level == LOG_LEVEL_ERROR     ? "error: "
			      : level == LOG_LEVEL_WARNING ? "warning: "
							   : "",
			      text);
	errno = saved;
}
