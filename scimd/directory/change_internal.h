// SPDX-License-Identifier: MIT
//
// What change.c (requests), change_save.c (writing a resource) and
// change_member.c (a group's members) share.
#ifndef SCIMD_DIRECTORY_CHANGE_INTERNAL_H
#define SCIMD_DIRECTORY_CHANGE_INTERNAL_H

#include "scimd/base/buf.h"
#include "scimd/directory/change.h"
#include "scimd/directory/db.h"
#include "scimd/directory/feed.h"
#include "scimd/scim/patch.h"

#define CHANGE_NAMED 1000 // ids of a kind in one audit entry; more of them, more entries

// The members of one group while a request changes them.
struct change_members {
	struct store_txn *t;
	struct dir_head group;
	struct buf added, removed; // ids, DIR_ID_LEN bytes each
	struct buf left;           // likewise, of the groups that what is deleted was in itself
	struct scim_patch_list list;
};

void change_members_init(struct change_members *m, struct store_txn *t, const struct dir_head *g);
void change_members_free(struct change_members *m);
// Adds every value of a members list (NULL: none).
int change_members_add(struct change_members *m, struct json_object *members,
		       struct scim_problem *p);
// Who was added as well as removed is neither. To be called when the request has been run.
void change_members_settle(struct change_members *m);
// Makes them exactly those of the list.
int change_members_set(struct change_members *m, struct json_object *members,
		       struct scim_problem *p);

// Writes a resource that was `old` (NULL: new) and is `now`; m NULL for a User.
// head: the old one's, or id, kind and created of a new one; updated.
int change_save(struct store_txn *t, const struct change *c, enum feed_what what,
		struct dir_head *head, struct json_object *old, struct json_object *now,
		const struct change_members *m, struct scim_problem *p);
// { attribute: [before, after] } for what differs; NULL: no memory. Either may be NULL.
struct json_object *change_differences(struct json_object *old, struct json_object *now);
// What has changed, and which members and groups (m NULL: none): as many entries as that
// takes.
int change_audit(struct store_txn *t, const struct change *c, const char *event,
		 const struct dir_head *head, const char *label, struct json_object *changes,
		 const struct change_members *m);
// A group's version and modified, when somebody in it went away.
int change_touch(struct store_txn *t, uint64_t group);

#endif
