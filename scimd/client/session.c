// SPDX-License-Identifier: MIT
//
// One directory, as the rest of the client talks to it; see session.h.
#include "scimd/client/session.h"
#include "scimd/base/buf.h"
#include "scimd/base/clock.h"
#include "scimd/base/fail.h"
#include "scimd/client/quirk.h"
#include "scimd/client/token.h"
#include "scimd/scim/json.h"
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SESSION_TRIES 4
#define SESSION_WAIT_MAX 60    // seconds; a longer Retry-After ends the walk
#define SESSION_TOKEN_EARLY 60 // seconds before its end that a token counts as old

struct session {
	sd_event *event;
	struct session_options o; // strings borrowed from the configuration
	struct transfer_origin *http, *oauth;
	uint32_t quirks, page;
	char paths[2][SESSION_PATH_MAX]; // of groups, of users; "": as usual
	bool asked, plain[2];            // of groups, of users
	struct buf bearer;               // "Bearer …"
	int64_t expires;                 // boot clock, ms; 0 = never
	struct session_call *calls;
};

struct session_call {
	struct session_call *next, **back;
	struct session *s;
	char *path;
	char *body;          // of a POST, or NULL
	char *if_none_match; // or NULL
	bool patient, fresh; // fresh: the token was renewed after a 401
	uint64_t timeout_ms;
	int tries;
	struct transfer *request;
	sd_event_source *timer;
	void (*end)(void *arg, const struct transfer_answer *a);
	void *arg;
};

static int session_send(struct session_call *c, struct fail *f);

uint32_t session_quirks(const struct session *s)
{
	return s->quirks;
}

uint32_t session_page(const struct session *s)
{
	return s->page;
}

uint32_t session_timeout(const struct session *s)
{
	return s->o.http.timeout ? s->o.http.timeout : 30;
}

const char *session_path(const struct session *s, bool users)
{
	if (s->quirks & QUIRK_LOWER_PATHS)
		return users ? "/users" : "/groups";
	if (s->paths[users][0])
		return s->paths[users];
	return users ? "/Users" : "/Groups";
}

void session_found(struct session *s, bool users, const char *path)
{
	(void)snprintf(s->paths[users], sizeof(s->paths[users]), "%s", path);
}

bool session_first(struct session *s)
{
	bool first = !s->asked;

	s->asked = true;
	return first;
}

void session_plain_is(struct session *s, bool users, bool plain)
{
	s->plain[users] = plain;
}

bool session_plain(const struct session *s, bool users)
{
	return s->plain[users] || (s->quirks & QUIRK_NO_ATTRIBUTES);
}

int session_new(sd_event *event, const struct session_options *o, struct session **out,
		struct fail *f)
{
	struct session *s = calloc(1, sizeof(*s));
	const char *unknown;
	uint32_t max;
	int r;

	if (!s)
		return fail(f, ENOMEM, "out of memory");
	s->event = event;
	s->o = *o;
	s->bearer.secret = true;
	quirk_find(o->url, o->quirks, &s->quirks, &max, &unknown);
	s->page = o->page_size ? o->page_size : 100;
	if (max && s->page > max)
		s->page = max;
	r = unknown ? fail(f, EINVAL, "quirks: \"%s\" is not in the table", unknown) : 0;
	if (r == 0)
		r = transfer_origin_new(event, o->url, &o->http, &s->http, f);
	if (r == 0 && o->token_url)
		r = transfer_origin_new(event, o->token_url, &o->http, &s->oauth, f);
	if (r < 0) {
		session_free(s);
		return r;
	}
	*out = s;
	return 0;
}

void session_free(struct session *s)
{
	if (!s)
		return;
	while (s->calls)
		session_cancel(s->calls);
	transfer_origin_free(s->http);
	transfer_origin_free(s->oauth);
	buf_free(&s->bearer);
	free(s);
}

int session_begin(struct session *s, struct fail *f)
{
	struct buf secret = { .secret = true };
	int r;

	if (s->oauth)
		return 0;
	if (!s->o.token && !s->o.token_file)
		return fail(f, EINVAL, "no token, token_file or token_url is configured");
	r = token_read(s->o.token, s->o.token_file, &secret, f);
	if (r == 0) {
		buf_clear(&s->bearer);
		r = buf_printf(&s->bearer, "Bearer %s", secret.data);
	}
	buf_free(&secret);
	return r;
}

// -------------------------------------------------------------------- calls

void session_cancel(struct session_call *c)
{
	if (!c)
		return;
	*c->back = c->next;
	if (c->next)
		c->next->back = c->back;
	transfer_cancel(c->request);
	(void)sd_event_source_disable_unref(c->timer);
	free(c->path);
	free(c->body);
	free(c->if_none_match);
	free(c);
}

static void session_end(struct session_call *c, const struct transfer_answer *a)
{
	void (*end)(void *arg, const struct transfer_answer *a) = c->end;
	void *arg = c->arg;

	c->request = NULL; // it is freed by the one who called us
	session_cancel(c);
	end(arg, a);
}

static void session_give_up(struct session_call *c, int err, const char *text)
{
	session_end(c, &(struct transfer_answer){ .r = -err, .text = text, .retry_after = -1 });
}

static int session_on_timer(sd_event_source *s, uint64_t usec, void *arg)
{
	struct session_call *c = arg;
	struct fail f = { "" };
	int r;

	(void)s;
	(void)usec;
	r = session_send(c, &f);
	if (r < 0)
		session_give_up(c, -r, f.text);
	return 0;
}

// Whether this answer may be different in a moment; if so the next try is set up.
static bool session_again(struct session_call *c, const struct transfer_answer *a)
{
	bool passing = a->r == -EIO || a->r == -ETIMEDOUT ||
		       (a->r == 0 && (a->status == 429 || a->status == 500 || a->status == 502 ||
				      a->status == 503 || a->status == 504));
	uint64_t ms = 300u << c->tries;

	if (!c->patient || !passing || c->tries >= SESSION_TRIES ||
	    a->retry_after > SESSION_WAIT_MAX)
		return false;
	ms += (uint64_t)random() % (ms / 2);
	if (a->retry_after >= 0)
		ms = (uint64_t)a->retry_after * 1000 + (uint64_t)random() % 250;
	(void)sd_event_source_disable_unref(c->timer);
	c->timer = NULL;
	return sd_event_add_time_relative(c->s->event, &c->timer, CLOCK_MONOTONIC, ms * 1000, 1000,
					  session_on_timer, c) >= 0;
}

static void session_on_answer(void *arg, const struct transfer_answer *a)
{
	struct session_call *c = arg;
	struct fail f = { "" };

	c->request = NULL;
	if (a->r == 0 && a->status == 401 && c->s->oauth && !c->fresh) {
		c->fresh = true;
		buf_clear(&c->s->bearer);
		if (session_send(c, &f) == 0)
			return;
	}
	if (!session_again(c, a))
		session_end(c, a);
}

// --------------------------------------------------- OAuth 2 client credentials

static void session_on_token(void *arg, const struct transfer_answer *a)
{
	struct session_call *c = arg;
	struct session *s = c->s;
	const char *token = a->r == 0 && a->status == 200
				    ? json_string(json_member(a->json, "access_token"))
				    : NULL;
	struct fail f = { "" };
	const char *word;
	int64_t seconds = 0;
	int r;

	c->request = NULL;
	if (!token) {
		if (session_again(c, a))
			return;
		// RFC 6749 §5.2: the error's one word, of printable ASCII.
		word = a->r ? a->text : json_string(json_member(a->json, "error"));
		(void)snprintf(f.text, sizeof(f.text), "token_url: no token (HTTP %d%s%.200s)",
			       a->status, word ? ", " : "", word ? word : "");
		session_give_up(c, EACCES, f.text);
		return;
	}
	buf_clear(&s->bearer);
	(void)buf_printf(&s->bearer, "Bearer %s", token);
	s->expires = 0;
	if (json_integer(json_member(a->json, "expires_in"), &seconds) && seconds > 0 &&
	    seconds < 1 << 30)
		s->expires = clock_boot() + (seconds > 2 * SESSION_TOKEN_EARLY
						     ? seconds - SESSION_TOKEN_EARLY
						     : seconds / 2) *
						    1000;
	c->tries = 0;
	r = session_send(c, &f);
	if (r < 0)
		session_give_up(c, -r, f.text);
}

static int session_ask_token(struct session_call *c, struct fail *f)
{
	struct buf secret = { .secret = true }, pair = { .secret = true }, form = BUF_INIT;
	struct buf basic = { .secret = true };
	struct session *s = c->s;
	unsigned char *encoded = NULL;
	int r = token_read(s->o.client_secret, s->o.client_secret_file, &secret, f);

	if (r == 0) // RFC 6749 §2.3.1: both are form-encoded first
		r = transfer_encode(&pair, s->o.client_id);
	if (r == 0)
		r = buf_chr(&pair, ':');
	if (r == 0)
		r = transfer_encode(&pair, secret.data);
	if (r == 0)
		r = buf_str(&form, "grant_type=client_credentials");
	if (r == 0 && s->o.scope)
		r = buf_str(&form, "&scope=");
	if (r == 0 && s->o.scope)
		r = transfer_encode(&form, s->o.scope);
	if (r == 0) {
		encoded = calloc(1, pair.len * 4 / 3 + 8);
		r = encoded ? 0 : -ENOMEM;
	}
	if (r == 0) {
		(void)EVP_EncodeBlock(encoded, (const unsigned char *)pair.data, (int)pair.len);
		r = buf_printf(&basic, "Basic %s", encoded);
		explicit_bzero(encoded, pair.len * 4 / 3);
	}
	if (r == 0)
		r = transfer_start(s->oauth, NULL, basic.data, NULL,
				   "application/x-www-form-urlencoded", form.data, 0,
				   session_on_token, c, &c->request, f);
	free(encoded);
	buf_free(&secret);
	buf_free(&pair);
	buf_free(&form);
	buf_free(&basic);
	return r;
}

static int session_send(struct session_call *c, struct fail *f)
{
	struct session *s = c->s;

	c->tries++;
	if (s->oauth && (s->bearer.len == 0 || (s->expires && clock_boot() >= s->expires)))
		return session_ask_token(c, f);
	return transfer_start(s->http, c->path, s->bearer.len ? s->bearer.data : NULL,
			      c->if_none_match, c->body ? "application/json" : NULL, c->body,
			      c->timeout_ms, session_on_answer, c, &c->request, f);
}

static int session_call(struct session *s, const char *path, const char *if_none_match,
			const char *body, bool patient, uint64_t timeout_ms,
			void (*end)(void *arg, const struct transfer_answer *a), void *arg,
			struct session_call **out, struct fail *f)
{
	struct session_call *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return fail(f, ENOMEM, "out of memory");
	*c = (struct session_call){ .next = s->calls,
				    .back = &s->calls,
				    .s = s,
				    .patient = patient,
				    .timeout_ms = timeout_ms,
				    .end = end,
				    .arg = arg };
	if (c->next)
		c->next->back = &c->next;
	s->calls = c;
	c->path = strdup(path);
	c->body = body ? strdup(body) : NULL;
	c->if_none_match = if_none_match ? strdup(if_none_match) : NULL;
	r = c->path && (c->body || !body) && (c->if_none_match || !if_none_match)
		    ? session_send(c, f)
		    : fail(f, ENOMEM, "out of memory");
	if (r < 0) {
		session_cancel(c);
		return r;
	}
	if (out)
		*out = c;
	return 0;
}

int session_get(struct session *s, const char *path, bool patient, uint64_t timeout_ms,
		void (*end)(void *arg, const struct transfer_answer *a), void *arg,
		struct session_call **out, struct fail *f)
{
	return session_call(s, path, NULL, NULL, patient, timeout_ms, end, arg, out, f);
}

int session_get_new(struct session *s, const char *path, const char *if_none_match, bool patient,
		    uint64_t timeout_ms, void (*end)(void *arg, const struct transfer_answer *a),
		    void *arg, struct session_call **out, struct fail *f)
{
	return session_call(s, path, if_none_match, NULL, patient, timeout_ms, end, arg, out, f);
}

int session_post(struct session *s, const char *path, const char *body, uint64_t timeout_ms,
		 void (*end)(void *arg, const struct transfer_answer *a), void *arg,
		 struct session_call **out, struct fail *f)
{
	return session_call(s, path, NULL, body, false, timeout_ms, end, arg, out, f);
}
