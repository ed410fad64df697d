// SPDX-License-Identifier: MIT
//
// Laying the answers over the stored state; see plan.h. brake.c judges.
#include "scimd/agent/plan.h"
#include "scimd/agent/brake.h"
#include "scimd/agent/config.h"
#include "scimd/agent/stage.h"
#include "scimd/base/buf.h"
#include "scimd/base/clock.h"
#include "scimd/scim/resource.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct plan_reader {
	const struct job_input *in;
	struct plan *p;
};

static uint32_t plan_source(const struct config *c, const char *name)
{
	for (uint32_t i = 0; i < c->directory_count; i++)
		if (strcmp(c->directories[i].name, name) == 0)
			return i;
	return UINT32_MAX;
}

static struct plan_item *plan_item(struct plan *p)
{
	if (p->count == p->cap) {
		size_t cap = p->cap ? p->cap * 2 : 1024;
		struct plan_item *more = reallocarray(p->items, cap, sizeof(*more));

		if (!more)
			return NULL;
		p->items = more;
		p->cap = cap;
	}
	p->items[p->count] = (struct plan_item){ 0 };
	return &p->items[p->count++];
}

static int64_t plan_modified(const void *bytes, size_t len)
{
	struct field f;
	int64_t ms;

	if (resource_find(bytes, len, FIELD_MODIFIED, &f) != 1 ||
	    clock_parse(f.text, f.len, &ms) < 0)
		return CLOCK_NONE;
	return ms;
}

// active:false out of a list that failed: everything else stays as it was. But for the
// version, which belongs to a record that was active and may come back with it.
static int plan_disable(struct plan *p, struct plan_item *it)
{
	struct buf b = BUF_INIT;
	struct field f;
	size_t pos = 0;
	bool done = false;
	int r;

	while ((r = resource_next(it->old_bytes, it->old_len, &pos, &f)) == 1) {
		if (!done && f.tag >= FIELD_ACTIVE) {
			r = resource_put(&b, FIELD_ACTIVE, 0, "false", 5);
			done = true;
		}
		if (r >= 0 && f.tag != FIELD_ACTIVE && f.tag != FIELD_VERSION)
			r = resource_put(&b, f.tag, f.via, f.text, f.len);
		if (r < 0)
			goto out;
	}
	if (r == 0 && !done)
		r = resource_put(&b, FIELD_ACTIVE, 0, "false", 5);
	if (r == 0)
		r = digest(it->digest, b.data, resource_stable(b.data, b.len));
	if (r == 0) {
		it->bytes = arena_bytes(&p->arena, b.data, b.len);
		it->len = b.len;
		it->what = 'd';
		r = it->bytes ? 0 : -ENOMEM;
	}
out:
	buf_free(&b);
	return r;
}

static int plan_lay(struct plan *p, struct plan_item *it, const struct stage *st)
{
	uint32_t i = table_get(it->kind == RESOURCE_USER ? &st->users : &st->groups, it->id,
			       strlen(it->id));
	const struct stage_entry *e = i == TABLE_NONE ? NULL : &st->entries[i];
	struct field f;

	if (!e || (e->stale && st->complete)) {
		if (st->complete)
			it->what = '-';
		return 0;
	}
	if (e->gone) {
		it->what = '-';
		return 0;
	}
	if (st->complete || st->partial) {
		if (e->changed && e->bytes) {
			it->what = '~';
			it->bytes = e->bytes;
			it->len = e->len;
			memcpy(it->digest, e->digest, DIGEST_LEN);
		}
		return 0;
	}
	if (it->kind != RESOURCE_USER || !e->inactive)
		return 0;
	if (resource_find(it->old_bytes, it->old_len, FIELD_ACTIVE, &f) == 1 && f.len == 5 &&
	    memcmp(f.text, "false", 5) == 0)
		return 0;
	if (e->modified != CLOCK_NONE) {
		int64_t stored = plan_modified(it->old_bytes, it->old_len);

		if (stored != CLOCK_NONE && e->modified < stored)
			return 0; // an old copy of the resource says nothing of today
	}
	return plan_disable(p, it);
}

static int plan_stored(void *arg, const struct store_resource *r)
{
	struct plan_reader *pr = arg;
	struct plan *p = pr->p;
	uint32_t source = plan_source(pr->in->config, r->source);
	struct plan_item *it;

	if (source == UINT32_MAX)
		return 0; // a section that was taken out of the configuration: its people rest
	it = plan_item(p);
	if (!it)
		return -ENOMEM;
	it->source = source;
	it->kind = r->kind;
	it->what = '=';
	it->id = arena_str(&p->arena, r->id);
	it->old_bytes = arena_bytes(&p->arena, r->bytes, r->len);
	it->old_len = r->len;
	memcpy(it->digest, r->digest, DIGEST_LEN);
	if (!it->id || !it->old_bytes)
		return -ENOMEM;
	it->bytes = it->old_bytes;
	it->len = it->old_len;
	return pr->in->stages && pr->in->stages[source] ? plan_lay(p, it, pr->in->stages[source])
							: 0;
}

static int plan_ledger(void *arg, const struct store_ledger *l)
{
	struct plan *p = ((struct plan_reader *)arg)->p;
	struct ledger_entry *e;

	if (p->ledger_count == p->ledger_cap) {
		size_t cap = p->ledger_cap ? p->ledger_cap * 2 : 1024;
		struct ledger_entry *more = reallocarray(p->ledger, cap, sizeof(*more));

		if (!more)
			return -ENOMEM;
		p->ledger = more;
		p->ledger_cap = cap;
	}
	e = &p->ledger[p->ledger_count];
	*e = (struct ledger_entry){ .source = arena_str(&p->arena, l->source),
				    .id = arena_str(&p->arena, l->id),
				    .name = arena_str(&p->arena, l->name),
				    .kind = l->kind,
				    .deleted = l->deleted,
				    .uid = l->uid,
				    .gid = l->gid,
				    .first_seen = l->first_seen,
				    .last_seen = l->last_seen };
	if (!e->source || !e->id || !e->name)
		return -ENOMEM;
	p->ledger_count++;
	p->restored |= strcmp(e->source, LEDGER_RESTORED) == 0;
	return 0;
}

// What the answers bring that the store does not have.
static int plan_new(struct plan *p, uint32_t source, const struct stage *st)
{
	for (size_t i = 0; (st->complete || st->partial) && i < st->count; i++) {
		const struct stage_entry *e = &st->entries[i];
		struct plan_item *it;

		if (e->known || !e->bytes)
			continue;
		it = plan_item(p);
		if (!it)
			return -ENOMEM;
		*it = (struct plan_item){ .source = source,
					  .kind = e->kind,
					  .what = '+',
					  .id = e->id,
					  .bytes = e->bytes,
					  .len = e->len };
		memcpy(it->digest, e->digest, DIGEST_LEN);
	}
	return 0;
}

// Its fingerprint is written with its first complete list.
static bool plan_read_before(struct store_txn *view, const char *source)
{
	const void *data;
	char key[96];
	size_t len;

	return snprintf(key, sizeof(key), "fingerprint/%s", source) < (int)sizeof(key) &&
	       store_state_get(view, key, &data, &len) == 0;
}

int plan_make(const struct job_input *in, struct plan *p, struct job *out, struct fail *f)
{
	struct plan_reader pr = { in, p };
	struct store_txn *view;
	const void *data;
	size_t len;
	int r = store_view(in->store, &view, f);

	if (r < 0)
		return r;
	r = store_resource_each(view, plan_stored, &pr);
	if (r == 0)
		r = store_ledger_each(view, plan_ledger, &pr);
	for (uint32_t i = 0; r == 0 && in->stages && i < in->config->directory_count; i++)
		if (in->stages[i])
			r = plan_new(p, i, in->stages[i]);
	if (r < 0)
		(void)fail(f, -r, "the store cannot be read: %s%s", fail_word(r),
			   r == -EBADMSG ? "; restart scimd: it is looked through, moved aside and "
					   "filled anew, the image stays meanwhile"
					 : "");
	for (uint32_t i = 0; r == 0 && in->stages && i < in->config->directory_count; i++)
		if (in->stages[i])
			r = brake_judge(in, p, i, view, &out->helds[i], &out->arena, f);
	for (uint32_t i = 0; r == 0 && i < in->config->directory_count; i++)
		p->unread |= !(in->stages && in->stages[i] && in->stages[i]->complete) &&
			     !plan_read_before(view, in->config->directories[i].name);
	if (p->restored && store_state_get(view, PLAN_REREAD, &data, &len) == 0)
		p->restored = false;
	store_view_end(view);
	p->changed = plan_changed(p);
	return r;
}

bool plan_changed(const struct plan *p)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->items[i].what != '=')
			return true;
	return false;
}

struct plan_item **plan_kept(struct plan *p)
{
	struct plan_item **kept = arena_array(&p->arena, p->count + 1, sizeof(struct plan_item *));
	size_t n = 0;

	for (size_t i = 0; kept && i < p->count; i++)
		if (p->items[i].what != '-')
			kept[n++] = &p->items[i];
	if (kept)
		kept[n] = NULL;
	return kept;
}

void plan_free(struct plan *p)
{
	free(p->items);
	free(p->ledger);
	arena_free(&p->arena);
}
