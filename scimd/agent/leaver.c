// SPDX-License-Identifier: MIT
//
// The entry of a leaver, in the queue and in the audit log; see leaver.h.
#include "scimd/agent/leaver.h"
#include "scimd/base/clock.h"
#include "scimd/scim/json.h"
#include "scimd/store/queue.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

static const char *leaver_key(char out[LEAVER_KEY], uint32_t uid)
{
	(void)snprintf(out, LEAVER_KEY, LEAVER_QUEUE "%010u", uid); // in order of numbers
	return out;
}

static void put_str(struct json_object *o, const char *key, const char *v)
{
	(void)json_object_object_add(o, key, json_object_new_string(v));
}

static void put_int(struct json_object *o, const char *key, int64_t v)
{
	if (v)
		(void)json_object_object_add(o, key, json_object_new_int64(v));
}

static int64_t get_int(struct json_object *o, const char *key)
{
	int64_t v = 0;

	(void)json_integer(json_member(o, key), &v);
	return v;
}

int leaver_read(const char *text, struct leaver *out)
{
	struct json_object *o = json_tokener_parse(text);
	struct leaver l = { .json = o,
			    .name = json_string(json_member(o, "name")),
			    .source = json_string(json_member(o, "source")),
			    .id = json_string(json_member(o, "id")),
			    .cause = json_string(json_member(o, "cause")),
			    .uid = (uint32_t)get_int(o, "uid"),
			    .changed = get_int(o, "changed"),
			    .seen = get_int(o, "seen"),
			    .published = get_int(o, "published"),
			    .ended = get_int(o, "ended"),
			    .held = json_object_get_boolean(json_member(o, "held")) };

	if (!l.name || !l.source || !l.id || !l.cause || !l.uid) {
		json_object_put(o);
		return -EBADMSG;
	}
	*out = l;
	return 0;
}

void leaver_free(struct leaver *l)
{
	json_object_put(l->json);
	*l = (struct leaver){ 0 };
}

struct log_about leaver_about(const struct leaver *l)
{
	return (struct log_about){ .directory = l->source,
				   .user = l->name,
				   .id = l->id,
				   .code = l->cause,
				   .uid = l->uid };
}

static struct json_object *leaver_json(const struct leaver *l)
{
	struct json_object *o = json_object_new_object();

	if (!o)
		return NULL;
	put_str(o, "source", l->source);
	put_str(o, "kind", "user");
	put_str(o, "id", l->id);
	put_str(o, "name", l->name);
	put_int(o, "uid", l->uid);
	put_str(o, "cause", l->cause);
	return o;
}

int leaver_put(struct store_txn *t, const struct leaver *l)
{
	struct json_object *o = leaver_json(l);
	char key[LEAVER_KEY];
	int r;

	if (!o)
		return -ENOMEM;
	put_int(o, "changed", l->changed);
	put_int(o, "seen", l->seen);
	put_int(o, "published", l->published);
	put_int(o, "ended", l->ended);
	if (l->held)
		(void)json_object_object_add(o, "held", json_object_new_boolean(true));
	r = store_queue_put(t, leaver_key(key, l->uid),
			    json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	json_object_put(o);
	return r;
}

static int leaver_found(void *arg, const char *key, const char *text)
{
	int r = leaver_read(text, arg);

	(void)key;
	return r < 0 ? r : 1;
}

int leaver_get(struct store_txn *t, uint32_t uid, struct leaver *out)
{
	char key[LEAVER_KEY];
	int r = store_queue_each(t, leaver_key(key, uid), leaver_found, out);

	return r == 0 ? -ENOENT : r == 1 ? 0 : r;
}

int leaver_drop(struct store_txn *t, const struct leaver *l)
{
	char key[LEAVER_KEY];

	return store_queue_drop(t, leaver_key(key, l->uid));
}

static void put_time(struct json_object *o, const char *key, int64_t ms)
{
	char at[CLOCK_TEXT];

	if (ms)
		put_str(o, key, clock_format(at, ms));
}

int leaver_audit(struct store_txn *t, const struct leaver *l, const char *event, int64_t when,
		 struct json_object *more)
{
	struct json_object *o = leaver_json(l);
	int r = -ENOMEM;

	if (!o)
		goto out;
	put_str(o, "event", event);
	put_time(o, "when", when);
	if (strcmp(event, "seen") == 0)
		put_time(o, "changed", l->changed);
	if (more) {
		json_object_object_foreach(more, key, value)
		{
			(void)json_object_object_add(o, key, json_object_get(value));
		}
	}
	r = store_audit_add(t, json_object_to_json_string_ext(
				       o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
out:
	json_object_put(o);
	json_object_put(more);
	return r;
}
