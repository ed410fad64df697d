// SPDX-License-Identifier: MIT
//
// GET by id; see pick.h.
#include "scimd/client/pick.h"
#include "scimd/base/buf.h"
#include "scimd/base/fail.h"
#include "scimd/client/walk.h"
#include "scimd/scim/json.h"
#include "scimd/scim/resource.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#define PICK_AT_ONCE 4
#define PICK_FAILED_MAX 5 // failures of the server that may be of one record

struct pick_one {
	struct pick *p;
	struct session_call *call;
	char *id;
	uint8_t kind;
	bool gone;
};

struct pick {
	struct session *session;
	struct pick_calls calls;
	struct pick_one *ones;
	size_t count, asked, open, failed;
	bool ended;
};

static void pick_end(struct pick *p, int r, const char *text, int64_t retry_after)
{
	p->ended = true;
	for (size_t i = 0; i < p->count; i++) {
		session_cancel(p->ones[i].call);
		p->ones[i].call = NULL;
	}
	p->calls.end(p->calls.arg, r, text, retry_after);
}

static int pick_ask(struct pick *p, struct fail *f);

// Whether an answer that is none may be one about this record alone. Failures and what is
// no such record are so only a few times, and may be dear.
static bool pick_alone(struct pick *p, const struct transfer_answer *a)
{
	if (a->r < 0 && a->r != -EMSGSIZE)
		return false;
	if (a->r < 0 || a->status == 200 || a->status >= 500)
		return ++p->failed <= PICK_FAILED_MAX;
	return a->status != 401 && a->status != 429;
}

// 0: that one is left as it is; else this was the end.
static int pick_refused(struct pick *p, const struct pick_one *o, const struct transfer_answer *a)
{
	struct fail f = { "" };
	int r = walk_answer(a, &f);

	if (a->r == 0 && a->status == 200 && a->json && !a->bad_json)
		r = fail(&f, EPROTO, "the answer is another resource");
	if (p->calls.unclear && pick_alone(p, a))
		return p->calls.unclear(p->calls.arg, o->kind, o->id, f.text);
	(void)fail_in(&f, r, "%s %.200s", o->kind == RESOURCE_USER ? "user" : "group", o->id);
	pick_end(p, r, f.text, a->retry_after);
	return r;
}

static void pick_on_answer(void *arg, const struct transfer_answer *a)
{
	struct pick_one *o = arg;
	struct pick *p = o->p;
	struct fail f = { "" };
	const char *id = json_id(json_member(a->json, "id"));
	int r = 0;

	o->call = NULL;
	p->open--;
	// Another's record must not stand in for the one that was asked for.
	if (a->r == 0 && a->status == 200 && id && strcmp(id, o->id) == 0) {
		r = p->calls.resource(p->calls.arg, o->kind, a->json);
	} else if (a->r == 0 && (a->status == 404 || a->status == 410)) {
		// Without a deletion that was told, absence means nothing.
		r = o->gone ? p->calls.gone(p->calls.arg, o->kind, o->id) : 0;
	} else {
		r = pick_refused(p, o, a);
	}
	if (p->ended)
		return;
	if (r >= 0)
		r = pick_ask(p, &f);
	if (r < 0)
		pick_end(p, r, f.text[0] ? f.text : fail_word(r), -1);
	else if (p->open == 0)
		pick_end(p, 0, "", -1);
}

static int pick_one(struct pick *p, struct pick_one *o, struct fail *f)
{
	bool user = o->kind == RESOURCE_USER;
	const char *attributes = user ? p->calls.user_attributes : p->calls.group_attributes;
	struct buf b = BUF_INIT;
	int r = buf_printf(&b, "%s/", session_path(p->session, user));

	if (r == 0)
		r = transfer_encode(&b, o->id);
	if (r == 0 && attributes && !session_plain(p->session, user)) {
		r = buf_str(&b, "?attributes=");
		if (r == 0)
			r = transfer_encode(&b, attributes);
	}
	if (r == 0)
		r = session_get(p->session, b.data, true, 0, pick_on_answer, o, &o->call, f);
	buf_free(&b);
	return r;
}

static int pick_ask(struct pick *p, struct fail *f)
{
	while (p->asked < p->count && p->open < PICK_AT_ONCE) {
		int r = pick_one(p, &p->ones[p->asked], f);

		if (r < 0)
			return r;
		p->asked++;
		p->open++;
	}
	return 0;
}

int pick_start(struct session *s, const struct listen_change *list, size_t n,
	       const struct pick_calls *calls, struct pick **out, struct fail *f)
{
	struct pick *p = calloc(1, sizeof(*p));
	int r = 0;

	if (!p)
		return fail(f, ENOMEM, "out of memory");
	p->session = s;
	p->calls = *calls;
	p->ones = calloc(n, sizeof(*p->ones));
	if (!p->ones) {
		free(p);
		return fail(f, ENOMEM, "out of memory");
	}
	for (size_t i = 0; i < n; i++) {
		p->ones[i] = (struct pick_one){
			.p = p, .id = strdup(list[i].id), .kind = list[i].kind, .gone = list[i].gone
		};
		p->count++;
		if (!p->ones[i].id)
			r = fail(f, ENOMEM, "out of memory");
	}
	if (r == 0)
		r = pick_ask(p, f);
	if (r < 0) {
		pick_free(p);
		return r;
	}
	*out = p;
	return 0;
}

void pick_free(struct pick *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->count; i++) {
		session_cancel(p->ones[i].call);
		free(p->ones[i].id);
	}
	free(p->ones);
	free(p);
}
