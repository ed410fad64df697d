// SPDX-License-Identifier: MIT
//
// Asking about one person; see live.h.
#include "scimd/agent/live.h"
#include "scimd/agent/internal.h"
#include "scimd/agent/stage.h"
#include "scimd/base/buf.h"
#include "scimd/base/clock.h"
#include "scimd/identity/map.h"
#include "scimd/scim/json.h"
#include "scimd/scim/resource.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIVE_REUSE_MS 2000
#define LIVE_SILENT_MS 30000
#define LIVE_FULL_MS 60000 // at most one full sync a minute because somebody is gone
#define LIVE_PERSONS_MAX 256

struct live_wait {
	struct live_wait *next;
	void (*end)(void *arg, const struct live_answer *a);
	void *arg;
};

struct live_person { // somebody who was asked about
	struct live_person *next;
	struct live *live;
	size_t directory;
	char *id;
	struct live_wait *waits; // not NULL: a request is under way
	int64_t at;              // of the last answer, boot clock
	const char *word;        // of it
	int status;
	char etag[512];           // of the last answer with contents, "": none
	const char *etag_word;    // and what it said
	struct json_object *news; // differs from the store, for the next round
};

struct live {
	struct agent *agent;
	struct live_person *persons; // the last one asked about first
	size_t count, directories;
	int64_t *silent; // per directory: until when it is not asked, boot clock
	int64_t full_at; // when somebody who was gone last started a full sync
};

int live_new(struct agent *a, size_t directories, struct live **out)
{
	struct live *l = calloc(1, sizeof(*l));

	if (l)
		l->silent = calloc(directories + 1, sizeof(*l->silent));
	if (!l || !l->silent) {
		free(l);
		return -ENOMEM;
	}
	l->agent = a;
	l->directories = directories;
	*out = l;
	return 0;
}

static void live_person_free(struct live_person *p)
{
	json_object_put(p->news);
	free(p->id);
	free(p);
}

void live_free(struct live *l)
{
	if (!l)
		return;
	for (struct live_person *p = l->persons, *next; p; p = next) {
		next = p->next;
		live_person_free(p);
	}
	free(l->silent);
	free(l);
}

// The oldest one that nobody waits for and that brings nothing makes room.
static void live_evict(struct live *l)
{
	struct live_person **victim = NULL, *p;

	for (struct live_person **at = &l->persons; *at; at = &(*at)->next)
		if (!(*at)->waits && !(*at)->news)
			victim = at;
	if (!victim)
		return;
	p = *victim;
	*victim = p->next;
	l->count--;
	live_person_free(p);
}

static struct live_person *live_person(struct live *l, size_t directory, const char *id)
{
	struct live_person *p = NULL;

	for (struct live_person **at = &l->persons; *at; at = &(*at)->next)
		if ((*at)->directory == directory && strcmp((*at)->id, id) == 0) {
			p = *at;
			*at = p->next;
			break;
		}
	if (!p) {
		if (l->count >= LIVE_PERSONS_MAX)
			live_evict(l);
		p = calloc(1, sizeof(*p));
		if (p)
			p->id = strdup(id);
		if (!p || !p->id) {
			free(p);
			return NULL;
		}
		p->live = l;
		p->directory = directory;
		l->count++;
	}
	p->next = l->persons;
	l->persons = p;
	return p;
}

// -------------------------------------------------------------------- answers

// What a copy of the person says, and whether it differs from the store's.
static const char *live_read(struct live_person *p, struct json_object *user, bool *differs)
{
	struct agent *a = p->live->agent;
	const char *id = json_string(json_member(user, "id")), *word = "unknown";
	struct stage *st = NULL;
	struct buf b = BUF_INIT;
	struct field f;
	int r;

	// Another's record must not stand in for the one that was asked for.
	if (!id || strcmp(id, p->id) != 0 ||
	    map_resource(a->mappings[p->directory], RESOURCE_USER, user, &b, NULL) < 0)
		goto out;
	r = resource_find(b.data, b.len, FIELD_ACTIVE, &f);
	if (r < 0 ||
	    stage_new(a->config->directories[p->directory].name, a->mappings[p->directory],
		      a->store, &st) < 0 ||
	    stage_resource(st, RESOURCE_USER, user) < 0)
		goto out;
	*differs = st->count == 1 && st->entries[0].changed;
	word = r == 0 || (f.len == 4 && memcmp(f.text, "true", 4) == 0) ? "active" : "disabled";
out:
	stage_free(st);
	buf_free(&b);
	return word;
}

static void live_known_new(struct live_person *p, const struct fetch_check *c)
{
	struct agent *a = p->live->agent;
	bool differs = false;

	p->word = live_read(p, c->user, &differs);
	p->etag[0] = '\0';
	if (strcmp(p->word, "unknown") == 0)
		return;
	if (c->etag && strlen(c->etag) < sizeof(p->etag))
		(void)snprintf(p->etag, sizeof(p->etag), "%s", c->etag);
	p->etag_word = p->word;
	// A round under way may be about to write something older.
	if (!differs && !a->running)
		return;
	json_object_put(p->news);
	p->news = json_object_get(c->user);
	(void)agent_sync(a, &(struct agent_request){ .live = true });
}

// Denied from now on, but nothing is removed: that is for a complete list to say.
static void live_gone(struct live *l)
{
	int64_t now = clock_boot();

	if (l->full_at && now - l->full_at < LIVE_FULL_MS)
		return;
	l->full_at = now;
	(void)agent_sync(l->agent, &(struct agent_request){ .full = true });
}

// Whether the next question would only wait as well. An odd record of one person is
// no reason not to ask about others.
static bool live_mute(int status)
{
	return status == 0 || status == 401 || status == 403 || status == 429 || status >= 500;
}

static void live_on_answer(void *arg, const struct fetch_check *c)
{
	struct live_person *p = arg;
	struct live_wait *waits = p->waits;
	struct live_answer answer = { .status = c->status, .text = c->text ? c->text : "" };

	p->word = "unknown";
	if (c->status == 200)
		live_known_new(p, c);
	else if (c->status == 304 && p->etag[0])
		p->word = p->etag_word;
	else if (c->status == 404)
		p->word = "gone";
	if (strcmp(p->word, "gone") == 0)
		live_gone(p->live);
	p->waits = NULL;
	p->at = clock_boot();
	p->status = c->status;
	p->live->silent[p->directory] = live_mute(c->status) ? p->at + LIVE_SILENT_MS : 0;
	answer.word = p->word;
	if (strcmp(p->word, "unknown") == 0 && !*answer.text)
		answer.text = "this is no answer about this person";
	for (struct live_wait *next; waits; waits = next) {
		next = waits->next;
		waits->end(waits->arg, &answer);
		free(waits);
	}
}

// --------------------------------------------------------------------- asking

static bool live_at_once(const struct live *l, const struct live_person *p, struct live_answer *out)
{
	int64_t now = clock_boot();

	if (p->waits)
		return false;
	if (p->word && strcmp(p->word, "unknown") != 0 && now - p->at < LIVE_REUSE_MS) {
		*out = (struct live_answer){ .word = p->word, .status = p->status, .text = "" };
		return true;
	}
	if (now < l->silent[p->directory]) {
		*out = (struct live_answer){
			.word = "unknown",
			.text = "the directory gave no answer; it is left alone for half a minute"
		};
		return true;
	}
	return false;
}

int live_ask(struct live *l, size_t directory, const char *id, const struct live_known *known,
	     void (*end)(void *arg, const struct live_answer *a), void *arg,
	     struct live_answer *out, struct fail *f)
{
	struct live_person *p = live_person(l, directory, id);
	struct live_wait *w;
	bool first;
	int r = 0;

	if (!p)
		return fail(f, ENOMEM, "out of memory");
	if (live_at_once(l, p, out))
		return 1;
	w = malloc(sizeof(*w));
	if (!w)
		return fail(f, ENOMEM, "out of memory");
	first = !p->waits;
	*w = (struct live_wait){ p->waits, end, arg };
	p->waits = w;
	if (!first)
		return 0;
	if (!p->etag[0] && known->etag[0]) {
		memcpy(p->etag, known->etag, sizeof(p->etag));
		p->etag_word = known->active ? "active" : "disabled";
	}
	r = fetch_user(l->agent->fetches[directory], id, p->etag[0] ? p->etag : NULL,
		       LIVE_DEADLINE_MS, live_on_answer, p, f);
	if (r < 0) {
		p->waits = NULL;
		free(w);
	}
	return r;
}

// ----------------------------------------------------------------- the round

int live_stage(struct live *l, size_t directory, struct stage **out)
{
	const struct agent *a = l->agent;
	struct stage *st = NULL;
	int r = 0;

	for (struct live_person *p = l->persons; p && r >= 0; p = p->next) {
		if (p->directory != directory || !p->news)
			continue;
		if (!st)
			r = stage_new(a->config->directories[directory].name,
				      a->mappings[directory], a->store, &st);
		if (r >= 0)
			r = stage_resource(st, RESOURCE_USER, p->news);
		json_object_put(p->news);
		p->news = NULL;
	}
	if (r >= 0 && st) {
		st->partial = true;
		r = stage_finish(st, false, NULL);
	}
	*out = st;
	return r < 0 ? r : 0;
}

void live_expire(struct live *l)
{
	for (struct live_person *p = l->persons; p; p = p->next)
		p->word = NULL;
}

void live_forget(struct live *l)
{
	live_expire(l);
	for (struct live_person *p = l->persons; p; p = p->next)
		p->etag[0] = '\0';
}
