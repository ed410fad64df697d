// SPDX-License-Identifier: MIT
//
// What the files transfer*.c share; nobody else includes this.
#ifndef SCIMD_CLIENT_TRANSFER_INTERNAL_H
#define SCIMD_CLIENT_TRANSFER_INTERNAL_H

#include "scimd/client/transfer.h"
#include "scimd/scim/resource.h"
#include <curl/curl.h>

#define TRANSFER_SLICE 65536
#define TRANSFER_DEPTH 32

struct transfer_weight {
	bool in_string, escaped, object[TRANSFER_DEPTH + 1];
	unsigned int depth, hex; // hex: digits of an escape that are still to come
	uint32_t items[TRANSFER_DEPTH + 1];
	size_t string, weight;
	char key[9]; // how the last string of the outermost object begins

	bool in_list;            // in the array of that name, `Resources`
	size_t before;           // weight where the resource at hand began
	enum resource_over over; // enum resource_over of it
	unsigned int hidden;     // depth of what the parser does not see the rest of, 0: sees all
	bool cut;                // it does not see the rest of this string
	const char *data;        // the bytes at hand …
	size_t shown;            // … and how many of them the parser has had
	const char *refused;
};

struct transfer_origin {
	sd_event *event;
	CURLM *multi;
	sd_event_source *timer, *reap;
	char *base;
	char *ca_file, *client_cert, *client_key, *proxy;
	bool tls13;
	uint32_t timeout;
	size_t body_max;
	bool broken; // the multi handle failed: no end of what is under way will be told
	struct transfer *requests;
};

struct transfer {
	struct transfer *next, **back;
	struct transfer_origin *http;
	CURL *easy;
	struct curl_slist *headers;
	struct json_tokener *tok;
	struct json_object *json;
	sd_event_source *deadline; // a little later than curl's own
	char *form;
	size_t bytes;
	bool bad_json, lost;
	const char *too_big; // why, NULL: it is not
	struct transfer_weight weight;
	int64_t retry_after;
	char etag[512];
	char error[CURL_ERROR_SIZE];
	void (*end)(void *arg, const struct transfer_answer *a);
	void *arg;
};

// transfer_body.c: curl's write functions
size_t transfer_on_header(char *line, size_t size, size_t n, void *arg);
size_t transfer_on_body(char *data, size_t size, size_t n, void *arg);

void transfer_parse(struct transfer *q, const char *data, size_t len);

// transfer_weigh.c: parses the next bytes of a body; NULL, or why no more of it may be.
const char *transfer_weigh(struct transfer *q, const char *data, size_t len);

// Tells the end of a transfer and frees it.
void transfer_finish(struct transfer *q, CURLcode rc);

#endif
