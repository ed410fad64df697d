// SPDX-License-Identifier: MIT
//
// `user …` and `group …`.
#include "scimd/base/file.h"
#include "scimd/directory/admin_internal.h"
#include "scimd/directory/render.h"
#include "scimd/scim/json.h"
#include "scimd/scim/schema.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PEOPLE_KEY_MAX 65536
#define PEOPLE_DEPTH 8 // of what a resource shows; the tables have three

static uint8_t people_kind(const struct admin *a)
{
	return a->command->words[0] == 'u' ? RESOURCE_USER : RESOURCE_GROUP;
}

static const char *people_word(uint8_t kind)
{
	return kind == RESOURCE_USER ? "user" : "group";
}

static int people_id(struct store_txn *t, uint8_t kind, const char *name, char id[DIR_ID_TEXT],
		     struct fail *f)
{
	struct dir_record rec;
	int r = admin_find(t, kind, name, &rec);

	if (r == -ENOENT)
		return fail(f, ENOENT, "there is no %s \"%.200s\"", people_word(kind), name);
	if (r == 0)
		dir_id_text(id, rec.head.id);
	return r;
}

// ----------------------------------------------------------------------- add

// Public keys, a line each, as in authorized_keys.
static int people_keys(const struct admin *a, struct json_object *posix, struct fail *f)
{
	struct json_object *list = json_object_new_array();
	int r = admin_put(posix, "sshPublicKeys", json_object_get(list));

	for (size_t i = 0; r == 0 && i < a->many_count; i++) {
		struct buf b = BUF_INIT;
		char *rest, *line;

		r = file_read(a->many[i], PEOPLE_KEY_MAX, &b, f);
		rest = b.data;
		while (r == 0 && (line = strsep(&rest, "\n"))) {
			struct json_object *o;

			if (!*line || *line == '#')
				continue;
			o = json_object_new_object();
			r = admin_put_text(o, "value", line);
			if (r == 0)
				r = json_object_array_add(list, o) < 0 ? -ENOMEM : 0;
			else
				json_object_put(o);
		}
		buf_free(&b);
	}
	json_object_put(list);
	return r;
}

static int people_posix(const struct admin *a, struct json_object *o, struct fail *f)
{
	static const struct {
		enum admin_option option;
		const char *key;
	} rows[] = { { ADMIN_UID, "uidNumber" },
		     { ADMIN_GID, "gidNumber" },
		     { ADMIN_SHELL, "loginShell" },
		     { ADMIN_HOME, "homeDirectory" } };
	bool user = people_kind(a) == RESOURCE_USER;
	struct json_object *posix = json_object_new_object();
	int r = posix ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < sizeof(rows) / sizeof(*rows); i++)
		r = admin_put_text(posix, rows[i].key, a->option[rows[i].option]);
	if (r == 0 && a->option[ADMIN_KEY])
		r = people_keys(a, posix, f);
	if (r < 0 || json_object_object_length(posix) == 0) {
		json_object_put(posix);
		return r;
	}
	return admin_put(o, user ? SCIM_URN_POSIX_USER : SCIM_URN_POSIX_GROUP, posix);
}

static int people_user(const struct admin *a, struct json_object *o)
{
	struct json_object *name = json_object_new_object(), *email, *list;
	int r = admin_put_text(o, "userName", a->args[0]);

	if (r == 0)
		r = admin_put_text(o, "displayName", a->option[ADMIN_DISPLAY]);
	if (r == 0)
		r = admin_put_text(name, "givenName", a->option[ADMIN_GIVEN]);
	if (r == 0)
		r = admin_put_text(name, "familyName", a->option[ADMIN_FAMILY]);
	if (r == 0)
		r = admin_put(o, "name", json_object_get(name));
	json_object_put(name);
	if (r == 0 && a->option[ADMIN_INACTIVE])
		r = admin_put(o, "active", json_object_new_boolean(false));
	if (r < 0 || !a->option[ADMIN_EMAIL])
		return r;
	list = json_object_new_array();
	email = json_object_new_object();
	r = admin_put_text(email, "value", a->option[ADMIN_EMAIL]);
	if (r == 0)
		r = admin_put_text(email, "type", "work");
	if (r == 0)
		r = admin_put(email, "primary", json_object_new_boolean(true));
	if (r == 0 && json_object_array_add(list, json_object_get(email)) < 0)
		r = -ENOMEM;
	json_object_put(email);
	if (r == 0)
		return admin_put(o, "emails", list);
	json_object_put(list);
	return r;
}

// The array of members that the names stand for; NULL and *r: not so.
static struct json_object *people_members(struct store_txn *t, const char *const *names,
					  size_t count, int *r, struct fail *f)
{
	struct json_object *list = json_object_new_array();
	char id[DIR_ID_TEXT];

	*r = list ? 0 : -ENOMEM;
	for (size_t i = 0; *r == 0 && i < count; i++) {
		struct json_object *o = json_object_new_object();

		*r = people_id(t, RESOURCE_USER, names[i], id, f);
		if (*r == 0)
			*r = admin_put_text(o, "value", id);
		if (*r == 0 && json_object_array_add(list, json_object_get(o)) < 0)
			*r = -ENOMEM;
		json_object_put(o);
	}
	if (*r == 0)
		return list;
	json_object_put(list);
	return NULL;
}

static int people_add(struct store_txn *t, void *arg, struct fail *f)
{
	struct admin *a = arg;
	struct change c = admin_change(a);
	struct change_result res;
	struct json_object *o = json_object_new_object(), *members;
	int r = admin_put_text(o, "externalId", a->option[ADMIN_EXTERNAL_ID]);

	if (r == 0 && people_kind(a) == RESOURCE_USER) {
		r = people_user(a, o);
	} else if (r == 0) {
		r = admin_put_text(o, "displayName", a->args[0]);
		members = r == 0 ? people_members(t, a->many, a->many_count, &r, f) : NULL;
		if (r == 0)
			r = admin_put(o, "members", members);
	}
	if (r == 0)
		r = people_posix(a, o, f);
	if (r == 0)
		r = change_create(t, &c, people_kind(a), o, &res, &a->problem);
	json_object_put(o);
	return r;
}

int admin_add(struct admin *a)
{
	return admin_apply(a, people_add);
}

// -------------------------------------------------------------------- change

static int people_patch(struct admin *a, struct store_txn *t, const char *id, const char *op,
			const char *path, struct json_object *value)
{
	struct json_object *body = json_object_new_object(), *ops = json_object_new_array();
	struct json_object *o = json_object_new_object();
	struct change c = admin_change(a);
	struct change_result res;
	int r = admin_put(o, "value", value);

	if (r == 0)
		r = admin_put_text(o, "op", op);
	if (r == 0)
		r = admin_put_text(o, "path", path);
	if (r == 0 && json_object_array_add(ops, json_object_get(o)) < 0)
		r = -ENOMEM;
	json_object_put(o);
	if (r == 0)
		r = admin_put(body, "Operations", json_object_get(ops));
	json_object_put(ops);
	if (r == 0)
		r = change_patch(t, &c, people_kind(a), id, body, &res, &a->problem);
	json_object_put(body);
	return r;
}

static int people_active(struct store_txn *t, void *arg, struct fail *f)
{
	struct admin *a = arg;
	bool active = strcmp(a->command->words, "user enable") == 0;
	char id[DIR_ID_TEXT];
	int r = people_id(t, people_kind(a), a->args[0], id, f);

	return r < 0 ? r
		     : people_patch(a, t, id, "replace", "active", json_object_new_boolean(active));
}

int admin_able(struct admin *a)
{
	a->vital = strcmp(a->command->words, "user disable") == 0;
	return admin_apply(a, people_active);
}

static int people_drop(struct store_txn *t, void *arg, struct fail *f)
{
	struct admin *a = arg;
	struct change c = admin_change(a);
	char id[DIR_ID_TEXT];
	int r = people_id(t, people_kind(a), a->args[0], id, f);

	return r < 0 ? r : change_delete(t, &c, people_kind(a), id, &a->problem);
}

int admin_delete(struct admin *a)
{
	a->vital = people_kind(a) == RESOURCE_USER;
	return admin_apply(a, people_drop);
}

static int people_member(struct store_txn *t, void *arg, struct fail *f)
{
	struct admin *a = arg;
	bool add = strcmp(a->command->words, "group member add") == 0;
	struct json_object *list;
	char id[DIR_ID_TEXT];
	int r = people_id(t, people_kind(a), a->args[0], id, f);

	if (r < 0)
		return r;
	list = people_members(t, (const char *const *)a->args + 1, (size_t)a->count - 1, &r, f);
	return r < 0 ? r : people_patch(a, t, id, add ? "add" : "remove", "members", list);
}

int admin_member(struct admin *a)
{
	return admin_apply(a, people_member);
}

// ---------------------------------------------------------------------- show

// A resource a line per value: "name.givenName  Alice".
static int people_value(struct buf *out, const char *path, struct json_object *v, int depth)
{
	char below[512];
	int r = 0;

	if (depth == PEOPLE_DEPTH)
		return 0;
	if (json_object_is_type(v, json_type_array)) {
		for (size_t i = 0; r == 0 && i < json_object_array_length(v); i++) {
			(void)snprintf(below, sizeof(below), "%s[%zu]", path, i);
			r = people_value(out, below, json_object_array_get_idx(v, i), depth + 1);
		}
		return r;
	}
	if (json_object_is_type(v, json_type_object)) {
		json_object_object_foreach(v, key, child)
		{
			(void)snprintf(below, sizeof(below), "%s%s%s", path, *path ? "." : "",
				       admin_short(key));
			if (r == 0 && strcmp(below, "schemas") != 0)
				r = people_value(out, below, child, depth + 1);
		}
		return r;
	}
	r = buf_printf(out, "%-28s ", path);
	for (const char *p = json_object_get_string(v); r == 0 && p && *p; p++)
		r = (unsigned char)*p < 0x20 || *p == 0x7f
			    ? buf_printf(out, "\\x%02x", (unsigned char)*p)
			    : buf_chr(out, *p);
	return r < 0 ? r : buf_chr(out, '\n');
}

// For people, members bear their names.
static void people_name_members(struct store_txn *t, struct json_object *group)
{
	struct json_object *list = json_member(group, "members");
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;

	for (size_t i = 0; i < n; i++) {
		struct json_object *m = json_object_array_get_idx(list, i);
		const char *id = json_string(json_member(m, "value"));
		struct dir_record rec;

		if (id && dir_find(t, 0, id, &rec) == 0)
			(void)admin_put(m, "display",
					json_object_new_string_len(rec.label, rec.head.label_len));
	}
}

static int people_show(struct admin *a, struct store_txn *t, struct fail *f)
{
	const struct render c = { .base = admin_base(a) };
	struct json_object *o;
	struct dir_record rec;
	int r = admin_find(t, people_kind(a), a->args[0], &rec);

	if (r == -ENOENT)
		return fail(f, ENOENT, "there is no %s \"%.200s\"", people_word(people_kind(a)),
			    a->args[0]);
	if (r < 0)
		return r;
	if (a->option[ADMIN_JSON]) {
		r = render_resource(t, &c, &rec, &a->out);
		return r < 0 ? r : buf_chr(&a->out, '\n');
	}
	o = render_object(t, c.base, &rec, true, NULL);
	people_name_members(t, o);
	r = o ? people_value(&a->out, "", o, 0) : -EBADMSG;
	json_object_put(o);
	return r;
}

int admin_show(struct admin *a)
{
	return admin_look(a, people_show);
}

// ---------------------------------------------------------------------- list

static int people_row(struct columns *table, const struct dir_record *rec)
{
	char number[16], label[1025];
	struct json_object *o = dir_json(rec), *email;
	const char *display, *address = NULL;
	int r = o ? 0 : -EBADMSG;

	(void)snprintf(number, sizeof(number), "%u", rec->head.number);
	(void)snprintf(label, sizeof(label), "%.*s", rec->head.label_len, rec->label);
	if (r == 0 && rec->head.kind == RESOURCE_GROUP)
		r = columns_row(table, (const char *[]){ number, label });
	if (r == 0 && rec->head.kind == RESOURCE_USER) {
		display = json_string(json_member(o, "displayName"));
		email = json_member(o, "emails");
		if (json_object_is_type(email, json_type_array))
			address = json_string(
				json_member(json_object_array_get_idx(email, 0), "value"));
		r = columns_row(table,
				(const char *[]){ number, rec->head.active ? "active" : "disabled",
						  label, display ? display : "",
						  address ? address : "" });
	}
	json_object_put(o);
	return r == -1 ? -ENOMEM : r;
}

static int people_list(struct admin *a, struct store_txn *t, struct fail *f)
{
	static const char *const users[] = { "UID", "STATE", "NAME", "DISPLAY", "EMAIL" };
	static const char *const groups[] = { "GID", "NAME" };
	const struct render c = { .base = admin_base(a) };
	bool user = people_kind(a) == RESOURCE_USER, json = a->option[ADMIN_JSON] != NULL;
	struct columns *table = NULL;
	struct dir_record rec;
	struct store_bytes v;
	struct store_walk *w;
	int r = store_walk_open(t, dir_of(people_kind(a)), &w);

	(void)f;
	if (r < 0)
		return r;
	if (!json)
		table = columns_new(a->option[ADMIN_NO_LEGEND], user ? users : groups,
				    user ? 5 : 2);
	for (r = store_walk_seek(w, (struct store_bytes){ "", 0 }, NULL, &v); r == 0;
	     r = r == 0 ? store_walk_next(w, NULL, &v) : r) {
		r = dir_decode(v, &rec);
		if (r == 0 && !json)
			r = people_row(table, &rec);
		if (r < 0 || !json)
			continue;
		r = render_resource(t, &c, &rec, &a->out);
		if (r == 0)
			r = buf_chr(&a->out, '\n');
		(void)fwrite(a->out.data, 1, a->out.len, stdout);
		buf_clear(&a->out);
	}
	store_walk_close(w);
	columns_print(table);
	return r == -ENOENT ? 0 : r;
}

int admin_list(struct admin *a)
{
	return admin_look(a, people_list);
}
