// SPDX-License-Identifier: MIT
//
// A poll's body (RFC 8936 §2.2) and what the directory says of its feed; see
// stream.h.
#include "scimd/directory/stream.h"
#include "scimd/directory/stream_internal.h"
#include "scimd/scim/json.h"
#include "scimd/scim/problem.h"
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POLL_TEXT_MAX 255 // of an id or a time in a report

void stream_jti(char out[STREAM_JTI], struct stream_mark m)
{
	(void)snprintf(out, STREAM_JTI, "%016" PRIx64 "-%" PRIu64, m.feed, m.number);
}

int stream_jti_read(const char *text, struct stream_mark *out)
{
	char again[STREAM_JTI];
	int end = 0;

	if (strnlen(text, STREAM_JTI) == STREAM_JTI ||
	    sscanf(text, "%16" SCNx64 "-%20" SCNu64 "%n", &out->feed, &out->number, &end) != 2)
		return -EINVAL;
	stream_jti(again, *out);
	return strcmp(again, text) == 0 ? 0 : -EINVAL;
}

static int poll_receiver(struct stream_poll *poll, const char *receiver, struct scim_problem *p)
{
	size_t len = strnlen(receiver, STREAM_RECEIVER);

	if (len == 0 || len == STREAM_RECEIVER ||
	    strspn(receiver, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-") !=
		    len)
		return scim_problem(p, 404, NULL,
				    "a receiver is 1 to %d letters, digits and dashes",
				    STREAM_RECEIVER - 1);
	memcpy(poll->receiver, receiver, len + 1);
	return 0;
}

static int poll_bad(struct scim_problem *p, const char *what, const char *want)
{
	return scim_problem(p, 400, "invalidValue", "%s: %s is expected", what, want);
}

static int poll_add(struct stream_poll *poll, const char *jti, struct scim_problem *p)
{
	struct stream_mark m;

	if (!jti)
		return poll_bad(p, "ack", "an array of strings");
	if (stream_jti_read(jti, &m) < 0)
		return 0; // it names no event of ours, so there is nothing to be done with it
	if (poll->ack_count == STREAM_ACKS_MAX)
		return scim_problem(p, 400, "tooMany", "more than %d acknowledgements",
				    STREAM_ACKS_MAX);
	poll->acks[poll->ack_count++] = m;
	return 0;
}

static int poll_acks(struct stream_poll *poll, struct json_object *body, struct scim_problem *p)
{
	struct json_object *ack = json_member(body, "ack"), *errs = json_member(body, "setErrs");
	int r = 0;

	if (ack && !json_object_is_type(ack, json_type_array))
		return poll_bad(p, "ack", "an array of strings");
	if (errs && !json_object_is_type(errs, json_type_object))
		return poll_bad(p, "setErrs", "an object");
	if (!ack && !errs)
		return 0;
	poll->acks = calloc(STREAM_ACKS_MAX, sizeof(*poll->acks));
	if (!poll->acks)
		return scim_problem_memory(p);
	for (size_t i = 0; ack && r == 0 && i < json_object_array_length(ack); i++)
		r = poll_add(poll, json_string(json_object_array_get_idx(ack, i)), p);
	if (!errs)
		return r;
	json_object_object_foreach(errs, jti, why)
	{
		(void)why;
		if (r == 0)
			r = poll_add(poll, jti, p);
	}
	return r;
}

// Only the members that are known, each a short text.
static int poll_lockout(struct json_object *from, struct json_object *list, struct scim_problem *p)
{
	static const char *const names[] = { "id", "denied_at", "ended_at" };
	struct json_object *o = json_object_new_object();

	if (!o)
		return scim_problem_memory(p);
	for (size_t i = 0; i < 3; i++) {
		const char *text = json_string(json_member(from, names[i]));

		if ((!text && i == 0) || (text && strlen(text) > POLL_TEXT_MAX)) {
			json_object_put(o);
			return poll_bad(p, "lockouts", "an array of {id, denied_at, ended_at}");
		}
		if (text)
			(void)json_object_object_add(o, names[i], json_object_new_string(text));
	}
	return json_object_array_add(list, o) == 0 ? 0 : scim_problem_memory(p);
}

static int poll_lockouts(struct stream_poll *poll, struct json_object *from, struct scim_problem *p)
{
	struct json_object *list;
	int r = 0;

	if (!from)
		return 0;
	if (!json_object_is_type(from, json_type_array) ||
	    json_object_array_length(from) > STREAM_LOCKOUTS_MAX)
		return poll_bad(p, "lockouts", "an array of at most 64");
	list = json_object_new_array();
	if (!list)
		return scim_problem_memory(p);
	for (size_t i = 0; r == 0 && i < json_object_array_length(from); i++)
		r = poll_lockout(json_object_array_get_idx(from, i), list, p);
	if (r == 0 && json_object_array_length(list)) {
		poll->lockouts = strdup(json_object_to_json_string_ext(
			list, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
		r = poll->lockouts ? 0 : scim_problem_memory(p);
	}
	json_object_put(list);
	return r;
}

static int poll_report(struct stream_poll *poll, struct json_object *body, struct scim_problem *p)
{
	struct json_object *report = json_member(body, "urn:scimd:report"), *applied;
	const char *host;

	if (!report)
		return 0;
	if (!json_object_is_type(report, json_type_object))
		return poll_bad(p, "urn:scimd:report", "an object");
	poll->report = true;
	host = json_string(json_member(report, "host"));
	if (host && strlen(host) >= STREAM_HOST)
		return poll_bad(p, "host", "a name of at most 255 bytes");
	memcpy(poll->host, host ? host : "", host ? strlen(host) + 1 : 1);
	applied = json_member(report, "applied");
	if (applied && !json_string(applied))
		return poll_bad(p, "applied", "a string");
	if (applied) {
		poll->applied_given = true; // whatever it is, it is a past
		if (stream_jti_read(json_string(applied), &poll->applied) < 0)
			poll->applied = (struct stream_mark){ 0 };
	}
	return poll_lockouts(poll, json_member(report, "lockouts"), p);
}

int stream_poll_read(struct stream_poll *poll, const char *token, const char *receiver,
		     struct json_object *body, struct scim_problem *p)
{
	struct json_object *max = json_member(body, "maxEvents"),
			   *now = json_member(body, "returnImmediately");
	int64_t n = STREAM_EVENTS;
	int r;

	*poll = (struct stream_poll){ 0 };
	if (snprintf(poll->token, sizeof(poll->token), "%s", token) >= (int)sizeof(poll->token))
		return -EINVAL;
	r = poll_receiver(poll, receiver, p);
	if (r < 0)
		return r;
	if (body && !json_object_is_type(body, json_type_object))
		return scim_problem(p, 400, "invalidSyntax", "the body is not a JSON object");
	if (max && (!json_object_is_type(max, json_type_int) || !json_integer(max, &n) || n < 0))
		return poll_bad(p, "maxEvents", "a number from 0 on");
	if (now && !json_object_is_type(now, json_type_boolean))
		return poll_bad(p, "returnImmediately", "true or false");
	poll->max_events = n > STREAM_EVENTS_MAX ? STREAM_EVENTS_MAX : (uint32_t)n;
	poll->immediately = now && json_object_get_boolean(now);
	r = poll_acks(poll, body, p);
	return r < 0 ? r : poll_report(poll, body, p);
}

void stream_poll_free(struct stream_poll *poll)
{
	free(poll->acks);
	free(poll->lockouts);
	poll->acks = NULL;
	poll->ack_count = 0;
	poll->lockouts = NULL;
}

bool stream_waits(const struct stream_poll *poll)
{
	return !poll->immediately && poll->max_events > 0;
}
