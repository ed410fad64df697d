// SPDX-License-Identifier: MIT
//
// What the serve_*.c files share: the server and one request's life.
//
// A request: serve_head (who, where, may it) → body → its route's handler →
// serve_answer…, at once or when a job is done. A client that goes away while a
// job is under way leaves its request to the job, which frees it. A poll that has
// to wait leaves little of itself behind: thousands do.
#ifndef SCIMD_DIRECTORY_SERVE_INTERNAL_H
#define SCIMD_DIRECTORY_SERVE_INTERNAL_H

#include "scimd/base/buf.h"
#include "scimd/directory/change.h"
#include "scimd/directory/find.h"
#include "scimd/directory/http.h"
#include "scimd/directory/stream.h"
#include "scimd/directory/token.h"
#include "scimd/directory/writer.h"
#include "scimd/scim/problem.h"
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct directory_conf;
struct serve_request;
struct store;

#define SERVE_JSON_DEPTH 32
#define SERVE_BULK_MAX 1000
#define SERVE_BEARER "Bearer realm=\"scim-directory\""

struct serve {
	const struct directory_conf *conf;
	sd_event *event;
	struct store *store;
	struct writer *writer, *reader;
	struct http_server *http;
	char *base; // of every location, no final slash
	struct find_limits limits;
	struct find_places places; // the loop's own
	int64_t started;
	uint64_t answers[6];           // by hundreds of the status
	struct serve_poll *polls;      // those that wait for the feed to move
	struct serve_request *large;   // with large bodies: the first has the turn, the others wait
	struct serve_request *reads;   // that wait for their turn on the reader's thread
	bool reading;                  // somebody has it,
	uint8_t read_last[DIGEST_LEN]; // with this token, or had it last
	bool ending;                   // no turns any more
	uint64_t feed, ticks;
	int64_t used_at; // the last token whose use was written, and when
	char used_id[TOKEN_ID];
	sd_event_source *poll_timer;
	bool trimming;
};

struct serve_route;

// What the HTTP layer knows of a request, first in either of the two that it may be.
struct serve_client {
	bool waits; // struct serve_poll, else struct serve_request
};

enum serve_turn { SERVE_TURN_NONE, SERVE_TURN_WAITS, SERVE_TURN_HAS };

struct serve_request {
	struct serve_client client;
	struct writer_job job;
	int (*run)(struct store_txn *t, struct writer_job *j, struct fail *f); // the job's
	struct serve *s;
	struct http_request *http; // NULL: the client is gone
	const struct serve_route *route;
	struct token token;
	const char *id; // of the path, or NULL
	// Copies, for a job may outlive its client:
	char *kept_id, *if_match, peer[64];
	struct json_object *body;
	struct buf text; // of a large one, until it is parsed
	enum serve_turn turn;
	struct serve_request *large_next;
	enum serve_turn read_turn; // of a list
	struct serve_request *read_next;
	struct scim_problem problem;
	struct find_query query;
	struct buf out;
	int status; // of a job that went well
	char location[512], etag[RENDER_ETAG];
	bool busy; // a job is under way
	bool gone; // nobody waits for the answer any more
	bool none; // 204: no body
	// a poll of the feed:
	struct stream_poll poll;
	bool expired;
};

// A poll that waits for the feed to move: all that is kept of it.
struct serve_poll {
	struct serve_client client;
	struct serve *s;
	struct http_request *http;
	struct serve_poll *next, **back; // back NULL: it was answered
	int64_t until;                   // boot clock, ms
	uint32_t max_events;
	char token[TOKEN_NAME], receiver[STREAM_RECEIVER];
	uint8_t token_hash[DIGEST_LEN]; // it may be revoked, or expire, meanwhile
};

enum serve_who { SERVE_ANYONE, SERVE_READ, SERVE_WRITE };

struct serve_route {
	const char *method;
	const char *path; // below the base; "{}" is any segment; '!' first: below the root
	enum serve_who who;
	uint8_t kind; // enum resource_kind, 0: none
	bool body;
	void (*run)(struct serve_request *rq);
};
extern const struct serve_route serve_routes[]; // method NULL at the end

struct http_calls serve_calls(struct serve *s); // serve_request.c
struct serve_request *serve_of(struct writer_job *j);
void serve_free(struct serve_request *rq);

// serve_parse.c: rq->body, then the route's handler, or an answer. The end: nobody looks
// at it any more, and the next large one has its turn.
void serve_parse(struct serve_request *rq);
void serve_parse_end(struct serve_request *rq);

// serve_route.c: the row, or NULL with the methods that the path has in allow ("" if none).
const struct serve_route *serve_route_find(struct serve_request *rq, char *allow, size_t room);

// ------------------------------------------------------------ answers
void serve_problem(struct serve_request *rq, const struct scim_problem *p);
int serve_problem_text(const struct scim_problem *p, struct buf *out);
// What rq->problem says for -EINVAL; everything else is a store that failed.
void serve_error(struct serve_request *rq, int r, const struct fail *f);
void serve_body(struct serve_request *rq, int status, const char *type); // rq->out
bool serve_room(struct serve_request *rq); // for rq->out; false: 503 was answered
void serve_json(struct serve_request *rq, int status, struct json_object *o); // taken over
void serve_not_modified(struct serve_request *rq, const char *etag);
bool serve_etag_matches(struct serve_request *rq, const char *etag); // If-None-Match
// Starts rq's job; done answers with rq->status and rq->out.
void serve_write(struct serve_request *rq,
		 int (*run)(struct store_txn *t, struct writer_job *j, struct fail *f));
// The same with an end of one's own, which begins with serve_job_over: false when the
// client is gone (and the request with it).
void serve_start(struct writer *w, struct serve_request *rq,
		 int (*run)(struct store_txn *t, struct writer_job *j, struct fail *f),
		 void (*done)(struct writer_job *j));
bool serve_job_over(struct serve_request *rq);
void serve_job_done(struct writer_job *j); // the end that serve_write gives it

// serve_read.c: starts rq's job on the reader's thread when it has its turn, or answers 429.
// The end: it gives up its turn, or its wait for it.
void serve_read(struct serve_request *rq,
		int (*run)(struct store_txn *t, struct writer_job *j, struct fail *f),
		void (*done)(struct writer_job *j));
void serve_read_end(struct serve_request *rq);
struct change serve_change(const struct serve_request *rq);
struct render serve_render(const struct serve_request *rq);

// ------------------------------------------------------------ handlers
void serve_get(struct serve_request *rq);
void serve_list(struct serve_request *rq);
void serve_search(struct serve_request *rq);
void serve_create(struct serve_request *rq);
void serve_replace(struct serve_request *rq);
void serve_patch(struct serve_request *rq);
void serve_delete(struct serve_request *rq);
void serve_bulk(struct serve_request *rq);
void serve_me(struct serve_request *rq);
void serve_provider_config(struct serve_request *rq);
void serve_schemas(struct serve_request *rq);
void serve_schema(struct serve_request *rq);
void serve_resource_types(struct serve_request *rq);
void serve_resource_type(struct serve_request *rq);
void serve_events(struct serve_request *rq);
void serve_health(struct serve_request *rq);
void serve_metrics(struct serve_request *rq);
void serve_page(struct serve_request *rq);

// A record that a change left, rendered into rq->out; location and etag set.
int serve_put_resource(struct serve_request *rq, struct store_txn *t, uint8_t kind, uint64_t seq);

// ------------------------------------------------------------ the feed
int serve_events_begin(struct serve *s, struct fail *f);
void serve_events_end(struct serve *s);
void serve_events_wake(struct serve *s);      // something was committed
void serve_events_gone(struct serve_poll *p); // its client is
unsigned int serve_events_waiting(const struct serve *s);

#endif
