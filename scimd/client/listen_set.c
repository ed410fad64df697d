// SPDX-License-Identifier: MIT
//
// Security Event Tokens (RFC 8417) as notices of what changed. The signature is not
// looked at: the token came over the connection that it was asked for on, and all it
// leads to is a GET.
#include "scimd/base/buf.h"
#include "scimd/client/listen_internal.h"
#include "scimd/scim/json.h"
#include "scimd/scim/resource.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SET_MAX 65536
#define SET_URN "urn:ietf:params:scim:event:"

static int set_digit(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

// The claims: the second of the parts between dots. NULL: not a token.
static struct json_object *set_claims(const char *set)
{
	const char *p = set ? strchr(set, '.') : NULL, *end = p ? strchr(p + 1, '.') : NULL;
	struct buf b = { .max = SET_MAX };
	struct json_tokener *tok = NULL;
	struct json_object *o = NULL;
	unsigned int bits = 0, n = 0;

	if (!end)
		return NULL;
	for (p++; p < end; p++) {
		int d = set_digit(*p);

		if (d < 0)
			goto out;
		bits = (bits << 6 | (unsigned int)d) & 0xffff;
		n += 6;
		if (n >= 8) {
			n -= 8;
			if (buf_chr(&b, (char)(bits >> n & 0xff)) < 0)
				goto out;
		}
	}
	tok = b.len ? json_tokener_new_ex(8) : NULL;
	if (!tok)
		goto out;
	json_tokener_set_flags(tok, JSON_TOKENER_VALIDATE_UTF8);
	o = json_tokener_parse_ex(tok, b.data, (int)b.len);
	if (!json_object_is_type(o, json_type_object)) {
		json_object_put(o);
		o = NULL;
	}
out:
	if (tok)
		json_tokener_free(tok);
	buf_free(&b);
	return o;
}

// What its events are about: 0 nothing of ours, 1 a change, 2 a deletion.
static int set_kind(struct json_object *claims)
{
	struct json_object *events = json_member(claims, "events");
	int kind = 0;

	if (!json_object_is_type(events, json_type_object))
		return 0;
	json_object_object_foreach(events, uri, body)
	{
		(void)body;
		if (strcasecmp(uri, SET_URN "prov:delete") == 0)
			kind = 2;
		else if (kind == 0 && (strncasecmp(uri, SET_URN "prov:", 32) == 0 ||
				       strncasecmp(uri, SET_URN "feed:", 32) == 0))
			kind = 1;
	}
	return kind;
}

// uri: "/Users/ID". False: neither a user nor a group.
static bool set_subject(struct json_object *claims, uint8_t *kind, const char **id)
{
	const char *uri = json_string(json_member(json_member(claims, "sub_id"), "uri"));

	if (uri && strncasecmp(uri, "/Users/", 7) == 0) {
		*kind = RESOURCE_USER;
		*id = uri + 7;
	} else if (uri && strncasecmp(uri, "/Groups/", 8) == 0) {
		*kind = RESOURCE_GROUP;
		*id = uri + 8;
	} else {
		return false;
	}
	return **id && !strchr(*id, '/') && strlen(*id) <= 1024;
}

static int set_add(struct listen_batch *b, uint8_t kind, const char *id, bool gone)
{
	struct listen_change *c;

	for (size_t i = 0; i < b->count; i++) {
		if (b->list[i].kind != kind || strcmp(b->list[i].id, id) != 0)
			continue;
		b->list[i].gone |= gone;
		return 0;
	}
	c = reallocarray(b->list, b->count + 1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	b->list = c;
	c += b->count;
	*c = (struct listen_change){ .kind = kind, .gone = gone, .id = strdup(id) };
	if (!c->id)
		return -ENOMEM;
	b->count++;
	return 0;
}

static int set_take(struct listen_batch *b, const char *jti, const char *set)
{
	struct json_object *claims = set_claims(set);
	int what = claims ? set_kind(claims) : 1, r = 0;
	uint8_t kind = 0;
	const char *id = NULL;

	if (what && claims && set_subject(claims, &kind, &id))
		r = set_add(b, kind, id, what == 2);
	else if (what)
		b->unread = true;
	json_object_put(claims);
	if (r == 0 && json_object_array_add(b->acks, json_object_new_string(jti)) < 0)
		r = -ENOMEM;
	(void)snprintf(b->last, sizeof(b->last), "%s", jti);
	return r;
}

int listen_read(struct json_object *answer, struct listen_batch *out)
{
	struct json_object *sets = json_member(answer, "sets");
	int r = 0;

	if (!json_object_is_type(answer, json_type_object) ||
	    (sets && !json_object_is_type(sets, json_type_object)))
		return -EPROTO;
	out->acks = json_object_new_array();
	if (!out->acks)
		return -ENOMEM;
	if (!sets)
		return 0;
	if (json_object_object_length(sets) > LISTEN_EVENTS * 10)
		return -EPROTO;
	json_object_object_foreach(sets, jti, set)
	{
		if (r == 0 && strlen(jti) >= LISTEN_JTI)
			r = -EPROTO;
		if (r == 0)
			r = set_take(out, jti, json_string(set));
	}
	return r;
}

void listen_batch_free(struct listen_batch *b)
{
	for (size_t i = 0; i < b->count; i++)
		free(b->list[i].id);
	free(b->list);
	json_object_put(b->acks);
	*b = (struct listen_batch){ 0 };
}
