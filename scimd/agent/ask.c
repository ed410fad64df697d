// SPDX-License-Identifier: MIT
//
// One conversation with a helper; see ask.h.
#include "scimd/agent/ask.h"
#include "scimd/base/buf.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct ask {
	int fd;
	sd_event_source *io, *timer;
	struct buf text;
	struct ask_request rq; // its text is gone
};

void ask_free(struct ask *k)
{
	if (!k)
		return;
	(void)sd_event_source_disable_unref(k->io);
	(void)sd_event_source_disable_unref(k->timer);
	if (k->fd >= 0)
		(void)close(k->fd);
	buf_free(&k->text);
	free(k);
}

static void ask_end(struct ask *k, const char *what)
{
	struct buf text = k->text;
	struct ask_request rq = k->rq;
	char why[256], none[1] = "";

	if (what)
		(void)snprintf(why, sizeof(why), "%s %s", rq.who, what);
	k->text = (struct buf)BUF_INIT;
	ask_free(k);
	rq.end(rq.arg, text.data ? text.data : none, what ? why : NULL);
	buf_free(&text);
}

static int ask_on_io(sd_event_source *s, int fd, uint32_t events, void *arg)
{
	struct ask *k = arg;
	char part[1024];
	ssize_t n = recv(fd, part, sizeof(part), MSG_DONTWAIT);

	(void)s;
	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n > 0)
		(void)sd_event_source_set_time_relative(k->timer, k->rq.silence * 1000000u);
	if (n < 0)
		ask_end(k, strerror(errno));
	else if (n == 0)
		ask_end(k, k->text.len ? NULL : "closed the connection");
	else if (buf_add(&k->text, part, (size_t)n) < 0)
		ask_end(k, "answers too much");
	return 0;
}

static int ask_on_timer(sd_event_source *s, uint64_t usec, void *arg)
{
	(void)s;
	(void)usec;
	ask_end(arg, "does not answer");
	return 0;
}

static int ask_connect(struct ask *k, const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(un.sun_path))
		return -ENAMETOOLONG;
	memcpy(un.sun_path, path, strlen(path) + 1);
	k->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (k->fd < 0 || connect(k->fd, (const struct sockaddr *)&un, sizeof(un)) < 0)
		return -errno;
	return 0;
}

int ask_open(sd_event *event, const struct ask_request *rq, struct ask **out, struct fail *f)
{
	struct ask *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return fail(f, ENOMEM, "out of memory");
	k->rq = *rq;
	k->rq.text = NULL;
	k->text.max = rq->max;
	r = ask_connect(k, rq->path);
	if (r == 0 && send(k->fd, rq->text, rq->len, MSG_NOSIGNAL) != (ssize_t)rq->len)
		r = -EIO;
	if (r == 0)
		r = sd_event_add_time_relative(event, &k->timer, CLOCK_BOOTTIME,
					       rq->silence * 1000000u, 1000000, ask_on_timer, k);
	if (r >= 0)
		r = sd_event_add_io(event, &k->io, k->fd, EPOLLIN, ask_on_io, k);
	if (r < 0) {
		ask_free(k);
		return fail(f, -r, "%s: %s", rq->path, strerror(-r));
	}
	*out = k;
	return 0;
}
