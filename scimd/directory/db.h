// SPDX-License-Identifier: MIT
//
// What lies in scim-directory's store, and the only code that knows its bytes.
//
//   user, group  seq → struct dir_head, label, JSON of the resource
//   id           SCIM id (16 bytes) → kind, seq
//   key          kind, attribute, SHA-256/128 of the value, seq → nothing
//   member       group seq, member seq → kind, id of the member
//   member-of    member seq, group seq → nothing
//   number       uid or gid → kind, id of who was ever given it; never shrinks
//   token        SHA-256 of the secret → what it may (token.h)
//   feed         event number → event (feed.h)
//   stream       token and receiver → how far it has read (feed.h)
//
// seq is one counter for users and groups, so every walk is in order of creation,
// and a place in it stays a place whatever is written. The JSON is what scim_accept
// makes: no id, no meta, no groups, no members; those are put in when it is rendered.
//
// All return 0 or -errno; -ENOENT: not there. Pointers live as store/raw.h says.
#ifndef SCIMD_DIRECTORY_DB_H
#define SCIMD_DIRECTORY_DB_H

#include "scimd/scim/resource.h"
#include "scimd/store/raw.h"

struct json_object;
struct scim_resource_type;

enum dir_db {
	DIR_USER = STORE_RAW,
	DIR_GROUP,
	DIR_ID,
	DIR_KEY,
	DIR_MEMBER,
	DIR_MEMBER_OF,
	DIR_NUMBER,
	DIR_TOKEN,
	DIR_FEED,
	DIR_STREAM,
};
extern const char *const dir_databases[]; // for store_options

#define DIR_ID_LEN 16
#define DIR_ID_TEXT 37 // as a UUID, with the NUL

struct dir_head {
	uint8_t id[DIR_ID_LEN];
	uint64_t seq;
	int64_t created, modified; // wall, ms
	uint64_t version;
	uint32_t number; // uid or gid
	uint16_t label_len;
	uint8_t kind; // enum resource_kind
	uint8_t active;
};

struct dir_record {
	struct dir_head head;
	const char *label; // userName or displayName, label_len bytes
	const char *json;
	size_t json_len;
};

static inline enum dir_db dir_of(uint8_t kind)
{
	return kind == RESOURCE_USER ? DIR_USER : DIR_GROUP;
}
const struct scim_resource_type *dir_type(uint8_t kind);

int dir_id_new(uint8_t id[DIR_ID_LEN]); // random
void dir_id_text(char out[DIR_ID_TEXT], const uint8_t id[DIR_ID_LEN]);
int dir_id_parse(const char *text, uint8_t id[DIR_ID_LEN]); // -ENOENT: not of ours

int dir_get(struct store_txn *t, uint8_t kind, uint64_t seq, struct dir_record *out);
// By SCIM id; kind 0: either.
int dir_find(struct store_txn *t, uint8_t kind, const char *id, struct dir_record *out);
int dir_decode(struct store_bytes value, struct dir_record *out); // -EBADMSG
int dir_put(struct store_txn *t, const struct dir_record *r);
// The JSON parsed; NULL: damaged or no memory.
struct json_object *dir_json(const struct dir_record *r);

// A counter kept in `state`, 0 when new.
int dir_counter(struct store_txn *t, const char *name, uint64_t *out);
int dir_counter_put(struct store_txn *t, const char *name, uint64_t v);
int dir_counter_next(struct store_txn *t, const char *name, uint64_t *out); // adds one

// ------------------------------------------------------------ members
int dir_member_add(struct store_txn *t, uint64_t group, const struct dir_head *member); // -EEXIST
int dir_member_drop(struct store_txn *t, uint64_t group, uint64_t member);
int dir_member_get(struct store_txn *t, uint64_t group, uint64_t member); // whether it is in it
struct dir_member {
	uint64_t seq;
	uint8_t kind;
	const uint8_t *id;
};
// fn returns 0 to go on, anything else ends the walk and is returned.
int dir_member_each(struct store_txn *t, uint64_t group,
		    int (*fn)(void *arg, const struct dir_member *m), void *arg);
// The groups that somebody is directly in.
int dir_member_of(struct store_txn *t, uint64_t member, int (*fn)(void *arg, uint64_t group),
		  void *arg);

// -------------------------------------------------------------- index
enum dir_key { DIR_KEY_USER_NAME = 1, DIR_KEY_EXTERNAL_ID, DIR_KEY_DISPLAY, DIR_KEY_EMAIL };

// Brings the index from one version of the JSON (NULL: none) to the next (NULL: none).
int dir_index(struct store_txn *t, uint8_t kind, uint64_t seq, struct json_object *old,
	      struct json_object *now);
// Those whose attribute has this value (without regard to case, but for externalId).
int dir_index_each(struct store_txn *t, uint8_t kind, enum dir_key key, const char *value,
		   int (*fn)(void *arg, uint64_t seq), void *arg);

// ------------------------------------------------------------- numbers
// Takes `wanted` (0: the next free one) for id. -EEXIST: it was given before,
// -ERANGE: reserved, -ENOSPC: none is left.
int dir_number_take(struct store_txn *t, uint32_t wanted, uint8_t kind,
		    const uint8_t id[DIR_ID_LEN], uint32_t *out);

#endif
