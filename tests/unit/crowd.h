// SPDX-License-Identifier: MIT
//
// People and groups for tests, from the JSON that a directory would send, through
// the attribute table, to accounts.
#ifndef TESTS_UNIT_CROWD_H
#define TESTS_UNIT_CROWD_H

#include "scimd/base/arena.h"
#include "scimd/base/buf.h"
#include "scimd/base/fail.h"
#include "scimd/identity/map.h"
#include "scimd/identity/resolve.h"
#include "scimd/scim/filter.h"
#include "scimd/scim/resource.h"
#include <errno.h>
#include <json-c/json.h>
#include <scimd/account.h>
#include <stdlib.h>
#include <string.h>

#define CROWD_MAX 4096

struct crowd {
	struct arena arena;
	struct mapping *mapping;
	struct identity_rules rules;
	struct identity_source sources[4];
	size_t source_count;
	struct identity_resource resources[CROWD_MAX];
	size_t count;
	struct ledger_entry ledger[64];
	size_t ledger_count;
	struct local_accounts local;
	struct resolved out;
};

static inline void crowd_open(struct crowd *c, const struct scim_filter *allow,
			      const struct scim_filter *deny)
{
	const struct scim_filter *filters[] = { allow, deny };
	struct fail f = { "" };

	memset(c, 0, sizeof(*c));
	c->rules = (struct identity_rules){ .home = "/home/%u", .shell = "/bin/bash" };
	c->rules.cut = "cut";
	c->rules.allow = allow;
	c->rules.deny = deny;
	c->rules.allow_all = !allow;
	c->sources[0].name = "corp";
	c->sources[1].name = "lab";
	c->source_count = 2;
	if (mapping_new(NULL, 0, filters, 2, &c->mapping, &f) < 0)
		abort();
}

// 0, or what map_resource says of it.
static inline int crowd_put(struct crowd *c, uint32_t source, uint8_t kind, struct json_object *o)
{
	struct buf b = BUF_INIT;
	struct fail f = { "" };
	int r = map_resource(c->mapping, kind, o, &b, &f);

	if (r == 0) {
		if (c->count == CROWD_MAX)
			abort();
		c->resources[c->count++] =
			(struct identity_resource){ .source = source,
						    .kind = kind,
						    .bytes = arena_bytes(&c->arena, b.data, b.len),
						    .len = b.len };
	}
	buf_free(&b);
	return r;
}

static inline int crowd_add(struct crowd *c, uint32_t source, uint8_t kind, const char *json)
{
	struct json_object *o = json_tokener_parse(json);
	int r = o ? crowd_put(c, source, kind, o) : -EINVAL;

	json_object_put(o);
	return r;
}

static inline void crowd_resolve(struct crowd *c)
{
	struct resolve_input in = { .rules = &c->rules,
				    .sources = c->sources,
				    .source_count = c->source_count,
				    .resources = c->resources,
				    .resource_count = c->count,
				    .ledger = c->ledger,
				    .ledger_count = c->ledger_count,
				    .local = &c->local,
				    .now = 1000 };
	struct fail f = { "" };

	arena_free(&c->out.arena);
	memset(&c->out, 0, sizeof(c->out));
	if (identity_resolve(&in, &c->out, &f) < 0)
		abort();
}

static inline void crowd_close(struct crowd *c)
{
	arena_free(&c->out.arena);
	mapping_free(c->mapping);
	arena_free(&c->arena);
}

static inline const struct account *crowd_user(const struct crowd *c, const char *name)
{
	for (uint32_t i = 0; i < c->out.account_count; i++)
		if (strcmp(c->out.accounts[i].name, name) == 0)
			return &c->out.accounts[i];
	return NULL;
}

static inline const struct account_group *crowd_group(const struct crowd *c, const char *name)
{
	for (uint32_t i = 0; i < c->out.group_count; i++)
		if (strcmp(c->out.groups[i].name, name) == 0)
			return &c->out.groups[i];
	return NULL;
}

static inline const struct refusal *crowd_refusal(const struct crowd *c, const char *code)
{
	for (uint32_t i = 0; i < c->out.refusal_count; i++)
		if (strcmp(c->out.refusals[i].code, code) == 0)
			return &c->out.refusals[i];
	return NULL;
}

#endif
