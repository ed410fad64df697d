// SPDX-License-Identifier: MIT
//
// Which request goes where, and what it needs: a row each. A further endpoint is
// one row here.
#include "scimd/directory/serve_internal.h"
#include "scimd/scim/resource.h"

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
