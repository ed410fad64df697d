// SPDX-License-Identifier: MIT
//
// A small strict reader of JSON; see answer.h.
#include "pam/answer.h"

#include <stdbool.h>
#include <string.h>

#define WORD_MAX 32 // of strings that are compared; longer ones are read over

struct reader {
	const char *p, *end;
	bool bad;
};

// What was found, and whether it was there already.
struct found {
	bool ok, seen_ok, seen_result, seen_answer;
	char answer[WORD_MAX];
};

static void blanks(struct reader *r)
{
	while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r'))
		r->p++;
}

// True when the next byte is that one: it is taken.
static bool take(struct reader *r, char c)
{
	blanks(r);
	if (r->bad || r->p == r->end || *r->p != c)
		return false;
	r->p++;
	return true;
}

static void need(struct reader *r, char c)
{
	if (!take(r, c))
		r->bad = true;
}

static bool hex4(struct reader *r)
{
	for (int i = 0; i < 4; i++, r->p++)
		if (r->p == r->end || !*r->p || !strchr("0123456789abcdefABCDEF", *r->p))
			return false;
	return true;
}

static bool escape(struct reader *r)
{
	if (r->p == r->end || !*r->p || !strchr("\"\\/bfnrtu", *r->p))
		return false;
	return *r->p++ != 'u' || hex4(r);
}

// A string. out gets it if it is plain and fits, else "".
static void string(struct reader *r, char out[WORD_MAX])
{
	bool plain = true;
	size_t n = 0;
	char c;

	out[0] = '\0';
	need(r, '"');
	while (!r->bad) {
		if (r->p == r->end) {
			r->bad = true; // no end
			break;
		}
		c = *r->p++;
		if (c == '"')
			break;
		if ((unsigned char)c < 0x20) {
			r->bad = true;
		} else if (c == '\\') {
			plain = false;
			if (!escape(r))
				r->bad = true;
		} else if (n < WORD_MAX - 1) {
			out[n++] = c;
		} else {
			plain = false;
		}
	}
	out[plain && !r->bad ? n : 0] = '\0';
}

// A number or a word, which only has to be one of those.
static void bare(struct reader *r, char out[WORD_MAX])
{
	size_t n = 0;

	blanks(r);
	while (r->p < r->end && *r->p &&
	       strchr("+-.0123456789abcdefghijklmnopqrstuvwxyzE", *r->p)) {
		if (n == WORD_MAX - 1)
			r->bad = true;
		else
			out[n++] = *r->p;
		r->p++;
	}
	out[n] = '\0';
	if (n == 0 || (out[0] > '9' && strcmp(out, "true") != 0 && strcmp(out, "false") != 0 &&
		       strcmp(out, "null") != 0))
		r->bad = true;
}

// true: it was a string.
static bool scalar(struct reader *r, char out[WORD_MAX])
{
	blanks(r);
	if (r->p < r->end && *r->p == '"') {
		string(r, out);
		return true;
	}
	bare(r, out);
	return false;
}

static void once(struct reader *r, bool *seen)
{
	if (*seen)
		r->bad = true;
	*seen = true;
}

// One object: its members, of which `answer` counts in the inner one and `ok` and
// `result` in the outer one.
static void object(struct reader *r, struct found *f, bool inner)
{
	char key[WORD_MAX], value[WORD_MAX];
	bool text;

	need(r, '{');
	if (take(r, '}'))
		return;
	do {
		string(r, key);
		need(r, ':');
		if (r->bad)
			return;
		if (!inner && strcmp(key, "result") == 0) {
			once(r, &f->seen_result);
			object(r, f, true); // once: `inner` has no further one
			continue;
		}
		text = scalar(r, value);
		if (!inner && strcmp(key, "ok") == 0) {
			once(r, &f->seen_ok);
			f->ok = !text && strcmp(value, "true") == 0;
		} else if (inner && strcmp(key, "answer") == 0) {
			once(r, &f->seen_answer);
			if (text)
				memcpy(f->answer, value, sizeof(value));
		}
	} while (!r->bad && take(r, ','));
	need(r, '}');
}

static bool answer_read(const char *text, size_t len, struct found *f)
{
	struct reader r = { .p = text, .end = text + len, .bad = len == 0 };

	memset(f, 0, sizeof(*f));
	if (!r.bad)
		object(&r, f, false);
	blanks(&r);
	return !r.bad && r.p == r.end && f->ok;
}

bool answer_ok(const char *text, size_t len)
{
	struct found f;

	return answer_read(text, len, &f);
}

enum decide_live answer_live(const char *text, size_t len)
{
	struct found f;

	if (!answer_read(text, len, &f))
		return DECIDE_NO_ANSWER;
	if (strcmp(f.answer, "active") == 0)
		return DECIDE_SAYS_ACTIVE;
	if (strcmp(f.answer, "disabled") == 0)
		return DECIDE_SAYS_DISABLED;
	if (strcmp(f.answer, "gone") == 0)
		return DECIDE_SAYS_GONE;
	return DECIDE_NO_ANSWER;
}
