// SPDX-License-Identifier: MIT
//
// Whether a value is one that its row takes, and whether all of them go together.
#include "scimd/agent/config_internal.h"
#include "scimd/base/buf.h"
#include "scimd/base/clock.h"
#include "scimd/base/fail.h"
#include "scimd/client/quirk.h"
#include "scimd/client/transfer.h"
#include "scimd/identity/text.h"
#include "scimd/scim/filter.h"
#include "scimd/scim/schema.h"
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <scimd/paths.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void config_bad(struct config_loader *ld, const struct config_line *l, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	ld->bad = true;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	config_complain(ld->f, "%s:%u: [%s] %s: %s", l->file, l->line, l->section, l->key, text);
}

static bool config_word(const char *words, const char *value)
{
	size_t len = strlen(value);

	for (const char *w = words; *w;) {
		size_t n = strcspn(w, " ");

		if (n == len && strncmp(w, value, n) == 0)
			return true;
		w += n + (w[n] == ' ');
	}
	return false;
}

static bool config_token_name(const char *v)
{
	size_t n = strlen(v);

	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)v[i]) && !strchr("_.-", v[i]))
			return false;
	return n > 0 && n <= 64 && v[0] != '.' && v[0] != '-';
}

// Value paths lose which value belongs to which, except for groups, which are
// computed here.
static bool config_filter_ok(const struct scim_node *n, const char **why)
{
	for (;;) {
		switch (n->type) {
		case SCIM_NODE_AND:
		case SCIM_NODE_OR:
			if (!config_filter_ok(n->right, why))
				return false;
			n = n->left;
			continue;
		case SCIM_NODE_NOT:
			n = n->left;
			continue;
		case SCIM_NODE_VALUE:
			*why = "value paths (attr[…]) are understood for groups only";
			return strcasecmp(n->path.attr, "groups") == 0 && !n->path.urn[0];
		case SCIM_NODE_COMPARE:
			return true;
		}
	}
}

static const char *config_near(const struct scim_attribute *rows, const char *name)
{
	for (; rows && rows->name; rows++)
		if (config_distance(rows->name, name) <= 2)
			return rows->name;
	return NULL;
}

// A name that is slightly wrong would never match: as `deny` it would let everybody in.
// What no schema of ours has may be an attribute of this directory alone.
static void config_filter_path(void *arg, const struct scim_path *p)
{
	const struct scim_path whole = { p->urn, p->attr, "" };
	const struct scim_attribute *a;
	const struct scim_schema *schema = p->urn[0] ? scim_schema_by_urn(p->urn) : NULL;
	struct buf *why = arg;
	const char *near;

	if (why->len || scim_schema_find(&scim_type_user, p, NULL))
		return;
	a = scim_schema_find(&scim_type_user, &whole, NULL);
	near = a           ? config_near(a->subs, p->sub)
	       : schema    ? config_near(schema->attributes, p->attr)
	       : p->urn[0] ? NULL
			   : config_near(scim_type_user.core->attributes, p->attr);
	if (!a && !schema && !near)
		return;
	(void)buf_printf(why, "there is no attribute \"%s%s%s%s%s\"", p->urn, p->urn[0] ? ":" : "",
			 p->attr, p->sub[0] ? "." : "", p->sub);
	if (near)
		(void)buf_printf(why, "; did you mean \"%s%s%s\"?", a ? p->attr : "", a ? "." : "",
				 near);
}

static void config_filter(struct config_loader *ld, const struct config_line *l,
			  struct scim_filter **out)
{
	struct buf path = BUF_INIT;
	struct fail f = { "" };
	const char *why = "";

	if (scim_filter_parse(l->value, strlen(l->value), out, &f) < 0)
		config_bad(ld, l, "%.400s", f.text);
	else if (!config_filter_ok(scim_filter_root(*out), &why))
		config_bad(ld, l, "%s", why);
	else
		scim_filter_paths(*out, config_filter_path, &path);
	if (path.len)
		config_bad(ld, l, "%.400s", buf_text(&path));
	buf_free(&path);
}

static void config_span(struct config_loader *ld, const struct config_row *row,
			const struct config_line *l, uint32_t *out)
{
	uint64_t v = 0;
	int r = row->type == CONFIG_SPAN ? clock_span(l->value, &v) : 0;
	char *end = NULL;

	if (row->type == CONFIG_NUMBER) {
		errno = 0;
		v = strtoull(l->value, &end, 10);
		if (!isdigit((unsigned char)l->value[0]) || *end || errno)
			r = -EINVAL;
	}
	if (r < 0)
		config_bad(ld, l, "\"%.100s\" is no %s", l->value,
			   row->type == CONFIG_SPAN ? "span of time such as 30s, 5min, 1h or 7d"
						    : "number");
	else if (v < row->min || v > row->max)
		config_bad(ld, l, "%s is out of range (%llu to %llu%s)", l->value,
			   (unsigned long long)row->min, (unsigned long long)row->max,
			   row->type == CONFIG_SPAN ? " seconds" : "");
	else
		*out = (uint32_t)v;
}

void config_set(struct config_loader *ld, const struct config_row *row, const struct config_line *l,
		void *base)
{
	const char **text = (const char **)((char *)base + row->offset);
	const char *unknown = NULL;
	struct fail f = { "" };
	uint32_t flags, page;

	switch (row->type) {
	case CONFIG_SPAN:
	case CONFIG_NUMBER:
		config_span(ld, row, l, (uint32_t *)((char *)base + row->offset));
		return;
	case CONFIG_PATH:
		if (l->value[0] != '/' || strlen(l->value) >= PATH_MAX)
			config_bad(ld, l, "\"%.200s\" is no absolute path", l->value);
		break;
	case CONFIG_URL:
		if (transfer_url_check(l->value, &f) < 0)
			config_bad(ld, l, "%.400s", f.text);
		break;
	case CONFIG_WORD:
		if (!config_word(row->words, l->value))
			config_bad(ld, l, "\"%.100s\" is none of: %s", l->value, row->words);
		break;
	case CONFIG_TOKEN:
		if (!config_token_name(l->value))
			config_bad(ld, l,
				   "this is the name of a credential, not the token itself: write "
				   "the token "
				   "to " SCIMD_CREDENTIALS "/NAME (mode 0600) and NAME here");
		break;
	case CONFIG_HOME:
		if (l->value[0] != '/' || (!strstr(l->value, "%u") && !strstr(l->value, "%U")))
			config_bad(ld, l, "\"%.200s\" is no absolute path with %%u or %%U in it",
				   l->value);
		break;
	case CONFIG_QUIRKS:
		quirk_find("", l->value, &flags, &page, &unknown);
		if (unknown)
			config_bad(ld, l, "\"%.100s\" is not in the quirk table; see scimd.conf(5)",
				   unknown);
		break;
	case CONFIG_MESSAGE:
		if (strlen(l->value) > row->max)
			config_bad(ld, l, "is longer than %llu bytes",
				   (unsigned long long)row->max);
		break;
	case CONFIG_FILTER:
	case CONFIG_ALLOW:
	case CONFIG_TEXT:
		break;
	}
	*text = l->value;
}

const struct config_line *config_find(const struct config_loader *ld, const char *section,
				      const char *key)
{
	static const struct config_line none = { "", "", "", "scimd.conf", 0, NULL };

	for (size_t i = 0; i < ld->lines.count; i++)
		if (strcmp(ld->lines.list[i].section, section) == 0 &&
		    strcmp(ld->lines.list[i].key, key) == 0)
			return &ld->lines.list[i];
	return &none;
}

static bool config_plain(const char *url)
{
	return url && strncasecmp(url, "http:", 5) == 0;
}

static void config_directory_check(struct config_loader *ld, struct config_directory *d)
{
	struct config_line l = {
		arena_printf(&ld->c->arena, "directory/%s", d->name), "url", "", "", 0, NULL
	};

	for (size_t i = 0; i < ld->lines.count; i++)
		if (strcmp(ld->lines.list[i].section, l.section) == 0) {
			l.file = ld->lines.list[i].file;
			l.line = ld->lines.list[i].line;
			break;
		}
	if (!d->url)
		config_bad(ld, &l, "is missing");
	l.key = "token";
	if (d->token_url && (!d->client_id || !(d->client_secret || d->client_secret_file)))
		config_bad(ld, &l, "token_url needs client_id and client_secret beside it");
	else if (d->client_secret && d->client_secret_file)
		config_bad(ld, &l, "only one of client_secret and client_secret_file may be given");
	else if (!d->token_url && !d->token && !d->token_file)
		config_bad(ld, &l,
			   "is missing (or token_file, or client_id, client_secret and "
			   "token_url)");
	else if ((d->token != NULL) + (d->token_file != NULL) + (d->token_url != NULL) > 1)
		config_bad(ld, &l, "only one of token, token_file and token_url may be given");
	// To this machine without TLS is safe; by way of another one it is not.
	if (d->proxy && (config_plain(d->url) || config_plain(d->token_url)))
		config_bad(ld, config_find(ld, l.section, "proxy"),
			   "it would see the token of an http:// url, which is for this machine "
			   "alone: write https://, or take the proxy away");
}

void config_finish(struct config_loader *ld)
{
	struct config *c = ld->c;
	const struct config_line *l;

	l = config_find(ld, "access", "allow");
	if (c->allow_text && strcmp(c->allow_text, "all") == 0)
		c->identity.allow_all = true;
	else if (c->allow_text)
		config_filter(ld, l, &c->allow);
	if (c->deny_text)
		config_filter(ld, config_find(ld, "access", "deny"), &c->deny);
	if (c->break_glass_text)
		config_filter(ld, config_find(ld, "access", "break-glass"), &c->break_glass);
	c->identity.allow = c->allow;
	c->identity.deny = c->deny;
	c->identity.break_glass = c->break_glass;
	c->identity.leaver_hide = strcmp(c->leaver_nss, "hide") == 0;
	c->identity.group_members = strcmp(c->group_members, "none") == 0   ? GROUP_MEMBERS_NONE
				    : strcmp(c->group_members, "self") == 0 ? GROUP_MEMBERS_SELF
									    : GROUP_MEMBERS_FULL;
	l = config_find(ld, "identity", "override_space");
	if (c->override_space) {
		if (strlen(c->override_space) != 1 || !strchr("-_.", c->override_space[0]))
			config_bad(ld, l, "is one of - _ .");
		else
			c->identity.override_space = c->override_space[0];
	}
	if (!text_shell_ok(c->identity.shell, strlen(c->identity.shell)))
		config_bad(ld, config_find(ld, "identity", "shell"),
			   "is no acceptable path of a shell");
	for (size_t i = 0; i < c->directory_count; i++)
		config_directory_check(ld, &c->directories[i]);
}
