// SPDX-License-Identifier: MIT
//
// What makes a checked configuration out of files; see config.h. The settings are in
// config_rows.c, what their values may be in config_check.c.
#include "scimd/agent/config_internal.h"
#include "scimd/base/fail.h"
#include "scimd/identity/name.h"
#include "scimd/scim/filter.h"
#include <errno.h>
#include <scimd/paths.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOCAL_GROUP "local_group."

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
	    strcmp(kind, "access") != 0 && strcmp(kind, "lockout") != 0 &&
	    strcmp(kind, "hooks") != 0) {
		config_bad(ld, l,
			   "unknown section; there are [scimd], [directory/NAME], [identity], "
			   "[access], [lockout] and [hooks]");
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

static void config_default(struct config_loader *ld, const struct config_row *row, void *base)
{
	const struct config_line l = {
		row->section, row->name, row->otherwise, "default", 0, NULL
	};

	if (row->otherwise)
		config_set(ld, row, &l, base);
}

static int config_values(struct config_loader *ld)
{
	struct config *c = ld->c;

	c->values =
		arena_array(&c->arena, ld->lines.count + config_row_count + 1, sizeof(*c->values));
	if (!c->values)
		return -ENOMEM;
	for (size_t i = 0; i < config_row_count; i++) {
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
		for (size_t k = 0; k < config_row_count; k++)
			if (strcmp(config_rows[k].section, "directory") == 0)
				config_default(ld, &config_rows[k], d);
		if (ld->bad)
			break;
	}
	for (size_t k = 0; k < config_row_count; k++)
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
