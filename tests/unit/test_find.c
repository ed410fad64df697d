// SPDX-License-Identifier: MIT
//
// Which filters scim-directory answers from an index: those of which every match
// must fulfil one `indexed attribute eq "value"`. Any other reads everything.
#include "scimd/directory/find_internal.h"
#include "scimd/scim/filter.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define CORE "urn:ietf:params:scim:schemas:core:2.0:User"

static const struct {
	const char *filter;
	uint8_t kind;
	bool index;
} cases[] = {
	{ "userName eq \"a\"", RESOURCE_USER, true },
	{ "USERNAME EQ \"a\"", RESOURCE_USER, true },
	{ "userName eq a", RESOURCE_USER, true },
	{ CORE ":userName eq \"a\"", RESOURCE_USER, true },
	{ "externalId eq 17", RESOURCE_USER, true },
	{ "(userName eq \"a\")", RESOURCE_USER, true },
	{ "id eq \"a\"", RESOURCE_GROUP, true },
	{ "displayName eq \"a\"", RESOURCE_GROUP, true },
	{ "members.value eq \"a\"", RESOURCE_GROUP, true },
	{ "members eq \"a\"", RESOURCE_GROUP, true },
	{ "members[value eq \"a\"]", RESOURCE_GROUP, true },
	{ "groups.value eq \"a\"", RESOURCE_USER, true },
	{ "userName eq \"a\" and active eq true and title pr", RESOURCE_USER, true },
	{ "active eq true and userName eq \"a\"", RESOURCE_USER, true },
	{ "title pr and (active eq true and id eq \"a\")", RESOURCE_USER, true },
	{ "emails[value eq \"a\"]", RESOURCE_USER, true },
	{ "emails[type eq \"work\" and value eq \"a\"]", RESOURCE_USER, true },
	{ "emails[value eq \"a\" and type eq \"work\" and primary eq true]", RESOURCE_USER, true },
	{ "emails[type eq \"work\"].value eq \"a\"", RESOURCE_USER, true },
	{ "emails[type eq \"work\"].value eq \"a\" and active eq true", RESOURCE_USER, true },
	{ "userName sw \"a\"", RESOURCE_USER, false },
	{ "userName eq null", RESOURCE_USER, false },
	{ "userName eq \"a\"", RESOURCE_GROUP, false },
	{ "members.value eq \"a\"", RESOURCE_USER, false },
	{ "urn:other:userName eq \"a\"", RESOURCE_USER, false },
	{ "active eq true", RESOURCE_USER, false },
	{ "userName eq \"a\" or title pr", RESOURCE_USER, false },
	{ "userName eq \"a\" or userName eq \"b\"", RESOURCE_USER, false },
	{ "not (userName eq \"a\")", RESOURCE_USER, false },
	{ "emails[type eq \"a\"]", RESOURCE_USER, false },
	{ "emails[value eq \"a\" or type eq \"b\"]", RESOURCE_USER, false },
	{ "emails[not (value eq \"a\")]", RESOURCE_USER, false },
	{ "emails[type eq \"work\"].value ne \"a\"", RESOURCE_USER, false },
};

static void test_find_uses_an_index_where_one_part_must_hold(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *text = cases[i].filter;
		struct scim_filter *flt;

		if (scim_filter_parse(text, strlen(text), &flt, NULL) != 0)
			fail_msg("%s: not a filter", text);
		if (find_has_index(cases[i].kind, flt) != cases[i].index)
			fail_msg("%s: %s", text, cases[i].index ? "no index" : "an index");
		scim_filter_free(flt);
	}
}

// Whom an index names is looked at again; to do that at once it may not take all the
// members of a group, or all the groups of somebody.
static const struct {
	const char *filter;
	uint8_t kind;
	bool cheap;
} looks[] = {
	{ "id eq \"g\"", RESOURCE_GROUP, true },
	{ "id eq \"g\" and members eq \"u\"", RESOURCE_GROUP, true },
	{ "members eq \"u\" and id eq \"g\"", RESOURCE_GROUP, true },
	{ "members[value eq \"u\"]", RESOURCE_GROUP, true },
	{ "members[type eq \"User\" and VALUE eq \"u\"]", RESOURCE_GROUP, true },
	{ "id eq \"g\" and not (members.value eq \"u\")", RESOURCE_GROUP, true },
	{ "id eq \"g\" and (members eq \"u\" or MEMBERS eq \"v\")", RESOURCE_GROUP, true },
	{ "groups eq \"g\"", RESOURCE_USER, true },
	{ "userName eq \"u\" and members eq \"u\"", RESOURCE_USER, true }, // which it has not
	{ "id eq \"g\" and members pr", RESOURCE_GROUP, false },
	{ "id eq \"g\" and Members.type eq \"User\"", RESOURCE_GROUP, false },
	{ "id eq \"g\" and members ne null", RESOURCE_GROUP, false },
	{ "id eq \"g\" and members sw \"u\"", RESOURCE_GROUP, false },
	{ "id eq \"g\" and members[type eq \"User\"]", RESOURCE_GROUP, false },
	{ "id eq \"g\" and members[not (value eq \"u\")]", RESOURCE_GROUP, false },
	{ "id eq \"g\" and members[value eq \"u\" or type eq \"Group\"]", RESOURCE_GROUP, false },
	{ "userName eq \"u\" and groups eq \"g\"", RESOURCE_USER, false },
	{ "groups[value eq \"g\" and type eq \"direct\"]", RESOURCE_USER, false },
};

static void test_find_looks_at_no_list_at_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(looks) / sizeof(*looks); i++) {
		const char *text = looks[i].filter;
		struct find_query q = { .kind = looks[i].kind };

		if (scim_filter_parse(text, strlen(text), &q.filter, NULL) != 0)
			fail_msg("%s: not a filter", text);
		if (find_is_cheap(&q) != looks[i].cheap)
			fail_msg("%s: %s", text, looks[i].cheap ? "not cheap" : "cheap");
		find_free(&q);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find_uses_an_index_where_one_part_must_hold),
		cmocka_unit_test(test_find_looks_at_no_list_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
