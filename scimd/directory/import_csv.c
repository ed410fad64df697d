// SPDX-License-Identifier: MIT
//
// CSV (RFC 4180) with a header line; see import.h. A further column is a row in
// csv_columns.
#include "scimd/base/config_file.h"
#include "scimd/base/fail.h"
#include "scimd/directory/import.h"
#include "scimd/scim/schema.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum csv_place { CSV_PLAIN, CSV_POSIX, CSV_EMAIL, CSV_KEY, CSV_GROUPS };

static const struct csv_column {
	const char *name;
	enum csv_place place;
} csv_columns[] = {
	{ "userName", CSV_PLAIN },      { "displayName", CSV_PLAIN }, { "externalId", CSV_PLAIN },
	{ "active", CSV_PLAIN },        { "email", CSV_EMAIL },       { "uidNumber", CSV_POSIX },
	{ "gidNumber", CSV_POSIX },     { "loginShell", CSV_POSIX },  { "gecos", CSV_POSIX },
	{ "homeDirectory", CSV_POSIX }, { "sshKey", CSV_KEY },        { "groups", CSV_GROUPS },
};
#define CSV_COLUMNS (sizeof(csv_columns) / sizeof(*csv_columns))
#define CSV_FIELDS 64

struct csv {
	char *p, *end;
	unsigned int line;
	char *field[CSV_FIELDS];
	size_t count;
};

// One field, unquoted in place; *last: it ends its line.
static int csv_field(struct csv *c, bool *last, struct fail *f)
{
	unsigned int line = c->line;
	bool quoted = c->p < c->end && *c->p == '"';
	char *to;

	if (c->count == CSV_FIELDS)
		return fail(f, EINVAL, "line %u: more than %d fields", line, CSV_FIELDS);
	c->p += quoted;
	c->field[c->count++] = to = c->p;
	for (; c->p < c->end; c->p++) {
		if (quoted && *c->p == '"') {
			if (c->p + 1 < c->end && c->p[1] == '"')
				c->p++;
			else
				break;
		} else if (!quoted && (*c->p == ',' || *c->p == '\n')) {
			break;
		}
		if (*c->p == '\0')
			return fail(f, EINVAL, "line %u: a NUL byte", c->line);
		c->line += *c->p == '\n';
		*to++ = *c->p;
	}
	if (quoted && c->p == c->end)
		return fail(f, EINVAL, "line %u: a quote is not closed", line);
	c->p += quoted;
	if (quoted && c->p < c->end && *c->p == '\r')
		c->p++;
	if (c->p < c->end && *c->p != ',' && *c->p != '\n')
		return fail(f, EINVAL, "line %u: text after a closing quote", line);
	*last = c->p >= c->end || *c->p == '\n';
	c->line += c->p < c->end && *last;
	if (c->p < c->end)
		c->p++;
	if (!quoted && *last && to > c->field[c->count - 1] && to[-1] == '\r')
		to--;
	*to = '\0'; // at most where the separator was
	return 0;
}

static int csv_record(struct csv *c, struct fail *f)
{
	bool last = false;
	int r = 0;

	c->count = 0;
	while (r == 0 && !last)
		r = csv_field(c, &last, f);
	return r;
}

static int csv_header(struct csv *c, const struct csv_column *columns[CSV_FIELDS], size_t *count,
		      struct fail *f)
{
	int r = csv_record(c, f);

	for (size_t i = 0; r == 0 && i < c->count; i++) {
		const char *like = NULL;
		size_t least = 4;

		for (size_t k = 0; k < CSV_COLUMNS; k++) {
			size_t d = config_distance(csv_columns[k].name, c->field[i]);

			if (d < least) {
				least = d;
				like = csv_columns[k].name;
			}
			if (strcasecmp(csv_columns[k].name, c->field[i]) == 0)
				columns[i] = &csv_columns[k];
		}
		if (!columns[i])
			r = fail(f, EINVAL, "line 1: unknown column \"%.80s\"%s%s%s", c->field[i],
				 like ? "; did you mean \"" : "", like ? like : "",
				 like ? "\"?" : "");
	}
	*count = c->count;
	return r;
}

static struct json_object *csv_list(const char *value)
{
	struct json_object *list = json_object_new_array(), *o = json_object_new_object();

	(void)json_object_object_add(o, "value", json_object_new_string(value));
	(void)json_object_array_add(list, o);
	return list;
}

static void csv_put(struct json_object *user, struct json_object *posix,
		    const struct csv_column *column, const char *value)
{
	struct json_object *o =
		column->place == CSV_POSIX || column->place == CSV_KEY ? posix : user;

	if (column->place == CSV_EMAIL)
		(void)json_object_object_add(o, "emails", csv_list(value));
	else if (column->place == CSV_KEY)
		(void)json_object_object_add(o, "sshPublicKeys", csv_list(value));
	else
		(void)json_object_object_add(o, column->name, json_object_new_string(value));
}

static int csv_user(struct import *m, struct csv *c, const struct csv_column *const *columns,
		    unsigned int line, struct fail *f)
{
	struct json_object *user = json_object_new_object(), *posix = json_object_new_object();
	const char *name = NULL;
	char *groups = NULL, *group;
	int r;

	for (size_t i = 0; i < c->count; i++) {
		if (strcmp(columns[i]->name, "userName") == 0)
			name = c->field[i];
		if (columns[i]->place == CSV_GROUPS)
			groups = c->field[i];
		else if (c->field[i][0])
			csv_put(user, posix, columns[i], c->field[i]);
	}
	if (json_object_object_length(posix))
		(void)json_object_object_add(user, SCIM_URN_POSIX_USER, posix);
	else
		json_object_put(posix);
	if (!name || !*name) {
		json_object_put(user);
		return fail(f, EINVAL, "line %u: no userName", line);
	}
	r = import_add(m, user, line, f);
	while (r == 0 && (group = strsep(&groups, ";"))) {
		while (*group == ' ')
			group++;
		if (*group)
			r = import_member(m, group, name, line, f);
	}
	return r;
}

int import_read_csv(struct import *m, char *text, size_t len, struct fail *f)
{
	const struct csv_column *columns[CSV_FIELDS] = { NULL };
	struct csv c = { .p = text, .end = text + len, .line = 1 };
	size_t count;
	int r;

	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) // what spreadsheets write
		c.p += 3;
	r = csv_header(&c, columns, &count, f);
	while (r == 0 && c.p < c.end) {
		unsigned int line = c.line;

		r = csv_record(&c, f);
		if (r < 0 || (c.count == 1 && !c.field[0][0]))
			continue;
		if (c.count != count)
			r = fail(f, EINVAL, "line %u: %zu fields, the header has %zu", line,
				 c.count, count);
		else
			r = csv_user(m, &c, columns, line, f);
	}
	return r;
}
