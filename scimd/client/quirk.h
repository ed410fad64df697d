// SPDX-License-Identifier: MIT
//
// What is known of directories that do not quite do what the RFCs say: one table
// row per product, recognised by its host name or named by `quirks = NAME`.
// A new quirk is one row (and, if no flag fits, one flag read in pull.c).
#ifndef SCIMD_CLIENT_QUIRK_H
#define SCIMD_CLIENT_QUIRK_H

#include <stddef.h>
#include <stdint.h>

#define QUIRK_CURSOR (1u << 0)          // asks with cursors from the first page on
#define QUIRK_NO_ATTRIBUTES (1u << 1)   // does not know (or chokes on) attributes=
#define QUIRK_NEXT_ID (1u << 2)         // SAP: startId=initial … nextId
#define QUIRK_NO_PAGING (1u << 3)       // one answer holds all, or all there is to have
#define QUIRK_NO_GROUPS (1u << 4)       // has no /Groups
#define QUIRK_MEMBERS_GET (1u << 5)     // members only with GET /Groups/{id}
#define QUIRK_MEMBERS_FILTER (1u << 6)  // members only by filter=groups.value eq
#define QUIRK_PROVIDER_PLURAL (1u << 7) // /ServiceProviderConfigs
#define QUIRK_LOWER_PATHS (1u << 8)     // /users and /groups
#define QUIRK_NO_FILTER (1u << 9)       // filter=active eq false is refused or wrong
#define QUIRK_NO_ETAG (1u << 10)        // has none, or none to rely on: never If-None-Match
#define QUIRK_LIST_ETAG (1u << 11)      // a list's ETag covers all of it, and is honest (tags.h)
#define QUIRK_TOTAL_GUESS (1u << 12)    // totalResults is one, until the last page says it

struct quirk {
	const char *name;
	const char *host; // suffix of the host name, or NULL: only by name
	uint32_t flags;
	uint32_t page_max; // 0 = no limit known
	const char *why;
};

extern const struct quirk quirk_table[];
extern const size_t quirk_count;

// The flags and the page limit for a URL and a comma-separated list of names
// (NULL: none). A name that is not in the table is returned in *unknown_out.
void quirk_find(const char *url, const char *names, uint32_t *flags_out, uint32_t *page_max_out,
		const char **unknown_out);

#endif
