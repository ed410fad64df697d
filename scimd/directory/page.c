// SPDX-License-Identifier: MIT
//
// The page's frame, its counts, and the last changes; see page.h.
#include "scimd/directory/page.h"
#include "scimd/base/buf.h"
#include "scimd/base/clock.h"
#include "scimd/directory/db.h"
#include "scimd/directory/page_internal.h"
#include "scimd/directory/token.h"
#include "scimd/scim/json.h"
#include "scimd/scim/schema.h"
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ------------------------------------------------------------------ counts

struct page_counts {
	uint64_t users, disabled, groups, writing, reading, expired;
	int64_t now;
};

static int page_count_users(struct store_txn *t, struct page_counts *c)
{
	struct store_bytes key, value;
	struct dir_record rec;
	struct store_walk *w;
	int r = store_walk_open(t, DIR_USER, &w);

	if (r < 0)
		return r;
	for (r = store_walk_seek(w, (struct store_bytes){ NULL, 0 }, &key, &value); r == 0;
	     r = store_walk_next(w, &key, &value)) {
		r = dir_decode(value, &rec);
		if (r < 0)
			break;
		c->users++;
		c->disabled += !rec.head.active;
	}
	store_walk_close(w);
	return r == -ENOENT ? 0 : r;
}

static int page_count_token(void *arg, const struct token *token)
{
	struct page_counts *c = arg;

	if (token->expires && token->expires <= c->now)
		c->expired++;
	else if (token->scope == TOKEN_WRITE)
		c->writing++;
	else
		c->reading++;
	return 0;
}

static int page_put_counts(const struct page *p)
{
	struct page_counts c = { .now = p->now };
	struct buf *b = p->out;
	int r = page_count_users(p->t, &c);

	if (r == 0)
		r = token_each(p->t, page_count_token, &c);
	c.groups = store_count(p->t, DIR_GROUP);
	(void)buf_str(b, "<section>\n<h2>Counts</h2>\n<table class=\"counts\"><thead><tr>"
			 "<th>Active users</th><th>Disabled users</th><th>Groups</th>"
			 "<th>Tokens that write</th><th>Tokens that read</th>"
			 "<th>Tokens expired</th></tr></thead><tbody>\n");
	(void)buf_printf(b,
			 "<tr><td data-l=\"Active users\">%llu</td>"
			 "<td data-l=\"Disabled users\">%llu</td><td data-l=\"Groups\">%llu</td>"
			 "<td data-l=\"Tokens that write\">%llu</td>"
			 "<td data-l=\"Tokens that read\">%llu</td>"
			 "<td data-l=\"Tokens expired\">%llu</td></tr>\n",
			 (unsigned long long)(c.users - c.disabled), (unsigned long long)c.disabled,
			 (unsigned long long)c.groups, (unsigned long long)c.writing,
			 (unsigned long long)c.reading, (unsigned long long)c.expired);
	(void)buf_str(b, "</tbody></table>\n</section>\n");
	return r;
}

// ----------------------------------------------------------------- changes

struct page_changes {
	struct buf *out;
	struct page_leavers *leavers; // names that are only here
	unsigned int shown, looked;
};

static struct json_object *page_parse(const struct store_audit *line)
{
	struct json_tokener *tok = line->len <= INT_MAX ? json_tokener_new() : NULL;
	struct json_object *o = tok ? json_tokener_parse_ex(tok, line->line, (int)line->len) : NULL;

	if (tok)
		json_tokener_free(tok);
	return o;
}

static const char *page_text(struct json_object *o, const char *key)
{
	const char *text = json_string(json_member(o, key));

	return text ? text : "";
}

static bool page_switched(struct json_object *changes, bool *active)
{
	struct json_object *pair = json_member(changes, "active");

	if (!json_object_is_type(pair, json_type_array) || json_object_array_length(pair) != 2)
		return false;
	*active = json_object_get_boolean(json_object_array_get_idx(pair, 1)) ||
		  !json_object_array_get_idx(pair, 1);
	return true;
}

static const char *page_what(struct json_object *o)
{
	static const struct {
		const char *event, *words;
	} known[] = {
		{ "user-created", "user created" },   { "user-replaced", "user changed" },
		{ "user-patched", "user changed" },   { "user-deleted", "user deleted" },
		{ "group-created", "group created" }, { "group-replaced", "group changed" },
		{ "group-patched", "group changed" }, { "group-deleted", "group deleted" },
		{ "token-created", "token created" }, { "token-revoked", "token revoked" },
		{ "group-members", "group changed" }, { "user-groups", "user deleted" },
		{ "restored", "backup restored" },
	};
	const char *event = page_text(o, "event");
	bool active;

	if (page_switched(json_member(o, "changes"), &active) &&
	    (strcmp(event, "user-patched") == 0 || strcmp(event, "user-replaced") == 0))
		return active ? "user enabled" : "user disabled";
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strcmp(known[i].event, event) == 0)
			return known[i].words;
	return event;
}

static void page_changed(struct buf *b, struct json_object *changes)
{
	unsigned int n = 0;

	if (!json_object_is_type(changes, json_type_object))
		return;
	json_object_object_foreach(changes, key, value)
	{
		const char *name = key;

		(void)value;
		if (strcmp(key, SCIM_URN_POSIX_USER) == 0 || strcmp(key, SCIM_URN_POSIX_GROUP) == 0)
			name = "posix";
		else if (strcmp(key, SCIM_URN_ENTERPRISE) == 0)
			name = "enterprise";
		if (n++ < 12)
			html_put(b, n == 1 ? "%" : ", %", (const char *const[]){ name });
	}
	if (n > 12)
		(void)buf_printf(b, ", and %u more", n - 12);
}

static void page_change(struct buf *b, struct json_object *o)
{
	const char *name = page_text(o, "name"), *at = page_text(o, "at");
	int64_t ms = 0;

	if (clock_parse(at, strlen(at), &ms) < 0)
		ms = 0;
	(void)buf_str(b, "<tr><td data-l=\"Time\">");
	html_time(b, ms);
	html_put(b,
		 "</td><td data-l=\"What\">%</td><td data-l=\"Name\"><bdi>%</bdi></td>"
		 "<td data-l=\"By\"><bdi>%</bdi></td><td data-l=\"Attributes\">",
		 (const char *const[]){ page_what(o), *name ? name : page_text(o, "token"),
					page_text(o, "actor") });
	page_changed(b, json_member(o, "changes"));
	(void)buf_str(b, "</td></tr>\n");
}

// Whether there is still somebody whose name has to be found; looks for it in this line.
static bool page_name_gone(struct page_leavers *l, const struct store_audit *line)
{
	bool wanted = false;

	for (size_t i = 0; i < l->count; i++) {
		struct page_leaver *who = &l->one[i];
		struct json_object *o;

		if (who->name[0] || !who->deleted)
			continue;
		wanted = true;
		if (!memmem(line->line, line->len, who->id, strlen(who->id)))
			continue;
		o = page_parse(line);
		if (strcmp(page_text(o, "id"), who->id) == 0)
			(void)snprintf(who->name, sizeof(who->name), "%s", page_text(o, "name"));
		json_object_put(o);
	}
	return wanted;
}

// Lines come the newest first; 1: enough.
static int page_line(void *arg, const struct store_audit *line)
{
	struct page_changes *c = arg;
	bool wanted = page_name_gone(c->leavers, line);

	if (c->shown < PAGE_CHANGES) {
		struct json_object *o = page_parse(line);

		page_change(c->out, o);
		json_object_put(o);
		c->shown++;
	}
	return ++c->looked < PAGE_LOOK && (wanted || c->shown < PAGE_CHANGES) ? 0 : 1;
}

// Into a buf of its own: the names that it finds are needed higher up on the page.
static int page_put_changes(const struct page *p, struct page_leavers *leavers, struct buf *b)
{
	struct page_changes c = { .out = b, .leavers = leavers };
	int r;

	(void)buf_str(b, "<section>\n<h2 id=\"changes\">Last changes</h2>\n"
			 "<table><thead><tr><th>Time</th><th>What</th><th>Name</th>"
			 "<th>By</th><th>Attributes</th></tr></thead><tbody>\n");
	r = store_audit_back(p->t, page_line, &c);
	if (r >= 0 && c.shown == 0)
		(void)buf_str(b, "<tr><td>Nothing has been changed yet.</td></tr>\n");
	(void)buf_str(b, "</tbody></table>\n");
	if (c.shown == PAGE_CHANGES)
		(void)buf_printf(b,
				 "<p>The last %d; <code>scim-directory audit</code> has them "
				 "all.</p>\n",
				 PAGE_CHANGES);
	(void)buf_str(b, "</section>\n");
	return r < 0 ? r : 0;
}

// ------------------------------------------------------------------- frame

static void page_put_head(const struct page *p)
{
	struct buf *b = p->out;

	(void)buf_str(b, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
			 "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
			 "\n<title>scim-directory</title>\n");
	page_put_style(b);
	html_put(b, "\n</head>\n<body>\n<header>\n<h1>scim-directory</h1>\n<p><code>%</code>, ",
		 (const char *const[]){ p->base });
	html_time(b, p->now);
	html_put(b,
		 " UTC, seen with the token <bdi>%</bdi></p>\n"
		 "<nav><a href=\"#hosts\">Hosts</a> <a href=\"#disabled\">Recently disabled</a> "
		 "<a href=\"#changes\">Last changes</a></nav>\n</header>\n<main>\n",
		 (const char *const[]){ p->token });
}

static void page_put_foot(struct buf *b)
{
	(void)buf_str(b, "</main>\n<footer>\n<p>All times are UTC. A last poll may be up to five "
			 "minutes later than it says. What a host has applied is what it reports: "
			 "a report is as trustworthy as the token it came with.</p>\n</footer>\n"
			 "</body>\n</html>\n");
}

int page_write(const struct page *p)
{
	struct page_leavers *leavers = calloc(1, sizeof(*leavers));
	struct buf changes = BUF_INIT;
	int r = leavers ? page_leavers_find(p, leavers) : -ENOMEM;

	if (r == 0)
		r = page_put_changes(p, leavers, &changes);
	if (r < 0)
		goto out;
	page_put_head(p);
	r = page_put_counts(p);
	if (r == 0)
		r = page_put_hosts(p);
	if (r == 0)
		r = page_put_leavers(p, leavers);
	(void)buf_add(p->out, changes.data, changes.len);
	page_put_foot(p->out);
	if (r == 0 && !(buf_ok(p->out) && buf_ok(&changes)))
		r = -ENOMEM;
out:
	buf_free(&changes);
	free(leavers);
	return r;
}
