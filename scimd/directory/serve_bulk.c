// SPDX-License-Identifier: MIT
//
// Bulk (RFC 7644 §3.7): every operation in a transaction inside the one that
// commits them all; references by bulkId, forwards too (§3.7.1).
//
// An operation counts the references that it still waits for, and each bulkId knows
// who waits for it: whatever the order, every reference is looked at twice.
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
	struct json_object *data; // borrowed, of the request
	size_t waits;             // references to what is not there yet
	bool done, leaver;        // leaver: it disables or deletes a User, or changes nothing
	int status;
	struct scim_problem problem;
	char location[512], etag[RENDER_ETAG];
};

struct bulk_name {
	const char *name;
	char id[DIR_ID_TEXT];  // "": not known (yet)
	struct bulk_edge *ops; // that wait for it
};

struct bulk_edge {
	struct bulk_op *op;
	struct bulk_edge *next;
};

struct bulk {
	struct serve_request *rq;
	struct bulk_op *ops, *op; // op: the one that runs
	size_t count;
	struct bulk_name *names; // sorted
	size_t name_count;
	size_t at;             // operations up to here have had their turn
	struct bulk_op **late; // those that could not run in it and can now
	size_t late_count;
	int fail_on, failures; // fail_on 0: go on whatever fails
};

static int bulk_name_order(const void *a, const void *b)
{
	return strcmp(((const struct bulk_name *)a)->name, ((const struct bulk_name *)b)->name);
}

static struct bulk_name *bulk_name(const struct bulk *b, const char *name)
{
	const struct bulk_name key = { .name = name };

	return b->name_count ? bsearch(&key, b->names, b->name_count, sizeof(key), bulk_name_order)
			     : NULL;
}

// The id that "bulkId:NAME" stands for: NULL not known (yet).
static const char *bulk_named(const struct bulk *b, const char *name)
{
	const struct bulk_name *n = bulk_name(b, name);

	return n && n->id[0] ? n->id : NULL;
}

// A copy with references replaced; NULL: no memory, or null.
static struct json_object *bulk_resolve(const struct bulk *b, struct json_object *in)
{
	struct json_object *out = NULL;
	const char *text = json_string(in), *id;

	if (text && strncmp(text, "bulkId:", 7) == 0) {
		id = bulk_named(b, text + 7);
		return json_object_new_string(id ? id : "");
	}
	if (json_object_is_type(in, json_type_array)) {
		out = json_object_new_array();
		for (size_t i = 0; out && i < json_object_array_length(in); i++)
			(void)json_object_array_add(out,
						    bulk_resolve(b,
								 json_object_array_get_idx(in, i)));
		return out;
	}
	if (!json_object_is_type(in, json_type_object))
		return json_object_get(in);
	out = json_object_new_object();
	if (!out)
		return NULL;
	json_object_object_foreach(in, key, v)(void)
		json_object_object_add(out, key, bulk_resolve(b, v));
	return out;
}

// "/Users/x", "Users/x", with or without the base.
static int bulk_target(const struct bulk *b, struct bulk_op *op, uint8_t *kind, char *id,
		       size_t room)
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
		(void)snprintf(id, room, "%s", ref ? ref : "");
	}
	return 0;
}

// Where what an operation is about lies, known or not (§3.7.3: all but a POST that fails).
static void bulk_place(const struct bulk *b, struct bulk_op *op, uint8_t kind, const char *id)
{
	if (*id && strcasecmp(op->method, "POST") != 0)
		(void)snprintf(op->location, sizeof(op->location), "%s%s/%s", b->rq->s->base,
			       dir_type(kind)->endpoint, id);
}

static int bulk_change(struct store_txn *t, struct bulk *b, uint8_t kind, const char *id,
		       struct json_object *data, struct change_result *res)
{
	struct bulk_op *op = b->op;
	struct change c = serve_change(b->rq);

	c.if_match = op->version;
	if (strcasecmp(op->method, "POST") == 0) {
		op->status = 201;
		return change_create(t, &c, kind, data, res, &op->problem);
	}
	op->status = 200;
	if (strcasecmp(op->method, "PUT") == 0)
		return change_replace(t, &c, kind, id, data, res, &op->problem);
	if (strcasecmp(op->method, "PATCH") == 0)
		return change_patch(t, &c, kind, id, data, res, &op->problem);
	op->status = 204;
	op->leaver = kind == RESOURCE_USER;
	if (strcasecmp(op->method, "DELETE") == 0)
		return change_delete(t, &c, kind, id, &op->problem);
	return scim_problem(&op->problem, 400, "invalidValue", "method \"%s\"", op->method);
}

static int bulk_one(struct store_txn *t, void *arg, struct fail *f)
{
	struct bulk *b = arg;
	struct bulk_op *op = b->op;
	struct change_result res = { 0 };
	struct json_object *data = NULL;
	char id[600];
	uint8_t kind;
	int r = bulk_target(b, op, &kind, id, sizeof(id));

	(void)f;
	op->leaver = false;
	if (r < 0)
		return r;
	bulk_place(b, op, kind, id);
	if (op->data && !(data = bulk_resolve(b, op->data)))
		return -ENOMEM;
	r = bulk_change(t, b, kind, id, data, &res);
	json_object_put(data);
	if (r < 0 || op->status == 204)
		return r;
	op->leaver = res.disabled || !res.changed;
	b->rq->none = true; // location and etag only
	r = serve_put_resource(b->rq, t, res.kind, res.seq);
	b->rq->none = false;
	if (r == 0) {
		memcpy(op->location, b->rq->location, sizeof(op->location));
		memcpy(op->etag, b->rq->etag, sizeof(op->etag));
	}
	return r;
}

// ------------------------------------------------------------------ the order

static int bulk_wait(struct bulk *b, struct bulk_op *op, const char *text)
{
	struct bulk_name *n;
	struct bulk_edge *e;

	if (!text || strncmp(text, "bulkId:", 7) != 0)
		return 0;
	op->waits++;
	n = bulk_name(b, text + 7);
	if (!n)
		return 0; // for ever
	e = malloc(sizeof(*e));
	if (!e)
		return -ENOMEM;
	*e = (struct bulk_edge){ op, n->ops };
	n->ops = e;
	return 0;
}

static int bulk_wait_all(struct bulk *b, struct bulk_op *op, struct json_object *in)
{
	int r = 0;

	if (json_object_is_type(in, json_type_array))
		for (size_t i = 0; r == 0 && i < json_object_array_length(in); i++)
			r = bulk_wait_all(b, op, json_object_array_get_idx(in, i));
	if (!json_object_is_type(in, json_type_object))
		return r < 0 ? r : bulk_wait(b, op, json_string(in));
	json_object_object_foreach(in, key, v)
	{
		(void)key;
		if (r == 0)
			r = bulk_wait_all(b, op, v);
	}
	return r;
}

// Its id is known: who has waited for that alone can run.
static void bulk_known(struct bulk *b, const struct bulk_op *op, const char *id)
{
	struct bulk_name *n = op->bulk_id ? bulk_name(b, op->bulk_id) : NULL;
	struct bulk_edge *e;

	if (!n || n->id[0])
		return;
	(void)snprintf(n->id, sizeof(n->id), "%s", id);
	while ((e = n->ops)) {
		n->ops = e->next;
		if (--e->op->waits == 0 && e->op < b->ops + b->at)
			b->late[b->late_count++] = e->op;
		free(e);
	}
}

static int bulk_begin(struct bulk *b, struct json_object *list)
{
	int r = 0;

	b->ops = calloc(b->count + 1, sizeof(*b->ops));
	b->names = calloc(b->count + 1, sizeof(*b->names));
	b->late = calloc(b->count + 1, sizeof(*b->late));
	if (!b->ops || !b->names || !b->late)
		return -ENOMEM;
	for (size_t i = 0; i < b->count; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		const char *method = json_string(json_member(o, "method"));

		b->ops[i].method = method ? method : "";
		b->ops[i].path = json_string(json_member(o, "path"));
		b->ops[i].bulk_id = json_string(json_member(o, "bulkId"));
		b->ops[i].version = json_string(json_member(o, "version"));
		b->ops[i].data = json_member(o, "data");
		if (b->ops[i].bulk_id)
			b->names[b->name_count++].name = b->ops[i].bulk_id;
	}
	if (b->name_count)
		qsort(b->names, b->name_count, sizeof(*b->names), bulk_name_order);
	// One given twice stands for what was made first.
	for (size_t i = 0, n = b->name_count; i < n; i++) {
		if (i == 0)
			b->name_count = 0;
		if (i == 0 || strcmp(b->names[i].name, b->names[b->name_count - 1].name) != 0)
			b->names[b->name_count++].name = b->names[i].name;
	}
	for (size_t i = 0; r == 0 && i < b->count; i++) {
		struct bulk_op *op = &b->ops[i];
		const char *ref = op->path ? strstr(op->path, "/bulkId:") : NULL;

		r = bulk_wait_all(b, op, op->data);
		if (r == 0 && ref)
			r = bulk_wait(b, op, ref + 1);
	}
	return r;
}

static void bulk_end(struct bulk *b)
{
	for (size_t i = 0; i < b->name_count; i++) {
		struct bulk_edge *e;

		while ((e = b->names[i].ops)) {
			b->names[i].ops = e->next;
			free(e);
		}
	}
	free(b->late);
	free(b->names);
	free(b->ops);
}

static bool bulk_enough(const struct bulk *b)
{
	return b->fail_on && b->failures >= b->fail_on;
}

// 0 or the store's failure.
static int bulk_try(struct store_txn *t, struct bulk *b, struct bulk_op *op)
{
	struct fail f = { "" };
	int r;

	b->op = op;
	r = store_try(t, bulk_one, b, &f);
	if (r < 0 && !(r == -EINVAL && op->problem.status))
		return r;
	if (r < 0)
		op->status = op->problem.status;
	b->failures += r < 0;
	op->done = true;
	if (r == 0 && op->etag[0])
		bulk_known(b, op, strrchr(op->location, '/') + 1);
	return 0;
}

static void bulk_stuck(struct bulk *b, struct bulk_op *op)
{
	uint8_t kind;
	char id[600];

	if (bulk_target(b, op, &kind, id, sizeof(id)) == 0) {
		bulk_place(b, op, kind, id);
		(void)scim_problem(&op->problem, 409, NULL,
				   "it refers to a bulkId that no operation creates");
	}
	op->status = op->problem.status;
	op->done = true;
	b->failures++;
}

// In order, those that refer to what is not there yet later. 0 or the store's failure.
static int bulk_all(struct store_txn *t, struct bulk *b)
{
	int r = 0;

	while (r == 0 && b->at < b->count && !bulk_enough(b)) {
		struct bulk_op *op = &b->ops[b->at++];

		if (op->waits == 0)
			r = bulk_try(t, b, op);
	}
	for (size_t i = 0; r == 0 && i < b->late_count && !bulk_enough(b); i++)
		r = bulk_try(t, b, b->late[i]);
	if (r < 0)
		return r;
	for (size_t i = 0; i < b->count; i++)
		if (!b->ops[i].done && !bulk_enough(b))
			bulk_stuck(b, &b->ops[i]);
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
	r = bulk_begin(&b, list);
	if (r == 0)
		r = bulk_all(t, &b);
	j->vital = b.ops != NULL;
	for (size_t i = 0; b.ops && i < b.count; i++)
		j->vital &= b.ops[i].leaver || b.ops[i].problem.status || !b.ops[i].done;
	if (r == 0)
		r = bulk_answer(&b);
	rq->etag[0] = rq->location[0] = '\0';
	bulk_end(&b);
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
