// SPDX-License-Identifier: MIT
//
// How this host is, in a few lines: health first, then what it stands on.
#include "scimd/base/clock.h"
#include "scimd/ctl/ctl.h"
#include "scimd/ctl/read.h"
#include <json-c/json.h>
#include <scimd/wire.h>
#include <stdio.h>
#include <string.h>

static const char *since(const char *at, char ago[CLOCK_TEXT])
{
	int64_t ms;

	if (clock_parse(at, strlen(at), &ms) < 0)
		return "never";
	return clock_ago(ago, ms > clock_wall() ? ms - clock_wall() : clock_wall() - ms);
}

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

// Where there are none, there is nothing to say.
static void status_hooks(struct json_object *h)
{
	struct json_object *refused = ctl_member(h, "refused");

	if (!ctl_int(h, "hooks") && !ctl_int(h, "waiting") && !ctl_length(refused))
		return;
	(void)printf("  hooks      %lld%s events wait, %lld failed for good\n",
		     ctl_int(h, "waiting"), ctl_true(h, "more") ? " and more" : "",
		     ctl_int(h, "failed"));
	for (size_t i = 0; i < ctl_length(refused); i++)
		(void)printf("    refused: %s\n", ctl_safe(json_object_get_string(
							  json_object_array_get_idx(refused, i))));
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
	status_hooks(ctl_member(o, "hooks"));
	return ctl_finish(c, o, r);
}
