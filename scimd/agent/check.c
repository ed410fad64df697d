// SPDX-License-Identifier: MIT
//
// The live check: one GET of one person while somebody waits at a login. Root
// may ask about anyone, another uid only about itself; what the directory
// answers is told, and a person it calls disabled is looked at by a full round.
#include "scimd/agent/agent.h"
#include "scimd/agent/control.h"
#include "scimd/agent/internal.h"
#include "scimd/base/buf.h"
#include "scimd/base/clock.h"
#include "scimd/identity/map.h"
#include "scimd/identity/resolve.h"
#include "scimd/scim/resource.h"
#include "scimd/store/store.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#define CHECK_DEADLINE_MS 1500

struct check {
	struct agent *agent;
	struct control_call *call; // NULL once the client has hung up
	size_t directory;
	int64_t began;
};

struct check_search {
	const char *name;
	char *source, *id;
	uint32_t uid;
};

static int check_visit(void *arg, const struct store_ledger *l)
{
	struct check_search *s = arg;

	if (l->kind != RESOURCE_USER || l->deleted || strcmp(l->source, LEDGER_RESTORED) == 0 ||
	    strcmp(l->name, s->name) != 0)
		return 0;
	s->source = strdup(l->source);
	s->id = strdup(l->id);
	s->uid = l->uid;
	return 1;
}

static void check_gone(struct control_call *call)
{
	struct check *c = call->wait;

	c->call = NULL;
}

static const char *check_active(struct check *c, struct json_object *user)
{
	struct buf b = BUF_INIT;
	const char *word = "unknown";
	struct field f;

	if (map_resource(c->agent->mappings[c->directory], RESOURCE_USER, user, &b, NULL) == 0) {
		int r = resource_find(b.data, b.len, FIELD_ACTIVE, &f);

		word = r == 0 || (r == 1 && f.len == 4 && memcmp(f.text, "true", 4) == 0)
			       ? "active"
			       : "disabled";
	}
	buf_free(&b);
	return word;
}

static void check_end(void *arg, const struct fetch_check *fc)
{
	struct check *c = arg;
	const char *word = fc->status == 200   ? check_active(c, fc->user)
			   : fc->status == 404 ? "gone"
					       : "unknown";
	struct json_object *o;

	// The directory says more than the image knows: a full round follows.
	if (strcmp(word, "disabled") == 0 || strcmp(word, "gone") == 0)
		(void)agent_sync(c->agent, &(struct agent_request){ .full = true });
	if (c->call) {
		o = json_object_new_object();
		(void)json_object_object_add(o, "schema", json_object_new_int(1));
		(void)json_object_object_add(o, "answer", json_object_new_string(word));
		(void)json_object_object_add(o, "status", json_object_new_int(fc->status));
		(void)json_object_object_add(o, "ms",
					     json_object_new_int64(clock_boot() - c->began));
		if (fc->text && *fc->text)
			(void)json_object_object_add(o, "reason", json_object_new_string(fc->text));
		control_ok(c->call, o);
	}
	free(c);
}

void agent_check(struct agent *a, struct control_call *call, const char *name)
{
	struct check_search s = { .name = name };
	struct store_txn *view;
	struct fail f = { "" };
	struct check *c = NULL;

	if (store_view(a->store, &view, &f) == 0) {
		(void)store_ledger_each(view, check_visit, &s);
		store_view_end(view);
	}
	if (!s.id || !s.source || (call->uid != 0 && call->uid != s.uid)) {
		// The same words for a stranger and for somebody else's name.
		control_error(call, "not-found", "no such account, or not yours to ask about");
		goto out;
	}
	c = calloc(1, sizeof(*c));
	if (!c) {
		control_error(call, "temporary", "out of memory");
		goto out;
	}
	*c = (struct check){ .agent = a, .call = call, .began = clock_boot() };
	while (c->directory < a->config->directory_count &&
	       strcmp(a->config->directories[c->directory].name, s.source) != 0)
		c->directory++;
	call->wait = c;
	call->gone = check_gone;
	if (c->directory == a->config->directory_count ||
	    fetch_user(a->fetches[c->directory], s.id, CHECK_DEADLINE_MS, check_end, c, &f) < 0) {
		control_error(call, "temporary",
			      f.text[0] ? f.text : "its directory is not configured");
		free(c);
	}
out:
	free(s.source);
	free(s.id);
}
