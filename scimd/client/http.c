// SPDX-License-Identifier: MIT
//
// HTTP for one origin; see http.h.
#include "scimd/client/http.h"
#include "scimd/base/buf.h"
#include "scimd/base/clock.h"
#include "scimd/base/fail.h"
#include <curl/curl.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <time.h>

#define HTTP_BODY_MAX ((size_t)64 << 20)
#define HTTP_DEPTH 32
#define HTTP_SLICE 65536
#define HTTP_RETRY_MAX 3600
#define HTTP_LATE_MS 2000
#define HTTP_AGENT "scimd/0.1"

struct http {
	sd_event *event;
	CURLM *multi;
	sd_event_source *timer, *reap;
	char *base;
	char *ca_file, *client_cert, *client_key, *proxy;
	bool tls13;
	uint32_t timeout;
	size_t body_max;
	bool broken; // the multi handle failed: no end of what is under way will be told
	struct http_request *requests;
};

struct http_request {
	struct http_request *next, **back;
	struct http *http;
	CURL *easy;
	struct curl_slist *headers;
	struct json_tokener *tok;
	struct json_object *json;
	sd_event_source *deadline; // a little later than curl's own
	char *form;
	size_t bytes;
	bool bad_json, too_big, lost;
	int64_t retry_after;
	char etag[512];
	char error[CURL_ERROR_SIZE];
	void (*end)(void *arg, const struct http_answer *a);
	void *arg;
};

// --------------------------------------------------------------------- URLs

static bool http_loopback(const char *host)
{
	unsigned int a, b, c, d;
	char rest;

	if (strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
		return true;
	return sscanf(host, "%3u.%3u.%3u.%3u%c", &a, &b, &c, &d, &rest) == 4 && a == 127 &&
	       b < 256 && c < 256 && d < 256;
}

int http_url_check(const char *url, struct fail *f)
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
	if (strcmp(scheme, "https") != 0 && !(strcmp(scheme, "http") == 0 && http_loopback(host)))
		r = fail(f, EINVAL, "\"%s\": only https:// is accepted (http:// for loopback only)",
			 url);
out:
	curl_free(scheme);
	curl_free(host);
	curl_url_cleanup(u);
	return r;
}

int http_encode(struct buf *b, const char *text)
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

// ------------------------------------------------------------ what comes in

static int64_t http_retry_after(const char *text)
{
	char *end;
	long long n;
	time_t when;

	errno = 0;
	n = strtoll(text, &end, 10);
	if (end != text && (*end == '\0' || *end == '\r' || *end == '\n' || *end == ' '))
		return errno || n < 0       ? (errno == ERANGE && n > 0 ? HTTP_RETRY_MAX : 0)
		       : n > HTTP_RETRY_MAX ? HTTP_RETRY_MAX
					    : n;
	when = curl_getdate(text, NULL);
	if (when < 0)
		return -1;
	n = (long long)when - (long long)(clock_wall() / 1000);
	return n < 0 ? 0 : n > HTTP_RETRY_MAX ? HTTP_RETRY_MAX : n;
}

static size_t http_on_header(char *line, size_t size, size_t n, void *arg)
{
	struct http_request *q = arg;
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
		q->retry_after = http_retry_after(value);
	if (at == 4 && strncasecmp(line, "ETag", at) == 0)
		(void)snprintf(q->etag, sizeof(q->etag), "%s", value);
	return len;
}

// Parsed as it comes: no body is ever held whole, and no slice is long.
static size_t http_on_body(char *data, size_t size, size_t n, void *arg)
{
	struct http_request *q = arg;
	size_t len = size * n;

	(void)size;
	if (len > q->http->body_max - q->bytes) {
		q->too_big = true;
		return 0;
	}
	q->bytes += len;
	for (size_t at = 0; at < len && !q->bad_json; at++) {
		size_t slice = len - at < HTTP_SLICE ? len - at : HTTP_SLICE;

		if (q->json) { // after the end only white space
			q->bad_json = !strchr(" \t\r\n", data[at]) || !data[at];
			continue;
		}
		q->json = json_tokener_parse_ex(q->tok, data + at, (int)slice);
		if (!q->json && json_tokener_get_error(q->tok) != json_tokener_continue)
			q->bad_json = true;
		at += json_tokener_get_parse_end(q->tok) - 1;
	}
	return len;
}

// --------------------------------------------------------------- the loop

static void http_unlink(struct http_request *q)
{
	*q->back = q->next;
	if (q->next)
		q->next->back = q->back;
}

void http_cancel(struct http_request *q)
{
	if (!q)
		return;
	http_unlink(q);
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

static void http_finish(struct http_request *q, CURLcode rc)
{
	struct http_answer a = { .retry_after = q->retry_after, .bytes = q->bytes };
	char text[CURL_ERROR_SIZE + 128];
	long status = 0;

	(void)curl_easy_getinfo(q->easy, CURLINFO_RESPONSE_CODE, &status);
	a.status = (int)status;
	if (rc != CURLE_OK) {
		a.r = rc == CURLE_OPERATION_TIMEDOUT ? -ETIMEDOUT : q->too_big ? -EMSGSIZE : -EIO;
		(void)snprintf(text, sizeof(text), "%s",
			       q->too_big  ? "the answer is larger than the limit of one answer"
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
	http_cancel(q);
}

static void http_reap(struct http *h)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(h->multi, &left))) {
		struct http_request *q = NULL;
		CURLcode rc = m->data.result;

		if (m->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &q);
		if (q)
			http_finish(q, rc);
	}
}

// Nothing may wait for ever, whatever becomes of curl's timers.
static int http_on_deadline(sd_event_source *s, uint64_t usec, void *arg)
{
	(void)s;
	(void)usec;
	http_finish(arg, CURLE_OPERATION_TIMEDOUT);
	return 0;
}

// What is under way ends here; what an end starts anew does not.
static void http_break(struct http *h)
{
	struct http_request *q;

	h->broken = false;
	for (q = h->requests; q; q = q->next)
		q->lost = true;
	do {
		for (q = h->requests; q && !q->lost; q = q->next)
			;
		if (q)
			http_finish(q, CURLE_OUT_OF_MEMORY);
	} while (q);
}

// Ends of requests are told from here, never from inside curl's own callbacks.
static int http_on_reap(sd_event_source *s, void *arg)
{
	struct http *h = arg;

	(void)sd_event_source_set_enabled(s, SD_EVENT_OFF);
	http_reap(h);
	if (h->broken)
		http_break(h);
	return 0;
}

static void http_act(struct http *h, curl_socket_t fd, int what)
{
	int running;

	if (curl_multi_socket_action(h->multi, fd, what, &running) != CURLM_OK)
		h->broken = true;
	(void)sd_event_source_set_enabled(h->reap, SD_EVENT_ON);
}

static int http_on_io(sd_event_source *s, int fd, uint32_t events, void *arg)
{
	int what = (events & EPOLLIN ? CURL_CSELECT_IN : 0) |
		   (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
		   (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);

	(void)s;
	http_act(arg, fd, what);
	return 0;
}

static int http_on_timer(sd_event_source *s, uint64_t usec, void *arg)
{
	(void)s;
	(void)usec;
	http_act(arg, CURL_SOCKET_TIMEOUT, 0);
	return 0;
}

static int http_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *mine)
{
	struct http *h = arg;
	sd_event_source *s = mine;
	uint32_t events = (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) |
			  (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		(void)sd_event_source_disable_unref(s);
		(void)curl_multi_assign(h->multi, fd, NULL);
		return 0;
	}
	if (s)
		return sd_event_source_set_io_events(s, events) < 0 ? -1 : 0;
	if (sd_event_add_io(h->event, &s, fd, events, http_on_io, h) < 0)
		return -1;
	return curl_multi_assign(h->multi, fd, s) == CURLM_OK ? 0 : -1;
}

static int http_timer(CURLM *multi, long ms, void *arg)
{
	struct http *h = arg;

	(void)multi;
	if (ms < 0)
		return sd_event_source_set_enabled(h->timer, SD_EVENT_OFF) < 0 ? -1 : 0;
	if (sd_event_source_set_time_relative(h->timer, (uint64_t)ms * 1000) < 0)
		return -1;
	return sd_event_source_set_enabled(h->timer, SD_EVENT_ONESHOT) < 0 ? -1 : 0;
}

// ------------------------------------------------------------------ requests

static char *http_dup(const char *s)
{
	return s ? strdup(s) : NULL;
}

int http_new(sd_event *event, const char *base, const struct http_options *o, struct http **out,
	     struct fail *f)
{
	struct http *h;
	size_t len = strlen(base);
	int r = http_url_check(base, f);

	if (r < 0)
		return r;
	h = calloc(1, sizeof(*h));
	if (!h)
		return fail(f, ENOMEM, "out of memory");
	while (len && base[len - 1] == '/')
		len--;
	h->event = event;
	h->base = strndup(base, len);
	h->ca_file = http_dup(o->ca_file);
	h->client_cert = http_dup(o->client_cert);
	h->client_key = http_dup(o->client_key);
	h->proxy = http_dup(o->proxy);
	h->tls13 = o->tls13;
	h->timeout = o->timeout ? o->timeout : 30;
	h->body_max = o->body_max ? o->body_max : HTTP_BODY_MAX;
	(void)curl_global_init(CURL_GLOBAL_DEFAULT);
	h->multi = curl_multi_init();
	if (!h->base || !h->multi ||
	    sd_event_add_time(event, &h->timer, CLOCK_MONOTONIC, 0, 1000, http_on_timer, h) < 0 ||
	    sd_event_add_defer(event, &h->reap, http_on_reap, h) < 0) {
		http_free(h);
		return fail(f, ENOMEM, "out of memory");
	}
	(void)sd_event_source_set_enabled(h->timer, SD_EVENT_OFF);
	(void)sd_event_source_set_enabled(h->reap, SD_EVENT_OFF);
	(void)curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, http_socket);
	(void)curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
	(void)curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, http_timer);
	(void)curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
	(void)curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, 4L);
	*out = h;
	return 0;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	while (h->requests)
		http_cancel(h->requests);
	if (h->multi)
		(void)curl_multi_cleanup(h->multi);
	(void)sd_event_source_disable_unref(h->timer);
	(void)sd_event_source_disable_unref(h->reap);
	free(h->base);
	free(h->ca_file);
	free(h->client_cert);
	free(h->client_key);
	free(h->proxy);
	free(h);
}

static bool http_header(struct http_request *q, const char *name, const char *value)
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

static bool http_setup(struct http_request *q, const char *url, long ms)
{
	const struct http *h = q->http;
	CURL *e = q->easy;
	bool plain = strncasecmp(url, "http:", 5) == 0;
	CURLcode rc = CURLE_OK;

#define SET(option, value) rc = rc ? rc : curl_easy_setopt(e, option, value)
	SET(CURLOPT_URL, url);
	SET(CURLOPT_PRIVATE, q);
	SET(CURLOPT_ERRORBUFFER, q->error);
	SET(CURLOPT_HTTPHEADER, q->headers);
	SET(CURLOPT_HEADERFUNCTION, http_on_header);
	SET(CURLOPT_HEADERDATA, q);
	SET(CURLOPT_WRITEFUNCTION, http_on_body);
	SET(CURLOPT_WRITEDATA, q);
	SET(CURLOPT_PROTOCOLS_STR, plain ? "http" : "https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_PROXY, h->proxy ? h->proxy : "");
	SET(CURLOPT_ACCEPT_ENCODING, "gzip");
	SET(CURLOPT_USERAGENT, HTTP_AGENT);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_TIMEOUT_MS, ms);
	SET(CURLOPT_CONNECTTIMEOUT_MS, ms < 10000 ? ms : 10000L);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_SSLVERSION,
	    (long)(h->tls13 ? CURL_SSLVERSION_TLSv1_3 : CURL_SSLVERSION_TLSv1_2));
	SET(CURLOPT_BUFFERSIZE, (long)HTTP_SLICE);
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

int http_start(struct http *h, const char *path, const char *authorization,
	       const char *if_none_match, const char *type, const char *body, uint64_t timeout_ms,
	       void (*end)(void *arg, const struct http_answer *a), void *arg,
	       struct http_request **out, struct fail *f)
{
	struct http_request *q = calloc(1, sizeof(*q));
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
	q->tok = json_tokener_new_ex(HTTP_DEPTH);
	if (q->tok)
		json_tokener_set_flags(q->tok, JSON_TOKENER_VALIDATE_UTF8);
	q->form = http_dup(body);
	if (!q->easy || !q->tok || (body && !q->form) ||
	    buf_printf(&url, "%s%s", h->base, path ? path : "") < 0)
		goto out;
	if (!http_header(q, "Accept", "application/scim+json, application/json") ||
	    !http_header(q, "Authorization", authorization) ||
	    !http_header(q, "Content-Type", type) ||
	    !http_header(q, "If-None-Match", if_none_match) || !http_setup(q, url.data, ms))
		goto out;
	if (sd_event_add_time_relative(h->event, &q->deadline, CLOCK_MONOTONIC,
				       (uint64_t)(ms + HTTP_LATE_MS) * 1000, 0, http_on_deadline,
				       q) < 0)
		goto out;
	if (curl_multi_add_handle(h->multi, q->easy) != CURLM_OK)
		goto out;
	buf_free(&url);
	if (out)
		*out = q;
	return 0;
out:
	buf_free(&url);
	http_cancel(q);
	return fail(f, -r, "the request could not be made");
}
