// SPDX-License-Identifier: MIT
//
// The live check as a command: from a name to a person, whether the caller may ask
// about them, and the answer. Root may ask about anyone, another uid only about itself.
#include "scimd/agent/agent.h"
#include "scimd/agent/answer.h"
#include "scimd/agent/control.h"
#include "scimd/agent/internal.h"
#include "scimd/agent/live.h"
#include "scimd/base/clock.h"
#include "scimd/base/log.h"
#include "scimd/identity/resolve.h"
#include "scimd/image/read.h"
#include "scimd/scim/resource.h"
#include "scimd/store/store.h"
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <scimd/paths.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct check {
	struct agent *agent;
	struct control_call *call; // NULL once the client has hung up
	char *name;                // who was asked about, and their number
	uint32_t uid;
	int64_t began;
};

struct check_search {
	const char *name;
	uint32_t served; // the number that the image has for the name, 0 = none
	char *source, *id;
	uint32_t uid;
	struct live_known known;
};

// An ETag as HTTP wants it; some directories have a bare number there.
static void check_known(struct live_known *k, const struct store_resource *r)
{
	struct field f;

	k->active = resource_find(r->bytes, r->len, FIELD_ACTIVE, &f) == 0 ||
		    (f.len == 4 && memcmp(f.text, "true", 4) == 0);
	if (resource_find(r->bytes, r->len, FIELD_VERSION, &f) == 1 && f.len < sizeof(k->etag) &&
	    f.len >= 2 && f.text[f.len - 1] == '"' &&
	    (f.text[0] == '"' || (f.len >= 4 && memcmp(f.text, "W/\"", 3) == 0)) &&
	    !memchr(f.text, '\r', f.len) && !memchr(f.text, '\n', f.len))
		(void)snprintf(k->etag, sizeof(k->etag), "%.*s", (int)f.len, f.text);
}

static int check_found(void *arg, const struct store_resource *r, const struct store_ledger *l)
{
	struct check_search *s = arg;

	if (!l || l->kind != RESOURCE_USER || l->deleted ||
	    strcmp(l->source, LEDGER_RESTORED) == 0 || strcmp(l->name, s->name) != 0 ||
	    (s->served && l->uid != s->served))
		return 0;
	s->source = strdup(l->source);
	s->id = strdup(l->id);
	s->uid = l->uid;
	if (r)
		check_known(&s->known, r);
	return 1;
}

// Whoever the image serves under a name is the one who would log in.
static uint32_t check_served(const struct agent *a, const char *name)
{
	char path[PATH_MAX], buf[16384];
	struct image_found_user u;
	struct image im;
	uint32_t uid = 0;

	if (snprintf(path, sizeof(path), "%s/%s", a->config->state_dir, SCIMD_IMAGE_NAME) >=
		    (int)sizeof(path) ||
	    image_open(&im, path, IMAGE_BY_PREAD) != 0)
		return 0;
	if (image_user_by_name(&im, name, buf, sizeof(buf), &u) == 0)
		uid = u.head.uid;
	image_close(&im);
	return uid;
}

static void check_gone(struct control_call *call)
{
	struct check *c = call->wait;

	c->call = NULL;
}

static void check_tell(struct control_call *call, int64_t began, const struct live_answer *a)
{
	struct json_object *o = answer_new();

	(void)json_object_object_add(o, "answer", json_object_new_string(a->word));
	(void)json_object_object_add(o, "status", json_object_new_int(a->status));
	(void)json_object_object_add(o, "ms", json_object_new_int64(clock_boot() - began));
	if (*a->text)
		(void)json_object_object_add(o, "reason", json_object_new_string(a->text));
	control_ok(call, o);
}

// Whoever waits for it, the directory has said something about this person.
static void check_count(const struct check *c, const struct live_answer *a)
{
	struct counters *n = &c->agent->counters;
	bool disabled = strcmp(a->word, "disabled") == 0, gone = strcmp(a->word, "gone") == 0;

	n->live_ms += clock_boot() - c->began;
	if (disabled)
		n->disabled++;
	else if (gone)
		n->gone++;
	else if (strcmp(a->word, "active") == 0)
		n->active++;
	else
		n->unknown++;
	if (disabled || gone)
		log_event(EVENT_LOGIN_DENIED,
			  &(struct log_about){ .user = c->name, .uid = c->uid, .code = a->word },
			  "asked about \"%s\" (uid %u), the directory says: %s", c->name, c->uid,
			  a->word);
}

static void check_free(struct check *c)
{
	if (c)
		free(c->name);
	free(c);
}

static void check_end(void *arg, const struct live_answer *a)
{
	struct check *c = arg;

	check_count(c, a);
	if (c->call)
		check_tell(c->call, c->began, a);
	check_free(c);
}

static void check_ask(struct agent *a, struct control_call *call, const struct check_search *s)
{
	struct check *c = calloc(1, sizeof(*c));
	struct live_answer answer;
	struct fail f = { "" };
	size_t d = 0;
	int r = -ENOENT;

	if (c)
		*c = (struct check){ .agent = a,
				     .call = call,
				     .name = strdup(s->name),
				     .uid = s->uid,
				     .began = clock_boot() };
	if (!c || !c->name) {
		control_error(call, "temporary", "out of memory");
		check_free(c);
		return;
	}
	while (d < a->config->directory_count &&
	       strcmp(a->config->directories[d].name, s->source) != 0)
		d++;
	if (d < a->config->directory_count)
		r = live_ask(a->live, d, s->id, &s->known, check_end, c, &answer, &f);
	if (r == 0) {
		call->wait = c;
		call->gone = check_gone;
		return;
	}
	if (r == 1)
		check_count(c, &answer);
	if (r == 1)
		check_tell(call, c->began, &answer);
	else
		control_error(call, "temporary",
			      f.text[0] ? f.text : "its directory is not configured");
	check_free(c);
}

void agent_check(struct agent *a, struct control_call *call, const char *name)
{
	struct check_search s = { .name = name, .served = check_served(a, name) };
	struct store_txn *view;
	struct fail f = { "" };

	if (store_view(a->store, &view, &f) == 0) {
		(void)store_find(view, name, check_found, &s);
		store_view_end(view);
	}
	if (!s.id || !s.source || (call->uid != 0 && call->uid != s.uid))
		// The same words for a stranger and for somebody else's name.
		control_error(call, "not-found", "no such account, or not yours to ask about");
	else
		check_ask(a, call, &s);
	free(s.source);
	free(s.id);
}
