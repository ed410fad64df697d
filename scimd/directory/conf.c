// SPDX-License-Identifier: MIT
//
// The settings, a row each; see conf.h.
#include "scimd/directory/conf.h"
#include "scimd/base/clock.h"
#include "scimd/base/config_file.h"
#include "scimd/base/fail.h"
#include "scimd/directory/db.h"
#include "scimd/store/store.h"
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum conf_type { CONF_TEXT, CONF_PATH, CONF_NUMBER, CONF_SPAN };

static const struct conf_row {
	const char *name;
	enum conf_type type;
	size_t offset;
	const char *otherwise;
	uint64_t min, max;
	const char *help;
} conf_rows[] = {
#define AT(field) offsetof(struct directory_conf, field)
	{ "listen", CONF_TEXT, AT(listen), "127.0.0.1:8643", 0, 0,
	  "address and port; without TLS only loopback" },
	{ "tls_cert", CONF_PATH, AT(tls_cert), NULL, 0, 0, "certificate chain, PEM" },
	{ "tls_key", CONF_PATH, AT(tls_key), NULL, 0, 0, "its key, PEM" },
	{ "state_dir", CONF_PATH, AT(state_dir), "/var/lib/scim-directory", 0, 0,
	  "the store lies here, in private/" },
	{ "base_path", CONF_PATH, AT(base_path), "/scim/v2", 0, 0, "path of the SCIM endpoints" },
	{ "url", CONF_TEXT, AT(url), NULL, 0, 0,
	  "base URL that clients see, behind a proxy; unset: made of listen (where that is every "
	  "address: the machine's name) and base_path" },
	{ "body_max", CONF_NUMBER, AT(body_max), "4194304", 65536, 1u << 30,
	  "bytes of a request's body" },
	{ "connections", CONF_NUMBER, AT(connections), "12000", 16, 1000000,
	  "connections at a time" },
	{ "request_timeout", CONF_SPAN, AT(request_timeout), "30s", 1, 3600,
	  "time for a whole request" },
	{ "event_retention", CONF_SPAN, AT(event_retention), "7d", 60, 365 * 86400,
	  "how long events are kept for receivers" },
	{ "page_size", CONF_NUMBER, AT(page_size), "100", 1, 10000,
	  "resources of a page when count is not given" },
	{ "page_max", CONF_NUMBER, AT(page_max), "1000", 1, 10000, "resources of a page at most" },
#undef AT
};
#define CONF_ROWS (sizeof(conf_rows) / sizeof(*conf_rows))

const char *directory_conf_option(size_t i, const char **default_out, const char **help_out)
{
	if (i >= CONF_ROWS)
		return NULL;
	if (default_out)
		*default_out = conf_rows[i].otherwise;
	if (help_out)
		*help_out = conf_rows[i].help;
	return conf_rows[i].name;
}

static const char *conf_like(const char *name)
{
	const char *best = NULL;
	size_t least = 4;

	for (size_t i = 0; i < CONF_ROWS; i++) {
		size_t d = config_distance(name, conf_rows[i].name);

		if (d < least) {
			least = d;
			best = conf_rows[i].name;
		}
	}
	return best;
}

// NULL, or what is wrong with the value.
static const char *conf_set(struct directory_conf *c, const struct conf_row *row, const char *value)
{
	void *at = (char *)c + row->offset;
	uint64_t v = 0;
	char *end;

	if (row->type == CONF_TEXT || row->type == CONF_PATH) {
		if (row->type == CONF_PATH && value[0] != '/')
			return "must begin with /";
		*(const char **)at = value;
		return NULL;
	}
	errno = 0;
	if (row->type == CONF_SPAN ? clock_span(value, &v) < 0
				   : (v = strtoull(value, &end, 10),
				      errno || *end || !isdigit((unsigned char)*value)))
		return row->type == CONF_SPAN ? "is no span of time such as 30s, 5min or 7d"
					      : "is no number";
	if (v < row->min || v > row->max)
		return "is out of range";
	*(uint32_t *)at = (uint32_t)v;
	return NULL;
}

static void conf_line(struct directory_conf *c, const struct config_line *l, struct fail *f,
		      bool *bad)
{
	const char *wrong = NULL, *like;

	if (strstr(l->value, " #") || strstr(l->value, "\t#")) {
		config_complain(f,
				"%s:%u: [%s] %s: a comment after a value would become part of it; "
				"put it on a line of its own",
				l->file, l->line, l->section, l->key);
		*bad = true;
		return;
	}
	for (size_t i = 0; i < CONF_ROWS; i++)
		if (strcmp(l->section, "server") == 0 && strcmp(conf_rows[i].name, l->key) == 0) {
			wrong = conf_set(c, &conf_rows[i], l->value);
			if (wrong)
				config_complain(f, "%s:%u: [server] %s: \"%.100s\" %s", l->file,
						l->line, l->key, l->value, wrong);
			*bad |= wrong != NULL;
			return;
		}
	if (!l->key[0] && strcmp(l->section, "server") == 0)
		return; // a section without settings
	*bad = true;
	like = strcmp(l->section, "server") == 0 ? conf_like(l->key) : NULL;
	if (like)
		config_complain(f, "%s:%u: [%s] %s: unknown setting; did you mean \"%s\"?", l->file,
				l->line, l->section, l->key, like);
	else
		config_complain(f,
				"%s:%u: [%s] %s: unknown setting; all are in [server], see "
				"scim-directory(8)",
				l->file, l->line, l->section, l->key);
}

int directory_conf_load(const char *path, struct directory_conf **out, struct fail *f)
{
	struct directory_conf *c = calloc(1, sizeof(*c));
	struct config_lines lines = { 0 };
	bool bad = false;
	int r;

	if (!c)
		return fail(f, ENOMEM, "out of memory");
	for (size_t i = 0; i < CONF_ROWS; i++)
		if (conf_rows[i].otherwise)
			(void)conf_set(c, &conf_rows[i], conf_rows[i].otherwise);
	r = config_files_add(&c->arena, path ? path : DIRECTORY_CONF, &lines, f);
	if (r == -ENOENT && !path) { // the defaults will do
		r = 0;
		if (f)
			f->text[0] = '\0';
	}
	for (size_t i = 0; r == 0 && i < lines.count; i++)
		conf_line(c, &lines.list[i], f, &bad);
	if (r == 0 && !c->tls_cert != !c->tls_key) {
		config_complain(f, "tls_cert and tls_key belong together");
		bad = true;
	}
	if (r == 0 && c->page_size > c->page_max)
		c->page_size = c->page_max;
	free(lines.list);
	if (r < 0 || bad) {
		directory_conf_free(c);
		return r < 0 ? r : -EINVAL;
	}
	*out = c;
	return 0;
}

void directory_conf_free(struct directory_conf *c)
{
	if (!c)
		return;
	arena_free(&c->arena);
	free(c);
}

// What root makes belongs to the service, whose folder it is.
static bool conf_as_owner(const char *dir, uid_t *uid, gid_t *gid)
{
	struct stat st;

	if (geteuid() != 0 || stat(dir, &st) < 0 || st.st_uid == 0)
		return false;
	*gid = getegid();
	*uid = 0;
	if (setegid(st.st_gid) < 0)
		return false;
	if (seteuid(st.st_uid) == 0)
		return true;
	(void)!setegid(*gid);
	return false;
}

int directory_private(const struct directory_conf *c, const char *name,
		      const struct store_options *o, struct store **out, struct fail *f)
{
	char path[PATH_MAX];
	bool owner;
	uid_t uid;
	gid_t gid;
	int r;

	if (mkdir(c->state_dir, 0755) < 0 && errno != EEXIST)
		return fail(f, errno, "%s: %s", c->state_dir, strerror(errno));
	if (snprintf(path, sizeof(path), "%s/%s", c->state_dir, name) >= (int)sizeof(path))
		return fail(f, ENAMETOOLONG, "%s: name too long", c->state_dir);
	owner = conf_as_owner(c->state_dir, &uid, &gid);
	r = store_open(path, o, out, NULL, f);
	if (r == 0)
		(void)store_reserve(*out);
	if (owner && (seteuid(uid) < 0 || setegid(gid) < 0)) {
		if (r == 0)
			store_close(*out);
		*out = NULL;
		return fail(f, errno, "cannot become root again: %s", strerror(errno));
	}
	return r;
}

int directory_store(const struct directory_conf *c, struct store **out, struct fail *f)
{
	const struct store_options o = { .databases = dir_databases, .shared = true };
	int r = directory_private(c, "private", &o, out, f);

	if (r == -EBADMSG) // numbers would be given twice
		return fail_in(f, r, "restore a backup (scim-directory restore FILE)");
	return r;
}
