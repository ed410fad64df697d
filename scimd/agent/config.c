// SPDX-License-Identifier: MIT
//
// The settings, a row each, and what makes a checked configuration out of files;
// see config.h.
#include "scimd/agent/config.h"
#include "scimd/base/clock.h"
#include "scimd/base/config_file.h"
#include "scimd/base/fail.h"
#include "scimd/client/quirk.h"
#include "scimd/client/transfer.h"
#include "scimd/identity/name.h"
#include "scimd/identity/text.h"
#include "scimd/scim/filter.h"
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <scimd/lockout.h>
#include <scimd/paths.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum config_type {
	CONFIG_TEXT,
	CONFIG_PATH,   // absolute
	CONFIG_URL,    // as transfer_url_check takes it
	CONFIG_SPAN,   // seconds into a uint32_t
	CONFIG_NUMBER, // into a uint32_t
	CONFIG_WORD,   // one of `words`
	CONFIG_TOKEN,  // a name, never a secret
	CONFIG_FILTER, // a SCIM filter
	CONFIG_ALLOW,  // a SCIM filter, or `all`
	CONFIG_HOME,   // a template
	CONFIG_QUIRKS,
	CONFIG_MESSAGE, // a line of at most max bytes
};

struct config_row {
	const char *section, *name; // section "directory" stands for every [directory/…]
	enum config_type type;
	size_t offset; // in struct config, or struct config_directory
	const char *otherwise;
	uint64_t min, max;
	const char *words;
	const char *help;
};

#define IN_CONFIG(field) offsetof(struct config, field)
#define IN_DIRECTORY(field) offsetof(struct config_directory, field)
#define DAY 86400u

static const struct config_row config_rows[] = {
	{ "scimd", "state_dir", CONFIG_PATH, IN_CONFIG(state_dir), SCIMD_STATE_DIR, 0, 0, NULL,
	  "accounts.image lies here, the store in private/" },
	{ "scimd", "socket", CONFIG_PATH, IN_CONFIG(socket), SCIMD_SOCKET, 0, 0, NULL,
	  "the control socket" },
	{ "scimd", "interval", CONFIG_SPAN, IN_CONFIG(interval), "5min", 1, 7 * DAY, NULL,
	  "time between two looks at the directory, with splay" },
	{ "scimd", "full_interval", CONFIG_SPAN, IN_CONFIG(full_interval), "1h", 1, 30 * DAY, NULL,
	  "time between two complete lists, with splay" },
	{ "directory", "url", CONFIG_URL, IN_DIRECTORY(url), NULL, 0, 0, NULL,
	  "base URL of the SCIM service, https:// (http:// for loopback only)" },
	{ "directory", "token", CONFIG_TOKEN, IN_DIRECTORY(token), NULL, 0, 0, NULL,
	  "name of the credential that holds the bearer token" },
	{ "directory", "token_file", CONFIG_PATH, IN_DIRECTORY(token_file), NULL, 0, 0, NULL,
	  "file that holds the bearer token, for other layouts" },
	{ "directory", "client_id", CONFIG_TEXT, IN_DIRECTORY(client_id), NULL, 0, 0, NULL,
	  "OAuth 2 client credentials: the client" },
	{ "directory", "client_secret_file", CONFIG_PATH, IN_DIRECTORY(client_secret_file), NULL, 0,
	  0, NULL, "OAuth 2 client credentials: file that holds the secret" },
	{ "directory", "token_url", CONFIG_URL, IN_DIRECTORY(token_url), NULL, 0, 0, NULL,
	  "OAuth 2 client credentials: where tokens are handed out" },
	{ "directory", "scope", CONFIG_TEXT, IN_DIRECTORY(scope), NULL, 0, 0, NULL,
	  "OAuth 2 client credentials: the scope asked for" },
	{ "directory", "ca_file", CONFIG_PATH, IN_DIRECTORY(ca_file), NULL, 0, 0, NULL,
	  "certificates that are trusted instead of the system's" },
	{ "directory", "client_cert", CONFIG_PATH, IN_DIRECTORY(client_cert), NULL, 0, 0, NULL,
	  "TLS client certificate" },
	{ "directory", "client_key", CONFIG_PATH, IN_DIRECTORY(client_key), NULL, 0, 0, NULL,
	  "key of the TLS client certificate" },
	{ "directory", "tls_min", CONFIG_WORD, IN_DIRECTORY(tls_min), "1.2", 0, 0, "1.2 1.3",
	  "oldest TLS version that is accepted" },
	{ "directory", "proxy", CONFIG_TEXT, IN_DIRECTORY(proxy), NULL, 0, 0, NULL,
	  "proxy; the environment is never asked" },
	{ "directory", "page_size", CONFIG_NUMBER, IN_DIRECTORY(page_size), "100", 1, 10000, NULL,
	  "resources per page; 100 is accepted everywhere" },
	{ "directory", "timeout", CONFIG_SPAN, IN_DIRECTORY(timeout), "30s", 1, 3600, NULL,
	  "deadline of one request" },
	{ "directory", "events", CONFIG_WORD, IN_DIRECTORY(events), "auto", 0, 0, "auto off",
	  "whether changes are listened for where the directory offers events" },
	{ "directory", "quirks", CONFIG_QUIRKS, IN_DIRECTORY(quirks), NULL, 0, 0, NULL,
	  "rows of the quirk table, where the host name does not tell" },
	{ "identity", "home", CONFIG_HOME, IN_CONFIG(identity.home), "/home/%u", 0, 0, NULL,
	  "home where the directory gives none: %u name, %U uid" },
	{ "identity", "shell", CONFIG_PATH, IN_CONFIG(identity.shell), "/bin/bash", 0, 0, NULL,
	  "shell where the directory gives none" },
	{ "identity", "name_from", CONFIG_WORD, IN_CONFIG(identity.cut), "cut", 0, 0, "cut whole",
	  "login name: userName cut at its @, or whole" },
	{ "identity", "override_space", CONFIG_TEXT, IN_CONFIG(override_space), NULL, 0, 0, NULL,
	  "character that stands for a space in group names; unset: such groups are refused" },
	{ "identity", "leaver_nss", CONFIG_WORD, IN_CONFIG(leaver_nss), "nologin", 0, 0,
	  "nologin hide", "whether people who left still resolve" },
	{ "identity", "group_members", CONFIG_WORD, IN_CONFIG(group_members), "full", 0, 0,
	  "full none self", "members listed by getgrnam: all, none, or only the one who asks" },
	{ "access", "allow", CONFIG_ALLOW, IN_CONFIG(allow_text), NULL, 0, 0, NULL,
	  "who may log in: a SCIM filter over user and groups, or `all`; unset: nobody" },
	{ "access", "deny", CONFIG_FILTER, IN_CONFIG(deny_text), NULL, 0, 0, NULL,
	  "who may not, whatever `allow` says" },
	{ "access", "break-glass", CONFIG_FILTER, IN_CONFIG(break_glass_text), NULL, 0, 0, NULL,
	  "who may log in even when the image is stale" },
	{ "access", "stale-warn", CONFIG_SPAN, IN_CONFIG(stale_warn), "1d", 0, 3650 * DAY, NULL,
	  "age of the last complete sync at which logins warn, 0 = never" },
	{ "access", "stale-deny", CONFIG_SPAN, IN_CONFIG(stale_deny), "7d", 0, 3650 * DAY, NULL,
	  "age of the last complete sync at which logins are denied, 0 = never" },
	{ "lockout", "on_policy", CONFIG_WORD, IN_CONFIG(lockout_policy), "keep", 0, 0, "keep end",
	  "whether the processes of those whom only the policy denies are ended too" },
	{ "lockout", "grace", CONFIG_SPAN, IN_CONFIG(lockout_grace), "0s", 0,
	  LOCKOUT_GRACE_MAX / 1000, NULL, "time between asking processes to end and killing them" },
	{ "lockout", "message", CONFIG_MESSAGE, IN_CONFIG(lockout_message),
	  "Your account was disabled; this session ends now.", 0, LOCKOUT_MESSAGE_MAX, NULL,
	  "what is written to the person's terminals" },
	{ "lockout", "socket", CONFIG_PATH, IN_CONFIG(lockout_socket), LOCKOUT_SOCKET, 0, 0, NULL,
	  "where scim-lockout listens" },
};
#define CONFIG_ROWS (sizeof(config_rows) / sizeof(*config_rows))
#define LOCAL_GROUP "local_group."

const char *config_option(size_t i, const char **section_out, const char **default_out,
			  const char **help_out)
{
	if (i < CONFIG_ROWS) {
		if (section_out)
			*section_out = config_rows[i].section;
		if (default_out)
			*default_out = config_rows[i].otherwise;
		if (help_out)
			*help_out = config_rows[i].help;
		return config_rows[i].name;
	}
	if (section_out)
		*section_out = "identity";
	if (default_out)
		*default_out = NULL;
	return mapping_option(i - CONFIG_ROWS, help_out);
}

// -------------------------------------------------------------- did you mean

static const char *config_like(const char *kind, const char *name)
{
	const char *best = NULL, *section, *option;
	size_t least = 4;

	for (size_t i = 0; (option = config_option(i, &section, NULL, NULL)); i++) {
		size_t d = config_distance(name, option);

		if (d < least && (strcmp(section, kind) == 0 ||
				  (i >= CONFIG_ROWS && strcmp(kind, "directory") == 0))) {
			least = d;
			best = option;
		}
	}
	return best;
}

// ----------------------------------------------------------------- one value

struct config_loader {
	struct config *c;
	struct config_lines lines;
	struct fail *f;
	bool bad;
};

static void config_bad(struct config_loader *ld, const struct config_line *l, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void config_bad(struct config_loader *ld, const struct config_line *l, const char *fmt, ...)
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

static void config_filter(struct config_loader *ld, const struct config_line *l,
			  struct scim_filter **out)
{
	struct fail f = { "" };
	const char *why = "";

	if (scim_filter_parse(l->value, strlen(l->value), out, &f) < 0)
		config_bad(ld, l, "%.400s", f.text);
	else if (!config_filter_ok(scim_filter_root(*out), &why))
		config_bad(ld, l, "%s", why);
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

static void config_set(struct config_loader *ld, const struct config_row *row,
		       const struct config_line *l, void *base)
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

// ------------------------------------------------------------------ sections

static struct config_directory *config_directory(struct config_loader *ld,
						 const struct config_line *l)
{
	const char *name = l->section + strlen("directory/");
	struct config *c = ld->c;
	size_t n = strlen(name);

	for (size_t i = 0; i < c->directory_count; i++)
		if (strcmp(c->directories[i].name, name) == 0)
			return &c->directories[i];
	if (n == 0 || n > 32 || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") != n) {
		config_bad(ld, l, "a directory's name is 1 to 32 of a-z 0-9 _ -");
		return NULL;
	}
	if (c->directory_count == 32) {
		config_bad(ld, l, "more than 32 directories");
		return NULL;
	}
	c->directories[c->directory_count].name = name;
	return &c->directories[c->directory_count++];
}

static const struct config_row *config_row(const char *kind, const char *name)
{
	for (size_t i = 0; i < CONFIG_ROWS; i++)
		if (strcmp(config_rows[i].section, kind) == 0 &&
		    strcmp(config_rows[i].name, name) == 0)
			return &config_rows[i];
	return NULL;
}

static bool config_mapped(const char *name)
{
	const char *option;

	for (size_t i = 0; (option = mapping_option(i, NULL)); i++)
		if (strcmp(option, name) == 0)
			return true;
	return false;
}

static void config_override(struct config_loader *ld, const struct config_line *l,
			    struct config_directory *d)
{
	char buf[1024];
	struct scim_path p;
	struct fail f = { "" };

	if (scim_path_parse(l->value, strlen(l->value), &p, buf, sizeof(buf), &f) < 0) {
		config_bad(ld, l, "%.400s", f.text);
		return;
	}
	d->overrides[d->override_count++] = (struct map_override){ l->key, l->value };
}

static void config_local_group(struct config_loader *ld, const struct config_line *l)
{
	struct identity_rules *id = &ld->c->identity;
	const char *why, *name = l->key + strlen(LOCAL_GROUP);

	if (!name_legal(name, &why))
		config_bad(ld, l, "the local group's name %s", why);
	else if (strcmp(name, "root") == 0)
		config_bad(ld, l, "nobody is made a member of root");
	else if (!l->value[0])
		config_bad(ld, l, "names no directory group");
	else
		id->local_groups[id->local_group_count++] =
			(struct local_group_rule){ name, l->value };
}

static void config_line(struct config_loader *ld, const struct config_line *l)
{
	bool dir = strncmp(l->section, "directory/", 10) == 0;
	const char *kind = dir ? "directory" : l->section, *like;
	struct config_directory *d = dir ? config_directory(ld, l) : NULL;
	const struct config_row *row;

	if (dir && !d)
		return;
	if (!dir && strcmp(kind, "scimd") != 0 && strcmp(kind, "identity") != 0 &&
	    strcmp(kind, "access") != 0 && strcmp(kind, "lockout") != 0) {
		config_bad(ld, l,
			   "unknown section; there are [scimd], [directory/NAME], [identity], "
			   "[access] and [lockout]");
		return;
	}
	if (!l->key[0])
		return;
	if (strstr(l->value, " #") || strstr(l->value, "\t#")) {
		config_bad(ld, l,
			   "a comment after a value would become part of it; put it on a line of "
			   "its own");
		return;
	}
	row = config_row(kind, l->key);
	if (row)
		config_set(ld, row, l, dir ? (void *)d : (void *)ld->c);
	else if (dir && config_mapped(l->key))
		config_override(ld, l, d);
	else if (strcmp(kind, "identity") == 0 && config_mapped(l->key))
		return; // taken by every directory, in config_finish
	else if (strcmp(kind, "identity") == 0 &&
		 strncmp(l->key, LOCAL_GROUP, strlen(LOCAL_GROUP)) == 0)
		config_local_group(ld, l);
	else if ((like = config_like(kind, l->key)))
		config_bad(ld, l, "unknown setting; did you mean \"%s\"?", like);
	else
		config_bad(ld, l, "unknown setting; see scimd.conf(5)");
}

// ---------------------------------------------------------------------- files

static const struct config_line *config_find(const struct config_loader *ld, const char *section,
					     const char *key)
{
	static const struct config_line none = { "", "", "", "scimd.conf", 0, NULL };

	for (size_t i = 0; i < ld->lines.count; i++)
		if (strcmp(ld->lines.list[i].section, section) == 0 &&
		    strcmp(ld->lines.list[i].key, key) == 0)
			return &ld->lines.list[i];
	return &none;
}

static void config_default(struct config_loader *ld, const struct config_row *row, void *base)
{
	const struct config_line l = {
		row->section, row->name, row->otherwise, "default", 0, NULL
	};

	if (row->otherwise)
		config_set(ld, row, &l, base);
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
	if (d->token_url && (!d->client_id || !d->client_secret_file))
		config_bad(ld, &l, "token_url needs client_id and client_secret_file beside it");
	else if (!d->token_url && !d->token && !d->token_file)
		config_bad(ld, &l,
			   "is missing (or token_file, or client_id, client_secret_file and "
			   "token_url)");
	else if ((d->token != NULL) + (d->token_file != NULL) + (d->token_url != NULL) > 1)
		config_bad(ld, &l, "only one of token, token_file and token_url may be given");
}

// What several lines together make.
static void config_finish(struct config_loader *ld)
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

static int config_values(struct config_loader *ld)
{
	struct config *c = ld->c;

	c->values = arena_array(&c->arena, ld->lines.count + CONFIG_ROWS + 1, sizeof(*c->values));
	if (!c->values)
		return -ENOMEM;
	for (size_t i = 0; i < CONFIG_ROWS; i++) {
		const struct config_row *row = &config_rows[i];

		if (row->otherwise && strcmp(row->section, "directory") != 0 &&
		    !config_find(ld, row->section, row->name)->line)
			c->values[c->value_count++] = (struct config_value){
				.section = row->section, .name = row->name, .value = row->otherwise
			};
	}
	for (size_t i = 0; i < ld->lines.count; i++) {
		const struct config_line *l = &ld->lines.list[i];

		if (l->key[0])
			c->values[c->value_count++] =
				(struct config_value){ l->section, l->key,  l->value,
						       l->file,    l->line, l->overridden };
	}
	return 0;
}

static int config_prepare(struct config_loader *ld)
{
	struct config *c = ld->c;
	size_t overrides = ld->lines.count + 1;

	c->directories = arena_array(&c->arena, 33, sizeof(*c->directories));
	c->identity.local_groups =
		arena_array(&c->arena, overrides, sizeof(*c->identity.local_groups));
	if (!c->directories || !c->identity.local_groups)
		return -ENOMEM;
	for (size_t i = 0; i < 32; i++) {
		struct config_directory *d = &c->directories[i];

		d->overrides = arena_array(&c->arena, overrides, sizeof(*d->overrides));
		if (!d->overrides)
			return -ENOMEM;
		// [identity] first, so that the directory's own section wins.
		for (size_t k = 0; k < ld->lines.count; k++)
			if (strcmp(ld->lines.list[k].section, "identity") == 0 &&
			    !config_row("identity", ld->lines.list[k].key) &&
			    config_mapped(ld->lines.list[k].key))
				config_override(ld, &ld->lines.list[k], d);
		for (size_t k = 0; k < CONFIG_ROWS; k++)
			if (strcmp(config_rows[k].section, "directory") == 0)
				config_default(ld, &config_rows[k], d);
		if (ld->bad)
			break;
	}
	for (size_t k = 0; k < CONFIG_ROWS; k++)
		if (strcmp(config_rows[k].section, "directory") != 0)
			config_default(ld, &config_rows[k], c);
	return 0;
}

int config_load(const char *path, struct config **out, struct fail *f)
{
	struct fail own = { "" };
	struct config_loader ld = { .f = f ? f : &own };
	int r;

	ld.f->text[0] = '\0';
	ld.c = calloc(1, sizeof(*ld.c));
	if (!ld.c)
		return fail(f, ENOMEM, "out of memory");
	r = config_files_add(&ld.c->arena, path ? path : SCIMD_CONF, &ld.lines, ld.f);
	if (r == 0)
		r = config_prepare(&ld);
	for (size_t i = 0; r == 0 && i < ld.lines.count; i++)
		config_line(&ld, &ld.lines.list[i]);
	if (r == 0)
		config_finish(&ld);
	if (r == 0)
		r = config_values(&ld);
	if (r == -ENOMEM)
		(void)fail(f, ENOMEM, "out of memory");
	free(ld.lines.list);
	if (r == 0 && ld.bad)
		r = -EINVAL;
	if (r < 0) {
		config_free(ld.c);
		return r;
	}
	*out = ld.c;
	return 0;
}

void config_free(struct config *c)
{
	if (!c)
		return;
	scim_filter_free(c->allow);
	scim_filter_free(c->deny);
	scim_filter_free(c->break_glass);
	arena_free(&c->arena);
	free(c);
}

static int config_value_order(const void *x, const void *y)
{
	const struct config_value *a = *(const struct config_value *const *)x;
	const struct config_value *b = *(const struct config_value *const *)y;
	int c = strcmp(a->section, b->section);

	return c ? c : strcmp(a->name, b->name);
}

int config_print(const struct config *c, bool sources, FILE *out)
{
	const struct config_value **order = calloc(c->value_count + 1, sizeof(*order));
	const char *section = NULL;

	if (!order)
		return -ENOMEM;
	for (size_t i = 0; i < c->value_count; i++)
		order[i] = &c->values[i];
	qsort(order, c->value_count, sizeof(*order), config_value_order);
	for (size_t i = 0; i < c->value_count; i++) {
		const struct config_value *v = order[i];

		if (!section || strcmp(section, v->section) != 0)
			(void)fprintf(out, "%s[%s]\n", section ? "\n" : "", v->section);
		section = v->section;
		if (sources && v->file)
			(void)fprintf(out, "# %s:%u%s%s\n", v->file, v->line,
				      v->overridden ? ", instead of " : "",
				      v->overridden ? v->overridden : "");
		else if (sources)
			(void)fprintf(out, "# default\n");
		(void)fprintf(out, "%s = %s\n", v->name, v->value);
	}
	free(order);
	return ferror(out) ? -EIO : 0;
}
