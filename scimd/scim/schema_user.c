// SPDX-License-Identifier: MIT
//
// The attributes of a User: core and enterprise of RFC 7643 §8.7.1, and the
// POSIX extension; see schema.h. `primary` of addresses is in §2.4 and §8.2,
// though not in §8.7.1.
#include "scimd/scim/schema_tables.h"

static const char *const refer_external[] = { "external", NULL };
static const char *const emails_types[] = { "work", "home", "other", NULL };
static const char *const phoneNumbers_types[] = { "work",  "home",  "mobile", "fax",
						  "pager", "other", NULL };
static const char *const ims_types[] = { "aim",   "gtalk", "icq",   "xmpp", "msn",
					 "skype", "qq",    "yahoo", NULL };
static const char *const photos_types[] = { "photo", "thumbnail", NULL };
static const char *const refer_group[] = { "Group", NULL };
static const char *const groups_types[] = { "direct", "indirect", NULL };
static const char *const refer_user[] = { "User", NULL };

static const struct scim_attribute sub_name[] = {
	{ .name = "formatted",
	  .description = "The full name, including all middle names, titles, and suffixes as "
			 "appropriate, formatted for display." },
	{ .name = "familyName",
	  .description = "The family name of the User, or last name in most Western languages." },
	{ .name = "givenName",
	  .description = "The given name of the User, or first name in most Western languages." },
	{ .name = "middleName", .description = "The middle name(s) of the User." },
	{ .name = "honorificPrefix",
	  .description = "The honorific prefix(es) of the User, or title in most Western "
			 "languages." },
	{ .name = "honorificSuffix",
	  .description = "The honorific suffix(es) of the User, or suffix in most Western "
			 "languages." },
	{ 0 }
};

static const struct scim_attribute sub_emails[] = {
	{ .name = "value",
	  .description = "E-mail address for the user, e.g., 'bjensen@example.com'." },
	{ .name = "display",
	  .description = "A human-readable name, primarily used for display purposes." },
	{ .name = "type",
	  .canonical = emails_types,
	  .description = "A label indicating the attribute's function, e.g., 'work' or 'home'." },
	{ .name = "primary",
	  .kind = SCIM_KIND_BOOLEAN,
	  .description = "A Boolean value indicating the 'primary' or preferred attribute value "
			 "for this attribute." },
	{ 0 }
};

static const struct scim_attribute sub_phoneNumbers[] = {
	{ .name = "value", .description = "Phone number of the User." },
	{ .name = "display",
	  .description = "A human-readable name, primarily used for display purposes." },
	{ .name = "type",
	  .canonical = phoneNumbers_types,
	  .description = "A label indicating the attribute's function, e.g., 'work', 'home', "
			 "'mobile'." },
	{ .name = "primary",
	  .kind = SCIM_KIND_BOOLEAN,
	  .description = "A Boolean value indicating the 'primary' or preferred attribute value "
			 "for this attribute, e.g., the preferred phone number or primary phone "
			 "number." },
	{ 0 }
};

static const struct scim_attribute sub_ims[] = {
	{ .name = "value", .description = "Instant messaging address for the User." },
	{ .name = "display",
	  .description = "A human-readable name, primarily used for display purposes." },
	{ .name = "type",
	  .canonical = ims_types,
	  .description = "A label indicating the attribute's function, e.g., 'aim', 'gtalk', "
			 "'xmpp'." },
	{ .name = "primary",
	  .kind = SCIM_KIND_BOOLEAN,
	  .description = "A Boolean value indicating the 'primary' or preferred attribute value "
			 "for this attribute, e.g., the preferred messenger or primary "
			 "messenger." },
	{ 0 }
};

static const struct scim_attribute sub_photos[] = {
	{ .name = "value",
	  .kind = SCIM_KIND_REFERENCE,
	  .case_exact = true,
	  .references = refer_external,
	  .description = "URL of a photo of the User." },
	{ .name = "display",
	  .description = "A human-readable name, primarily used for display purposes." },
	{ .name = "type",
	  .canonical = photos_types,
	  .description = "A label indicating the attribute's function, i.e., 'photo' or "
			 "'thumbnail'." },
	{ .name = "primary",
	  .kind = SCIM_KIND_BOOLEAN,
	  .description = "A Boolean value indicating the 'primary' or preferred attribute value "
			 "for this attribute, e.g., the preferred photo or thumbnail." },
	{ 0 }
};

static const struct scim_attribute sub_addresses[] = {
	{ .name = "formatted",
	  .description = "The full mailing address, formatted for display or use with a mailing "
			 "label." },
	{ .name = "streetAddress",
	  .description = "The full street address component, which may include house number, "
			 "street name, P.O. box, and multi-line extended street address "
			 "information." },
	{ .name = "locality", .description = "The city or locality component." },
	{ .name = "region", .description = "The state or region component." },
	{ .name = "postalCode", .description = "The zip code or postal code component." },
	{ .name = "country", .description = "The country name component." },
	{ .name = "type",
	  .canonical = emails_types,
	  .description = "A label indicating the attribute's function, e.g., 'work' or 'home'." },
	{ .name = "primary",
	  .kind = SCIM_KIND_BOOLEAN,
	  .description = "A Boolean value indicating the 'primary' or preferred attribute value "
			 "for this attribute." },
	{ 0 }
};

static const struct scim_attribute sub_groups[] = {
	{ .name = "value",
	  .mutability = SCIM_READ_ONLY,
	  .case_exact = true,
	  .description = "The identifier of the User's group." },
	{ .name = "$ref",
	  .kind = SCIM_KIND_REFERENCE,
	  .mutability = SCIM_READ_ONLY,
	  .case_exact = true,
	  .references = refer_group,
	  .description = "The URI of the corresponding 'Group' resource to which the user "
			 "belongs." },
	{ .name = "display",
	  .mutability = SCIM_READ_ONLY,
	  .description = "A human-readable name, primarily used for display purposes." },
	{ .name = "type",
	  .mutability = SCIM_READ_ONLY,
	  .canonical = groups_types,
	  .description = "A label indicating the attribute's function, e.g., 'direct' or "
			 "'indirect'." },
	{ 0 }
};

static const struct scim_attribute sub_entitlements[] = {
	{ .name = "value", .description = "The value of an entitlement." },
	{ .name = "display",
	  .description = "A human-readable name, primarily used for display purposes." },
	{ .name = "type", .description = "A label indicating the attribute's function." },
	{ .name = "primary",
	  .kind = SCIM_KIND_BOOLEAN,
	  .description = "A Boolean value indicating the 'primary' or preferred attribute value "
			 "for this attribute." },
	{ 0 }
};

static const struct scim_attribute sub_roles[] = {
	{ .name = "value", .description = "The value of a role." },
	{ .name = "display",
	  .description = "A human-readable name, primarily used for display purposes." },
	{ .name = "type", .description = "A label indicating the attribute's function." },
	{ .name = "primary",
	  .kind = SCIM_KIND_BOOLEAN,
	  .description = "A Boolean value indicating the 'primary' or preferred attribute value "
			 "for this attribute." },
	{ 0 }
};

static const struct scim_attribute sub_x509Certificates[] = {
	{ .name = "value",
	  .kind = SCIM_KIND_BINARY,
	  .case_exact = true,
	  .description = "The value of an X.509 certificate." },
	{ .name = "display",
	  .description = "A human-readable name, primarily used for display purposes." },
	{ .name = "type", .description = "A label indicating the attribute's function." },
	{ .name = "primary",
	  .kind = SCIM_KIND_BOOLEAN,
	  .description = "A Boolean value indicating the 'primary' or preferred attribute value "
			 "for this attribute." },
	{ 0 }
};

static const struct scim_attribute user_rows[] = {
	{ .name = "userName",
	  .uniqueness = SCIM_SERVER,
	  .required = true,
	  .description = "Unique identifier for the User, typically used by the user to "
			 "directly authenticate to the service provider." },
	{ .name = "name",
	  .kind = SCIM_KIND_COMPLEX,
	  .subs = sub_name,
	  .description = "The components of the user's real name." },
	{ .name = "displayName",
	  .description = "The name of the User, suitable for display to end-users." },
	{ .name = "nickName",
	  .description = "The casual way to address the user in real life, e.g., 'Bob' or "
			 "'Bobby' instead of 'Robert'." },
	{ .name = "profileUrl",
	  .kind = SCIM_KIND_REFERENCE,
	  .case_exact = true,
	  .references = refer_external,
	  .description = "A fully qualified URL pointing to a page representing the User's "
			 "online profile." },
	{ .name = "title", .description = "The user's title, such as \"Vice President.\"" },
	{ .name = "userType",
	  .description = "Used to identify the relationship between the organization and the "
			 "user." },
	{ .name = "preferredLanguage",
	  .description = "Indicates the User's preferred written or spoken language." },
	{ .name = "locale",
	  .description = "Used to indicate the User's default location for purposes of "
			 "localizing items such as currency, date time format, or numerical "
			 "representations." },
	{ .name = "timezone",
	  .description = "The User's time zone in the 'Olson' time zone database format, e.g., "
			 "'America/Los_Angeles'." },
	{ .name = "active",
	  .kind = SCIM_KIND_BOOLEAN,
	  .description = "A Boolean value indicating the User's administrative status." },
	{ .name = "password",
	  .mutability = SCIM_WRITE_ONLY,
	  .returned = SCIM_NEVER,
	  .description = "The User's cleartext password." },
	{ .name = "emails",
	  .kind = SCIM_KIND_COMPLEX,
	  .multi = true,
	  .subs = sub_emails,
	  .description = "E-mail addresses for the user." },
	{ .name = "phoneNumbers",
	  .kind = SCIM_KIND_COMPLEX,
	  .multi = true,
	  .subs = sub_phoneNumbers,
	  .description = "Phone numbers for the User." },
	{ .name = "ims",
	  .kind = SCIM_KIND_COMPLEX,
	  .multi = true,
	  .subs = sub_ims,
	  .description = "Instant messaging addresses for the User." },
	{ .name = "photos",
	  .kind = SCIM_KIND_COMPLEX,
	  .multi = true,
	  .subs = sub_photos,
	  .description = "URLs of photos of the User." },
	{ .name = "addresses",
	  .kind = SCIM_KIND_COMPLEX,
	  .multi = true,
	  .subs = sub_addresses,
	  .description = "A physical mailing address for this User." },
	{ .name = "groups",
	  .kind = SCIM_KIND_COMPLEX,
	  .mutability = SCIM_READ_ONLY,
	  .multi = true,
	  .subs = sub_groups,
	  .description = "A list of groups to which the user belongs, either through direct "
			 "membership, through nested groups, or dynamically calculated." },
	{ .name = "entitlements",
	  .kind = SCIM_KIND_COMPLEX,
	  .multi = true,
	  .subs = sub_entitlements,
	  .description = "A list of entitlements for the User that represent a thing the User "
			 "has." },
	{ .name = "roles",
	  .kind = SCIM_KIND_COMPLEX,
	  .multi = true,
	  .subs = sub_roles,
	  .description = "A list of roles for the User that collectively represent who the User "
			 "is, e.g., 'Student', 'Faculty'." },
	{ .name = "x509Certificates",
	  .kind = SCIM_KIND_COMPLEX,
	  .multi = true,
	  .subs = sub_x509Certificates,
	  .description = "A list of certificates issued to the User." },
	{ 0 }
};

static const struct scim_attribute sub_manager[] = {
	{ .name = "value",
	  .case_exact = true,
	  .description = "The id of the SCIM resource representing the User's manager." },
	{ .name = "$ref",
	  .kind = SCIM_KIND_REFERENCE,
	  .case_exact = true,
	  .references = refer_user,
	  .description = "The URI of the SCIM resource representing the User's manager." },
	{ .name = "displayName",
	  .mutability = SCIM_READ_ONLY,
	  .description = "The displayName of the User's manager." },
	{ 0 }
};

static const struct scim_attribute enterprise_rows[] = {
	{ .name = "employeeNumber",
	  .description = "Numeric or alphanumeric identifier assigned to a person, typically "
			 "based on order of hire or association with an organization." },
	{ .name = "costCenter", .description = "Identifies the name of a cost center." },
	{ .name = "organization", .description = "Identifies the name of an organization." },
	{ .name = "division", .description = "Identifies the name of a division." },
	{ .name = "department", .description = "Identifies the name of a department." },
	{ .name = "manager",
	  .kind = SCIM_KIND_COMPLEX,
	  .subs = sub_manager,
	  .description = "The User's manager." },
	{ 0 }
};

static const struct scim_attribute sub_sshPublicKeys[] = {
	{ .name = "value",
	  .required = true,
	  .case_exact = true,
	  .description = "One line of an authorized_keys file." },
	{ .name = "display",
	  .description = "A human-readable name, primarily used for display purposes." },
	{ .name = "type", .description = "A label indicating the key's function or kind." },
	{ .name = "primary",
	  .kind = SCIM_KIND_BOOLEAN,
	  .description = "A Boolean value indicating the 'primary' or preferred attribute value "
			 "for this attribute." },
	{ 0 }
};

static const struct scim_attribute posix_rows[] = {
	{ .name = "uidNumber",
	  .kind = SCIM_KIND_INTEGER,
	  .mutability = SCIM_IMMUTABLE,
	  .uniqueness = SCIM_SERVER,
	  .description = "The user's numeric id on every host." },
	{ .name = "gidNumber",
	  .kind = SCIM_KIND_INTEGER,
	  .mutability = SCIM_IMMUTABLE,
	  .uniqueness = SCIM_SERVER,
	  .description = "The numeric id of the user's primary group." },
	{ .name = "loginShell",
	  .case_exact = true,
	  .description = "The program that a login starts." },
	{ .name = "homeDirectory",
	  .case_exact = true,
	  .description = "The absolute path of the home directory." },
	{ .name = "gecos",
	  .description = "The comment field of the account, in general the full name." },
	{ .name = "sshPublicKeys",
	  .kind = SCIM_KIND_COMPLEX,
	  .multi = true,
	  .subs = sub_sshPublicKeys,
	  .description = "The OpenSSH public keys that may log in as the user." },
	{ 0 }
};

const struct scim_schema scim_schema_user = { SCIM_URN_USER, "User", "User Account", user_rows };
const struct scim_schema scim_schema_enterprise = { SCIM_URN_ENTERPRISE, "EnterpriseUser",
						    "Enterprise User", enterprise_rows };
const struct scim_schema scim_schema_posix_user = { SCIM_URN_POSIX_USER, "PosixUser",
						    "Account on POSIX hosts", posix_rows };

static const struct scim_schema *const user_extensions[] = { &scim_schema_enterprise,
							     &scim_schema_posix_user, NULL };

const struct scim_resource_type scim_type_user = { "User", "/Users", "User Account",
						   &scim_schema_user, user_extensions };
