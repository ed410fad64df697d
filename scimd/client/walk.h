// SPDX-License-Identifier: MIT
//
// One list, from its first page to its last, and whether it came whole: by number, by
// cursor (RFC 9865) as soon as an answer has one, in SAP's way, or in one answer.
//
// Life: walk_new; walk_start, then calls from the loop, `end` once and last, from where
// the next walk may be started; walk_free at any time but from inside a call.
//
// Whole means: every page was read, walked by what was received to an empty or cursor-less
// page; every page brought something new and began where it was asked to; nothing came
// twice with different contents; not fewer than totalResults where that was given.
//
// A list that is asked for by number slips when somebody goes meanwhile: who was the
// first of the next page is then the last of one that was read already. So a total, or an
// ETag of the whole list, that changes on the way makes such a walk begin anew, a few
// times. A cursor does not slip: what was there all the time was seen, and as many as
// there were at the beginning are enough; fewer make it begin anew if the total changed.
#ifndef SCIMD_CLIENT_WALK_H
#define SCIMD_CLIENT_WALK_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct fail;
struct json_object;
struct session;
struct tags;
struct transfer_answer;
struct walk;

struct walk_list {
	const char *path;       // below the base URL
	const char *filter;     // NULL: none
	const char *attributes; // for attributes=, NULL: not sent
	uint32_t quirks, count;
	bool index_too;    // where a cursor is refused at once, it is asked for by number
	struct tags *tags; // where the tags of this list are kept, NULL: nowhere
	bool users;        // which of its lists
};

enum walk_seen { WALK_NEW = 0, WALK_SAME = 1, WALK_DIFFERENT = 2 };

struct walk_end {
	int r;            // 0: whole
	const char *text; // a sentence, "" when r is 0
	int status;       // of an answer that was no list, 0: there was none
	bool first;       // that was the first page, and the walk had not begun anew
	bool plain;       // it had to do without attributes=
	int64_t retry_after;
};

struct walk_calls {
	void *arg;
	// One resource; whether it was seen before in this walk. < 0 ends it.
	int (*resource)(void *arg, struct json_object *res);
	void (*anew)(void *arg);                // it begins again: nothing was seen yet
	void (*page)(void *arg, int64_t total); // one is done; -1: no total is known
	void (*end)(void *arg, const struct walk_end *e);
};

int walk_new(sd_event *event, struct session *s, struct walk **out);
// Strings are borrowed until the end. A failure to ask is told by `end`, too.
void walk_start(struct walk *w, const struct walk_list *list, const struct walk_calls *calls);
void walk_stop(struct walk *w); // no call comes any more
void walk_free(struct walk *w); // takes NULL

// A sentence for an answer that is none, in the words of whoever reads status: -errno.
int walk_answer(const struct transfer_answer *a, struct fail *f);

#endif
