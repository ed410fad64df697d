// SPDX-License-Identifier: MIT
//
// Each resource by itself: is there a name, a number, a state that may be served?
#include "scimd/base/clock.h"
#include "scimd/identity/id.h"
#include "scimd/identity/internal.h"
#include <errno.h>
#include <scimd/account.h>
#include <stdio.h>
#include <string.h>

static bool judge_field(const struct resolver *rv, const struct candidate *c, uint8_t tag,
			struct field *f)
{
	const struct identity_resource *r = &rv->in->resources[c->resource];

	return resource_find(r->bytes, r->len, tag, f) == 1;
}

static void judge_state(struct resolver *rv, struct candidate *c)
{
	struct field f;
	char shown[256];

	c->state = ACCOUNT_ACTIVE;
	if (!judge_field(rv, c, FIELD_ACTIVE, &f) || (f.len == 4 && memcmp(f.text, "true", 4) == 0))
		return;
	c->state = ACCOUNT_DISABLED;
	if (f.len != 5 || memcmp(f.text, "false", 5) != 0)
		resolver_refuse(
			rv, c, true, "active",
			"user \"%s\": active is %s, neither true nor false; counted as disabled",
			c->shown, name_show(f.text, f.len, shown, sizeof(shown)));
}

// Of which not all could be taken: it is here, and that is all that is said of it.
static bool judge_whole(struct resolver *rv, struct candidate *c)
{
	struct field f;

	if (!judge_field(rv, c, FIELD_COMPLAINT, &f))
		return true;
	resolver_refuse(rv, c, false, "too-large", "%s \"%s\": %.*s",
			c->kind == RESOURCE_USER ? "user" : "group", c->shown, (int)f.len, f.text);
	return false;
}

static bool judge_name(struct resolver *rv, struct candidate *c)
{
	const struct identity_rules *rules = rv->in->rules;
	bool user = c->kind == RESOURCE_USER, ok, whole;
	char shown[256];
	struct field f;
	const char *why;

	whole = rules->cut && strcmp(rules->cut, "whole") == 0;
	if (user && judge_field(rv, c, FIELD_NAME, &f)) {
		ok = name_login(f.text, f.len, false, c->name, &why);
	} else if (user && judge_field(rv, c, FIELD_USER_NAME, &f)) {
		ok = name_login(f.text, f.len, !whole, c->name, &why);
	} else if (!user && judge_field(rv, c, FIELD_NAME, &f)) {
		ok = name_group(f.text, f.len, rules->override_space, c->name, &why);
	} else {
		resolver_refuse(rv, c, false, "no-name", "%s with id \"%s\": has no %s",
				user ? "user" : "group", c->id, user ? "userName" : "displayName");
		return false;
	}
	if (!ok) {
		resolver_refuse(rv, c, false, "name",
				"%s \"%s\": the name %s; map another attribute to `%s` or correct "
				"it in the "
				"directory",
				user ? "user" : "group",
				name_show(f.text, f.len, shown, sizeof(shown)), why,
				user ? "name" : "group_name");
		return false;
	}
	return true;
}

static bool judge_number(struct resolver *rv, struct candidate *c, uint8_t tag, const char *what,
			 uint32_t *out, bool *given)
{
	const char *why;
	char shown[256];
	struct field f;

	*given = judge_field(rv, c, tag, &f);
	if (!*given)
		return true;
	if (id_given(f.text, f.len, out, &why)) {
		if (account_id_container(*out))
			resolver_refuse(
				rv, c, true, "id-container",
				"%s \"%s\": %s %u lies where containers take their ids (524288 to "
				"1879048191)",
				c->kind == RESOURCE_USER ? "user" : "group", c->shown, what, *out);
		return true;
	}
	resolver_refuse(rv, c, false, "id", "%s \"%s\": %s \"%s\" %s; correct it in the directory",
			c->kind == RESOURCE_USER ? "user" : "group", c->shown, what,
			name_show(f.text, f.len, shown, sizeof(shown)), why);
	return false;
}

// The ledger's numbers stand; another given one is reported.
static void judge_ledger(struct resolver *rv, struct candidate *c, bool uid_given, bool gid_given)
{
	const struct ledger_entry *l = &rv->in->ledger[c->ledger];
	bool user = c->kind == RESOURCE_USER;

	if (user && uid_given && c->uid != l->uid)
		resolver_refuse(rv, c, true, "uid-changed",
				"user \"%s\": uid %u was changed to %u in the directory; a uid "
				"never changes, "
				"%u stays",
				c->shown, l->uid, c->uid, l->uid);
	if (gid_given && c->gid != l->gid)
		resolver_refuse(rv, c, true, "gid-changed",
				"%s \"%s\": gid %u was changed to %u in the directory; a gid never "
				"changes, "
				"%u stays",
				user ? "user" : "group", c->shown, l->gid, c->gid, l->gid);
	c->uid = l->uid;
	c->gid = l->gid;
	c->incumbent = !l->deleted && strcmp(l->name, c->name) == 0;
}

// An entry that came back from the image finds its owner; see LEDGER_RESTORED.
static void judge_restored(struct resolver *rv, struct candidate *c)
{
	uint32_t key[2] = { c->kind, c->kind == RESOURCE_USER ? c->uid : c->gid };
	uint32_t i = table_get(&rv->restored, key, sizeof(key));
	const struct ledger_entry *l;

	if (i == TABLE_NONE)
		return;
	l = &rv->in->ledger[i];
	if ((c->given || l->deleted) && strcmp(l->name, c->name) != 0)
		return;
	if (c->given && l->deleted)
		return;
	c->ledger = i;
	c->gid = l->gid;
	c->incumbent = !l->deleted && strcmp(l->name, c->name) == 0;
}

static bool judge_numbers(struct resolver *rv, struct candidate *c)
{
	bool user = c->kind == RESOURCE_USER, uid_given = false, gid_given = false;
	uint32_t hashed = 0;

	if (user && !judge_number(rv, c, FIELD_UID, "uidNumber", &c->uid, &uid_given))
		return false;
	if (!judge_number(rv, c, FIELD_GID, "gidNumber", &c->gid, &gid_given))
		return false;
	c->given = user ? uid_given : gid_given;
	if (c->ledger != UINT32_MAX) {
		judge_ledger(rv, c, uid_given, gid_given);
	} else if (!c->given) {
		if (id_hashed(rv->in->sources[c->source].name, c->id, &hashed) < 0) {
			rv->short_of_memory = true;
			return false;
		}
		if (user)
			c->uid = hashed;
		else
			c->gid = hashed;
	}
	if (user && !gid_given && c->ledger == UINT32_MAX)
		c->gid = c->uid;
	if (c->ledger == UINT32_MAX)
		judge_restored(rv, c);
	c->private_group = user && c->gid == c->uid;
	return true;
}

// A name or a number that the host has is not served, whichever of its two files has
// it: what a local user and a local group may do is often told by the same name.
static bool judge_local(struct resolver *rv, struct candidate *c)
{
	const char *what = c->kind == RESOURCE_USER ? "user" : "group";
	bool user = c->kind == RESOURCE_USER;
	size_t len = strlen(c->name);
	bool name_of_user = table_get(&rv->local_users, c->name, len) != TABLE_NONE;

	if (name_of_user || table_get(&rv->local_groups, c->name, len) != TABLE_NONE) {
		resolver_refuse(rv, c, false, "local-name",
				"%s \"%s\": a local %s has this name; local accounts win", what,
				c->name, name_of_user ? "user" : "group");
		return false;
	}
	if ((!user || c->private_group) && name_privileged(c->name)) {
		resolver_refuse(
			rv, c, false, "privileged-name",
			"%s \"%s\": a group of this name carries rights on many hosts; map it with "
			"local_group.%s if that is wanted",
			what, c->name, c->name);
		return false;
	}
	if (user && (table_get(&rv->local_uids, &c->uid, sizeof(c->uid)) != TABLE_NONE ||
		     table_get(&rv->local_gids, &c->uid, sizeof(c->uid)) != TABLE_NONE)) {
		resolver_refuse(rv, c, false, "local-id",
				"user \"%s\": uid %u is a local account's", c->name, c->uid);
		return false;
	}
	if (table_get(&rv->local_gids, &c->gid, sizeof(c->gid)) != TABLE_NONE ||
	    table_get(&rv->local_uids, &c->gid, sizeof(c->gid)) != TABLE_NONE) {
		resolver_refuse(rv, c, false, "local-id", "%s \"%s\": gid %u is a local account's",
				what, c->name, c->gid);
		return false;
	}
	return true;
}

static int judge_key(struct arena *a, const char *source, uint8_t kind, const char *id,
		     const char **key, size_t *len)
{
	char *k = arena_printf(a, "%s %u %s", source, kind, id);

	if (!k)
		return -ENOMEM;
	*key = k;
	*len = strlen(k);
	return 0;
}

// Restored entries by number, but not those whose owner has an entry by now.
static int judge_owner(struct resolver *rv, uint32_t i)
{
	const struct ledger_entry *e = &rv->in->ledger[i];
	uint32_t number[2] = { e->kind, e->kind == RESOURCE_USER ? e->uid : e->gid };
	const void *key = arena_bytes(&rv->out->arena, number, sizeof(number));
	bool restored = strcmp(e->source, LEDGER_RESTORED) == 0;

	if (!key)
		return -ENOMEM;
	return table_put(restored ? &rv->restored : &rv->owned, key, sizeof(number), i);
}

static int judge_tables(struct resolver *rv)
{
	const struct local_accounts *l = rv->in->local;
	const char *key;
	size_t len;
	int r = 0;

	for (uint32_t i = 0; i < rv->in->ledger_count && r == 0; i++) {
		const struct ledger_entry *e = &rv->in->ledger[i];

		r = judge_key(&rv->out->arena, e->source, e->kind, e->id, &key, &len);
		if (r == 0)
			r = table_put(&rv->ledger, key, len, i);
		if (r == 0)
			r = judge_owner(rv, i);
	}
	for (uint32_t i = 0; i < l->user_count && r == 0; i++) {
		r = table_put(&rv->local_users, l->user_names[i], strlen(l->user_names[i]), i);
		if (r == 0)
			r = table_put(&rv->local_uids, &l->uids[i], sizeof(l->uids[i]), i);
	}
	for (uint32_t i = 0; i < l->group_count && r == 0; i++) {
		r = table_put(&rv->local_groups, l->group_names[i], strlen(l->group_names[i]), i);
		if (r == 0)
			r = table_put(&rv->local_gids, &l->gids[i], sizeof(l->gids[i]), i);
	}
	return r;
}

static int judge_one(struct resolver *rv, uint32_t i)
{
	const struct identity_resource *res = &rv->in->resources[i];
	struct candidate *c = &rv->c[i];
	char shown[256];
	const char *key;
	struct field f;
	size_t len;

	*c = (struct candidate){ .resource = i,
				 .ledger = UINT32_MAX,
				 .source = res->source,
				 .kind = res->kind,
				 .created = CLOCK_NONE,
				 .account = UINT32_MAX,
				 .state = ACCOUNT_ACTIVE };
	c->id = c->shown = "?";
	if (resource_find(res->bytes, res->len, FIELD_ID, &f) != 1) {
		c->refused = true;
		resolver_refuse(rv, c, false, "damaged",
				"a stored record is damaged; it comes back with the "
				"next full sync");
		return 0;
	}
	c->id = arena_strn(&rv->out->arena, f.text, f.len);
	if (!c->id || judge_key(&rv->out->arena, rv->in->sources[c->source].name, c->kind, c->id,
				&key, &len) < 0)
		return -ENOMEM;
	c->shown = c->id;
	if (judge_field(rv, c, c->kind == RESOURCE_USER ? FIELD_USER_NAME : FIELD_DISPLAY, &f))
		c->shown =
			arena_str(&rv->out->arena, name_show(f.text, f.len, shown, sizeof(shown)));
	if (!c->shown)
		return -ENOMEM;
	c->ledger = table_get(&rv->ledger, key, len);
	if (judge_field(rv, c, FIELD_CREATED, &f))
		(void)clock_parse(f.text, f.len, &c->created);
	if (c->kind == RESOURCE_USER)
		judge_state(rv, c);
	c->refused = !judge_name(rv, c) || !judge_whole(rv, c) || !judge_numbers(rv, c) ||
		     !judge_local(rv, c);
	return rv->short_of_memory ? -ENOMEM : 0;
}

bool judge_settled(const struct resolver *rv, const struct ledger_entry *l)
{
	uint32_t number[2] = { l->kind, l->kind == RESOURCE_USER ? l->uid : l->gid };

	return strcmp(l->source, LEDGER_RESTORED) == 0 &&
	       table_get(&rv->owned, number, sizeof(number)) != TABLE_NONE;
}

int judge_all(struct resolver *rv)
{
	int r = judge_tables(rv);

	for (uint32_t i = 0; i < rv->in->resource_count && r == 0; i++)
		r = judge_one(rv, i);
	return r;
}
