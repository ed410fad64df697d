// SPDX-License-Identifier: MIT
//
// `audit`: who changed what, when; as a table, or as the very lines of the log.
#include "scimd/base/clock.h"
#include "scimd/directory/admin_internal.h"
#include "scimd/scim/json.h"
#include "scimd/scim/text.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

struct audit_look {
	struct admin *a;
	struct columns *table;
	int64_t since;
	const char *user;        // NULL: all
	struct json_object *ids; // of all who were called that, as far as the log has been read
};

static const char *audit_text(struct json_object *o, const char *key)
{
	const char *text = json_string(json_member(o, key));

	return text ? text : "";
}

static bool audit_lists(struct json_object *list, struct json_object *ids)
{
	if (!json_object_is_type(list, json_type_array))
		return false;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		const char *text = json_string(json_object_array_get_idx(list, i));

		if (text && json_object_object_get_ex(ids, text, NULL))
			return true;
	}
	return false;
}

// Whether it tells of somebody who came into a group or left it: of either.
static bool audit_moves(struct json_object *o, struct json_object *ids)
{
	struct json_object *changes = json_member(o, "changes");
	struct json_object *members = json_member(changes, "members");
	struct json_object *groups = json_member(changes, "groups"); // of what was deleted

	return audit_lists(json_member(members, "added"), ids) ||
	       audit_lists(json_member(members, "removed"), ids) ||
	       (json_object_is_type(groups, json_type_array) &&
		audit_lists(json_object_array_get_idx(groups, 0), ids));
}

// By whom or about whom. 1, 0, -ENOMEM.
static int audit_wanted(struct audit_look *l, struct json_object *o)
{
	const char *at = audit_text(o, "at"), *actor = audit_text(o, "actor");
	const char *id = audit_text(o, "id");
	bool about = l->user && (scim_text_order(audit_text(o, "name"), l->user) == 0 ||
				 strcmp(id, l->user) == 0);
	int64_t ms;

	if (about && *id && json_object_object_add(l->ids, id, NULL) < 0)
		return -ENOMEM;
	if (l->since && clock_parse(at, strlen(at), &ms) == 0 && ms < l->since)
		return 0;
	if (!l->user || about || audit_moves(o, l->ids))
		return 1;
	if (strncmp(actor, "local: ", 7) == 0 && strcmp(actor + 7, l->user) == 0)
		return 1;
	return strcmp(actor, l->user) == 0;
}

static int audit_row(struct columns *table, uint64_t seq, struct json_object *o)
{
	struct json_object *changes = json_member(o, "changes");
	struct buf names = BUF_INIT;
	char number[24];
	int r = 0;

	if (json_object_is_type(changes, json_type_object)) {
		json_object_object_foreach(changes, key, value)
		{
			(void)value;
			if (r == 0)
				r = buf_printf(&names, "%s%s", names.len ? ", " : "",
					       admin_short(key));
		}
	}
	(void)snprintf(number, sizeof(number), "%llu", (unsigned long long)seq);
	if (r == 0 &&
	    columns_row(table, (const char *[]){ number, audit_text(o, "at"),
						 audit_text(o, "event"), audit_text(o, "actor"),
						 audit_text(o, "name"), buf_text(&names) }) < 0)
		r = -ENOMEM;
	buf_free(&names);
	return r;
}

static int audit_line(void *arg, const struct store_audit *line)
{
	struct audit_look *l = arg;
	struct json_tokener *tok = json_tokener_new();
	struct json_object *o = NULL;
	int r = 1;

	if (tok)
		o = json_tokener_parse_ex(tok, line->line, (int)line->len);
	// What cannot be read is shown, whatever was asked for: it should not be there.
	if (o)
		r = audit_wanted(l, o);
	if (r <= 0)
		goto out;
	r = 0;
	if (l->a->option[ADMIN_JSON])
		(void)printf("%.*s\n", (int)line->len, line->line);
	else
		r = audit_row(l->table, line->seq, o);
out:
	json_object_put(o);
	if (tok)
		json_tokener_free(tok);
	return r;
}

static int audit_verify(struct admin *a, struct store_txn *t, struct fail *f)
{
	uint64_t count, bad;
	int r = store_audit_verify(t, &count, &bad, f);

	if (r < 0)
		return r;
	return a->option[ADMIN_JSON] ? buf_printf(&a->out, "{\"verified\":true,\"entries\":%llu}\n",
						  (unsigned long long)count)
				     : buf_printf(&a->out, "%llu entries, the chain is whole\n",
						  (unsigned long long)count);
}

static int audit_look(struct admin *a, struct store_txn *t, struct fail *f)
{
	static const char *const names[] = { "SEQ", "TIME", "EVENT", "ACTOR", "NAME", "CHANGED" };
	struct audit_look l = { .a = a, .user = a->option[ADMIN_USER] };
	const char *since = a->option[ADMIN_SINCE];
	uint64_t span;
	int r;

	if (since && clock_span(since, &span) == 0)
		l.since = clock_wall() - (int64_t)span * 1000;
	else if (since && clock_parse(since, strlen(since), &l.since) < 0)
		return fail(f, EINVAL,
			    "--since \"%.80s\" is neither a span (1d) nor a time "
			    "(2027-01-31T00:00:00Z)",
			    since);
	if (a->option[ADMIN_VERIFY])
		return audit_verify(a, t, f);
	l.ids = json_object_new_object();
	if (!l.ids)
		return -ENOMEM;
	if (!a->option[ADMIN_JSON])
		l.table = columns_new(a->option[ADMIN_NO_LEGEND], names, 6);
	r = store_audit_each(t, 1, audit_line, &l);
	columns_print(l.table);
	json_object_put(l.ids);
	return r;
}

int admin_audit(struct admin *a)
{
	return admin_look(a, audit_look);
}
