// SPDX-License-Identifier: MIT
//
// INI files by libini_config; see config_file.h. No line wrapping (a token on the
// next line would silently become part of a value), duplicates detected.
#include "scimd/base/config_file.h"
#include "scimd/base/arena.h"
#include "scimd/base/fail.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <ini_configobj.h>
#include <ini_valueobj.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void config_complain(struct fail *f, const char *fmt, ...)
{
	size_t n = f ? strlen(f->text) : 0;
	va_list ap;

	if (!f || n + 40 > sizeof(f->text))
		return;
	if (n)
		f->text[n++] = '\n';
	va_start(ap, fmt);
	(void)vsnprintf(f->text + n, sizeof(f->text) - n, fmt, ap);
	va_end(ap);
}

static int config_put(struct arena *a, struct config_lines *l, const struct config_line *line)
{
	for (size_t i = 0; i < l->count; i++) {
		struct config_line *old = &l->list[i];
		const char *was;

		if (strcmp(old->section, line->section) != 0 || strcmp(old->key, line->key) != 0)
			continue;
		was = arena_printf(a, "%s:%u", old->file, old->line);
		*old = *line;
		old->overridden = was;
		return was ? 0 : -ENOMEM;
	}
	if (l->count == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 32;
		struct config_line *more = reallocarray(l->list, cap, sizeof(*more));

		if (!more)
			return -ENOMEM;
		l->list = more;
		l->cap = cap;
	}
	l->list[l->count++] = *line;
	return 0;
}

static int config_value_line(struct arena *a, struct ini_cfgobj *cfg, const char *path,
			     const char *section, const char *key, struct config_lines *lines)
{
	struct value_obj *vo = NULL;
	struct config_line l = { 0 };
	char *text = NULL;
	uint32_t number = 0;
	int err = 0, r;

	if (ini_get_config_valueobj(section, key, cfg, INI_GET_FIRST_VALUE, &vo) || !vo)
		return -EINVAL;
	text = ini_get_string_config_value(vo, &err);
	(void)value_get_line(vo, &number);
	l.section = arena_str(a, section);
	l.key = arena_str(a, key);
	l.value = arena_str(a, text ? text : "");
	l.file = arena_str(a, path);
	l.line = number;
	free(text);
	r = l.section && l.key && l.value && l.file ? config_put(a, lines, &l) : -ENOMEM;
	return r;
}

static int config_walk(struct arena *a, struct ini_cfgobj *cfg, const char *path,
		       struct config_lines *lines)
{
	int sections = 0, err = 0, r = 0;
	char **section = ini_get_section_list(cfg, &sections, &err);

	for (int i = 0; i < sections && r == 0; i++) {
		int keys = 0;
		char **key = ini_get_attribute_list(cfg, section[i], &keys, &err);

		for (int k = 0; k < keys && r == 0; k++)
			r = config_value_line(a, cfg, path, section[i], key[k], lines);
		// A section without keys still stands: a directory may be named and left empty.
		if (keys == 0 && r == 0) {
			struct config_line l = { arena_str(a, section[i]), "", "",
						 arena_str(a, path),       0,  NULL };

			r = l.section && l.file ? config_put(a, lines, &l) : -ENOMEM;
		}
		ini_free_attribute_list(key);
	}
	ini_free_section_list(section);
	return r;
}

static int config_trusted(const char *path, struct fail *f)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return fail(f, errno, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fail(f, EINVAL, "%s: not a regular file", path);
	if (st.st_mode & 022)
		return fail(f, EPERM, "%s: others may write to it; chmod go-w %s", path, path);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return fail(f, EPERM, "%s: belongs to uid %u, neither root nor you", path,
			    st.st_uid);
	return 0;
}

// "Error (10) on line 3: Duplicate key …" → "FILE:3: Duplicate key …"
static void config_errors(struct ini_cfgobj *cfg, const char *path, struct fail *f)
{
	char **errors = NULL;

	if (ini_config_get_errors(cfg, &errors) || !errors)
		return;
	for (size_t i = 0; i < ini_config_error_count(cfg) && errors[i]; i++) {
		const char *text = strstr(errors[i], ": ");
		unsigned int line = 0;

		(void)sscanf(errors[i], "%*[^0-9]%*u%*[^0-9]%u", &line);
		config_complain(f, "%s:%u: %.200s", path, line, text ? text + 2 : errors[i]);
	}
	ini_config_free_errors(errors);
}

int config_file_add(struct arena *a, const char *path, struct config_lines *lines, struct fail *f)
{
	struct ini_cfgfile *file = NULL;
	struct ini_cfgobj *cfg = NULL;
	struct fail own = { "" };
	int rc, r = config_trusted(path, f);

	if (r < 0)
		return r;
	if (ini_config_create(&cfg))
		return fail(f, ENOMEM, "out of memory");
	rc = ini_config_file_open(path, 0, &file);
	if (rc) {
		ini_config_destroy(cfg);
		return fail(f, rc, "%s: %s", path, strerror(rc));
	}
	// By ..._DETECT, which goes on after the first duplicate, the library (0.6.2) writes
	// its list of errors past its end.
	rc = ini_config_parse(file, INI_STOP_ON_NONE,
			      INI_MV1S_ERROR | INI_MV2S_ERROR | INI_MS_ERROR, INI_PARSE_NOWRAP,
			      cfg);
	config_errors(cfg, path, &own);
	if (rc && !own.text[0])
		config_complain(&own, "%s: cannot be parsed (%s)", path, strerror(rc));
	if (own.text[0])
		r = fail(f, EINVAL, "%s", own.text);
	else
		r = config_walk(a, cfg, path, lines);
	ini_config_file_destroy(file);
	ini_config_destroy(cfg);
	return r;
}

static int config_by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int config_is_dropin(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return d->d_name[0] != '.' && n > 5 && strcmp(d->d_name + n - 5, ".conf") == 0;
}

int config_files_add(struct arena *a, const char *path, struct config_lines *lines, struct fail *f)
{
	char dir[PATH_MAX], file[PATH_MAX + 256];
	const char *slash = strrchr(path, '/');
	struct dirent **list = NULL;
	int n, r, main;

	main = r = config_file_add(a, path, lines, f);
	if (r < 0 && r != -ENOENT)
		return r;
	if (snprintf(dir, sizeof(dir), "%.*sconf.d", slash ? (int)(slash - path + 1) : 0, path) >=
	    (int)sizeof(dir))
		return fail(f, ENAMETOOLONG, "%s: name too long", path);
	n = scandir(dir, &list, config_is_dropin, config_by_name);
	if (n < 0 && errno != ENOENT)
		return fail(f, errno, "%s: cannot be read: %s", dir, strerror(errno));
	if (main == -ENOENT && n <= 0) {
		free(list);
		return r; // the sentence of the missing main file stands
	}
	if (main == -ENOENT)
		f->text[0] = '\0';
	r = 0;
	for (int i = 0; i < n; i++) {
		if (r == 0 &&
		    snprintf(file, sizeof(file), "%s/%s", dir, list[i]->d_name) < (int)sizeof(file))
			r = config_file_add(a, file, lines, f);
		free(list[i]);
	}
	free(list);
	return r;
}

size_t config_distance(const char *a, const char *b)
{
	size_t row[64], la = strlen(a), lb = strlen(b);

	if (la > 60 || lb > 60)
		return 99;
	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t before = row[0];

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t best = before + (tolower((unsigned char)a[i - 1]) !=
						tolower((unsigned char)b[j - 1]));

			before = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[lb];
}
