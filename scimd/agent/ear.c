// SPDX-License-Identifier: MIT
//
// From events to rounds; see ear.h.
#include "scimd/agent/ear.h"
#include "scimd/agent/internal.h"
#include "scimd/base/buf.h"
#include "scimd/base/digest.h"
#include "scimd/base/file.h"
#include "scimd/base/log.h"
#include "scimd/client/listen.h"
#include "scimd/client/pick.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EAR_SALT "scimd events"

struct ear {
	struct agent *agent;
	const struct config_directory *dir;
	struct listen *listen;
	void (*ready)(void *arg);
	void *ready_arg;
	const struct listen_change *list; // heard, not yet read
	size_t count;
	bool heard, all; // all: everything must be read
	bool taken, bad; // by the round under way
	char state[320];
};

static const char *ear_name(const struct ear *e)
{
	return e->dir->name;
}

static void ear_on_ready(void *arg)
{
	struct ear *e = arg;
	void (*ready)(void *arg) = e->ready;

	e->ready = NULL;
	if (ready)
		ready(e->ready_arg);
}

static void ear_wish(struct ear *e)
{
	const struct agent_request req = { .full = e->all, .events = !e->all };

	if (agent_sync(e->agent, &req) < 0) { // no memory: it comes again
		e->heard = false;
		listen_done(e->listen, false);
	}
}

static void ear_on_changed(void *arg, const struct listen_change *list, size_t n)
{
	struct ear *e = arg;

	e->heard = true;
	e->all = n > PICK_MAX;
	e->list = list;
	e->count = n;
	if (n == 0) { // events about nothing that is served here
		e->heard = false;
		listen_done(e->listen, true);
		return;
	}
	ear_wish(e);
}

static void ear_on_lost(void *arg)
{
	struct ear *e = arg;

	log_event(EVENT_EVENTS_LOST, &(struct log_about){ .directory = ear_name(e) },
		  "directory \"%s\": its events do not go back far enough; everything is read",
		  ear_name(e));
	e->heard = e->all = true;
	e->list = NULL;
	e->count = 0;
	ear_wish(e);
}

static void ear_on_state(void *arg, const char *word, const char *text)
{
	struct ear *e = arg;
	const struct log_about about = { .directory = ear_name(e) };
	bool was = strncmp(e->state, word, strlen(word)) == 0;

	(void)snprintf(e->state, sizeof(e->state), "%s%s%.300s", word, *text ? ": " : "", text);
	if (!was && strcmp(word, "failed") == 0)
		log_event(EVENT_EVENTS_FAILED, &about,
			  "directory \"%s\": events: %s; it is looked at with the usual rhythm",
			  ear_name(e), text);
	else if (!was && strcmp(word, "connected") == 0)
		log_event(EVENT_EVENTS_CONNECTED, &about,
			  "directory \"%s\": listening to its events", ear_name(e));
}

static struct json_object *ear_on_lockouts(void *arg)
{
	struct ear *e = arg;

	return lockout_report(e->agent->lockout, ear_name(e));
}

void ear_tell(struct ear *e)
{
	listen_tell(e->listen);
}

int ear_open(struct agent *a, const struct config_directory *dir, struct ear **out)
{
	struct ear *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	e->agent = a;
	e->dir = dir;
	(void)snprintf(e->state, sizeof(e->state), "%s",
		       strcmp(dir->events, "off") == 0 ? "off" : "not known yet");
	*out = e;
	return 0;
}

void ear_close(struct ear *e)
{
	if (!e)
		return;
	listen_free(e->listen);
	free(e);
}

// The host's name for itself: nothing that tells the machine id, and another one for
// every section.
static int ear_receiver(const struct ear *e, const char *host, char out[LISTEN_RECEIVER])
{
	const char *section = ear_name(e);
	struct buf id = BUF_INIT;
	uint8_t d[DIGEST_LEN];
	char hex[DIGEST_HEX];
	int r;

	if (file_read("/etc/machine-id", 128, &id, NULL) < 0 || id.len == 0) {
		buf_clear(&id);
		(void)buf_str(&id, host);
	}
	const struct digest_part parts[] = { { EAR_SALT, sizeof(EAR_SALT) },
					     { buf_text(&id), id.len + 1 },
					     { section, strlen(section) } };

	r = digest_parts(d, parts, 3);
	buf_free(&id);
	if (r < 0)
		return r;
	digest_hex(hex, d);
	(void)snprintf(out, LISTEN_RECEIVER, "%.32s", hex);
	return 0;
}

bool ear_offered(struct ear *e, bool events, struct session *s, void (*ready)(void *arg), void *arg)
{
	const struct listen_calls calls = { e,           ear_on_ready, ear_on_changed,
					    ear_on_lost, ear_on_state, ear_on_lockouts };
	char host[256] = "", receiver[LISTEN_RECEIVER];
	struct fail f = { "" };

	if (e->agent->once || strcmp(e->dir->events, "off") == 0 || e->listen)
		return false;
	if (!events) {
		(void)snprintf(e->state, sizeof(e->state), "not offered");
		return false;
	}
	(void)gethostname(host, sizeof(host) - 1);
	if (ear_receiver(e, host, receiver) < 0 ||
	    listen_start(e->agent->event, s, receiver, host, &calls, &e->listen, &f) < 0)
		return false;
	e->ready = ready;
	e->ready_arg = arg;
	return true;
}

size_t ear_take(struct ear *e, bool full, const struct listen_change **list)
{
	if (!e->heard || (e->all && !full))
		return 0;
	e->taken = true;
	e->bad = false;
	*list = e->list;
	return e->count;
}

void ear_failed(struct ear *e)
{
	e->bad = true;
}

void ear_end(struct ear *e, bool good)
{
	if (!e->taken)
		return;
	e->taken = e->heard = e->all = false;
	e->list = NULL;
	e->count = 0;
	listen_done(e->listen, good && !e->bad);
}

bool ear_hears(const struct ear *e)
{
	return e->listen && strncmp(e->state, "connected", strlen("connected")) == 0;
}

const char *ear_state(const struct ear *e)
{
	return e->state;
}
