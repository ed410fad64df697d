// SPDX-License-Identifier: MIT
//
// Places in the feed; see stream.h.
#include "scimd/directory/stream.h"
#include "scimd/base/buf.h"
#include "scimd/base/digest.h"
#include "scimd/directory/db.h"
#include "scimd/directory/stream_internal.h"
#include "scimd/scim/problem.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int stream_key(uint8_t out[STREAM_KEY], const struct stream_poll *poll)
{
	// The NUL between the two keeps them apart.
	const struct digest_part parts[] = { { poll->token, strlen(poll->token) + 1 },
					     { poll->receiver, strlen(poll->receiver) } };
	uint8_t d[DIGEST_LEN];
	int r = digest_parts(d, parts, 2);

	if (r == 0)
		memcpy(out, d, STREAM_KEY);
	return r;
}

int stream_decode(struct store_bytes value, struct stream_record *out)
{
	const char *p = value.data;
	size_t len;

	if (value.len < sizeof(out->head))
		return -EBADMSG;
	memcpy(&out->head, p, sizeof(out->head));
	len = sizeof(out->head) + out->head.token_len + out->head.receiver_len +
	      out->head.host_len + (size_t)out->head.lockouts_len;
	if (value.len < len || (value.len - len) % sizeof(struct stream_step) ||
	    (value.len - len) / sizeof(struct stream_step) > STREAM_STEPS ||
	    out->head.receiver_len >= STREAM_RECEIVER || out->head.host_len >= STREAM_HOST)
		return -EBADMSG;
	out->token = p + sizeof(out->head);
	out->receiver = out->token + out->head.token_len;
	out->host = out->receiver + out->head.receiver_len;
	out->lockouts = out->host + out->head.host_len;
	out->steps = out->lockouts + out->head.lockouts_len;
	out->step_count = (value.len - len) / sizeof(struct stream_step);
	return 0;
}

int stream_get(struct store_txn *t, const struct stream_poll *poll, struct stream_record *out)
{
	uint8_t key[STREAM_KEY];
	struct store_bytes v;
	int r = stream_key(key, poll);

	if (r == 0)
		r = store_get(t, DIR_STREAM, (struct store_bytes){ key, STREAM_KEY }, &v);
	if (r == 0)
		r = stream_decode(v, out);
	if (r == 0 && (out->head.token_len != strlen(poll->token) ||
		       memcmp(out->token, poll->token, out->head.token_len) != 0))
		r = -EBADMSG;
	return r;
}

int stream_is_expired(struct store_txn *t, const struct stream_head *h, bool *out)
{
	uint64_t name, first;
	int r = feed_name(t, &name);

	if (r == 0)
		r = feed_first(t, &first);
	*out = r == 0 && (h->feed != name || h->position + 1 < first);
	return r;
}

int stream_expired(struct scim_problem *p)
{
	return scim_problem(p, 404, NULL,
			    "the stream is expired: read everything, then poll without ack and "
			    "applied");
}

static bool stream_speaks_of_past(const struct stream_poll *poll)
{
	return poll->ack_count || poll->applied_given;
}

static int stream_by_number(const void *a, const void *b)
{
	const struct stream_mark *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

// How far everything is acknowledged without a gap; a mark of another feed or of
// the future means nothing.
static int stream_moved(const struct stream_poll *poll, const struct stream_head *h, uint64_t head,
			uint64_t *out)
{
	struct stream_mark *sorted = NULL;

	*out = h->position;
	if (poll->ack_count == 0)
		return 0;
	sorted = calloc(poll->ack_count, sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	memcpy(sorted, poll->acks, poll->ack_count * sizeof(*sorted));
	qsort(sorted, poll->ack_count, sizeof(*sorted), stream_by_number);
	for (size_t i = 0; i < poll->ack_count; i++)
		if (sorted[i].feed == h->feed && sorted[i].number == *out + 1 &&
		    sorted[i].number <= head)
			++*out;
	free(sorted);
	return 0;
}

static uint64_t stream_applied(const struct stream_poll *poll, const struct stream_head *h,
			       uint64_t head)
{
	return poll->applied_given && poll->applied.feed == h->feed && poll->applied.number <= head
		       ? poll->applied.number
		       : h->applied;
}

static bool stream_report_new(const struct stream_poll *poll, const struct stream_record *s,
			      uint64_t head)
{
	size_t len = poll->lockouts ? strlen(poll->lockouts) : 0;

	if (!poll->report)
		return false;
	return stream_applied(poll, &s->head, head) != s->head.applied ||
	       strlen(poll->host) != s->head.host_len ||
	       memcmp(poll->host, s->host, s->head.host_len) != 0 || len != s->head.lockouts_len ||
	       (len && memcmp(poll->lockouts, s->lockouts, len) != 0);
}

int stream_due(struct store_txn *view, const struct stream_poll *poll, int64_t now)
{
	struct stream_record s;
	uint64_t head, position;
	bool expired;
	int r = stream_get(view, poll, &s);

	if (r == -ENOENT)
		return 1;
	if (r == 0)
		r = stream_is_expired(view, &s.head, &expired);
	if (r == 0)
		r = feed_head_number(view, &head);
	if (r == 0)
		r = stream_moved(poll, &s.head, head, &position);
	if (r < 0)
		return r;
	return expired || position != s.head.position || stream_report_new(poll, &s, head) ||
	       now - s.head.seen >= STREAM_SEEN || now < s.head.seen;
}

static int stream_put(struct store_txn *t, const struct stream_poll *poll,
		      const struct stream_record *s)
{
	uint8_t key[STREAM_KEY];
	struct buf b = BUF_INIT;
	int r = stream_key(key, poll);

	if (r == 0)
		r = buf_add(&b, &s->head, sizeof(s->head));
	if (r == 0)
		r = buf_add(&b, s->token, s->head.token_len);
	if (r == 0)
		r = buf_add(&b, s->receiver, s->head.receiver_len);
	if (r == 0)
		r = buf_add(&b, s->host, s->head.host_len);
	if (r == 0)
		r = buf_add(&b, s->lockouts, s->head.lockouts_len);
	if (r == 0)
		r = buf_add(&b, s->steps, s->step_count * sizeof(struct stream_step));
	if (r == 0)
		r = store_put(t, DIR_STREAM, (struct store_bytes){ key, STREAM_KEY },
			      (struct store_bytes){ b.data, b.len });
	buf_free(&b);
	return r;
}

// ------------------------------------------------------------------ counts

#define STREAM_COUNT_NAME (sizeof("streams:") + STREAM_TOKEN)

static const char *stream_count_name(char out[STREAM_COUNT_NAME], const char *token)
{
	(void)snprintf(out, STREAM_COUNT_NAME, "streams:%s", token);
	return out;
}

// Through all of them.
static int stream_count_walk(struct store_txn *t, const char *token, uint64_t *out)
{
	struct store_bytes key, value;
	struct stream_record s;
	struct store_walk *w;
	size_t len = strlen(token);
	int r = store_walk_open(t, DIR_STREAM, &w);

	*out = 0;
	if (r < 0)
		return r;
	for (r = store_walk_seek(w, (struct store_bytes){ NULL, 0 }, &key, &value); r == 0;
	     r = store_walk_next(w, &key, &value)) {
		r = stream_decode(value, &s);
		if (r < 0)
			break;
		*out += s.head.token_len == len && memcmp(s.token, token, len) == 0;
	}
	store_walk_close(w);
	return r == -ENOENT ? 0 : r;
}

// A token's first, or a store from before they were counted: they are looked through, once.
static int stream_count(struct store_txn *t, const char *token, uint64_t *out)
{
	char name[STREAM_COUNT_NAME];
	const void *data;
	size_t len;
	int r = store_state_get(t, stream_count_name(name, token), &data, &len);

	return r == -ENOENT ? stream_count_walk(t, token, out) : dir_counter(t, name, out);
}

int stream_uncount(struct store_txn *t, const char *token)
{
	char name[STREAM_COUNT_NAME];
	uint64_t n;
	int r = dir_counter(t, stream_count_name(name, token), &n);

	return r == 0 && n > 0 ? dir_counter_put(t, name, n - 1) : r;
}

static int stream_drop(struct store_txn *t, const struct stream_poll *poll)
{
	uint8_t key[STREAM_KEY];
	int r = stream_key(key, poll);

	if (r == 0)
		r = store_drop(t, DIR_STREAM, (struct store_bytes){ key, STREAM_KEY });
	if (r == 0)
		r = stream_uncount(t, poll->token);
	return r == -ENOENT ? 0 : r;
}

// The first poll of a receiver, which has its place from then on.
static int stream_new(struct store_txn *t, const struct stream_poll *poll, int64_t now,
		      struct stream_record *s, struct scim_problem *p)
{
	char name[STREAM_COUNT_NAME];
	uint64_t n;
	int r;

	if (store_count(t, DIR_STREAM) >= STREAM_MAX)
		return scim_problem(p, 429, NULL, "there are %d receivers already", STREAM_MAX);
	r = stream_count(t, poll->token, &n);
	if (r == 0 && n >= STREAM_TOKEN_MAX)
		return scim_problem(p, 429, NULL, "there are %d receivers of this token already",
				    STREAM_TOKEN_MAX);
	if (r == 0)
		r = dir_counter_put(t, stream_count_name(name, poll->token), n + 1);
	if (r < 0)
		return r;
	*s = (struct stream_record){ .head = { .created = now,
					       .token_len = (uint8_t)strlen(poll->token),
					       .receiver_len = (uint8_t)strlen(poll->receiver) },
				     .token = poll->token,
				     .receiver = poll->receiver,
				     .host = "",
				     .lockouts = "",
				     .steps = "" };
	r = feed_name_make(t, &s->head.feed);
	return r < 0 ? r : feed_head_number(t, &s->head.position);
}

// What the host says of itself, into s; steps holds what s points to then.
static int stream_take_report(struct store_txn *t, const struct stream_poll *poll, uint64_t head,
			      struct stream_record *s, struct stream_step steps[STREAM_STEPS])
{
	uint64_t applied = stream_applied(poll, &s->head, head);
	int r = 0;

	if (applied != s->head.applied) {
		r = stream_step_add(t, s, applied, s->head.seen, steps, &s->step_count);
		s->steps = steps;
	}
	s->head.applied = applied;
	s->host = poll->host;
	s->head.host_len = (uint16_t)strlen(poll->host);
	s->lockouts = poll->lockouts ? poll->lockouts : "";
	s->head.lockouts_len = (uint32_t)strlen(s->lockouts);
	return r;
}

int stream_ack(struct store_txn *t, const struct stream_poll *poll, int64_t now, bool *expired,
	       struct scim_problem *p)
{
	struct stream_step steps[STREAM_STEPS];
	struct stream_record s;
	uint64_t head;
	int r = stream_get(t, poll, &s);

	*expired = r == -ENOENT && stream_speaks_of_past(poll);
	if (*expired)
		return 0;
	if (r == -ENOENT)
		r = stream_new(t, poll, now, &s, p);
	else if (r == 0)
		r = stream_is_expired(t, &s.head, expired);
	if (r < 0)
		return r;
	if (*expired)
		return stream_drop(t, poll);
	r = feed_head_number(t, &head);
	if (r == 0)
		r = stream_moved(poll, &s.head, head, &s.head.position);
	s.head.seen = now;
	if (r == 0 && poll->report)
		r = stream_take_report(t, poll, head, &s, steps);
	return r < 0 ? r : stream_put(t, poll, &s);
}

// ------------------------------------------------------------ for people

static int stream_tell(struct store_txn *t, const struct stream_record *s,
		       int (*fn)(void *arg, const struct stream_info *s), void *arg)
{
	struct stream_info i = { .position = s->head.position,
				 .applied = s->head.applied,
				 .created = s->head.created,
				 .seen = s->head.seen,
				 .step_count = s->step_count };
	int r = stream_is_expired(t, &s->head, &i.expired);

	if (r < 0)
		return r;
	memcpy(i.steps, s->steps, s->step_count * sizeof(*i.steps));
	memcpy(i.token, s->token, s->head.token_len);
	memcpy(i.receiver, s->receiver, s->head.receiver_len);
	memcpy(i.host, s->host, s->head.host_len);
	if (s->head.lockouts_len) {
		i.lockouts = strndup(s->lockouts, s->head.lockouts_len);
		if (!i.lockouts)
			return -ENOMEM;
	}
	r = fn(arg, &i);
	free(i.lockouts);
	return r;
}

int stream_each(struct store_txn *t, int (*fn)(void *arg, const struct stream_info *s), void *arg)
{
	struct store_bytes key, value;
	struct store_walk *w;
	struct stream_record s;
	int r = store_walk_open(t, DIR_STREAM, &w);

	if (r < 0)
		return r;
	for (r = store_walk_seek(w, (struct store_bytes){ NULL, 0 }, &key, &value); r == 0;
	     r = store_walk_next(w, &key, &value)) {
		r = stream_decode(value, &s);
		if (r == 0)
			r = stream_tell(t, &s, fn, arg);
		if (r != 0)
			break;
	}
	store_walk_close(w);
	return r == -ENOENT ? 0 : r;
}
