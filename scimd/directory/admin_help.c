// SPDX-License-Identifier: MIT
//
// The usage, all of it or that of the commands which begin with some words.
#include "scimd/directory/admin_internal.h"
#include <stdio.h>
#include <string.h>

#define HELP_COLUMNS 79

// "  user add NAME [--display TEXT] …", broken between options.
static void help_synopsis(FILE *to, const struct admin_command *c)
{
	size_t at = 2 + strlen(c->words);

	(void)fprintf(to, "  %s", c->words);
	for (const char *p = c->args; *p;) {
		// An option and its value stay together.
		size_t len = strcspn(p, " ");

		if (strncmp(p, "--", 2) == 0 && p[len] == ' ' && p[len + 1] != '[')
			len += 1 + strcspn(p + len + 1, " ");
		else if (*p == '[')
			len = strcspn(p, "]") + strcspn(p + strcspn(p, "]"), " ");
		if (at + 1 + len > HELP_COLUMNS) {
			(void)fprintf(to, "\n     ");
			at = 5;
		}
		(void)fprintf(to, " %.*s", (int)len, p);
		at += 1 + len;
		p += len + (p[len] == ' ');
	}
	(void)fprintf(to, "\n      %s\n", c->help);
}

static bool help_begins(const struct admin_command *c, int argc, char **argv)
{
	const char *p = c->words;

	for (int i = 0; i < argc && *p; i++) {
		size_t len = strcspn(p, " ");

		if (strlen(argv[i]) != len || memcmp(argv[i], p, len) != 0)
			return false;
		p += len + (p[len] == ' ');
	}
	return true;
}

int admin_usage(FILE *to, int argc, char **argv)
{
	const struct admin_command *first = NULL;

	for (const struct admin_command *c = admin_commands; c->words && !first; c++)
		if (help_begins(c, argc, argv))
			first = c;
	(void)fputs("Usage: scim-directory [--config FILE] [--json] [--no-legend] [--quiet] "
		    "COMMAND …\n\n",
		    to);
	for (const struct admin_command *c = admin_commands; c->words; c++)
		if (!first || help_begins(c, argc, argv))
			help_synopsis(to, c);
	if (argc == 0 || !first)
		(void)fputs("\n--json prints JSON instead of tables, --no-legend tables without "
			    "their head,\n--quiet no counts; \"scim-directory help user\" shows "
			    "the commands for users only.\n"
			    "Exit status: 0 good, 1 a problem, 2 usage, 4 not found, "
			    "5 not permitted,\n75 try again.\n",
			    to);
	return to == stdout ? WIRE_EXIT_OK : WIRE_EXIT_USAGE;
}

int admin_unknown(int argc, char **argv)
{
	bool begun = false;

	for (const struct admin_command *c = admin_commands; c->words && !begun; c++)
		begun = help_begins(c, 1, argv);
	if (!begun || argc > 1)
		(void)fprintf(stderr, "scim-directory: unknown command \"%s%s%s\"%s\n", argv[0],
			      argc > 1 ? " " : "", argc > 1 ? argv[1] : "",
			      begun ? "" : "; try --help");
	else
		(void)fprintf(stderr, "scim-directory: \"%s\" is only the beginning of a command\n",
			      argv[0]);
	return begun ? admin_usage(stderr, 1, argv) : WIRE_EXIT_USAGE;
}
