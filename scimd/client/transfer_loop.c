// SPDX-License-Identifier: MIT
//
// libcurl's multi interface on the sd-event loop, and the life of an origin.
#include "scimd/base/fail.h"
#include "scimd/client/transfer_internal.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#define TRANSFER_BODY_MAX ((size_t)64 << 20)

static void transfer_reap(struct transfer_origin *h)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(h->multi, &left))) {
		struct transfer *q = NULL;
		CURLcode rc = m->data.result;

		if (m->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &q);
		if (q)
			transfer_finish(q, rc);
	}
}

// What is under way ends here; what an end starts anew does not.
static void transfer_break(struct transfer_origin *h)
{
	struct transfer *q;

	h->broken = false;
	for (q = h->requests; q; q = q->next)
		q->lost = true;
	do {
		for (q = h->requests; q && !q->lost; q = q->next)
			;
		if (q)
			transfer_finish(q, CURLE_OUT_OF_MEMORY);
	} while (q);
}

// Ends of requests are told from here, never from inside curl's own callbacks.
static int transfer_on_reap(sd_event_source *s, void *arg)
{
	struct transfer_origin *h = arg;

	(void)sd_event_source_set_enabled(s, SD_EVENT_OFF);
	transfer_reap(h);
	if (h->broken)
		transfer_break(h);
	return 0;
}

static void transfer_act(struct transfer_origin *h, curl_socket_t fd, int what)
{
	int running;

	if (curl_multi_socket_action(h->multi, fd, what, &running) != CURLM_OK)
		h->broken = true;
	(void)sd_event_source_set_enabled(h->reap, SD_EVENT_ON);
}

static int transfer_on_io(sd_event_source *s, int fd, uint32_t events, void *arg)
{
	int what = (events & EPOLLIN ? CURL_CSELECT_IN : 0) |
		   (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
		   (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);

	(void)s;
	transfer_act(arg, fd, what);
	return 0;
}

static int transfer_on_timer(sd_event_source *s, uint64_t usec, void *arg)
{
	(void)s;
	(void)usec;
	transfer_act(arg, CURL_SOCKET_TIMEOUT, 0);
	return 0;
}

static int transfer_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *mine)
{
	struct transfer_origin *h = arg;
	sd_event_source *s = mine;
	uint32_t events = (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) |
			  (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		(void)sd_event_source_disable_unref(s);
		(void)curl_multi_assign(h->multi, fd, NULL);
		return 0;
	}
	if (s)
		return sd_event_source_set_io_events(s, events) < 0 ? -1 : 0;
	if (sd_event_add_io(h->event, &s, fd, events, transfer_on_io, h) < 0)
		return -1;
	return curl_multi_assign(h->multi, fd, s) == CURLM_OK ? 0 : -1;
}

static int transfer_timer(CURLM *multi, long ms, void *arg)
{
	struct transfer_origin *h = arg;

	(void)multi;
	if (ms < 0)
		return sd_event_source_set_enabled(h->timer, SD_EVENT_OFF) < 0 ? -1 : 0;
	if (sd_event_source_set_time_relative(h->timer, (uint64_t)ms * 1000) < 0)
		return -1;
	return sd_event_source_set_enabled(h->timer, SD_EVENT_ONESHOT) < 0 ? -1 : 0;
}

// -------------------------------------------------------------------- origins

static char *transfer_dup(const char *s)
{
	return s ? strdup(s) : NULL;
}

int transfer_origin_new(sd_event *event, const char *base, const struct transfer_options *o,
			struct transfer_origin **out, struct fail *f)
{
	struct transfer_origin *h;
	size_t len = strlen(base);
	int r = transfer_url_check(base, f);

	if (r < 0)
		return r;
	h = calloc(1, sizeof(*h));
	if (!h)
		return fail(f, ENOMEM, "out of memory");
	while (len && base[len - 1] == '/')
		len--;
	h->event = event;
	h->base = strndup(base, len);
	h->ca_file = transfer_dup(o->ca_file);
	h->client_cert = transfer_dup(o->client_cert);
	h->client_key = transfer_dup(o->client_key);
	h->proxy = transfer_dup(o->proxy);
	h->tls13 = o->tls13;
	h->timeout = o->timeout ? o->timeout : 30;
	h->body_max = o->body_max ? o->body_max : TRANSFER_BODY_MAX;
	(void)curl_global_init(CURL_GLOBAL_DEFAULT);
	h->multi = curl_multi_init();
	if (!h->base || !h->multi ||
	    sd_event_add_time(event, &h->timer, CLOCK_MONOTONIC, 0, 1000, transfer_on_timer, h) <
		    0 ||
	    sd_event_add_defer(event, &h->reap, transfer_on_reap, h) < 0) {
		transfer_origin_free(h);
		return fail(f, ENOMEM, "out of memory");
	}
	(void)sd_event_source_set_enabled(h->timer, SD_EVENT_OFF);
	(void)sd_event_source_set_enabled(h->reap, SD_EVENT_OFF);
	(void)curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, transfer_socket);
	(void)curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
	(void)curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, transfer_timer);
	(void)curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
	(void)curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, 4L);
	*out = h;
	return 0;
}

void transfer_origin_free(struct transfer_origin *h)
{
	if (!h)
		return;
	while (h->requests)
		transfer_cancel(h->requests);
	if (h->multi)
		(void)curl_multi_cleanup(h->multi);
	(void)sd_event_source_disable_unref(h->timer);
	(void)sd_event_source_disable_unref(h->reap);
	free(h->base);
	free(h->ca_file);
	free(h->client_cert);
	free(h->client_key);
	free(h->proxy);
	free(h);
}
