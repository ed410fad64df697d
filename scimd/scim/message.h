// SPDX-License-Identifier: MIT
//
// The messages around resources: lists, errors, the provider's configuration.
// Read tolerantly (scim.md: 25 quirks); everything is borrowed from the JSON.
#ifndef SCIMD_SCIM_MESSAGE_H
#define SCIMD_SCIM_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;

struct scim_list {
	struct json_object *resources; // array, or NULL when missing or null
	size_t count;
	int64_t total;           // -1: not given
	int64_t start;           // -1: not given
	const char *next_cursor; // NULL or "" = none
	const char *next_id;     // SAP's way; "end" ends
};

// False if it is no list at all: no Resources and no totalResults, or an error body.
bool scim_list_read(struct json_object *body, struct scim_list *out);

struct scim_provider {
	bool known;
	bool filter, etag;
	bool events;                   // urn:scimd:params:scim:events
	bool list_etag;                // urn:scimd:params:scim:lists: an ETag is of the whole list
	bool cursor, index;            // RFC 9865 §4; index is true unless denied
	int64_t max_results, max_page; // -1: not given
};

bool scim_provider_read(struct json_object *body, struct scim_provider *out);

// The detail (or scimType) of an error body, NULL if it is none.
const char *scim_error_text(struct json_object *body);
bool scim_error_is(struct json_object *body, const char *scim_type);

#endif
