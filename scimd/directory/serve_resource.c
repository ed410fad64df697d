// SPDX-License-Identifier: MIT
//
// The handlers of Users and Groups (RFC 7644 §3.3 to §3.6).
#include "scimd/directory/db.h"
#include "scimd/directory/serve_internal.h"
#include "scimd/scim/project.h"
#include "scimd/scim/schema.h"
#include "scimd/store/store.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

static struct serve_request *resource_request(struct writer_job *j)
{
	struct serve_request *rq = serve_of(j);

	buf_clear(&rq->out); // a job may run again
	rq->none = false;
	return rq;
}

int serve_put_resource(struct serve_request *rq, struct store_txn *t, uint8_t kind, uint64_t seq)
{
	struct render c = serve_render(rq);
	struct dir_record r;
	char id[DIR_ID_TEXT];
	int rc = dir_get(t, kind, seq, &r);

	if (rc < 0)
		return rc;
	dir_id_text(id, r.head.id);
	(void)snprintf(rq->location, sizeof(rq->location), "%s%s/%s", rq->s->base,
		       dir_type(kind)->endpoint, id);
	render_etag(rq->etag, &r.head);
	return rq->none ? 0 : render_resource(t, &c, &r, &rq->out);
}

// attributes, excludedAttributes of requests that are no lists.
static bool resource_projection(struct serve_request *rq)
{
	if (scim_projection_parse(http_query(rq->http, "attributes"),
				  http_query(rq->http, "excludedAttributes"), &rq->query.projection,
				  &rq->problem) == 0)
		return true;
	serve_problem(rq, &rq->problem);
	return false;
}

static int resource_create(struct store_txn *t, struct writer_job *j, struct fail *f)
{
	struct serve_request *rq = resource_request(j);
	struct change c = serve_change(rq);
	struct change_result res;
	int r = change_create(t, &c, rq->route->kind, rq->body, &res, &rq->problem);

	(void)f;
	rq->status = 201;
	return r < 0 ? r : serve_put_resource(rq, t, res.kind, res.seq);
}

void serve_create(struct serve_request *rq)
{
	if (resource_projection(rq))
		serve_write(rq, resource_create);
}

static int resource_replace(struct store_txn *t, struct writer_job *j, struct fail *f)
{
	struct serve_request *rq = resource_request(j);
	struct change c = serve_change(rq);
	struct change_result res = { 0 };
	int r = change_replace(t, &c, rq->route->kind, rq->id, rq->body, &res, &rq->problem);

	(void)f;
	rq->job.vital = res.disabled;
	rq->status = 200;
	return r < 0 ? r : serve_put_resource(rq, t, res.kind, res.seq);
}

void serve_replace(struct serve_request *rq)
{
	if (resource_projection(rq))
		serve_write(rq, resource_replace);
}

static int resource_patch(struct store_txn *t, struct writer_job *j, struct fail *f)
{
	struct serve_request *rq = resource_request(j);
	struct change c = serve_change(rq);
	struct change_result res = { 0 };
	int r = change_patch(t, &c, rq->route->kind, rq->id, rq->body, &res, &rq->problem);

	(void)f;
	rq->job.vital = res.disabled;
	// A group may be large: its body only for those who ask (RFC 7644 §3.5.2).
	rq->none = rq->route->kind == RESOURCE_GROUP && !rq->query.projection;
	rq->status = rq->none ? 204 : 200;
	return r < 0 ? r : serve_put_resource(rq, t, res.kind, res.seq);
}

void serve_patch(struct serve_request *rq)
{
	if (resource_projection(rq))
		serve_write(rq, resource_patch);
}

static int resource_delete(struct store_txn *t, struct writer_job *j, struct fail *f)
{
	struct serve_request *rq = resource_request(j);
	struct change c = serve_change(rq);

	(void)f;
	rq->job.vital = rq->route->kind == RESOURCE_USER; // leavers, too
	rq->status = 204;
	rq->none = true;
	return change_delete(t, &c, rq->route->kind, rq->id, &rq->problem);
}

void serve_delete(struct serve_request *rq)
{
	serve_write(rq, resource_delete);
}

void serve_get(struct serve_request *rq)
{
	struct fail f = { "" };
	struct store_txn *t;
	struct dir_record rec;
	int r;

	if (!resource_projection(rq))
		return;
	r = store_view(rq->s->store, &t, &f);
	if (r < 0) {
		serve_error(rq, r, &f);
		return;
	}
	r = dir_find(t, rq->route->kind, rq->id, &rec);
	if (r == 0)
		r = serve_put_resource(rq, t, rec.head.kind, rec.head.seq);
	store_view_end(t);
	if (r == -ENOENT) {
		(void)scim_problem(&rq->problem, 404, NULL, "%s \"%s\" is not here",
				   dir_type(rq->route->kind)->name, rq->id);
		serve_problem(rq, &rq->problem);
	} else if (r < 0) {
		serve_error(rq, r, &f);
	} else if (serve_etag_matches(rq, rq->etag)) {
		serve_not_modified(rq, rq->etag);
	} else {
		rq->location[0] = '\0';
		serve_body(rq, 200, NULL);
	}
}

// -------------------------------------------------------------------- lists

static int resource_list(struct store_txn *t, struct writer_job *j, struct fail *f)
{
	struct serve_request *rq = resource_request(j);

	(void)f;
	rq->status = 200;
	return find_list(t, rq->s->base, &rq->s->limits, &rq->query, &rq->out, &rq->problem);
}

// An ETag for the list: it is the same as long as nothing at all has changed.
static int resource_list_now(struct serve_request *rq, bool conditional)
{
	struct fail f = { "" };
	struct store_txn *t;
	uint64_t generation;
	int r = store_view(rq->s->store, &t, &f);

	if (r < 0) {
		serve_error(rq, r, &f);
		return 1;
	}
	r = change_generation(t, &generation);
	(void)snprintf(rq->etag, sizeof(rq->etag), "W/\"l%llu\"", (unsigned long long)generation);
	if (r == 0 && conditional && serve_etag_matches(rq, rq->etag)) {
		store_view_end(t);
		serve_not_modified(rq, rq->etag);
		return 1;
	}
	rq->query.places = &rq->s->places;
	rq->query.candidates_max = FIND_NOW_MAX;
	if (r == 0 && find_is_cheap(&rq->query))
		r = resource_list(t, &rq->job, &f);
	else if (r == 0)
		r = 2;
	if (r == -E2BIG)
		r = 2;
	rq->query.places = NULL; // a job is another thread's
	rq->query.candidates_max = 0;
	store_view_end(t);
	if (r == -EINVAL && rq->problem.status)
		serve_problem(rq, &rq->problem);
	else if (r < 0)
		serve_error(rq, r, &f);
	else if (r == 0)
		serve_body(rq, 200, NULL);
	return r == 2 ? 0 : 1;
}

static const char *resource_query(void *arg, const char *name)
{
	return http_query(arg, name);
}

void serve_list(struct serve_request *rq)
{
	rq->query.kind = rq->route->kind;
	if (find_read(&rq->query, resource_query, rq->http, &rq->problem) < 0) {
		serve_problem(rq, &rq->problem);
		return;
	}
	if (!resource_list_now(rq, true))
		serve_read(rq, resource_list, serve_job_done);
}

void serve_search(struct serve_request *rq)
{
	rq->query.kind = rq->route->kind;
	if (find_read_json(&rq->query, rq->body, &rq->problem) < 0) {
		serve_problem(rq, &rq->problem);
		return;
	}
	if (!resource_list_now(rq, false))
		serve_read(rq, resource_list, serve_job_done);
}
