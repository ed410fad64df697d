// SPDX-License-Identifier: MIT
//
// One directory's answers while they come in: mapped, compared with the store,
// and kept only where they differ.
//
// Life: stage_new at the start of a pull, stage_resource and stage_members for
// every answer, stage_finish when the walk has ended, then the finished stage is
// handed to the worker and is immutable; stage_free. Belongs to one thread at a
// time. Memory: what changed, plus about 60 bytes per resource.
#ifndef SCIMD_AGENT_STAGE_H
#define SCIMD_AGENT_STAGE_H

#include "scimd/base/arena.h"
#include "scimd/base/buf.h"
#include "scimd/base/digest.h"
#include "scimd/base/table.h"
#include "scimd/scim/resource.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fail;
struct json_object;
struct listen_change;
struct mapping;
struct stage_search;
struct store;

struct stage_entry {
	const char *id;
	uint8_t kind;
	bool inactive; // explicit false seen, in any copy of it during the walk
	bool changed;  // differs from the store, or is not in it
	bool known;    // in the store
	bool gone;     // the directory said that it was deleted, and that it is not there
	bool unclear;  // missing, and kept as it was: nobody could say whether it is there
	bool stale;    // the list began anew, and did not have it again
	uint8_t turn;  // of its list, that it came in last
	int64_t modified; // meta.lastModified of the copy that said false, else of the last; CLOCK_NONE if not given
	const void *bytes; // NULL when unchanged
	size_t len;
	uint8_t digest[DIGEST_LEN];
};

struct stage {
	struct arena arena;
	const char *source;            // section name
	const struct mapping *mapping; // borrowed
	struct store *store;           // borrowed
	struct stage_entry *entries;
	size_t count, cap;
	struct table users, groups; // id → index
	struct buf scratch;
	struct stage_search *search;       // for who is missing, while it goes on
	uint8_t turns[RESOURCE_GROUP + 1]; // how often the list of this kind began anew
	bool complete;                     // proven: only then may absence remove
	bool partial;                      // speaks for the ids in it, and for them alone
	bool unchanged;   // empty, and proven to be no other than the last complete one
	uint32_t refused; // resources without a usable id
	uint32_t unclear; // how many stay as they were, since nobody could tell
	char first_refusal[256];
};

int stage_new(const char *source, const struct mapping *m, struct store *s, struct stage **out);
// Takes over one resource: 0 its id is new, 1 it was seen with the same contents,
// 2 with different ones, or -errno. A resource that cannot be mapped is counted
// and named in first_refusal; the walk goes on.
int stage_resource(struct stage *st, uint8_t kind, struct json_object *res);
// The list of this kind begins anew: nothing of it was seen yet, but for who is inactive.
void stage_anew(struct stage *st, uint8_t kind);
struct stage_missing {
	uint64_t users, groups;     // active in the store, but not here
	struct listen_change *list; // who is to be asked for, as gone
	size_t n;
	bool members; // some group of the store has members
};
// Once the lists are through: who is missing, of groups too or of users alone. Where there
// are so many that the brake would hold them whatever is answered, and more than it is fair
// to ask for, they are not in the list. accepted: the brake lets everybody go. Of those who
// are inactive a thousand are in it, the others are kept. Lives as long as the stage.
// A slice at a time: 1, call again; 0, that was the last one, and out is set.
int stage_missing(struct stage *st, bool groups, bool accepted, struct stage_missing *out);
// One of the missing of whom there is no telling: it stays as the store, or an earlier turn
// of the list, has it.
int stage_keep(struct stage *st, uint8_t kind, const char *id);
// The members of a group whose list answer had none (ladder).
int stage_members(struct stage *st, const char *group, const char *const *users, size_t n);
// The same, where nobody could tell: those that the store has.
int stage_members_stay(struct stage *st, const char *group);
// A group whose members could not be taken: it is refused, with that sentence.
int stage_refuse(struct stage *st, const char *group, const char *text);
// One that a partial stage says is deleted.
int stage_gone(struct stage *st, uint8_t kind, const char *id);
int stage_finish(struct stage *st, bool complete, struct fail *f);
void stage_free(struct stage *st);

#endif
