// SPDX-License-Identifier: MIT
//
// The audit log: append-only JSON lines, each bearing the SHA-256 of the line
// before it, so that a changed or missing line shows. Numbers are big-endian
// keys, hence in order.
#include "scimd/base/buf.h"
#include "scimd/base/clock.h"
#include "scimd/base/fail.h"
#include "scimd/store/internal.h"
#include <endian.h>
#include <stdio.h>
#include <string.h>

static int audit_last(struct store_txn *t, uint64_t *seq_out, char hash_out[DIGEST_HEX])
{
	uint8_t d[DIGEST_LEN] = { 0 };
	MDB_cursor *cur;
	MDB_val k, v;
	uint64_t seq = 0;
	int r = store_errno(mdb_cursor_open(t->txn, store_dbi(t, STORE_AUDIT), &cur));

	if (r < 0)
		return r;
	r = store_errno(mdb_cursor_get(cur, &k, &v, MDB_LAST));
	if (r == 0 && k.mv_size == 8) {
		memcpy(&seq, k.mv_data, 8);
		seq = be64toh(seq);
		r = digest(d, v.mv_data, v.mv_size);
	} else if (r == -ENOENT) {
		r = 0;
	}
	mdb_cursor_close(cur);
	*seq_out = seq;
	digest_hex(hash_out, d);
	return r;
}

int store_audit_add(struct store_txn *t, const char *json)
{
	char before[DIGEST_HEX], at[CLOCK_TEXT];
	uint8_t d[DIGEST_LEN] = { 0 };
	struct buf b = BUF_INIT;
	uint64_t seq, be;
	MDB_val k, v;
	int r = audit_last(t, &seq, before);

	if (r < 0)
		return r;
	if (json[0] != '{' || !json[1])
		return -EINVAL;
	seq++;
	r = buf_printf(&b, "{\"seq\":%llu,\"at\":\"%s\",\"before\":\"%s\"%s%s",
		       (unsigned long long)seq, clock_format(at, clock_wall()), before,
		       json[1] == '}' ? "" : ",", json + 1);
	be = htobe64(seq);
	k = (MDB_val){ 8, &be };
	v = (MDB_val){ b.len, b.data };
	if (r == 0)
		r = store_errno(
			mdb_put(t->txn, store_dbi(t, STORE_AUDIT), &k, &v, MDB_NOOVERWRITE));
	if (r == 0)
		r = digest(d, b.data, b.len);
	digest_hex(before, d);
	// The end of the chain is also kept apart, so that a log cut short shows.
	if (r == 0)
		r = store_state_put(t, "audit-head", before, DIGEST_HEX - 1);
	buf_free(&b);
	return r;
}

// From `from` on, or back from the end: the walk's first move and the others.
static int audit_walk(struct store_txn *t, uint64_t from, MDB_cursor_op first, MDB_cursor_op next,
		      int (*fn)(void *arg, const struct store_audit *a), void *arg)
{
	uint64_t be = htobe64(from);
	MDB_val k = { 8, &be }, v;
	MDB_cursor *cur;
	int r = store_errno(mdb_cursor_open(t->txn, store_dbi(t, STORE_AUDIT), &cur));

	if (r < 0)
		return r;
	for (MDB_cursor_op op = first;; op = next) {
		struct store_audit a;

		r = store_errno(mdb_cursor_get(cur, &k, &v, op));
		if (r < 0)
			break;
		if (k.mv_size != 8) {
			r = -EBADMSG;
			break;
		}
		memcpy(&be, k.mv_data, 8);
		a = (struct store_audit){ be64toh(be), v.mv_data, v.mv_size };
		r = fn(arg, &a);
		if (r != 0)
			break;
	}
	mdb_cursor_close(cur);
	return r == -ENOENT ? 0 : r;
}

int store_audit_each(struct store_txn *t, uint64_t from,
		     int (*fn)(void *arg, const struct store_audit *a), void *arg)
{
	return audit_walk(t, from, MDB_SET_RANGE, MDB_NEXT, fn, arg);
}

int store_audit_back(struct store_txn *t, int (*fn)(void *arg, const struct store_audit *a),
		     void *arg)
{
	return audit_walk(t, 0, MDB_LAST, MDB_PREV, fn, arg);
}

struct audit_check {
	char before[DIGEST_HEX];
	uint64_t count;
};

static int audit_check(void *arg, const struct store_audit *a)
{
	struct audit_check *c = arg;
	uint8_t d[DIGEST_LEN];
	char head[160];
	const char *mark;
	int n;

	n = snprintf(head, sizeof(head), "{\"seq\":%llu,\"at\":\"",
		     (unsigned long long)(c->count + 1));
	if (a->seq != c->count + 1 || a->len < (size_t)n || memcmp(a->line, head, (size_t)n) != 0)
		return -EBADMSG;
	mark = memmem(a->line, a->len, "\",\"before\":\"", 12);
	if (!mark || (size_t)(a->line + a->len - mark) < 12 + DIGEST_HEX ||
	    memcmp(mark + 12, c->before, DIGEST_HEX - 1) != 0)
		return -EBADMSG;
	if (digest(d, a->line, a->len) < 0)
		return -ENOMEM;
	digest_hex(c->before, d);
	c->count++;
	return 0;
}

int store_audit_verify(struct store_txn *t, uint64_t *count_out, uint64_t *bad_out, struct fail *f)
{
	struct audit_check c = { .count = 0 };
	uint8_t zero[DIGEST_LEN] = { 0 };
	const void *kept;
	size_t len;
	int r;

	digest_hex(c.before, zero);
	r = store_audit_each(t, 1, audit_check, &c);
	*count_out = c.count;
	*bad_out = c.count + 1;
	if (r == 0 && store_state_get(t, "audit-head", &kept, &len) == 0 &&
	    (len != DIGEST_HEX - 1 || memcmp(kept, c.before, len) != 0))
		r = -EBADMSG;
	if (r == -EBADMSG)
		return fail(f, EBADMSG, "audit entry %llu is missing or was changed",
			    (unsigned long long)*bad_out);
	return r;
}
