// SPDX-License-Identifier: MIT
//
// Reading JSON with SCIM's habits, lists, errors and the provider's configuration;
// and the flat run of fields that a mapped resource is.
#include "scimd/base/buf.h"
#include "scimd/scim/json.h"
#include "scimd/scim/message.h"
#include "scimd/scim/resource.h"
#include <errno.h>
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define LIST "\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:ListResponse\"],"
#define ERROR "\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:Error\"]"

static struct json_object *parse(const char *text)
{
	struct json_object *o = json_tokener_parse(text);

	if (!o)
		fail_msg("not JSON: %s", text);
	return o;
}

static void test_json_member_is_found_whatever_its_case(void **state)
{
	struct json_object *o = parse("{\"USERNAME\":\"b\",\"userName\":\"a\",\"Nothing\":null}");
	struct json_object *list = parse("[{\"userName\":\"a\"}]");

	(void)state;
	assert_string_equal(json_string(json_member(o, "userName")), "a"); // exact first
	assert_string_equal(json_string(json_member(o, "username")), "b");
	assert_null(json_member(o, "nothing"));
	assert_null(json_member(o, "user"));
	assert_null(json_member(list, "userName"));
	assert_null(json_member(NULL, "userName"));
	assert_null(json_string(o));
	assert_null(json_string(NULL));
	json_object_put(o);
	json_object_put(list);
}

static void test_json_integer_takes_numbers_and_their_texts(void **state)
{
	static const struct {
		const char *text;
		bool is;
		int64_t value;
	} rows[] = {
		{ "17", true, 17 },      { "-1", true, -1 },
		{ "\"17\"", true, 17 },  { "17.0", true, 17 },
		{ "1e3", true, 1000 },   { "9007199254740993", true, 9007199254740993 },
		{ "17.5", false, 0 },    { "1e300", false, 0 },
		{ "\"17 \"", false, 0 }, { "\"17x\"", false, 0 },
		{ "\"\"", false, 0 },    { "\"99999999999999999999\"", false, 0 },
		{ "true", false, 0 },    { "[17]", false, 0 },
		{ "{}", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct json_object *v = parse(rows[i].text);
		int64_t n = 42;

		if (json_integer(v, &n) != rows[i].is || n != (rows[i].is ? rows[i].value : 42))
			fail_msg("%s: %lld", rows[i].text, (long long)n);
		json_object_put(v);
	}
	assert_false(json_integer(NULL, &(int64_t){ 0 }));
}

static void test_message_list_is_read_tolerantly(void **state)
{
	static const struct {
		const char *text;
		bool is;
		int64_t count, total, start; // count -1: no array
	} rows[] = {
		{ "{" LIST "\"totalResults\":2,\"startIndex\":1,\"Resources\":[{},{}]}", true, 2, 2,
		  1 },
		{ "{\"resources\":[{}]}", true, 1, -1, -1 },
		{ "{\"TOTALRESULTS\":\"7\",\"Resources\":[]}", true, 0, 7, -1 },
		{ "{\"totalResults\":0}", true, -1, 0, -1 },
		{ "{\"totalResults\":0,\"Resources\":null}", true, -1, 0, -1 },
		{ "{}", false, 0, 0, 0 },
		{ "[]", false, 0, 0, 0 },
		{ "{\"Resources\":{}}", false, 0, 0, 0 },
		{ "{\"totalResults\":1,\"Resources\":\"x\"}", false, 0, 0, 0 },
		{ "{" ERROR ",\"totalResults\":1,\"Resources\":[]}", false, 0, 0, 0 },
		{ "{\"status\":\"401\",\"detail\":\"no\"}", false, 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct json_object *o = parse(rows[i].text);
		struct scim_list l = { .count = 99 };

		if (scim_list_read(o, &l) != rows[i].is)
			fail_msg("%s", rows[i].text);
		if (!rows[i].is)
			assert_int_equal(l.count, 99);
		else if ((l.resources != NULL) != (rows[i].count >= 0) ||
			 (l.resources && (int64_t)l.count != rows[i].count) ||
			 l.total != rows[i].total || l.start != rows[i].start)
			fail_msg("%s: %zu of %lld from %lld", rows[i].text, l.count,
				 (long long)l.total, (long long)l.start);
		json_object_put(o);
	}
}

static void test_message_list_cursors(void **state)
{
	struct json_object *o =
		parse("{\"Resources\":[],\"nextCursor\":\"abc\",\"nextId\":\"end\"}");
	struct scim_list l;

	(void)state;
	assert_true(scim_list_read(o, &l));
	assert_string_equal(l.next_cursor, "abc");
	assert_string_equal(l.next_id, "end");
	json_object_put(o);
	o = parse("{\"Resources\":[],\"nextCursor\":null,\"nextId\":7}");
	assert_true(scim_list_read(o, &l));
	assert_null(l.next_cursor);
	assert_null(l.next_id);
	json_object_put(o);
}

static void test_message_error_has_a_text(void **state)
{
	static const struct {
		const char *text, *wanted;
	} rows[] = {
		{ "{" ERROR ",\"detail\":\"bad token\",\"scimType\":\"x\"}", "bad token" },
		{ "{" ERROR ",\"scimType\":\"tooMany\"}", "tooMany" },
		{ "{" ERROR "}", "an error without a reason" },
		{ "{\"schemas\":[\"URN:IETF:PARAMS:SCIM:API:MESSAGES:2.0:ERROR\"]}",
		  "an error without a reason" },
		{ "{\"schemas\":\"urn:ietf:params:scim:api:messages:2.0:Error\"}", NULL },
		{ "{\"schemas\":[7,null]}", NULL },
		{ "{\"detail\":7}", NULL },
		{ "[]", NULL },
		{ "\"text\"", NULL },
	};
	struct json_object *o = parse("{\"scimType\":\"ExpiredCursor\"}");

	(void)state;
	assert_true(scim_error_is(o, "expiredCursor"));
	assert_false(scim_error_is(o, "invalidCursor"));
	assert_false(scim_error_is(NULL, "expiredCursor"));
	json_object_put(o);
	assert_null(scim_error_text(NULL));
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *text;

		o = parse(rows[i].text);
		text = scim_error_text(o);
		if ((text != NULL) != (rows[i].wanted != NULL) ||
		    (text && strcmp(text, rows[i].wanted) != 0))
			fail_msg("%s: %s", rows[i].text, text ? text : "no error");
		json_object_put(o);
	}
}

static void test_message_provider_is_believed_what_it_says(void **state)
{
	struct json_object *o = parse(
		"{\"patch\":{\"supported\":true},\"filter\":{\"supported\":\"True\",\"maxResults\":"
		"\"200\"},"
		"\"etag\":{\"supported\":true},\"pagination\":{\"cursor\":true,\"index\":false,"
		"\"maxPageSize\":50},\"urn:scimd:params:scim:events\":{\"pollUri\":\"/x\"},"
		"\"urn:scimd:params:scim:lists\":{\"etag\":true}}");
	struct scim_provider p;

	(void)state;
	assert_true(scim_provider_read(o, &p));
	assert_true(p.known && p.filter && p.etag && p.events && p.cursor && !p.index);
	assert_true(p.list_etag);
	assert_int_equal(p.max_results, 200);
	assert_int_equal(p.max_page, 50);
	json_object_put(o);
	// Nothing said is nothing promised, but for index paging, which all had before RFC 9865.
	o = parse("{\"patch\":{\"supported\":false}}");
	assert_true(scim_provider_read(o, &p));
	assert_true(p.known && p.index && !p.filter && !p.etag && !p.events && !p.cursor);
	assert_false(p.list_etag);
	assert_int_equal(p.max_results, -1);
	json_object_put(o);
	o = parse("{\"hello\":\"world\"}");
	assert_false(scim_provider_read(o, &p));
	assert_false(scim_provider_read(NULL, &p));
	json_object_put(o);
}

static void test_resource_gives_back_its_fields(void **state)
{
	struct buf b = BUF_INIT;
	struct field f;
	size_t pos = 0;
	char *big = calloc(1, RESOURCE_VALUE_MAX + 1);

	(void)state;
	assert_non_null(big);
	assert_int_equal(resource_put(&b, FIELD_ID, 0, "id1", 3), 0);
	assert_int_equal(resource_put(&b, FIELD_GECOS, 7, "", 0), 0);
	assert_int_equal(resource_put(&b, FIELD_MEMBER, 0, "a\0b", 3), 0);
	assert_int_equal(resource_put(&b, FIELD_MEMBER, 0, "c", 1), 0);
	assert_int_equal(resource_put(&b, FIELD_MODIFIED, 0, "now", 3), 0);
	assert_int_equal(resource_put(&b, FIELD_VERSION, 0, big, RESOURCE_VALUE_MAX), 0);
	pos = b.len;
	assert_int_equal(resource_put(&b, FIELD_VERSION, 0, big, RESOURCE_VALUE_MAX + 1),
			 -EMSGSIZE);
	assert_int_equal(b.len, pos);
	pos = 0;
	assert_int_equal(resource_next(b.data, b.len, &pos, &f), 1);
	assert_int_equal(f.tag, FIELD_ID);
	assert_int_equal(resource_next(b.data, b.len, &pos, &f), 1);
	assert_true(f.tag == FIELD_GECOS && f.via == 7 && f.len == 0);
	assert_int_equal(resource_next(b.data, b.len, &pos, &f), 1);
	assert_true(f.len == 3 && memcmp(f.text, "a\0b", 3) == 0);
	assert_int_equal(resource_find(b.data, b.len, FIELD_MEMBER, &f), 1);
	assert_int_equal(f.len, 3);
	assert_int_equal(resource_find(b.data, b.len, FIELD_MODIFIED, &f), 1);
	assert_int_equal(resource_find(b.data, b.len, FIELD_SHELL, &f), 0);
	assert_int_equal(resource_find(b.data, 0, FIELD_ID, &f), 0);
	// What may differ from one answer to the next is not part of the digest.
	pos = resource_stable(b.data, b.len);
	assert_int_equal(b.len - pos, 6 + 3 + 6 + RESOURCE_VALUE_MAX);
	assert_int_equal(resource_stable(b.data, pos), pos);
	buf_free(&b);
	free(big);
}

// Every way of cutting it and every byte changed: damage or fields, never a read past
// the end (which is the end of what is mapped).
static void test_resource_walk_stays_inside(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	unsigned char *map =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct buf b = BUF_INIT;
	size_t damaged = 0;

	(void)state;
	assert_true(map != MAP_FAILED && mprotect(map + page, page, PROT_NONE) == 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(resource_put(&b, (uint8_t)(FIELD_ID + i), 0, "value", 5), 0);
	for (size_t len = 0; len <= b.len; len++) {
		unsigned char *at = map + page - len;

		for (size_t i = 0; i <= len; i++) {
			struct field f;
			size_t pos = 0;
			int r;

			memcpy(at, b.data, len);
			if (i < len)
				at[i] ^= 0xff;
			while ((r = resource_next(at, len, &pos, &f)) == 1)
				assert_true(f.text + f.len <= (char *)map + page);
			assert_true(r == 0 || r == -EBADMSG);
			damaged += r != 0;
			assert_true(resource_stable(at, len) <= len);
			(void)resource_find(at, len, FIELD_NAME, &f);
		}
		if (len % 11)
			assert_true(damaged > 0);
	}
	buf_free(&b);
	(void)munmap(map, 2 * page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_member_is_found_whatever_its_case),
		cmocka_unit_test(test_json_integer_takes_numbers_and_their_texts),
		cmocka_unit_test(test_message_list_is_read_tolerantly),
		cmocka_unit_test(test_message_list_cursors),
		cmocka_unit_test(test_message_error_has_a_text),
		cmocka_unit_test(test_message_provider_is_believed_what_it_says),
		cmocka_unit_test(test_resource_gives_back_its_fields),
		cmocka_unit_test(test_resource_walk_stays_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
