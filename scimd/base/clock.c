// SPDX-License-Identifier: MIT
//
// Times and spans as people and SCIM write them; see clock.h.
#include "scimd/base/clock.h"
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t clock_read(clockid_t id)
{
	struct timespec ts;

	if (clock_gettime(id, &ts) < 0)
		return 0;
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t clock_wall(void)
{
	return clock_read(CLOCK_REALTIME);
}

int64_t clock_boot(void)
{
	return clock_read(CLOCK_BOOTTIME);
}

// Exactly n digits at *p; -1 if not.
static int clock_digits(const char **p, const char *end, int n)
{
	int v = 0;

	if (end - *p < n)
		return -1;
	for (int i = 0; i < n; i++, (*p)++) {
		if (**p < '0' || **p > '9')
			return -1;
		v = v * 10 + (**p - '0');
	}
	return v;
}

static bool clock_take(const char **p, const char *end, char a, char b)
{
	if (*p == end || (**p != a && **p != b))
		return false;
	(*p)++;
	return true;
}

// Days since 1970-01-01 of a proleptic Gregorian date.
static int64_t clock_days(int y, int m, int d)
{
	int64_t yy = m <= 2 ? y - 1 : y;
	int64_t era = (yy >= 0 ? yy : yy - 399) / 400;
	int64_t yoe = yy - era * 400;
	int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;

	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static int clock_zone(const char **p, const char *end, int64_t *seconds_out)
{
	int sign, h, m;

	*seconds_out = 0;
	if (*p == end || clock_take(p, end, 'Z', 'z'))
		return 0;
	if (**p != '+' && **p != '-')
		return -EINVAL;
	sign = *(*p)++ == '+' ? 1 : -1;
	h = clock_digits(p, end, 2);
	(void)clock_take(p, end, ':', ':');
	m = clock_digits(p, end, 2);
	if (h < 0 || h > 14 || m < 0 || m > 59)
		return -EINVAL;
	*seconds_out = sign * (h * 3600 + m * 60);
	return 0;
}

int clock_parse(const char *text, size_t len, int64_t *ms_out)
{
	const char *p = text, *end = text + len;
	int y, mo, d, h, mi, s, ms = 0, scale = 100;
	int64_t zone;

	y = clock_digits(&p, end, 4);
	if (y < 0 || !clock_take(&p, end, '-', '-'))
		return -EINVAL;
	mo = clock_digits(&p, end, 2);
	if (mo < 1 || mo > 12 || !clock_take(&p, end, '-', '-'))
		return -EINVAL;
	d = clock_digits(&p, end, 2);
	if (d < 1 || d > 31 || !clock_take(&p, end, 'T', 't'))
		return -EINVAL;
	h = clock_digits(&p, end, 2);
	if (h < 0 || h > 24 || !clock_take(&p, end, ':', ':'))
		return -EINVAL;
	mi = clock_digits(&p, end, 2);
	if (mi < 0 || mi > 59 || !clock_take(&p, end, ':', ':'))
		return -EINVAL;
	s = clock_digits(&p, end, 2);
	if (s < 0 || s > 60)
		return -EINVAL;
	if (clock_take(&p, end, '.', ','))
		for (; p < end && *p >= '0' && *p <= '9'; p++, scale /= 10)
			ms += (*p - '0') * scale;
	if (clock_zone(&p, end, &zone) < 0 || p != end)
		return -EINVAL;
	*ms_out = ((clock_days(y, mo, d) * 24 + h) * 3600 + mi * 60 + s - zone) * 1000 + ms;
	return 0;
}

const char *clock_format(char out[CLOCK_TEXT], int64_t ms)
{
	int64_t sec = ms >= 0 ? ms / 1000 : -((-ms + 999) / 1000);
	time_t t = (time_t)sec;
	struct tm tm;

	if (ms == CLOCK_NONE || !gmtime_r(&t, &tm) || tm.tm_year > 8099)
		return "never";
	(void)snprintf(out, CLOCK_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
		       (tm.tm_year + 1900) % 10000, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		       tm.tm_min, tm.tm_sec, (int)(ms - sec * 1000));
	return out;
}

static uint64_t clock_unit(const char *unit, size_t len)
{
	static const struct {
		const char *name;
		uint64_t seconds;
	} units[] = {
		{ "", 1 },          { "s", 1 },          { "sec", 1 },      { "second", 1 },
		{ "seconds", 1 },   { "m", 60 },         { "min", 60 },     { "minute", 60 },
		{ "minutes", 60 },  { "h", 3600 },       { "hour", 3600 },  { "hours", 3600 },
		{ "d", 86400 },     { "day", 86400 },    { "days", 86400 }, { "w", 604800 },
		{ "week", 604800 }, { "weeks", 604800 },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (strlen(units[i].name) == len && strncmp(units[i].name, unit, len) == 0)
			return units[i].seconds;
	return 0;
}

int clock_span(const char *text, uint64_t *seconds_out)
{
	uint64_t total = 0;
	bool any = false;

	for (;;) {
		uint64_t v = 0, unit;
		const char *word;

		while (*text == ' ')
			text++;
		if (!*text)
			break;
		if (*text < '0' || *text > '9')
			return -EINVAL;
		for (; *text >= '0' && *text <= '9'; text++)
			if (__builtin_mul_overflow(v, 10u, &v) ||
			    __builtin_add_overflow(v, (uint64_t)(*text - '0'), &v))
				return -ERANGE;
		while (*text == ' ')
			text++;
		for (word = text; isalpha((unsigned char)*text); text++)
			;
		unit = clock_unit(word, (size_t)(text - word));
		if (!unit)
			return -EINVAL;
		if (__builtin_mul_overflow(v, unit, &v) || __builtin_add_overflow(total, v, &total))
			return -ERANGE;
		any = true;
	}
	if (!any)
		return -EINVAL;
	*seconds_out = total;
	return 0;
}

const char *clock_ago(char out[CLOCK_TEXT], int64_t ms)
{
	int64_t s = ms < 0 ? 0 : ms / 1000;

	if (s < 60)
		(void)snprintf(out, CLOCK_TEXT, "%d s", (int)s);
	else if (s < 3600)
		(void)snprintf(out, CLOCK_TEXT, "%d min", (int)(s / 60));
	else if (s < 86400)
		(void)snprintf(out, CLOCK_TEXT, "%d h %d min", (int)(s / 3600),
			       (int)(s % 3600 / 60));
	else
		(void)snprintf(out, CLOCK_TEXT, "%d d %d h", (int)(s / 86400 % 1000000),
			       (int)(s % 86400 / 3600));
	return out;
}
