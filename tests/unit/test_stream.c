// SPDX-License-Identifier: MIT
//
// The feed's streams: made at the head, resumed where nothing was acknowledged,
// expired when their past is lost; what events look like (RFC 9967 §2.4), what a
// poll may say (RFC 8936 §2.2).
#include "scimd/base/buf.h"
#include "scimd/base/fail.h"
#include "scimd/directory/db.h"
#include "scimd/directory/feed.h"
#include "scimd/directory/stream.h"
#include "scimd/directory/stream_internal.h"
#include "scimd/scim/json.h"
#include "scimd/scim/problem.h"
#include <errno.h>
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ALICE "6f1d3b1e-0000-4000-8000-00000000a11c"
#define BOB "6f1d3b1e-0000-4000-8000-000000000b0b"
#define HOST "0123456789abcdef0123456789abcdef"

static char dir[64];
static struct store *store;

static int setup(void **state)
{
	const struct store_options o = { .databases = dir_databases };
	struct fail f = { "" };
	bool damaged;

	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/scimd-stream.XXXXXX");
	if (!mkdtemp(dir) || store_open(dir, &o, &store, &damaged, &f) < 0) {
		print_error("%s\n", f.text);
		return -1;
	}
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = { "data.mdb", "lock.mdb", "lock", "reserve" };
	char path[96];

	(void)state;
	store_close(store);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		(void)unlink(path);
	}
	(void)rmdir(dir);
	return 0;
}

// ------------------------------------------------------------------- doors

struct event {
	enum feed_what what;
	uint8_t kind;
	const char *id, *attributes;
};

static int add_one(struct store_txn *t, void *arg, struct fail *f)
{
	const struct event *e = arg;

	(void)f;
	return feed_add(t, e->what, e->kind, e->id, e->attributes);
}

static void happens(enum feed_what what, uint8_t kind, const char *id, const char *attributes)
{
	struct event e = { what, kind, id, attributes };

	assert_int_equal(store_apply(store, add_one, &e, NULL), 0);
}

struct ack {
	const struct stream_poll *poll;
	int64_t now;
	bool expired;
	struct scim_problem p;
};

static int ack_one(struct store_txn *t, void *arg, struct fail *f)
{
	struct ack *a = arg;

	(void)f;
	return stream_ack(t, a->poll, a->now, &a->expired, &a->p);
}

// A whole poll as the server makes it; NULL: the stream is expired (404).
static struct json_object *poll_at(const char *token, const char *body, int64_t now, bool *wrote)
{
	struct json_object *in = body ? json_tokener_parse(body) : NULL, *out;
	struct scim_problem p = { 0 };
	struct stream_poll poll;
	struct buf b = BUF_INIT;
	struct store_txn *view;
	bool any;
	int r;

	assert_int_equal(stream_poll_read(&poll, token, HOST, in, &p), 0);
	json_object_put(in);
	assert_int_equal(store_view(store, &view, NULL), 0);
	r = stream_due(view, &poll, now);
	store_view_end(view);
	assert_true(r >= 0);
	if (wrote)
		*wrote = r == 1;
	if (r == 1) {
		struct ack a = { .poll = &poll, .now = now };

		assert_int_equal(store_apply(store, ack_one, &a, NULL), 0);
		if (a.expired) {
			stream_poll_free(&poll);
			return NULL;
		}
	}
	assert_int_equal(store_view(store, &view, NULL), 0);
	r = stream_sets(view, &poll, "https://id.example.com/scim/v2", &b, &any);
	store_view_end(view);
	stream_poll_free(&poll);
	if (r == -ENOENT) {
		buf_free(&b);
		return NULL;
	}
	assert_int_equal(r, 0);
	out = json_tokener_parse(b.data);
	assert_non_null(out);
	assert_int_equal(any, json_object_object_length(json_member(out, "sets")) > 0);
	buf_free(&b);
	return out;
}

static struct json_object *poll(const char *body)
{
	return poll_at("corp", body, 1000, NULL);
}

static int count(struct json_object *answer)
{
	return answer ? json_object_object_length(json_member(answer, "sets")) : -1;
}

// The jti of the i-th set; copied into one of a few places.
static const char *jti(struct json_object *answer, int i)
{
	static char kept[8][STREAM_JTI];
	static unsigned int at;

	json_object_object_foreach(json_member(answer, "sets"), key, value)
	{
		(void)value;
		if (i-- == 0) {
			at = (at + 1) % 8;
			(void)snprintf(kept[at], STREAM_JTI, "%s", key);
			return kept[at];
		}
	}
	fail_msg("no such set");
	return "";
}

// The claims of the i-th set; its header and signature are checked on the way.
static struct json_object *claims(struct json_object *answer, int i)
{
	const char *name = jti(answer, i);
	const char *set = json_string(json_member(json_member(answer, "sets"), name));
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	struct buf b = BUF_INIT;
	struct json_object *out;
	uint32_t bits = 0, n = 0;
	const char *p = strchr(set, '.') + 1, *end = strchr(p, '.');

	assert_int_equal(strncmp(set, "eyJhbGciOiJub25lIiwidHlwIjoic2VjZXZlbnQrand0In0.", 48), 0);
	assert_string_equal(end, "."); // alg none: an empty signature
	for (; p < end; p++) {
		assert_non_null(strchr(digits, *p));
		bits = bits << 6 | (uint32_t)(strchr(digits, *p) - digits);
		n += 6;
		if (n >= 8) {
			n -= 8;
			(void)buf_chr(&b, (char)(bits >> n));
		}
	}
	out = json_tokener_parse(b.data);
	assert_non_null(out);
	assert_string_equal(json_string(json_member(out, "jti")), name);
	buf_free(&b);
	return out;
}

static char *body_ack(const char *rest, const char *a, const char *b)
{
	static char text[512];

	(void)snprintf(text, sizeof(text), "{%s\"ack\":[\"%s\"%s%s%s]}", rest, a, b ? ",\"" : "",
		       b ? b : "", b ? "\"" : "");
	return text;
}

// -------------------------------------------------------------------- tests

static void test_begins_at_head(void **state)
{
	struct json_object *a;

	(void)state;
	happens(FEED_CREATE, RESOURCE_USER, ALICE, "userName");
	a = poll(NULL);
	assert_int_equal(count(a), 0);
	assert_false(json_object_get_boolean(json_member(a, "moreAvailable")));
	json_object_put(a);
	happens(FEED_DELETE, RESOURCE_USER, ALICE, "");
	a = poll(NULL);
	assert_int_equal(count(a), 1);
	json_object_put(a);
}

static void test_forms(void **state)
{
	static const struct {
		enum feed_what what;
		const char *uri;
		bool notice;
	} forms[] = {
		{ FEED_CREATE, "urn:ietf:params:scim:event:prov:create:notice", true },
		{ FEED_PUT, "urn:ietf:params:scim:event:prov:put:notice", true },
		{ FEED_PATCH, "urn:ietf:params:scim:event:prov:patch:notice", true },
		{ FEED_DELETE, "urn:ietf:params:scim:event:prov:delete", false },
		{ FEED_ACTIVATE, "urn:ietf:params:scim:event:prov:activate", false },
		{ FEED_DEACTIVATE, "urn:ietf:params:scim:event:prov:deactivate", false },
	};
	struct json_object *a, *c, *sub, *e, *names;

	(void)state;
	json_object_put(poll(NULL));
	for (size_t i = 0; i < 6; i++)
		happens(forms[i].what, i % 2 ? RESOURCE_GROUP : RESOURCE_USER, i % 2 ? BOB : ALICE,
			forms[i].notice ? "userName,urn:x:2.0:User,a\"b" : "");
	a = poll(NULL);
	assert_int_equal(count(a), 6);
	for (int i = 0; i < 6; i++) {
		c = claims(a, i);
		assert_string_equal(json_string(json_member(c, "iss")),
				    "https://id.example.com/scim/v2");
		assert_true(json_object_is_type(json_member(c, "iat"), json_type_int));
		assert_non_null(json_member(c, "txn"));
		assert_null(json_member(c, "sub"));
		sub = json_member(c, "sub_id");
		assert_string_equal(json_string(json_member(sub, "format")), "scim");
		assert_string_equal(json_string(json_member(sub, "uri")),
				    i % 2 ? "/Groups/" BOB : "/Users/" ALICE);
		assert_string_equal(json_string(json_member(sub, "id")), i % 2 ? BOB : ALICE);
		assert_int_equal(json_object_object_length(json_member(c, "events")), 1);
		e = json_member(json_member(c, "events"), forms[i].uri);
		assert_non_null(e);
		names = json_member(e, "attributes");
		assert_int_equal(names != NULL, forms[i].notice);
		assert_null(json_member(e, "data"));
		if (names) {
			assert_int_equal(json_object_array_length(names), 3);
			assert_string_equal(json_string(json_object_array_get_idx(names, 2)),
					    "a\"b");
		}
		json_object_put(c);
	}
	json_object_put(a);
}

// §2.2: txn stays the same for one change, also when it is handed out apart or again.
static void test_txn(void **state)
{
	struct json_object *a, *first, *second, *alone;

	(void)state;
	json_object_put(poll(NULL));
	happens(FEED_PATCH, RESOURCE_USER, ALICE, "active");
	happens(FEED_DEACTIVATE, RESOURCE_USER, ALICE, "");
	a = poll(NULL);
	first = claims(a, 0);
	second = claims(a, 1);
	assert_string_equal(json_string(json_member(first, "txn")),
			    json_string(json_member(second, "txn")));
	assert_string_not_equal(jti(a, 0), jti(a, 1));
	alone = poll(body_ack("", jti(a, 0), NULL));
	assert_int_equal(count(alone), 1);
	json_object_put(a);
	a = claims(alone, 0);
	assert_string_equal(json_string(json_member(a, "txn")),
			    json_string(json_member(second, "txn")));
	json_object_put(a);
	json_object_put(alone);
	json_object_put(first);
	json_object_put(second);
}

static void test_resumes(void **state)
{
	struct json_object *a, *b;

	(void)state;
	json_object_put(poll(NULL));
	for (int i = 0; i < 5; i++)
		happens(FEED_PATCH, RESOURCE_USER, i % 2 ? BOB : ALICE, "title");
	a = poll("{\"maxEvents\":2}");
	assert_int_equal(count(a), 2);
	assert_true(json_object_get_boolean(json_member(a, "moreAvailable")));
	b = poll("{\"maxEvents\":2}"); // nothing was acknowledged: the same again
	assert_string_equal(jti(a, 0), jti(b, 0));
	json_object_put(b);
	b = poll(body_ack("\"maxEvents\":2,", jti(a, 1), NULL)); // the first one is missing still
	assert_string_equal(jti(a, 0), jti(b, 0));
	json_object_put(b);
	b = poll(body_ack("\"maxEvents\":3,", jti(a, 1), jti(a, 0))); // in any order
	assert_int_equal(count(b), 3);
	assert_false(json_object_get_boolean(json_member(b, "moreAvailable")));
	json_object_put(a);
	a = poll(body_ack("", "nonsense", "0000000000000001-99")); // harmless
	assert_int_equal(count(a), 3);
	json_object_put(a);
	a = poll(body_ack("\"maxEvents\":0,", jti(b, 0), jti(b, 1))); // acknowledges only
	assert_int_equal(count(a), 0);
	json_object_put(a);
	a = poll(NULL);
	assert_int_equal(count(a), 1);
	json_object_put(a);
	json_object_put(b);
}

static void test_errors_acknowledge(void **state)
{
	struct json_object *a, *b;
	char body[256];

	(void)state;
	json_object_put(poll(NULL));
	happens(FEED_PATCH, RESOURCE_USER, ALICE, "title");
	a = poll(NULL);
	(void)snprintf(body, sizeof(body), "{\"setErrs\":{\"%s\":{\"err\":\"invalid_request\"}}}",
		       jti(a, 0));
	b = poll(body);
	assert_int_equal(count(b), 0);
	json_object_put(a);
	json_object_put(b);
}

static void test_belongs_to_token(void **state)
{
	struct json_object *a, *b;

	(void)state;
	json_object_put(poll(NULL));
	happens(FEED_PATCH, RESOURCE_USER, ALICE, "title");
	b = poll_at("other", NULL, 1000, NULL); // its own stream, made now
	assert_int_equal(count(b), 0);
	json_object_put(b);
	a = poll(NULL);
	assert_int_equal(count(a), 1);
	json_object_put(a);
}

static void test_writes_when_due(void **state)
{
	bool wrote;

	(void)state;
	json_object_put(poll_at("corp", NULL, 1000, &wrote));
	assert_true(wrote);
	json_object_put(poll_at("corp", NULL, 2000, &wrote));
	assert_false(wrote);
	json_object_put(poll_at("corp", NULL, 1000 + STREAM_SEEN, &wrote));
	assert_true(wrote);
	json_object_put(poll_at("corp", "{\"urn:scimd:report\":{\"host\":\"web1\"}}",
				1000 + STREAM_SEEN, &wrote));
	assert_true(wrote);
	json_object_put(poll_at("corp", "{\"urn:scimd:report\":{\"host\":\"web1\"}}",
				1000 + STREAM_SEEN, &wrote));
	assert_false(wrote);
}

struct trim {
	int64_t retention, now;
	bool restart, more;
};

static int trim_one(struct store_txn *t, void *arg, struct fail *f)
{
	struct trim *a = arg;

	(void)f;
	if (a->restart)
		return feed_restart(t);
	return feed_trim(t, a->retention, a->now, &a->more);
}

static int64_t far(void)
{
	return INT64_C(4000000000000); // after every event of this test
}

static void test_expires(void **state)
{
	struct trim cut = { .retention = 1000, .now = far() };
	struct json_object *a;
	char again[256];

	(void)state;
	json_object_put(poll_at("corp", NULL, far(), NULL));
	cut.now = far();
	assert_int_equal(store_apply(store, trim_one, &cut, NULL), 0); // nothing to lose: stays
	a = poll_at("corp", NULL, far(), NULL);
	assert_int_equal(count(a), 0);
	json_object_put(a);
	happens(FEED_PATCH, RESOURCE_USER, ALICE, "title");
	a = poll_at("corp", NULL, far(), NULL);
	(void)snprintf(again, sizeof(again), "{\"ack\":[\"%s\"]}", jti(a, 0));
	json_object_put(a);
	assert_int_equal(store_apply(store, trim_one, &cut, NULL), 0);
	assert_null(poll_at("corp", NULL, far(), NULL));  // deleted …
	assert_null(poll_at("corp", again, far(), NULL)); // … and nobody's past makes it anew
	a = poll_at("corp", NULL, far(), NULL);
	assert_int_equal(count(a), 0);
	json_object_put(a);
}

static void test_forsaken(void **state)
{
	struct trim cut = { .retention = 1000, .now = 3000 };

	(void)state;
	json_object_put(poll(NULL)); // seen at 1000
	json_object_put(poll_at("late", NULL, 2500, NULL));
	assert_int_equal(store_apply(store, trim_one, &cut, NULL), 0);
	assert_null(poll("{\"urn:scimd:report\":{\"applied\":\"x\"}}"));
	happens(FEED_PATCH, RESOURCE_USER, ALICE, "title");
	struct json_object *a = poll_at("late", NULL, 2500, NULL);
	assert_int_equal(count(a), 1);
	json_object_put(a);
}

// Makes `count` streams of a token, in one transaction; what the last one said in p.
struct crowd {
	const char *token;
	int first, count;
	int64_t now;
	struct scim_problem p;
};

static int crowd_one(struct store_txn *t, void *arg, struct fail *f)
{
	struct crowd *c = arg;
	int r = 0;

	(void)f;
	for (int i = c->first; r == 0 && i < c->first + c->count; i++) {
		struct stream_poll poll;
		char receiver[32];
		bool expired;

		(void)snprintf(receiver, sizeof(receiver), "host-%d", i);
		r = stream_poll_read(&poll, c->token, receiver, NULL, &c->p);
		if (r == 0)
			r = stream_ack(t, &poll, c->now, &expired, &c->p);
		stream_poll_free(&poll);
	}
	return r;
}

static int crowd(const char *token, int first, int count, int64_t now)
{
	struct crowd c = { token, first, count, now, { 0 } };
	int r = store_apply(store, crowd_one, &c, NULL);

	assert_true(r == 0 || (r == -EINVAL && c.p.status == 429));
	return r;
}

// As they lie in a store from before they were counted.
static int crowd_of_old(struct store_txn *t, void *arg, struct fail *f)
{
	struct {
		struct stream_head head;
		char text[8];
	} s = { { .seen = 4500, .token_len = 3, .receiver_len = 5 }, "oldhost" };
	unsigned char key[STREAM_KEY] = "old";
	int r = 0;

	(void)arg;
	(void)f;
	for (uint64_t i = 0; r == 0 && i < STREAM_TOKEN_MAX; i++) {
		store_be(key + 8, i);
		r = store_put(t, DIR_STREAM, (struct store_bytes){ key, STREAM_KEY },
			      (struct store_bytes){ &s, sizeof(s) });
	}
	return r;
}

static void trim_until(struct trim *cut, uint64_t left)
{
	struct store_txn *view;
	uint64_t n;

	do {
		assert_int_equal(store_apply(store, trim_one, cut, NULL), 0);
		assert_int_equal(store_view(store, &view, NULL), 0);
		n = store_count(view, DIR_STREAM);
		store_view_end(view);
	} while (n > left);
	assert_int_equal(n, left);
}

// One token takes no other's receivers; what has gone, by time or as expired, counts no more.
static void test_of_one_token_only_so_many(void **state)
{
	struct trim cut = { .retention = 1000, .now = 5000 };

	(void)state;
	assert_int_equal(crowd("corp", 0, STREAM_TOKEN_MAX - 1, 4500), 0);
	assert_int_equal(crowd("corp", -1, 1, 1000), 0);
	assert_int_equal(crowd("corp", -2, 1, 4500), -EINVAL);
	assert_int_equal(crowd("corp", 7, 1, 4500), 0); // is there already
	assert_int_equal(crowd("cor", -2, 1, 4500), 0);
	trim_until(&cut, STREAM_TOKEN_MAX); // one has gone, whose place is free
	assert_int_equal(crowd("corp", -2, 1, 4500), 0);
	assert_int_equal(crowd("corp", -3, 1, 4500), -EINVAL);
	assert_int_equal(store_apply(store, crowd_of_old, NULL, NULL), 0);
	assert_int_equal(crowd("old", 0, 1, 4500), -EINVAL);
	cut.now = far();
	trim_until(&cut, 0);
	assert_int_equal(crowd("corp", 0, STREAM_TOKEN_MAX, far()), 0);
	assert_int_equal(crowd("corp", -3, 1, far()), -EINVAL);
	assert_int_equal(crowd("old", 0, 1, far()), 0);
}

static int add_many(struct store_txn *t, void *arg, struct fail *f)
{
	int r = 0;

	(void)arg;
	(void)f;
	for (int i = 0; i < 1500 && r == 0; i++)
		r = feed_add(t, FEED_PATCH, RESOURCE_USER, ALICE, "title");
	return r;
}

static void test_trim_bounded(void **state)
{
	struct trim cut = { .retention = 1000, .now = far() };
	struct fail f = { "" };

	(void)state;
	assert_int_equal(store_apply(store, add_many, NULL, &f), 0);
	assert_int_equal(store_apply(store, trim_one, &cut, &f), 0);
	assert_true(cut.more);
	assert_int_equal(store_apply(store, trim_one, &cut, &f), 0);
	assert_false(cut.more);
}

static void test_another_feed(void **state)
{
	struct trim restart = { .restart = true };

	(void)state;
	json_object_put(poll(NULL));
	assert_int_equal(store_apply(store, trim_one, &restart, NULL), 0);
	assert_null(poll(NULL));
	json_object_put(poll(NULL));
}

struct seen {
	int count;
	struct stream_info last;
	char lockouts[256];
};

static int see(void *arg, const struct stream_info *s)
{
	struct seen *seen = arg;

	seen->count++;
	seen->last = *s;
	(void)snprintf(seen->lockouts, sizeof(seen->lockouts), "%s",
		       s->lockouts ? s->lockouts : "");
	return 0;
}

static void test_report(void **state)
{
	struct json_object *a;
	struct seen seen = { 0 };
	struct store_txn *view;
	char body[512];

	(void)state;
	json_object_put(poll(NULL));
	happens(FEED_PATCH, RESOURCE_USER, ALICE, "title");
	a = poll(NULL);
	(void)snprintf(
		body, sizeof(body),
		"{\"ack\":[\"%s\"],\"urn:scimd:report\":{\"host\":\"web1\",\"applied\":\"%s\","
		"\"lockouts\":[{\"id\":\"" ALICE
		"\",\"denied_at\":\"2026-01-02T03:04:05Z\",\"secret\":\"x\"}]}}",
		jti(a, 0), jti(a, 0));
	json_object_put(a);
	json_object_put(poll_at("corp", body, 5000, NULL));
	assert_int_equal(store_view(store, &view, NULL), 0);
	assert_int_equal(stream_each(view, see, &seen), 0);
	store_view_end(view);
	assert_int_equal(seen.count, 1);
	assert_string_equal(seen.last.token, "corp");
	assert_string_equal(seen.last.receiver, HOST);
	assert_string_equal(seen.last.host, "web1");
	assert_int_equal(seen.last.applied, 1);
	assert_int_equal(seen.last.position, 1);
	assert_int_equal(seen.last.created, 1000);
	assert_int_equal(seen.last.seen, 5000);
	assert_string_equal(seen.lockouts,
			    "[{\"id\":\"" ALICE "\",\"denied_at\":\"2026-01-02T03:04:05Z\"}]");
}

static void reports(uint64_t applied, int64_t now)
{
	char body[256];
	struct json_object *a = poll_at("corp", "{\"maxEvents\":1}", now, NULL);
	const char *any = jti(a, 0);

	// the feed's name is the part before the dash
	(void)snprintf(body, sizeof(body),
		       "{\"maxEvents\":0,\"urn:scimd:report\":{\"host\":\"web1\","
		       "\"applied\":\"%.16s-%llu\"}}",
		       any, (unsigned long long)applied);
	json_object_put(a);
	json_object_put(poll_at("corp", body, now, NULL));
}

// Since when a door is closed is known also when the host has gone on; a place that does not
// exist yet is believed of nobody.
static void test_steps(void **state)
{
	struct seen seen = { 0 };
	struct store_txn *view;

	(void)state;
	json_object_put(poll(NULL));
	for (int i = 0; i < 200; i++)
		happens(i == 9 || i == 49 ? FEED_DEACTIVATE : FEED_PATCH, RESOURCE_USER, ALICE, "");
	reports(5, 5000);
	reports(8, 8000);
	reports(12, 12000);
	reports(13, 13000);
	reports(100, 100000);
	for (uint64_t i = 101; i <= 200; i++)
		reports(i, (int64_t)i * 1000);
	reports(5000, 300000);
	assert_int_equal(store_view(store, &view, NULL), 0);
	assert_int_equal(stream_each(view, see, &seen), 0);
	store_view_end(view);
	assert_int_equal(seen.last.applied, 200);
	assert_int_equal(stream_reached(&seen.last, 10), 12000);
	assert_int_equal(stream_reached(&seen.last, 50), 100000);
	assert_int_equal(stream_reached(&seen.last, 200), 200000);
	assert_int_equal(stream_reached(&seen.last, 201), 0);
	assert_int_equal(seen.last.step_count, 4);
}

// Only so much is kept; what is older than that was reached at the latest then.
static void test_steps_are_bounded(void **state)
{
	struct seen seen = { 0 };
	struct store_txn *view;

	(void)state;
	json_object_put(poll(NULL));
	for (uint64_t i = 0; i < 3 * STREAM_STEPS; i++) {
		happens(FEED_DELETE, RESOURCE_USER, ALICE, "");
		reports(i + 1, (int64_t)(i + 1) * 1000);
	}
	assert_int_equal(store_view(store, &view, NULL), 0);
	assert_int_equal(stream_each(view, see, &seen), 0);
	store_view_end(view);
	assert_int_equal(seen.last.step_count, STREAM_STEPS);
	assert_int_equal(stream_reached(&seen.last, 1), (2 * STREAM_STEPS + 1) * 1000);
	assert_int_equal(stream_reached(&seen.last, 3 * STREAM_STEPS), 3 * STREAM_STEPS * 1000);
}

static void test_bad_polls(void **state)
{
	static const struct {
		const char *receiver, *body;
		int status;
		const char *scim_type;
	} bad[] = {
		{ "", "{}", 404, NULL },
		{ "a_b", "{}", 404, NULL },
		{ HOST HOST "x", "{}", 404, NULL },
		{ HOST, "[]", 400, "invalidSyntax" },
		{ HOST, "{\"maxEvents\":-1}", 400, "invalidValue" },
		{ HOST, "{\"maxEvents\":\"9\"}", 400, "invalidValue" },
		{ HOST, "{\"returnImmediately\":\"true\"}", 400, "invalidValue" },
		{ HOST, "{\"ack\":\"x\"}", 400, "invalidValue" },
		{ HOST, "{\"ack\":[1]}", 400, "invalidValue" },
		{ HOST, "{\"setErrs\":[]}", 400, "invalidValue" },
		{ HOST, "{\"urn:scimd:report\":7}", 400, "invalidValue" },
		{ HOST, "{\"urn:scimd:report\":{\"applied\":7}}", 400, "invalidValue" },
		{ HOST, "{\"urn:scimd:report\":{\"lockouts\":{}}}", 400, "invalidValue" },
		{ HOST, "{\"urn:scimd:report\":{\"lockouts\":[{}]}}", 400, "invalidValue" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct json_object *body = json_tokener_parse(bad[i].body);
		struct scim_problem p = { 0 };
		struct stream_poll poll;

		assert_int_equal(stream_poll_read(&poll, "corp", bad[i].receiver, body, &p),
				 -EINVAL);
		assert_int_equal(p.status, bad[i].status);
		if (bad[i].scim_type)
			assert_string_equal(p.scim_type, bad[i].scim_type);
		stream_poll_free(&poll);
		json_object_put(body);
	}
}

static void test_read(void **state)
{
	struct json_object *body =
		json_tokener_parse("{\"maxEvents\":5000,\"returnImmediately\":true}");
	struct scim_problem p = { 0 };
	struct stream_poll poll;

	(void)state;
	assert_int_equal(stream_poll_read(&poll, "corp", HOST, NULL, &p), 0);
	assert_int_equal(poll.max_events, 100);
	assert_true(stream_waits(&poll));
	stream_poll_free(&poll);
	assert_int_equal(stream_poll_read(&poll, "corp", HOST, body, &p), 0);
	assert_int_equal(poll.max_events, 1000);
	assert_false(stream_waits(&poll));
	stream_poll_free(&poll);
	json_object_put(body);
}

static void test_advertised(void **state)
{
	struct json_object *c = json_object_new_object(), *o;

	(void)state;
	assert_int_equal(stream_advertise("https://h/scim/v2", 604800, c), 0);
	o = json_member(c, "urn:scimd:params:scim:events");
	assert_string_equal(json_string(json_member(o, "pollUri")), "https://h/scim/v2/Events/");
	assert_int_equal(json_object_get_int64(json_member(o, "retention")), 604800);
	o = json_member(c, "securityEvents");
	assert_string_equal(json_string(json_member(o, "asyncRequest")), "none");
	assert_int_equal(json_object_array_length(json_member(o, "eventUris")), 6);
	json_object_put(c);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_begins_at_head),
		T(test_forms),
		T(test_txn),
		T(test_resumes),
		T(test_errors_acknowledge),
		T(test_belongs_to_token),
		T(test_writes_when_due),
		T(test_expires),
		T(test_forsaken),
		T(test_of_one_token_only_so_many),
		T(test_trim_bounded),
		T(test_another_feed),
		T(test_report),
		T(test_steps),
		T(test_steps_are_bounded),
		T(test_bad_polls),
		T(test_read),
		T(test_advertised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
