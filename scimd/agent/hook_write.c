// SPDX-License-Identifier: MIT
//
// The events of one applying transaction; see hook.h. What the directory says is
// compared with what the store has of it; what the host made of that, with the image
// that stands, which still is the one before.
#include "scimd/agent/apply.h"
#include "scimd/agent/config.h"
#include "scimd/agent/hook.h"
#include "scimd/agent/plan.h"
#include "scimd/base/clock.h"
#include "scimd/image/read.h"
#include "scimd/scim/resource.h"
#include "scimd/store/queue.h"
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <limits.h>
#include <scimd/account.h>
#include <scimd/hook.h>
#include <scimd/paths.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOOK_NEXT "hook-next" // number of the next event
#define HOOK_KEY 32

struct hook_writer {
	const struct job_input *in;
	const struct plan *plan;
	struct store_txn *txn;
	const struct plan_item **items; // by resource of an account
	struct image image;
	bool have_image;
	uint64_t next;
	char time[CLOCK_TEXT];
};

struct hook_host { // a person as the host knows them; NULL: not known
	const char *name, *gecos, *home, *shell;
	uint32_t uid, gid;
};

static int put(struct json_object *o, const char *key, struct json_object *v)
{
	if (!v || json_object_object_add(o, key, v) < 0) {
		json_object_put(v);
		return -ENOMEM;
	}
	return 0;
}

static int put_str(struct json_object *o, const char *key, const char *v)
{
	return v ? put(o, key, json_object_new_string(v)) : 0;
}

// ------------------------------------------------------------------ attributes

static const struct {
	uint8_t tag;
	bool list;
	const char *name;
} hook_fields[] = {
	{ FIELD_USER_NAME, false, "userName" },
	{ FIELD_EXTERNAL_ID, false, "externalId" },
	{ FIELD_DISPLAY, false, "displayName" },
	{ FIELD_SSH_KEY, true, "sshKeys" },
};

static int hook_field(struct json_object *o, const char *name, bool list, const struct field *f)
{
	struct json_object *v = json_object_new_string_len(f->text, (int)f->len), *have = NULL;

	if (!list)
		return put(o, name, v);
	if (!json_object_object_get_ex(o, name, &have)) {
		have = json_object_new_array();
		if (put(o, name, have) < 0) {
			json_object_put(v);
			return -ENOMEM;
		}
	}
	if (!v || json_object_array_add(have, v) < 0) {
		json_object_put(v);
		return -ENOMEM;
	}
	return 0;
}

// What the directory says of them. Never what access rules look at, nor complaints.
static int hook_said(struct json_object *o, const void *bytes, size_t len)
{
	struct field f;
	size_t pos = 0;
	int r = 0;

	while (bytes && r == 0 && resource_next(bytes, len, &pos, &f) == 1)
		for (size_t i = 0; i < sizeof(hook_fields) / sizeof(*hook_fields) && r == 0; i++)
			if (hook_fields[i].tag == f.tag)
				r = hook_field(o, hook_fields[i].name, hook_fields[i].list, &f);
	if (r == 0 && bytes)
		r = put(o, "active", json_object_new_boolean(!apply_inactive(bytes, len)));
	return r;
}

static int hook_made(struct json_object *o, const struct hook_host *h)
{
	int r = put_str(o, "name", h->name);

	if (r == 0)
		r = put_str(o, "gecos", h->gecos);
	if (r == 0)
		r = put_str(o, "home", h->home);
	return r == 0 ? put_str(o, "shell", h->shell) : r;
}

// Takes away what both have alike.
static void hook_differ(struct json_object *before, struct json_object *after)
{
	static const char *const names[] = { "name",        "gecos",    "home",
					     "shell",       "userName", "externalId",
					     "displayName", "sshKeys",  "active" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct json_object *b = NULL, *a = NULL;

		if (json_object_object_get_ex(before, names[i], &b) &&
		    json_object_object_get_ex(after, names[i], &a) && json_object_equal(b, a)) {
			json_object_object_del(before, names[i]);
			json_object_object_del(after, names[i]);
		}
	}
}

// ---------------------------------------------------------------------- events

struct hook_event {
	const char *what, *source, *id;
	const struct hook_host *host;  // they are known as now, or were last
	const void *old_bytes, *bytes; // NULL: there was, there is none
	size_t old_len, len;
	const struct hook_host *was, *is; // NULL as well
};

static int hook_head(const struct hook_writer *w, const struct hook_event *e, struct json_object *o)
{
	const void *bytes = e->bytes ? e->bytes : e->old_bytes;
	size_t len = e->bytes ? e->len : e->old_len;
	struct field f;
	int r = put(o, "schema", json_object_new_int(1));

	if (r == 0)
		r = put_str(o, "event", e->what);
	if (r == 0)
		r = put_str(o, "time", w->time);
	if (r == 0)
		r = put_str(o, "directory", e->source);
	if (r == 0)
		r = put_str(o, "id", e->id);
	if (r == 0 && bytes && resource_find(bytes, len, FIELD_USER_NAME, &f) == 1)
		r = hook_field(o, "userName", false, &f);
	if (r == 0)
		r = put_str(o, "name", e->host->name);
	if (r == 0)
		r = put(o, "uid", json_object_new_int64(e->host->uid));
	if (r == 0)
		r = put(o, "gid", json_object_new_int64(e->host->gid));
	return r == 0 ? put_str(o, "home", e->host->home) : r;
}

static const char *hook_text(struct json_object *o)
{
	return json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
							 JSON_C_TO_STRING_NOSLASHESCAPE);
}

static int hook_put(struct hook_writer *w, struct json_object *o)
{
	const char *text = hook_text(o);
	char key[HOOK_KEY];

	// Somebody with very many keys: that it happened is said all the same.
	if (text && strlen(text) >= HOOK_EVENT_MAX) {
		json_object_object_del(o, "before");
		json_object_object_del(o, "after");
		text = hook_text(o);
	}
	if (!text)
		return -ENOMEM;
	(void)snprintf(key, sizeof(key), HOOK_QUEUE "%020" PRIu64, w->next++);
	return store_queue_put(w->txn, key, text);
}

static int hook_write(struct hook_writer *w, const struct hook_event *e)
{
	struct json_object *o = json_object_new_object(), *before = json_object_new_object(),
			   *after = json_object_new_object();
	int r = o && before && after ? hook_head(w, e, o) : -ENOMEM;

	if (r == 0)
		r = hook_said(before, e->old_bytes, e->old_len);
	if (r == 0 && e->was)
		r = hook_made(before, e->was);
	if (r == 0)
		r = hook_said(after, e->bytes, e->len);
	if (r == 0 && e->is)
		r = hook_made(after, e->is);
	if (r < 0)
		goto out;
	hook_differ(before, after);
	if (json_object_object_length(before) + json_object_object_length(after) == 0)
		goto out; // nothing that is told
	if (json_object_object_length(before))
		r = put(o, "before", json_object_get(before));
	if (r == 0 && json_object_object_length(after))
		r = put(o, "after", json_object_get(after));
	if (r == 0)
		r = hook_put(w, o);
out:
	json_object_put(before);
	json_object_put(after);
	json_object_put(o);
	return r;
}

// What the image before knows of a uid.
static bool hook_was(const struct hook_writer *w, uint32_t uid, char *buf, size_t len,
		     struct hook_host *out)
{
	struct image_found_user u;

	if (!w->have_image || image_user_by_id(&w->image, uid, buf, len, &u) < 0)
		return false;
	*out = (struct hook_host){ .name = u.name,
				   .gecos = u.gecos,
				   .home = u.home,
				   .shell = u.shell,
				   .uid = uid,
				   .gid = u.head.gid };
	return true;
}

int hook_write_deleted(struct hook_writer *w, const struct plan_item *it,
		       const struct store_ledger *l)
{
	struct hook_host host = { .name = l->name }, was = { 0 };
	struct hook_event e = { .what = "delete",
				.source = w->in->config->directories[it->source].name,
				.id = it->id,
				.host = &host,
				.old_bytes = it->old_bytes,
				.old_len = it->old_len };
	char buf[4096];

	if (hook_was(w, l->uid, buf, sizeof(buf), &was))
		e.was = &was;
	host.home = was.home;
	host.uid = l->uid;
	host.gid = l->gid;
	return hook_write(w, &e);
}

int hook_write_account(struct hook_writer *w, const struct account *ac)
{
	const struct ledger_entry *l =
		ac->ledger == UINT32_MAX ? NULL : &w->plan->ledger[ac->ledger];
	const struct plan_item *it = w->items[ac->resource];
	struct hook_host is = { .name = ac->name,
				.gecos = ac->gecos,
				.home = ac->home,
				.shell = ac->shell,
				.uid = ac->uid,
				.gid = ac->gid },
			 was;
	struct hook_event e = { .source = w->in->config->directories[ac->source].name,
				.id = ac->id,
				.host = &is,
				.bytes = it->bytes,
				.len = it->len,
				.is = &is };
	const char *event;
	char what[16], buf[4096];

	if (!l || l->deleted) {
		e.what = "create"; // served for the first time, or anew
		return hook_write(w, &e);
	}
	if (it->what != '~' && it->what != 'd')
		return 0;
	event = apply_event(it);
	(void)snprintf(what, sizeof(what), "%.*s", (int)strlen(event) - 1, event); // no final d
	e.what = what;
	e.old_bytes = it->old_bytes;
	e.old_len = it->old_len;
	if (hook_was(w, ac->uid, buf, sizeof(buf), &was))
		e.was = &was;
	else
		e.is = NULL;
	return hook_write(w, &e);
}

// ------------------------------------------------------------------ the writer

static int hook_items(struct hook_writer *w)
{
	size_t n = 0;

	w->items = calloc(w->plan->count + 1, sizeof(*w->items));
	if (!w->items)
		return -ENOMEM;
	for (size_t i = 0; i < w->plan->count; i++)
		if (w->plan->items[i].what != '-') // as identity_resolve counts them
			w->items[n++] = &w->plan->items[i];
	return 0;
}

int hook_writer_new(const struct job_input *in, const struct plan *p, struct store_txn *t,
		    struct hook_writer **out)
{
	struct hook_writer *w;
	char path[PATH_MAX], next[24];
	int r;

	*out = NULL;
	if (!in->hooks)
		return 0;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->in = in;
	w->plan = p;
	w->txn = t;
	(void)clock_format(w->time, in->seen ? in->seen : clock_wall());
	r = hook_items(w);
	if (r == 0)
		r = store_state_text(t, HOOK_NEXT, next, sizeof(next));
	if (r < 0) {
		hook_writer_free(w);
		return r;
	}
	w->next = strtoull(next, NULL, 10);
	w->have_image = snprintf(path, sizeof(path), "%s/%s", in->config->state_dir,
				 SCIMD_IMAGE_NAME) < (int)sizeof(path) &&
			image_open(&w->image, path, IMAGE_BY_MAP) == 0;
	*out = w;
	return 0;
}

int hook_writer_end(struct hook_writer *w)
{
	char next[24];

	if (!w)
		return 0;
	(void)snprintf(next, sizeof(next), "%" PRIu64, w->next);
	return store_state_put(w->txn, HOOK_NEXT, next, strlen(next));
}

void hook_writer_free(struct hook_writer *w)
{
	if (!w)
		return;
	if (w->have_image)
		image_close(&w->image);
	free(w->items);
	free(w);
}
