// SPDX-License-Identifier: MIT
//
// PATCH: a table of what RFC 7644 says, section by section, and of what Okta,
// Entra and others send. Target and expected resource pass scim_accept, so that a
// result must be normalised; the target itself must stay as it was.
#include "scimd/scim/json.h"
#include "scimd/scim/patch.h"
#include "tests/unit/scimbox.h"
#include <errno.h>
#include <unistd.h>

#define U(more) "{'userName':'bj'" more "}"
#define G(more) "{'displayName':'g'" more "}"
#define OP(op, path, value) "{'op':'" op "','path':'" path "','value':" value "}"
#define NOPATH(op, value) "{'op':'" op "','value':" value "}"
#define CUT(path) "{'op':'remove','path':'" path "'}"
#define MAILS                                                                                      \
	",'emails':[{'value':'w@x','type':'work','primary':true},{'value':'h@x','type':'home'}]"

struct row {
	const char *what;
	const char *target, *operations; // a list, or (with "{") operations without brackets
	const char *expected;            // or, with "!", the scimType of a 400
};

static const struct row rows[] = {
	// clang-format off
// 3.5.2.1 add
{ "3.5.2.1 add sets a single value", U(""), OP("add", "title", "'Dr'"), U(",'title':'Dr'") },
{ "3.5.2.1 add replaces a single value", U(",'title':'Mr'"), OP("add", "title", "'Dr'"), U(",'title':'Dr'") },
{ "3.5.2.1 add of the same value changes nothing", U(",'title':'Dr'"), OP("add", "title", "'Dr'"), U(",'title':'Dr'") },
{ "3.5.2.1 add appends to a list", U(",'emails':[{'value':'a'}]"), OP("add", "emails", "[{'value':'b'}]"), U(",'emails':[{'value':'a'},{'value':'b'}]") },
{ "3.5.2.1 add makes a list", U(""), OP("add", "emails", "[{'value':'b','type':'work'}]"), U(",'emails':[{'value':'b','type':'work'}]") },
{ "3.5.2.1 add of a value that is there", U(MAILS), OP("add", "emails", "[{'value':'w@x','type':'work'}]"), U(MAILS) },
{ "3.5.2.1 add of a value in another case is there", U(MAILS), OP("add", "emails", "[{'value':'W@X'}]"), U(MAILS) },
{ "3.5.2.1 add of a value in another case, not of ASCII, is there", U(",'emails':[{'value':'jörg@x','type':'work'}]"), OP("add", "emails", "[{'value':'JÖRG@x'},{'value':'Jörg@x','type':'WORK'}]"), U(",'emails':[{'value':'jörg@x','type':'work'}]") },
{ "3.5.2.1 add of the same value with another type", U(",'emails':[{'value':'a','type':'work'}]"), OP("add", "emails", "[{'value':'a','type':'home'}]"), U(",'emails':[{'value':'a','type':'work'},{'value':'a','type':'home'}]") },
{ "3.5.2.1 add of a single value to a list", U(""), OP("add", "emails", "{'value':'b'}"), U(",'emails':[{'value':'b'}]") },
{ "3.5.2.1 add without path", U(""), NOPATH("add", "{'emails':[{'value':'babs@jensen.org','type':'home'}],'nickName':'Babs'}"), U(",'emails':[{'value':'babs@jensen.org','type':'home'}],'nickName':'Babs'") },
{ "3.5.2.1 add without path appends", U(MAILS), NOPATH("add", "{'emails':[{'value':'o@x','type':'other'}]}"), U(",'emails':[{'value':'w@x','type':'work','primary':true},{'value':'h@x','type':'home'},{'value':'o@x','type':'other'}]") },
{ "3.5.2.1 add to a complex value keeps the rest", U(",'name':{'givenName':'B'}"), OP("add", "name", "{'familyName':'J'}"), U(",'name':{'givenName':'B','familyName':'J'}") },
{ "3.5.2.1 add of a sub-attribute makes its parent", U(""), OP("add", "name.familyName", "'J'"), U(",'name':{'familyName':'J'}") },
{ "3.5.2.1 add of a sub-attribute", U(",'name':{'givenName':'B'}"), OP("add", "name.familyName", "'J'"), U(",'name':{'givenName':'B','familyName':'J'}") },
{ "3.5.2.1 add below a value path", U(MAILS), OP("add", "emails[type eq ^home^].display", "'H'"), U(",'emails':[{'value':'w@x','type':'work','primary':true},{'value':'h@x','type':'home','display':'H'}]") },
{ "3.5.2.1 add at a value path merges", U(MAILS), OP("add", "emails[type eq ^home^]", "{'display':'H'}"), U(",'emails':[{'value':'w@x','type':'work','primary':true},{'value':'h@x','type':'home','display':'H'}]") },
{ "3.5.2.1 add of null", U(",'title':'Dr'"), OP("add", "title", "null"), U(",'title':'Dr'") },
{ "3.5.2.1 add of []", U(MAILS), OP("add", "emails", "[]"), U(MAILS) },
{ "3.5.2.1 add without value", U(""), "{'op':'add','path':'title'}", "!invalidValue" },
{ "3.5.2.1 add without path of no object", U(""), NOPATH("add", "'x'"), "!invalidValue" },
{ "3.5.2.1 add of an extension attribute", U(""), OP("add", ENT ":department", "'d'"), U(",'" ENT "':{'department':'d'}") },
{ "3.5.2.1 add of addresses that are there", U(",'addresses':[{'country':'DE','locality':'B'}]"), OP("add", "addresses", "[{'country':'DE'}]"), U(",'addresses':[{'country':'DE','locality':'B'}]") },
{ "3.5.2.1 add of other addresses", U(",'addresses':[{'country':'DE'}]"), OP("add", "addresses", "[{'country':'FR'}]"), U(",'addresses':[{'country':'DE'},{'country':'FR'}]") },
{ "3.5.2.1 add of members", G(",'members':[{'value':'1'}]"), OP("add", "members", "[{'value':'2'},{'value':'1'}]"), G(",'members':[{'value':'1'},{'value':'2'}]") },
{ "3.5.2.1 a member's id is case-exact", G(",'members':[{'value':'a'}]"), OP("add", "members", "[{'value':'A'}]"), G(",'members':[{'value':'a'},{'value':'A'}]") },
{ "3.5.2.1 a member that is there keeps its type", G(",'members':[{'value':'1'}]"), OP("add", "members", "[{'value':'1','$ref':'/Users/1'}]"), G(",'members':[{'value':'1'}]") },
{ "3.5.2.1 a member without value", G(""), OP("add", "members", "[{'type':'User'}]"), "!invalidValue" },
// 3.5.2 primary
{ "3.5.2 a new primary ends the old one", U(MAILS), OP("add", "emails", "[{'value':'n','primary':true}]"), U(",'emails':[{'value':'w@x','type':'work','primary':false},{'value':'h@x','type':'home'},{'value':'n','primary':true}]") },
{ "3.5.2 primary by path ends the old one", U(MAILS), OP("replace", "emails[type eq ^home^].primary", "true"), U(",'emails':[{'value':'w@x','type':'work','primary':false},{'value':'h@x','type':'home','primary':true}]") },
{ "3.5.2 add of the value there, now primary", U(MAILS), OP("add", "emails", "[{'value':'h@x','primary':true}]"), U(",'emails':[{'value':'w@x','type':'work','primary':false},{'value':'h@x','type':'home','primary':true}]") },
{ "3.5.2 two primaries in a value", U(""), OP("replace", "emails", "[{'value':'a','primary':true},{'value':'b','primary':true}]"), "!invalidValue" },
{ "3.5.2 two primaries by path", U(MAILS), OP("replace", "emails.primary", "true"), "!invalidValue" },
{ "3.5.2 primary false", U(MAILS), OP("replace", "emails[primary eq true].primary", "false"), U(",'emails':[{'value':'w@x','type':'work','primary':false},{'value':'h@x','type':'home'}]") },
// 3.5.2.2 remove
{ "3.5.2.2 remove of a single value", U(",'title':'Dr'"), CUT("title"), U("") },
{ "3.5.2.2 remove of what is not there", U(""), CUT("title"), U("") },
{ "3.5.2.2 remove of a complex value", U(",'name':{'givenName':'B'}"), CUT("name"), U("") },
{ "3.5.2.2 remove of a sub-attribute", U(",'name':{'givenName':'B','familyName':'J'}"), CUT("name.givenName"), U(",'name':{'familyName':'J'}") },
{ "3.5.2.2 remove of the last sub-attribute", U(",'name':{'givenName':'B'}"), CUT("name.givenName"), U("") },
{ "3.5.2.2 remove of a sub-attribute not there", U(""), CUT("name.givenName"), U("") },
{ "3.5.2.2 remove of a list", U(MAILS), CUT("emails"), U("") },
{ "3.5.2.2 remove of a value in another case, not of ASCII", U(",'emails':[{'value':'jörg@x'},{'value':'jorg@x'}]"), OP("remove", "emails", "[{'value':'JÖRG@x'}]"), U(",'emails':[{'value':'jorg@x'}]") },
{ "3.5.2.2 remove at a value path", U(MAILS), CUT("emails[type eq ^work^ and value ew ^x^]"), U(",'emails':[{'value':'h@x','type':'home'}]") },
{ "3.5.2.2 remove of all values one by one", U(MAILS), CUT("emails[value pr]"), U("") },
{ "3.5.2.2 remove at a value path that matches nothing", U(MAILS), CUT("emails[type eq ^other^]"), U(MAILS) },
{ "3.5.2.2 remove of a sub-attribute at a value path", U(MAILS), CUT("emails[type eq ^work^].primary"), U(",'emails':[{'value':'w@x','type':'work'},{'value':'h@x','type':'home'}]") },
{ "3.5.2.2 remove of a sub-attribute of all values", U(MAILS), CUT("emails.type"), U(",'emails':[{'value':'w@x','primary':true},{'value':'h@x'}]") },
{ "3.5.2.2 remove of the only sub-attribute of a value", U(",'emails':[{'value':'a'},{'value':'b','type':'x'}]"), CUT("emails.value"), U(",'emails':[{'type':'x'}]") },
{ "3.5.2.2 remove without path", U(""), "{'op':'remove'}", "!noTarget" },
{ "3.5.2.2 remove without path but with a value", U(",'title':'x'"), NOPATH("remove", "{'title':'x'}"), "!noTarget" },
{ "3.5.2.2 remove of a required attribute", U(""), CUT("userName"), "!mutability" },
{ "3.5.2.2 remove of a group's displayName", G(""), CUT("displayName"), "!mutability" },
{ "3.5.2.2 remove of a read-only attribute", U(",'id':'1'"), CUT("id"), "!mutability" },
{ "3.5.2.2 remove of meta", U(",'meta':{'version':'1'}"), CUT("meta.version"), "!mutability" },
{ "3.5.2.2 remove of an immutable attribute", U(",'" POSIX "':{'uidNumber':5}"), CUT(POSIX ":uidNumber"), "!mutability" },
{ "3.5.2.2 remove of an extension attribute", U(",'" ENT "':{'department':'d','division':'e'}"), CUT(ENT ":department"), U(",'" ENT "':{'division':'e'}") },
{ "3.5.2.2 remove of an extension's last attribute", U(",'" ENT "':{'department':'d'}"), CUT(ENT ":department"), U("") },
{ "3.5.2.2 remove of a whole extension", U(",'" ENT "':{'department':'d','division':'e'}"), CUT(ENT), U("") },
{ "3.5.2.2 remove of a member", G(",'members':[{'value':'1'},{'value':'2'}]"), CUT("members[value eq ^1^]"), G(",'members':[{'value':'2'}]") },
{ "3.5.2.2 remove of no member", G(",'members':[{'value':'1'}]"), CUT("members[value eq ^9^]"), G(",'members':[{'value':'1'}]") },
{ "3.5.2.2 remove of all members", G(",'members':[{'value':'1'},{'value':'2'}]"), CUT("members"), G("") },
{ "3.5.2.2 remove of members by type", G(",'members':[{'value':'1','type':'User'},{'value':'2','type':'Group'}]"), CUT("members[type eq ^Group^]"), G(",'members':[{'value':'1','type':'User'}]") },
{ "3.5.2.2 a member's value cannot go alone", G(",'members':[{'value':'1','type':'User'}]"), CUT("members[value eq ^1^].value"), "!mutability" },
{ "3.5.2.2 example: remove and add members", G(",'members':[{'value':'1'},{'value':'2'}]"), CUT("members[value eq ^2^]") "," OP("add", "members", "[{'value':'3'}]"), G(",'members':[{'value':'1'},{'value':'3'}]") },
// 3.5.2.3 replace
{ "3.5.2.3 replace of a single value", U(",'title':'Mr'"), OP("replace", "title", "'Dr'"), U(",'title':'Dr'") },
{ "3.5.2.3 replace of what is not there adds", U(""), OP("replace", "title", "'Dr'"), U(",'title':'Dr'") },
{ "3.5.2.3 replace of a list", U(MAILS), OP("replace", "emails", "[{'value':'n'}]"), U(",'emails':[{'value':'n'}]") },
{ "3.5.2.3 replace of a list by []", U(MAILS), OP("replace", "emails", "[]"), U("") },
{ "3.5.2.3 replace of a list by null", U(MAILS), OP("replace", "emails", "null"), U("") },
{ "3.5.2.3 replace by null", U(",'title':'Dr'"), OP("replace", "title", "null"), U("") },
{ "3.5.2.3 replace of a complex value keeps the rest", U(",'name':{'givenName':'B','familyName':'J'}"), OP("replace", "name", "{'familyName':'K'}"), U(",'name':{'givenName':'B','familyName':'K'}") },
{ "3.5.2.3 replace of a complex value by null", U(",'name':{'givenName':'B'}"), OP("replace", "name", "null"), U("") },
{ "3.5.2.3 replace of a sub-attribute", U(",'name':{'givenName':'B'}"), OP("replace", "name.givenName", "'C'"), U(",'name':{'givenName':'C'}") },
{ "3.5.2.3 example: replace at a value path", U(",'addresses':[{'type':'work','country':'DE','locality':'B'}]"), OP("replace", "addresses[type eq ^work^]", "{'type':'work','streetAddress':'911','country':'US'}"), U(",'addresses':[{'type':'work','streetAddress':'911','country':'US'}]") },
{ "3.5.2.3 example: replace of a sub-attribute at a value path", U(",'addresses':[{'type':'work','country':'DE'}]"), OP("replace", "addresses[type eq ^work^].streetAddress", "'1010'"), U(",'addresses':[{'type':'work','country':'DE','streetAddress':'1010'}]") },
{ "3.5.2.3 replace at a value path keeps what chose it", U(",'emails':[{'value':'a','type':'work'}]"), OP("replace", "emails[type eq ^work^]", "{'value':'b'}"), U(",'emails':[{'value':'b','type':'work'}]") },
{ "3.5.2.3 replace at a value path of all that match", U(MAILS), OP("replace", "emails[value ew ^@x^].display", "'d'"), U(",'emails':[{'value':'w@x','type':'work','primary':true,'display':'d'},{'value':'h@x','type':'home','display':'d'}]") },
{ "3.5.2.3 replace where nothing matches", U(MAILS), OP("replace", "emails[type ne ^work^ and type ne ^home^].value", "'x'"), "!noTarget" },
{ "3.5.2.3 replace where a list is missing", U(""), OP("replace", "emails[value sw ^x^].value", "'x'"), "!noTarget" },
{ "3.5.2.3 replace of a whole value where nothing matches", U(MAILS), OP("replace", "emails[type co ^z^]", "{'value':'x'}"), "!noTarget" },
{ "3.5.2.3 replace without path", U(MAILS), NOPATH("replace", "{'emails':[{'value':'n','type':'work'}],'nickName':'B'}"), U(",'emails':[{'value':'n','type':'work'}],'nickName':'B'") },
{ "3.5.2.3 replace of members", G(",'members':[{'value':'1'}]"), OP("replace", "members", "[{'value':'2'},{'value':'3'}]"), G(",'members':[{'value':'2'},{'value':'3'}]") },
{ "3.5.2.3 replace of a sub-attribute of all values", U(MAILS), OP("replace", "emails.display", "'d'"), U(",'emails':[{'value':'w@x','type':'work','primary':true,'display':'d'},{'value':'h@x','type':'home','display':'d'}]") },
{ "3.5.2.3 a required attribute by null", U(""), OP("replace", "userName", "null"), "!invalidValue" },
{ "3.5.2.3 a required attribute by nothing", U(""), OP("replace", "userName", "''"), "!invalidValue" },
{ "3.5.2.3 a read-only attribute", U(",'id':'1'"), OP("replace", "id", "'2'"), "!mutability" },
{ "3.5.2.3 groups of a user", U(""), OP("replace", "groups", "[{'value':'1'}]"), "!mutability" },
{ "3.5.2.3 a read-only sub-attribute", U(""), OP("replace", ENT ":manager.displayName", "'x'"), "!mutability" },
{ "3.5.2.3 an immutable attribute that is not set", U(""), OP("replace", POSIX ":uidNumber", "7"), U(",'" POSIX "':{'uidNumber':7}") },
{ "3.5.2.3 an immutable attribute by the same", U(",'" POSIX "':{'uidNumber':7}"), OP("replace", POSIX ":uidNumber", "7"), U(",'" POSIX "':{'uidNumber':7}") },
{ "3.5.2.3 an immutable attribute by another", U(",'" POSIX "':{'uidNumber':7}"), OP("replace", POSIX ":uidNumber", "8"), "!mutability" },
{ "3.5.2.3 an immutable attribute without path", U(",'" POSIX "':{'uidNumber':7}"), NOPATH("replace", "{'" POSIX "':{'uidNumber':8}}"), "!mutability" },
{ "3.5.2.3 an immutable sub-attribute", G(",'members':[{'value':'1','type':'User'}]"), OP("replace", "members[value eq ^1^].type", "'Group'"), "!mutability" },
{ "3.5.2.3 a group's gidNumber", G(",'" SCIM_URN_POSIX_GROUP "':{'gidNumber':7}"), OP("add", SCIM_URN_POSIX_GROUP ":gidNumber", "8"), "!mutability" },
// values and types
{ "T9 a wrong type", U(""), OP("replace", "title", "5"), "!invalidValue" },
{ "T9 a wrong type in a complex value", U(""), OP("replace", "name", "{'givenName':['a','b']}"), "!invalidValue" },
{ "T9 a list for a single value", U(""), OP("replace", "title", "['a','b']"), "!invalidValue" },
{ "T9 no boolean", U(""), OP("replace", "active", "'maybe'"), "!invalidValue" },
{ "T9 no integer", U(""), OP("add", POSIX ":uidNumber", "1.5"), "!invalidValue" },
{ "T9 no object", U(""), OP("add", "name", "'x'"), "!invalidValue" },
{ "T9 no base64", U(""), OP("add", "x509Certificates", "[{'value':'%%%'}]"), "!invalidValue" },
// paths
{ "F7 a path in another case", U(""), OP("replace", "NAME.GivenName", "'B'"), U(",'name':{'givenName':'B'}") },
{ "F7 a path with the core URN", U(""), OP("replace", SCIM_URN_USER ":title", "'Dr'"), U(",'title':'Dr'") },
{ "F7 a path with the core URN and a sub-attribute", U(""), OP("replace", SCIM_URN_USER ":name.givenName", "'B'"), U(",'name':{'givenName':'B'}") },
{ "F7 a path with an extension's URN and a sub-attribute", U(""), OP("replace", ENT ":manager.value", "'26'"), U(",'" ENT "':{'manager':{'value':'26'}}") },
{ "F7 an URN in another case", U(""), OP("replace", "URN:IETF:params:scim:schemas:extension:ENTERPRISE:2.0:user:division", "'d'"), U(",'" ENT "':{'division':'d'}") },
{ "F7 an extension attribute without URN", U(""), OP("replace", "loginShell", "'/bin/zsh'"), U(",'" POSIX "':{'loginShell':'/bin/zsh'}") },
{ "F7 a value path with an URN", U(",'" POSIX "':{'sshPublicKeys':[{'value':'k1'},{'value':'k2'}]}"), CUT(POSIX ":sshPublicKeys[value eq ^k1^]"), U(",'" POSIX "':{'sshPublicKeys':[{'value':'k2'}]}") },
{ "F7 externalId", U(",'externalId':'1'"), OP("replace", "externalId", "'2'"), U(",'externalId':'2'") },
{ "F7 a path that is an URN", U(""), OP("add", ENT, "{'division':'d','department':'e'}"), U(",'" ENT "':{'division':'d','department':'e'}") },
{ "T9 an unknown attribute", U(""), OP("replace", "shoeSize", "'1'"), "!invalidPath" },
{ "T9 an unknown sub-attribute", U(""), OP("replace", "name.shoeSize", "'1'"), "!invalidPath" },
{ "T9 a sub-attribute of a simple one", U(""), OP("replace", "title.value", "'1'"), "!invalidPath" },
{ "T9 brackets on a simple one", U(",'title':'a'"), OP("replace", "title[value eq ^a^]", "'1'"), "!invalidPath" },
{ "T9 an empty path", U(""), OP("replace", "", "'1'"), "!invalidPath" },
{ "T9 no path", U(""), OP("replace", "em ails", "'1'"), "!invalidPath" },
{ "T9 a path that is no string", U(""), "{'op':'replace','path':5,'value':'x'}", "!invalidPath" },
{ "T9 something after the brackets", U(MAILS), OP("replace", "emails[type eq ^work^]value", "'1'"), "!invalidPath" },
{ "T9 two sub-attributes after the brackets", U(MAILS), OP("replace", "emails[type eq ^work^].value.x", "'1'"), "!invalidPath" },
{ "T9 a filter that is none", U(MAILS), CUT("emails[type is ^work^]"), "!invalidFilter" },
{ "T9 an open filter", U(MAILS), CUT("emails[type eq ^work^"), "!invalidFilter" },
{ "T9 an empty filter", U(MAILS), CUT("emails[]"), "!invalidFilter" },
{ "T9 brackets in brackets", U(MAILS), CUT("emails[type[value eq ^x^]]"), "!invalidFilter" },
{ "F7 not, or and parentheses", U(MAILS), CUT("emails[not (type eq ^work^ or type eq ^other^)]"), U(",'emails':[{'value':'w@x','type':'work','primary':true}]") },
// the body
{ "3.5.2 no object", U(""), "=[1]", "!invalidSyntax" },
{ "3.5.2 no Operations", U(""), "={'schemas':['urn:ietf:params:scim:api:messages:2.0:PatchOp']}", "!invalidSyntax" },
{ "3.5.2 no operation", U(""), "={'Operations':[]}", "!invalidSyntax" },
{ "3.5.2 Operations is no list", U(""), "={'Operations':{'op':'add'}}", "!invalidSyntax" },
{ "3.5.2 another message", U(""), "={'schemas':['urn:x'],'Operations':[{'op':'add','path':'title','value':'x'}]}", "!invalidSyntax" },
{ "3.5.2 an operation is no object", U(""), "'add'", "!invalidSyntax" },
{ "3.5.2 an unknown operation", U(""), OP("move", "title", "'x'"), "!invalidSyntax" },
{ "3.5.2 no op", U(""), "{'path':'title','value':'x'}", "!invalidSyntax" },
{ "3.5.2 operations in another case", U(""), "={'operations':[{'op':'add','path':'title','value':'x'}]}", U(",'title':'x'") },
{ "3.5.2 operations in their order", U(""), OP("add", "title", "'a'") "," OP("replace", "title", "'b'") "," OP("add", "nickName", "'n'") "," CUT("nickName"), U(",'title':'b'") },
{ "3.5.2 all or nothing", U(""), OP("add", "title", "'a'") "," OP("replace", "id", "'b'"), "!mutability" },
{ "3.5.2 read-only attributes stay", U(",'id':'1','meta':{'resourceType':'User'},'groups':[{'value':'g'}]"), OP("add", "title", "'a'"), U(",'id':'1','meta':{'resourceType':'User'},'groups':[{'value':'g'}],'title':'a'") },
{ "7643 3 schemas is computed", U(""), OP("add", "schemas", "['urn:x']"), U("") },
{ "7643 4.1.1 a password is taken and not kept", U(""), OP("replace", "password", "'s3cret'"), U("") },
{ "7643 4.1.1 a password without path", U(""), NOPATH("replace", "{'password':'s3cret','title':'x'}"), U(",'title':'x'") },
{ "7643 an unknown extension is ignored", U(""), OP("add", "urn:vendor:2.0:User:color", "'red'"), U("") },
{ "7643 unknown names in a value are ignored", U(""), NOPATH("add", "{'shoeSize':1,'urn:x:y:z':{'a':1},'title':'x'}"), U(",'title':'x'") },
{ "2.1 the highest code point", U(""), OP("add", "title", "'\xf4\x8f\xbf\xbf'"), U(",'title':'\xf4\x8f\xbf\xbf'") },
// Okta
{ "Okta deactivates", U(",'active':true"), NOPATH("replace", "{'active':false}"), U(",'active':false") },
{ "Okta renames a group, with its id", G(",'id':'abf4'"), NOPATH("replace", "{'id':'abf4','displayName':'Test SCIMv2'}"), "{'id':'abf4','displayName':'Test SCIMv2'}" },
{ "Okta sets a password", U(",'active':true"), NOPATH("replace", "{'password':'x'}"), U(",'active':true") },
{ "Okta removes and adds members", G(",'members':[{'value':'89bb'},{'value':'f0'}]"), CUT("members[value eq ^89bb^]") "," OP("add", "members", "[{'value':'23a3','display':'test.user@okta.local'}]"), G(",'members':[{'value':'f0'},{'value':'23a3'}]") },
{ "Okta pushes all members", G(",'members':[{'value':'1'}]"), OP("replace", "members", "[{'value':'23a3'},{'value':'89bb'}]"), G(",'members':[{'value':'23a3'},{'value':'89bb'}]") },
// Entra without its flag
{ "Entra disables with a string", U(",'active':true"), OP("Replace", "active", "'False'"), U(",'active':false") },
{ "Entra adds with a capital", U(""), OP("Add", "nickName", "'Babs'"), U(",'nickName':'Babs'") },
{ "Entra adds a member with $ref null", G(""), OP("Add", "members", "[{'$ref':null,'value':'f648'}]"), G(",'members':[{'value':'f648'}]") },
{ "Entra removes members by value", G(",'members':[{'value':'f648'},{'value':'a'}]"), OP("Remove", "members", "[{'$ref':null,'value':'f648'}]"), G(",'members':[{'value':'a'}]") },
{ "Entra removes a member that is none", G(",'members':[{'value':'a'}]"), OP("Remove", "members", "[{'value':'zz'}]"), G(",'members':[{'value':'a'}]") },
{ "an empty list of members to remove", G(",'members':[{'value':'a'}]"), OP("Remove", "members", "[]"), G(",'members':[{'value':'a'}]") },
{ "null for the members to remove", G(",'members':[{'value':'a'}]"), OP("remove", "members", "null"), G("") },
{ "members to remove as strings", G(",'members':[{'value':'a'},{'value':'b'}]"), OP("remove", "members", "['a']"), G(",'members':[{'value':'b'}]") },
{ "a member to remove as an object", G(",'members':[{'value':'a'},{'value':'b'}]"), OP("remove", "members", "{'value':'b'}"), G(",'members':[{'value':'a'}]") },
{ "emails to remove by value", U(MAILS), OP("remove", "emails", "[{'value':'h@x'}]"), U(",'emails':[{'value':'w@x','type':'work','primary':true}]") },
{ "emails to remove by value and another type", U(MAILS), OP("remove", "emails", "[{'value':'h@x','type':'work'}]"), U(MAILS) },
{ "Entra sets a work address that is there", U(MAILS), OP("Replace", "emails[type eq ^work^].value", "'n@x'"), U(",'emails':[{'value':'n@x','type':'work','primary':true},{'value':'h@x','type':'home'}]") },
{ "Entra sets a work address that is not", U(""), OP("Replace", "emails[type eq ^work^].value", "'n@x'"), U(",'emails':[{'value':'n@x','type':'work'}]") },
{ "Entra adds a work address beside a home one", U(",'emails':[{'value':'h@x','type':'home'}]"), OP("Add", "emails[type eq ^work^].value", "'n@x'"), U(",'emails':[{'value':'h@x','type':'home'},{'value':'n@x','type':'work'}]") },
{ "Entra sets parts of an address that is not there", U(""), OP("Add", "addresses[type eq ^work^].country", "'DE'") "," OP("Add", "addresses[type eq ^work^].locality", "'B'"), U(",'addresses':[{'type':'work','country':'DE','locality':'B'}]") },
{ "Entra's unquoted value", U(""), OP("Add", "phoneNumbers[type eq mobile].value", "'1'"), U(",'phoneNumbers':[{'type':'mobile','value':'1'}]") },
{ "an unquoted id", G(",'members':[{'value':'89bb'}]"), CUT("members[value eq 89bb]"), G("") },
{ "an unquoted number", G(",'members':[{'value':'12'}]"), CUT("members[value eq 12]"), G("") },
{ "two equalities create", U(""), OP("add", "emails[type eq ^work^ and primary eq true].value", "'n'"), U(",'emails':[{'type':'work','primary':true,'value':'n'}]") },
{ "Entra's primary as a string in a path", U(""), OP("Add", "roles[primary eq ^True^].value", "'admin'"), U(",'roles':[{'primary':true,'value':'admin'}]") },
{ "Entra's primary as a string in a value", U(""), OP("Add", "emails", "[{'value':'a','primary':'True'}]"), U(",'emails':[{'value':'a','primary':true}]") },
{ "a new primary at a path that matches nothing", U(MAILS), OP("add", "emails[type eq ^other^ and primary eq true].value", "'n'"), U(",'emails':[{'value':'w@x','type':'work','primary':false},{'value':'h@x','type':'home'},{'type':'other','primary':true,'value':'n'}]") },
{ "an equality with a whole value creates", U(""), OP("replace", "emails[type eq ^work^]", "{'value':'n'}"), U(",'emails':[{'type':'work','value':'n'}]") },
{ "an equality and a bare string create", U(""), OP("replace", "emails[type eq ^work^]", "'n'"), U(",'emails':[{'type':'work','value':'n'}]") },
{ "an equality that names no sub-attribute", U(""), OP("add", "emails[size eq ^1^].value", "'n'"), "!noTarget" },
{ "nothing to create from null", U(""), OP("replace", "emails[type eq ^work^].value", "null"), U("") },
{ "Entra's manager as a string", U(""), OP("Add", ENT ":manager", "'271'"), U(",'" ENT "':{'manager':{'value':'271'}}") },
{ "Entra's manager as an object", U(",'" ENT "':{'manager':{'value':'1'}}"), OP("Replace", ENT ":manager", "{'$ref':'x/Users/2','value':'2'}"), U(",'" ENT "':{'manager':{'value':'2','$ref':'x/Users/2'}}") },
{ "Entra's manager in a list", U(""), OP("Add", ENT ":manager", "[{'$ref':null,'value':'2'}]"), U(",'" ENT "':{'manager':{'value':'2'}}") },
{ "no manager any more", U(",'" ENT "':{'manager':{'value':'1'}}"), OP("Replace", ENT ":manager", "''"), U("") },
{ "a manager removed", U(",'" ENT "':{'manager':{'value':'1'}}"), OP("Remove", ENT ":manager", "null"), U("") },
{ "a value wrapped in a list of objects", U(",'active':true"), OP("Replace", "active", "[{'$ref':null,'value':'False'}]"), U(",'active':false") },
{ "Entra's role as a document", U(""), OP("Add", "roles", "[{'value':'{^id^:^8^,^value^:^admin^,^displayName^:^A^}'}]"), U(",'roles':[{'value':'admin'}]") },
{ "a role as a bare string", U(""), OP("Add", "roles", "['admin']"), U(",'roles':[{'value':'admin'}]") },
// Entra with its flag
{ "Entra with its flag disables", U(",'active':true"), OP("replace", "active", "false"), U(",'active':false") },
{ "Entra with its flag: dotted and URN keys", U(MAILS), OP("replace", "emails[type eq ^work^].value", "'a@b'") "," NOPATH("replace", "{'displayName':'Bjfe','name.givenName':'Kkom','" ENT ":employeeNumber':'Aklq'}"), U(",'displayName':'Bjfe','name':{'givenName':'Kkom'},'emails':[{'value':'a@b','type':'work','primary':true},{'value':'h@x','type':'home'}],'" ENT "':{'employeeNumber':'Aklq'}") },
{ "an URN key with a sub-attribute", U(""), NOPATH("add", "{'" ENT ":manager.value':'5'}"), U(",'" ENT "':{'manager':{'value':'5'}}") },
{ "an URN key for a manager as a string", U(""), NOPATH("add", "{'" ENT ":manager':'5'}"), U(",'" ENT "':{'manager':{'value':'5'}}") },
{ "a nested extension keeps the rest", U(",'" ENT "':{'division':'d'}"), NOPATH("replace", "{'" ENT "':{'department':'e'}}"), U(",'" ENT "':{'division':'d','department':'e'}") },
{ "a nested extension as null", U(",'" ENT "':{'division':'d'}"), NOPATH("replace", "{'" ENT "':null}"), U("") },
{ "a value path as a key", U(MAILS), NOPATH("replace", "{'emails[type eq ^work^].value':'n','title':'t'}"), U(",'title':'t','emails':[{'value':'n','type':'work','primary':true},{'value':'h@x','type':'home'}]") },
{ "a read-only value path as a key", U(",'id':'1'"), NOPATH("replace", "{'id':'2','meta':{'version':'7'},'schemas':['urn:x'],'groups':[],'title':'t'}"), U(",'id':'1','title':'t'") },
{ "a read-only sub-attribute in a value", U(""), NOPATH("add", "{'" ENT "':{'manager':{'value':'1','displayName':'x'}}}"), U(",'" ENT "':{'manager':{'value':'1'}}") },
{ "null sub-attributes", U(",'name':{'givenName':'B','familyName':'J'}"), NOPATH("replace", "{'name':{'givenName':null,'familyName':'K'}}"), U(",'name':{'familyName':'K'}") },
{ "only null sub-attributes", U(",'name':{'givenName':'B','familyName':'J'}"), OP("replace", "name", "{'givenName':null}"), U(",'name':{'familyName':'J'}") },
{ "null sub-attributes added are nothing", U(",'name':{'givenName':'B'}"), OP("add", "name", "{'givenName':null,'familyName':'K'}"), U(",'name':{'givenName':'B','familyName':'K'}") },
{ "null in a value without path", U(",'title':'t','nickName':'n'"), NOPATH("replace", "{'title':null}"), U(",'nickName':'n'") },
{ "an integer as a string", U(""), OP("add", POSIX ":uidNumber", "'1001'"), U(",'" POSIX "':{'uidNumber':1001}") },
{ "keys as plain strings", U(""), OP("add", POSIX ":sshPublicKeys", "['ssh-ed25519 AAAA a','ssh-ed25519 BBBB b']"), U(",'" POSIX "':{'sshPublicKeys':[{'value':'ssh-ed25519 AAAA a'},{'value':'ssh-ed25519 BBBB b'}]}") },
{ "a key that differs by case is another", U(",'" POSIX "':{'sshPublicKeys':['ssh-ed25519 AAAA']}"), OP("add", POSIX ":sshPublicKeys", "'ssh-ed25519 aaaa'"), U(",'" POSIX "':{'sshPublicKeys':['ssh-ed25519 AAAA','ssh-ed25519 aaaa']}") },
	// clang-format on
};

static struct json_object *body_of(const char *operations)
{
	char *text;
	struct json_object *o;

	if (operations[0] == '=')
		return json_of(operations + 1);
	assert_true(asprintf(&text,
			     "{'schemas':['urn:ietf:params:scim:api:messages:2.0:PatchOp'],"
			     "'Operations':[%s]}",
			     operations) > 0);
	o = json_of(text);
	free(text);
	return o;
}

static const struct scim_resource_type *type_of(const char *target)
{
	return strstr(target, "userName") ? &scim_type_user : &scim_type_group;
}

// 0: as the row says.
static int check_row(const struct row *row)
{
	const struct scim_resource_type *t = type_of(row->target);
	struct json_object *target = resource_of(t, row->target), *body = body_of(row->operations);
	struct json_object *before = NULL, *out = NULL, *expected = NULL;
	struct scim_problem p = { 0 };
	int r, bad = 0;

	assert_int_equal(json_object_deep_copy(target, &before, NULL), 0);
	r = scim_patch(t, target, body, NULL, &out, &p);
	if (row->expected[0] != '!') {
		expected = resource_of(t, row->expected);
		if (r < 0 || !json_object_equal(out, expected)) {
			print_error("%s:\n  %s\n  instead of %s\n", row->what,
				    r < 0 ? p.detail : text_of(out), text_of(expected));
			bad = 1;
		}
	} else if (r != -EINVAL || p.status != 400 || out ||
		   strcmp(p.scim_type ? p.scim_type : "", row->expected + 1) != 0) {
		print_error("%s: %d %s %s\n", row->what, p.status, p.scim_type ? p.scim_type : "-",
			    r < 0 ? p.detail : text_of(out));
		bad = 1;
	}
	if (!json_object_equal(target, before)) {
		print_error("%s: the target was changed\n", row->what);
		bad = 1;
	}
	json_object_put(before);
	json_object_put(expected);
	json_object_put(out);
	json_object_put(body);
	json_object_put(target);
	return bad;
}

static void test_patch_table(void **state)
{
	size_t n = sizeof(rows) / sizeof(*rows);
	int bad = 0;

	(void)state;
	assert_true(n >= 120);
	for (size_t i = 0; i < n; i++)
		bad += check_row(&rows[i]);
	assert_int_equal(bad, 0);
}

// Members that are elsewhere: a list of ids, and what was asked of it.
struct elsewhere {
	struct json_object *ids;
	char log[512];
	bool full;
};

static void note(struct elsewhere *e, const char *what, const char *id)
{
	size_t n = strlen(e->log);

	(void)snprintf(e->log + n, sizeof(e->log) - n, "%s%s%s", n ? " " : "", what, id);
}

static int where_add(void *arg, struct json_object *member, struct scim_problem *p)
{
	struct elsewhere *e = arg;

	note(e, "+", json_string(json_member(member, "value")));
	return e->full ? scim_problem(p, 400, "invalidValue", "full") : 0;
}

static int where_remove(void *arg, const char *value, struct scim_problem *p)
{
	(void)p;
	note(arg, "-", value);
	return 0;
}

static int where_clear(void *arg, struct scim_problem *p)
{
	(void)p;
	note(arg, "clear", "");
	return 0;
}

static int where_each(void *arg, int (*fn)(void *fn_arg, struct json_object *member), void *fn_arg)
{
	struct elsewhere *e = arg;
	int r = 0;

	note(e, "each", "");
	for (size_t i = 0; r == 0 && i < json_object_array_length(e->ids); i++)
		r = fn(fn_arg, json_object_array_get_idx(e->ids, i));
	return r;
}

static void test_members_elsewhere(void **state)
{
	// clang-format off
	static const struct { const char *what, *operations, *log, *scim_type; } cases[] = {
		{ "add", OP("add", "members", "[{'value':'7'},{'value':'8','$ref':null}]"), "+7 +8", NULL },
		{ "add twice the same", OP("add", "members", "[{'value':'7'},{'value':'7','display':'x'}]"), "+7", NULL },
		{ "add without path", NOPATH("add", "{'members':[{'value':'7'}],'displayName':'n'}"), "+7", NULL },
		{ "remove by path", CUT("members[value eq ^1^]"), "-1", NULL },
		{ "remove by path, unquoted", CUT("members[VALUE Eq 1]"), "-1", NULL },
		{ "remove by value", OP("Remove", "members", "[{'value':'1'},{'value':'9'}]"), "-1 -9", NULL },
		{ "remove all", CUT("members"), "clear", NULL },
		{ "remove none", OP("remove", "members", "[]"), "", NULL },
		{ "remove by another filter", CUT("members[type eq ^Group^]"), "each -2 -3", NULL },
		{ "remove by two", CUT("members[value eq ^2^ or value eq ^1^]"), "each -1 -2", NULL },
		{ "remove by a filter that matches nothing", CUT("members[value sw ^x^]"), "each", NULL },
		{ "replace", OP("replace", "members", "[{'value':'7'},{'value':'8'}]"), "clear +7 +8", NULL },
		{ "replace without path", NOPATH("replace", "{'members':[]}"), "clear", NULL },
		{ "replace by null", OP("replace", "members", "null"), "clear", NULL },
		{ "replace one", OP("replace", "members[value eq ^1^]", "{'value':'7'}"), "-1 +7", NULL },
		{ "add at one that is there", OP("add", "members[value eq ^1^]", "{'type':'User'}"), "+1", NULL },
		{ "replace where nothing matches", OP("replace", "members[value sw ^x^]", "{'value':'7'}"), "each", "noTarget" },
		{ "a sub-attribute", OP("replace", "members[value eq ^1^].type", "'Group'"), "", "mutability" },
		{ "no value", OP("add", "members", "[{'value':'7'},{'type':'User'}]"), "", "invalidValue" },
		{ "a wrong value", OP("add", "members", "[5]"), "", "invalidValue" },
		{ "refused below", OP("add", "members", "[{'value':'full'}]") , "+full", "invalidValue" },
	};
	// clang-format on

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct elsewhere e = { .ids = json_of("[{'value':'1','type':'User'},"
						      "{'value':'2','type':'Group'},"
						      "{'value':'3','type':'Group'}]") };
		const struct scim_patch_list list = { &e, where_add, where_remove, where_clear,
						      where_each };
		struct json_object *target = resource_of(&scim_type_group, G("")), *out = NULL;
		struct json_object *body = body_of(cases[i].operations);
		struct scim_problem p = { 0 };
		int r;

		e.full = strstr(cases[i].operations, "full") != NULL;
		r = scim_patch(&scim_type_group, target, body, &list, &out, &p);
		if (strcmp(e.log, cases[i].log) != 0 || (r < 0) != (cases[i].scim_type != NULL) ||
		    (r < 0 && strcmp(p.scim_type, cases[i].scim_type) != 0))
			fail_msg("%s: \"%s\" %s", cases[i].what, e.log, r < 0 ? p.detail : "");
		if (r == 0)
			assert_null(json_member(out, "members"));
		json_object_put(out);
		json_object_put(body);
		json_object_put(target);
		json_object_put(e.ids);
	}
}

static struct json_object *operations_of(size_t n)
{
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();

	for (size_t i = 0; i < n; i++)
		json_object_array_add(list, json_of(OP("add", "title", "'x'")));
	json_object_object_add(o, "Operations", list);
	return o;
}

static void test_operations_are_capped(void **state)
{
	struct json_object *target = resource_of(&scim_type_user, U("")), *out = NULL;
	struct json_object *most = operations_of(SCIM_PATCH_OPERATIONS);
	struct json_object *more = operations_of(SCIM_PATCH_OPERATIONS + 1);
	struct scim_problem p = { 0 };

	(void)state;
	assert_int_equal(scim_patch(&scim_type_user, target, most, NULL, &out, &p), 0);
	json_object_put(out);
	out = NULL;
	assert_int_equal(scim_patch(&scim_type_user, target, more, NULL, &out, &p), -EINVAL);
	assert_null(out);
	assert_int_equal(p.status, 413);
	json_object_put(more);
	json_object_put(most);
	json_object_put(target);
}

static void test_lists_are_capped(void **state)
{
	struct json_object *target = resource_of(&scim_type_user, U("")), *out = NULL, *next;
	struct json_object *ops = json_object_new_array(), *body = json_object_new_object();
	struct scim_problem p = { 0 };
	char text[128];

	(void)state;
	json_object_object_add(body, "Operations", ops);
	for (unsigned int i = 0; i < SCIM_PATCH_OPERATIONS; i++) {
		(void)snprintf(text, sizeof(text), OP("add", "emails", "[{'value':'%u'}]"), i);
		json_object_array_add(ops, json_of(text));
	}
	assert_int_equal(scim_patch(&scim_type_user, target, body, NULL, &out, &p), 0);
	assert_int_equal(json_object_array_length(json_member(out, "emails")), SCIM_VALUES_MAX);
	json_object_put(body);
	body = body_of(OP("add", "emails", "'one more'"));
	assert_int_equal(scim_patch(&scim_type_user, out, body, NULL, &next, &p), -EINVAL);
	assert_string_equal(p.scim_type, "invalidValue");
	json_object_put(body);
	json_object_put(out);
	json_object_put(target);
}

// The same operation n times; takes it over.
static struct json_object *repeated(struct json_object *operation, size_t n)
{
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();

	for (size_t i = 0; i < n; i++)
		json_object_array_add(list, json_object_get(operation));
	json_object_put(operation);
	json_object_object_add(o, "Operations", list);
	return o;
}

// An operation with as many values as a list can have.
static struct json_object *longest(const char *op, const char *domain)
{
	struct json_object *o = json_of("{'path':'emails'}"), *values = json_object_new_array();
	char text[64];

	for (unsigned int i = 0; i < SCIM_VALUES_MAX; i++) {
		(void)snprintf(text, sizeof(text), "{'value':'%u@%s'}", i, domain);
		json_object_array_add(values, json_of(text));
	}
	json_object_object_add(o, "op", json_object_new_string(op));
	json_object_object_add(o, "value", values);
	return o;
}

// Short operations that look at a long list again and again come to an end.
static void test_what_is_looked_at_is_capped(void **state)
{
	struct elsewhere e = { .ids = json_object_new_array() };
	const struct scim_patch_list list = { &e, where_add, where_remove, where_clear,
					      where_each };
	struct json_object *group = resource_of(&scim_type_group, G(""));
	struct json_object *user = resource_of(&scim_type_user, U("")), *body, *out = NULL;
	// clang-format off
	const struct { const char *what; struct json_object *operation; size_t n; bool ok; } cases[] = {
		{ "members by value", json_of(CUT("members[value eq ^x^]")), SCIM_PATCH_OPERATIONS, true },
		{ "some by type", json_of(CUT("members[type eq ^x^]")), 60, true },
		{ "many by type", json_of(CUT("members[type eq ^x^]")), SCIM_PATCH_OPERATIONS, false },
		{ "some by much", json_of(CUT("members[type eq ^x^ or type eq ^y^]")), 60, false },
		{ "emails by type", json_of(CUT("emails[type eq ^x^]")), SCIM_PATCH_OPERATIONS, true },
		{ "emails by more", json_of(CUT("emails[type eq ^x^ and value pr and display pr]")), SCIM_PATCH_OPERATIONS, false },
		{ "all emails added", longest("add", "a"), 1, true },
		{ "all emails added often", longest("add", "a"), 5, false },
		{ "emails removed", longest("remove", "b"), 1, true },
		{ "emails removed often", longest("remove", "b"), 5, false },
	};
	// clang-format on

	(void)state;
	for (unsigned int i = 0; i < 30000; i++)
		json_object_array_add(e.ids, json_of("{'value':'1','type':'User'}"));
	body = repeated(longest("add", "a"), 1);
	assert_int_equal(scim_patch(&scim_type_user, user, body, NULL, &out, NULL), 0);
	json_object_put(body);
	json_object_put(user);
	user = out;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		bool members = strstr(json_object_get_string(cases[i].operation), "members");
		struct scim_problem p = { 0 };
		int r;

		body = repeated(cases[i].operation, cases[i].n);
		out = NULL;
		r = scim_patch(members ? &scim_type_group : &scim_type_user, members ? group : user,
			       body, members ? &list : NULL, &out, &p);
		if ((r == 0) != cases[i].ok ||
		    (r < 0 && (p.status != 400 || strcmp(p.scim_type, "tooMany") != 0)))
			fail_msg("%s: %d %s", cases[i].what, r, p.detail);
		json_object_put(out);
		json_object_put(body);
	}
	json_object_put(user);
	json_object_put(group);
	json_object_put(e.ids);
}

// The detail says which operation, in text that any client can read.
static void test_the_problem_names_the_operation(void **state)
{
	struct json_object *target = resource_of(&scim_type_user, U("")), *out = NULL;
	struct json_object *body = body_of(OP("add", "title", "'x'") "," CUT("userName"));
	struct scim_problem p = { 0 };

	(void)state;
	assert_int_equal(scim_patch(&scim_type_user, target, body, NULL, &out, &p), -EINVAL);
	assert_string_equal(p.detail, "Operations[1]: userName is required");
	json_object_put(body);
	json_object_put(target);
}

// Whatever bytes a path and a value are made of: an answer, and a clean one.
static void test_random_paths_are_survived(void **state)
{
	static const char alphabet[] = "emailsvalue.type[]()\" eqnotandor:urn\\\x80\xc3\xa9";
	struct json_object *target = resource_of(&scim_type_user, U(MAILS)), *body, *op, *ops;
	unsigned int seed = (unsigned int)getpid(), s = seed;
	struct scim_problem p;

	(void)state;
	for (int n = 0; n < 20000; n++) {
		char path[24];
		size_t len = (size_t)rand_r(&s) % sizeof(path);
		struct json_object *out = NULL;

		for (size_t i = 0; i < len; i++)
			path[i] = alphabet[(size_t)rand_r(&s) % (sizeof(alphabet) - 1)];
		body = json_object_new_object();
		ops = json_object_new_array();
		op = json_object_new_object();
		json_object_object_add(op, "op", json_object_new_string(n & 1 ? "add" : "remove"));
		json_object_object_add(op, "path", json_object_new_string_len(path, (int)len));
		json_object_object_add(op, "value", json_object_new_string("x"));
		json_object_array_add(ops, op);
		json_object_object_add(body, "Operations", ops);
		if (scim_patch(&scim_type_user, target, body, NULL, &out, &p) < 0) {
			struct json_object *o = scim_problem_json(&p), *back;

			if (p.status != 400 || !p.scim_type)
				fail_msg("seed %u: status %d", seed, p.status);
			back = json_tokener_parse(text_of(o));
			assert_true(json_object_equal(o, back));
			json_object_put(back);
			json_object_put(o);
		}
		json_object_put(out);
		json_object_put(body);
	}
	json_object_put(target);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patch_table),
		cmocka_unit_test(test_members_elsewhere),
		cmocka_unit_test(test_operations_are_capped),
		cmocka_unit_test(test_lists_are_capped),
		cmocka_unit_test(test_what_is_looked_at_is_capped),
		cmocka_unit_test(test_the_problem_names_the_operation),
		cmocka_unit_test(test_random_paths_are_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
