// SPDX-License-Identifier: MIT
//
// scimctl explain: why an account is as it is, and what would be.
#include "scimd/ctl/ctl.h"
#include "scimd/ctl/read.h"
#include <getopt.h>
#include <json-c/json.h>
#include <scimd/wire.h>
#include <stdio.h>
#include <string.h>

// Each rule of the policy, in the order in which they are asked.
static void explain_rules(struct json_object *list, const char *what)
{
	for (size_t i = 0; i < ctl_length(list); i++) {
		struct json_object *x = json_object_array_get_idx(list, i);
		const char *filter = ctl_str(x, "filter");

		(void)printf("  %-8s %-11s %s\n", i ? "" : what, ctl_str(x, "rule"),
			     !*filter                 ? "not stated"
			     : ctl_true(x, "matches") ? "matches"
						      : "does not match");
		if (*filter)
			(void)printf("           %-11s %s\n", "", ctl_safe(filter));
	}
}

static void explain_would(struct json_object *w)
{
	if (!w)
		return;
	(void)printf("  if%s", ctl_true(w, "if_disabled") ? " disabled" : "");
	if (*ctl_str(w, "if_group"))
		(void)printf(" in the group \"%s\"", ctl_safe(ctl_str(w, "if_group")));
	(void)printf(": login would be %s (rule: %s)\n", ctl_str(w, "verdict"), ctl_str(w, "rule"));
	explain_rules(ctl_member(w, "rules"), "then");
}

static void explain_account(struct json_object *a)
{
	struct json_object *list = ctl_member(a, "attributes");
	bool user = strcmp(ctl_str(a, "kind"), "user") == 0;
	bool served = strcmp(ctl_str(a, "state"), "not served") != 0;

	(void)printf("%s \"%s\" of directory \"%s\"\n", ctl_str(a, "kind"),
		     ctl_safe(*ctl_str(a, "user_name")      ? ctl_str(a, "user_name")
			      : *ctl_str(a, "display_name") ? ctl_str(a, "display_name")
							    : ctl_str(a, "name")),
		     ctl_safe(ctl_str(a, "source")));
	(void)printf("  id       %s\n", ctl_safe(ctl_str(a, "id")));
	if (*ctl_str(a, "name")) // refused, and known from before: its number is kept
		(void)printf("  %s   %s, %s %lld\n", served ? "served" : "ledger",
			     ctl_safe(ctl_str(a, "name")), user ? "uid" : "gid",
			     ctl_int(a, user ? "uid" : "gid"));
	if (user)
		(void)printf("  state    %s\n", ctl_str(a, "state"));
	if (*ctl_str(a, "verdict"))
		(void)printf("  login    %s (rule: %s)\n", ctl_str(a, "verdict"),
			     ctl_safe(ctl_str(a, "rule")));
	if (ctl_length(ctl_member(a, "groups"))) {
		(void)printf("  groups  ");
		for (size_t i = 0; i < ctl_length(ctl_member(a, "groups")); i++)
			(void)printf(" %s",
				     ctl_safe(json_object_get_string(json_object_array_get_idx(
					     ctl_member(a, "groups"), i))));
		(void)printf("\n");
	}
	for (size_t i = 0; i < ctl_length(list); i++) {
		struct json_object *x = json_object_array_get_idx(list, i);

		(void)printf("  %-12s %.200s%s%s\n", ctl_str(x, "field"),
			     ctl_safe(ctl_str(x, "value")), *ctl_str(x, "from") ? "   from " : "",
			     ctl_safe(ctl_str(x, "from")));
	}
	explain_rules(ctl_member(a, "rules"), "access");
	explain_would(ctl_member(a, "would"));
	list = ctl_member(a, "refusals");
	for (size_t i = 0; i < ctl_length(list); i++) {
		struct json_object *x = json_object_array_get_idx(list, i);

		(void)printf("  %s %s\n", ctl_true(x, "warning") ? "note:   " : "refused:",
			     ctl_safe(ctl_str(x, "text")));
	}
}

static int explain_options(int argc, char **argv, struct json_object *request, const char **name)
{
	static const struct option options[] = { { "if", required_argument, NULL, 'i' },
						 { "if-group", required_argument, NULL, 'g' },
						 { 0 } };
	int ch;

	optind = 0;
	while ((ch = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (ch == 'i' && strcmp(optarg, "disabled") == 0)
			(void)json_object_object_add(request, "if_disabled",
						     json_object_new_boolean(true));
		else if (ch == 'g')
			(void)json_object_object_add(request, "if_group",
						     json_object_new_string(optarg));
		else
			return -1;
	}
	if (optind + 1 != argc)
		return -1;
	*name = argv[optind];
	(void)json_object_object_add(request, "name", json_object_new_string(*name));
	return 0;
}

static bool explain_may(struct json_object *a)
{
	struct json_object *would = ctl_member(a, "would");
	const char *verdict = ctl_str(would ? would : a, "verdict");

	return strcmp(verdict, "allow") == 0 || strcmp(verdict, "break-glass") == 0;
}

int command_explain(const struct ctl *c, int argc, char **argv)
{
	struct json_object *request = ctl_request("explain"), *o, *list;
	const char *name;
	bool asked;
	int r;

	if (explain_options(argc, argv, request, &name) < 0) {
		json_object_put(request);
		(void)fprintf(stderr,
			      "Usage: scimctl explain [--if disabled] [--if-group ID] NAME\n");
		return WIRE_EXIT_USAGE;
	}
	asked = ctl_member(request, "if_disabled") || ctl_member(request, "if_group");
	r = ctl_ask(c, request, asked, NULL, &o); // what would be, only the daemon knows
	if (r == WIRE_EXIT_UNREACHABLE && !asked)
		return read_explain(c, name);
	if (r)
		return r;
	list = ctl_member(o, "accounts");
	if (!ctl_length(list)) {
		if (!c->json)
			(void)fprintf(stderr,
				      "scimctl: \"%s\": no directory has such a user or group\n",
				      ctl_safe(name));
		return ctl_finish(c, o, WIRE_EXIT_NOT_FOUND);
	}
	for (size_t i = 0; i < ctl_length(list); i++) {
		struct json_object *a = json_object_array_get_idx(list, i);

		if (!c->json)
			explain_account(a);
		if (strcmp(ctl_str(a, "kind"), "user") == 0
			    ? !explain_may(a)
			    : strcmp(ctl_str(a, "state"), "not served") == 0)
			r = WIRE_EXIT_DENIED;
	}
	return ctl_finish(c, o, r);
}
