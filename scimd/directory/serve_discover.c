// SPDX-License-Identifier: MIT
//
// What the provider says of itself (RFC 7644 §4, RFC 7643 §5 to §7, RFC 9865 §4),
// health and metrics.
#include "scimd/base/clock.h"
#include "scimd/directory/conf.h"
#include "scimd/directory/db.h"
#include "scimd/directory/feed.h"
#include "scimd/directory/serve_internal.h"
#include "scimd/scim/schema.h"
#include "scimd/store/store.h"
#include <json-c/json.h>
#include <string.h>

static void put(struct json_object *o, const char *key, struct json_object *v)
{
	(void)json_object_object_add(o, key, v);
}

static struct json_object *discover_supported(bool yes)
{
	struct json_object *o = json_object_new_object();

	put(o, "supported", json_object_new_boolean(yes));
	return o;
}

static struct json_object *discover_schemas_of(const char *urn)
{
	struct json_object *list = json_object_new_array();

	(void)json_object_array_add(list, json_object_new_string(urn));
	return list;
}

static struct json_object *discover_meta(const struct serve *s, const char *type, const char *path)
{
	struct json_object *o = json_object_new_object();
	struct buf b = BUF_INIT;

	(void)buf_printf(&b, "%s%s", s->base, path);
	put(o, "resourceType", json_object_new_string(type));
	put(o, "location", json_object_new_string(buf_text(&b)));
	buf_free(&b);
	return o;
}

void serve_provider_config(struct serve_request *rq)
{
	struct json_object *o = json_object_new_object(), *v, *list;
	const struct serve *s = rq->s;

	put(o, "schemas",
	    discover_schemas_of("urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"));
	put(o, "patch", discover_supported(true));
	v = discover_supported(true);
	put(v, "maxOperations", json_object_new_int(SERVE_BULK_MAX));
	put(v, "maxPayloadSize", json_object_new_int64((int64_t)s->conf->body_max));
	put(o, "bulk", v);
	v = discover_supported(true);
	put(v, "maxResults", json_object_new_int64(s->limits.page_max));
	put(o, "filter", v);
	put(o, "changePassword", discover_supported(false));
	put(o, "sort", discover_supported(true));
	put(o, "etag", discover_supported(true));
	v = json_object_new_object(); // the ETag of a list covers everything, on whatever page
	put(v, "etag", json_object_new_boolean(true));
	put(o, "urn:scimd:params:scim:lists", v);
	v = json_object_new_object();
	put(v, "cursor", json_object_new_boolean(true));
	put(v, "index", json_object_new_boolean(true));
	put(v, "defaultPaginationMethod", json_object_new_string("index"));
	put(v, "defaultPageSize", json_object_new_int64(s->limits.page_size));
	put(v, "maxPageSize", json_object_new_int64(s->limits.page_max));
	put(o, "pagination", v);
	list = json_object_new_array();
	v = json_object_new_object();
	put(v, "type", json_object_new_string("oauthbearertoken"));
	put(v, "name", json_object_new_string("Bearer token"));
	put(v, "description",
	    json_object_new_string("A token made by `scim-directory token create`"));
	put(v, "specUri", json_object_new_string("https://www.rfc-editor.org/info/rfc6750"));
	put(v, "primary", json_object_new_boolean(true));
	(void)json_object_array_add(list, v);
	put(o, "authenticationSchemes", list);
	(void)stream_advertise(s->base, s->conf->event_retention, o);
	put(o, "meta", discover_meta(s, "ServiceProviderConfig", "/ServiceProviderConfig"));
	serve_json(rq, 200, o);
}

static void discover_list(struct serve_request *rq, struct json_object *list)
{
	struct json_object *o = json_object_new_object();
	int64_t n = (int64_t)json_object_array_length(list);

	// A filter here SHOULD be refused (RFC 7644 §4).
	if (http_query(rq->http, "filter")) {
		json_object_put(o);
		json_object_put(list);
		(void)scim_problem(&rq->problem, 403, NULL, "this list cannot be filtered");
		serve_problem(rq, &rq->problem);
		return;
	}
	put(o, "schemas",
	    discover_schemas_of("urn:ietf:params:scim:api:messages:2.0:ListResponse"));
	put(o, "totalResults", json_object_new_int64(n));
	put(o, "itemsPerPage", json_object_new_int64(n));
	put(o, "startIndex", json_object_new_int(1));
	put(o, "Resources", list);
	serve_json(rq, 200, o);
}

void serve_schemas(struct serve_request *rq)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; scim_schema_at(i); i++)
		(void)json_object_array_add(list, scim_schema_json(scim_schema_at(i), rq->s->base));
	discover_list(rq, list);
}

static void discover_none(struct serve_request *rq, const char *what)
{
	(void)scim_problem(&rq->problem, 404, NULL, "there is no %s \"%s\"", what, rq->id);
	serve_problem(rq, &rq->problem);
}

void serve_schema(struct serve_request *rq)
{
	const struct scim_schema *s = scim_schema_by_urn(rq->id);

	if (s)
		serve_json(rq, 200, scim_schema_json(s, rq->s->base));
	else
		discover_none(rq, "schema");
}

void serve_resource_types(struct serve_request *rq)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; scim_type_at(i); i++)
		(void)json_object_array_add(list,
					    scim_resource_type_json(scim_type_at(i), rq->s->base));
	discover_list(rq, list);
}

void serve_resource_type(struct serve_request *rq)
{
	const struct scim_resource_type *t = scim_type_by_name(rq->id);

	if (t)
		serve_json(rq, 200, scim_resource_type_json(t, rq->s->base));
	else
		discover_none(rq, "resource type");
}

void serve_me(struct serve_request *rq)
{
	(void)scim_problem(&rq->problem, 501, NULL,
			   "tokens here are not people: /Me is not supported");
	serve_problem(rq, &rq->problem);
}

void serve_health(struct serve_request *rq)
{
	struct store_txn *t;
	struct fail f = { "" };
	int r = store_view(rq->s->store, &t, &f);

	if (r == 0)
		store_view_end(t);
	(void)buf_str(&rq->out, r == 0 ? "ok\n" : "the store cannot be read\n");
	serve_body(rq, r == 0 ? 200 : 503, "text/plain; charset=utf-8");
}

void serve_metrics(struct serve_request *rq)
{
	const struct serve *s = rq->s;
	struct store_stats st = { 0 };
	struct store_txn *t;
	uint64_t users = 0, groups = 0, feed = 0;
	struct buf *b = &rq->out;

	if (store_view(s->store, &t, NULL) == 0) {
		users = store_count(t, DIR_USER);
		groups = store_count(t, DIR_GROUP);
		(void)feed_head_number(t, &feed);
		store_view_end(t);
	}
	(void)store_stat(s->store, &st);
	(void)buf_printf(b,
			 "# TYPE scim_directory_resources gauge\n"
			 "scim_directory_resources{type=\"User\"} %llu\n"
			 "scim_directory_resources{type=\"Group\"} %llu\n"
			 "# TYPE scim_directory_events counter\n"
			 "scim_directory_events_total %llu\n"
			 "# TYPE scim_directory_store_bytes gauge\n"
			 "scim_directory_store_bytes %llu\n"
			 "# TYPE scim_directory_connections gauge\n"
			 "scim_directory_connections %u\n"
			 "# TYPE scim_directory_polls_waiting gauge\n"
			 "scim_directory_polls_waiting %u\n"
			 "# TYPE scim_directory_uptime_seconds gauge\n"
			 "scim_directory_uptime_seconds %lld\n"
			 "# TYPE scim_directory_answers counter\n",
			 (unsigned long long)users, (unsigned long long)groups,
			 (unsigned long long)feed, (unsigned long long)st.bytes,
			 http_server_connections(s->http), serve_events_waiting(s),
			 (long long)((clock_wall() - s->started) / 1000));
	for (int i = 2; i < 6; i++)
		(void)buf_printf(b, "scim_directory_answers_total{status=\"%dxx\"} %llu\n", i,
				 (unsigned long long)s->answers[i]);
	(void)buf_str(b, "# EOF\n");
	serve_body(rq, 200, "application/openmetrics-text; version=1.0.0; charset=utf-8");
}
