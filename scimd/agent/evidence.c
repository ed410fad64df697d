// SPDX-License-Identifier: MIT
//
// From the audit log: for everybody who was locked out, when the directory changed
// the record, when this host saw it, when the door was closed, and when the last
// process had ended. It is evidence only while the log's chain is whole.
#include "scimd/agent/answer.h"
#include "scimd/agent/control.h"
#include "scimd/agent/internal.h"
#include "scimd/agent/lockout.h"
#include "scimd/base/clock.h"
#include "scimd/base/fail.h"
#include "scimd/scim/json.h"
#include "scimd/store/store.h"
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#define EVIDENCE_LIMIT_S 300
#define EVIDENCE_MAX 100000 // lock-outs in one answer

struct evidence {
	const char *user;
	int64_t limit; // ms
	struct json_object *list;
	struct json_object *open; // "SOURCE ID" → the last lock-out of that person
	bool good;
};

static int64_t get_time(struct json_object *o, const char *key)
{
	const char *text = json_string(json_member(o, key));
	int64_t ms;

	return text && clock_parse(text, strlen(text), &ms) == 0 ? ms : 0;
}

static void copy(struct json_object *to, const char *as, struct json_object *from, const char *key)
{
	struct json_object *v = json_member(from, key);

	if (v)
		(void)json_object_object_add(to, as, json_object_get(v));
}

// A second look may have ended more.
static void add(struct json_object *to, const char *key, struct json_object *from)
{
	int64_t was = 0, more = 0;

	(void)json_integer(json_member(to, key), &was);
	if (json_integer(json_member(from, key), &more))
		(void)json_object_object_add(to, key, json_object_new_int64(was + more));
}

static bool evidence_wanted(const struct evidence *ev, struct json_object *entry)
{
	const char *name = json_string(json_member(entry, "name"));
	const char *id = json_string(json_member(entry, "id"));

	return !ev->user || (name && strcmp(name, ev->user) == 0) ||
	       (id && strcmp(id, ev->user) == 0);
}

static const char *evidence_key(struct json_object *entry, char out[4096])
{
	const char *source = json_string(json_member(entry, "source"));
	const char *id = json_string(json_member(entry, "id"));

	(void)snprintf(out, 4096, "%s %s", source ? source : "", id ? id : "");
	return out;
}

static void evidence_seen(struct evidence *ev, struct json_object *entry)
{
	static const char *const keys[] = { "name", "id", "source", "uid", "cause", "changed" };
	struct json_object *o;
	char key[4096];

	if (json_object_array_length(ev->list) >= EVIDENCE_MAX)
		return;
	o = json_object_new_object();
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		copy(o, keys[i], entry, keys[i]);
	copy(o, "seen", entry, "when");
	(void)json_object_array_add(ev->list, o);
	(void)json_object_object_add(ev->open, evidence_key(entry, key), json_object_get(o));
}

static void evidence_later(struct evidence *ev, struct json_object *entry, const char *event)
{
	static const char *const counts[] = { "processes", "sessions", "root" };
	struct json_object *o;
	char key[4096];

	if (!json_object_object_get_ex(ev->open, evidence_key(entry, key), &o))
		return;
	if (strcmp(event, "published") == 0) {
		copy(o, "published", entry, "when");
	} else if (strcmp(event, "sessions ended") == 0) {
		copy(o, "ended", entry, "when");
		for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
			add(o, counts[i], entry);
		copy(o, "left", entry, "left");
		copy(o, "detail", entry, "detail");
	} else if (strcmp(event, "sessions not ended") == 0) {
		copy(o, "refused", entry, "detail");
	} else if (strcmp(event, "let in again") == 0) {
		copy(o, "let_in_again", entry, "when");
	}
}

static int evidence_entry(void *arg, const struct store_audit *a)
{
	struct evidence *ev = arg;
	struct json_tokener *tok;
	struct json_object *o;
	const char *event;

	// Most of a log is about other things.
	if (!memmem(a->line, a->len, "\"when\":", 7))
		return 0;
	tok = json_tokener_new_ex(8);
	o = tok ? json_tokener_parse_ex(tok, a->line, (int)a->len) : NULL;
	if (tok)
		json_tokener_free(tok);
	if (!o)
		return -EBADMSG;
	event = json_string(json_member(o, "event"));
	if (event && evidence_wanted(ev, o)) {
		if (strcmp(event, "seen") == 0)
			evidence_seen(ev, o);
		else
			evidence_later(ev, o, event);
	}
	json_object_put(o);
	return 0;
}

// What is wrong with one lock-out, NULL: nothing.
static const char *evidence_judge(struct json_object *o, int64_t limit)
{
	int64_t from = get_time(o, "changed"), seen = get_time(o, "seen");
	int64_t published = get_time(o, "published"), ended = get_time(o, "ended");

	if (!from)
		from = seen;
	if (published) {
		(void)json_object_object_add(o, "time_to_deny_ms",
					     json_object_new_int64(published - from));
		if (ended)
			(void)json_object_object_add(o, "time_to_end_ms",
						     json_object_new_int64(ended - from));
	}
	if (json_member(o, "let_in_again") && !published)
		return NULL;
	if (!published)
		return "the door was never closed";
	if (published - from > limit)
		return "the door was closed later than the limit";
	if (json_member(o, "refused"))
		return "the processes were not ended";
	if (!ended && !json_member(o, "let_in_again"))
		return "the processes have not ended yet";
	if (ended && ended - from > limit)
		return "the processes ended later than the limit";
	return NULL;
}

static int evidence_read(struct evidence *ev, struct store_txn *view, struct json_object *o)
{
	struct fail f = { "" };
	uint64_t count = 0, bad;
	int r = store_audit_verify(view, &count, &bad, &f);

	(void)json_object_object_add(o, "chain_whole", json_object_new_boolean(r == 0));
	(void)json_object_object_add(o, "entries", json_object_new_int64((int64_t)count));
	if (r < 0) {
		answer_str(o, "problem", f.text[0] ? f.text : fail_word(r));
		ev->good = false;
	}
	return store_audit_each(view, 1, evidence_entry, ev);
}

static void evidence_answer(struct evidence *ev, struct json_object *o)
{
	for (size_t i = 0; i < json_object_array_length(ev->list); i++) {
		struct json_object *x = json_object_array_get_idx(ev->list, i);
		const char *why = evidence_judge(x, ev->limit);

		if (why)
			answer_str(x, "problem", why);
		ev->good &= !why;
	}
	(void)json_object_object_add(o, "limit_s", json_object_new_int64(ev->limit / 1000));
	(void)json_object_object_add(o, "lockouts", json_object_get(ev->list));
	(void)json_object_object_add(o, "good", json_object_new_boolean(ev->good));
}

void command_evidence(struct control_call *call)
{
	const char *limit = json_string(json_member(call->request, "limit"));
	struct evidence ev = { .user = json_string(json_member(call->request, "user")),
			       .good = true };
	uint64_t span = EVIDENCE_LIMIT_S;
	struct store_txn *view;
	struct json_object *o;
	struct fail f = { "" };
	int r;

	if (limit && (clock_span(limit, &span) < 0 || span > 3650ull * 86400)) {
		control_error(call, "usage", "--limit takes a span (5min)");
		return;
	}
	ev.limit = (int64_t)span * 1000;
	r = store_view(call->agent->store, &view, &f);
	if (r < 0) {
		control_error(call, "failed", f.text);
		return;
	}
	o = answer_new();
	ev.list = json_object_new_array();
	ev.open = json_object_new_object();
	r = evidence_read(&ev, view, o);
	store_view_end(view);
	evidence_answer(&ev, o);
	json_object_put(ev.list);
	json_object_put(ev.open);
	if (r < 0 && ev.good) {
		json_object_put(o);
		control_error(call, "failed", "the audit log cannot be read");
		return;
	}
	control_ok(call, o);
}
