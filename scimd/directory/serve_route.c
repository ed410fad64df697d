// SPDX-License-Identifier: MIT
//
// Which request goes where, and what it needs: a row each. A further endpoint is
// one row here.
#include "scimd/directory/conf.h"
#include "scimd/directory/serve_internal.h"
#include "scimd/scim/resource.h"
#include <stdio.h>
#include <string.h>

const struct serve_route serve_routes[] = {
	{ "GET", "/Users", SERVE_READ, RESOURCE_USER, false, serve_list },
	{ "POST", "/Users", SERVE_WRITE, RESOURCE_USER, true, serve_create },
	{ "POST", "/Users/.search", SERVE_READ, RESOURCE_USER, true, serve_search },
	{ "GET", "/Users/{}", SERVE_READ, RESOURCE_USER, false, serve_get },
	{ "PUT", "/Users/{}", SERVE_WRITE, RESOURCE_USER, true, serve_replace },
	{ "PATCH", "/Users/{}", SERVE_WRITE, RESOURCE_USER, true, serve_patch },
	{ "DELETE", "/Users/{}", SERVE_WRITE, RESOURCE_USER, false, serve_delete },
	{ "GET", "/Groups", SERVE_READ, RESOURCE_GROUP, false, serve_list },
	{ "POST", "/Groups", SERVE_WRITE, RESOURCE_GROUP, true, serve_create },
	{ "POST", "/Groups/.search", SERVE_READ, RESOURCE_GROUP, true, serve_search },
	{ "GET", "/Groups/{}", SERVE_READ, RESOURCE_GROUP, false, serve_get },
	{ "PUT", "/Groups/{}", SERVE_WRITE, RESOURCE_GROUP, true, serve_replace },
	{ "PATCH", "/Groups/{}", SERVE_WRITE, RESOURCE_GROUP, true, serve_patch },
	{ "DELETE", "/Groups/{}", SERVE_WRITE, RESOURCE_GROUP, false, serve_delete },
	{ "POST", "/.search", SERVE_READ, 0, true, serve_search },
	{ "POST", "/Bulk", SERVE_WRITE, 0, true, serve_bulk },
	{ "GET", "/ServiceProviderConfig", SERVE_READ, 0, false, serve_provider_config },
	{ "GET", "/Schemas", SERVE_READ, 0, false, serve_schemas },
	{ "GET", "/Schemas/{}", SERVE_READ, 0, false, serve_schema },
	{ "GET", "/ResourceTypes", SERVE_READ, 0, false, serve_resource_types },
	{ "GET", "/ResourceTypes/{}", SERVE_READ, 0, false, serve_resource_type },
	{ "GET", "/Me", SERVE_READ, 0, false, serve_me },
	{ "POST", "/Me", SERVE_READ, 0, false, serve_me },
	{ "PUT", "/Me", SERVE_READ, 0, false, serve_me },
	{ "PATCH", "/Me", SERVE_READ, 0, false, serve_me },
	{ "DELETE", "/Me", SERVE_READ, 0, false, serve_me },
	{ "POST", "/Events/{}", SERVE_READ, 0, true, serve_events },
	{ "GET", "!/", SERVE_READ, 0, false, serve_page },
	{ "GET", "!/health", SERVE_ANYONE, 0, false, serve_health },
	{ "GET", "!/metrics", SERVE_READ, 0, false, serve_metrics },
	{ NULL, NULL, SERVE_ANYONE, 0, false, NULL },
};

// Segments of the path after the base's, compared one by one. *id_out: that of "{}".
static bool route_fits(const struct http_request *r, size_t from, const char *path,
		       const char **id_out)
{
	size_t i = from;

	for (const char *p = path; *p == '/'; i++) {
		size_t len = strcspn(++p, "/");
		const char *have = http_segment(r, i);

		if (!have)
			return false;
		if (len == 2 && memcmp(p, "{}", 2) == 0) {
			if (!*have || strcmp(have, ".search") == 0)
				return false;
			*id_out = have;
		} else if (strlen(have) != len || memcmp(have, p, len) != 0) {
			return false;
		}
		p += len;
	}
	// A final slash is tolerated.
	return !http_segment(r, i) || (!*http_segment(r, i) && !http_segment(r, i + 1));
}

// How many segments the base has, or SIZE_MAX when the path does not begin with it.
static size_t route_base(const struct serve *s, const struct http_request *r)
{
	size_t i = 0;

	for (const char *p = s->conf->base_path; *p == '/'; i++) {
		size_t len = strcspn(++p, "/");
		const char *have = http_segment(r, i);

		if (len == 0)
			break;
		if (!have || strlen(have) != len || memcmp(have, p, len) != 0)
			return SIZE_MAX;
		p += len;
	}
	return i;
}

const struct serve_route *serve_route_find(struct serve_request *rq, char *allow, size_t room)
{
	size_t base = route_base(rq->s, rq->http), at = 0;
	const char *method = http_method(rq->http);

	allow[0] = '\0';
	if (strcmp(method, "HEAD") == 0)
		method = "GET";
	for (const struct serve_route *row = serve_routes; row->method; row++) {
		bool root = row->path[0] == '!';

		if ((!root && base == SIZE_MAX) ||
		    !route_fits(rq->http, root ? 0 : base, row->path + root, &rq->id))
			continue;
		if (strcmp(row->method, method) == 0)
			return row;
		at += (size_t)snprintf(allow + at, room > at ? room - at : 0, "%s%s",
				       at ? ", " : "", row->method);
	}
	return NULL;
}
