// SPDX-License-Identifier: MIT
//
// The ETags of lists; see tags.h.
#include "scimd/client/tags.h"
#include "scimd/base/fail.h"
#include "scimd/client/session.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *tags_opaque(const char *etag)
{
	return strncmp(etag, "W/", 2) == 0 ? etag + 2 : etag;
}

bool tags_valid(const char *etag)
{
	const char *c = etag ? tags_opaque(etag) : "";

	if (*c++ != '"')
		return false;
	while ((unsigned char)*c > ' ' && *c != '"' && *c != 0x7f)
		c++;
	return c[0] == '"' && c[1] == '\0';
}

bool tags_same(const char *a, const char *b)
{
	return strcmp(tags_opaque(a), tags_opaque(b)) == 0;
}

static void tags_list_clear(struct tags_list *l)
{
	free(l->path);
	free(l->etag);
	*l = (struct tags_list){ 0 };
}

void tags_first(struct tags *t, bool users, const char *path)
{
	struct tags_list *l = &t->lists[users];

	tags_list_clear(l);
	l->path = strdup(path);
	l->lost = !l->path;
}

bool tags_page(struct tags *t, bool users, const char *etag)
{
	struct tags_list *l = &t->lists[users];
	bool other = l->etag && tags_valid(etag) && !tags_same(l->etag, etag);

	if (!l->path || l->lost)
		return true;
	if (!tags_valid(etag) || other)
		l->lost = true;
	else if (!l->etag)
		l->lost = !(l->etag = strdup(etag));
	return !other;
}

void tags_lost(struct tags *t)
{
	t->lists[0].lost = t->lists[1].lost = true;
}

bool tags_whole(const struct tags *t)
{
	for (int i = 0; i < 2; i++)
		if (t->lists[i].lost || (t->lists[i].path && !t->lists[i].etag))
			return false;
	return t->lists[1].etag;
}

void tags_move(struct tags *to, struct tags *from)
{
	tags_clear(to);
	*to = *from;
	*from = (struct tags){ 0 };
}

void tags_clear(struct tags *t)
{
	tags_list_clear(&t->lists[0]);
	tags_list_clear(&t->lists[1]);
}

// ------------------------------------------------------------------- asking

struct tags_ask {
	struct session *session;
	const struct tags *tags;
	struct session_call *call;
	int at; // the list that is asked for
	void (*end)(void *arg, bool same);
	void *arg;
};

static int tags_next(struct tags_ask *k, struct fail *f);

static void tags_on_answer(void *arg, const struct transfer_answer *a)
{
	struct tags_ask *k = arg;
	const struct tags_list *l = &k->tags->lists[k->at];
	struct fail f = { "" };
	bool same;

	k->call = NULL;
	// A 304 repeats the tag (RFC 9110 §15.4.5); with another one it speaks of something else.
	same = a->r == 0 && a->status == 304 && (!a->etag || tags_same(a->etag, l->etag));
	if (same && k->at > 0) {
		k->at--;
		if (!k->tags->lists[k->at].path)
			;
		else if (tags_next(k, &f) == 0)
			return;
		else
			same = false;
	}
	k->end(k->arg, same); // k may be gone
}

static int tags_next(struct tags_ask *k, struct fail *f)
{
	const struct tags_list *l = &k->tags->lists[k->at];

	return session_get_new(k->session, l->path, l->etag, false, 0, tags_on_answer, k, &k->call,
			       f);
}

int tags_start(struct session *s, const struct tags *t, void (*end)(void *arg, bool same),
	       void *arg, struct tags_ask **out, struct fail *f)
{
	struct tags_ask *k;
	int r;

	if (!tags_whole(t))
		return fail(f, ENOENT, "no list has an ETag");
	k = calloc(1, sizeof(*k));
	if (!k)
		return fail(f, ENOMEM, "out of memory");
	*k = (struct tags_ask){ .session = s, .tags = t, .at = 1, .end = end, .arg = arg };
	r = session_begin(s, f);
	if (r == 0)
		r = tags_next(k, f);
	if (r < 0) {
		tags_free(k);
		return r;
	}
	*out = k;
	return 0;
}

void tags_free(struct tags_ask *k)
{
	if (!k)
		return;
	session_cancel(k->call);
	free(k);
}
