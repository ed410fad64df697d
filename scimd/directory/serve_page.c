// SPDX-License-Identifier: MIT
//
// The operator's page over HTTP: who may see it is the route's affair; here it gets
// the headers that keep a browser from doing anything but show it.
#include "scimd/base/clock.h"
#include "scimd/directory/conf.h"
#include "scimd/directory/page.h"
#include "scimd/directory/serve_internal.h"

static int serve_page_run(struct store_txn *t, struct writer_job *j, struct fail *f)
{
	struct serve_request *rq = serve_of(j);
	const struct page p = { .t = t,
				.out = &rq->out,
				.base = rq->s->base,
				.token = rq->token.name,
				.now = clock_wall(),
				.retention = rq->s->conf->event_retention };

	(void)f;
	buf_clear(&rq->out);
	return page_write(&p);
}

static void serve_page_done(struct writer_job *j)
{
	struct serve_request *rq = serve_of(j);
	char policy[PAGE_POLICY];
	const char *const headers[] = { "Content-Security-Policy",
					policy,
					"Cache-Control",
					"no-store",
					"Referrer-Policy",
					"no-referrer",
					"X-Content-Type-Options",
					"nosniff",
					NULL };

	if (!serve_job_over(rq))
		return;
	if (j->r == 0)
		j->r = page_policy(policy);
	if (j->r < 0) {
		buf_clear(&rq->out);
		serve_error(rq, j->r, &j->fail);
		return;
	}
	if (!serve_room(rq))
		return;
	rq->s->answers[2]++;
	http_answer(rq->http, &(struct http_reply){ 200, "text/html; charset=utf-8", headers },
		    &rq->out);
}

void serve_page(struct serve_request *rq)
{
	serve_read(rq, serve_page_run, serve_page_done);
}
