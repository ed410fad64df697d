// SPDX-License-Identifier: MIT
//
// The access policy, tried on one person for `explain`; see explain_access.h.
#include "scimd/agent/explain_access.h"
#include "scimd/agent/answer.h"
#include "scimd/agent/config.h"
#include "scimd/agent/explain.h"
#include "scimd/base/fail.h"
#include "scimd/identity/trial.h"
#include "scimd/scim/resource.h"
#include "scimd/store/store.h"
#include <errno.h>
#include <json-c/json.h>
#include <scimd/account.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool access_source(const struct access *a, const char *name, uint32_t *out)
{
	for (uint32_t i = 0; i < a->config->directory_count; i++)
		if (strcmp(a->config->directories[i].name, name) == 0) {
			*out = i;
			return true;
		}
	return false;
}

// The bytes stay where they are: in the map, as long as the view.
static int access_group(void *arg, const struct store_resource *r, const struct store_ledger *l)
{
	struct access *a = arg;
	uint32_t source;

	(void)l;
	if (!r || r->kind != RESOURCE_GROUP || !access_source(a, r->source, &source))
		return 0;
	if (a->count == a->cap) {
		size_t cap = a->cap * 2;
		struct identity_resource *more = reallocarray(a->resources, cap, sizeof(*more));

		if (!more)
			return -ENOMEM;
		a->resources = more;
		a->cap = cap;
	}
	a->resources[a->count++] = (struct identity_resource){ source, r->kind, r->bytes, r->len };
	return 0;
}

static int access_read(struct access *a)
{
	if (a->count)
		return 0;
	a->cap = 256;
	a->resources = calloc(a->cap, sizeof(*a->resources));
	a->sources = arena_array(&a->arena, a->config->directory_count + 1, sizeof(*a->sources));
	if (!a->resources || !a->sources)
		return -ENOMEM;
	for (size_t i = 0; i < a->config->directory_count; i++)
		a->sources[i].name = a->config->directories[i].name;
	a->count = 1;
	return store_find(a->view, STORE_GROUPS, access_group, a);
}

// A group by its id, else by a displayName that no other one bears.
static int access_wanted(const struct access *a, const char *wanted, uint32_t *out, struct fail *f)
{
	static const uint8_t tags[] = { FIELD_ID, FIELD_DISPLAY };
	size_t len = strlen(wanted), found = 0;
	struct field v;

	for (size_t k = 0; k < 2 && !found; k++)
		for (uint32_t i = 1; i < a->count; i++) {
			const struct identity_resource *g = &a->resources[i];

			if (resource_find(g->bytes, g->len, tags[k], &v) != 1 || v.len != len ||
			    (k ? strncasecmp(v.text, wanted, len) : memcmp(v.text, wanted, len)))
				continue;
			found++;
			*out = i;
		}
	if (found == 1)
		return 0;
	return fail(f, ENXIO,
		    found ? "several groups are called \"%s\": give the id of one"
			  : "no directory has a group \"%s\"",
		    wanted);
}

static void access_rule(struct json_object *list, const char *name, const char *filter,
			bool matches)
{
	struct json_object *o = json_object_new_object();

	answer_str(o, "rule", name);
	answer_str(o, "filter", filter);
	(void)json_object_object_add(o, "matches", json_object_new_boolean(matches));
	(void)json_object_array_add(list, o);
}

static struct json_object *access_rules(const struct access *a, const struct trial_result *t)
{
	struct json_object *list = json_object_new_array();

	access_rule(list, "deny", a->config->deny_text, t->deny);
	access_rule(list, "break-glass", a->config->break_glass_text, t->break_glass);
	access_rule(list, "allow", a->config->allow_text, t->allow);
	return list;
}

static struct json_object *access_would(const struct access *a, const struct trial_result *t)
{
	struct json_object *o = json_object_new_object();

	(void)json_object_object_add(o, "if_disabled",
				     json_object_new_boolean(a->what_if->disabled));
	answer_str(o, "if_group", a->what_if->group);
	answer_str(o, "state", account_state_word(t->state));
	answer_str(o, "verdict", account_verdict_word(t->verdict));
	answer_str(o, "rule", explain_rule(t->rule));
	(void)json_object_object_add(o, "rules", access_rules(a, t));
	return o;
}

int access_explain(struct access *a, const struct store_resource *person, struct json_object *out,
		   struct fail *f)
{
	struct resolve_input in = { .rules = &a->config->identity };
	struct trial t = { .group = TRIAL_NO_GROUP };
	struct trial_result result;
	uint32_t source;
	int r = 0;

	if (!access_source(a, person->source, &source))
		return 0;
	r = access_read(a);
	if (r < 0)
		return fail(f, -r, "the groups cannot be read: %s", fail_word(r));
	a->resources[0] =
		(struct identity_resource){ source, person->kind, person->bytes, person->len };
	in.sources = a->sources;
	in.source_count = a->config->directory_count;
	in.resources = a->resources;
	in.resource_count = a->count;
	r = identity_trial(&in, &t, &result, f);
	if (r == 0)
		(void)json_object_object_add(out, "rules", access_rules(a, &result));
	if (r < 0 || (!a->what_if->disabled && !a->what_if->group))
		return r;
	t.disabled = a->what_if->disabled;
	if (a->what_if->group)
		r = access_wanted(a, a->what_if->group, &t.group, f);
	if (r == 0)
		r = identity_trial(&in, &t, &result, f);
	if (r == 0)
		(void)json_object_object_add(out, "would", access_would(a, &result));
	return r;
}

void access_free(struct access *a)
{
	free(a->resources);
	arena_free(&a->arena);
}
