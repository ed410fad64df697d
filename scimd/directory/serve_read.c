// SPDX-License-Identifier: MIT
//
// Lists that must look at every resource have their turns on the reader's thread: one at
// a time, and where others wait none after another of the same token. Who hangs up gives
// up his, and a token has only so many.
#include "scimd/directory/serve_internal.h"
#include <string.h>

#define READ_WAITING_MAX 32 // of one token

static bool read_same(const uint8_t a[DIGEST_LEN], const uint8_t b[DIGEST_LEN])
{
	return memcmp(a, b, DIGEST_LEN) == 0;
}

// The place of the next in the list: the first, but of another token than the last if any is.
static struct serve_request **read_choose(struct serve *s)
{
	struct serve_request **first = NULL;

	for (struct serve_request **at = &s->reads; *at; at = &(*at)->read_next) {
		if ((*at)->gone)
			continue; // its end is to come
		if (!read_same((*at)->token.hash, s->read_last))
			return at;
		if (!first)
			first = at;
	}
	return first;
}

static void read_next(struct serve *s)
{
	struct serve_request **at = s->reading || s->ending ? NULL : read_choose(s), *rq;

	if (!at)
		return;
	rq = *at;
	*at = rq->read_next;
	rq->read_turn = SERVE_TURN_HAS;
	s->reading = true;
	memcpy(s->read_last, rq->token.hash, DIGEST_LEN);
	serve_start(s->reader, rq, rq->run, rq->job.done);
}

void serve_read_end(struct serve_request *rq)
{
	struct serve *s = rq->s;
	struct serve_request **at = &s->reads;

	if (rq->read_turn == SERVE_TURN_WAITS) {
		while (*at != rq)
			at = &(*at)->read_next;
		*at = rq->read_next;
	} else if (rq->read_turn == SERVE_TURN_HAS) {
		s->reading = false;
	} else {
		return;
	}
	rq->read_turn = SERVE_TURN_NONE;
	read_next(s);
}

void serve_read(struct serve_request *rq,
		int (*run)(struct store_txn *t, struct writer_job *j, struct fail *f),
		void (*done)(struct writer_job *j))
{
	struct serve_request **at = &rq->s->reads;
	unsigned int waiting = 0;

	for (; *at; at = &(*at)->read_next)
		waiting += read_same((*at)->token.hash, rq->token.hash);
	if (waiting >= READ_WAITING_MAX) {
		(void)scim_problem(&rq->problem, 429, NULL,
				   "%d lists of this token wait for their turn already",
				   READ_WAITING_MAX);
		serve_problem(rq, &rq->problem);
		return;
	}
	rq->run = run;
	rq->job.done = done;
	rq->read_turn = SERVE_TURN_WAITS;
	rq->read_next = NULL;
	*at = rq;
	read_next(rq->s);
}
