// SPDX-License-Identifier: MIT
//
// plan → brake → apply → publish; see job.h. The order is the promise: what is
// published was committed, and what was committed is published or the next job
// does it (a failed publish leaves `published` false and the caller retries).
#include "scimd/agent/job.h"
#include "scimd/agent/apply.h"
#include "scimd/agent/config.h"
#include "scimd/agent/grounds.h"
#include "scimd/agent/leaver.h"
#include "scimd/agent/local.h"
#include "scimd/agent/loss.h"
#include "scimd/agent/plan.h"
#include "scimd/agent/stage.h"
#include "scimd/base/clock.h"
#include "scimd/base/digest.h"
#include "scimd/scim/resource.h"
#include "scimd/store/store.h"
#include <errno.h>
#include <scimd/account.h>
#include <scimd/image.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int job_resolve(const struct job_input *in, struct plan *p, struct resolved *res,
		       struct fail *f)
{
	struct identity_resource *resources;
	struct identity_source *sources;
	struct local_accounts local = { 0 };
	struct resolve_input ri;
	size_t n = 0;
	int r = local_read(&p->arena, "/etc/passwd", "/etc/group", &local, f);

	if (r < 0)
		return r;
	sources = arena_array(&p->arena, in->config->directory_count + 1, sizeof(*sources));
	resources = arena_array(&p->arena, p->count + 1, sizeof(*resources));
	if (!sources || !resources)
		return fail(f, ENOMEM, "out of memory");
	for (size_t i = 0; i < in->config->directory_count; i++)
		sources[i].name = in->config->directories[i].name;
	for (size_t i = 0; i < p->count; i++) {
		const struct plan_item *it = &p->items[i];

		if (it->what == '-')
			continue;
		resources[n++] = (struct identity_resource){
			.source = it->source, .kind = it->kind, .bytes = it->bytes, .len = it->len
		};
	}
	ri = (struct resolve_input){ .rules = &in->config->identity,
				     .sources = sources,
				     .source_count = in->config->directory_count,
				     .resources = resources,
				     .resource_count = n,
				     .ledger = p->ledger,
				     .ledger_count = p->ledger_count,
				     .local = &local,
				     .now = clock_wall() };
	return identity_resolve(&ri, res, f);
}

static const char *job_text(struct arena *a, const struct plan_item *it, const char *otherwise)
{
	struct field f;

	if (resource_find(it->bytes, it->len, FIELD_USER_NAME, &f) != 1 &&
	    resource_find(it->bytes, it->len, FIELD_DISPLAY, &f) != 1)
		return arena_str(a, otherwise);
	return arena_strn(a, f.text, f.len < 200 ? f.len : 200);
}

static int job_report(const struct job_input *in, struct plan *p, const struct resolved *res,
		      struct job *out)
{
	struct plan_item **by_index = plan_kept(p);
	size_t n = 0;

	out->refusals =
		arena_array(&out->arena, (size_t)res->refusal_count + 1, sizeof(*out->refusals));
	if (!by_index || !out->refusals)
		return -ENOMEM;
	while (by_index[n])
		n++;
	for (uint32_t i = 0; i < res->refusal_count; i++) {
		const struct refusal *from = &res->refusals[i];
		struct job_refusal *to = &out->refusals[out->refusal_count];

		if (from->resource >= n)
			continue;
		to->source =
			arena_str(&out->arena,
				  in->config->directories[by_index[from->resource]->source].name);
		to->kind = by_index[from->resource]->kind;
		to->id = arena_str(&out->arena, by_index[from->resource]->id);
		to->name = job_text(&out->arena, by_index[from->resource], to->id);
		to->code = arena_str(&out->arena, from->code);
		to->text = arena_str(&out->arena, from->text);
		to->warning = from->warning;
		if (!to->source || !to->id || !to->name || !to->code || !to->text)
			return -ENOMEM;
		out->refusal_count++;
		if (from->warning)
			out->warnings++;
		else
			out->refused++;
	}
	for (uint32_t i = 0; i < res->account_count; i++)
		out->users += res->accounts[i].state == ACCOUNT_ACTIVE ||
			      res->accounts[i].state == ACCOUNT_DISABLED;
	out->groups = res->group_count;
	out->active = res->active_count;
	out->allowed = res->allowed_count;
	return 0;
}

static int job_changes(const struct job_input *in, const struct plan *p, struct job *out)
{
	out->changes = arena_array(&out->arena, JOB_CHANGES_MAX, sizeof(*out->changes));
	if (!out->changes)
		return -ENOMEM;
	for (size_t i = 0; i < p->count; i++) {
		const struct plan_item *it = &p->items[i];
		struct job_change *c;

		if (it->what == '=')
			continue;
		out->added += it->what == '+';
		out->removed += it->what == '-';
		out->altered += it->what == '~' || it->what == 'd';
		if (out->change_count == JOB_CHANGES_MAX)
			continue;
		c = &out->changes[out->change_count++];
		c->what = it->what == 'd' ? '~' : it->what;
		c->kind = it->kind;
		c->source = arena_str(&out->arena, in->config->directories[it->source].name);
		c->id = arena_str(&out->arena, it->id);
		c->name = job_text(&out->arena, it, it->id);
		if (!c->source || !c->id || !c->name)
			return -ENOMEM;
	}
	return 0;
}

static bool job_all_complete(const struct job_input *in)
{
	for (size_t i = 0; i < in->config->directory_count; i++)
		if (!in->stages || !in->stages[i] ||
		    (!in->stages[i]->complete && !in->stages[i]->unchanged))
			return false;
	return in->config->directory_count > 0;
}

static bool job_all_unchanged(const struct job_input *in)
{
	for (size_t i = 0; i < in->config->directory_count; i++)
		if (!in->stages || !in->stages[i] || !in->stages[i]->unchanged)
			return false;
	return in->config->directory_count > 0;
}

static int job_image_users(const struct resolved *res, struct arena *a,
			   const struct image_user_source **out)
{
	struct image_user_source *u = arena_array(a, (size_t)res->account_count + 1, sizeof(*u));

	if (!u)
		return -ENOMEM;
	for (uint32_t i = 0; i < res->account_count; i++) {
		const struct account *ac = &res->accounts[i];

		u[i] = (struct image_user_source){ .name = ac->name,
						   .passwd = ac->passwd,
						   .gecos = ac->gecos,
						   .home = ac->home,
						   .shell = ac->shell,
						   .uid = ac->uid,
						   .gid = ac->gid,
						   .groups = ac->groups,
						   .group_count = ac->group_count,
						   .state = ac->state,
						   .verdict = ac->verdict,
						   .rule = ac->rule,
						   .keys = ac->keys,
						   .key_count = ac->key_count };
		u[i].flags = (uint16_t)((ac->private_group ? IMAGE_PRIVATE_GROUP : 0) |
					(ac->hidden ? IMAGE_HIDDEN : 0) |
					(ac->no_nss ? IMAGE_NO_NSS : 0));
	}
	u[res->account_count] = (struct image_user_source){ .name = ACCOUNT_PROBE_NAME,
							    .passwd = "!",
							    .gecos = "",
							    .home = "/nonexistent",
							    .shell = "/usr/sbin/nologin",
							    .uid = ACCOUNT_PROBE_ID,
							    .gid = ACCOUNT_PROBE_ID,
							    .state = ACCOUNT_PROBE,
							    .verdict = VERDICT_DENY,
							    .rule = RULE_STATE,
							    .flags = IMAGE_HIDDEN };
	*out = u;
	return 0;
}

static int job_publish(const struct job_input *in, const struct resolved *res, struct job *out,
		       struct fail *f)
{
	const struct config *c = in->config;
	struct image_group_source *groups;
	struct image_source src = { 0 };
	struct arena a = ARENA_INIT;
	int r = job_image_users(res, &a, &src.users);

	groups = arena_array(&a, (size_t)res->group_count + 1, sizeof(*groups));
	if (r < 0 || !groups) {
		r = fail(f, ENOMEM, "out of memory");
		goto out;
	}
	for (uint32_t i = 0; i < res->group_count; i++)
		groups[i] =
			(struct image_group_source){ .name = res->groups[i].name,
						     .gid = res->groups[i].gid,
						     .members = res->groups[i].members,
						     .member_count = res->groups[i].member_count };
	src.user_count = res->account_count + 1;
	src.groups = groups;
	src.group_count = res->group_count;
	src.policy_flags = c->identity.allow || c->identity.allow_all ? IMAGE_POLICY_STATED : 0;
	if (c->identity.group_members == GROUP_MEMBERS_SELF)
		src.policy_flags |= IMAGE_MEMBERS_SELF;
	src.stale_warn = c->stale_warn;
	src.stale_deny = c->stale_deny;
	r = grounds_made_of(in, out->grounds, &src.made_of, f);
	if (r < 0)
		goto out;
	do
		r = image_publish(c->state_dir, &src,
				  job_all_complete(in) && !out->held ? clock_wall() : 0,
				  &out->image, f);
	while ((r == -ENOSPC || r == -EDQUOT) && store_reserve_release(in->store));
	out->published = r == 0;
out:
	arena_free(&a);
	return r;
}

// Resolved until nothing more is held, and judged once more: whom it would lose.
static int job_settle(const struct job_input *in, struct plan *p, struct resolved *res,
		      struct job *out)
{
	struct fail *f = &out->fail;
	size_t gone, known;
	bool again = true;
	int r = 0;

	while (r == 0 && again) {
		arena_free(&res->arena);
		r = job_resolve(in, p, res, f);
		if (r == 0)
			r = loss_refused(in, p, res, out, &again);
	}
	p->changed = plan_changed(p);
	gone = r == 0 && p->restored && !in->accept_removals ? loss_unclaimed(in, p, res, &known)
							     : 0;
	if (gone)
		return fail(f, EAGAIN,
			    "the store was lost, and %zu of %zu people whom the image knows are in "
			    "no directory; the image stays as it is; if that is intended: `scimctl "
			    "sync --accept-removals`",
			    gone, known);
	p->reread = p->restored && job_all_complete(in) && !out->held;
	return r;
}

static int job_steps(const struct job_input *in, struct plan *p, struct resolved *res,
		     struct job *out)
{
	struct leavers *leaving = NULL;
	struct fail *f = &out->fail;
	bool moved;
	int r;

	out->helds = arena_array(&out->arena, in->config->directory_count + 1, sizeof(*out->helds));
	if (!out->helds)
		return fail(f, ENOMEM, "out of memory");
	r = grounds_now(in, out->grounds, f);
	if (r < 0)
		return r;
	moved = !in->grounds || memcmp(in->grounds, out->grounds, DIGEST_LEN) != 0;
	if (job_all_unchanged(in) && !in->republish && !moved)
		return image_confirm(in->config->state_dir, clock_wall(), f);
	r = plan_make(in, p, out, f);
	if (r < 0)
		return r;
	// Without its people the store knows nothing better than the image does.
	if (p->restored && p->unread)
		return fail(f, EAGAIN,
			    "the store was lost; the image stays as it is until every directory "
			    "has been read completely once");
	for (size_t i = 0; i < in->config->directory_count; i++)
		out->held |= out->helds[i].reason != NULL;
	// What another process made of the very same stands.
	if (!in->grounds && !p->changed && !p->restored && !in->rebuild)
		moved = !grounds_stand(in, out->grounds);
	r = 0;
	if (p->changed || in->republish || in->dry_run || moved)
		r = job_settle(in, p, res, out);
	out->changed = p->changed;
	if (r == 0 && !p->changed && !in->republish && !in->dry_run && !moved && !p->reread) {
		if (!job_all_complete(in) || out->held)
			return 0;
		return image_confirm(in->config->state_dir, clock_wall(), f);
	}
	if (r == 0)
		r = job_report(in, p, res, out);
	if (r == 0)
		r = job_changes(in, p, out);
	if (r < 0 || in->dry_run)
		return r;
	r = leavers_find(in, p, res, &leaving, f);
	if (r == 0)
		r = apply_plan(in, p, res, leaving, f);
	if (r == 0)
		leavers_tell(leaving);
	leavers_free(leaving);
	if (r < 0)
		return r;
	if (!p->changed && !in->rebuild && grounds_stand(in, out->grounds))
		return job_all_complete(in) && !out->held
			       ? image_confirm(in->config->state_dir, clock_wall(), f)
			       : 0;
	return job_publish(in, res, out, f);
}

// What the next job needs on a full disk is set aside while there is room.
static const char *job_room(const struct job_input *in)
{
	if (!image_keep_spare(in->config->state_dir))
		return "no space for the spare image: a full disk would stop publishing";
	if (!store_reserve(in->store))
		return "no space for the store's reserve: a full disk would stop disables";
	return NULL;
}

void job_run(const struct job_input *in, struct job *out)
{
	struct resolved res = { 0 };
	struct plan p = { 0 };

	*out = (struct job){ 0 };
	out->r = job_steps(in, &p, &res, out);
	if (out->r == 0 && !in->dry_run)
		leavers_published(in, out);
	if (out->r == -ENOMEM && !out->fail.text[0])
		(void)fail(&out->fail, ENOMEM, "out of memory");
	arena_free(&res.arena);
	plan_free(&p);
	out->no_room = job_room(in);
}

void job_free(struct job *j)
{
	arena_free(&j->arena);
}
