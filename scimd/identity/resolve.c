// SPDX-License-Identifier: MIT
//
// identity_resolve: judge, claim, then build what is served; see resolve.h.
#include "scimd/identity/resolve.h"
#include "scimd/base/fail.h"
#include "scimd/identity/internal.h"
#include "scimd/identity/member.h"
#include "scimd/identity/policy.h"
#include <errno.h>
#include <scimd/account.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void resolver_refuse(struct resolver *rv, struct candidate *c, bool warning, const char *code,
		     const char *fmt, ...)
{
	char text[1024];
	struct refusal *r;
	va_list ap;

	if (rv->out->refusal_count == rv->refusal_cap) {
		size_t cap = rv->refusal_cap ? rv->refusal_cap * 2 : 64;
		struct refusal *more = arena_array(&rv->out->arena, cap, sizeof(*more));

		if (!more || cap > UINT32_MAX / 2) {
			rv->short_of_memory = true;
			return;
		}
		if (rv->refusal_cap)
			memcpy(more, rv->out->refusals, rv->refusal_cap * sizeof(*more));
		rv->out->refusals = more;
		rv->refusal_cap = cap;
	}
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	r = &rv->out->refusals[rv->out->refusal_count];
	*r = (struct refusal){ c->resource, code, arena_str(&rv->out->arena, text), warning };
	if (!r->text)
		rv->short_of_memory = true;
	else
		rv->out->refusal_count++;
}

// ------------------------------------------------------------------ accounts

static int resolve_verdicts(struct resolver *rv, const struct memberships *m)
{
	struct resolved *out = rv->out;
	const struct policy p = { rv, m };
	int r = 0;

	for (uint32_t i = 0; i < out->account_count && r == 0; i++) {
		struct account *ac = &out->accounts[i];

		if (ac->resource == UINT32_MAX || ac->state != ACCOUNT_ACTIVE)
			continue;
		r = resolve_user_groups(rv, m, ac);
		policy_judge(&p, &rv->c[ac->resource], &ac->verdict, &ac->rule);
		out->active_count++;
		out->allowed_count += ac->verdict != VERDICT_DENY;
	}
	return r;
}

static int resolve_refusal_order(const void *x, const void *y)
{
	const struct refusal *a = x, *b = y;
	int c;

	if (a->warning != b->warning)
		return a->warning ? 1 : -1;
	c = strcmp(a->text, b->text);
	return c ? c : strcmp(a->code, b->code);
}

void resolver_free(struct resolver *rv)
{
	table_free(&rv->ledger);
	table_free(&rv->restored);
	table_free(&rv->owned);
	table_free(&rv->local_users);
	table_free(&rv->local_groups);
	table_free(&rv->local_uids);
	table_free(&rv->local_gids);
	free(rv->c);
}

int identity_resolve(const struct resolve_input *in, struct resolved *out, struct fail *f)
{
	struct resolver rv = { .in = in, .out = out };
	struct memberships m = { 0 };
	int r;

	*out = (struct resolved){ 0 };
	rv.c = calloc(in->resource_count + 1, sizeof(*rv.c));
	r = rv.c ? judge_all(&rv) : -ENOMEM;
	if (r == 0)
		r = claim_all(&rv);
	if (r == 0)
		r = resolve_accounts(&rv);
	if (r == 0)
		r = memberships_make(&rv, &m);
	if (r == 0)
		r = resolve_groups(&rv, &m);
	if (r == 0)
		r = resolve_verdicts(&rv, &m);
	if (r == 0 && rv.short_of_memory)
		r = -ENOMEM;
	if (out->refusal_count)
		qsort(out->refusals, out->refusal_count, sizeof(*out->refusals),
		      resolve_refusal_order);
	memberships_free(&m);
	resolver_free(&rv);
	return r < 0 ? fail(f, -r, "accounts: out of memory") : 0;
}
