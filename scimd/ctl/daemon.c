// SPDX-License-Identifier: MIT
//
// The commands that ask the daemon.
#include "scimd/ctl/ctl.h"
#include "scimd/ctl/read.h"
#include <json-c/json.h>
#include <scimd/wire.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
	if (strcmp(ctl_str(p, "stage"), "missing") == 0)
		(void)fprintf(stderr, ", %lld asked for", ctl_int(p, "asked"));
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
	static const struct ctl_option options[] = {
		{ "full", "full", false, false },
		{ "dry-run", "dry_run", false, false },
		{ "wait", "wait", false, false },
		{ "accept-removals", "accept_removals", false, true },
		{ "accept-directory", "accept_directory", true, true },
		{ 0 }
	};
	struct json_object *request = ctl_request("sync"), *o;
	int r = ctl_options(argc, argv, options, request);

	if (r)
		return r;
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
	static const struct ctl_option options[] = { { "user", "user", true, false },
						     { "since", "since", true, false },
						     { "verify", "verify", false, false },
						     { 0 } };
	static const char *const columns[] = { "SEQ", "TIME", "EVENT", "KIND", "NAME", "DETAIL" };
	struct json_object *request = ctl_request("audit"), *o, *list;
	struct columns *t;
	int r = ctl_options(argc, argv, options, request);

	if (r)
		return r;
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
	if (ctl_true(o, "older_left_out"))
		(void)fprintf(stderr,
			      "scimctl: the last %zu entries; for older ones: --user, --since\n",
			      ctl_length(list));
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
