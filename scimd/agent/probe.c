// SPDX-License-Identifier: MIT
//
// A question to a directory, asked now, for `scimctl doctor`: about a person whom nobody
// can be. Whatever it says but a refusal shows that the way there, TLS and the token are
// good, without any record being read.
#include "scimd/agent/agent.h"
#include "scimd/agent/answer.h"
#include "scimd/agent/config.h"
#include "scimd/agent/control.h"
#include "scimd/agent/fetch.h"
#include "scimd/agent/internal.h"
#include "scimd/base/clock.h"
#include "scimd/base/fail.h"
#include "scimd/scim/json.h"
#include <json-c/json.h>
#include <scimd/account.h>
#include <stdlib.h>
#include <string.h>

#define PROBE_MS 5000

struct probe {
	struct control_call *call; // NULL once the client has hung up
	int64_t began;
};

static void probe_gone(struct control_call *call)
{
	struct probe *p = call->wait;

	p->call = NULL;
}

static void probe_end(void *arg, const struct fetch_check *c)
{
	struct probe *p = arg;
	struct json_object *o;

	if (p->call) {
		o = answer_new();
		answer_int(o, "status", c->status);
		answer_int(o, "ms", clock_boot() - p->began);
		answer_str(o, "reason", c->text ? c->text : "");
		control_ok(p->call, o);
	}
	free(p);
}

void command_probe(struct control_call *call)
{
	const char *name = json_string(json_member(call->request, "directory"));
	const struct config *config = call->agent->config;
	struct fail f = { "" };
	struct probe *p;
	size_t d = 0;

	while (name && d < config->directory_count &&
	       strcmp(config->directories[d].name, name) != 0)
		d++;
	if (!name || d == config->directory_count) {
		control_error(call, "not-found",
			      "no [directory/…] section of that name is configured");
		return;
	}
	p = calloc(1, sizeof(*p));
	if (!p) {
		control_error(call, "temporary", "out of memory");
		return;
	}
	*p = (struct probe){ .call = call, .began = clock_boot() };
	if (fetch_user(call->agent->fetches[d], ACCOUNT_PROBE_NAME, NULL, PROBE_MS, probe_end, p,
		       &f) < 0) {
		control_error(call, "failed", f.text);
		free(p);
		return;
	}
	call->wait = p;
	call->gone = probe_gone;
}
