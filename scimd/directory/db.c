// SPDX-License-Identifier: MIT
//
// Records, ids and counters; see db.h.
#include "scimd/directory/db.h"
#include "scimd/scim/schema.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

const char *const dir_databases[] = { "user",   "group", "id",   "key",    "member", "member-of",
				      "number", "token", "feed", "stream", NULL };

const struct scim_resource_type *dir_type(uint8_t kind)
{
	return kind == RESOURCE_USER ? &scim_type_user : &scim_type_group;
}

int dir_id_new(uint8_t id[DIR_ID_LEN])
{
	if (getrandom(id, DIR_ID_LEN, 0) != DIR_ID_LEN)
		return -EIO;
	id[6] = (uint8_t)((id[6] & 0x0f) | 0x40); // RFC 9562: version 4
	id[8] = (uint8_t)((id[8] & 0x3f) | 0x80);
	return 0;
}

static bool id_dash(size_t i)
{
	return i == 4 || i == 6 || i == 8 || i == 10;
}

void dir_id_text(char out[DIR_ID_TEXT], const uint8_t id[DIR_ID_LEN])
{
	static const char hex[] = "0123456789abcdef";
	char *p = out;

	for (size_t i = 0; i < DIR_ID_LEN; i++) {
		if (id_dash(i))
			*p++ = '-';
		*p++ = hex[id[i] >> 4];
		*p++ = hex[id[i] & 15];
	}
	*p = '\0';
}

static int id_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int dir_id_parse(const char *text, uint8_t id[DIR_ID_LEN])
{
	if (strnlen(text, DIR_ID_TEXT) != DIR_ID_TEXT - 1)
		return -ENOENT;
	for (size_t i = 0; i < DIR_ID_LEN; i++) {
		int high, low;

		if (id_dash(i) && *text++ != '-')
			return -ENOENT;
		high = id_digit(*text++);
		low = id_digit(*text++);
		if (high < 0 || low < 0)
			return -ENOENT;
		id[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

int dir_decode(struct store_bytes value, struct dir_record *out)
{
	const char *p = value.data;

	if (value.len < sizeof(out->head))
		return -EBADMSG;
	memcpy(&out->head, p, sizeof(out->head));
	if (value.len - sizeof(out->head) < out->head.label_len)
		return -EBADMSG;
	out->label = p + sizeof(out->head);
	out->json = out->label + out->head.label_len;
	out->json_len = value.len - sizeof(out->head) - out->head.label_len;
	return out->json_len >= 2 ? 0 : -EBADMSG;
}

int dir_get(struct store_txn *t, uint8_t kind, uint64_t seq, struct dir_record *out)
{
	unsigned char key[8];
	struct store_bytes v;
	int r;

	store_be(key, seq);
	r = store_get(t, dir_of(kind), (struct store_bytes){ key, 8 }, &v);
	return r < 0 ? r : dir_decode(v, out);
}

int dir_find(struct store_txn *t, uint8_t kind, const char *id, struct dir_record *out)
{
	uint8_t raw[DIR_ID_LEN];
	struct store_bytes v;
	const uint8_t *p;
	int r = dir_id_parse(id, raw);

	if (r == 0)
		r = store_get(t, DIR_ID, (struct store_bytes){ raw, DIR_ID_LEN }, &v);
	if (r < 0)
		return r;
	if (v.len != 9)
		return -EBADMSG;
	p = v.data;
	if (kind && p[0] != kind)
		return -ENOENT;
	return dir_get(t, p[0], store_number(p + 1), out);
}

int dir_put(struct store_txn *t, const struct dir_record *r)
{
	size_t len = sizeof(r->head) + r->head.label_len + r->json_len;
	unsigned char key[8], *bytes = malloc(len), ref[9];
	unsigned char *p = bytes;
	int rc;

	if (!bytes)
		return -ENOMEM;
	p = mempcpy(p, &r->head, sizeof(r->head));
	p = mempcpy(p, r->label, r->head.label_len);
	memcpy(p, r->json, r->json_len);
	store_be(key, r->head.seq);
	ref[0] = r->head.kind;
	memcpy(ref + 1, key, 8);
	rc = store_put(t, dir_of(r->head.kind), (struct store_bytes){ key, 8 },
		       (struct store_bytes){ bytes, len });
	if (rc == 0)
		rc = store_put(t, DIR_ID, (struct store_bytes){ r->head.id, DIR_ID_LEN },
			       (struct store_bytes){ ref, sizeof(ref) });
	free(bytes);
	return rc;
}

struct json_object *dir_json(const struct dir_record *r)
{
	struct json_tokener *tok = json_tokener_new();
	struct json_object *o = NULL;

	if (!tok || r->json_len > INT32_MAX)
		goto out;
	o = json_tokener_parse_ex(tok, r->json, (int)r->json_len);
	if (json_tokener_get_error(tok) != json_tokener_success) {
		json_object_put(o);
		o = NULL;
	}
out:
	if (tok)
		json_tokener_free(tok);
	return o;
}

int dir_counter(struct store_txn *t, const char *name, uint64_t *out)
{
	const void *data;
	size_t len;
	int r = store_state_get(t, name, &data, &len);

	*out = 0;
	if (r == -ENOENT)
		return 0;
	if (r == 0 && len != 8)
		r = -EBADMSG;
	if (r == 0)
		*out = store_number(data);
	return r;
}

int dir_counter_put(struct store_txn *t, const char *name, uint64_t v)
{
	unsigned char bytes[8];

	store_be(bytes, v);
	return store_state_put(t, name, bytes, sizeof(bytes));
}

int dir_counter_next(struct store_txn *t, const char *name, uint64_t *out)
{
	int r = dir_counter(t, name, out);

	return r < 0 ? r : dir_counter_put(t, name, ++*out);
}
