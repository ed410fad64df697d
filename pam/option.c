// SPDX-License-Identifier: MIT
//
// The module's options; see option.h.
#include "pam/option.h"

#include <stddef.h>
#include <string.h>

#define LIVE_DEFAULT_MS 1500

// "1.5s" "500ms" "2" (seconds) "off" → milliseconds.
static bool set_live(struct option *o, const char *value)
{
	unsigned long ms = 0, unit = 1000;
	const char *p = value;

	if (strcmp(value, "off") == 0) {
		o->live_ms = 0;
		return true;
	}
	for (; *p >= '0' && *p <= '9'; p++) {
		ms = ms * 10 + (unsigned long)(*p - '0');
		if (ms > OPTION_LIVE_MAX_MS)
			return false;
	}
	if (p == value)
		return false;
	if (strcmp(p, "ms") == 0) {
		unit = 1;
		p += 2;
	}
	ms *= unit;
	if (unit == 1000 && *p == '.')
		for (p++, unit = 100; *p >= '0' && *p <= '9'; p++, unit /= 10)
			ms += unit * (unsigned long)(*p - '0');
	if (*p == 's')
		p++;
	if (*p || ms == 0 || ms > OPTION_LIVE_MAX_MS)
		return false;
	o->live_ms = (int)ms;
	return true;
}

static bool set_unavailable(struct option *o, const char *value)
{
	o->unavailable_ignores = strcmp(value, "allow") == 0;
	return o->unavailable_ignores || strcmp(value, "deny") == 0;
}

static bool set_mkhome(struct option *o, const char *value)
{
	(void)value;
	return o->mkhome = true;
}

static bool set_debug(struct option *o, const char *value)
{
	(void)value;
	return o->debug = true;
}

static const struct option_row {
	const char *name;
	const char *values; // NULL: it takes none
	const char *otherwise;
	bool (*set)(struct option *o, const char *value);
} rows[] = {
	{ "live", "DEADLINE|off", "by service", set_live },
	{ "on_unavailable", "deny|allow", "deny", set_unavailable },
	{ "mkhome", NULL, "off", set_mkhome },
	{ "debug", NULL, "off", set_debug },
};
#define ROWS (sizeof(rows) / sizeof(*rows))

// Services that run without anybody waiting ask nobody: the image decides.
static const struct option_service {
	const char *name, *live;
} services[] = {
	{ "cron", "off" },         { "crond", "off" },   { "atd", "off" },
	{ "systemd-user", "off" }, { "others", "1.5s" },
};
#define SERVICES (sizeof(services) / sizeof(*services))

static bool option_set(struct option *o, const char *word)
{
	size_t len = strcspn(word, "=");

	for (size_t i = 0; i < ROWS; i++)
		if (strncmp(rows[i].name, word, len) == 0 && !rows[i].name[len])
			return rows[i].values ? word[len] && rows[i].set(o, word + len + 1)
					      : !word[len] && rows[i].set(o, "");
	return false;
}

const char *option_read(struct option *o, const char *service, int argc, const char **argv)
{
	const char *bad = NULL;

	*o = (struct option){ .live_ms = LIVE_DEFAULT_MS };
	for (size_t i = 0; service && i < SERVICES; i++)
		if (strcmp(services[i].name, service) == 0)
			(void)set_live(o, services[i].live);
	for (int i = 0; i < argc; i++)
		if (!option_set(o, argv[i]))
			bad = argv[i];
	return bad;
}

const char *option_row(unsigned i, const char **values_out, const char **default_out)
{
	if (i >= ROWS)
		return NULL;
	*values_out = rows[i].values;
	*default_out = rows[i].otherwise;
	return rows[i].name;
}

const char *option_service(unsigned i, const char **live_out)
{
	if (i >= SERVICES)
		return NULL;
	*live_out = services[i].live;
	return services[i].name;
}
