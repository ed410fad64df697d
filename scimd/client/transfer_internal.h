// SPDX-License-Identifier: MIT
//
// What the files transfer*.c share; nobody else includes this.
#ifndef SCIMD_CLIENT_TRANSFER_INTERNAL_H
#define SCIMD_CLIENT_TRANSFER_INTERNAL_H

#include "scimd/client/transfer.h"
#include <curl/curl.h>

#define TRANSFER_SLICE 65536
#define TRANSFER_DEPTH 32

struct transfer_weight {
	bool in_string, escaped, object[TRANSFER_DEPTH + 1];
	unsigned int depth;
	uint32_t items[TRANSFER_DEPTH + 1];
	size_t string, weight;
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

// transfer_weigh.c: the next bytes of a body; NULL, or why no more of it may be parsed.
const char *transfer_weigh(struct transfer_weight *w, const char *data, size_t len);

// Tells the end of a transfer and frees it.
void transfer_finish(struct transfer *q, CURLcode rc);

#endif
