// SPDX-License-Identifier: MIT
//
// The quirk table; see quirk.h.
#include "scimd/client/quirk.h"
#include <string.h>
#include <strings.h>

const struct quirk quirk_table[] = {
	{ "entra", "graph.microsoft.com", QUIRK_CURSOR | QUIRK_MEMBERS_FILTER | QUIRK_LOWER_PATHS,
	  100, "cursors only; members never in a group" },
	{ "aws", ".amazonaws.com",
	  QUIRK_CURSOR | QUIRK_NO_ATTRIBUTES | QUIRK_MEMBERS_FILTER | QUIRK_NO_FILTER |
		  QUIRK_NO_ETAG,
	  100, "cursors; attributes= unknown; members always empty" },
	{ "google", "cloudidentityscim.googleapis.com",
	  QUIRK_NO_PAGING | QUIRK_NO_FILTER | QUIRK_NO_ETAG, 0, "no paging at all" },
	{ "salesforce", ".salesforce.com", QUIRK_PROVIDER_PLURAL, 200, "ServiceProviderConfigs" },
	{ "slack", "api.slack.com", 0, 1000, "default page of 10, so count is always sent" },
	{ "github", "api.github.com", QUIRK_NO_FILTER, 100,
	  "wants a User-Agent, which is always sent" },
	{ "atlassian", "api.atlassian.com", QUIRK_NO_FILTER | QUIRK_NO_ETAG, 100,
	  "a deactivated user is 404" },
	{ "gitlab", "gitlab.com", QUIRK_NO_GROUPS | QUIRK_NO_ATTRIBUTES | QUIRK_NO_FILTER, 20,
	  "no /Groups" },
	{ "pingone", ".pingone.com", QUIRK_NO_PAGING, 200, "200 results at most" },
	{ "pingdirectory", NULL, 0, 0, "complete; admin-chosen URNs" },
	{ "oracle", ".identity.oraclecloud.com", 0, 1000, "members and POSIX only when asked for" },
	{ "sap", ".accounts.ondemand.com", QUIRK_NEXT_ID | QUIRK_NO_FILTER, 100,
	  "startId and nextId" },
	{ "ibm", ".verify.ibm.com", 0, 0, "customAttributes" },
	{ "keycloak", NULL, QUIRK_NO_ETAG, 100, "members only when asked for" },
	{ "zitadel", ".zitadel.cloud", QUIRK_NO_ATTRIBUTES | QUIRK_MEMBERS_GET | QUIRK_NO_ETAG, 100,
	  "count above 100 is an error; lists omit members" },
	{ "authentik", NULL, 0, 100, "pages may come twice: such lists are never complete" },
	{ "wso2", "api.asgardeo.io", QUIRK_NO_ETAG, 200, "totalResults may be capped" },
	{ "janssen", NULL, QUIRK_NO_ETAG, 0, "display of members is looked up one by one" },
	{ "scimgateway", NULL, QUIRK_TOTAL_GUESS, 200, "ids are DNs; totalResults may be a guess" },
	{ "databricks", ".databricks.com", QUIRK_MEMBERS_GET, 0, "lists omit members" },
};
const size_t quirk_count = sizeof(quirk_table) / sizeof(*quirk_table);

static int quirk_host(const char *url, const char *suffix)
{
	const char *host = strstr(url, "://"), *end;
	size_t len, n = strlen(suffix);

	if (!host)
		return 0;
	host += 3;
	end = host + strcspn(host, ":/?#");
	len = (size_t)(end - host);
	if (len < n || strncasecmp(end - n, suffix, n) != 0)
		return 0;
	return len == n || suffix[0] == '.' || end[-(long)n - 1] == '.';
}

static const struct quirk *quirk_named(const char *name, size_t len)
{
	for (size_t i = 0; i < quirk_count; i++)
		if (strlen(quirk_table[i].name) == len &&
		    strncasecmp(quirk_table[i].name, name, len) == 0)
			return &quirk_table[i];
	return NULL;
}

static void quirk_apply(const struct quirk *q, uint32_t *flags, uint32_t *page)
{
	*flags |= q->flags;
	if (q->page_max && (*page == 0 || q->page_max < *page))
		*page = q->page_max;
}

void quirk_find(const char *url, const char *names, uint32_t *flags_out, uint32_t *page_max_out,
		const char **unknown_out)
{
	uint32_t flags = 0, page = 0;

	*unknown_out = NULL;
	for (size_t i = 0; i < quirk_count; i++)
		if (quirk_table[i].host && quirk_host(url, quirk_table[i].host))
			quirk_apply(&quirk_table[i], &flags, &page);
	while (names && *names) {
		size_t skip = strspn(names, ", "), len = strcspn(names + skip, ", ");
		const struct quirk *q;

		names += skip;
		if (!len)
			break;
		q = quirk_named(names, len);
		if (q)
			quirk_apply(q, &flags, &page);
		else
			*unknown_out = names;
		names += len;
	}
	*flags_out = flags;
	*page_max_out = page;
}
