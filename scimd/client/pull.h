// SPDX-License-Identifier: MIT
//
// A whole walk of a directory: its configuration, its users, its groups, those whom the
// lists lack, and the members that the groups' list did not have. Says at the end whether
// the walk proved complete; only then may absence mean anything.
//
// Life: pull_start; callbacks come from the loop, `end` once and last; pull_free
// at any time before that, or after. One walk per session at a time.
//
// Complete means: both lists came whole (walk.h); whoever is known and in neither was
// asked for by id, and is there (and then comes as the others do), is not found, or stays
// as it was where the answer about that one is neither; every group's members were told; and all that in a time that is no more than needed.
#ifndef SCIMD_CLIENT_PULL_H
#define SCIMD_CLIENT_PULL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct fail;
struct json_object;
struct listen_change;
struct pull;
struct session;
struct tags;

struct pull_progress {
	const char *stage; // "discovery" "users" "groups" "missing" "members"
	uint64_t users, groups;
	uint64_t asked; // of the missing
	int64_t total;  // of the list at hand, or of the missing; -1 unknown
};

struct pull_missing {
	uint64_t users, groups;     // known, and not in the lists
	struct listen_change *list; // those of them who must be asked for, until the end
	size_t n;
	bool members;  // some group that is known has members
	bool accepted; // that they are gone, if they are
};

struct pull_result {
	int r;               // 0: complete
	const char *text;    // a sentence, "" when r is 0
	int64_t retry_after; // seconds the server asked for, -1
	uint64_t users, groups;
	struct tags *tags; // of the lists, to be moved from; NULL: none to rely on
};

struct pull_calls {
	void *arg;
	const char *user_attributes, *group_attributes; // for attributes=, NULL: not sent
	// Only those who are disabled: /Users?filter=active eq false. -EOPNOTSUPP where
	// the directory has no such filter, or does not honour it.
	bool disabled_only;
	uint32_t seconds; // until the next walk is due: so long this one may take, or half an hour
	// Whether the directory has events to poll for, once known and before the lists;
	// NULL: nobody asks. True: the walk waits for pull_go.
	bool (*provider)(void *arg, bool events);
	// One resource; the answer (enum walk_seen) says whether its id was seen before.
	// < 0 ends the walk.
	int (*resource)(void *arg, uint8_t kind, struct json_object *res);
	// The list begins again: none of it was seen before. NULL: nobody wants to know.
	void (*anew)(void *arg, uint8_t kind);
	// Who is missing, of groups too or of users alone; 1: not all yet, it is asked again.
	// NULL: nobody is known.
	int (*missing)(void *arg, bool groups, struct pull_missing *out);
	// One of the missing, of whom there is no telling: it stays as it was. Text is why.
	int (*unclear)(void *arg, uint8_t kind, const char *id, const char *text);
	int (*members)(void *arg, const char *group, const char *const *users, size_t n);
	// A group whose members nobody could tell: it has those that it had. Text is why.
	int (*stay)(void *arg, const char *group, const char *text);
	// A group whose members are more than an answer may have: text says so.
	int (*refuse)(void *arg, const char *group, const char *text);
	void (*progress)(void *arg, const struct pull_progress *p);
	void (*end)(void *arg, const struct pull_result *r);
};

int pull_start(sd_event *event, struct session *s, const struct pull_calls *calls,
	       struct pull **out, struct fail *f);
void pull_go(struct pull *p);   // takes NULL; nothing when it does not wait
void pull_free(struct pull *p); // takes NULL

#endif
