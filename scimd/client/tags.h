// SPDX-License-Identifier: MIT
//
// The ETags of a directory's two lists, so that the next look may ask whether they
// are still what they were. Of use only where the tag of a list covers the whole
// list, whatever page it came with, and all that is in it (QUIRK_LIST_ETAG): the
// tag of a page says nothing of the other pages.
//
// Life: zeroed; tags_first when the first page of a list is asked for (again: the list
// begins anew), tags_page for every page that comes; tags_whole at the end; tags_clear.
// tags_start asks.
#ifndef SCIMD_CLIENT_TAGS_H
#define SCIMD_CLIENT_TAGS_H

#include <stdbool.h>

struct fail;
struct session;

struct tags_list {
	char *path; // that the first page was asked for with; NULL: the list was not
	char *etag; // as it came; NULL: not given, or not one for the whole list
	bool lost;
};

struct tags {
	struct tags_list lists[2]; // groups, users
};

// Whether it is an entity-tag at all, weak or strong (RFC 9110 §8.8.3).
bool tags_valid(const char *etag);
// The weak comparison of RFC 9110 §8.8.3.2.
bool tags_same(const char *a, const char *b);

void tags_first(struct tags *t, bool users, const char *path);
// A page whose tag is not that of the first one: the tag is of no list, or the list is
// no more what it was. False then.
bool tags_page(struct tags *t, bool users, const char *etag);
void tags_lost(struct tags *t);        // something was asked for that no list's tag covers
bool tags_whole(const struct tags *t); // every list that was asked for has one
void tags_move(struct tags *to, struct tags *from);
void tags_clear(struct tags *t);

struct tags_ask;
// Asks for the first page of every list unless it is still what bore its tag; one
// that is not, and every other answer, ends it with same = false. Tried once: who
// gets no answer has the usual walk to find out why. end comes once, from the loop,
// and may free the asking.
int tags_start(struct session *s, const struct tags *t, void (*end)(void *arg, bool same),
	       void *arg, struct tags_ask **out, struct fail *f);
void tags_free(struct tags_ask *k); // takes NULL

#endif
