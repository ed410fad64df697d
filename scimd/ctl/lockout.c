// SPDX-License-Identifier: MIT
//
// The commands about people who left: whose processes still run, and the evidence.
#include "scimd/ctl/ctl.h"
#include <getopt.h>
#include <json-c/json.h>
#include <scimd/wire.h>
#include <stdio.h>
#include <string.h>

static size_t length(struct json_object *list)
{
	return json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

static struct json_object *list_of(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	(void)json_object_object_get_ex(o, key, &v);
	return v;
}

static int finish(const struct ctl *c, struct json_object *o, int code)
{
	if (c->json)
		ctl_print_json(o);
	json_object_put(o);
	return code;
}

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
		return finish(c, o, 0);
	list = list_of(o, "lockouts");
	t = length(list) ? columns_new(c->no_legend, columns, 5) : NULL;
	for (size_t i = 0; i < length(list); i++) {
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
	if (!length(list) && !c->quiet)
		(void)printf("nobody's processes are to be ended\n");
	return finish(c, o, 0);
}

// ----------------------------------------------------------------- evidence

static void evidence_line(struct json_object *x, const char *key, const char *words)
{
	if (*ctl_str(x, key))
		(void)printf("  %-24s  %s\n", ctl_safe(ctl_str(x, key)), words);
}

static void evidence_print(struct json_object *x)
{
	struct json_object *left = list_of(x, "left");
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
	for (size_t i = 0; i < length(left); i++)
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
	static const struct option options[] = { { "user", required_argument, NULL, 'u' },
						 { "limit", required_argument, NULL, 'l' },
						 { 0 } };
	struct json_object *request = ctl_request("evidence"), *o, *list;
	int ch, r;

	optind = 0;
	while ((ch = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (ch == '?') {
			json_object_put(request);
			return WIRE_EXIT_USAGE;
		}
		(void)json_object_object_add(request, ch == 'u' ? "user" : "limit",
					     json_object_new_string(optarg));
	}
	if (optind != argc) {
		json_object_put(request);
		(void)fprintf(stderr, "scimctl evidence: \"%s\" is not understood\n",
			      ctl_safe(argv[optind]));
		return WIRE_EXIT_USAGE;
	}
	r = ctl_ask(c, request, true, NULL, &o);
	if (r)
		return r;
	list = list_of(o, "lockouts");
	r = !ctl_true(o, "good") ? WIRE_EXIT_FAILED : length(list) ? 0 : WIRE_EXIT_NOT_FOUND;
	if (c->json)
		return finish(c, o, r);
	for (size_t i = 0; i < length(list); i++)
		evidence_print(json_object_array_get_idx(list, i));
	if (!length(list))
		(void)fprintf(stderr, "scimctl: nobody of that name was locked out here\n");
	(void)printf("%s\n", ctl_true(o, "chain_whole") ? "the chain of the audit log is whole"
							: ctl_safe(ctl_str(o, "problem")));
	return finish(c, o, r);
}
