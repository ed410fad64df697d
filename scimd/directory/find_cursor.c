// SPDX-License-Identifier: MIT
//
// Cursors (RFC 9865): where the next page begins, signed together with the query it
// belongs to. They say who stands there, not how many stand before, so that it stays
// the same place whatever is written in between.
//
//   kind (1 digit), seq (16), count (8), what that one was sorted by (JSON, two digits a
//   byte), signature (32)
#include "scimd/base/buf.h"
#include "scimd/base/digest.h"
#include "scimd/directory/find_internal.h"
#include "scimd/scim/filter.h"
#include "scimd/scim/problem.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#define CURSOR_PLACE 17
#define CURSOR_HEAD (CURSOR_PLACE + 8)
#define CURSOR_SIGN 32

static int cursor_sign(struct store_txn *t, const struct find_query *q, const char *place,
		       size_t len, char out[DIGEST_HEX])
{
	const char *filter = q->filter ? scim_filter_text(q->filter) : "";
	const char *by = q->sort_by ? q->sort_by : "";
	const void *secret;
	uint8_t d[DIGEST_LEN];
	size_t secret_len;
	int r = store_state_get(t, "cursor-secret", &secret, &secret_len);

	if (r == 0) {
		const struct digest_part parts[] = {
			{ secret, secret_len }, { &len, sizeof(len) },
			{ place, len },         { filter, strlen(filter) + 1 },
			{ by, strlen(by) + 1 }, { &q->descending, 1 },
			{ &q->kind, 1 }
		};

		r = digest_parts(d, parts, sizeof(parts) / sizeof(*parts));
	}
	if (r < 0)
		return r;
	digest_hex(out, d);
	out[CURSOR_SIGN] = '\0';
	return 0;
}

int find_cursor_make(struct store_txn *t, const struct find_query *q, const struct find_mark *m,
		     struct buf *out)
{
	const char *by = m->by ? json_object_to_json_string_ext(m->by, JSON_C_TO_STRING_PLAIN) : "";
	char sign[DIGEST_HEX];
	int r = by ? buf_printf(out, "%x%016llx%08x", m->kind, (unsigned long long)m->seq,
				(uint32_t)q->count)
		   : -ENOMEM;

	for (; r == 0 && *by; by++)
		r = buf_printf(out, "%02x", (unsigned char)*by);
	if (r == 0)
		r = cursor_sign(t, q, buf_text(out), out->len, sign);
	return r == 0 ? buf_str(out, sign) : r;
}

static int cursor_digit(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

static uint64_t cursor_number(const char *text, size_t len)
{
	uint64_t n = 0;

	for (size_t i = 0; i < len; i++)
		n = n << 4 | (uint64_t)cursor_digit(text[i]);
	return n;
}

// What find_cursor_make wrote, and nobody else: the signature has been looked at.
static int cursor_place(const char *text, size_t len, struct find_mark *m)
{
	struct buf by = BUF_INIT;
	int r = 0;

	m->kind = (uint8_t)cursor_digit(text[0]);
	m->seq = cursor_number(text + 1, CURSOR_PLACE - 1);
	for (size_t i = CURSOR_HEAD; r == 0 && i + 1 < len; i += 2)
		r = buf_chr(&by, (char)(cursor_digit(text[i]) << 4 | cursor_digit(text[i + 1])));
	if (r == 0 && by.len) {
		m->by = json_tokener_parse(buf_text(&by));
		r = m->by ? 0 : -ENOMEM;
	}
	buf_free(&by);
	return r;
}

int find_cursor_read(struct store_txn *t, const struct find_query *q, struct find_mark *m,
		     struct scim_problem *p)
{
	size_t len = strlen(q->cursor), place = len - CURSOR_SIGN;
	char sign[DIGEST_HEX];
	int r;

	*m = (struct find_mark){ 0 };
	if (len == 0)
		return 0;
	r = len < CURSOR_HEAD + CURSOR_SIGN ? 0 : cursor_sign(t, q, q->cursor, place, sign);
	if (r < 0)
		return r;
	if (len < CURSOR_HEAD + CURSOR_SIGN || strcmp(sign, q->cursor + place) != 0)
		return scim_problem(p, 400, "invalidCursor",
				    "this cursor is not from an answer to this very query");
	if (cursor_number(q->cursor + CURSOR_PLACE, CURSOR_HEAD - CURSOR_PLACE) !=
	    (uint32_t)q->count)
		return scim_problem(p, 400, "invalidCount",
				    "count is another one than when the list was begun");
	return cursor_place(q->cursor, place, m);
}
