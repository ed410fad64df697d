// SPDX-License-Identifier: MIT
//
// One transfer from its start to its end; see transfer.h.
#include "scimd/client/transfer.h"
#include "scimd/base/buf.h"
#include "scimd/base/fail.h"
#include "scimd/client/transfer_internal.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define TRANSFER_LATE_MS 2000
#define TRANSFER_AGENT "scimd/0.1"

static void transfer_unlink(struct transfer *q)
{
	*q->back = q->next;
	if (q->next)
		q->next->back = q->back;
}

void transfer_cancel(struct transfer *q)
{
	if (!q)
		return;
	transfer_unlink(q);
	(void)sd_event_source_disable_unref(q->deadline);
	if (q->easy) {
		(void)curl_multi_remove_handle(q->http->multi, q->easy);
		curl_easy_cleanup(q->easy);
	}
	for (struct curl_slist *h = q->headers; h; h = h->next)
		explicit_bzero(h->data, strlen(h->data));
	curl_slist_free_all(q->headers);
	if (q->form)
		explicit_bzero(q->form, strlen(q->form));
	free(q->form);
	if (q->tok)
		json_tokener_free(q->tok);
	json_object_put(q->json);
	free(q);
}

void transfer_finish(struct transfer *q, CURLcode rc)
{
	struct transfer_answer a = { .retry_after = q->retry_after, .bytes = q->bytes };
	char text[CURL_ERROR_SIZE + 128];
	long status = 0;

	(void)curl_easy_getinfo(q->easy, CURLINFO_RESPONSE_CODE, &status);
	a.status = (int)status;
	if (rc != CURLE_OK) {
		a.r = rc == CURLE_OPERATION_TIMEDOUT ? -ETIMEDOUT : q->too_big ? -EMSGSIZE : -EIO;
		(void)snprintf(text, sizeof(text), "%s",
			       q->too_big  ? q->too_big
			       : *q->error ? q->error
					   : curl_easy_strerror(rc));
		a.text = text;
	} else {
		a.text = "";
		a.json = q->json;
		a.bad_json = q->bad_json || (q->bytes && !q->json);
		a.etag = q->etag[0] ? q->etag : NULL;
	}
	q->end(q->arg, &a);
	transfer_cancel(q);
}

// Nothing may wait for ever, whatever becomes of curl's timers.
static int transfer_on_deadline(sd_event_source *s, uint64_t usec, void *arg)
{
	(void)s;
	(void)usec;
	transfer_finish(arg, CURLE_OPERATION_TIMEDOUT);
	return 0;
}

static bool transfer_header(struct transfer *q, const char *name, const char *value)
{
	struct buf b = { .secret = true };
	struct curl_slist *more = NULL;

	if (!value)
		return true;
	if (strpbrk(value, "\r\n"))
		return false;
	if (buf_printf(&b, "%s: %s", name, value) == 0)
		more = curl_slist_append(q->headers, b.data);
	buf_free(&b);
	if (more)
		q->headers = more;
	return more != NULL;
}

static bool transfer_setup(struct transfer *q, const char *url, long ms)
{
	const struct transfer_origin *h = q->http;
	CURL *e = q->easy;
	bool plain = strncasecmp(url, "http:", 5) == 0;
	CURLcode rc = CURLE_OK;

#define SET(option, value) rc = rc ? rc : curl_easy_setopt(e, option, value)
	SET(CURLOPT_URL, url);
	SET(CURLOPT_PRIVATE, q);
	SET(CURLOPT_ERRORBUFFER, q->error);
	SET(CURLOPT_HTTPHEADER, q->headers);
	SET(CURLOPT_HEADERFUNCTION, transfer_on_header);
	SET(CURLOPT_HEADERDATA, q);
	SET(CURLOPT_WRITEFUNCTION, transfer_on_body);
	SET(CURLOPT_WRITEDATA, q);
	SET(CURLOPT_PROTOCOLS_STR, plain ? "http" : "https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_PROXY, h->proxy ? h->proxy : "");
	SET(CURLOPT_NOPROXY, ""); // unset, the environment's would count
	SET(CURLOPT_ACCEPT_ENCODING, "gzip");
	SET(CURLOPT_USERAGENT, TRANSFER_AGENT);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_TIMEOUT_MS, ms);
	SET(CURLOPT_CONNECTTIMEOUT_MS, ms < 10000 ? ms : 10000L);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_SSLVERSION,
	    (long)(h->tls13 ? CURL_SSLVERSION_TLSv1_3 : CURL_SSLVERSION_TLSv1_2));
	SET(CURLOPT_BUFFERSIZE, (long)TRANSFER_SLICE);
	if (h->ca_file)
		SET(CURLOPT_CAINFO, h->ca_file);
	if (h->client_cert)
		SET(CURLOPT_SSLCERT, h->client_cert);
	if (h->client_key)
		SET(CURLOPT_SSLKEY, h->client_key);
	if (q->form)
		SET(CURLOPT_POSTFIELDS, q->form);
#undef SET
	return rc == CURLE_OK;
}

int transfer_start(struct transfer_origin *h, const char *path, const char *authorization,
		   const char *if_none_match, const char *type, const char *body,
		   uint64_t timeout_ms, void (*end)(void *arg, const struct transfer_answer *a),
		   void *arg, struct transfer **out, struct fail *f)
{
	struct transfer *q = calloc(1, sizeof(*q));
	struct buf url = BUF_INIT;
	long ms = timeout_ms ? (long)timeout_ms : (long)h->timeout * 1000;
	int r = -ENOMEM;

	if (!q)
		return fail(f, ENOMEM, "out of memory");
	q->http = h;
	q->end = end;
	q->arg = arg;
	q->retry_after = -1;
	q->next = h->requests;
	q->back = &h->requests;
	if (q->next)
		q->next->back = &q->next;
	h->requests = q;
	q->easy = curl_easy_init();
	q->tok = json_tokener_new_ex(TRANSFER_DEPTH);
	if (q->tok)
		json_tokener_set_flags(q->tok, JSON_TOKENER_VALIDATE_UTF8);
	q->form = body ? strdup(body) : NULL;
	if (!q->easy || !q->tok || (body && !q->form) ||
	    buf_printf(&url, "%s%s", h->base, path ? path : "") < 0)
		goto out;
	if (!transfer_header(q, "Accept", "application/scim+json, application/json") ||
	    !transfer_header(q, "Authorization", authorization) ||
	    !transfer_header(q, "Content-Type", type) ||
	    !transfer_header(q, "If-None-Match", if_none_match) || !transfer_setup(q, url.data, ms))
		goto out;
	if (sd_event_add_time_relative(h->event, &q->deadline, CLOCK_MONOTONIC,
				       (uint64_t)(ms + TRANSFER_LATE_MS) * 1000, 0,
				       transfer_on_deadline, q) < 0)
		goto out;
	if (curl_multi_add_handle(h->multi, q->easy) != CURLM_OK)
		goto out;
	buf_free(&url);
	if (out)
		*out = q;
	return 0;
out:
	buf_free(&url);
	transfer_cancel(q);
	return fail(f, -r, "the request could not be made");
}
