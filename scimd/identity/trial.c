// SPDX-License-Identifier: MIT
//
// The access policy tried on one person; see trial.h.
#include "scimd/identity/trial.h"
#include "scimd/base/buf.h"
#include "scimd/base/fail.h"
#include "scimd/identity/member.h"
#include "scimd/identity/policy.h"
#include <errno.h>
#include <scimd/account.h>
#include <stdlib.h>
#include <string.h>

// The group as it would be with the person in it. Fields are looked for by their tag
// here, so that one at the end is as good as one in its place.
static int trial_join(struct identity_resource *resources, const struct trial *t, struct buf *bytes)
{
	const struct identity_resource *user = &resources[t->user];
	struct identity_resource *group = &resources[t->group];
	struct field id;
	int r;

	if (resource_find(user->bytes, user->len, FIELD_ID, &id) != 1)
		return 0;
	r = buf_add(bytes, group->bytes, group->len);
	if (r == 0)
		r = resource_put(bytes, FIELD_MEMBER, 0, id.text, id.len);
	group->bytes = bytes->data;
	group->len = bytes->len;
	return r;
}

static void trial_judge(struct resolver *rv, const struct trial *t, const struct memberships *m,
			struct trial_result *out)
{
	const struct identity_rules *rules = rv->in->rules;
	struct candidate *c = &rv->c[t->user];
	const struct policy p = { rv, m };

	if (t->disabled)
		c->state = ACCOUNT_DISABLED;
	out->deny = policy_matches(&p, c, rules->deny);
	out->break_glass = policy_matches(&p, c, rules->break_glass);
	out->allow = rules->allow_all || policy_matches(&p, c, rules->allow);
	out->state = c->state;
	policy_judge(&p, c, &out->verdict, &out->rule);
}

int identity_trial(const struct resolve_input *in, const struct trial *t, struct trial_result *out,
		   struct fail *f)
{
	static const struct local_accounts nobody = { 0 };
	struct resolve_input mine = *in;
	struct resolved done = { 0 };
	struct resolver rv = { .in = &mine, .out = &done };
	struct identity_resource *resources;
	struct memberships m = { 0 };
	struct buf bytes = BUF_INIT;
	int r = -ENOMEM;

	*out = (struct trial_result){ 0 };
	mine.ledger_count = 0;
	mine.local = &nobody;
	resources = calloc(in->resource_count + 1, sizeof(*resources));
	rv.c = calloc(in->resource_count + 1, sizeof(*rv.c));
	if (!resources || !rv.c)
		goto out;
	memcpy(resources, in->resources, in->resource_count * sizeof(*resources));
	mine.resources = resources;
	r = t->group == TRIAL_NO_GROUP ? 0 : trial_join(resources, t, &bytes);
	if (r == 0)
		r = judge_all(&rv);
	if (r == 0)
		r = memberships_make(&rv, &m);
	if (r == 0)
		trial_judge(&rv, t, &m, out);
out:
	memberships_free(&m);
	resolver_free(&rv);
	arena_free(&done.arena);
	buf_free(&bytes);
	free(resources);
	return r < 0 ? fail(f, -r, "the policy cannot be tried: %s", fail_word(r)) : 0;
}
