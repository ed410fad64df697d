// SPDX-License-Identifier: MIT
//
// What pull.c, discover.c and ladder.c share; nobody else includes this.
#ifndef SCIMD_CLIENT_PULL_INTERNAL_H
#define SCIMD_CLIENT_PULL_INTERNAL_H

#include "scimd/base/arena.h"
#include "scimd/base/buf.h"
#include "scimd/base/table.h"
#include "scimd/client/pick.h"
#include "scimd/client/pull.h"
#include "scimd/client/session.h"
#include "scimd/client/tags.h"
#include "scimd/client/walk.h"
#include "scimd/scim/message.h"

enum pull_stage { PULL_DISCOVERY, PULL_USERS, PULL_GROUPS, PULL_MISSING, PULL_MEMBERS };

struct pull_group {
	char *id;
	bool has_members; // in the list
	bool lacks;       // it is in the list, but GET does not find it
};

struct pull {
	struct session *session;
	struct pull_calls calls;
	struct session_call *call;
	struct walk *walk;
	struct pick *pick;
	sd_event_source *deadline, *search;
	int no_groups; // the status that says so, 0: there are groups
	enum pull_stage stage;
	bool ended, waits;
	uint32_t quirks, count;
	bool index_too; // cursors are offered, but are not the only way
	struct tags tags;
	uint64_t users, groups, asked;
	int64_t total;

	// the deadline
	uint64_t began, requests; // CLOCK_MONOTONIC; that are to be expected
	uint32_t seconds;
	bool expected; // those of the list at hand are

	// the ladder
	struct pull_group *list;
	size_t list_count, list_cap, rung_at, lacking; // lacking: the last group that was not found
	bool any_members, by_filter, get_gave, get_found, get_lacks, ignored, said, had_members;
	struct arena arena; // of one group:
	struct table seen;  // ids that came
	const char **found; // members
	size_t found_count, found_cap;
	struct buf filter;
};

void pull_end(struct pull *p, int err, int64_t retry_after, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void pull_tell(struct pull *p);
void pull_refused(struct pull *p, const char *what, const struct transfer_answer *a);
void pull_expect(struct pull *p, uint64_t requests); // so many more, that take their time
void pull_time(struct pull *p, uint64_t requests);   // its time begins anew, for so many
void pull_walk(struct pull *p);                      // the lists, once the directory is known

void discover_start(struct pull *p); // ends in pull_walk

int ladder_group(struct pull *p, struct json_object *group); // remembers one of the list
void ladder_clear(struct pull *p);                           // forgets them
void ladder_start(struct pull *p);
void ladder_free(struct pull *p);

#endif
