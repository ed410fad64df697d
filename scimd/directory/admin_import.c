// SPDX-License-Identifier: MIT
//
// `import` and `sample`: groups (whose numbers users may name), users, members, a
// thousand to a transaction; a transaction that fails leaves nothing.
#include "scimd/base/file.h"
#include "scimd/directory/admin_internal.h"
#include "scimd/directory/import.h"
#include "scimd/scim/json.h"
#include "scimd/scim/schema.h"
#include <errno.h>
#include <json-c/json.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define IMPORT_BATCH 1000
#define IMPORT_FILE_MAX ((size_t)1 << 30)

struct import_run {
	struct admin *a;
	struct import *m;
	uint8_t kind;      // of the items that are created in this pass
	size_t at, next;   // items
	size_t from, upto; // members of the item at `at`, and of the one at `next`
	unsigned int done, next_done;
};

static int import_refused(struct import_run *run, const struct import_item *it, int r,
			  struct fail *f)
{
	const struct scim_problem *p = &run->a->problem;

	if (r == -EINVAL && p->status)
		(void)snprintf(f->text, sizeof(f->text), "%.600s", p->detail);
	run->a->problem.status = 0; // said here
	return f->text[0] ? fail_in(f, r, "line %u", it->line)
			  : fail(f, -r, "line %u: %s", it->line, fail_word(r));
}

static int import_one(struct import_run *run, struct store_txn *t, struct import_item *it)
{
	const char *name = json_string(json_member(it->json, "displayName"));
	const char *id = json_string(json_member(it->json, "id"));
	struct change c = admin_change(run->a);
	struct change_result res;
	struct dir_record rec;
	uint8_t raw[DIR_ID_LEN];
	int r = -ENOENT;

	if (id && dir_id_parse(id, raw) == 0)
		c.id = raw;
	if (it->merge && name)
		r = admin_find(t, RESOURCE_GROUP, name, &rec);
	if (r == -ENOENT) {
		r = change_create(t, &c, it->kind, it->json, &res, &run->a->problem);
		if (r == 0)
			r = dir_get(t, it->kind, res.seq, &rec);
	}
	if (r == 0)
		dir_id_text(it->id, rec.head.id);
	return r;
}

static int import_create(struct store_txn *t, void *arg, struct fail *f)
{
	struct import_run *run = arg;

	run->next_done = run->done;
	for (run->next = run->at; run->next < run->m->count; run->next++) {
		struct import_item *it = &run->m->list[run->next];
		int r;

		if (it->kind != run->kind)
			continue;
		if (run->next_done - run->done == IMPORT_BATCH)
			break;
		r = import_one(run, t, it);
		if (r < 0)
			return import_refused(run, it, r, f);
		run->next_done++;
	}
	return 0;
}

// ------------------------------------------------------------------- members

static int import_seen(void *arg, uint64_t seq)
{
	uint64_t *found = arg;

	if (found[0]++ == 0)
		found[1] = seq;
	return 0;
}

// By the file's id, an id here, a userName, a group's or a user's displayName.
static int import_resolve(struct import_run *run, struct store_txn *t, struct json_object *member,
			  char id[DIR_ID_TEXT], struct fail *f)
{
	const char *text = json_string(member) ? json_string(member)
					       : json_string(json_member(member, "value"));
	uint64_t found[2] = { 0, 0 };
	struct dir_record rec;
	uint32_t at;
	int r;

	if (!text)
		text = json_string(json_member(member, "display"));
	if (!text)
		return fail(f, EINVAL, "a member needs a value");
	at = table_get(&run->m->ids, text, strlen(text));
	if (at != TABLE_NONE) {
		memcpy(id, run->m->list[at].id, DIR_ID_TEXT);
		return 0;
	}
	r = dir_find(t, 0, text, &rec);
	if (r == -ENOENT)
		r = admin_find(t, RESOURCE_USER, text, &rec);
	if (r == -ENOENT)
		r = admin_find(t, RESOURCE_GROUP, text, &rec);
	if (r == -ENOENT) {
		r = dir_index_each(t, RESOURCE_USER, DIR_KEY_DISPLAY, text, import_seen, found);
		if (r == 0 && found[0] == 1)
			r = dir_get(t, RESOURCE_USER, found[1], &rec);
		else if (r == 0)
			return fail(f, EINVAL, "the member \"%.100s\" is %s", text,
				    found[0] ? "the displayName of several" : "nobody");
	}
	if (r == 0)
		dir_id_text(id, rec.head.id);
	return r;
}

static int import_patch(struct import_run *run, struct store_txn *t, const struct import_item *it,
			struct json_object *list)
{
	struct json_object *body = json_object_new_object(), *ops = json_object_new_array();
	struct json_object *o = json_object_new_object();
	struct change c = admin_change(run->a);
	struct change_result res;
	int r = admin_put_text(o, "op", "add");

	if (r == 0)
		r = admin_put_text(o, "path", "members");
	if (r == 0)
		r = admin_put(o, "value", json_object_get(list));
	if (r == 0 && json_object_array_add(ops, json_object_get(o)) < 0)
		r = -ENOMEM;
	if (r == 0)
		r = admin_put(body, "Operations", json_object_get(ops));
	if (r == 0)
		r = change_patch(t, &c, RESOURCE_GROUP, it->id, body, &res, &run->a->problem);
	json_object_put(o);
	json_object_put(ops);
	json_object_put(body);
	return r;
}

// Members [from, upto) of one group.
static int import_group(struct import_run *run, struct store_txn *t, const struct import_item *it,
			size_t from, size_t upto, struct fail *f)
{
	struct json_object *list = json_object_new_array();
	char id[DIR_ID_TEXT];
	int r = list ? 0 : -ENOMEM;

	for (size_t i = from; r == 0 && i < upto; i++) {
		struct json_object *o = json_object_new_object();

		r = import_resolve(run, t, json_object_array_get_idx(it->members, i), id, f);
		if (r == 0)
			r = admin_put_text(o, "value", id);
		if (r == 0 && json_object_array_add(list, json_object_get(o)) < 0)
			r = -ENOMEM;
		json_object_put(o);
	}
	if (r == 0)
		r = import_patch(run, t, it, list);
	json_object_put(list);
	return r;
}

static int import_members(struct store_txn *t, void *arg, struct fail *f)
{
	struct import_run *run = arg;
	size_t left = IMPORT_BATCH, from = run->from;

	for (run->next = run->at; run->next < run->m->count && left; from = 0) {
		struct import_item *it = &run->m->list[run->next];
		size_t have = it->members && it->kind == RESOURCE_GROUP
				      ? json_object_array_length(it->members)
				      : 0;
		size_t n = have - from < left ? have - from : left;
		int r = n ? import_group(run, t, it, from, from + n, f) : 0;

		if (r < 0)
			return import_refused(run, it, r, f);
		left -= n;
		run->next_done = run->done + (unsigned int)(IMPORT_BATCH - left);
		run->upto = from + n;
		if (run->upto < have)
			return 0;
		run->upto = 0;
		run->next++;
	}
	return 0;
}

// --------------------------------------------------------------------- passes

static void import_progress(const struct import_run *run, const char *what, bool end)
{
	if (run->a->option[ADMIN_QUIET] || !isatty(STDERR_FILENO))
		return;
	(void)fprintf(stderr, end ? "\r\033[K" : "\r\033[K%u %s", run->done, what);
	(void)fflush(stderr);
}

static int import_pass(struct import_run *run, const char *what,
		       int (*fn)(struct store_txn *t, void *arg, struct fail *f),
		       unsigned int *done_out)
{
	struct fail f = { "" };
	int r = 0;

	run->at = run->from = run->upto = 0;
	run->done = run->next_done = 0;
	while (r == 0 && run->at < run->m->count) {
		r = store_apply(run->a->store, fn, run, &f);
		if (r < 0)
			break;
		run->at = run->next;
		run->from = run->upto;
		run->done = run->next_done;
		import_progress(run, what, false);
	}
	import_progress(run, what, true);
	*done_out = run->done;
	return r < 0 ? admin_fail(r, &f) : 0;
}

static int import_all(struct admin *a, struct import *m)
{
	struct import_run run = { .a = a, .m = m };
	unsigned int groups = 0, users = 0, members = 0;
	int r = admin_open(a);

	if (r)
		return r;
	run.kind = RESOURCE_GROUP;
	r = import_pass(&run, "groups", import_create, &groups);
	run.kind = RESOURCE_USER;
	if (r == 0)
		r = import_pass(&run, "users", import_create, &users);
	if (r == 0)
		r = import_pass(&run, "members", import_members, &members);
	if (!a->option[ADMIN_QUIET] && a->option[ADMIN_JSON])
		(void)printf("{\"users\":%u,\"groups\":%u,\"complete\":%s}\n", users, groups,
			     r ? "false" : "true");
	else if (!a->option[ADMIN_QUIET] || r)
		(void)fprintf(r ? stderr : stdout, "%u users, %u groups%s\n", users, groups,
			      r ? " were imported before" : "");
	return r;
}

int admin_import(struct admin *a)
{
	const char *path = a->args[0], *dot = strrchr(path, '.');
	struct import m = { 0 };
	struct buf text = { .max = IMPORT_FILE_MAX };
	struct fail f = { "" };
	int r = file_read(path, IMPORT_FILE_MAX, &text, &f);

	if (r == 0 && dot && strcasecmp(dot, ".csv") == 0)
		r = text.len ? import_read_csv(&m, text.data, text.len, &f)
			     : fail(&f, EINVAL, "line 1: there is no header");
	else if (r == 0)
		r = import_read_json(&m, buf_text(&text), text.len, &f);
	if (r < 0)
		r = admin_fail(fail_in(&f, r, "%s", path), &f);
	else
		r = import_all(a, &m);
	import_free(&m);
	buf_free(&text);
	return r;
}

// --------------------------------------------------------------------- sample

static const struct sample_person {
	const char *name, *given, *family, *groups;
} sample_people[] = {
	{ "ada", "Ada", "Lovelace", "engineering linux-prod" },
	{ "alan", "Alan", "Turing", "engineering linux-prod" },
	{ "barbara", "Barbara", "Liskov", "engineering" },
	{ "dennis", "Dennis", "Ritchie", "engineering linux-prod linux-admins" },
	{ "edsger", "Edsger", "Dijkstra", "engineering" },
	{ "frances", "Frances", "Allen", "engineering linux-prod" },
	{ "grace", "Grace", "Hopper", "engineering linux-prod linux-admins" },
	{ "hedy", "Hedy", "Lamarr", "support" },
	{ "katherine", "Katherine", "Johnson", "support linux-prod" },
	{ "ken", "Ken", "Thompson", "engineering linux-admins linux-prod" },
	{ "margaret", "Margaret", "Hamilton", "support linux-prod" },
	{ "radia", "Radia", "Perlman", "support" },
};

// A well-formed key that nobody holds the other half of.
static int sample_key(char out[128], const char *name)
{
	unsigned char raw[19 + 32] = "\0\0\0\x0bssh-ed25519\0\0\0\x20", text[80];

	if (getrandom(raw + 19, 32, 0) != 32)
		return -EIO;
	(void)EVP_EncodeBlock(text, raw, sizeof(raw));
	(void)snprintf(out, 128, "ssh-ed25519 %s %s@example.com", text, name);
	return 0;
}

static int sample_add(struct import *m, const struct sample_person *who, struct fail *f)
{
	struct json_object *o;
	char key[128], text[512], groups[80], *rest = groups, *group;
	int r = sample_key(key, who->name);

	if (r < 0)
		return fail(f, EIO, "no random numbers");
	(void)snprintf(text, sizeof(text),
		       "{\"userName\":\"%s\",\"displayName\":\"%s %s\",\"name\":{\"givenName\":"
		       "\"%s\",\"familyName\":\"%s\"},\"emails\":[{\"value\":\"%s@example.com\","
		       "\"type\":\"work\",\"primary\":true}],\"%s\":{\"sshPublicKeys\":[{"
		       "\"value\":\"%s\"}]}}",
		       who->name, who->given, who->family, who->given, who->family, who->name,
		       SCIM_URN_POSIX_USER, key);
	o = json_tokener_parse(text);
	r = o ? import_add(m, o, 1, f) : fail(f, ENOMEM, "out of memory");
	(void)snprintf(groups, sizeof(groups), "%s", who->groups);
	while (r == 0 && (group = strsep(&rest, " ")))
		r = import_member(m, group, who->name, 1, f);
	return r;
}

static int sample_empty(struct admin *a, struct store_txn *t, struct fail *f)
{
	(void)a;
	return store_count(t, DIR_USER) || store_count(t, DIR_GROUP)
		       ? fail(f, EEXIST, "the directory is not empty; the sample is for a new one")
		       : 0;
}

int admin_sample(struct admin *a)
{
	struct import m = { 0 };
	struct fail f = { "" };
	int r = admin_look(a, sample_empty);

	if (r)
		return r;
	for (size_t i = 0; r == 0 && i < sizeof(sample_people) / sizeof(*sample_people); i++)
		r = sample_add(&m, &sample_people[i], &f);
	r = r < 0 ? admin_fail(r, &f) : import_all(a, &m);
	import_free(&m);
	return r;
}
