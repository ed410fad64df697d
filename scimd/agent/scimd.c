// SPDX-License-Identifier: MIT
//
// main of scimd(8): options, then the agent.
#include "scimd/agent/agent.h"
#include "scimd/base/fail.h"
#include "scimd/base/log.h"
#include <getopt.h>
#include <malloc.h>
#include <scimd/paths.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0"
#endif

static void usage(FILE *out)
{
	(void)fprintf(out,
		      "Usage: scimd [--config FILE] [--once] [--check]\n"
		      "Serves the people of a SCIM directory to this host.\n\n"
		      "  --config FILE  read FILE and FILE's conf.d instead of " SCIMD_CONF "\n"
		      "  --once         sync, publish and exit: 0, or 1 and why not\n"
		      "  --check        check the configuration and exit\n"
		      "  --debug        say more\n"
		      "  --version      print the version\n"
		      "  --help         print this\n");
}

static int check(const char *path)
{
	struct fail f = { "" };
	struct config *c;

	if (config_load(path, &c, &f) < 0) {
		(void)fprintf(stderr, "%s\n", f.text);
		return EXIT_FAILURE;
	}
	(void)printf("%s: %zu %s, no complaints\n", path ? path : SCIMD_CONF, c->directory_count,
		     c->directory_count == 1 ? "directory" : "directories");
	config_free(c);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "once", no_argument, NULL, 'o' },
		{ "check", no_argument, NULL, 'k' },
		{ "debug", no_argument, NULL, 'd' },
		{ "version", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct agent_options o = { 0 };
	enum log_level level = LOG_LEVEL_INFO;
	struct agent *a = NULL;
	struct fail f = { "" };
	bool checking = false;
	int c, r;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			o.config = optarg;
			break;
		case 'o':
			o.once = true;
			break;
		case 'k':
			checking = true;
			break;
		case 'd':
			level = LOG_LEVEL_DEBUG;
			break;
		case 'v':
			(void)printf("scimd %s\n", PACKAGE_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			usage(stdout);
			return EXIT_SUCCESS;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (optind != argc) {
		usage(stderr);
		return 2;
	}
	if (checking)
		return check(o.config);
	// One heap for both threads: what one frees the other may use. And no fast bins:
	// consolidating them took a fifth of a sync's time.
	(void)mallopt(M_ARENA_MAX, 1);
	(void)mallopt(M_MXFAST, 0);
	(void)umask(022);
	// The token is in memory.
	(void)prctl(PR_SET_DUMPABLE, 0);
	(void)setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	log_open(level);
	if (agent_new(&o, &a, &f) < 0) {
		log_event(EVENT_START_FAILED, NULL, "%s", f.text);
		return EXIT_FAILURE;
	}
	r = agent_run(a);
	agent_free(a);
	return r;
}
