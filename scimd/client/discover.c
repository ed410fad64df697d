// SPDX-License-Identifier: MIT
//
// What a directory says of itself besides its ServiceProviderConfig: ResourceTypes
// (where users and groups are) and Schemas (numbers that nobody mapped are named
// once in the log). Asked for once per session, and every answer but a good one is
// no answer: a directory that does not describe itself is walked all the same.
#include "scimd/base/fail.h"
#include "scimd/base/log.h"
#include "scimd/client/pull_internal.h"
#include "scimd/scim/json.h"
#include <json-c/json.h>
#include <string.h>
#include <strings.h>

#define DISCOVER_MS 5000
#define DISCOVER_MAX 200 // schemas and resource types looked at

static void discover_schemas(struct pull *p);

static bool discover_list(const struct transfer_answer *a, struct scim_list *out)
{
	return a->r == 0 && a->status == 200 && !a->bad_json && scim_list_read(a->json, out);
}

// A plain path below the base URL, or the default stays.
static bool discover_path(const char *path)
{
	size_t len = path ? strlen(path) : 0;

	return len > 1 && len < SESSION_PATH_MAX && path[0] == '/' && !strstr(path, "//") &&
	       !strstr(path, "..") && path[len - 1] != '/' &&
	       strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-") ==
		       len;
}

static void discover_on_types(void *arg, const struct transfer_answer *a)
{
	static const char *const schemas[] = { "urn:ietf:params:scim:schemas:core:2.0:Group",
					       "urn:ietf:params:scim:schemas:core:2.0:User" };
	struct pull *p = arg;
	const char *found[2] = { NULL, NULL };
	struct scim_list list = { 0 };

	p->call = NULL;
	for (size_t i = 0; discover_list(a, &list) && i < list.count && i < DISCOVER_MAX; i++) {
		struct json_object *t = json_object_array_get_idx(list.resources, i);
		const char *schema = json_string(json_member(t, "schema"));
		const char *path = json_string(json_member(t, "endpoint"));

		for (int k = 0; k < 2 && schema && discover_path(path); k++)
			if (strcasecmp(schema, schemas[k]) == 0 && !found[k])
				found[k] = path;
	}
	// One place for both would make people of groups.
	if (found[0] && found[1] && strcasecmp(found[0], found[1]) == 0)
		found[0] = found[1] = NULL;
	for (int k = 0; k < 2; k++)
		if (found[k])
			session_found(p->session, k == 1, found[k]);
	discover_schemas(p);
}

// Whether the walk asks for URN:NAME.
static bool discover_mapped(const struct pull *p, const char *urn, const char *name)
{
	const char *list = p->calls.user_attributes ? p->calls.user_attributes : "";
	size_t n = strlen(urn), m = strlen(name);

	for (const char *at = list; *at; at += strcspn(at, ","), at += *at == ',')
		if (strncasecmp(at, urn, n) == 0 && at[n] == ':' &&
		    strncasecmp(at + n + 1, name, m) == 0 && strcspn(at, ",") == n + 1 + m)
			return true;
	return false;
}

static void discover_schema(const struct pull *p, struct json_object *schema)
{
	const char *urn = json_string(json_member(schema, "id"));
	struct json_object *list = json_member(schema, "attributes");
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;

	for (size_t i = 0; urn && i < n && i < DISCOVER_MAX; i++) {
		const char *name =
			json_string(json_member(json_object_array_get_idx(list, i), "name"));

		if (name && strcasecmp(name, "uidNumber") == 0 && !discover_mapped(p, urn, name))
			log_info("the directory's schemas have %.200s:uidNumber, which is not "
				 "mapped; if hosts shall use it: uid = %.200s:uidNumber",
				 urn, urn);
	}
}

static void discover_on_schemas(void *arg, const struct transfer_answer *a)
{
	struct pull *p = arg;
	struct scim_list list = { 0 };

	p->call = NULL;
	for (size_t i = 0; discover_list(a, &list) && i < list.count && i < DISCOVER_MAX; i++)
		discover_schema(p, json_object_array_get_idx(list.resources, i));
	pull_walk(p);
}

static void discover_schemas(struct pull *p)
{
	struct fail f = { "" };

	if (session_get(p->session, "/Schemas", false, DISCOVER_MS, discover_on_schemas, p,
			&p->call, &f) < 0)
		pull_walk(p);
}

void discover_start(struct pull *p)
{
	struct fail f = { "" };

	if (!session_first(p->session) ||
	    session_get(p->session, "/ResourceTypes", false, DISCOVER_MS, discover_on_types, p,
			&p->call, &f) < 0)
		pull_walk(p);
}
