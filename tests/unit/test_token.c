// SPDX-License-Identifier: MIT
//
// Tokens: random, found by their secret only, of one name twice, expired to the
// millisecond, refused once revoked; the store and the audit log hold no secret.
#include "scimd/base/buf.h"
#include "scimd/base/clock.h"
#include "scimd/base/fail.h"
#include "scimd/directory/db.h"
#include "scimd/directory/token.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64];
static struct store *store;

static int setup(void **state)
{
	const struct store_options o = { .databases = dir_databases };
	struct fail f = { "" };

	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/scimd-token.XXXXXX");
	return mkdtemp(dir) ? store_open(dir, &o, &store, NULL, &f) : -1;
}

static int teardown(void **state)
{
	static const char *const names[] = { "data.mdb", "lock.mdb", "lock", "reserve" };
	char path[96];

	(void)state;
	store_close(store);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		(void)unlink(path);
	}
	return rmdir(dir);
}

struct wish {
	const char *name;
	enum token_scope scope;
	int64_t expires;
	char secret[TOKEN_TEXT];
	unsigned int count;
	struct token token;
	int64_t now;
};

static int make_one(struct store_txn *t, void *arg, struct fail *f)
{
	struct wish *w = arg;

	return token_create(t, "tester", w->name, w->scope, w->expires, w->secret, f);
}

static int make(struct wish *w)
{
	struct fail f = { "" };

	return store_apply(store, make_one, w, &f);
}

static int revoke_one(struct store_txn *t, void *arg, struct fail *f)
{
	struct wish *w = arg;

	(void)f;
	return token_revoke(t, "tester", w->name, &w->count);
}

static int used_one(struct store_txn *t, void *arg, struct fail *f)
{
	struct wish *w = arg;

	(void)f;
	return token_used(t, &w->token, w->now);
}

static int check(const char *secret, int64_t now, struct token *out)
{
	struct store_txn *t;
	int r = store_view(store, &t, NULL);

	assert_int_equal(r, 0);
	r = token_check(t, secret, now, out);
	store_view_end(t);
	return r;
}

static void a_token_is_known_by_its_whole_secret_only(void **state)
{
	struct wish a = { .name = "okta", .scope = TOKEN_WRITE }, b = a;
	struct token k;
	char other[TOKEN_TEXT];

	(void)state;
	assert_int_equal(make(&a), 0);
	assert_int_equal(make(&b), 0);
	assert_string_not_equal(a.secret, b.secret);
	assert_int_equal(strlen(a.secret), TOKEN_TEXT - 2); // 6 and 64: 256 bits
	assert_int_equal(check(a.secret, clock_wall(), &k), 0);
	assert_string_equal(k.name, "okta");
	assert_int_equal(k.scope, TOKEN_WRITE);
	assert_int_equal(k.used, 0);
	for (size_t i = 0; i < strlen(a.secret); i++) {
		memcpy(other, a.secret, sizeof(other));
		other[i] = other[i] == 'a' ? 'b' : 'a';
		assert_int_equal(check(other, clock_wall(), &k), -ENOENT);
		memcpy(other, a.secret, sizeof(other));
		other[i] = '\0';
		assert_int_equal(check(other, clock_wall(), &k), -ENOENT);
	}
	(void)snprintf(other, sizeof(other), "%sx", a.secret);
	assert_int_equal(check(other, clock_wall(), &k), -ENOENT);
}

static void names_and_times_that_make_no_sense_are_refused(void **state)
{
	static const char *const names[] = { "", "a b", "a/b", "ä", "a\n", "\"", NULL };
	struct wish w = { .scope = TOKEN_READ };
	char longest[TOKEN_NAME + 1];

	(void)state;
	for (size_t i = 0; names[i]; i++) {
		w.name = names[i];
		assert_int_equal(make(&w), -EINVAL);
	}
	memset(longest, 'n', sizeof(longest));
	longest[TOKEN_NAME] = '\0';
	w.name = longest;
	assert_int_equal(make(&w), -EINVAL);
	longest[TOKEN_NAME - 1] = '\0';
	assert_int_equal(make(&w), 0);
	w.name = "past";
	w.expires = clock_wall() - 1;
	assert_int_equal(make(&w), -EINVAL);
}

static void a_token_expires_to_the_millisecond(void **state)
{
	struct wish w = { .name = "brief", .scope = TOKEN_READ };
	struct token k;

	(void)state;
	w.expires = clock_wall() + 3600000;
	assert_int_equal(make(&w), 0);
	assert_int_equal(check(w.secret, w.expires - 1, &k), 0);
	assert_int_equal(k.scope, TOKEN_READ);
	assert_int_equal(check(w.secret, w.expires, &k), -ETIME);
	assert_string_equal(k.name, "brief");
}

static void two_of_one_name_rotate(void **state)
{
	struct wish old = { .name = "entra", .scope = TOKEN_WRITE }, new = old, w;
	struct token k;

	(void)state;
	assert_int_equal(make(&old), 0);
	assert_int_equal(make(&new), 0);
	assert_int_equal(check(old.secret, clock_wall(), &k), 0);
	w = (struct wish){ .name = k.id };
	assert_int_equal(store_apply(store, revoke_one, &w, NULL), 0);
	assert_int_equal(w.count, 1);
	assert_int_equal(check(old.secret, clock_wall(), &k), -ENOENT);
	assert_int_equal(check(new.secret, clock_wall(), &k), 0);
	assert_int_equal(make(&old), 0);
	w = (struct wish){ .name = "entra" };
	assert_int_equal(store_apply(store, revoke_one, &w, NULL), 0);
	assert_int_equal(w.count, 2);
	assert_int_equal(check(old.secret, clock_wall(), &k), -ENOENT);
	assert_int_equal(check(new.secret, clock_wall(), &k), -ENOENT);
	assert_int_equal(store_apply(store, revoke_one, &w, NULL), -ENOENT);
}

static void the_last_use_is_kept(void **state)
{
	struct wish w = { .name = "used", .scope = TOKEN_READ };
	struct token k;

	(void)state;
	assert_int_equal(make(&w), 0);
	w.now = clock_wall() + 5;
	assert_int_equal(check(w.secret, w.now, &w.token), 0);
	assert_int_equal(store_apply(store, used_one, &w, NULL), 0);
	assert_int_equal(check(w.secret, w.now, &k), 0);
	assert_true(k.used == w.now);
	assert_true(k.created == w.token.created);
}

static int lines(void *arg, const struct store_audit *a)
{
	return buf_add(arg, a->line, a->len);
}

static bool file_has(const char *path, const char *text)
{
	FILE *in = fopen(path, "rb");
	size_t len = strlen(text), n;
	char *all = malloc(1 << 24);
	bool found;

	assert_non_null(in);
	assert_non_null(all);
	n = fread(all, 1, 1 << 24, in);
	assert_true(n > 0 && n < 1 << 24);
	(void)fclose(in);
	found = memmem(all, n, text, len) != NULL;
	free(all);
	return found;
}

static void no_secret_is_kept(void **state)
{
	struct wish w = { .name = "whispered", .scope = TOKEN_READ };
	struct buf log = BUF_INIT;
	struct store_txn *t;
	char path[96];

	(void)state;
	assert_int_equal(make(&w), 0);
	assert_int_equal(store_apply(store, revoke_one, &w, NULL), 0);
	assert_int_equal(store_view(store, &t, NULL), 0);
	assert_int_equal(store_audit_each(t, 1, lines, &log), 0);
	store_view_end(t);
	assert_non_null(strstr(log.data, "\"token-created\""));
	assert_non_null(strstr(log.data, "\"token-revoked\""));
	assert_non_null(strstr(log.data, "tester"));
	assert_null(strstr(log.data, w.secret + 6));
	buf_free(&log);
	(void)snprintf(path, sizeof(path), "%s/data.mdb", dir);
	assert_true(file_has(path, "whispered"));
	assert_false(file_has(path, w.secret + 6));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_token_is_known_by_its_whole_secret_only, setup,
						teardown),
		cmocka_unit_test_setup_teardown(names_and_times_that_make_no_sense_are_refused,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_token_expires_to_the_millisecond, setup,
						teardown),
		cmocka_unit_test_setup_teardown(two_of_one_name_rotate, setup, teardown),
		cmocka_unit_test_setup_teardown(the_last_use_is_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(no_secret_is_kept, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
