// SPDX-License-Identifier: MIT
//
// The schema tables against RFC 7643 §8.7.1, attribute by attribute, as they are
// served; looking up; and what a POST or PUT body becomes.
#include "scimd/scim/filter.h"
#include "scimd/scim/json.h"
#include "tests/unit/scimbox.h"
#include <errno.h>

struct served {
	const char *urn, *path, *type;
	bool multi, required;
	const char *mutability, *returned, *uniqueness;
};

// §8.7.1, but for two: a group's displayName is required as §4.2 says, and a member
// has a value.
static const struct served served[] = {
	// clang-format off
	{ SCIM_URN_USER, "userName", "string", false, true, "readWrite", "default", "server" },
	{ SCIM_URN_USER, "name", "complex", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "name.formatted", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "name.familyName", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "name.givenName", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "name.middleName", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "name.honorificPrefix", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "name.honorificSuffix", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "displayName", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "nickName", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "profileUrl", "reference", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "title", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "userType", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "preferredLanguage", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "locale", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "timezone", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "active", "boolean", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "password", "string", false, false, "writeOnly", "never", "none" },
	{ SCIM_URN_USER, "emails", "complex", true, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "emails.value", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "emails.display", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "emails.type", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "emails.primary", "boolean", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "phoneNumbers", "complex", true, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "phoneNumbers.value", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "phoneNumbers.display", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "phoneNumbers.type", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "phoneNumbers.primary", "boolean", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "ims", "complex", true, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "ims.value", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "ims.display", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "ims.type", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "ims.primary", "boolean", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "photos", "complex", true, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "photos.value", "reference", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "photos.display", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "photos.type", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "photos.primary", "boolean", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "addresses", "complex", true, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "addresses.formatted", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "addresses.streetAddress", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "addresses.locality", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "addresses.region", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "addresses.postalCode", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "addresses.country", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "addresses.type", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "groups", "complex", true, false, "readOnly", "default", "none" },
	{ SCIM_URN_USER, "groups.value", "string", false, false, "readOnly", "default", "none" },
	{ SCIM_URN_USER, "groups.$ref", "reference", false, false, "readOnly", "default", "none" },
	{ SCIM_URN_USER, "groups.display", "string", false, false, "readOnly", "default", "none" },
	{ SCIM_URN_USER, "groups.type", "string", false, false, "readOnly", "default", "none" },
	{ SCIM_URN_USER, "entitlements", "complex", true, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "entitlements.value", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "entitlements.display", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "entitlements.type", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "entitlements.primary", "boolean", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "roles", "complex", true, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "roles.value", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "roles.display", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "roles.type", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "roles.primary", "boolean", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "x509Certificates", "complex", true, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "x509Certificates.value", "binary", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "x509Certificates.display", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "x509Certificates.type", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_USER, "x509Certificates.primary", "boolean", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_GROUP, "displayName", "string", false, true, "readWrite", "default", "none" },
	{ SCIM_URN_GROUP, "members", "complex", true, false, "readWrite", "default", "none" },
	{ SCIM_URN_GROUP, "members.value", "string", false, true, "immutable", "default", "none" },
	{ SCIM_URN_GROUP, "members.$ref", "reference", false, false, "immutable", "default", "none" },
	{ SCIM_URN_GROUP, "members.type", "string", false, false, "immutable", "default", "none" },
	{ SCIM_URN_ENTERPRISE, "employeeNumber", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_ENTERPRISE, "costCenter", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_ENTERPRISE, "organization", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_ENTERPRISE, "division", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_ENTERPRISE, "department", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_ENTERPRISE, "manager", "complex", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_ENTERPRISE, "manager.value", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_ENTERPRISE, "manager.$ref", "reference", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_ENTERPRISE, "manager.displayName", "string", false, false, "readOnly", "default", "none" },
	{ SCIM_URN_POSIX_USER, "uidNumber", "integer", false, false, "immutable", "default", "server" },
	{ SCIM_URN_POSIX_USER, "gidNumber", "integer", false, false, "immutable", "default", "server" },
	{ SCIM_URN_POSIX_USER, "loginShell", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_POSIX_USER, "homeDirectory", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_POSIX_USER, "gecos", "string", false, false, "readWrite", "default", "none" },
	{ SCIM_URN_POSIX_USER, "sshPublicKeys", "complex", true, false, "readWrite", "default", "none" },
	{ SCIM_URN_POSIX_GROUP, "gidNumber", "integer", false, false, "immutable", "default", "server" },
	// clang-format on
};

static struct json_object *by_name(struct json_object *list, const char *name, size_t len)
{
	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		const char *s = json_string(json_member(o, "name"));

		if (s && strlen(s) == len && strncmp(s, name, len) == 0)
			return o;
	}
	return NULL;
}

static void assert_text(const struct served *row, struct json_object *a, const char *key,
			const char *want)
{
	const char *have = json_string(json_member(a, key));

	if (!have || strcmp(have, want) != 0)
		fail_msg("%s %s: %s is %s, not %s", row->urn, row->path, key, have, want);
}

static void assert_flag(const struct served *row, struct json_object *a, const char *key, bool want)
{
	if (json_object_get_boolean(json_member(a, key)) != want)
		fail_msg("%s %s: %s is not %d", row->urn, row->path, key, want);
}

static void test_schemas_are_served_as_the_rfc_has_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(served) / sizeof(*served); i++) {
		const struct served *row = &served[i];
		const struct scim_schema *s = scim_schema_by_urn(row->urn);
		struct json_object *o = scim_schema_json(s, "https://x/v2"), *a;
		const char *dot = strchr(row->path, '.');

		a = by_name(json_member(o, "attributes"), row->path,
			    dot ? (size_t)(dot - row->path) : strlen(row->path));
		if (dot)
			a = by_name(json_member(a, "subAttributes"), dot + 1, strlen(dot + 1));
		if (!a)
			fail_msg("%s %s is not served", row->urn, row->path);
		assert_text(row, a, "type", row->type);
		assert_flag(row, a, "multiValued", row->multi);
		assert_flag(row, a, "required", row->required);
		assert_text(row, a, "mutability", row->mutability);
		assert_text(row, a, "returned", row->returned);
		assert_text(row, a, "uniqueness", row->uniqueness);
		assert_non_null(json_string(json_member(a, "description")));
		json_object_put(o);
	}
}

// No null anywhere: some clients fall over it.
static void assert_no_null(struct json_object *o, int depth)
{
	assert_non_null(o);
	assert_true(depth < 8);
	if (json_object_is_type(o, json_type_object)) {
		json_object_object_foreach(o, key, v)
		{
			(void)key;
			assert_no_null(v, depth + 1);
		}
	}
	for (size_t i = 0;
	     json_object_is_type(o, json_type_array) && i < json_object_array_length(o); i++)
		assert_no_null(json_object_array_get_idx(o, i), depth + 1);
}

static void test_discovery_bodies(void **state)
{
	struct json_object *o, *expected;
	const struct scim_schema *s;
	size_t n;

	(void)state;
	for (n = 0; (s = scim_schema_at(n)); n++) {
		o = scim_schema_json(s, "https://x/v2");
		assert_no_null(o, 0);
		assert_string_equal(json_string(json_member(o, "id")), s->urn);
		assert_true(strstr(json_string(json_member(json_member(o, "meta"), "location")),
				   s->urn) != NULL);
		json_object_put(o);
	}
	assert_int_equal(n, 5);
	o = scim_resource_type_json(&scim_type_group, "https://x/v2");
	expected = json_of("{'schemas':['urn:ietf:params:scim:schemas:core:2.0:ResourceType'],"
			   "'id':'Group','name':'Group','endpoint':'/Groups','description':'Group',"
			   "'schema':'" SCIM_URN_GROUP "','schemaExtensions':[{'schema':"
			   "'" SCIM_URN_POSIX_GROUP "','required':false}],'meta':{"
			   "'location':'https://x/v2/ResourceTypes/Group',"
			   "'resourceType':'ResourceType'}}");
	if (!json_object_equal(o, expected))
		fail_msg("%s", text_of(o));
	json_object_put(expected);
	json_object_put(o);
	assert_ptr_equal(scim_type_at(0), &scim_type_user);
	assert_ptr_equal(scim_type_by_name("group"), &scim_type_group);
	assert_null(scim_type_by_name("Device"));
	assert_null(scim_type_at(2));
	assert_null(scim_schema_by_urn("urn:x"));
}

static void test_find_by_path(void **state)
{
	// clang-format off
	static const struct { const char *path, *name, *urn; } cases[] = {
		{ "userName", "userName", SCIM_URN_USER },
		{ "USERNAME", "userName", SCIM_URN_USER },
		{ "name.familyname", "familyName", SCIM_URN_USER },
		{ "emails.value", "value", SCIM_URN_USER },
		{ "emails.$ref", NULL, NULL },
		{ "groups.$ref", "$ref", SCIM_URN_USER },
		{ "id", "id", NULL },
		{ "meta.lastModified", "lastModified", NULL },
		{ SCIM_URN_USER ":userName", "userName", SCIM_URN_USER },
		{ SCIM_URN_USER ":id", "id", NULL },
		{ ENT ":manager.displayName", "displayName", ENT },
		{ ENT ":userName", NULL, NULL },
		{ ENT ":id", NULL, NULL },
		{ "manager.value", "value", ENT },
		{ "uidNumber", "uidNumber", POSIX },
		{ "urn:x:User:userName", NULL, NULL },
		{ "user", NULL, NULL },
		{ "userNames", NULL, NULL },
		{ "userName.x", NULL, NULL },
		{ "members", NULL, NULL },
	};
	// clang-format on

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct scim_schema *s = NULL;
		const struct scim_attribute *a;
		struct scim_path p;
		char buf[256];

		assert_int_equal(scim_path_parse(cases[i].path, strlen(cases[i].path), &p, buf,
						 sizeof(buf), NULL),
				 0);
		a = scim_schema_find(&scim_type_user, &p, &s);
		if (!a != !cases[i].name || (a && strcmp(a->name, cases[i].name) != 0) ||
		    !s != !cases[i].urn || (s && strcmp(s->urn, cases[i].urn) != 0))
			fail_msg("%s: %s in %s", cases[i].path, a ? a->name : "-",
				 s ? s->urn : "-");
	}
}

struct body {
	const char *what, *in;
	const char *out; // as text, so that the order counts; or "!" and the scimType
};

#define SU "'schemas':['" SCIM_URN_USER "']"
#define SUE "'schemas':['" SCIM_URN_USER "','" ENT "']"
#define SUP "'schemas':['" SCIM_URN_USER "','" POSIX "']"
#define SG "'schemas':['" SCIM_URN_GROUP "']"

static const struct body bodies[] = {
	// clang-format off
{ "table order, whatever came first", "{'active':true,'userName':'bj','externalId':'1'}", "{" SU ",'externalId':'1','userName':'bj','active':true}" },
{ "names without regard to case", "{'USERNAME':'bj','Name':{'GIVENNAME':'B'}}", "{" SU ",'userName':'bj','name':{'givenName':'B'}}" },
{ "read-only attributes are ignored", "{'userName':'bj','id':'1','meta':{'version':'1'},'groups':[{'value':'1'}]}", "{" SU ",'userName':'bj'}" },
{ "unknown attributes and extensions are ignored", "{'userName':'bj','shoe':1,'urn:x:y':{'a':1},'urn:x:y:z':1}", "{" SU ",'userName':'bj'}" },
{ "unknown sub-attributes are ignored", "{'userName':'bj','name':{'x':{'y':[1]},'givenName':'B'}}", "{" SU ",'userName':'bj','name':{'givenName':'B'}}" },
{ "a password is not kept", "{'userName':'bj','password':'s'}", "{" SU ",'userName':'bj'}" },
{ "schemas is computed", "{'schemas':['urn:x','" ENT "'],'userName':'bj'}", "{" SU ",'userName':'bj'}" },
{ "null, [] and {} are nothing", "{'userName':'bj','title':null,'emails':[],'name':{},'phoneNumbers':[null,{}],'roles':[{'value':null}]}", "{" SU ",'userName':'bj'}" },
{ "an extension nested", "{'userName':'bj','" ENT "':{'department':'d'}}", "{" SUE ",'userName':'bj','" ENT "':{'department':'d'}}" },
{ "an extension by keys", "{'userName':'bj','" ENT ":department':'d','" ENT ":manager.value':'7'}", "{" SUE ",'userName':'bj','" ENT "':{'department':'d','manager':{'value':'7'}}}" },
{ "an extension both ways", "{'userName':'bj','" ENT ":department':'d','" ENT "':{'division':'e'}}", "{" SUE ",'userName':'bj','" ENT "':{'division':'e','department':'d'}}" },
{ "an extension with nothing in it", "{'userName':'bj','" ENT "':{'x':1,'department':null}}", "{" SU ",'userName':'bj'}" },
{ "an extension that is null", "{'userName':'bj','" ENT "':null}", "{" SU ",'userName':'bj'}" },
{ "an extension's attribute without its URN is unknown", "{'userName':'bj','department':'d'}", "{" SU ",'userName':'bj'}" },
{ "core attributes under the core URN", "{'" SCIM_URN_USER "':{'userName':'bj'},'" SCIM_URN_USER ":title':'t'}", "{" SU ",'userName':'bj','title':'t'}" },
{ "dotted keys", "{'userName':'bj','name.familyName':'J','name.givenName':'B'}", "{" SU ",'userName':'bj','name':{'familyName':'J','givenName':'B'}}" },
{ "dotted keys and the object", "{'name.givenName':'B','userName':'bj','name':{'familyName':'J'}}", "{" SU ",'userName':'bj','name':{'familyName':'J','givenName':'B'}}" },
{ "a dotted key of a list", "{'userName':'bj','emails.value':'a'}", "{" SU ",'userName':'bj','emails':[{'value':'a'}]}" },
{ "boolean strings", "{'userName':'bj','active':'False','emails':[{'value':'a','primary':'True'}]}", "{" SU ",'userName':'bj','active':false,'emails':[{'value':'a','primary':true}]}" },
{ "integer strings", "{'userName':'bj','" POSIX "':{'gidNumber':'7','uidNumber':8.0}}", "{" SUP ",'userName':'bj','" POSIX "':{'uidNumber':8,'gidNumber':7}}" },
{ "a single value for a list", "{'userName':'bj','emails':{'value':'a'},'roles':'r'}", "{" SU ",'userName':'bj','emails':[{'value':'a'}],'roles':[{'value':'r'}]}" },
{ "the same value twice", "{'userName':'bj','emails':[{'value':'a'},{'value':'a'},{'type':'x','value':'a'}]}", "{" SU ",'userName':'bj','emails':[{'value':'a'},{'value':'a','type':'x'}]}" },
{ "manager as a string", "{'userName':'bj','" ENT "':{'manager':'7'}}", "{" SUE ",'userName':'bj','" ENT "':{'manager':{'value':'7'}}}" },
{ "keys in both forms", "{'userName':'bj','" POSIX "':{'sshPublicKeys':['k1',{'display':'d','value':'k2'}]}}", "{" SUP ",'userName':'bj','" POSIX "':{'sshPublicKeys':[{'value':'k1'},{'value':'k2','display':'d'}]}}" },
{ "a list of one for a single value", "{'userName':['bj']}", "{" SU ",'userName':'bj'}" },
{ "text as it came", "{'userName':' Bj ','displayName':'\xc3\xa4\\n'}", "{" SU ",'userName':' Bj ','displayName':'\xc3\xa4\\n'}" },
{ "an empty string is a value", "{'userName':'bj','title':''}", "{" SU ",'userName':'bj','title':''}" },
{ "the Okta POST", "{'schemas':['" SCIM_URN_USER "'],'userName':'t@x','name':{'givenName':'Test','familyName':'User'},'emails':[{'primary':true,'value':'t@x','type':'work'}],'displayName':'Test User','locale':'en-US','externalId':'00u','groups':[],'password':'1mz','active':true}", "{" SU ",'externalId':'00u','userName':'t@x','name':{'familyName':'User','givenName':'Test'},'displayName':'Test User','locale':'en-US','active':true,'emails':[{'value':'t@x','type':'work','primary':true}]}" },
{ "the Entra group POST", "{'schemas':['" SCIM_URN_GROUP "','http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group'],'externalId':'8aa1','displayName':'n','meta':{'resourceType':'Group'}}", "{" SG ",'externalId':'8aa1','displayName':'n'}" },
{ "members", "{'displayName':'g','members':[{'value':'1','$ref':null,'display':'x'},{'value':'2','type':'Group'},{'value':'1','type':'User'}]}", "{" SG ",'displayName':'g','members':[{'value':'1'},{'value':'2','type':'Group'}]}" },
{ "no object", "[]", "!invalidSyntax" },
{ "nothing at all", "null", "!invalidSyntax" },
{ "no userName", "{'displayName':'x'}", "!invalidValue" },
{ "an empty userName", "{'userName':''}", "!invalidValue" },
{ "userName null", "{'userName':null}", "!invalidValue" },
{ "userName a number", "{'userName':5}", "!invalidValue" },
{ "no displayName for a group", "{'members':[],'displayName':null}", "!invalidValue" },
{ "two primaries", "{'userName':'bj','emails':[{'value':'a','primary':true},{'value':'b','primary':'true'}]}", "!invalidValue" },
{ "an integer that is none", "{'userName':'bj','" POSIX "':{'uidNumber':'7x'}}", "!invalidValue" },
{ "an integer with blanks", "{'userName':'bj','" POSIX "':{'uidNumber':' 7'}}", "!invalidValue" },
{ "a fraction", "{'userName':'bj','" POSIX "':{'uidNumber':7.5}}", "!invalidValue" },
{ "a key without value", "{'userName':'bj','" POSIX "':{'sshPublicKeys':[{'display':'d'}]}}", "!invalidValue" },
{ "a string where an object belongs", "{'userName':'bj','name':'B'}", "!invalidValue" },
{ "a list in a list", "{'userName':'bj','emails':[[{'value':'a'}]]}", "!invalidValue" },
{ "no base64", "{'userName':'bj','x509Certificates':[{'value':'?'}]}", "!invalidValue" },
{ "a NUL", "{'userName':'b\\u0000j'}", "!invalidValue" },
{ "no UTF-8", "{'userName':'b\xff'}", "!invalidValue" },
{ "an overlong form", "{'userName':'b\xc0\xaf'}", "!invalidValue" },
{ "a surrogate", "{'userName':'b\xed\xa0\x80'}", "!invalidValue" },
	// clang-format on
};

static void test_bodies_become_resources(void **state)
{
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
		const struct body *b = &bodies[i];
		bool group = strstr(b->in, "\"g\"") || strstr(b->in, "members") ||
			     strstr(b->in, SCIM_URN_GROUP);
		struct json_object *in = json_of(b->in), *out = NULL, *want;
		struct scim_problem p = { 0 };
		int r = scim_accept(group ? &scim_type_group : &scim_type_user, in, &out, &p);

		want = b->out[0] == '!' ? NULL : json_of(b->out);
		if (want ? r != 0 || strcmp(text_of(out), text_of(want)) != 0
			 : r != -EINVAL || out || p.status != 400 ||
				    strcmp(p.scim_type, b->out + 1) != 0) {
			print_error("%s: %s\n", b->what, r < 0 ? p.detail : text_of(out));
			bad++;
		}
		json_object_put(want);
		json_object_put(out);
		json_object_put(in);
	}
	assert_int_equal(bad, 0);
}

static int accept_emails(size_t n, size_t len, struct scim_problem *p)
{
	struct json_object *in = json_of("{'userName':'bj'}"), *list = json_object_new_array();
	struct json_object *out = NULL;
	char *text = malloc(len + 16);
	int r;

	assert_non_null(text);
	memset(text, 'x', len);
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(text + len, 16, "%zu", i);
		json_object_array_add(list,
				      json_object_new_string_len(text, (int)(n > 1 ? strlen(text)
										   : len)));
	}
	json_object_object_add(in, "emails", list);
	r = scim_accept(&scim_type_user, in, &out, p);
	json_object_put(out);
	json_object_put(in);
	free(text);
	return r;
}

static void test_lengths_are_capped(void **state)
{
	struct scim_problem p = { 0 };

	(void)state;
	assert_int_equal(accept_emails(1, SCIM_TEXT_MAX, &p), 0);
	assert_int_equal(accept_emails(1, SCIM_TEXT_MAX + 1, &p), -EINVAL);
	assert_string_equal(p.scim_type, "invalidValue");
	assert_int_equal(accept_emails(SCIM_VALUES_MAX, 1, &p), 0);
	assert_int_equal(accept_emails(SCIM_VALUES_MAX + 1, 1, &p), -EINVAL);
	assert_string_equal(p.scim_type, "invalidValue");
}

static void test_a_group_may_have_100000_members(void **state)
{
	struct json_object *in = json_of("{'displayName':'g'}"), *list = json_object_new_array();
	struct json_object *out = NULL;
	struct scim_problem p = { 0 };
	char id[24];

	(void)state;
	for (unsigned int i = 0; i < SCIM_MEMBERS_MAX; i++) {
		(void)snprintf(id, sizeof(id), "%u", i);
		json_object_array_add(list, json_object_new_string(id));
	}
	json_object_object_add(in, "members", list);
	assert_int_equal(scim_accept(&scim_type_group, in, &out, &p), 0);
	assert_int_equal(json_object_array_length(json_member(out, "members")), SCIM_MEMBERS_MAX);
	json_object_put(out);
	out = NULL;
	json_object_array_add(list, json_object_new_string("one more"));
	assert_int_equal(scim_accept(&scim_type_group, in, &out, &p), -EINVAL);
	assert_null(out);
	json_object_put(in);
}

// What is unknown may be nested as deep as it likes: nothing goes there.
static void test_depth_of_the_unknown_is_not_followed(void **state)
{
	struct json_object *in = json_of("{'userName':'bj'}"), *o = json_object_new_array(), *out;
	struct scim_problem p = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct json_object *outer = json_object_new_array();

		json_object_array_add(outer, o);
		o = outer;
	}
	json_object_object_add(in, "x", json_object_get(o));
	assert_int_equal(scim_accept(&scim_type_user, in, &out, &p), 0);
	json_object_put(out);
	json_object_object_add(in, "name", o);
	assert_int_equal(scim_accept(&scim_type_user, in, &out, &p), -EINVAL);
	json_object_put(in);
}

static void test_immutable_attributes(void **state)
{
	struct json_object *old =
		resource_of(&scim_type_user,
			    "{'userName':'a','" POSIX "':{'uidNumber':7,'loginShell':'x'}}");
	struct json_object *same = resource_of(&scim_type_user, "{'userName':'b','" POSIX
								"':{'uidNumber':7,'gidNumber':1}}");
	struct json_object *other =
		resource_of(&scim_type_user, "{'userName':'b','" POSIX "':{'uidNumber':8}}");
	struct json_object *none = resource_of(&scim_type_user, "{'userName':'b'}"), *want;
	struct scim_problem p = { 0 };

	(void)state;
	assert_int_equal(scim_immutable_check(&scim_type_user, old, same, &p), 0);
	assert_int_equal(scim_immutable_check(&scim_type_user, none, other, &p), 0);
	assert_int_equal(scim_immutable_check(&scim_type_user, old, none, &p), 0);
	assert_int_equal(scim_immutable_check(&scim_type_user, old, other, &p), -EINVAL);
	assert_int_equal(p.status, 400);
	assert_string_equal(p.scim_type, "mutability");
	assert_int_equal(scim_immutable_carry(&scim_type_user, old, &none), 0);
	want = json_of("{" SUP ",'userName':'b','" POSIX "':{'uidNumber':7}}");
	assert_string_equal(text_of(none), text_of(want));
	json_object_put(want);
	json_object_put(none);
	json_object_put(other);
	json_object_put(same);
	json_object_put(old);
}

static void test_problems_are_clean_text(void **state)
{
	struct scim_problem p = { 0 };
	struct json_object *o, *want;
	char text[1024];

	(void)state;
	assert_int_equal(scim_problem(NULL, 400, NULL, "x"), -EINVAL);
	assert_int_equal(scim_problem(&p, 409, "uniqueness", "\"%s\" is taken", "b\xffj\n\xc3\xa4"),
			 -EINVAL);
	assert_string_equal(p.detail, "\"b\\xffj\\x0a\xc3\xa4\" is taken");
	o = scim_problem_json(&p);
	want = json_of("{'schemas':['urn:ietf:params:scim:api:messages:2.0:Error'],'status':'409',"
		       "'scimType':'uniqueness','detail':'x'}");
	json_object_object_add(want, "detail", json_object_new_string(p.detail));
	assert_true(json_object_equal(o, want));
	json_object_put(want);
	json_object_put(o);
	// A character is never cut, wherever the end is.
	for (size_t shift = 0; shift < 4; shift++) {
		memset(text, 'x', shift);
		for (size_t i = shift; i + 4 < sizeof(text); i += 4)
			memcpy(text + i, "\xf0\x9f\x98\x80", 5);
		(void)scim_problem(&p, 404, NULL, "%s", text);
		assert_true(strlen(p.detail) > 500);
		assert_null(strchr(p.detail, '\\'));
	}
	o = scim_problem_json(&p);
	assert_null(json_member(o, "scimType"));
	json_object_put(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_schemas_are_served_as_the_rfc_has_them),
		cmocka_unit_test(test_discovery_bodies),
		cmocka_unit_test(test_find_by_path),
		cmocka_unit_test(test_bodies_become_resources),
		cmocka_unit_test(test_lengths_are_capped),
		cmocka_unit_test(test_a_group_may_have_100000_members),
		cmocka_unit_test(test_depth_of_the_unknown_is_not_followed),
		cmocka_unit_test(test_immutable_attributes),
		cmocka_unit_test(test_problems_are_clean_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
