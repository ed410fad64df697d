// SPDX-License-Identifier: MIT
//
// The index of values and the register of numbers; see db.h. A further indexed
// attribute is a row in index_rows.
#include "scimd/base/digest.h"
#include "scimd/directory/db.h"
#include "scimd/scim/json.h"
#include "scimd/scim/text.h"
#include <errno.h>
#include <json-c/json.h>
#include <scimd/account.h>
#include <stdlib.h>
#include <string.h>

#define INDEX_HASH 16
#define INDEX_LEN (2 + INDEX_HASH + 8)

static const struct index_row {
	uint8_t kind;
	enum dir_key key;
	const char *attribute;
	const char *sub; // of a list of complex values; NULL: a string
} index_rows[] = {
	{ RESOURCE_USER, DIR_KEY_USER_NAME, "userName", NULL },
	{ RESOURCE_USER, DIR_KEY_EXTERNAL_ID, "externalId", NULL },
	{ RESOURCE_USER, DIR_KEY_DISPLAY, "displayName", NULL },
	{ RESOURCE_USER, DIR_KEY_EMAIL, "emails", "value" },
	{ RESOURCE_GROUP, DIR_KEY_DISPLAY, "displayName", NULL },
	{ RESOURCE_GROUP, DIR_KEY_EXTERNAL_ID, "externalId", NULL },
};

// Values that differ only in case or in how a letter is composed are one
// (RFC 7643 §2.2 caseExact=false), externalId apart (§3.1).
static int index_prefix(uint8_t kind, enum dir_key key, const char *value,
			unsigned char out[2 + INDEX_HASH])
{
	char *folded = key == DIR_KEY_EXTERNAL_ID ? NULL : scim_text_fold(value);
	const char *text = folded ? folded : value;
	uint8_t d[DIGEST_LEN];
	int r = digest(d, text, strlen(text));

	free(folded);
	out[0] = kind;
	out[1] = (unsigned char)key;
	memcpy(out + 2, d, INDEX_HASH);
	return r;
}

static int index_value(struct store_txn *t, const struct index_row *row, uint64_t seq,
		       const char *value, bool add)
{
	unsigned char key[INDEX_LEN];
	int r = index_prefix(row->kind, row->key, value, key);

	if (r < 0)
		return r;
	store_be(key + 2 + INDEX_HASH, seq);
	if (add)
		return store_put(t, DIR_KEY, (struct store_bytes){ key, INDEX_LEN },
				 (struct store_bytes){ "", 0 });
	r = store_drop(t, DIR_KEY, (struct store_bytes){ key, INDEX_LEN });
	return r == -ENOENT ? 0 : r; // one value twice in a list is one entry
}

static int index_side(struct store_txn *t, const struct index_row *row, uint64_t seq,
		      struct json_object *v, bool add)
{
	const char *text;
	int r = 0;

	if (!row->sub) {
		text = json_string(v);
		return text ? index_value(t, row, seq, text, add) : 0;
	}
	if (!json_object_is_type(v, json_type_array))
		return 0;
	for (size_t i = 0; r == 0 && i < json_object_array_length(v); i++) {
		text = json_string(json_member(json_object_array_get_idx(v, i), row->sub));
		if (text)
			r = index_value(t, row, seq, text, add);
	}
	return r;
}

int dir_index(struct store_txn *t, uint8_t kind, uint64_t seq, struct json_object *old,
	      struct json_object *now)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(index_rows) / sizeof(*index_rows); i++) {
		const struct index_row *row = &index_rows[i];
		struct json_object *was, *is;

		if (row->kind != kind)
			continue;
		was = json_member(old, row->attribute);
		is = json_member(now, row->attribute);
		if (json_object_equal(was, is))
			continue;
		r = index_side(t, row, seq, was, false);
		if (r == 0)
			r = index_side(t, row, seq, is, true);
	}
	return r;
}

int dir_index_each(struct store_txn *t, uint8_t kind, enum dir_key key, const char *value,
		   int (*fn)(void *arg, uint64_t seq), void *arg)
{
	unsigned char from[2 + INDEX_HASH];
	struct store_bytes k;
	struct store_walk *w;
	int r = index_prefix(kind, key, value, from);

	if (r == 0)
		r = store_walk_open(t, DIR_KEY, &w);
	if (r < 0)
		return r;
	r = store_walk_seek(w, (struct store_bytes){ from, sizeof(from) }, &k, NULL);
	while (r == 0 && k.len == INDEX_LEN && memcmp(k.data, from, sizeof(from)) == 0) {
		r = fn(arg, store_number((const char *)k.data + sizeof(from)));
		if (r == 0)
			r = store_walk_next(w, &k, NULL);
	}
	store_walk_close(w);
	return r == -ENOENT ? 0 : r;
}

static int number_register(struct store_txn *t, uint32_t n, uint8_t kind,
			   const uint8_t id[DIR_ID_LEN])
{
	unsigned char key[8], who[1 + DIR_ID_LEN];

	store_be(key, n);
	who[0] = kind;
	memcpy(who + 1, id, DIR_ID_LEN);
	return store_add(t, DIR_NUMBER, (struct store_bytes){ key, 8 },
			 (struct store_bytes){ who, sizeof(who) });
}

int dir_number_take(struct store_txn *t, uint32_t wanted, uint8_t kind,
		    const uint8_t id[DIR_ID_LEN], uint32_t *out)
{
	uint64_t next;
	int r;

	if (wanted) {
		if (account_id_reserved(wanted) || wanted == ACCOUNT_PROBE_ID)
			return -ERANGE;
		r = number_register(t, wanted, kind, id);
		if (r == 0)
			*out = wanted;
		return r;
	}
	r = dir_counter(t, "number", &next);
	if (r < 0)
		return r;
	if (next < ACCOUNT_HASH_FIRST)
		next = ACCOUNT_HASH_FIRST;
	do {
		if (next > ACCOUNT_HASH_LAST)
			return -ENOSPC;
		r = number_register(t, (uint32_t)next, kind, id);
		*out = (uint32_t)next++;
	} while (r == -EEXIST);
	return r < 0 ? r : dir_counter_put(t, "number", next);
}
