// SPDX-License-Identifier: MIT
//
// JSON for tables of cases: 'x' is "x", and ^x^ within a string is \"x\".
#ifndef TESTS_UNIT_SCIMBOX_H
#define TESTS_UNIT_SCIMBOX_H

#include "scimd/scim/accept.h"
#include "scimd/scim/problem.h"
#include "scimd/scim/schema.h"
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ENT SCIM_URN_ENTERPRISE
#define POSIX SCIM_URN_POSIX_USER

static struct json_object *json_of(const char *text)
{
	char *s = malloc(2 * strlen(text) + 1);
	struct json_object *o;
	size_t n = 0;

	assert_non_null(s);
	for (; *text; text++) {
		if (*text == '^')
			s[n++] = '\\';
		s[n++] = *text == '\'' || *text == '^' ? '"' : *text;
	}
	s[n] = '\0';
	o = json_tokener_parse(s);
	if (!o && strcmp(s, "null") != 0)
		fail_msg("no JSON: %s", s);
	free(s);
	return o;
}

// Normalised, with the read-only attributes that the text has.
static struct json_object *resource_of(const struct scim_resource_type *t, const char *text)
{
	static const char *const own[] = { "id", "meta", "groups" };
	struct json_object *in = json_of(text), *out, *v;
	struct scim_problem p = { 0 };

	if (scim_accept(t, in, &out, &p) != 0)
		fail_msg("%s: %s", text, p.detail);
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (json_object_object_get_ex(in, own[i], &v))
			json_object_object_add(out, own[i], json_object_get(v));
	json_object_put(in);
	return out;
}

static const char *text_of(struct json_object *o)
{
	return json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
							 JSON_C_TO_STRING_NOSLASHESCAPE);
}

#endif
