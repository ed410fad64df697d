// SPDX-License-Identifier: MIT
//
// Events as Security Event Tokens (RFC 8417, RFC 9967 §2.4), unsecured: they come
// over the connection that was asked for them. See stream.h.
#include "scimd/base/buf.h"
#include "scimd/directory/db.h"
#include "scimd/directory/render.h"
#include "scimd/directory/stream_internal.h"
#include "scimd/scim/schema.h"
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#define SET_HEADER                                                                                 \
	"eyJhbGciOiJub25lIiwidHlwIjoic2VjZXZlbnQrand0In0" // {"alg":"none","typ":"secevent+jwt"}
#define SET_URN "urn:ietf:params:scim:event:prov:"

static const struct {
	const char *uri;
	bool notice; // with the names of what changed
} set_events[] = {
	[FEED_CREATE] = { SET_URN "create:notice", true },
	[FEED_PUT] = { SET_URN "put:notice", true },
	[FEED_PATCH] = { SET_URN "patch:notice", true },
	[FEED_DELETE] = { SET_URN "delete", false },
	[FEED_ACTIVATE] = { SET_URN "activate", false },
	[FEED_DEACTIVATE] = { SET_URN "deactivate", false },
};

#define SET_EVENTS (sizeof(set_events) / sizeof(*set_events))

struct set_answer {
	struct store_walk *walk;
	const char *iss;
	uint64_t feed;
	char last_id[FEED_ID];
	uint64_t last;
	struct buf *out, claims;
};

static int set_base64url(struct buf *out, const void *data, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const unsigned char *p = data;
	int r = 0;

	for (size_t i = 0; r == 0 && i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		uint32_t v = (uint32_t)p[i] << 16 | (n > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
			     (n > 2 ? p[i + 2] : 0);
		const char four[] = { digits[v >> 18], digits[v >> 12 & 63], digits[v >> 6 & 63],
				      digits[v & 63] };

		r = buf_add(out, four, n + 1);
	}
	return r;
}

static int set_attributes(struct buf *out, const struct feed_event *e)
{
	const char *p = e->attributes, *end = p + e->attributes_len;
	int r = buf_str(out, "{\"attributes\":[");

	for (bool first = true; r == 0 && p < end; first = false) {
		const char *comma = memchr(p, ',', (size_t)(end - p));
		size_t len = (size_t)((comma ? comma : end) - p);

		if (!first)
			r = buf_chr(out, ',');
		if (r == 0)
			r = render_string(out, p, len);
		p += len + 1;
	}
	return r < 0 ? r : buf_str(out, "]}");
}

// Whether an activation is the second half of the change before it: the two share a txn.
static bool set_same_change(const struct set_answer *a, const struct feed_event *e)
{
	return (e->head.what == FEED_ACTIVATE || e->head.what == FEED_DEACTIVATE) &&
	       a->last + 1 == e->number && memcmp(a->last_id, e->id, FEED_ID) == 0;
}

static int set_claims(struct set_answer *a, const struct feed_event *e, const char *jti)
{
	const char *endpoint = dir_type(e->head.kind)->endpoint;
	bool shared = set_same_change(a, e);
	char txn[STREAM_JTI];
	int r;

	stream_jti(txn, (struct stream_mark){ a->feed, e->number - (shared ? 1 : 0) });
	buf_clear(&a->claims);
	r = buf_str(&a->claims, "{\"iss\":");
	if (r == 0)
		r = render_string(&a->claims, a->iss, strlen(a->iss));
	if (r == 0)
		r = buf_printf(
			&a->claims,
			",\"iat\":%lld,\"jti\":\"%s\",\"txn\":\"%s\","
			"\"sub_id\":{\"format\":\"scim\",\"uri\":\"%s/%.*s\",\"id\":\"%.*s\"},"
			"\"events\":{\"%s\":",
			(long long)(e->head.at / 1000), jti, txn, endpoint, FEED_ID, e->id, FEED_ID,
			e->id, set_events[e->head.what].uri);
	if (r == 0)
		r = set_events[e->head.what].notice ? set_attributes(&a->claims, e)
						    : buf_str(&a->claims, "{}");
	return r < 0 ? r : buf_str(&a->claims, "}}");
}

static int set_one(struct set_answer *a, const struct feed_event *e, bool first)
{
	char jti[STREAM_JTI];
	int r;

	stream_jti(jti, (struct stream_mark){ a->feed, e->number });
	r = set_claims(a, e, jti);
	if (r == 0)
		r = buf_printf(a->out, "%s\"%s\":\"" SET_HEADER ".", first ? "" : ",", jti);
	if (r == 0)
		r = set_base64url(a->out, a->claims.data, a->claims.len);
	memcpy(a->last_id, e->id, FEED_ID);
	a->last = e->number;
	return r < 0 ? r : buf_str(a->out, ".\"");
}

// The events after position, at most `max`; *more: there are others.
static int set_list(struct set_answer *a, uint64_t position, uint32_t max, bool *any, bool *more)
{
	struct store_bytes key, value;
	unsigned char from[8];
	struct feed_event e;
	uint32_t n = 0;
	int r;

	// The one before the first is looked at, too: set_same_change.
	store_be(from, position);
	for (r = store_walk_seek(a->walk, (struct store_bytes){ from, 8 }, &key, &value); r == 0;
	     r = store_walk_next(a->walk, &key, &value)) {
		r = feed_decode(key, value, &e);
		if (r == 0 && e.number <= position) {
			memcpy(a->last_id, e.id, FEED_ID);
			a->last = e.number;
			continue;
		}
		if (r == 0 && n == max) {
			*more = true;
			break;
		}
		if (r == 0 && (e.head.what >= SET_EVENTS || !set_events[e.head.what].uri))
			r = -EBADMSG;
		if (r == 0)
			r = set_one(a, &e, n++ == 0);
		if (r < 0)
			return r;
	}
	*any = n > 0;
	return r == -ENOENT ? 0 : r;
}

int stream_sets(struct store_txn *view, const struct stream_poll *poll, const char *iss,
		struct buf *out, bool *any)
{
	struct set_answer a = { .iss = iss, .out = out };
	struct stream_record s;
	bool expired, more = false;
	int r = stream_get(view, poll, &s);

	*any = false;
	if (r == 0)
		r = stream_is_expired(view, &s.head, &expired);
	if (r == 0 && expired)
		r = -ENOENT;
	if (r == 0)
		r = store_walk_open(view, DIR_FEED, &a.walk);
	if (r < 0)
		return r;
	a.feed = s.head.feed;
	r = buf_str(out, "{\"sets\":{");
	if (r == 0)
		r = set_list(&a, s.head.position, poll->max_events, any, &more);
	if (r == 0)
		r = buf_printf(out, "},\"moreAvailable\":%s}", more ? "true" : "false");
	store_walk_close(a.walk);
	buf_free(&a.claims);
	return r;
}

int stream_advertise(const char *base, int64_t retention, struct json_object *config)
{
	struct json_object *ours = json_object_new_object(), *theirs = json_object_new_object();
	struct json_object *uris = json_object_new_array();
	struct buf poll = BUF_INIT;
	int r = -ENOMEM;

	if (!ours || !theirs || !uris || buf_printf(&poll, "%s/Events/", base) < 0)
		goto out;
	r = json_object_object_add(ours, "pollUri", json_object_new_string(poll.data)) |
	    json_object_object_add(ours, "retention", json_object_new_int64(retention)) |
	    json_object_object_add(theirs, "asyncRequest", json_object_new_string("none"));
	for (size_t i = FEED_CREATE; i < SET_EVENTS; i++)
		r |= json_object_array_add(uris, json_object_new_string(set_events[i].uri));
	r |= json_object_object_add(theirs, "eventUris", json_object_get(uris)) |
	     json_object_object_add(config, "urn:scimd:params:scim:events", json_object_get(ours)) |
	     json_object_object_add(config, "securityEvents", json_object_get(theirs));
out:
	buf_free(&poll);
	json_object_put(ours);
	json_object_put(theirs);
	json_object_put(uris);
	return r ? -ENOMEM : 0;
}
