// SPDX-License-Identifier: MIT
//
// The commands that ask the daemon.
#include "scimd/base/clock.h"
#include "scimd/ctl/ctl.h"
#include "scimd/ctl/read.h"
#include <getopt.h>
#include <json-c/json.h>
#include <scimd/wire.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *since(const char *at, char ago[CLOCK_TEXT])
{
	int64_t ms;

	if (clock_parse(at, strlen(at), &ms) < 0)
		return "never";
	return clock_ago(ago, ms > clock_wall() ? ms - clock_wall() : clock_wall() - ms);
}

// ------------------------------------------------------------------- status

static void status_held(struct json_object *held)
{
	static const char *const kinds[] = { "users", "groups" };

	(void)printf("    held: %s\n", ctl_safe(ctl_str(held, "reason")));
	for (size_t k = 0; k < 2; k++) {
		struct json_object *list = ctl_member(held, kinds[k]);

		if (!ctl_length(list))
			continue;
		(void)printf("    %s that would go:", kinds[k]);
		for (size_t i = 0; i < ctl_length(list) && i < 10; i++)
			(void)printf(" %s", ctl_safe(json_object_get_string(
						    json_object_array_get_idx(list, i))));
		(void)printf("%s\n", ctl_length(list) > 10 ? " …" : "");
	}
	if (ctl_int(held, "memberships"))
		(void)printf("    memberships that would go: %lld\n", ctl_int(held, "memberships"));
}

int command_status(const struct ctl *c, int argc, char **argv)
{
	struct json_object *o, *dirs, *last;
	char ago[CLOCK_TEXT];
	const char *health;
	int r = ctl_ask(c, ctl_request("status"), false, NULL, &o);

	(void)argc;
	(void)argv;
	if (r == WIRE_EXIT_UNREACHABLE)
		return read_status(c);
	if (r)
		return r;
	health = ctl_str(o, "health");
	r = strcmp(health, "red") == 0 ? WIRE_EXIT_FAILED : 0;
	if (c->json)
		return ctl_finish(c, o, r);
	(void)printf("%s%s%s: %s\n",
		     !c->color                       ? ""
		     : strcmp(health, "red") == 0    ? "\033[31m"
		     : strcmp(health, "yellow") == 0 ? "\033[33m"
						     : "\033[32m",
		     health, c->color ? "\033[0m" : "", ctl_safe(ctl_str(o, "reason")));
	(void)printf("  image      generation %s",
		     *ctl_str(o, "generation") ? ctl_str(o, "generation") : "none");
	if (*ctl_str(o, "published"))
		(void)printf(", published %s ago", since(ctl_str(o, "published"), ago));
	if (*ctl_str(o, "confirmed"))
		(void)printf(", confirmed %s ago", since(ctl_str(o, "confirmed"), ago));
	(void)printf("\n  people     %lld (%lld active, %lld may log in), %lld groups; %lld "
		     "records refused\n",
		     ctl_int(o, "users"), ctl_int(o, "active"), ctl_int(o, "allowed"),
		     ctl_int(o, "groups"), ctl_int(o, "refused"));
	last = ctl_member(o, "last_sync");
	if (last)
		(void)printf("  last sync  %s ago, %s, took %.2f s\n",
			     since(ctl_str(last, "at"), ago),
			     ctl_true(last, "ok") ? "good" : "failed",
			     json_object_get_double(ctl_member(last, "seconds")));
	if (ctl_true(o, "syncing"))
		(void)printf("  next sync  now\n");
	else if (*ctl_str(o, "next_sync"))
		(void)printf("  next sync  in %s\n", since(ctl_str(o, "next_sync"), ago));
	dirs = ctl_member(o, "directories");
	for (size_t i = 0; i < ctl_length(dirs); i++) {
		struct json_object *d = json_object_array_get_idx(dirs, i);

		(void)printf("  directory  %s: %s, %lld users, %lld groups, %s\n",
			     ctl_safe(ctl_str(d, "name")), ctl_str(d, "state"), ctl_int(d, "users"),
			     ctl_int(d, "groups"), ctl_safe(ctl_str(d, "url")));
		(void)printf("  events     %s\n", ctl_safe(ctl_str(d, "events")));
		if (ctl_member(d, "held"))
			status_held(ctl_member(d, "held"));
	}
	return ctl_finish(c, o, r);
}

// ------------------------------------------------------------------ refusals

int command_refusals(const struct ctl *c, int argc, char **argv)
{
	static const char *const columns[] = { "KIND", "NAME", "CODE", "REASON" };
	struct json_object *o, *list;
	struct columns *t;
	int r = ctl_ask(c, ctl_request("refusals"), true, NULL, &o);

	(void)argc;
	(void)argv;
	if (r)
		return r;
	if (c->json)
		return ctl_finish(c, o, 0);
	list = ctl_member(o, "refusals");
	t = columns_new(c->no_legend, columns, 4);
	for (size_t i = 0; i < ctl_length(list); i++) {
		struct json_object *x = json_object_array_get_idx(list, i);

		(void)columns_row(t, (const char *[]){ ctl_str(x, "kind"), ctl_str(x, "name"),
						       ctl_str(x, "code"), ctl_str(x, "text") });
	}
	columns_print(t);
	return ctl_finish(c, o, 0);
}

// --------------------------------------------------------------------- sync

static void sync_progress(const struct ctl *c, struct json_object *p)
{
	long long total = ctl_int(p, "total");

	if (c->quiet || c->json || !isatty(STDERR_FILENO))
		return;
	(void)fprintf(stderr, "\r\033[K%s: %s, %lld users, %lld groups",
		      ctl_safe(ctl_str(p, "directory")), ctl_str(p, "stage"), ctl_int(p, "users"),
		      ctl_int(p, "groups"));
	if (total > 0)
		(void)fprintf(stderr, " of %lld", total);
	(void)fflush(stderr);
}

static void sync_plan(struct json_object *plan)
{
	static const struct {
		const char *key;
		char sign;
	} parts[] = { { "added", '+' }, { "changed", '~' }, { "removed", '-' } };

	for (size_t k = 0; k < 3; k++) {
		struct json_object *list = ctl_member(plan, parts[k].key);

		for (size_t i = 0; i < ctl_length(list); i++)
			(void)printf("%c %s\n", parts[k].sign,
				     ctl_safe(json_object_get_string(
					     json_object_array_get_idx(list, i))));
	}
}

int command_sync(const struct ctl *c, int argc, char **argv)
{
	static const struct option options[] = { { "full", no_argument, NULL, 'f' },
						 { "dry-run", no_argument, NULL, 'n' },
						 { "wait", no_argument, NULL, 'w' },
						 { "accept-removals", no_argument, NULL, 'r' },
						 { "accept-directory", required_argument, NULL,
						   'd' },
						 { 0 } };
	struct json_object *request = ctl_request("sync"), *o;
	int ch, r;

	optind = 0;
	while ((ch = getopt_long(argc, argv, "", options, NULL)) != -1) {
		const char *key = ch == 'f'   ? "full"
				  : ch == 'n' ? "dry_run"
				  : ch == 'w' ? "wait"
					      : "accept_removals";

		if (ch == 'd')
			(void)json_object_object_add(request, "accept_directory",
						     json_object_new_string(optarg));
		else if (ch != '?')
			(void)json_object_object_add(request, key, json_object_new_boolean(true));
		if (ch == 'r' || ch == 'd') // whoever accepts wants to see it done
			(void)json_object_object_add(request, "wait",
						     json_object_new_boolean(true));
		if (ch == '?') {
			json_object_put(request);
			return WIRE_EXIT_USAGE;
		}
	}
	if (optind != argc) {
		json_object_put(request);
		(void)fprintf(stderr, "scimctl sync: \"%s\" is not understood\n",
			      ctl_safe(argv[optind]));
		return WIRE_EXIT_USAGE;
	}
	r = ctl_ask(c, request, true, sync_progress, &o);
	if (!c->quiet && !c->json && isatty(STDERR_FILENO))
		(void)fprintf(stderr, "\r\033[K");
	if (r)
		return r;
	if (!c->json && ctl_true(o, "queued"))
		(void)printf("asked for; see: scimctl status\n");
	else if (!c->json && ctl_member(o, "plan"))
		sync_plan(ctl_member(o, "plan"));
	else if (!c->json && !c->quiet)
		(void)printf("%s: %lld users, %lld groups, %lld records refused, %.2f s\n",
			     ctl_true(o, "changed") ? "changed" : "nothing changed",
			     ctl_int(o, "users"), ctl_int(o, "groups"), ctl_int(o, "refused"),
			     json_object_get_double(ctl_member(o, "seconds")));
	return ctl_finish(c, o, 0);
}

// -------------------------------------------------------------------- audit

int command_audit(const struct ctl *c, int argc, char **argv)
{
	static const struct option options[] = { { "user", required_argument, NULL, 'u' },
						 { "since", required_argument, NULL, 's' },
						 { "verify", no_argument, NULL, 'v' },
						 { 0 } };
	static const char *const columns[] = { "SEQ", "TIME", "EVENT", "KIND", "NAME", "DETAIL" };
	struct json_object *request = ctl_request("audit"), *o, *list;
	struct columns *t;
	int ch, r;

	optind = 0;
	while ((ch = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (ch == '?') {
			json_object_put(request);
			return WIRE_EXIT_USAGE;
		}
		if (ch == 'v')
			(void)json_object_object_add(request, "verify",
						     json_object_new_boolean(true));
		else
			(void)json_object_object_add(request, ch == 'u' ? "user" : "since",
						     json_object_new_string(optarg));
	}
	if (optind != argc) {
		json_object_put(request);
		(void)fprintf(stderr, "scimctl audit: \"%s\" is not understood\n",
			      ctl_safe(argv[optind]));
		return WIRE_EXIT_USAGE;
	}
	r = ctl_ask(c, request, true, NULL, &o);
	if (r)
		return r;
	r = ctl_member(o, "verified") && !ctl_true(o, "verified") ? WIRE_EXIT_FAILED : 0;
	if (c->json)
		return ctl_finish(c, o, r);
	list = ctl_member(o, "entries");
	t = columns_new(c->no_legend, columns, 6);
	for (size_t i = 0; i < ctl_length(list); i++) {
		struct json_object *x = json_object_array_get_idx(list, i);
		char seq[24];

		(void)snprintf(seq, sizeof(seq), "%lld", ctl_int(x, "seq"));
		(void)columns_row(t, (const char *[]){ seq, ctl_str(x, "at"), ctl_str(x, "event"),
						       ctl_str(x, "kind"), ctl_str(x, "name"),
						       ctl_str(x, "detail") });
	}
	columns_print(t);
	if (ctl_member(o, "verified"))
		(void)printf("%s\n", r ? ctl_safe(ctl_str(o, "problem")) : "the chain is whole");
	return ctl_finish(c, o, r);
}

// ------------------------------------------------------------------- others

int command_cache(const struct ctl *c, int argc, char **argv)
{
	static const char *const keys[] = { "image_bytes", "store_bytes", "map_size",
					    "resources",   "ledger",      "audit" };
	struct json_object *o;
	const char *what = argc > 1 ? argv[1] : "stats";
	bool rebuild = strcmp(what, "rebuild") == 0;
	int r;

	if (argc == 2 && strcmp(what, "verify") == 0)
		return read_verify(c);
	if (argc > 2 || (!rebuild && strcmp(what, "stats") != 0)) {
		(void)fprintf(stderr, "Usage: scimctl cache stats|verify|rebuild\n");
		return WIRE_EXIT_USAGE;
	}
	r = ctl_ask(c, ctl_request(rebuild ? "rebuild" : "cache"), true, NULL, &o);
	if (r)
		return r;
	if (rebuild) {
		if (!c->json)
			(void)printf("published anew: %lld users, %lld groups\n",
				     ctl_int(o, "users"), ctl_int(o, "groups"));
		return ctl_finish(c, o, 0);
	}
	for (size_t i = 0; !c->json && i < sizeof(keys) / sizeof(*keys); i++)
		(void)printf("%-12s %lld\n", keys[i], ctl_int(o, keys[i]));
	return ctl_finish(c, o, 0);
}

int command_check(const struct ctl *c, int argc, char **argv)
{
	struct json_object *request, *o;
	int r;

	if (argc != 2) {
		(void)fprintf(stderr, "Usage: scimctl check NAME\n");
		return WIRE_EXIT_USAGE;
	}
	request = ctl_request("check");
	(void)json_object_object_add(request, "name", json_object_new_string(argv[1]));
	r = ctl_ask(c, request, true, NULL, &o);
	if (r)
		return r;
	if (!c->json)
		(void)printf("%s (%lld ms)\n", ctl_str(o, "answer"), ctl_int(o, "ms"));
	r = strcmp(ctl_str(o, "answer"), "active") == 0    ? 0
	    : strcmp(ctl_str(o, "answer"), "unknown") == 0 ? WIRE_EXIT_TEMPORARY
							   : WIRE_EXIT_DENIED;
	return ctl_finish(c, o, r);
}

int command_reload(const struct ctl *c, int argc, char **argv)
{
	struct json_object *o;
	int r = ctl_ask(c, ctl_request("reload"), true, NULL, &o);

	(void)argc;
	(void)argv;
	return r ? r : ctl_finish(c, o, 0);
}
