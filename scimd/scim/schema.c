// SPDX-License-Identifier: MIT
//
// Looking things up in the schema tables; see schema.h.
#include "scimd/scim/schema.h"
#include "scimd/scim/filter.h"
#include "scimd/scim/schema_tables.h"
#include <string.h>
#include <strings.h>

static const struct scim_resource_type *const types[] = { &scim_type_user, &scim_type_group, NULL };

const struct scim_resource_type *scim_type_at(size_t i)
{
	return i < sizeof(types) / sizeof(*types) ? types[i] : NULL;
}

const struct scim_resource_type *scim_type_by_name(const char *name)
{
	for (size_t i = 0; types[i]; i++)
		if (strcasecmp(types[i]->name, name) == 0)
			return types[i];
	return NULL;
}

const struct scim_schema *scim_schema_at(size_t i)
{
	static const struct scim_schema *const all[] = { &scim_schema_user, &scim_schema_group,
							 &scim_schema_enterprise,
							 &scim_schema_posix_user,
							 &scim_schema_posix_group };

	return i < sizeof(all) / sizeof(*all) ? all[i] : NULL;
}

const struct scim_schema *scim_schema_by_urn(const char *urn)
{
	const struct scim_schema *s;

	for (size_t i = 0; (s = scim_schema_at(i)); i++)
		if (strcasecmp(s->urn, urn) == 0)
			return s;
	return NULL;
}

static bool schema_is(const struct scim_schema *s, const char *urn, size_t len)
{
	return strlen(s->urn) == len && strncasecmp(s->urn, urn, len) == 0;
}

const struct scim_schema *scim_type_schema(const struct scim_resource_type *t, const char *urn,
					   size_t len)
{
	if (schema_is(t->core, urn, len))
		return t->core;
	for (size_t i = 0; t->extensions[i]; i++)
		if (schema_is(t->extensions[i], urn, len))
			return t->extensions[i];
	return NULL;
}

const struct scim_attribute *scim_attribute_find(const struct scim_attribute *rows,
						 const char *name, size_t len)
{
	for (; rows && rows->name; rows++)
		if (strncasecmp(rows->name, name, len) == 0 && rows->name[len] == '\0')
			return rows;
	return NULL;
}

static const struct scim_attribute *schema_top(const struct scim_resource_type *t,
					       const struct scim_path *p,
					       const struct scim_schema **schema_out)
{
	const struct scim_schema *s = t->core;
	const struct scim_attribute *a;
	size_t len = strlen(p->attr);

	if (p->urn[0]) {
		s = scim_type_schema(t, p->urn, strlen(p->urn));
		if (!s)
			return NULL;
	}
	*schema_out = s;
	a = scim_attribute_find(s->attributes, p->attr, len);
	if (a)
		return a;
	// id, externalId and meta may come with the core's URN.
	if (s == t->core) {
		*schema_out = NULL;
		a = scim_attribute_find(scim_common, p->attr, len);
	}
	for (size_t i = 0; !a && !p->urn[0] && t->extensions[i]; i++) {
		*schema_out = t->extensions[i];
		a = scim_attribute_find(t->extensions[i]->attributes, p->attr, len);
	}
	return a;
}

const struct scim_attribute *scim_schema_find(const struct scim_resource_type *t,
					      const struct scim_path *p,
					      const struct scim_schema **schema_out)
{
	const struct scim_schema *s;
	const struct scim_attribute *a = schema_top(t, p, &s);

	if (a && p->sub[0])
		a = scim_attribute_find(a->subs, p->sub, strlen(p->sub));
	if (a && schema_out)
		*schema_out = s;
	return a;
}

bool scim_attribute_is_members(const struct scim_attribute *a)
{
	return a->many;
}
