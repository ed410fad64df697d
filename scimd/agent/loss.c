// SPDX-License-Identifier: MIT
//
// Losses without an absence; see loss.h. Who is served today is what the image says.
#include "scimd/agent/loss.h"
#include "scimd/agent/apply.h"
#include "scimd/agent/brake.h"
#include "scimd/agent/config.h"
#include "scimd/agent/grounds.h"
#include "scimd/base/table.h"
#include "scimd/image/read.h"
#include "scimd/scim/resource.h"
#include <errno.h>
#include <scimd/account.h>
#include <string.h>

struct loss {
	const struct job_input *in;
	struct plan *plan;
	const struct resolved *res;
	struct plan_item **kept;
	struct image image;
	struct table refused; // "KIND SOURCE ID" → index of the refusal
};

static const char *loss_key(struct loss *l, uint8_t kind, const char *source, const char *id)
{
	return arena_printf(&l->plan->arena, "%u %s %s", kind, source, id);
}

static const char *loss_source(const struct loss *l, uint32_t source)
{
	return l->in->config->directories[source].name;
}

// Records that changed with this answer and cannot be served now. Who is disabled in
// one is disabled, whatever else it says.
static int loss_read(struct loss *l)
{
	int r = 0;

	for (uint32_t i = 0; i < l->res->refusal_count && r == 0; i++) {
		const struct refusal *no = &l->res->refusals[i];
		struct plan_item *it = l->kept[no->resource];
		const char *key;

		if (no->warning || it->what != '~' || apply_inactive(it->bytes, it->len))
			continue;
		key = loss_key(l, it->kind, loss_source(l, it->source), it->id);
		r = key ? table_put(&l->refused, key, strlen(key), i) : -ENOMEM;
	}
	return r;
}

static bool loss_served(const struct loss *l, const struct ledger_entry *e)
{
	struct image_found_group g;
	struct image_found_user u;

	if (e->kind == RESOURCE_GROUP)
		return image_group_by_id(&l->image, e->gid, NULL, 0, &g) != -ENOENT;
	return image_user_by_id(&l->image, e->uid, NULL, 0, &u) == 0 &&
	       u.head.state == ACCOUNT_ACTIVE;
}

static int loss_mark(struct loss *l)
{
	for (size_t i = 0; i < l->plan->ledger_count; i++) {
		const struct ledger_entry *e = &l->plan->ledger[i];
		const char *key;
		uint32_t at;

		if (e->deleted)
			continue;
		key = loss_key(l, e->kind, e->source, e->id);
		if (!key)
			return -ENOMEM;
		at = table_get(&l->refused, key, strlen(key));
		if (at != TABLE_NONE && loss_served(l, e))
			l->kept[l->res->refusals[at].resource]->lost = true;
	}
	return 0;
}

// Its refusals go with it, so the first of them is told here.
static int loss_hold(struct loss *l, uint32_t source, struct job *out)
{
	struct job_held *held = &out->helds[source];
	const char *first = NULL;
	size_t n = 0;

	for (uint32_t i = 0; i < l->res->refusal_count && !first; i++) {
		const struct refusal *no = &l->res->refusals[i];

		if (!no->warning && l->kept[no->resource]->lost &&
		    l->kept[no->resource]->source == source)
			first = no->text;
	}
	for (size_t i = 0; i < l->plan->count; i++) {
		struct plan_item *it = &l->plan->items[i];

		if (it->source != source || !it->lost)
			continue;
		n++;
		it->what = '=';
		it->held = true;
		it->lost = false;
		it->bytes = it->old_bytes;
		it->len = it->old_len;
	}
	held->source = loss_source(l, source);
	held->reason = arena_printf(
		&out->arena,
		"%zu records of users and groups that are served have changed so that they cannot "
		"be, more than one sync may take away; if that is intended: `scimctl sync "
		"--accept-removals`; the first: %.200s",
		n, first ? first : "");
	out->held = true;
	return held->reason ? 0 : -ENOMEM;
}

static int loss_judge(struct loss *l, struct job *out, bool *again_out)
{
	int r = 0;

	for (uint32_t s = 0; s < l->in->config->directory_count && r == 0; s++) {
		uint64_t had[2] = { 0, 0 }, gone[2] = { 0, 0 };

		for (size_t i = 0; i < l->plan->count; i++) {
			const struct plan_item *it = &l->plan->items[i];
			bool group = it->kind == RESOURCE_GROUP;

			had[group] += it->source == s && it->old_bytes;
			gone[group] += it->source == s && it->lost;
		}
		if (!brake_removals(had[0], gone[0]) && !brake_removals(had[1], gone[1]))
			continue;
		*again_out = true;
		r = loss_hold(l, s, out);
	}
	return r;
}

int loss_refused(const struct job_input *in, struct plan *p, const struct resolved *res,
		 struct job *out, bool *again_out)
{
	struct loss l = { .in = in, .plan = p, .res = res, .kept = plan_kept(p) };
	int r = l.kept ? 0 : -ENOMEM;

	*again_out = false;
	if (r < 0 || in->accept_removals || grounds_image(in->config, &l.image, IMAGE_BY_MAP) < 0)
		return r;
	r = loss_read(&l);
	if (r == 0 && l.refused.used) {
		r = loss_mark(&l);
		if (r == 0)
			r = loss_judge(&l, out, again_out);
	}
	table_free(&l.refused);
	image_close(&l.image);
	return r;
}

static bool loss_restored(const struct ledger_entry *e)
{
	return e->kind == RESOURCE_USER && !e->deleted && strcmp(e->source, LEDGER_RESTORED) == 0;
}

size_t loss_unclaimed(const struct job_input *in, const struct plan *p, const struct resolved *res,
		      size_t *known_out)
{
	size_t had = 0, gone = 0;
	struct image im;

	if (grounds_image(in->config, &im, IMAGE_BY_MAP) < 0)
		return 0;

	for (size_t i = 0; i < p->ledger_count; i++)
		had += loss_restored(&p->ledger[i]);
	for (uint32_t i = 0; i < res->account_count; i++) {
		const struct account *ac = &res->accounts[i];
		struct image_found_user u;

		// Whom the image refused, or had as disabled, loses nothing.
		gone += ac->state == ACCOUNT_DELETED && ac->ledger != UINT32_MAX &&
			loss_restored(&p->ledger[ac->ledger]) &&
			image_user_by_id(&im, ac->uid, NULL, 0, &u) == 0 &&
			u.head.state == ACCOUNT_ACTIVE;
	}
	image_close(&im);
	*known_out = had;
	return brake_removals(had, gone) ? gone : 0;
}
