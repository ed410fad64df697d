// SPDX-License-Identifier: MIT
//
// One directory's connection; see fetch.h. Glue between the client's callbacks
// and the stage.
#include "scimd/agent/fetch.h"
#include "scimd/agent/config.h"
#include "scimd/agent/ear.h"
#include "scimd/agent/stage.h"
#include "scimd/base/buf.h"
#include "scimd/base/fail.h"
#include "scimd/client/pick.h"
#include "scimd/client/pull.h"
#include "scimd/client/quirk.h"
#include "scimd/client/session.h"
#include "scimd/client/tags.h"
#include "scimd/identity/map.h"
#include "scimd/scim/resource.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct fetch {
	sd_event *event;
	struct session *session;
	const struct mapping *mapping;
	struct pull *pull;
	struct pick *pick;
	struct tags_ask *ask;
	struct ear *ear;
	struct stage *stage;
	struct fetch_wish wish;
	struct fetch_calls calls;
	sd_event_source *reap;
	struct fetch_user *users;
};

struct fetch_user {
	struct fetch_user *next, **back;
	struct session_call *call;
	sd_event_source *deadline; // also of what goes before: a token, a second try
	void (*end)(void *arg, const struct fetch_check *c);
	void *arg;
};

int fetch_new(sd_event *event, const struct config_directory *dir, const struct mapping *mapping,
	      struct fetch **out, struct fail *f)
{
	const struct session_options o = {
		.url = dir->url,
		.token = dir->token,
		.token_file = dir->token_file,
		.client_id = dir->client_id,
		.client_secret = dir->client_secret,
		.client_secret_file = dir->client_secret_file,
		.token_url = dir->token_url,
		.scope = dir->scope,
		.quirks = dir->quirks,
		.page_size = dir->page_size,
		.http = { .ca_file = dir->ca_file,
			  .client_cert = dir->client_cert,
			  .client_key = dir->client_key,
			  .proxy = dir->proxy,
			  .tls13 = strcmp(dir->tls_min, "1.3") == 0,
			  .timeout = dir->timeout },
	};
	struct fetch *ft = calloc(1, sizeof(*ft));
	int r;

	if (!ft)
		return fail(f, ENOMEM, "out of memory");
	ft->event = event;
	ft->mapping = mapping;
	r = session_new(event, &o, &ft->session, f);
	if (r < 0) {
		free(ft);
		return r;
	}
	*out = ft;
	return 0;
}

static void fetch_user_drop(struct fetch_user *u)
{
	*u->back = u->next;
	if (u->next)
		u->next->back = u->back;
	(void)sd_event_source_disable_unref(u->deadline);
	free(u);
}

void fetch_free(struct fetch *ft)
{
	if (!ft)
		return;
	pull_free(ft->pull);
	pick_free(ft->pick);
	tags_free(ft->ask);
	(void)sd_event_source_disable_unref(ft->reap);
	while (ft->users) {
		struct fetch_user *u = ft->users;

		session_cancel(u->call);
		u->end(u->arg,
		       &(struct fetch_check){ .text = "the daemon reads its configuration again" });
		fetch_user_drop(u);
	}
	session_free(ft->session);
	free(ft);
}

static int fetch_on_resource(void *arg, uint8_t kind, struct json_object *res)
{
	return stage_resource(((struct fetch *)arg)->stage, kind, res);
}

static void fetch_on_anew(void *arg, uint8_t kind)
{
	stage_anew(((struct fetch *)arg)->stage, kind);
}

static int fetch_on_missing(void *arg, bool groups, struct pull_missing *out)
{
	struct fetch *ft = arg;
	struct stage_missing m = { 0 };
	int r;

	if (ft->wish.accept_directory)
		return 0;
	r = stage_missing(ft->stage, groups, ft->wish.accept_removals, &m);
	*out = (struct pull_missing){ m.users, m.groups,  m.list,
				      m.n,     m.members, ft->wish.accept_removals };
	return r;
}

static int fetch_on_unclear(void *arg, uint8_t kind, const char *id, const char *text)
{
	struct fetch *ft = arg;

	if (ft->calls.unclear)
		ft->calls.unclear(ft->calls.arg, kind, id, text);
	return stage_keep(ft->stage, kind, id);
}

static int fetch_on_members(void *arg, const char *group, const char *const *users, size_t n)
{
	return stage_members(((struct fetch *)arg)->stage, group, users, n);
}

static int fetch_on_stay(void *arg, const char *group, const char *text)
{
	struct fetch *ft = arg;

	if (ft->calls.unclear)
		ft->calls.unclear(ft->calls.arg, RESOURCE_GROUP, group, text);
	return stage_members_stay(ft->stage, group);
}

static int fetch_on_refuse(void *arg, const char *group, const char *text)
{
	return stage_refuse(((struct fetch *)arg)->stage, group, text);
}

static void fetch_on_progress(void *arg, const struct pull_progress *p)
{
	struct fetch *ft = arg;
	struct fetch_progress out = { p->stage, p->users, p->groups, p->asked, p->total };

	if (ft->calls.progress)
		ft->calls.progress(ft->calls.arg, &out);
}

// The walk is freed from the loop, not from inside its own callback.
static int fetch_on_reap(sd_event_source *s, void *arg)
{
	struct fetch *ft = arg;

	(void)s;
	pull_free(ft->pull);
	pick_free(ft->pick);
	ft->pull = NULL;
	ft->pick = NULL;
	return 0;
}

static void fetch_ended(struct fetch *ft, const struct fetch_end *end)
{
	(void)sd_event_source_disable_unref(ft->reap);
	ft->reap = NULL;
	if (sd_event_add_defer(ft->event, &ft->reap, fetch_on_reap, ft) >= 0)
		(void)sd_event_source_set_priority(ft->reap, SD_EVENT_PRIORITY_IMPORTANT);
	ft->calls.end(ft->calls.arg, end);
}

static void fetch_on_end(void *arg, const struct pull_result *r)
{
	const struct fetch_end end = {
		r->r, r->text, r->users, r->groups, r->retry_after, r->tags
	};

	fetch_ended(arg, &end);
}

void fetch_ear(struct fetch *ft, struct ear *ear)
{
	ft->ear = ear;
}

static void fetch_on_ready(void *arg)
{
	pull_go(((struct fetch *)arg)->pull);
}

static bool fetch_on_provider(void *arg, bool events)
{
	struct fetch *ft = arg;

	return ft->ear && ear_offered(ft->ear, events, ft->session, fetch_on_ready, ft);
}

static void fetch_begin(struct fetch *ft, struct stage *st, const struct fetch_calls *calls)
{
	pull_free(ft->pull);
	pick_free(ft->pick);
	tags_free(ft->ask);
	ft->pull = NULL;
	ft->pick = NULL;
	ft->ask = NULL;
	(void)sd_event_source_disable_unref(ft->reap);
	ft->reap = NULL;
	ft->stage = st;
	ft->calls = *calls;
}

int fetch_run(struct fetch *ft, struct stage *st, const struct fetch_wish *wish,
	      const struct fetch_calls *calls, struct fail *f)
{
	const struct pull_calls pc = {
		.arg = ft,
		.user_attributes = mapping_attributes(ft->mapping, RESOURCE_USER),
		.group_attributes = mapping_attributes(ft->mapping, RESOURCE_GROUP),
		.disabled_only = wish->disabled_only,
		.seconds = wish->seconds,
		.provider = fetch_on_provider,
		.resource = fetch_on_resource,
		.anew = fetch_on_anew,
		.missing = fetch_on_missing,
		.unclear = fetch_on_unclear,
		.members = fetch_on_members,
		.stay = fetch_on_stay,
		.refuse = fetch_on_refuse,
		.progress = fetch_on_progress,
		.end = fetch_on_end,
	};

	fetch_begin(ft, st, calls);
	ft->wish = *wish;
	return pull_start(ft->event, ft->session, &pc, &ft->pull, f);
}

static int fetch_on_gone(void *arg, uint8_t kind, const char *id)
{
	return stage_gone(((struct fetch *)arg)->stage, kind, id);
}

static void fetch_on_picked(void *arg, int r, const char *text, int64_t retry_after)
{
	const struct fetch_end end = { .r = r, .text = text, .retry_after = retry_after };

	fetch_ended(arg, &end);
}

int fetch_some(struct fetch *ft, struct stage *st, const struct listen_change *list, size_t n,
	       const struct fetch_calls *calls, struct fail *f)
{
	const struct pick_calls pc = {
		.arg = ft,
		.user_attributes = mapping_attributes(ft->mapping, RESOURCE_USER),
		.group_attributes = mapping_attributes(ft->mapping, RESOURCE_GROUP),
		.resource = fetch_on_resource,
		.gone = fetch_on_gone,
		.end = fetch_on_picked,
	};

	fetch_begin(ft, st, calls);
	st->partial = true;
	return pick_start(ft->session, list, n, &pc, &ft->pick, f);
}

int fetch_unchanged(struct fetch *ft, const struct tags *tags, void (*end)(void *arg, bool same),
		    void *arg, struct fail *f)
{
	fetch_begin(ft, NULL, &(struct fetch_calls){ 0 });
	return tags_start(ft->session, tags, end, arg, &ft->ask, f);
}

static void fetch_on_user(void *arg, const struct transfer_answer *a)
{
	struct fetch_user *u = arg;
	struct fetch_check c = { .status = a->r < 0 ? 0 : a->status,
				 .text = a->text,
				 .etag = a->etag,
				 .user = a->json };

	if (c.status == 200 && !a->json) {
		c.status = 0;
		c.text = "the answer is not JSON";
	}
	u->end(u->arg, &c);
	fetch_user_drop(u);
}

static int fetch_on_deadline(sd_event_source *s, uint64_t usec, void *arg)
{
	struct fetch_user *u = arg;

	(void)s;
	(void)usec;
	session_cancel(u->call);
	u->end(u->arg, &(struct fetch_check){ .text = "no answer in time" });
	fetch_user_drop(u);
	return 0;
}

// The same attributes as in lists, so that its copies are alike.
static int fetch_user_path(const struct fetch *ft, const char *id, struct buf *path)
{
	const char *attributes = mapping_attributes(ft->mapping, RESOURCE_USER);
	int r = buf_printf(path, "%s/", session_path(ft->session, true));

	if (r == 0)
		r = transfer_encode(path, id);
	if (r == 0 && attributes && !session_plain(ft->session, true)) {
		r = buf_str(path, "?attributes=");
		if (r == 0)
			r = transfer_encode(path, attributes);
	}
	return r;
}

int fetch_user(struct fetch *ft, const char *id, const char *etag, uint64_t deadline_ms,
	       void (*end)(void *arg, const struct fetch_check *c), void *arg, struct fail *f)
{
	struct fetch_user *u = calloc(1, sizeof(*u));
	struct buf path = BUF_INIT;
	int r;

	if (!u)
		return fail(f, ENOMEM, "out of memory");
	*u = (struct fetch_user){ .next = ft->users, .back = &ft->users, .end = end, .arg = arg };
	if (u->next)
		u->next->back = &u->next;
	ft->users = u;
	r = fetch_user_path(ft, id, &path);
	if (r == 0)
		r = sd_event_add_time_relative(ft->event, &u->deadline, CLOCK_MONOTONIC,
					       deadline_ms * 1000, 1000, fetch_on_deadline, u);
	if (session_quirks(ft->session) & QUIRK_NO_ETAG)
		etag = NULL;
	if (r >= 0)
		r = session_get_new(ft->session, path.data, etag, false, deadline_ms, fetch_on_user,
				    u, &u->call, f);
	buf_free(&path);
	if (r < 0)
		fetch_user_drop(u);
	return r;
}
