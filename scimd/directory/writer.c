// SPDX-License-Identifier: MIT
//
// The writing thread; see writer.h.
#include "scimd/directory/writer.h"
#include "scimd/store/store.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#define WRITER_BATCH 512

struct writer_queue {
	struct writer_job *first, **end;
};

struct writer {
	struct store *store;
	enum writer_mode mode;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct writer_queue todo, finished;
	bool stop, running;
	int wake; // eventfd: something is finished
	sd_event_source *source;
};

static void queue_init(struct writer_queue *q)
{
	q->first = NULL;
	q->end = &q->first;
}

static void queue_add(struct writer_queue *q, struct writer_job *j)
{
	j->next = NULL;
	*q->end = j;
	q->end = &j->next;
}

struct writer_one {
	struct writer_job *job;
};

static int writer_run(struct store_txn *t, void *arg, struct fail *f)
{
	struct writer_job *j = ((struct writer_one *)arg)->job;

	return j->run(t, j, f);
}

// True for failures of the store itself, which all of the batch shares.
static bool writer_grave(int r)
{
	return r == -ENOSPC || r == -EDQUOT || r == -EIO || r == -EXFULL;
}

static int writer_batch(struct store_txn *t, void *arg, struct fail *f)
{
	(void)f;
	for (struct writer_job *j = arg; j; j = j->next) {
		struct writer_one one = { j };

		j->fail.text[0] = '\0';
		j->vital = false;
		j->r = store_try(t, writer_run, &one, &j->fail);
		if (writer_grave(j->r))
			return j->r;
	}
	return 0;
}

static void writer_look(struct writer *w, struct writer_job *batch)
{
	for (struct writer_job *j = batch; j; j = j->next) {
		struct store_txn *t;

		j->fail.text[0] = '\0';
		j->r = store_view(w->store, &t, &j->fail);
		if (j->r < 0)
			continue;
		j->r = j->run(t, j, &j->fail);
		store_view_end(t);
	}
}

static bool writer_full(int r)
{
	return r == -ENOSPC || r == -EDQUOT;
}

// There is no room for all of them. Each alone may find some: a disable is small, and
// is given what was kept back for it.
static void writer_each(struct writer *w, struct writer_job *batch)
{
	for (struct writer_job *j = batch; j; j = j->next) {
		struct writer_one one = { j };

		j->fail.text[0] = '\0';
		j->vital = false;
		j->r = store_apply(w->store, writer_run, &one, &j->fail);
		if (writer_full(j->r) && j->vital)
			j->r = store_apply_vital(w->store, writer_run, &one, &j->fail);
	}
}

static void writer_commit(struct writer *w, struct writer_job *batch)
{
	struct fail f = { "" };
	int r = store_apply(w->store, writer_batch, batch, &f);

	if (writer_full(r)) {
		writer_each(w, batch);
		return;
	}
	for (struct writer_job *j = batch; r < 0 && j; j = j->next)
		if (j->r >= 0 || writer_grave(j->r)) {
			j->r = r;
			j->fail = f;
		}
}

// Up to WRITER_BATCH jobs off the queue; called with the lock.
static struct writer_job *writer_take(struct writer *w)
{
	struct writer_job *batch = w->todo.first, *last = batch;

	for (int n = 1; last->next && n < (w->mode == WRITER_WRITES ? WRITER_BATCH : 1); n++)
		last = last->next;
	w->todo.first = last->next;
	if (!w->todo.first)
		w->todo.end = &w->todo.first;
	last->next = NULL;
	return batch;
}

static void *writer_main(void *arg)
{
	struct writer *w = arg;

	(void)pthread_mutex_lock(&w->lock);
	for (;;) {
		struct writer_job *batch, *next;
		uint64_t one = 1;

		while (!w->todo.first && !w->stop)
			(void)pthread_cond_wait(&w->more, &w->lock);
		if (!w->todo.first)
			break;
		batch = writer_take(w);
		(void)pthread_mutex_unlock(&w->lock);
		if (w->mode == WRITER_WRITES)
			writer_commit(w, batch);
		else
			writer_look(w, batch);
		(void)pthread_mutex_lock(&w->lock);
		for (; batch; batch = next) {
			next = batch->next;
			queue_add(&w->finished, batch);
		}
		if (write(w->wake, &one, sizeof(one)) < 0)
			continue; // the counter is full: the loop is awake anyway
	}
	(void)pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void writer_finish(struct writer *w)
{
	struct writer_job *j, *next;

	(void)pthread_mutex_lock(&w->lock);
	j = w->finished.first;
	queue_init(&w->finished);
	(void)pthread_mutex_unlock(&w->lock);
	for (; j; j = next) {
		next = j->next;
		j->done(j);
	}
}

static int writer_on_wake(sd_event_source *s, int fd, uint32_t events, void *arg)
{
	uint64_t n;

	(void)s;
	(void)events;
	if (read(fd, &n, sizeof(n)) < 0 && errno != EAGAIN)
		return -errno;
	writer_finish(arg);
	return 0;
}

int writer_new(struct sd_event *event, struct store *s, enum writer_mode mode, struct writer **out,
	       struct fail *f)
{
	struct writer *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return fail(f, ENOMEM, "out of memory");
	w->store = s;
	w->mode = mode;
	queue_init(&w->todo);
	queue_init(&w->finished);
	(void)pthread_mutex_init(&w->lock, NULL);
	(void)pthread_cond_init(&w->more, NULL);
	w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->wake < 0) {
		r = fail(f, errno, "eventfd: %s", strerror(errno));
		goto out;
	}
	r = sd_event_add_io(event, &w->source, w->wake, EPOLLIN, writer_on_wake, w);
	if (r < 0) {
		(void)fail(f, -r, "event loop: %s", strerror(-r));
		goto out;
	}
	r = -pthread_create(&w->thread, NULL, writer_main, w);
	if (r < 0) {
		(void)fail(f, -r, "no thread could be started: %s", strerror(-r));
		goto out;
	}
	w->running = true;
	*out = w;
	return 0;
out:
	writer_free(w);
	return r;
}

void writer_put(struct writer *w, struct writer_job *j)
{
	(void)pthread_mutex_lock(&w->lock);
	queue_add(&w->todo, j);
	(void)pthread_cond_signal(&w->more);
	(void)pthread_mutex_unlock(&w->lock);
}

void writer_free(struct writer *w)
{
	if (!w)
		return;
	if (w->running) {
		(void)pthread_mutex_lock(&w->lock);
		w->stop = true;
		(void)pthread_cond_signal(&w->more);
		(void)pthread_mutex_unlock(&w->lock);
		(void)pthread_join(w->thread, NULL);
		writer_finish(w);
	}
	(void)sd_event_source_disable_unref(w->source);
	if (w->wake >= 0)
		(void)close(w->wake);
	(void)pthread_mutex_destroy(&w->lock);
	(void)pthread_cond_destroy(&w->more);
	free(w);
}
