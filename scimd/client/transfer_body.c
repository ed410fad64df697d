// SPDX-License-Identifier: MIT
//
// What comes in: the headers that are looked at, and the body, parsed as it arrives.
#include "scimd/base/clock.h"
#include "scimd/client/transfer_internal.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define TRANSFER_RETRY_MAX 3600

static int64_t transfer_retry_after(const char *text)
{
	char *end;
	long long n;
	time_t when;

	errno = 0;
	n = strtoll(text, &end, 10);
	if (end != text && (*end == '\0' || *end == '\r' || *end == '\n' || *end == ' '))
		return errno || n < 0 ? (errno == ERANGE && n > 0 ? TRANSFER_RETRY_MAX : 0)
		       : n > TRANSFER_RETRY_MAX ? TRANSFER_RETRY_MAX
						: n;
	when = curl_getdate(text, NULL);
	if (when < 0)
		return -1;
	n = (long long)when - (long long)(clock_wall() / 1000);
	return n < 0 ? 0 : n > TRANSFER_RETRY_MAX ? TRANSFER_RETRY_MAX : n;
}

size_t transfer_on_header(char *line, size_t size, size_t n, void *arg)
{
	struct transfer *q = arg;
	size_t len = size * n, at;
	char value[512];

	(void)size;
	if (len > 5 && strncasecmp(line, "HTTP/", 5) == 0) { // a new answer after 100-continue
		q->retry_after = -1;
		q->etag[0] = '\0';
		return len;
	}
	for (at = 0; at < len && line[at] != ':'; at++)
		;
	if (at == len)
		return len;
	for (n = at + 1; n < len && (line[n] == ' ' || line[n] == '\t'); n++)
		;
	(void)snprintf(value, sizeof(value), "%.*s", (int)(len - n < 500 ? len - n : 500),
		       line + n);
	value[strcspn(value, "\r\n")] = '\0';
	if (at == 11 && strncasecmp(line, "Retry-After", at) == 0)
		q->retry_after = transfer_retry_after(value);
	if (at == 4 && strncasecmp(line, "ETag", at) == 0)
		(void)snprintf(q->etag, sizeof(q->etag), "%s", value);
	return len;
}

// Parsed as it comes: no body is ever held whole, and no slice is long.
void transfer_parse(struct transfer *q, const char *data, size_t len)
{
	for (size_t at = 0; at < len && !q->bad_json; at++) {
		size_t slice = len - at < TRANSFER_SLICE ? len - at : TRANSFER_SLICE;

		if (q->json) { // after the end only white space
			q->bad_json = !strchr(" \t\r\n", data[at]) || !data[at];
			continue;
		}
		q->json = json_tokener_parse_ex(q->tok, data + at, (int)slice);
		if (!q->json && json_tokener_get_error(q->tok) != json_tokener_continue)
			q->bad_json = true;
		at += json_tokener_get_parse_end(q->tok) - 1;
	}
}

size_t transfer_on_body(char *data, size_t size, size_t n, void *arg)
{
	struct transfer *q = arg;
	size_t len = size * n;

	(void)size;
	if (len > q->http->body_max - q->bytes) {
		q->too_big = "the answer is larger than the limit of one answer";
		return 0;
	}
	q->bytes += len;
	q->too_big = transfer_weigh(q, data, len);
	return q->too_big ? 0 : len;
}
