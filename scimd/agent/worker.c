// SPDX-License-Identifier: MIT
//
// The one thread beside the loop; see worker.h. The thread lives as long as its
// job; an eventfd tells the loop.
#include "scimd/agent/worker.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct worker {
	sd_event_source *io;
	int fd;
	bool running;
	pthread_t thread;
	const struct job_input *in;
	struct job *out;
	void (*done)(void *arg);
	void *arg;
};

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	uint64_t one = 1;

	job_run(w->in, w->out);
	while (write(w->fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	return NULL;
}

static int worker_on_done(sd_event_source *s, int fd, uint32_t events, void *arg)
{
	struct worker *w = arg;
	uint64_t n;

	(void)s;
	(void)events;
	if (read(fd, &n, sizeof(n)) != sizeof(n) || !w->running)
		return 0;
	(void)pthread_join(w->thread, NULL);
	w->running = false;
	w->done(w->arg);
	return 0;
}

int worker_new(sd_event *event, void (*done)(void *arg), void *arg, struct worker **out,
	       struct fail *f)
{
	struct worker *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return fail(f, ENOMEM, "out of memory");
	w->done = done;
	w->arg = arg;
	w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = w->fd < 0 ? -errno : sd_event_add_io(event, &w->io, w->fd, EPOLLIN, worker_on_done, w);
	if (r < 0) {
		worker_free(w);
		return fail(f, -r, "worker: %s", strerror(-r));
	}
	*out = w;
	return 0;
}

int worker_start(struct worker *w, const struct job_input *in, struct job *out)
{
	sigset_t all, before;
	int r;

	if (w->running)
		return -EBUSY;
	w->in = in;
	w->out = out;
	// Signals are the loop's: the thread starts with all of them blocked.
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&w->thread, NULL, worker_main, w);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	w->running = r == 0;
	return -r;
}

bool worker_busy(const struct worker *w)
{
	return w->running;
}

void worker_free(struct worker *w)
{
	if (!w)
		return;
	if (w->running)
		(void)pthread_join(w->thread, NULL);
	(void)sd_event_source_disable_unref(w->io);
	if (w->fd >= 0)
		(void)close(w->fd);
	free(w);
}
