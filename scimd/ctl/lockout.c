// SPDX-License-Identifier: MIT
//
// The commands about people who left: whose processes still run, and the evidence.
#include "scimd/ctl/ctl.h"
#include <json-c/json.h>
#include <scimd/wire.h>
#include <stdio.h>
#include <string.h>

int command_lockout(const struct ctl *c, int argc, char **argv)
{
	static const char *const columns[] = { "NAME", "UID", "CAUSE", "SEEN", "STATE" };
	struct json_object *request, *o, *list;
	struct columns *t;
	int r;

	if (argc > 2 || (argc == 2 && strcmp(argv[1], "--accept") != 0)) {
		(void)fprintf(stderr, "Usage: scimctl lockout [--accept]\n");
		return WIRE_EXIT_USAGE;
	}
	request = ctl_request("lockout");
	if (argc == 2)
		(void)json_object_object_add(request, "accept", json_object_new_boolean(true));
	r = ctl_ask(c, request, true, NULL, &o);
	if (r)
		return r;
	if (c->json)
		return ctl_finish(c, o, 0);
	list = ctl_member(o, "lockouts");
	t = ctl_length(list) ? columns_new(c->no_legend, columns, 5) : NULL;
	for (size_t i = 0; i < ctl_length(list); i++) {
		struct json_object *x = json_object_array_get_idx(list, i);

		(void)columns_row(t, (const char *[]){ ctl_str(x, "name"), ctl_str(x, "uid"),
						       ctl_str(x, "cause"), ctl_str(x, "seen"),
						       ctl_str(x, "state") });
	}
	columns_print(t);
	if (ctl_int(o, "held"))
		(void)printf("%lld at once are more than usual: their logins are denied, their "
			     "processes go on until\n  scimctl lockout --accept\n",
			     ctl_int(o, "held"));
	if (*ctl_str(o, "problem"))
		(void)printf("problem: %s\n", ctl_safe(ctl_str(o, "problem")));
	if (!ctl_length(list) && !c->quiet)
		(void)printf("nobody's processes are to be ended\n");
	return ctl_finish(c, o, 0);
}

// ----------------------------------------------------------------- evidence

static void evidence_line(struct json_object *x, const char *key, const char *words)
{
	if (*ctl_str(x, key))
		(void)printf("  %-24s  %s\n", ctl_safe(ctl_str(x, key)), words);
}

static void evidence_print(struct json_object *x)
{
	struct json_object *left = ctl_member(x, "left");
	char words[128];

	(void)printf("%s (uid %lld, %s): %s\n", ctl_safe(ctl_str(x, "name")), ctl_int(x, "uid"),
		     ctl_safe(ctl_str(x, "id")), ctl_safe(ctl_str(x, "cause")));
	evidence_line(x, "changed", "the directory changed the record");
	evidence_line(x, "seen", "this host saw it");
	evidence_line(x, "published", "the door was closed: logins are denied from here on");
	(void)snprintf(words, sizeof(words),
		       "the last process was gone (%lld ended, %lld sessions)",
		       ctl_int(x, "processes"), ctl_int(x, "sessions"));
	evidence_line(x, "ended", words);
	evidence_line(x, "let_in_again", "the directory let the person in again");
	for (size_t i = 0; i < ctl_length(left); i++)
		(void)printf("  not ended: %s, root's, started by them without a terminal\n",
			     ctl_safe(json_object_get_string(json_object_array_get_idx(left, i))));
	if (*ctl_str(x, "published"))
		(void)printf("  time to deny %.3f s", (double)ctl_int(x, "time_to_deny_ms") / 1000);
	if (*ctl_str(x, "ended"))
		(void)printf(", to the end of the last process %.3f s",
			     (double)ctl_int(x, "time_to_end_ms") / 1000);
	if (*ctl_str(x, "published"))
		(void)printf("\n");
	if (*ctl_str(x, "problem"))
		(void)printf("  PROBLEM: %s\n", ctl_safe(ctl_str(x, "problem")));
}

int command_evidence(const struct ctl *c, int argc, char **argv)
{
	static const struct ctl_option options[] = { { "user", "user", true, false },
						     { "limit", "limit", true, false },
						     { 0 } };
	struct json_object *request = ctl_request("evidence"), *o, *list;
	int r = ctl_options(argc, argv, options, request);

	if (r)
		return r;
	r = ctl_ask(c, request, true, NULL, &o);
	if (r)
		return r;
	list = ctl_member(o, "lockouts");
	r = !ctl_true(o, "good") ? WIRE_EXIT_FAILED : ctl_length(list) ? 0 : WIRE_EXIT_NOT_FOUND;
	if (c->json)
		return ctl_finish(c, o, r);
	for (size_t i = 0; i < ctl_length(list); i++)
		evidence_print(json_object_array_get_idx(list, i));
	if (!ctl_length(list))
		(void)fprintf(stderr, "scimctl: nobody of that name was locked out here\n");
	(void)printf("%s\n", ctl_true(o, "chain_whole") ? "the chain of the audit log is whole"
							: ctl_safe(ctl_str(o, "problem")));
	return ctl_finish(c, o, r);
}
