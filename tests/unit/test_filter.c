// SPDX-License-Identifier: MIT
//
// Filters: what parses, what does not, and what matches.
#include "scimd/base/fail.h"
#include "scimd/scim/filter.h"
#include "scimd/scim/json.h"
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// A subject that is plain JSON.
static int get(void *arg, const void *scope, const struct scim_path *p, size_t i,
	       struct scim_value *out)
{
	struct json_object *o =
		json_member(scope ? (struct json_object *)(uintptr_t)scope : arg, p->attr);

	if (o && p->sub[0] && json_object_is_type(o, json_type_array)) {
		if (i >= json_object_array_length(o))
			return 0;
		o = json_member(json_object_array_get_idx(o, i), p->sub);
	} else if (o && p->sub[0]) {
		o = i ? NULL : json_member(o, p->sub);
	} else if (o && json_object_is_type(o, json_type_array)) {
		o = i < json_object_array_length(o) ? json_object_array_get_idx(o, i) : NULL;
	} else if (i) {
		o = NULL;
	}
	if (!o)
		return 0;
	*out = (struct scim_value){ .type = SCIM_STRING, .text = json_object_get_string(o) };
	if (json_object_is_type(o, json_type_boolean))
		out->type = json_object_get_boolean(o) ? SCIM_TRUE : SCIM_FALSE;
	else if (json_object_is_type(o, json_type_int) ||
		 json_object_is_type(o, json_type_double)) {
		out->type = SCIM_NUMBER;
		out->number = json_object_get_double(o);
	}
	return 1;
}

static int element(void *arg, const struct scim_path *p, size_t i, const void **scope_out)
{
	struct json_object *o = json_member(arg, p->attr);

	if (!o || !json_object_is_type(o, json_type_array) || i >= json_object_array_length(o))
		return 0;
	*scope_out = json_object_array_get_idx(o, i);
	return 1;
}

static const char ada[] =
	"{\"userName\":\"Ada\",\"active\":true,\"age\":36,\"title\":\"\","
	"\"name\":{\"familyName\":\"Lovelace\"},\"emails\":[{\"type\":\"work\",\"value\":"
	"\"ada@example.com\"},{\"type\":\"home\",\"value\":\"ada@home.org\"}],"
	"\"groups\":[{\"value\":\"7\",\"display\":\"linux-prod\"}]}";

static bool matches(const char *text)
{
	struct json_object *o = json_tokener_parse(ada);
	struct scim_subject s = { .arg = o, .get = get, .element = element };
	struct scim_filter *flt = NULL;
	struct fail f = { "" };
	bool r;

	if (scim_filter_parse(text, strlen(text), &flt, &f) < 0)
		fail_msg("%s: %s", text, f.text);
	r = scim_filter_match(flt, &s);
	scim_filter_free(flt);
	json_object_put(o);
	return r;
}

static void test_filter_matches(void **state)
{
	static const struct {
		const char *text;
		bool yes;
	} rows[] = {
		{ "userName eq \"ada\"", true },
		{ "USERNAME EQ \"ADA\"", true },
		{ "userName eq ada", true },
		{ "userName ne \"ada\"", false },
		{ "userName ne \"bob\"", true },
		{ "userName co \"d\"", true },
		{ "userName sw \"a\"", true },
		{ "userName ew \"a\"", true },
		{ "userName sw \"d\"", false },
		{ "userName pr", true },
		{ "title pr", false },
		{ "nickName pr", false },
		{ "active eq true", true },
		{ "active eq false", false },
		{ "active ne false", true },
		{ "age gt 35", true },
		{ "age ge 36", true },
		{ "age lt 36", false },
		{ "age le 36", true },
		{ "name.familyName eq \"lovelace\"", true },
		{ "emails.value co \"example\"", true },
		{ "emails[type eq \"work\" and value co \"example\"]", true },
		{ "emails[type eq \"home\" and value co \"example\"]", false },
		{ "groups.display eq \"linux-prod\"", true },
		{ "groups[display eq \"linux-prod\" and value eq \"7\"]", true },
		{ "not (active eq true)", false },
		{ "not (userName eq \"bob\") and active eq true", true },
		{ "userName eq \"bob\" or active eq true and age gt 35", true },
		{ "(userName eq \"bob\" or active eq true) and age gt 40", false },
		{ "active eq false or active eq false and active eq true", false },
		{ "urn:ietf:params:scim:schemas:core:2.0:User:userName eq \"ada\"", true },
		{ "nickName eq null", true },
		{ "userName eq \"a\\u0064a\"", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (matches(rows[i].text) != rows[i].yes)
			fail_msg("%s: %s", rows[i].text,
				 rows[i].yes ? "does not match" : "matches");
}

static void test_filter_refuses_what_is_none(void **state)
{
	static const char *const rows[] = {
		"",
		" ",
		"userName",
		"userName eq",
		"eq \"a\"",
		"userName xx \"a\"",
		"userName eq \"a",
		"(userName eq \"a\"",
		"userName eq \"a\")",
		"and",
		"userName eq \"a\" and",
		"or userName pr",
		"not userName pr x",
		"emails[",
		"emails[]",
		"emails[type eq \"a\"",
		"userName eq \"\\x\"",
		"userName eq \"\\ud800\"",
		"1a eq 1",
		"a..b eq 1",
		"userName pr pr",
		"a eq 1 b eq 2",
		"userName eq \"a\" \"b\"",
		"()",
		"not ()",
		"a[b[c eq 1]]",
		"userName eq {",
		"a eq [1]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct scim_filter *flt = NULL;
		struct fail f = { "" };

		if (scim_filter_parse(rows[i], strlen(rows[i]), &flt, &f) == 0)
			fail_msg("\"%s\" was taken", rows[i]);
		if (!f.text[0])
			fail_msg("\"%s\": refused without a word", rows[i]);
	}
}

static void test_filter_depth_and_length_are_capped(void **state)
{
	struct scim_filter *flt;
	size_t n = 200000;
	char *text = malloc(n + 1);

	(void)state;
	assert_non_null(text);
	memset(text, '(', n);
	text[n] = '\0';
	assert_true(scim_filter_parse(text, n, &flt, NULL) < 0);
	assert_true(scim_filter_parse(text, 8000, &flt, NULL) < 0);
	memset(text, 'a', n);
	assert_true(scim_filter_parse(text, n, &flt, NULL) < 0);
	for (size_t i = 0; i + 5 < 8000; i += 4)
		memcpy(text + i, "not ", 4);
	assert_true(scim_filter_parse(text, 8000, &flt, NULL) < 0);
	free(text);
}

// Every cut of every good filter: taken or refused, never read past its end.
static void test_filter_every_cut_is_survived(void **state)
{
	static const char text[] =
		"not (a.b eq \"x\\u00e4\" or urn:x:y:c[d sw \"e\"] and f ge -1.5e3)";
	struct scim_filter *flt;

	(void)state;
	for (size_t n = 0; n <= sizeof(text) - 1; n++) {
		char *copy = malloc(n ? n : 1);

		assert_non_null(copy);
		memcpy(copy, text, n);
		if (scim_filter_parse(copy, n, &flt, NULL) == 0)
			scim_filter_free(flt);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_filter_matches),
		cmocka_unit_test(test_filter_refuses_what_is_none),
		cmocka_unit_test(test_filter_depth_and_length_are_capped),
		cmocka_unit_test(test_filter_every_cut_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
