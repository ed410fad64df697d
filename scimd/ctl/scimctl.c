// SPDX-License-Identifier: MIT
//
// main of scimctl(1): one table of commands, from which the usage is printed.
#include "scimd/ctl/ctl.h"
#include <json-c/json.h>
#include <scimd/paths.h>
#include <scimd/wire.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0"
#endif

static int command_version(const struct ctl *c, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	if (c->json) {
		struct json_object *o = ctl_answer();

		(void)json_object_object_add(o, "version", json_object_new_string(PACKAGE_VERSION));
		ctl_print_json(o);
		json_object_put(o);
	} else {
		(void)printf("scimctl %s\n", PACKAGE_VERSION);
	}
	return 0;
}

static int command_help(const struct ctl *c, int argc, char **argv);

static const struct command {
	const char *name, *arguments, *help;
	int (*run)(const struct ctl *c, int argc, char **argv);
} commands[] = {
	{ "status", "", "health, counts, the last and the next sync", command_status },
	{ "setup",
	  "[--url URL] [--token-file FILE] [--allow FILTER|all] [--name NAME] [--no-pam] [--yes]",
	  "connect this host with a directory: asks, shows who would be served, enables",
	  command_setup },
	{ "doctor", "[CHECK…]", "what is wrong on this host, and the command that mends it",
	  command_doctor },
	{ "lookup", "NAME|UID", "a user or group as passwd(5) or group(5) has it", command_lookup },
	{ "list", "users|groups", "everybody, or every group", command_list },
	{ "explain", "[--if disabled] [--if-group ID] NAME",
	  "which record gave what, what each access rule says, and why something is refused",
	  command_explain },
	{ "access", "report [--all] [--csv]", "who may log in on this host, for auditors",
	  command_access },
	{ "refusals", "", "every record that is not served as it stands", command_refusals },
	{ "sync", "[--full] [--dry-run] [--wait] [--accept-removals] [--accept-directory NAME]",
	  "fetch now", command_sync },
	{ "check", "NAME", "ask the directory about one person, now", command_check },
	{ "audit", "[--user NAME] [--since TIME|SPAN] [--verify]", "what changed, when",
	  command_audit },
	{ "lockout", "[--accept]", "whose processes are still to be ended after a lock-out",
	  command_lockout },
	{ "evidence", "[--user NAME] [--limit SPAN]",
	  "when people who left were seen, denied and their processes ended", command_evidence },
	{ "metrics", "[--output FILE] [--names]", "figures for monitoring, as OpenMetrics text",
	  command_metrics },
	{ "config", "check|show|options [--sources] [FILE]", "the configuration", command_config },
	{ "cache", "stats|verify|rebuild",
	  "sizes of store and image; read every record of the image; publish it anew",
	  command_cache },
	{ "reload", "", "read the configuration again", command_reload },
	{ "version", "", "print the version", command_version },
	{ "help", "", "print this", command_help },
};

static void usage(FILE *out)
{
	(void)fprintf(out, "Usage: scimctl [--json] [--no-legend] [-q] [--socket PATH] "
			   "[--state-dir PATH] COMMAND\n\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		(void)fprintf(out, "  %s%s%s\n      %s\n", commands[i].name,
			      *commands[i].arguments ? " " : "", commands[i].arguments,
			      commands[i].help);
	(void)fprintf(
		out,
		"\nExit status: 0 good, 1 a problem, 2 usage, 3 daemon not running, 4 not found,\n"
		"5 not permitted, 6 denied, 75 try again.\n");
}

static int command_help(const struct ctl *c, int argc, char **argv)
{
	(void)c;
	(void)argc;
	(void)argv;
	usage(stdout);
	return 0;
}

// Options stand before the command; what follows it is the command's own.
static int options(struct ctl *c, int argc, char **argv)
{
	int i = 1;

	for (; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "--json") == 0)
			c->json = true;
		else if (strcmp(argv[i], "--no-legend") == 0)
			c->no_legend = true;
		else if (strcmp(argv[i], "-q") == 0 || strcmp(argv[i], "--quiet") == 0)
			c->quiet = true;
		else if (strcmp(argv[i], "--socket") == 0 && i + 1 < argc)
			c->socket = argv[++i];
		else if (strcmp(argv[i], "--state-dir") == 0 && i + 1 < argc)
			c->state_dir = argv[++i];
		else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return -2;
		else
			return -1;
	}
	return i;
}

static int run(const struct command *cmd, const struct ctl *c, int argc, char **argv)
{
	bool help = argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);

	if (!help && (argc == 1 || *cmd->arguments))
		return cmd->run(c, argc, argv);
	(void)fprintf(help ? stdout : stderr, "Usage: scimctl %s%s%s\n  %s\n", cmd->name,
		      *cmd->arguments ? " " : "", cmd->arguments, cmd->help);
	return help ? 0 : WIRE_EXIT_USAGE;
}

int main(int argc, char **argv)
{
	struct ctl c = { .socket = SCIMD_SOCKET, .state_dir = SCIMD_STATE_DIR };
	int i;

	c.color = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	i = options(&c, argc, argv);
	if (i == -2) {
		usage(stdout);
		return 0;
	}
	if (i < 0 || i >= argc) {
		usage(stderr);
		return WIRE_EXIT_USAGE;
	}
	// --json may also stand at the end, where people put it.
	while (argc > i + 1 && strcmp(argv[argc - 1], "--json") == 0) {
		c.json = true;
		argc--;
	}
	if (c.quiet && !freopen("/dev/null", "w", stdout))
		return WIRE_EXIT_FAILED;
	for (size_t k = 0; k < sizeof(commands) / sizeof(*commands); k++)
		if (strcmp(commands[k].name, argv[i]) == 0)
			return run(&commands[k], &c, argc - i, argv + i);
	(void)fprintf(stderr, "scimctl: unknown command \"%s\"; see: scimctl help\n",
		      ctl_safe(argv[i]));
	return WIRE_EXIT_USAGE;
}
