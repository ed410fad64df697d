// SPDX-License-Identifier: MIT
//
// Who leaves with a publish; see leaver.h. What counts is the image that stands:
// whom it still lets in, or let in when they were last served, may have processes.
// Where none can be read, what the store said of them so far has to do.
#include "scimd/agent/apply.h"
#include "scimd/agent/config.h"
#include "scimd/agent/grounds.h"
#include "scimd/agent/leaver.h"
#include "scimd/agent/plan.h"
#include "scimd/base/clock.h"
#include "scimd/image/read.h"
#include "scimd/scim/resource.h"
#include "scimd/store/queue.h"
#include <errno.h>
#include <scimd/account.h>
#include <stdlib.h>
#include <string.h>

#define LEAVER_BRAKE 5u // people, or percent of them

struct leavers {
	const struct job_input *in;
	const struct plan *plan;
	const struct resolved *res;
	struct leaver *list; // strings are borrowed
	size_t count, cap;
	size_t braked; // of them: whom the brake counts
	struct leaver *drop;
	size_t drop_count, drop_cap;
	struct image image; // that stands
	bool stands;
	struct table gone;  // without it: ids of those who were active in the store
	struct table noted; // uids that an image was to lock out already, which was not published
};

static struct leaver *leaver_room(struct leaver **list, size_t count, size_t *cap)
{
	if (count == *cap) {
		size_t more = *cap ? *cap * 2 : 64;
		struct leaver *l = reallocarray(*list, more, sizeof(*l));

		if (!l)
			return NULL;
		*list = l;
		*cap = more;
	}
	return &(*list)[count];
}

static bool leaver_policy_ends(const struct config *c)
{
	return strcmp(c->lockout_policy, "end") == 0;
}

// NULL: this account's processes may stay.
static const char *leaver_cause(const struct config *c, const struct account *ac)
{
	if (ac->state == ACCOUNT_DISABLED)
		return "disabled";
	if (ac->state == ACCOUNT_DELETED)
		return "deleted";
	if (ac->state == ACCOUNT_ACTIVE && ac->verdict == VERDICT_DENY && leaver_policy_ends(c))
		return "policy";
	return NULL;
}

// Those whom this plan takes from active to disabled or gone.
static int leaver_gone(struct leavers *ll)
{
	int r = 0;

	for (size_t i = 0; i < ll->plan->count && r == 0; i++) {
		const struct plan_item *it = &ll->plan->items[i];

		if (it->kind == RESOURCE_USER && it->old_bytes &&
		    !apply_inactive(it->old_bytes, it->old_len) &&
		    (it->what == '-' || apply_inactive(it->bytes, it->len)))
			r = table_put(&ll->gone, it->id, strlen(it->id), (uint32_t)i);
	}
	return r;
}

// Whether there may be processes of theirs. One whose record in the image is damaged
// has some: scim-lockout looks for itself.
static bool leaver_was_in(const struct leavers *ll, const struct account *ac, const char *cause)
{
	struct image_found_user u;
	int r;

	if (!ll->stands)
		return table_get(&ll->gone, ac->id, strlen(ac->id)) != TABLE_NONE;
	r = image_user_by_id(&ll->image, ac->uid, NULL, 0, &u);
	if (r == -ENOENT)
		return false;
	if (r < 0)
		return true;
	if (strcmp(cause, "policy") == 0)
		return u.head.verdict != VERDICT_DENY;
	return u.head.state == ACCOUNT_ACTIVE || u.head.state == ACCOUNT_REFUSED;
}

static int leaver_add(struct leavers *ll, const struct account *ac, const char *cause)
{
	const struct ledger_entry *e =
		ac->ledger == UINT32_MAX ? NULL : &ll->plan->ledger[ac->ledger];
	struct leaver *l = leaver_room(&ll->list, ll->count, &ll->cap);

	if (!l)
		return -ENOMEM;
	*l = (struct leaver){ .name = ac->name,
			      .source =
				      e ? e->source : ll->in->config->directories[ac->source].name,
			      .id = ac->id,
			      .cause = cause,
			      .uid = ac->uid,
			      .seen = ll->in->seen ? ll->in->seen : clock_wall() };
	ll->count++;
	// Whoever accepted that they are removed has accepted this too.
	ll->braked += !(ll->in->accept_removals && strcmp(cause, "deleted") == 0);
	return 0;
}

static int leaver_compare(struct leavers *ll)
{
	size_t people = 0;
	int r = 0;

	ll->stands = grounds_image(ll->in->config, &ll->image, IMAGE_BY_MAP) == 0;
	if (!ll->stands)
		r = leaver_gone(ll);
	for (uint32_t i = 0; i < ll->res->account_count && r == 0; i++) {
		const struct account *ac = &ll->res->accounts[i];
		const char *cause = leaver_cause(ll->in->config, ac);

		people += ac->state == ACCOUNT_ACTIVE || ac->state == ACCOUNT_DISABLED;
		if (cause && table_get(&ll->noted, &ac->uid, sizeof(ac->uid)) == TABLE_NONE &&
		    leaver_was_in(ll, ac, cause))
			r = leaver_add(ll, ac, cause);
	}
	people = people * LEAVER_BRAKE / 100;
	for (size_t i = 0;
	     ll->braked > (people > LEAVER_BRAKE ? people : LEAVER_BRAKE) && i < ll->count; i++)
		ll->list[i].held =
			!(ll->in->accept_removals && strcmp(ll->list[i].cause, "deleted") == 0);
	return r;
}

// When the directory says that the record was changed, as far as it says so.
static int leaver_changed(struct leavers *ll)
{
	struct table ids = TABLE_INIT;
	int r = 0;

	for (size_t i = 0; i < ll->count && r == 0; i++)
		r = table_put(&ids, ll->list[i].id, strlen(ll->list[i].id), (uint32_t)i);
	for (size_t i = 0; i < ll->plan->count && r == 0; i++) {
		const struct plan_item *it = &ll->plan->items[i];
		uint32_t at = it->kind == RESOURCE_USER && it->what == '~'
				      ? table_get(&ids, it->id, strlen(it->id))
				      : TABLE_NONE;
		struct field f, old;
		int64_t ms;

		if (at == TABLE_NONE ||
		    strcmp(ll->in->config->directories[it->source].name, ll->list[at].source) !=
			    0 ||
		    resource_find(it->bytes, it->len, FIELD_MODIFIED, &f) != 1 ||
		    clock_parse(f.text, f.len, &ms) < 0)
			continue;
		// One that did not move with the change is not the time of it.
		if (it->old_bytes &&
		    resource_find(it->old_bytes, it->old_len, FIELD_MODIFIED, &old) == 1 &&
		    old.len == f.len && memcmp(old.text, f.text, f.len) == 0)
			continue;
		if (ms <= ll->list[at].seen) // a clock that is ahead says nothing
			ll->list[at].changed = ms;
	}
	table_free(&ids);
	return r;
}

static int leaver_by_uid(const void *key, const void *at)
{
	uint32_t a = *(const uint32_t *)key, b = ((const struct account *)at)->uid;

	return a < b ? -1 : a > b;
}

// Entries of the queue whose people may stay after all.
static int leaver_queued(void *arg, const char *key, const char *text)
{
	struct leavers *ll = arg;
	const struct account *ac;
	struct leaver *l = leaver_room(&ll->drop, ll->drop_count, &ll->drop_cap);
	int r = l ? leaver_read(text, l) : -ENOMEM;

	(void)key;
	if (r < 0)
		return r == -EBADMSG ? 0 : r;
	ac = bsearch(&l->uid, ll->res->accounts, ll->res->account_count, sizeof(*ac),
		     leaver_by_uid);
	if (ac && !leaver_cause(ll->in->config, ac)) {
		ll->drop_count++;
		return 0;
	}
	r = ac && !l->published ? table_put(&ll->noted, &ac->uid, sizeof(ac->uid), 0) : 0;
	leaver_free(l);
	return r;
}

bool leavers_any(const struct leavers *ll)
{
	return ll->count || ll->drop_count;
}

int leavers_note(struct store_txn *t, const struct leavers *ll)
{
	int r = 0;

	for (size_t i = 0; i < ll->drop_count && r == 0; i++) {
		r = leaver_drop(t, &ll->drop[i]);
		if (r == 0 && !ll->drop[i].ended)
			r = leaver_audit(t, &ll->drop[i], "let in again", clock_wall(), NULL);
	}
	for (size_t i = 0; i < ll->count && r == 0; i++) {
		r = leaver_put(t, &ll->list[i]);
		if (r == 0)
			r = leaver_audit(t, &ll->list[i], "seen", ll->list[i].seen, NULL);
	}
	return r;
}

void leavers_tell(const struct leavers *ll)
{
	size_t held = 0;

	for (size_t i = 0; i < ll->count; i++) {
		const struct leaver *l = &ll->list[i];
		const struct log_about about = leaver_about(l);

		held += l->held;
		log_event(EVENT_LOCKOUT_SEEN, &about, "\"%s\" (uid %u) is locked out: %s", l->name,
			  l->uid, l->cause);
	}
	for (size_t i = 0; i < ll->drop_count; i++) {
		const struct log_about about = leaver_about(&ll->drop[i]);

		if (!ll->drop[i].ended)
			log_event(EVENT_LET_IN_AGAIN, &about,
				  "\"%s\" (uid %u) is let in again; what they run goes on",
				  ll->drop[i].name, ll->drop[i].uid);
	}
	if (held)
		log_event(EVENT_LOCKOUT_HELD, NULL,
			  "%zu people are locked out at once; what they run goes on until "
			  "scimctl lockout --accept",
			  held);
}

void leavers_free(struct leavers *ll)
{
	if (!ll)
		return;
	if (ll->stands)
		image_close(&ll->image);
	for (size_t i = 0; i < ll->drop_count; i++)
		leaver_free(&ll->drop[i]);
	table_free(&ll->gone);
	table_free(&ll->noted);
	free(ll->drop);
	free(ll->list);
	free(ll);
}

int leavers_find(const struct job_input *in, const struct plan *p, const struct resolved *res,
		 struct leavers **out, struct fail *f)
{
	struct leavers *ll = calloc(1, sizeof(*ll));
	struct store_txn *view;
	int r;

	if (!ll)
		return fail(f, ENOMEM, "out of memory");
	ll->in = in;
	ll->plan = p;
	ll->res = res;
	r = store_view(in->store, &view, f);
	if (r == 0) {
		r = store_queue_each(view, LEAVER_QUEUE, leaver_queued, ll);
		store_view_end(view);
	}
	if (r == 0)
		r = leaver_compare(ll);
	if (r == 0 && ll->count)
		r = leaver_changed(ll);
	if (r < 0) {
		leavers_free(ll);
		return fail(f, -r, "who is locked out cannot be told: %s", fail_word(r));
	}
	*out = ll;
	return 0;
}

// ---------------------------------------------------------------- after it

struct leaver_marks {
	struct image image;
	struct leaver *list;
	size_t count, cap;
};

bool leaver_denied(const struct image *im, uint32_t uid)
{
	struct image_found_user u;

	return image_user_by_id(im, uid, NULL, 0, &u) == 0 && u.head.verdict == VERDICT_DENY;
}

static int leaver_unmarked(void *arg, const char *key, const char *text)
{
	struct leaver_marks *m = arg;
	struct leaver *l = leaver_room(&m->list, m->count, &m->cap);
	int r = l ? leaver_read(text, l) : -ENOMEM;

	(void)key;
	if (r < 0)
		return r == -EBADMSG ? 0 : r;
	if (!l->published && leaver_denied(&m->image, l->uid))
		m->count++;
	else
		leaver_free(l);
	return 0;
}

static int leaver_mark(struct store_txn *t, void *arg, struct fail *f)
{
	struct leaver_marks *m = arg;
	int r = 0;

	(void)f;
	for (size_t i = 0; i < m->count && r == 0; i++) {
		m->list[i].published = m->image.head.published;
		r = leaver_put(t, &m->list[i]);
		if (r == 0)
			r = leaver_audit(t, &m->list[i], "published", m->list[i].published, NULL);
	}
	return r;
}

static void leaver_closed(const struct leaver *l, struct job *out)
{
	const struct log_about about = leaver_about(l);
	int64_t ms = l->published - (l->changed ? l->changed : l->seen);

	out->denied++;
	out->deny_last_ms = ms;
	if (ms > out->deny_max_ms)
		out->deny_max_ms = ms;
	log_event(EVENT_LOCKOUT_PUBLISHED, &about, "\"%s\" (uid %u) can no longer log in: %s",
		  l->name, l->uid, l->cause);
}

void leavers_published(const struct job_input *in, struct job *out)
{
	struct leaver_marks m = { .count = 0 };
	struct fail f = { "" };
	struct store_txn *view;
	int r = grounds_image(in->config, &m.image, IMAGE_BY_PREAD);

	if (r < 0)
		return; // it will be there, and then they are marked
	r = store_view(in->store, &view, &f);
	if (r == 0) {
		r = store_queue_each(view, LEAVER_QUEUE, leaver_unmarked, &m);
		store_view_end(view);
	}
	if (r == 0 && m.count)
		r = store_apply(in->store, leaver_mark, &m, &f);
	image_close(&m.image);
	if (r < 0)
		log_event(EVENT_NOT_NOTED, NULL, "who is locked out cannot be noted: %s",
			  f.text[0] ? f.text : fail_word(r));
	for (size_t i = 0; i < m.count; i++) {
		if (r == 0)
			leaver_closed(&m.list[i], out);
		leaver_free(&m.list[i]);
	}
	free(m.list);
}
