// SPDX-License-Identifier: MIT
//
// The access policy; see policy.h. `groups` is the set that scimd computed, never
// what the user's own record says. A displayName borne by two groups matches
// nothing: nobody could say which one was meant.
#include "scimd/identity/policy.h"
#include "scimd/scim/filter.h"
#include <scimd/account.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define POLICY_TEXT 512

struct policy_subject {
	const struct policy *p;
	const struct candidate *c;
	char text[POLICY_TEXT];
};

static int policy_group(struct policy_subject *s, const struct scim_path *p, uint32_t group,
			struct scim_value *out)
{
	const struct identity_resource *res = &s->p->rv->in->resources[group];
	bool id = !p->sub[0] || strcasecmp(p->sub, "value") == 0;
	struct field f;

	*out = (struct scim_value){ .type = SCIM_NULL };
	if (!id && strcasecmp(p->sub, "display") != 0 && strcasecmp(p->sub, "displayName") != 0)
		return 1;
	if (id ? s->p->m->idless[group] : s->p->m->nameless[group])
		return 1;
	if (resource_find(res->bytes, res->len, id ? FIELD_ID : FIELD_DISPLAY, &f) != 1 ||
	    f.len >= POLICY_TEXT || memchr(f.text, '\0', f.len))
		return 1;
	memcpy(s->text, f.text, f.len);
	s->text[f.len] = '\0';
	out->type = SCIM_STRING;
	out->text = s->text;
	return 1;
}

// The stored value is "path NUL type NUL text".
static int policy_stored(struct policy_subject *s, const struct scim_path *p, size_t i,
			 struct scim_value *out)
{
	const struct identity_resource *res = &s->p->rv->in->resources[s->c->resource];
	char path[POLICY_TEXT];
	struct field f;
	size_t pos = 0, skip, n;
	const char *text;
	char type;

	if (snprintf(path, sizeof(path), "%s%s%s%s%s", p->urn, p->urn[0] ? ":" : "", p->attr,
		     p->sub[0] ? "." : "", p->sub) >= (int)sizeof(path))
		return 0;
	skip = strlen(path) + 1;
	while (resource_next(res->bytes, res->len, &pos, &f) == 1) {
		if (f.tag != FIELD_POLICY || f.len < skip + 2 ||
		    strncasecmp(f.text, path, skip) != 0)
			continue;
		if (i--)
			continue;
		type = f.text[skip];
		text = f.text + skip + 2;
		n = f.len - skip - 2;
		if (n >= POLICY_TEXT || memchr(text, '\0', n))
			return 0;
		memcpy(s->text, text, n);
		s->text[n] = '\0';
		*out = (struct scim_value){ .type = SCIM_STRING, .text = s->text };
		if (type == 'b')
			out->type = strcmp(s->text, "true") == 0 ? SCIM_TRUE : SCIM_FALSE;
		if (type == 'n') {
			out->type = SCIM_NUMBER;
			out->number = strtod(s->text, NULL);
		}
		return 1;
	}
	return 0;
}

static int policy_get(void *arg, const void *scope, const struct scim_path *p, size_t i,
		      struct scim_value *out)
{
	struct policy_subject *s = arg;
	const struct memberships *m = s->p->m;
	size_t at = m->user_at[s->c->resource], end = m->user_at[s->c->resource + 1];

	if (scope) { // inside groups[…]: the attribute is a sub-attribute of that group
		struct scim_path sub = { "", "groups", p->attr };

		return i == 0 ? policy_group(s, &sub, *(const uint32_t *)scope, out) : 0;
	}
	if (!p->urn[0] && strcasecmp(p->attr, "groups") == 0)
		return at + i < end ? policy_group(s, p, m->user_groups[at + i], out) : 0;
	return policy_stored(s, p, i, out);
}

static int policy_element(void *arg, const struct scim_path *p, size_t i, const void **scope_out)
{
	struct policy_subject *s = arg;
	const struct memberships *m = s->p->m;
	size_t at = m->user_at[s->c->resource], end = m->user_at[s->c->resource + 1];

	if (p->urn[0] || strcasecmp(p->attr, "groups") != 0 || at + i >= end)
		return 0;
	*scope_out = &m->user_groups[at + i];
	return 1;
}

bool policy_matches(const struct policy *p, const struct candidate *c,
		    const struct scim_filter *rule)
{
	struct policy_subject s = { .p = p, .c = c };
	struct scim_subject subject = { &s, policy_get, policy_element, NULL };

	return rule && scim_filter_match(rule, &subject);
}

void policy_judge(const struct policy *p, const struct candidate *c, uint8_t *verdict_out,
		  uint8_t *rule_out)
{
	const struct identity_rules *rules = p->rv->in->rules;

	*verdict_out = VERDICT_DENY;
	if (c->state != ACCOUNT_ACTIVE) {
		*rule_out = RULE_STATE;
	} else if (policy_matches(p, c, rules->deny)) {
		*rule_out = RULE_DENY;
	} else if (policy_matches(p, c, rules->break_glass)) {
		*verdict_out = VERDICT_BREAK_GLASS;
		*rule_out = RULE_BREAK_GLASS;
	} else if (rules->allow_all || policy_matches(p, c, rules->allow)) {
		*verdict_out = VERDICT_ALLOW;
		*rule_out = RULE_ALLOW;
	} else {
		*rule_out = rules->allow ? RULE_NO_MATCH : RULE_NONE;
	}
}
