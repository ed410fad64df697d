// SPDX-License-Identifier: MIT
//
// URLs: which may be used, and what goes into them; see transfer.h.
#include "scimd/base/buf.h"
#include "scimd/base/fail.h"
#include "scimd/client/transfer.h"
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool transfer_loopback(const char *host)
{
	unsigned int a, b, c, d;
	char rest;

	if (strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
		return true;
	return sscanf(host, "%3u.%3u.%3u.%3u%c", &a, &b, &c, &d, &rest) == 4 && a == 127 &&
	       b < 256 && c < 256 && d < 256;
}

int transfer_url_check(const char *url, struct fail *f)
{
	static const struct {
		CURLUPart part;
		const char *what;
	} none[] = { { CURLUPART_USER, "a user name" },
		     { CURLUPART_PASSWORD, "a password" },
		     { CURLUPART_QUERY, "a query" },
		     { CURLUPART_FRAGMENT, "a fragment" } };
	char *scheme = NULL, *host = NULL, *part;
	CURLU *u = curl_url();
	CURLUcode rc;
	int r = 0;

	if (!u)
		return fail(f, ENOMEM, "out of memory");
	rc = curl_url_set(u, CURLUPART_URL, url, 0);
	if (rc || curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) ||
	    curl_url_get(u, CURLUPART_HOST, &host, 0)) {
		r = fail(f, EINVAL, "\"%s\" is not a URL (%s)", url, curl_url_strerror(rc));
		goto out;
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
		if (curl_url_get(u, none[i].part, &part, 0) == CURLUE_OK) {
			curl_free(part);
			r = fail(f, EINVAL, "\"%s\" has %s in it, which does not belong there", url,
				 none[i].what);
			goto out;
		}
	}
	if (strcmp(scheme, "https") != 0 &&
	    !(strcmp(scheme, "http") == 0 && transfer_loopback(host)))
		r = fail(f, EINVAL, "\"%s\": only https:// is accepted (http:// for loopback only)",
			 url);
out:
	curl_free(scheme);
	curl_free(host);
	curl_url_cleanup(u);
	return r;
}

int transfer_encode(struct buf *b, const char *text)
{
	static const char hex[] = "0123456789ABCDEF";
	int r = 0;

	for (const unsigned char *p = (const unsigned char *)text; *p && r == 0; p++) {
		if ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		    (*p >= '0' && *p <= '9') || strchr("-._~", *p))
			r = buf_chr(b, (char)*p);
		else
			r = buf_add(b, (char[]){ '%', hex[*p >> 4], hex[*p & 15] }, 3);
	}
	return r;
}
