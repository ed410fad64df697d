// SPDX-License-Identifier: MIT
//
// What the writer refuses. Everything that the reader would call damage is
// refused here with a sentence, before a byte is written; nothing is altered.

#include "scimd/base/fail.h"
#include "scimd/image/build.h"
#include "scimd/image/record.h"
#include "scimd/image/write.h"

#include <errno.h>
#include <scimd/account.h>
#include <string.h>

// Length of a text with its NUL, or 0 where it has a byte that no text may have.
static size_t text_len(const char *s)
{
	struct image_scan scan = { 0 };
	size_t len = strlen(s);

	image_scan(&scan, (const unsigned char *)s, len);
	return scan.bad ? 0 : len + 1;
}

static int check_text(const struct image_user_source *u, uint64_t *sum, struct fail *f)
{
	const char *texts[] = { u->gecos, u->home, u->shell };
	static const char *const names[] = { "gecos", "home", "shell" };

	for (unsigned i = 0; i < 3; i++) {
		size_t len = texts[i] ? text_len(texts[i]) : 0;

		if (len == 0)
			return fail(f, EINVAL, "user \"%s\": %s has a control byte or ':'", u->name,
				    names[i]);
		*sum += len;
	}
	if (u->home[0] != '/' || u->shell[0] != '/')
		return fail(f, EINVAL, "user \"%s\": home or shell is not absolute", u->name);
	if (!u->passwd || (strcmp(u->passwd, "*") != 0 && strcmp(u->passwd, "!") != 0))
		return fail(f, EINVAL, "user \"%s\": the password field is neither * nor !",
			    u->name);
	*sum += 2;
	if (*sum > IMAGE_USER_STRINGS_MAX)
		return fail(f, EINVAL,
			    "user \"%s\": name, gecos, home and shell are longer than %u bytes",
			    u->name, IMAGE_USER_STRINGS_MAX);
	return 0;
}

static int check_numbers(const struct image_user_source *u, struct fail *f)
{
	const bool probe = u->uid == ACCOUNT_PROBE_ID;

	if (account_id_reserved(u->uid) || account_id_reserved(u->gid))
		return fail(f, EINVAL, "user \"%s\": uid %u or gid %u is reserved", u->name, u->uid,
			    u->gid);
	if (probe != (u->state == ACCOUNT_PROBE) ||
	    probe != (strcmp(u->name, ACCOUNT_PROBE_NAME) == 0))
		return fail(f, EINVAL, "user \"%s\": uid %u is the probe's alone", u->name,
			    ACCOUNT_PROBE_ID);
	if (u->state < ACCOUNT_ACTIVE || u->state > ACCOUNT_PROBE ||
	    u->verdict > VERDICT_BREAK_GLASS || u->rule > RULE_BREAK_GLASS)
		return fail(f, EINVAL, "user \"%s\": state %u, verdict %u, rule %u", u->name,
			    u->state, u->verdict, u->rule);
	if ((u->flags & IMAGE_PRIVATE_GROUP) && u->uid != u->gid)
		return fail(f, EINVAL, "user \"%s\": a private group's gid is the uid", u->name);
	if (u->group_count > ACCOUNT_GROUPS_MAX)
		return fail(f, EINVAL, "user \"%s\": in %u groups", u->name, u->group_count);
	for (uint32_t i = 0; i < u->group_count; i++)
		if (!image_gid_served(u->groups[i]))
			return fail(f, EINVAL, "user \"%s\": group %u is reserved", u->name,
				    u->groups[i]);
	return 0;
}

int image_check_user(const struct image_user_source *u, uint64_t *bound_out, struct fail *f)
{
	uint64_t strings, keys = 0, bound;
	size_t name = u->name ? image_name_fits(u->name) : 0;
	int r;

	if (name == 0)
		return fail(f, EINVAL, "\"%s\" is no name of a user", u->name ? u->name : "");
	strings = name + 1;
	r = check_text(u, &strings, f);
	if (r == 0)
		r = check_numbers(u, f);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < u->key_count; i++) {
		size_t len = u->keys[i] ? text_len(u->keys[i]) : 0;

		if (len < 2)
			return fail(f, EINVAL, "user \"%s\": key %u has a control byte or ':'",
				    u->name, i + 1);
		keys += len;
	}
	bound = sizeof(struct image_user) + image_round(strings, 4) + 4 * (uint64_t)u->group_count +
		keys;
	if (bound > IMAGE_RECORD_MAX)
		return fail(f, EINVAL, "user \"%s\": keys of %llu bytes", u->name,
			    (unsigned long long)keys);
	*bound_out = image_round(bound, 8);
	return 0;
}

int image_check_group(const struct image_source *src, uint32_t number, uint64_t *bound_out,
		      struct fail *f)
{
	const struct image_group_source *g = &src->groups[number];
	size_t name = g->name ? image_name_fits(g->name) : 0;
	uint64_t strings = name + 3;

	if (name == 0)
		return fail(f, EINVAL, "\"%s\" is no name of a group", g->name ? g->name : "");
	if (account_id_reserved(g->gid) || g->gid == ACCOUNT_PROBE_ID)
		return fail(f, EINVAL, "group \"%s\": gid %u is reserved", g->name, g->gid);
	for (uint32_t i = 0; i < g->member_count; i++) {
		if (g->members[i] >= src->user_count)
			return fail(f, EINVAL, "group \"%s\": member %u is no user", g->name,
				    i + 1);
		strings += ACCOUNT_NAME_MAX + 12; // a name with its suffix and its NUL
	}
	*bound_out = image_round(sizeof(struct image_group) + strings, 8);
	return 0;
}
