// SPDX-License-Identifier: MIT
//
// The attribute table, and what follows from it: what to ask a directory for,
// and how one resource becomes fields. A resource's members are looked at once,
// each against one hash table of the names that matter.
#include "scimd/identity/map.h"
#include "scimd/base/arena.h"
#include "scimd/base/buf.h"
#include "scimd/base/digest.h"
#include "scimd/base/fail.h"
#include "scimd/base/table.h"
#include "scimd/identity/map_internal.h"
#include "scimd/scim/filter.h"
#include "scimd/scim/resource.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define POSIX_SCIMD "urn:scimd:params:scim:schemas:extension:posix:1.0:"
#define POSIX_ORACLE "urn:ietf:params:scim:schemas:oracle:idcs:extension:posix:"
#define POSIX_KEYDAP "urn:keydap:params:scim:schemas:extension:posix:2.0:"
#define POSIX_IETF "urn:ietf:params:scim:schemas:extension:posix:2.0:"
#define KANIDM "urn:ietf:params:scim:schemas:kanidm:sync:1:"
#define NSSCACHE "urn:example:params:scim:schemas:extension:User:"
#define KEYCLOAK "urn:keycloak:params:scim:schemas:extension:realm:1.0:User:"

// One row per attribute: where it may be, best first (scim.md names the products).
static const struct map_row map_rows[] = {
	{ "name", RESOURCE_USER, FIELD_NAME, "login name; else userName, see name_from", { NULL } },
	{ "uid",
	  RESOURCE_USER,
	  FIELD_UID,
	  "number of the user",
	  { POSIX_SCIMD "User:uidNumber", POSIX_ORACLE "User:uidNumber",
	    POSIX_KEYDAP "User:uidnumber", POSIX_IETF "User:uidNumber",
	    KANIDM "posixaccount:gidnumber", NSSCACHE "userId", KEYCLOAK "uidNumber" } },
	{ "gid",
	  RESOURCE_USER,
	  FIELD_GID,
	  "number of the primary group",
	  { POSIX_SCIMD "User:gidNumber", POSIX_ORACLE "User:gidNumber",
	    POSIX_KEYDAP "User:gidnumber", POSIX_IETF "User:gidNumber",
	    KANIDM "posixaccount:gidnumber", NSSCACHE "groupId", KEYCLOAK "gidNumber" } },
	{ "gecos",
	  RESOURCE_USER,
	  FIELD_GECOS,
	  "full name",
	  { POSIX_SCIMD "User:gecos", POSIX_ORACLE "User:gecos", POSIX_IETF "User:gecos",
	    "displayName", "name.formatted" } },
	{ "home",
	  RESOURCE_USER,
	  FIELD_HOME,
	  "home directory",
	  { POSIX_SCIMD "User:homeDirectory", POSIX_ORACLE "User:homeDirectory",
	    POSIX_KEYDAP "User:homeDirectory", POSIX_IETF "User:homeDirectory",
	    NSSCACHE "homeDirectory", KEYCLOAK "homeDirectory" } },
	{ "shell",
	  RESOURCE_USER,
	  FIELD_SHELL,
	  "login shell",
	  { POSIX_SCIMD "User:loginShell", POSIX_ORACLE "User:loginShell",
	    POSIX_KEYDAP "User:loginshell", POSIX_IETF "User:loginShell",
	    KANIDM "posixaccount:loginshell", NSSCACHE "loginShell", KEYCLOAK "loginShell" } },
	{ "ssh_keys",
	  RESOURCE_USER,
	  FIELD_SSH_KEY,
	  "public SSH keys",
	  { POSIX_SCIMD "User:sshPublicKeys", POSIX_IETF "User:sshPublicKeys",
	    POSIX_IETF "User:sshPublicKey", KANIDM "person:ssh_publickey", NSSCACHE "sshKeys",
	    KEYCLOAK "sshPublicKey" } },
	{ "group_name", RESOURCE_GROUP, FIELD_NAME, "name of the group", { "displayName" } },
	{ "group_gid",
	  RESOURCE_GROUP,
	  FIELD_GID,
	  "number of the group",
	  { POSIX_SCIMD "Group:gidNumber", POSIX_ORACLE "Group:gidNumber",
	    POSIX_KEYDAP "Group:gidnumber", POSIX_IETF "Group:gidNumber",
	    KANIDM "posixgroup:gidnumber" } },
};
#define MAP_ROWS (sizeof(map_rows) / sizeof(*map_rows))

const char *mapping_option(size_t i, const char **help_out)
{
	if (i >= MAP_ROWS)
		return NULL;
	if (help_out)
		*help_out = map_rows[i].help;
	return map_rows[i].option;
}

// The slot of a name, made if it is new. Names are compared without case.
static int map_slot(struct mapping *m, const char *name, uint32_t *out)
{
	char *key = arena_str(&m->arena, name);
	uint32_t i;

	if (!key)
		return -ENOMEM;
	for (char *p = key; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	i = table_get(&m->names, key, strlen(key));
	if (i == TABLE_NONE) {
		if (m->slots >= MAP_SLOTS_MAX)
			return -E2BIG;
		i = (uint32_t)m->slots++;
		if (table_put(&m->names, key, strlen(key), i) < 0)
			return -ENOMEM;
	}
	*out = i;
	return 0;
}

static int map_path(struct mapping *m, const char *text, struct map_path *out, struct fail *f)
{
	size_t room = strlen(text) + 4;
	char *buf = arena_alloc(&m->arena, room), *flat;
	struct map_path p = { .sub = NULL };
	struct scim_path sp;
	int r;

	if (!buf)
		return fail(f, ENOMEM, "out of memory");
	r = scim_path_parse(text, strlen(text), &sp, buf, room, f);
	if (r < 0)
		return r;
	p.text = arena_str(&m->arena, text);
	p.in_urn = sp.urn[0] != '\0';
	p.attr = sp.attr;
	p.sub = sp.sub[0] ? sp.sub : NULL;
	flat = arena_printf(&m->arena, "%s%s%s%s%s", sp.urn, p.in_urn ? ":" : "", sp.attr,
			    p.sub ? "." : "", sp.sub);
	if (!flat || !p.text)
		return fail(f, ENOMEM, "out of memory");
	r = map_slot(m, p.in_urn ? sp.urn : sp.attr, &p.slot);
	if (r == 0)
		r = map_slot(m, flat, &p.flat);
	if (r == 0 && p.sub && p.in_urn)
		r = map_slot(m, arena_printf(&m->arena, "%s:%s", sp.urn, sp.attr), &p.half);
	if (r == 0 && !(p.sub && p.in_urn))
		p.half = p.flat;
	if (r < 0)
		return fail(f, -r, "too many attribute paths");
	*out = p;
	return 0;
}

static const char *map_override(const struct map_override *o, size_t n, const char *option)
{
	const char *path = NULL;

	for (size_t i = 0; i < n; i++)
		if (strcmp(o[i].option, option) == 0)
			path = o[i].path; // the later wins: the directory's own section
	return path;
}

static int map_attribute(struct mapping *m, const struct map_row *row, const char *override,
			 struct fail *f)
{
	struct map_attribute *a = &m->attributes[m->attribute_count];
	int r = 0;

	*a = (struct map_attribute){ .kind = row->kind, .tag = row->tag };
	if (override)
		r = map_path(m, override, &a->paths[a->count++], f);
	for (size_t i = 0; !override && i < MAP_PATHS_MAX && row->paths[i] && r == 0; i++)
		r = map_path(m, row->paths[i], &a->paths[a->count++], f);
	if (r < 0)
		return fail_in(f, r, "%s", row->option);
	m->attribute_count++;
	return 0;
}

struct map_policy {
	struct mapping *m;
	struct fail *f;
	int r;
};

// groups and members are computed here, never taken from the resource.
static void map_policy_path(void *arg, const struct scim_path *p)
{
	struct map_policy *mp = arg;
	struct mapping *m = mp->m;
	char *text;

	if (mp->r < 0 || (!p->urn[0] && strcasecmp(p->attr, "groups") == 0))
		return;
	text = arena_printf(&m->arena, "%s%s%s%s%s", p->urn, p->urn[0] ? ":" : "", p->attr,
			    p->sub[0] ? "." : "", p->sub);
	if (!text || m->policy_count == MAP_POLICY_MAX) {
		mp->r = fail(mp->f, E2BIG, "the access filters name more than %d attributes",
			     MAP_POLICY_MAX);
		return;
	}
	for (size_t i = 0; i < m->policy_count; i++)
		if (strcasecmp(m->policy[i].text, text) == 0)
			return;
	mp->r = map_path(m, text, &m->policy[m->policy_count], mp->f);
	if (mp->r == 0)
		m->policy_count++;
}

static int map_ask(struct mapping *m, struct buf *b, const char *item, size_t len)
{
	const char *at = buf_text(b);

	// Already there as a whole item?
	while (*at) {
		size_t n = strcspn(at, ",");

		if (n == len && strncasecmp(at, item, len) == 0)
			return 0;
		at += n + (at[n] == ',');
	}
	(void)m;
	if (b->len && buf_chr(b, ',') < 0)
		return -ENOMEM;
	return buf_add(b, item, len);
}

static int map_ask_path(struct mapping *m, struct buf *b, const struct map_path *p)
{
	size_t len = strlen(p->text);

	// Core: the top-level name; extensions: with their URN.
	if (!p->in_urn)
		len = strlen(p->attr);
	return map_ask(m, b, p->in_urn ? p->text : p->attr, len);
}

static const char *map_asked(struct mapping *m, uint8_t kind)
{
	static const char *const user[] = { "id",   "userName", "externalId", "displayName",
					    "name", "active",   "meta" };
	static const char *const group[] = { "id", "displayName", "externalId", "members", "meta" };
	const char *const *core = kind == RESOURCE_USER ? user : group;
	size_t n = kind == RESOURCE_USER ? sizeof(user) / sizeof(*user)
					 : sizeof(group) / sizeof(*group);
	struct buf b = BUF_INIT;
	char *text = NULL;
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = map_ask(m, &b, core[i], strlen(core[i]));
	for (size_t i = 0; i < m->attribute_count && r == 0; i++)
		for (size_t k = 0;
		     m->attributes[i].kind == kind && k < m->attributes[i].count && r == 0; k++)
			r = map_ask_path(m, &b, &m->attributes[i].paths[k]);
	for (size_t i = 0; kind == RESOURCE_USER && i < m->policy_count && r == 0; i++)
		r = map_ask_path(m, &b, &m->policy[i]);
	if (r == 0)
		text = arena_str(&m->arena, b.data);
	buf_free(&b);
	return text;
}

static int map_finish(struct mapping *m, struct fail *f)
{
	static const char *const own[MAP_OWN] = {
		"id",   "userName", "externalId", "displayName", "active",
		"meta", "members",  "name",       RESOURCE_OVER,
	};
	uint8_t d[DIGEST_LEN];
	struct buf b = BUF_INIT;
	int r = 0;

	for (size_t i = 0; i < MAP_OWN && r == 0; i++)
		r = map_slot(m, own[i], &m->own[i]);
	m->asked[0] = map_asked(m, RESOURCE_USER);
	m->asked[1] = map_asked(m, RESOURCE_GROUP);
	if (r < 0 || !m->asked[0] || !m->asked[1])
		return fail(f, ENOMEM, "out of memory");
	for (size_t i = 0; i < m->attribute_count && r == 0; i++)
		for (size_t k = 0; k < m->attributes[i].count && r == 0; k++)
			r = buf_printf(&b, "%zu %s\n", i, m->attributes[i].paths[k].text);
	for (size_t i = 0; i < m->policy_count && r == 0; i++)
		r = buf_printf(&b, "policy %s\n", m->policy[i].text);
	if (r == 0)
		r = digest(d, buf_text(&b), b.len);
	if (r == 0)
		digest_hex(m->fingerprint, d);
	buf_free(&b);
	return r < 0 ? fail(f, -r, "out of memory") : 0;
}

int mapping_new(const struct map_override *overrides, size_t n,
		const struct scim_filter *const *filters, size_t filter_count, struct mapping **out,
		struct fail *f)
{
	struct mapping *m = calloc(1, sizeof(*m));
	struct map_policy mp = { m, f, 0 };
	int r = 0;

	if (!m)
		return fail(f, ENOMEM, "out of memory");
	for (size_t i = 0; i < MAP_ROWS && r == 0; i++)
		r = map_attribute(m, &map_rows[i], map_override(overrides, n, map_rows[i].option),
				  f);
	for (size_t i = 0; i < filter_count && r == 0; i++) {
		if (filters[i])
			scim_filter_paths(filters[i], map_policy_path, &mp);
		r = mp.r;
	}
	if (r == 0)
		r = map_finish(m, f);
	if (r < 0) {
		mapping_free(m);
		return r;
	}
	*out = m;
	return 0;
}

void mapping_free(struct mapping *m)
{
	if (!m)
		return;
	table_free(&m->names);
	arena_free(&m->arena);
	free(m);
}

const char *mapping_attributes(const struct mapping *m, uint8_t kind)
{
	return m->asked[kind == RESOURCE_USER ? 0 : 1];
}

const char *mapping_fingerprint(const struct mapping *m)
{
	return m->fingerprint;
}

const char *mapping_via(const struct mapping *m, uint8_t kind, uint8_t tag, uint8_t via)
{
	static const struct {
		uint8_t tag;
		const char *path;
	} fixed[] = { { FIELD_ID, "id" },
		      { FIELD_USER_NAME, "userName" },
		      { FIELD_EXTERNAL_ID, "externalId" },
		      { FIELD_DISPLAY, "displayName" },
		      { FIELD_CREATED, "meta.created" },
		      { FIELD_MODIFIED, "meta.lastModified" },
		      { FIELD_VERSION, "meta.version" },
		      { FIELD_ACTIVE, "active" },
		      { FIELD_MEMBER, "members" } };

	for (size_t i = 0; i < m->attribute_count; i++)
		if (m->attributes[i].kind == kind && m->attributes[i].tag == tag)
			return via < m->attributes[i].count ? m->attributes[i].paths[via].text
			       : via == MAP_VIA_NAMES       ? "name.givenName and name.familyName"
							    : NULL;
	for (size_t i = 0; i < sizeof(fixed) / sizeof(*fixed); i++)
		if (fixed[i].tag == tag)
			return fixed[i].path;
	return NULL;
}
