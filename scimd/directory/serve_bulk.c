// SPDX-License-Identifier: MIT
//
// Bulk (RFC 7644 §3.7): every operation in a transaction inside the one that
// commits them all; references by bulkId, forwards too (§3.7.1).
#include "scimd/directory/db.h"
#include "scimd/directory/serve_internal.h"
#include "scimd/scim/json.h"
#include "scimd/scim/schema.h"
#include "scimd/store/store.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct bulk_op {
	const char *method, *path, *bulk_id, *version;
	struct json_object *data; // owned: references replaced
	bool done, leaver;        // leaver: it disables or deletes a User, or changes nothing
	int status;
	struct scim_problem problem;
	char id[DIR_ID_TEXT]; // what a POST created
	char location[512], etag[RENDER_ETAG];
};

struct bulk {
	struct serve_request *rq;
	struct bulk_op *ops, *op; // op: the one that runs
	size_t count;
	int fail_on; // 0: go on whatever fails
};

// The id that "bulkId:NAME" stands for: NULL not known (yet).
static const char *bulk_named(const struct bulk *b, const char *name)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->ops[i].bulk_id && b->ops[i].id[0] && strcmp(b->ops[i].bulk_id, name) == 0)
			return b->ops[i].id;
	return NULL;
}

// A copy with references replaced; *missing set when one is not known.
static struct json_object *bulk_resolve(const struct bulk *b, struct json_object *in, int depth,
					bool *missing)
{
	struct json_object *out = NULL;
	const char *text = json_string(in), *id;

	if (depth > SERVE_JSON_DEPTH)
		return NULL;
	if (text && strncmp(text, "bulkId:", 7) == 0) {
		id = bulk_named(b, text + 7);
		*missing |= !id;
		return json_object_new_string(id ? id : "");
	}
	if (json_object_is_type(in, json_type_array)) {
		out = json_object_new_array();
		for (size_t i = 0; out && i < json_object_array_length(in); i++)
			(void)json_object_array_add(out,
						    bulk_resolve(b,
								 json_object_array_get_idx(in, i),
								 depth + 1, missing));
		return out;
	}
	if (!json_object_is_type(in, json_type_object))
		return json_object_get(in);
	out = json_object_new_object();
	if (!out)
		return NULL;
	json_object_object_foreach(in, key, v)(void)
		json_object_object_add(out, key, bulk_resolve(b, v, depth + 1, missing));
	return out;
}

// "/Users/x", "Users/x", with or without the base.
static int bulk_target(const struct bulk *b, struct bulk_op *op, uint8_t *kind, char *id,
		       size_t room, bool *missing)
{
	const char *p = op->path ? op->path : "", *rest, *ref;

	if (strncmp(p, b->rq->s->base, strlen(b->rq->s->base)) == 0)
		p += strlen(b->rq->s->base);
	p += *p == '/';
	*kind = strncasecmp(p, "Users", 5) == 0    ? RESOURCE_USER
		: strncasecmp(p, "Groups", 6) == 0 ? RESOURCE_GROUP
						   : 0;
	rest = p + (*kind == RESOURCE_USER ? 5 : 6);
	if (!*kind || (*rest && *rest != '/') || strlen(rest) >= room)
		return scim_problem(&op->problem, 400, "invalidValue",
				    "path \"%s\" is neither /Users nor /Groups",
				    op->path ? op->path : "");
	(void)snprintf(id, room, "%s", *rest ? rest + 1 : "");
	if (strncmp(id, "bulkId:", 7) == 0) {
		ref = bulk_named(b, id + 7);
		*missing |= !ref;
		(void)snprintf(id, room, "%s", ref ? ref : "");
	}
	return 0;
}

static int bulk_one(struct store_txn *t, void *arg, struct fail *f)
{
	struct bulk *b = arg;
	struct bulk_op *op = b->op;
	struct change c = serve_change(b->rq);
	struct change_result res = { 0 };
	bool missing = false;
	char id[600];
	uint8_t kind;
	int r = bulk_target(b, op, &kind, id, sizeof(id), &missing);

	(void)f;
	c.if_match = op->version;
	op->leaver = false;
	if (r < 0)
		return r;
	if (strcasecmp(op->method, "POST") == 0) {
		r = change_create(t, &c, kind, op->data, &res, &op->problem);
		op->status = 201;
	} else if (strcasecmp(op->method, "PUT") == 0) {
		r = change_replace(t, &c, kind, id, op->data, &res, &op->problem);
		op->status = 200;
	} else if (strcasecmp(op->method, "PATCH") == 0) {
		r = change_patch(t, &c, kind, id, op->data, &res, &op->problem);
		op->status = 200;
	} else if (strcasecmp(op->method, "DELETE") == 0) {
		op->status = 204;
		(void)snprintf(op->location, sizeof(op->location), "%s%s/%s", b->rq->s->base,
			       dir_type(kind)->endpoint, id);
		op->leaver = kind == RESOURCE_USER;
		return change_delete(t, &c, kind, id, &op->problem);
	} else {
		return scim_problem(&op->problem, 400, "invalidValue", "method \"%s\"", op->method);
	}
	op->leaver = res.disabled || !res.changed;
	b->rq->none = true; // location and etag only
	if (r == 0)
		r = serve_put_resource(b->rq, t, res.kind, res.seq);
	if (r == 0) {
		memcpy(op->location, b->rq->location, sizeof(op->location));
		memcpy(op->etag, b->rq->etag, sizeof(op->etag));
		(void)snprintf(op->id, sizeof(op->id), "%s", strrchr(op->location, '/') + 1);
	}
	b->rq->none = false;
	return r;
}

static bool bulk_ready(struct bulk *b, struct bulk_op *op, struct json_object *data)
{
	bool missing = false;
	uint8_t kind;
	char id[600];

	json_object_put(op->data);
	op->data = data ? bulk_resolve(b, data, 0, &missing) : NULL;
	if (bulk_target(b, op, &kind, id, sizeof(id), &missing) < 0)
		memset(&op->problem, 0, sizeof(op->problem)); // it will be said when it runs
	return !missing;
}

// In order, those that refer to what is not there yet later. 0 or the store's failure.
static int bulk_all(struct store_txn *t, struct bulk *b, struct json_object *list)
{
	int failures = 0;
	bool moved;

	do {
		moved = false;
		for (size_t i = 0; i < b->count; i++) {
			struct bulk_op *op = &b->ops[i];
			struct fail f = { "" };
			int r;

			if (op->done ||
			    !bulk_ready(b, op,
					json_member(json_object_array_get_idx(list, i), "data")))
				continue;
			if (b->fail_on && failures >= b->fail_on)
				return 0;
			b->op = op;
			r = store_try(t, bulk_one, b, &f);
			if (r < 0 && !(r == -EINVAL && op->problem.status))
				return r;
			if (r < 0)
				op->status = op->problem.status;
			failures += r < 0;
			op->done = moved = true;
		}
	} while (moved);
	for (size_t i = 0; i < b->count; i++)
		if (!b->ops[i].done && !(b->fail_on && failures >= b->fail_on)) {
			(void)scim_problem(&b->ops[i].problem, 409, NULL,
					   "it refers to a bulkId that no operation creates");
			b->ops[i].status = 409;
			b->ops[i].done = true;
			failures++;
		}
	return 0;
}

static struct json_object *bulk_result(const struct bulk_op *op)
{
	struct json_object *o = json_object_new_object();
	char status[8];

	(void)snprintf(status, sizeof(status), "%d", op->status);
	(void)json_object_object_add(o, "method", json_object_new_string(op->method));
	if (op->bulk_id)
		(void)json_object_object_add(o, "bulkId", json_object_new_string(op->bulk_id));
	if (op->location[0])
		(void)json_object_object_add(o, "location", json_object_new_string(op->location));
	if (op->etag[0] && !op->problem.status)
		(void)json_object_object_add(o, "version", json_object_new_string(op->etag));
	(void)json_object_object_add(o, "status", json_object_new_string(status));
	if (op->problem.status)
		(void)json_object_object_add(o, "response", scim_problem_json(&op->problem));
	return o;
}

static int bulk_answer(struct bulk *b)
{
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();
	struct json_object *schemas = json_object_new_array();
	const char *text;
	int r = -ENOMEM;

	if (o && list && schemas) {
		(void)json_object_array_add(
			schemas, json_object_new_string(
					 "urn:ietf:params:scim:api:messages:2.0:BulkResponse"));
		for (size_t i = 0; i < b->count; i++)
			if (b->ops[i].done)
				(void)json_object_array_add(list, bulk_result(&b->ops[i]));
		(void)json_object_object_add(o, "schemas", schemas);
		(void)json_object_object_add(o, "Operations", list);
		text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
								 JSON_C_TO_STRING_NOSLASHESCAPE);
		r = text ? buf_str(&b->rq->out, text) : -ENOMEM;
	}
	json_object_put(o);
	return r;
}

static int bulk_run(struct store_txn *t, struct writer_job *j, struct fail *f)
{
	struct serve_request *rq = serve_of(j);
	struct json_object *list = json_member(rq->body, "Operations");
	struct bulk b = { .rq = rq, .count = json_object_array_length(list) };
	int64_t fail_on = 0;
	int r;

	(void)f;
	buf_clear(&rq->out);
	rq->status = 200;
	(void)json_integer(json_member(rq->body, "failOnErrors"), &fail_on);
	b.fail_on = fail_on > 0 && fail_on < INT32_MAX ? (int)fail_on : 0;
	b.ops = calloc(b.count ? b.count : 1, sizeof(*b.ops));
	if (!b.ops)
		return -ENOMEM;
	for (size_t i = 0; i < b.count; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		const char *method = json_string(json_member(o, "method"));

		b.ops[i].method = method ? method : "";
		b.ops[i].path = json_string(json_member(o, "path"));
		b.ops[i].bulk_id = json_string(json_member(o, "bulkId"));
		b.ops[i].version = json_string(json_member(o, "version"));
	}
	r = bulk_all(t, &b, list);
	j->vital = true;
	for (size_t i = 0; i < b.count; i++)
		j->vital &= b.ops[i].leaver || b.ops[i].problem.status || !b.ops[i].done;
	if (r == 0)
		r = bulk_answer(&b);
	rq->etag[0] = rq->location[0] = '\0';
	for (size_t i = 0; i < b.count; i++)
		json_object_put(b.ops[i].data);
	free(b.ops);
	return r;
}

void serve_bulk(struct serve_request *rq)
{
	struct json_object *list = json_member(rq->body, "Operations");

	if (!json_object_is_type(list, json_type_array)) {
		(void)scim_problem(&rq->problem, 400, "invalidSyntax",
				   "a BulkRequest has a list of Operations");
	} else if (json_object_array_length(list) > SERVE_BULK_MAX) {
		(void)scim_problem(&rq->problem, 413, NULL, "%zu operations; %d are the limit",
				   json_object_array_length(list), SERVE_BULK_MAX);
	} else {
		serve_write(rq, bulk_run);
		return;
	}
	serve_problem(rq, &rq->problem);
}
