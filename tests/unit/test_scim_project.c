// SPDX-License-Identifier: MIT
//
// What is returned (RFC 7644 §3.4.2.5, §3.9), what matches (§3.4.2.2) and what
// comes first (§3.4.2.3), all over JSON resources.
#include "scimd/base/fail.h"
#include "scimd/scim/filter.h"
#include "scimd/scim/project.h"
#include "scimd/scim/subject.h"
#include "tests/unit/scimbox.h"
#include <errno.h>

static const char ada[] =
	"{'schemas':['" SCIM_URN_USER "','" ENT "','" POSIX "'],'id':'2819','externalId':'Ext',"
	"'userName':'Ada','name':{'givenName':'Ada','familyName':'L'},'title':'','active':true,"
	"'emails':[{'value':'Ada@work','type':'work','primary':true},"
	"{'value':'ada@home','type':'home'},{'display':'none'}],"
	"'roles':[{'value':'admin','primary':false}],"
	"'groups':[{'value':'G1','display':'g'}],'x509Certificates':[{'value':'QUJD'}],"
	"'" ENT "':{'department':'R&D','manager':{'value':'26','displayName':'M'}},"
	"'" POSIX "':{'uidNumber':1001,'loginShell':'/bin/sh','sshPublicKeys':[{'value':'Key A'}]},"
	"'meta':{'resourceType':'User','lastModified':'2026-01-02T03:04:05Z','version':'W/1'}}";

static struct scim_projection *projection_of(const char *attributes, const char *excluded)
{
	struct scim_projection *pr = NULL;
	struct scim_problem p = { 0 };

	if (scim_projection_parse(attributes, excluded, &pr, &p) != 0)
		fail_msg("%s", p.detail);
	return pr;
}

#define S "'schemas':['" SCIM_URN_USER "','" ENT "','" POSIX "'],'id':'2819'"

static void test_projections(void **state)
{
	// clang-format off
	static const struct { const char *attributes, *excluded, *out; } cases[] = {
		{ "userName", NULL, "{" S ",'userName':'Ada'}" },
		{ "USERNAME , id", NULL, "{" S ",'userName':'Ada'}" },
		{ "shoeSize", NULL, "{" S "}" },
		{ "name.givenName", NULL, "{" S ",'name':{'givenName':'Ada'}}" },
		{ "name.givenName,name", NULL, "{" S ",'name':{'givenName':'Ada','familyName':'L'}}" },
		{ "name.x", NULL, "{" S "}" },
		{ "emails.value", NULL, "{" S ",'emails':[{'value':'Ada@work'},{'value':'ada@home'}]}" },
		{ "groups", NULL, "{" S ",'groups':[{'value':'G1','display':'g'}]}" },
		{ "meta.version", NULL, "{" S ",'meta':{'version':'W/1'}}" },
		{ ENT ":department", NULL, "{" S ",'" ENT "':{'department':'R&D'}}" },
		{ ENT ":manager.value", NULL, "{" S ",'" ENT "':{'manager':{'value':'26'}}}" },
		{ ENT, NULL, "{" S ",'" ENT "':{'department':'R&D','manager':{'value':'26','displayName':'M'}}}" },
		{ "loginShell", NULL, "{" S ",'" POSIX "':{'loginShell':'/bin/sh'}}" },
		{ SCIM_URN_USER ":userName", NULL, "{" S ",'userName':'Ada'}" },
		{ SCIM_URN_USER ":name.familyName", NULL, "{" S ",'name':{'familyName':'L'}}" },
		{ SCIM_URN_GROUP ":userName", NULL, "{" S "}" },
		{ NULL, "emails,roles,groups,x509Certificates,meta,name,title," ENT "," POSIX, "{" S ",'externalId':'Ext','userName':'Ada','active':true}" },
		{ NULL, "id,schemas,emails,roles,groups,x509Certificates,meta,name,title," ENT "," POSIX, "{" S ",'externalId':'Ext','userName':'Ada','active':true}" },
		{ NULL, SCIM_URN_USER ",meta," ENT ":department," ENT ":manager.displayName," POSIX ":sshPublicKeys", "{" S ",'externalId':'Ext','" ENT "':{'manager':{'value':'26'}},'" POSIX "':{'uidNumber':1001,'loginShell':'/bin/sh'}}" },
		{ NULL, SCIM_URN_USER "," ENT "," POSIX ",externalId,meta.version", "{" S ",'meta':{'resourceType':'User','lastModified':'2026-01-02T03:04:05Z'}}" },
	};
	// clang-format on
	struct json_object *full = json_of(ada), *copy = json_of(ada), *out, *want;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct scim_projection *pr = projection_of(cases[i].attributes, cases[i].excluded);

		out = scim_project(pr, &scim_type_user, full);
		want = json_of(cases[i].out);
		if (strcmp(text_of(out), text_of(want)) != 0)
			fail_msg("%s - %s: %s", cases[i].attributes, cases[i].excluded,
				 text_of(out));
		json_object_put(want);
		json_object_put(out);
		scim_projection_free(pr);
	}
	out = scim_project(NULL, &scim_type_user, full);
	assert_true(json_object_equal(out, copy));
	assert_true(json_object_equal(full, copy));
	json_object_put(out);
	json_object_put(copy);
	json_object_put(full);
}

static void test_a_password_is_never_returned(void **state)
{
	static const char *const asked[] = { NULL, "password", "userName," SCIM_URN_USER };
	struct json_object *full = json_of("{'id':'1','userName':'a','password':'s'}"), *out;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct scim_projection *pr = projection_of(asked[i], NULL);

		out = scim_project(pr, &scim_type_user, full);
		assert_false(json_object_object_get_ex(out, "password", NULL));
		assert_true(json_object_object_get_ex(out, "id", NULL));
		json_object_put(out);
		scim_projection_free(pr);
	}
	json_object_put(full);
}

static void test_what_need_not_be_computed(void **state)
{
	// clang-format off
	static const struct { const char *attributes, *excluded, *path; bool wants; } cases[] = {
		{ NULL, NULL, "members", true },
		{ "", "", "members", true },
		{ "displayName", NULL, "members", false },
		{ "displayName,Members", NULL, "members", true },
		{ "members.value", NULL, "members", true },
		{ "members.value", NULL, "members.value", true },
		{ "Members.Value", NULL, "members.type", false },
		{ "members.value,members.$ref", NULL, "members.$ref", true },
		{ "members.value,members", NULL, "members.type", true },
		{ "members", NULL, "members.type", true },
		{ SCIM_URN_GROUP ":members.value", NULL, "members.type", false },
		{ SCIM_URN_GROUP, NULL, "members.type", true },
		{ NULL, "members.type", "members.type", false },
		{ NULL, "members.type", "members.value", true },
		{ NULL, "members.type,members", "members.value", false },
		{ SCIM_URN_GROUP ":members", NULL, "members", true },
		{ SCIM_URN_GROUP, NULL, "members", true },
		{ ENT ":members", NULL, "members", false },
		{ "members", NULL, SCIM_URN_GROUP ":members", true },
		{ NULL, "members", "members", false },
		{ NULL, SCIM_URN_GROUP ":MEMBERS", "members", false },
		{ NULL, SCIM_URN_GROUP, "members", false },
		{ NULL, "members.display", "members", true },
		{ NULL, "displayName", "members", true },
		{ ENT, NULL, ENT ":manager", true },
		{ ENT ":department", NULL, ENT ":manager", false },
		{ NULL, ENT, ENT ":manager", false },
	};
	// clang-format on

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct scim_projection *pr = projection_of(cases[i].attributes, cases[i].excluded);

		if (scim_projection_wants(pr, cases[i].path) != cases[i].wants)
			fail_msg("%s - %s: %s", cases[i].attributes, cases[i].excluded,
				 cases[i].path);
		assert_int_equal(scim_projection_selects(pr),
				 cases[i].attributes && cases[i].attributes[0]);
		scim_projection_free(pr);
	}
}

static void test_projections_from_a_search_request(void **state)
{
	// clang-format off
	static const struct { const char *attributes, *excluded; bool fine, title, name; } cases[] = {
		{ "['title','name']", "null", true, true, true },
		{ "['title']", "[]", true, true, false },
		{ "'title,name'", "null", true, true, true },
		{ "null", "['title']", true, false, true },
		{ "[]", "null", true, true, true },
		{ "['title']", "['name']", false, false, false },
		{ "[5]", "null", false, false, false },
		{ "{'a':1}", "null", false, false, false },
		{ "['a b']", "null", false, false, false },
	};
	// clang-format on

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct json_object *a = json_of(cases[i].attributes),
				   *e = json_of(cases[i].excluded);
		struct scim_projection *pr = NULL;
		struct scim_problem p = { 0 };
		int r = scim_projection_read(a, e, &pr, &p);

		if ((r == 0) != cases[i].fine)
			fail_msg("%s: %d", cases[i].attributes, r);
		if (r == 0) {
			assert_int_equal(scim_projection_wants(pr, "title"), cases[i].title);
			assert_int_equal(scim_projection_wants(pr, "name"), cases[i].name);
		} else {
			assert_int_equal(p.status, 400);
			assert_string_equal(p.scim_type, "invalidValue");
		}
		scim_projection_free(pr);
		json_object_put(e);
		json_object_put(a);
	}
}

static void test_projections_that_are_refused(void **state)
{
	static const char *const bad[] = { "a b", "user[name]", ".", "emails.value.x", "\xff" };
	struct scim_projection *pr = NULL;
	struct scim_problem p = { 0 };
	char many[2 * 201 + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(scim_projection_parse(bad[i], NULL, &pr, &p), -EINVAL);
		assert_string_equal(p.scim_type, "invalidValue");
	}
	assert_int_equal(scim_projection_parse("a", "b", &pr, &p), -EINVAL);
	for (size_t i = 0; i < sizeof(many) - 1; i++)
		many[i] = i & 1 ? ',' : 'a';
	many[sizeof(many) - 1] = '\0';
	assert_int_equal(scim_projection_parse(many, NULL, &pr, &p), -EINVAL);
	assert_null(pr);
	many[sizeof(many) - 4] = '\0';
	assert_int_equal(scim_projection_parse(many, NULL, &pr, &p), 0);
	scim_projection_free(pr);
}

static struct scim_filter *filter_of(const char *text)
{
	struct scim_filter *flt;
	struct fail f;

	if (scim_filter_parse(text, strlen(text), &flt, &f) < 0)
		fail_msg("%s: %s", text, f.text);
	return flt;
}

static void test_matching(void **state)
{
	static const struct {
		const char *filter;
		bool matches;
	} cases[] = {
		// caseExact
		{ "userName eq \"ADA\"", true },
		{ "id eq \"2819\"", true },
		{ "externalId eq \"Ext\"", true },
		{ "externalId eq \"ext\"", false },
		{ "externalId sw \"e\"", false },
		{ "emails.value eq \"ada@WORK\"", true },
		{ "groups.value eq \"g1\"", false },
		{ "groups eq \"G1\"", true },
		{ "groups eq \"g1\"", false },
		{ "sshPublicKeys[value eq \"key a\"]", false },
		{ "sshPublicKeys[value eq \"Key A\"]", true },
		{ "sshPublicKeys.value sw \"Key\"", true },
		{ "loginShell eq \"/BIN/sh\"", false },
		// Names and URNs
		{ "USERNAME Eq \"ada\"", true },
		{ SCIM_URN_USER ":userName eq \"ada\"", true },
		{ SCIM_URN_GROUP ":userName eq \"ada\"", false },
		{ ENT ":department eq \"r&d\"", true },
		{ ENT ":manager.value eq \"26\"", true },
		{ ENT ":manager eq \"26\"", true },
		{ "department eq \"R&D\"", true },
		{ "shoeSize pr", false },
		{ "shoeSize eq \"5\"", false },
		{ "name.shoe pr", false },
		// Presence
		{ "name pr", true },
		{ "title pr", false },
		{ "nickName pr", false },
		{ "emails.display pr", true },
		{ "phoneNumbers pr", false },
		{ ENT ":manager pr", true },
		{ ENT ":costCenter pr", false },
		{ "not (nickName pr)", true },
		{ "nickName eq null", true },
		// Types
		{ "active eq true", true },
		{ "active eq \"True\"", true },
		{ "active eq false", false },
		{ POSIX ":uidNumber eq 1001", true },
		{ "uidNumber eq \"1001\"", true },
		{ "uidNumber gt 1000 and uidNumber lt 1002", true },
		{ "uidNumber ge 1002", false },
		{ "meta.lastModified gt \"2026-01-02T04:04:04+01:00\"", true },
		{ "meta.lastModified lt \"2026-01-02T03:04:05Z\"", false },
		{ "meta.resourceType eq \"User\"", true },
		{ "schemas eq \"" ENT "\"", true },
		{ "schemas eq \"urn:x\"", false },
		{ "name eq \"Ada\"", false },
		{ "name ne \"Ada\"", true },
		// Lists: any value
		{ "emails eq \"ada@home\"", true },
		{ "emails co \"work\"", true },
		{ "emails ne \"ada@home\"", false },
		{ "emails.type eq \"home\"", true },
		{ "emails[type eq \"home\" and value co \"work\"]", false },
		{ "emails[type eq \"home\" and value co \"HOME\"]", true },
		{ "emails[primary eq true]", true },
		{ "emails[not (value pr)]", true },
		{ "emails[type pr and not (type eq \"work\" or type eq \"home\")]", false },
		{ ENT ":manager[value eq \"26\"]", true },
		// A value path followed by a sub-attribute, as Entra writes it
		{ "emails[type eq \"work\"].value eq \"ada@work\"", true },
		{ "emails[type eq \"home\"].value eq \"ada@work\"", false },
		{ "emails[type eq work].value eq ada@work", true },
		{ "emails[type eq \"work\"].value pr", true },
		{ "emails[type eq \"work\"].display pr", false },
		{ "userName eq \"ada\" and emails[type eq \"work\"].value sw \"ada\"", true },
	};
	struct json_object *res = json_of(ada);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct scim_filter *flt = filter_of(cases[i].filter);

		if (scim_json_match(flt, &scim_type_user, res) != cases[i].matches)
			fail_msg("%s is not %d", cases[i].filter, cases[i].matches);
		scim_filter_free(flt);
	}
	json_object_put(res);
}

static void test_letters_have_a_case_beyond_ascii(void **state)
{
	static const struct {
		const char *filter;
		bool matches;
	} cases[] = {
		{ "displayName eq \"\u00c4RGER Stra\u00dfe\"", true },
		{ "displayName eq \"\u00e4rger stra\u00dfe\"", true },
		{ "displayName eq \"A\u0308rger STRASSE\"", true }, // composed otherwise
		{ "displayName eq \"Arger Strasse\"", false },
		{ "displayName ne \"\u00e4RGER STRASSE\"", false },
		{ "displayName sw \"\u00e4rg\"", true },
		{ "displayName sw \"a\"", false },
		{ "displayName ew \"STRASSE\"", true },
		{ "displayName co \"R STRA\u1e9eE\"", true }, // a capital sharp s
		{ "displayName co \"\u00f6\"", false },
		{ "displayName ge \"\u00c4RGER STRASSE\" and displayName le \"\u00c4RGER STRASSE\"",
		  true },
		{ "displayName gt \"\u00e0\"", true },
		{ "externalId eq \"\u00c4\"", true },
		{ "externalId eq \"\u00e4\"", false },
		{ "externalId sw \"\u00e4\"", false },
		{ "emails[value eq \"\u00c9VE@example.com\"]", true },
		{ "title eq \"\u212a\"", true }, // the sign of Kelvin is a K
	};
	struct json_object *res =
		json_of("{'displayName':'\u00e4rger Stra\u00dfe','externalId':'\u00c4','title':'k',"
			"'emails':[{'value':'\u00e9ve@example.com'}]}");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct scim_filter *flt = filter_of(cases[i].filter);

		if (scim_json_match(flt, &scim_type_user, res) != cases[i].matches)
			fail_msg("%s is not %d", cases[i].filter, cases[i].matches);
		scim_filter_free(flt);
	}
	json_object_put(res);
}

static void test_filters_that_order_what_has_no_order(void **state)
{
	static const struct {
		const char *filter;
		bool fine;
	} cases[] = {
		{ "active eq \"true\"", true },
		{ "active pr", true },
		{ "active gt \"a\"", false },
		{ "userName gt \"a\"", true },
		{ "shoeSize gt \"a\"", true },
		{ "emails.primary le \"a\"", false },
		{ "emails[primary ge \"a\"]", false },
		{ "emails[type eq \"x\"].primary ge \"a\"", false },
		{ "x509Certificates.value lt \"a\"", false },
		{ "x509Certificates[value lt \"a\"]", false },
		{ "userName pr and not (title pr or active lt \"x\")", false },
		{ "active lt \"x\" or userName pr", false },
	};
	struct scim_problem p;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct scim_filter *flt = filter_of(cases[i].filter);
		int r = scim_filter_check(flt, &scim_type_user, &p);

		if ((r == 0) != cases[i].fine)
			fail_msg("%s", cases[i].filter);
		if (r < 0) {
			assert_int_equal(p.status, 400);
			assert_string_equal(p.scim_type, "invalidFilter");
		}
		scim_filter_free(flt);
	}
}

static void test_filters_that_are_none(void **state)
{
	static const char *const bad[] = {
		"emails[type eq \"a\"].",         "emails[type eq \"a\"].value",
		"emails[type eq \"a\"].a.b eq 1", "emails[type eq \"a\"].a:b eq 1",
		"emails[type eq \"a\"]value",     "emails[type eq \"a\"].1 eq 2",
	};
	struct scim_filter *flt;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (scim_filter_parse(bad[i], strlen(bad[i]), &flt, NULL) != -EINVAL)
			fail_msg("%s", bad[i]);
}

static void test_sorting(void **state)
{
	// clang-format off
	static const struct { const char *by, *a, *b; int order; } cases[] = {
		{ "userName", "{'userName':'A'}", "{'userName':'b'}", -1 },
		{ "userName", "{'userName':'B'}", "{'userName':'a'}", 1 },
		{ "userName", "{'userName':'a'}", "{'userName':'A'}", 0 },
		{ "userName", "{'userName':'\u00e4'}", "{'userName':'\u00c4'}", 0 },
		{ "userName", "{'userName':'\u00c4'}", "{'userName':'A'}", 1 },
		{ "externalId", "{'externalId':'\u00e4'}", "{'externalId':'\u00c4'}", 1 },
		{ "externalId", "{'externalId':'a'}", "{'externalId':'A'}", 1 },
		{ "userName", "{}", "{'userName':'A'}", 1 },
		{ "userName", "{'userName':'A'}", "{}", -1 },
		{ "userName", "{}", "{}", 0 },
		{ "name.familyName", "{'name':{'familyName':'a'}}", "{'name':{'familyName':'b'}}", -1 },
		{ "name.familyName", "{'name':{'givenName':'a'}}", "{'name':{'familyName':'b'}}", 1 },
		{ "emails", "{'emails':[{'value':'z'},{'value':'a','primary':true}]}", "{'emails':[{'value':'b'}]}", -1 },
		{ "emails.value", "{'emails':[{'value':'z'},{'value':'a'}]}", "{'emails':[{'value':'b'}]}", 1 },
		{ "emails", "{'emails':[]}", "{'emails':[{'value':'b'}]}", 1 },
		{ "meta.created", "{'meta':{'created':'2026-01-01T00:30:00+01:00'}}", "{'meta':{'created':'2026-01-01T00:00:00Z'}}", -1 },
		{ "active", "{'active':false}", "{'active':true}", -1 },
		{ POSIX ":uidNumber", "{'" POSIX "':{'uidNumber':9}}", "{'" POSIX "':{'uidNumber':10}}", -1 },
		{ "shoeSize", "{'shoeSize':1}", "{'shoeSize':2}", 0 },
	};
	// clang-format on

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct json_object *a = json_of(cases[i].a), *b = json_of(cases[i].b);
		struct json_object *va, *vb;
		struct scim_path by;
		char buf[256];
		int c, back;

		assert_int_equal(scim_path_parse(cases[i].by, strlen(cases[i].by), &by, buf,
						 sizeof(buf), NULL),
				 0);
		va = scim_json_sort_value(&scim_type_user, &by, a);
		vb = scim_json_sort_value(&scim_type_user, &by, b);
		c = scim_json_sort_order(&scim_type_user, &by, va, vb);
		back = scim_json_sort_order(&scim_type_user, &by, vb, va);
		if ((c > 0) - (c < 0) != cases[i].order ||
		    (back > 0) - (back < 0) != -cases[i].order)
			fail_msg("%s: %s and %s: %d", cases[i].by, cases[i].a, cases[i].b, c);
		json_object_put(b);
		json_object_put(a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_projections),
		cmocka_unit_test(test_a_password_is_never_returned),
		cmocka_unit_test(test_what_need_not_be_computed),
		cmocka_unit_test(test_projections_from_a_search_request),
		cmocka_unit_test(test_projections_that_are_refused),
		cmocka_unit_test(test_matching),
		cmocka_unit_test(test_letters_have_a_case_beyond_ascii),
		cmocka_unit_test(test_filters_that_order_what_has_no_order),
		cmocka_unit_test(test_filters_that_are_none),
		cmocka_unit_test(test_sorting),
	};

	(void)resource_of;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
