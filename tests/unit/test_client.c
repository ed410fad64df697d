// SPDX-License-Identifier: MIT
//
// The client against a server of its own on loopback: tokens, OAuth 2 client
// credentials, patience, caps, and what never leaves its origin.
#include "scimd/base/buf.h"
#include "scimd/base/fail.h"
#include "scimd/client/pull.h"
#include "scimd/client/quirk.h"
#include "scimd/client/session.h"
#include "scimd/client/tags.h"
#include "scimd/client/token.h"
#include "scimd/client/transfer_internal.h"
#include "scimd/client/walk.h"
#include <arpa/inet.h>
#include <errno.h>
#include <json-c/json.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

// ------------------------------------------------------------------ a server

#define ASKED_MAX 16

static struct server {
	int fd;
	unsigned int port;
	pthread_t thread;
	pthread_mutex_t lock;
	const char *const *answers; // one for each request, in order; then 500
	size_t answered;
	char asked[ASKED_MAX][4096]; // what came, head and body
	size_t count;
} server = { .lock = PTHREAD_MUTEX_INITIALIZER };

static size_t server_take(int fd, char *in, size_t size)
{
	size_t len = 0, whole = 0;
	ssize_t n;

	while ((n = read(fd, in + len, size - 1 - len)) > 0) {
		const char *end, *body;

		len += (size_t)n;
		in[len] = '\0';
		end = strstr(in, "\r\n\r\n");
		if (!end)
			continue;
		body = strcasestr(in, "\r\nContent-Length:");
		whole = (size_t)(end - in) + 4 +
			(body && body < end ? strtoul(body + 17, NULL, 10) : 0);
		if (len >= whole)
			break;
	}
	return len;
}

static void *server_run(void *arg)
{
	static char in[4096];
	int fd;

	(void)arg;
	while ((fd = accept(server.fd, NULL, NULL)) >= 0) {
		const char *answer = "HTTP/1.1 500 No more\r\nContent-Length: 0\r\n\r\n";
		size_t len;

		if (server_take(fd, in, sizeof(in)) > 0) {
			(void)pthread_mutex_lock(&server.lock);
			if (server.count < ASKED_MAX)
				memcpy(server.asked[server.count++], in, sizeof(in));
			if (server.answers && server.answers[server.answered])
				answer = server.answers[server.answered++];
			(void)pthread_mutex_unlock(&server.lock);
			len = strlen(answer);
			if (strncmp(answer, "raw:", 4) == 0) // its length stands in front
				len = strtoul(answer + 4, (char **)&answer, 10), answer++;
			(void)send(fd, answer, len, MSG_NOSIGNAL);
		}
		(void)close(fd);
	}
	return NULL;
}

static int server_start(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);

	(void)state;
	server.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (server.fd < 0 || bind(server.fd, (struct sockaddr *)&in, sizeof(in)) < 0 ||
	    listen(server.fd, 16) < 0 || getsockname(server.fd, (struct sockaddr *)&in, &len) < 0)
		return -1;
	server.port = ntohs(in.sin_port);
	return pthread_create(&server.thread, NULL, server_run, NULL);
}

static int server_stop(void **state)
{
	(void)state;
	(void)shutdown(server.fd, SHUT_RDWR);
	(void)pthread_join(server.thread, NULL);
	return close(server.fd);
}

static void server_script(const char *const *answers)
{
	(void)pthread_mutex_lock(&server.lock);
	server.answers = answers;
	server.answered = server.count = 0;
	memset(server.asked, 0, sizeof(server.asked));
	(void)pthread_mutex_unlock(&server.lock);
}

#define OK(body) "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" body
#define STATUS(line, headers) "HTTP/1.1 " line "\r\n" headers "Content-Length: 0\r\n\r\n"

// ------------------------------------------------------------------- asking

static char folder[] = "/tmp/scimd-client.XXXXXX";

static char *file(const char *name, const char *text, mode_t mode)
{
	static char path[4][256];
	static unsigned int next;
	char *p = path[next++ % 4];
	FILE *f;

	(void)snprintf(p, sizeof(path[0]), "%s/%s", folder, name);
	(void)unlink(p);
	f = fopen(p, "we");
	assert_non_null(f);
	(void)fputs(text, f);
	(void)fclose(f);
	assert_int_equal(chmod(p, mode), 0);
	return p;
}

struct asked {
	bool ended;
	int r, status;
	int64_t retry_after, value;
	char text[256];
};

static void asked_end(void *arg, const struct transfer_answer *a)
{
	struct asked *k = arg;
	struct json_object *v;

	k->r = a->r;
	k->status = a->status;
	k->retry_after = a->retry_after;
	(void)snprintf(k->text, sizeof(k->text), "%s", a->text);
	if (a->json && json_object_object_get_ex(a->json, "n", &v))
		k->value = json_object_get_int64(v);
	k->ended = true;
}

static struct asked ask(struct session *s, sd_event *event, bool patient)
{
	struct asked k = { 0 };
	struct fail f = { "" };

	if (session_get(s, "/Users", patient, 5000, asked_end, &k, NULL, &f) < 0)
		fail_msg("%s", f.text);
	while (!k.ended)
		assert_true(sd_event_run(event, UINT64_MAX) >= 0);
	return k;
}

// --------------------------------------------------------------- tags of lists

static void test_client_tags_are_entity_tags(void **state)
{
	static const char *const good[] = { "\"\"", "\"l57\"", "W/\"l57\"", "\"a/b,c\"" };
	static const char *const bad[] = { NULL,       "",         "l57",       "\"",
					   "\"l57",    "l57\"",    "w/\"l57\"", "W/l57",
					   "\"l 57\"", "\"l57\" ", "\"a\"b\"" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		if (!tags_valid(good[i]))
			fail_msg("refused: %s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (tags_valid(bad[i]))
			fail_msg("taken: %s", bad[i] ? bad[i] : "none");
	assert_true(tags_same("W/\"1\"", "\"1\"") && tags_same("\"1\"", "\"1\""));
	assert_false(tags_same("W/\"1\"", "W/\"2\""));
}

// What pages bore, users' and then groups', "-" for none; whether that is enough.
static void test_client_tags_cover_whole_lists_or_nothing(void **state)
{
	static const struct {
		const char *users[3], *groups[3];
		bool whole;
	} rows[] = {
		{ { "\"1\"", "\"1\"" }, { "\"1\"" }, true },
		{ { "\"1\"", "W/\"1\"" }, { "\"2\"", "\"2\"" }, true },
		{ { "\"1\"" }, { NULL }, true }, // groups were not asked for
		{ { "\"1\"", "\"2\"" }, { "\"1\"" }, false },
		{ { "\"1\"", "\"2\"", "\"1\"" }, { "\"1\"" }, false },
		{ { "\"1\"" }, { "\"1\"", "\"2\"" }, false },
		{ { "\"1\"", "-" }, { "\"1\"" }, false },
		{ { "-", "\"1\"" }, { "\"1\"" }, false },
		{ { "\"1\"" }, { "-" }, false },
		{ { NULL }, { "\"1\"" }, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct tags t = { 0 };

		for (int k = 0; k < 2; k++) {
			const char *const *pages = k ? rows[i].users : rows[i].groups;

			if (pages[0])
				tags_first(&t, k, k ? "/Users?a" : "/Groups?a");
			for (size_t n = 0; n < 3 && pages[n]; n++)
				tags_page(&t, k, *pages[n] == '-' ? NULL : pages[n]);
		}
		if (tags_whole(&t) != rows[i].whole)
			fail_msg("row %zu", i);
		tags_lost(&t);
		assert_false(tags_whole(&t));
		tags_clear(&t);
	}
}

static void tags_said(void *arg, bool same)
{
	*(int *)arg = same;
}

static void test_client_tags_are_asked_with(void **state)
{
#define SAME(headers) STATUS("304 Not Modified", headers)
	static const struct {
		const char *answers[3];
		size_t asked;
		bool same;
	} rows[] = {
		{ { SAME("ETag: W/\"l57\"\r\n"), SAME("ETag: \"l58\"\r\n") }, 2, true },
		{ { SAME(""), SAME("") }, 2, true },
		{ { SAME(""), OK("{\"totalResults\":0}") }, 2, false },
		{ { SAME("ETag: \"l58\"\r\n"), SAME("") }, 1, false }, // another list's
		{ { OK("{\"totalResults\":0}") }, 1, false },
		{ { STATUS("503 Later", "Retry-After: 1\r\n") }, 1, false },
		{ { SAME(""), "HTTP/1.1 304" }, 2, false },
	};
	struct tags t = { 0 };

	(void)state;
	tags_first(&t, true, "/Users?startIndex=1&count=2");
	tags_page(&t, true, "W/\"l57\"");
	tags_first(&t, false, "/Groups?startIndex=1&count=2");
	tags_page(&t, false, "W/\"l58\"");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char url[64];
		struct session_options o = { .url = url };
		struct tags_ask *k;
		struct session *s;
		struct fail f = { "" };
		sd_event *event;
		int same = -1;

		server_script(rows[i].answers);
		(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/v2/", server.port);
		o.token_file = file("token", "secret\n", 0600);
		assert_int_equal(sd_event_new(&event), 0);
		assert_int_equal(session_new(event, &o, &s, &f), 0);
		assert_int_equal(tags_start(s, &t, tags_said, &same, &k, &f), 0);
		while (same < 0)
			assert_true(sd_event_run(event, UINT64_MAX) >= 0);
		if (same != rows[i].same || server.count != rows[i].asked)
			fail_msg("row %zu: %d after %zu requests", i, same, server.count);
		assert_non_null(strstr(server.asked[0], "GET /v2/Users?startIndex=1&count=2 "));
		assert_non_null(strstr(server.asked[0], "If-None-Match: W/\"l57\"\r\n"));
		if (server.count > 1)
			assert_non_null(strstr(server.asked[1], "If-None-Match: W/\"l58\"\r\n"));
		tags_free(k);
		session_free(s);
		sd_event_unref(event);
	}
	tags_clear(&t);
}

// One request in a session of its own, with a token.
static struct asked once(const char *const *answers, bool patient, size_t body_max)
{
	char url[64];
	struct session_options o = { .url = url, .http = { .body_max = body_max } };
	struct session *s;
	struct fail f = { "" };
	struct asked k;
	sd_event *event;

	server_script(answers);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/v2/", server.port);
	o.token_file = file("token", "secret\n", 0600);
	assert_int_equal(sd_event_new(&event), 0);
	assert_int_equal(session_new(event, &o, &s, &f), 0);
	assert_int_equal(session_begin(s, &f), 0);
	k = ask(s, event, patient);
	session_free(s);
	sd_event_unref(event);
	return k;
}

// -------------------------------------------------------------------- tests

static void test_client_token_goes_to_its_origin_only(void **state)
{
	static const char *const answers[] = {
		STATUS("302 Found", "Location: http://127.0.0.2:9/elsewhere\r\n"), NULL
	};
	struct asked k;

	(void)state;
	assert_int_equal(setenv("http_proxy", "http://127.0.0.2:9", 1), 0);
	k = once(answers, true, 0);
	assert_int_equal(unsetenv("http_proxy"), 0);
	assert_int_equal(k.status, 302);
	assert_int_equal(server.count, 1);
	assert_non_null(strstr(server.asked[0], "GET /v2/Users HTTP/1.1\r\n"));
	assert_non_null(strstr(server.asked[0], "\r\nAuthorization: Bearer secret\r\n"));
}

// The proxy that is configured is used, whatever the environment says of exceptions.
static void test_client_proxy_is_the_configured_one(void **state)
{
	static const char *const answers[] = { OK("{}"), NULL };
	struct session_options o = { .url = "http://127.0.0.2:9/v2" };
	struct session *s;
	struct fail f = { "" };
	sd_event *event;
	struct asked k;
	char proxy[64];

	(void)state;
	(void)snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%u", server.port);
	o.http.proxy = proxy;
	o.token_file = file("token", "secret\n", 0600);
	server_script(answers);
	assert_int_equal(setenv("no_proxy", "*", 1), 0);
	assert_int_equal(sd_event_new(&event), 0);
	assert_int_equal(session_new(event, &o, &s, &f), 0);
	k = ask(s, event, false);
	assert_int_equal(unsetenv("no_proxy"), 0);
	assert_int_equal(k.status, 200);
	assert_non_null(strstr(server.asked[0], "GET http://127.0.0.2:9/v2/Users HTTP/1.1\r\n"));
	session_free(s);
	sd_event_unref(event);
}

static void test_client_patience(void **state)
{
#define BUSY(after) STATUS("429 Too Many", "Retry-After: " after "\r\n")
	static const struct {
		const char *answers[6];
		bool patient;
		size_t asked;
		int status;
		int64_t retry_after;
	} rows[] = {
		{ { BUSY("0"), OK("{\"n\":7}") }, true, 2, 200, -1 },
		{ { BUSY("-5"), OK("{\"n\":7}") }, true, 2, 200, -1 },
		{ { BUSY("Wed, 21 Oct 2015 07:28:00 GMT"), OK("{\"n\":7}") }, true, 2, 200, -1 },
		{ { BUSY("soon"), OK("{\"n\":7}") }, true, 2, 200, -1 },
		{ { STATUS("503 Busy", ""), OK("{\"n\":7}") }, true, 2, 200, -1 },
		// absurd or long: told upwards, not waited for
		{ { BUSY("99999999999999999999") }, true, 1, 429, 3600 },
		{ { BUSY("Fri, 31 Dec 2100 07:28:00 GMT") }, true, 1, 429, 3600 },
		{ { BUSY("61") }, true, 1, 429, 61 },
		// four tries are enough
		{ { BUSY("0"), BUSY("0"), BUSY("0"), BUSY("0"), OK("{}") }, true, 4, 429, 0 },
		// nobody waits at a login
		{ { BUSY("0"), OK("{\"n\":7}") }, false, 1, 429, 0 },
		// what does not pass is not tried again
		{ { STATUS("404 Not Found", "") }, true, 1, 404, -1 },
		{ { STATUS("401 Unauthorized", "") }, true, 1, 401, -1 },
		{ { STATUS("501 Not Implemented", "") }, true, 1, 501, -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct asked k = once(rows[i].answers, rows[i].patient, 0);

		if (k.r || k.status != rows[i].status || k.retry_after != rows[i].retry_after ||
		    server.count != rows[i].asked || (k.status == 200 && k.value != 7))
			fail_msg("row %zu: r %d, status %d, Retry-After %lld, %zu requests", i, k.r,
				 k.status, (long long)k.retry_after, server.count);
	}
}

static void test_client_caps_the_inflated_body(void **state)
{
	static const char bomb[] =
		"raw:278:"
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"
		"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xed\xc1\x41\x11\x00\x00\x08\x03\xa0\x2a"
		"\x56\x58\x1e\xcf\xfe\x35\xcc\xb0\x3f\xb0\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00"
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
		"\x00\x00\x00\x00\xd4\x72\x0f\xd7\xd1\x8e\xd3\x43\x0d\x03\x00";
	const char *answers[] = { bomb, NULL };
	struct asked k;

	(void)state;
	k = once(answers, false, 0);
	assert_int_equal(k.r, 0);
	assert_int_equal(k.status, 200);
	k = once(answers, false, 100000);
	assert_int_equal(k.r, -EMSGSIZE);
	assert_non_null(strstr(k.text, "larger than the limit"));
}

// One body in two pieces, as the network cuts it.
static bool taken(const char *body, size_t cut)
{
	struct transfer_origin origin = { .body_max = 1000 };
	struct transfer q = { .http = &origin, .tok = json_tokener_new_ex(TRANSFER_DEPTH) };
	char copy[128];
	size_t len = strlen(body);
	bool good;

	assert_true(q.tok && len < sizeof(copy));
	memcpy(copy, body, len);
	assert_int_equal(transfer_on_body(copy, 1, cut, &q), cut);
	assert_int_equal(transfer_on_body(copy + cut, 1, len - cut, &q), len - cut);
	good = q.json && !q.bad_json;
	json_object_put(q.json);
	json_tokener_free(q.tok);
	return good;
}

static void test_client_bodies_in_pieces(void **state)
{
	static const struct {
		const char *body;
		bool good;
	} rows[] = {
		{ "{\"n\":7}", true },
		{ "{\"Resources\":[{\"id\":\"\\u00e9\\\"\"},{}],\"n\":7} \n", true },
		{ "{\"n\":7]}", false },
		{ "{\"n\":{\"m\":[1,2]} ] }", false },
		{ "{\"Resources\":[{\"id\":1}}]}", false },
		{ "{\"n\":7}}", false },
		{ "{\"n\":7", false },
		{ "]{\"n\":7}", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (size_t cut = 0; cut <= strlen(rows[i].body); cut++)
			if (taken(rows[i].body, cut) != rows[i].good)
				fail_msg("%s, cut after %zu", rows[i].body, cut);
}

static void test_client_oauth_client_credentials(void **state)
{
	static const char *const answers[] = {
		OK("{\"access_token\":\"one\",\"token_type\":\"Bearer\",\"expires_in\":3600}"),
		OK("{\"n\":1}"),
		OK("{\"n\":2}"),                // the token is used again
		STATUS("401 Unauthorized", ""), // revoked: one new token, one more try
		OK("{\"access_token\":\"two\"}"),
		OK("{\"n\":3}"),
		STATUS("401 Unauthorized", ""),
		OK("{\"access_token\":\"three\"}"),
		STATUS("401 Unauthorized", ""), // and no more than one
		NULL,
	};
	char url[64], token_url[64];
	struct session_options o = {
		.url = url, .token_url = token_url, .client_id = "host:7", .scope = "scim read"
	};
	struct session *s;
	struct fail f = { "" };
	sd_event *event;

	(void)state;
	server_script(answers);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/v2", server.port);
	(void)snprintf(token_url, sizeof(token_url), "http://127.0.0.1:%u/token", server.port);
	o.client_secret_file = file("client", "s3cr/t\n", 0600);
	assert_int_equal(sd_event_new(&event), 0);
	assert_int_equal(session_new(event, &o, &s, &f), 0);
	assert_int_equal(session_begin(s, &f), 0);
	assert_int_equal(ask(s, event, true).value, 1);
	assert_int_equal(ask(s, event, true).value, 2);
	assert_int_equal(ask(s, event, true).value, 3);
	assert_int_equal(ask(s, event, true).status, 401);
	session_free(s);
	sd_event_unref(event);
	assert_int_equal(server.count, 9);
	assert_non_null(strstr(server.asked[0], "POST /token HTTP/1.1\r\n"));
	// RFC 6749 §2.3.1: base64 of "host%3A7:s3cr%2Ft"
	assert_non_null(
		strstr(server.asked[0], "\r\nAuthorization: Basic aG9zdCUzQTc6czNjciUyRnQ=\r\n"));
	assert_non_null(
		strstr(server.asked[0], "\r\n\r\ngrant_type=client_credentials&scope=scim%20read"));
	assert_non_null(strstr(server.asked[1], "\r\nAuthorization: Bearer one\r\n"));
	assert_non_null(strstr(server.asked[2], "\r\nAuthorization: Bearer one\r\n"));
	assert_non_null(strstr(server.asked[5], "\r\nAuthorization: Bearer two\r\n"));
}

static void test_client_oauth_says_why_there_is_no_token(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 400 Bad\r\n\r\n{\"error\":\"invalid_client\"}", NULL
	};
	char url[64];
	struct session_options o = { .url = "http://127.0.0.1:9/",
				     .token_url = url,
				     .client_id = "host" };
	struct session *s;
	struct fail f = { "" };
	struct asked k;
	sd_event *event;

	(void)state;
	server_script(answers);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/token", server.port);
	o.client_secret_file = file("client", "s3cret", 0600);
	assert_int_equal(sd_event_new(&event), 0);
	assert_int_equal(session_new(event, &o, &s, &f), 0);
	k = ask(s, event, true);
	assert_int_equal(k.r, -EACCES);
	assert_non_null(strstr(k.text, "HTTP 400"));
	assert_non_null(strstr(k.text, "invalid_client"));
	session_free(s);
	sd_event_unref(event);
}

// As systemd hands it over to a daemon that could not read the file itself.
static void test_client_oauth_secret_by_credential(void **state)
{
	static const char *const answers[] = { OK("{\"access_token\":\"one\"}"), OK("{\"n\":1}"),
					       NULL };
	char url[64], token_url[64];
	struct session_options o = {
		.url = url, .token_url = token_url, .client_id = "host", .client_secret = "sso"
	};
	struct session *s;
	struct fail f = { "" };
	sd_event *event;

	(void)state;
	server_script(answers);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/v2", server.port);
	(void)snprintf(token_url, sizeof(token_url), "http://127.0.0.1:%u/token", server.port);
	(void)file("cred_sso", "s3cret\n", 0440);
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", folder, 1), 0);
	assert_int_equal(sd_event_new(&event), 0);
	assert_int_equal(session_new(event, &o, &s, &f), 0);
	assert_int_equal(session_begin(s, &f), 0);
	assert_int_equal(ask(s, event, true).value, 1);
	session_free(s);
	sd_event_unref(event);
	assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
	// base64 of "host:s3cret"
	assert_non_null(strstr(server.asked[0], "\r\nAuthorization: Basic aG9zdDpzM2NyZXQ=\r\n"));
}

static void test_client_token_files(void **state)
{
	static const struct {
		const char *text;
		mode_t mode;
		int r;
		const char *why;
	} rows[] = {
		{ "secret", 0600, 0, "" },
		{ "secret\n", 0400, 0, "" },
		{ "secret\r\n", 0600, 0, "" },
		{ "secret\n", 0640, -EPERM, "others can read it" },
		{ "secret\n", 0604, -EPERM, "others can read it" },
		{ "secret\n", 0620, -EPERM, "others can read it" },
		{ "", 0600, -EINVAL, "empty" },
		{ "\n", 0600, -EINVAL, "empty" },
		{ "sec ret", 0600, -EINVAL, "no token has" },
		{ "secret\nX-Admin: yes", 0600, -EINVAL, "no token has" },
		{ "secr\303\251t", 0600, -EINVAL, "no token has" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf b = BUF_INIT;
		struct fail f = { "" };
		int r = token_read(NULL, file("t", rows[i].text, rows[i].mode), &b, &f);

		if (r != rows[i].r || !strstr(f.text, rows[i].why) ||
		    (r == 0 && strcmp(b.data, "secret") != 0))
			fail_msg("row %zu: %d, %s", i, r, f.text);
		buf_free(&b);
	}
}

static void test_client_token_files_that_are_none(void **state)
{
	struct buf b = BUF_INIT;
	struct fail f = { "" };
	char big[20000];
	const char *path;

	(void)state;
	assert_int_equal(token_read(NULL, folder, &b, &f), -EPERM);
	assert_int_equal(token_read(NULL, "/nonexistent/token", &b, &f), -ENOENT);
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	assert_int_equal(token_read(NULL, file("big", big, 0600), &b, &f), -EFBIG);
	path = file("other", "secret", 0600);
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 65534, 65534), 0);
		assert_int_equal(token_read(NULL, path, &b, &f), -EPERM);
	}
	buf_free(&b);
	// systemd's folder: its own name for the file, its own access rules
	(void)file("cred_corp", "secret", 0644);
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", folder, 1), 0);
	assert_int_equal(token_read("corp", NULL, &b, &f), 0);
	assert_string_equal(b.data, "secret");
	assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
	buf_free(&b);
}

static void test_client_urls(void **state)
{
	static const struct {
		const char *url;
		bool good;
	} rows[] = {
		{ "https://id.example.com/scim/v2", true },
		{ "https://id.example.com:8443/", true },
		{ "http://127.0.0.1:8880/scim/v2", true },
		{ "http://127.9.9.9/", true },
		{ "http://localhost/", true },
		{ "http://[::1]:8080/", true },
		{ "http://id.example.com/", false },
		{ "http://127.0.0.1.example.com/", false },
		{ "http://localhost.example.com/", false },
		{ "http://128.0.0.1/", false },
		{ "http://[::2]/", false },
		{ "http://0.0.0.0/", false },
		{ "https://user@id.example.com/", false },
		{ "https://user:pw@id.example.com/", false },
		{ "https://id.example.com/?tenant=1", false },
		{ "https://id.example.com/#x", false },
		{ "ftp://id.example.com/", false },
		{ "file:///etc/passwd", false },
		{ "id.example.com", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct fail f = { "" };

		if ((transfer_url_check(rows[i].url, &f) == 0) != rows[i].good)
			fail_msg("%s: %s", rows[i].url, f.text);
	}
}

static void test_client_quirks(void **state)
{
	static const struct {
		const char *url, *names;
		uint32_t has, has_not, page;
	} rows[] = {
		{ "https://scim.eu-central-1.amazonaws.com/x/scim/v2", NULL,
		  QUIRK_CURSOR | QUIRK_NO_ATTRIBUTES, QUIRK_NEXT_ID, 100 },
		{ "https://SCIM.EU-CENTRAL-1.AMAZONAWS.COM:443/x", NULL, QUIRK_CURSOR, 0, 100 },
		{ "https://scim.amazonaws.com.example.com/", NULL, 0, QUIRK_CURSOR, 0 },
		{ "https://evil-amazonaws.com/", NULL, 0, QUIRK_CURSOR, 0 },
		{ "https://example.com/amazonaws.com", NULL, 0, QUIRK_CURSOR, 0 },
		{ "https://api.slack.com/scim/v2", NULL, 0, QUIRK_CURSOR, 1000 },
		{ "https://notapi.slack.com/", NULL, 0, QUIRK_CURSOR, 0 },
		{ "https://id.example.com/", "sap", QUIRK_NEXT_ID, QUIRK_CURSOR, 100 },
		{ "https://id.example.com/", "SAP, gitlab", QUIRK_NEXT_ID | QUIRK_NO_GROUPS, 0,
		  20 },
		{ "https://id.example.com/", "", 0, ~0u, 0 },
	};
	uint32_t flags, page;
	const char *unknown;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		quirk_find(rows[i].url, rows[i].names, &flags, &page, &unknown);
		if (unknown || (flags & rows[i].has) != rows[i].has || (flags & rows[i].has_not) ||
		    page != rows[i].page)
			fail_msg("%s %s: flags %x, page %u", rows[i].url, rows[i].names, flags,
				 page);
	}
	quirk_find("https://id.example.com/", "sap,nobody", &flags, &page, &unknown);
	assert_string_equal(unknown, "nobody");
	for (size_t i = 0; i < quirk_count; i++)
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(quirk_table[i].name, quirk_table[k].name);
}

static int walk_resource(void *arg, uint8_t kind, struct json_object *res)
{
	(void)arg;
	(void)kind;
	(void)res;
	return WALK_NEW;
}

static void walk_end(void *arg, const struct pull_result *r)
{
	struct asked *k = arg;

	k->r = r->r;
	(void)snprintf(k->text, sizeof(k->text), "%s", r->text);
	k->ended = true;
}

// What a directory says of itself moves its lists; nonsense and silence do not.
static void test_client_discovery(void **state)
{
#define LIST(resources) OK("{\"totalResults\":0,\"Resources\":[" resources "]}")
#define TYPE(schema, endpoint)                                                                     \
	"{\"schema\":\"urn:ietf:params:scim:schemas:core:2.0:" schema "\",\"endpoint\":" endpoint  \
	"}"
	static const struct {
		const char *types, *schemas, *users, *groups;
	} rows[] = {
		{ LIST(TYPE("User", "\"/People\"") "," TYPE("Group", "\"/org/Teams\"")), LIST(""),
		  "GET /v2/People?", "GET /v2/org/Teams?" },
		{ LIST(TYPE("User", "\"/People\"")), STATUS("404 Not Found", ""), "GET /v2/People?",
		  "GET /v2/Groups?" },
		{ STATUS("404 Not Found", ""), LIST("7,[],{\"id\":7,\"attributes\":{}}"),
		  "GET /v2/Users?", "GET /v2/Groups?" },
		{ STATUS("500 Oops", ""), "HTTP/1.1 200 OK\r\n\r\n<html>", "GET /v2/Users?",
		  "GET /v2/Groups?" },
		{ OK("[[[1]]]"), OK("null"), "GET /v2/Users?", "GET /v2/Groups?" },
		{ LIST(TYPE("User", "\"//evil.example/Users\"") "," TYPE("Group", "\"/../x\"")),
		  LIST(""), "GET /v2/Users?", "GET /v2/Groups?" },
		{ LIST(TYPE("User", "\"https://evil.example/Users\"") "," TYPE("Group", "{}")),
		  LIST("{\"id\":\"urn:x\",\"attributes\":[{\"name\":\"uidNumber\"},8]}"),
		  "GET /v2/Users?", "GET /v2/Groups?" },
		{ LIST(TYPE("User", "\"/All\"") "," TYPE("Group", "\"/All\"")), LIST(""),
		  "GET /v2/Users?", "GET /v2/Groups?" },
	};
	char url[64];

	(void)state;
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/v2", server.port);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *answers[] = { STATUS("404 Not Found", ""),
					  rows[i].types,
					  rows[i].schemas,
					  LIST(""),
					  LIST(""),
					  STATUS("404 Not Found", ""),
					  LIST(""),
					  LIST(""),
					  NULL };
		struct session_options o = { .url = url };
		struct asked k = { 0 };
		struct pull_calls calls = { .arg = &k, .resource = walk_resource, .end = walk_end };
		struct session *s;
		struct fail f = { "" };
		struct pull *p;
		sd_event *event;

		server_script(answers);
		o.token_file = file("token", "secret\n", 0600);
		assert_int_equal(sd_event_new(&event), 0);
		assert_int_equal(session_new(event, &o, &s, &f), 0);
		for (int walk = 0; walk < 2; walk++) { // the second does not ask again
			k.ended = false;
			assert_int_equal(pull_start(event, s, &calls, &p, &f), 0);
			while (!k.ended)
				assert_true(sd_event_run(event, UINT64_MAX) >= 0);
			pull_free(p);
			if (k.r)
				fail_msg("row %zu: %s", i, k.text);
		}
		assert_int_equal(server.count, 8);
		assert_non_null(strstr(server.asked[1], "GET /v2/ResourceTypes "));
		assert_non_null(strstr(server.asked[2], "GET /v2/Schemas "));
		for (size_t at = 3; at < 8; at += 3) {
			if (!strstr(server.asked[at], rows[i].users) ||
			    !strstr(server.asked[at + 1], rows[i].groups))
				fail_msg("row %zu: %.60s, %.60s", i, server.asked[at],
					 server.asked[at + 1]);
		}
		session_free(s);
		sd_event_unref(event);
	}
}

// Whatever an id has in it, it is one segment of a path.
static void test_client_ids_are_encoded_in_paths(void **state)
{
	static const struct {
		const char *id, *wanted;
	} rows[] = {
		{ "2819c223-7f76_~.A", "2819c223-7f76_~.A" },
		{ "a/b?c#d%2F e", "a%2Fb%3Fc%23d%252F%20e" },
		{ "uid=ada,dc=x", "uid%3Dada%2Cdc%3Dx" },
		{ "\xc3\xa4&+;\"", "%C3%A4%26%2B%3B%22" },
		{ "\r\nHost: x", "%0D%0AHost%3A%20x" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf b = BUF_INIT;

		assert_int_equal(transfer_encode(&b, rows[i].id), 0);
		assert_string_equal(buf_text(&b), rows[i].wanted);
		buf_free(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_client_ids_are_encoded_in_paths),
		cmocka_unit_test(test_client_token_goes_to_its_origin_only),
		cmocka_unit_test(test_client_proxy_is_the_configured_one),
		cmocka_unit_test(test_client_patience),
		cmocka_unit_test(test_client_caps_the_inflated_body),
		cmocka_unit_test(test_client_bodies_in_pieces),
		cmocka_unit_test(test_client_oauth_client_credentials),
		cmocka_unit_test(test_client_oauth_says_why_there_is_no_token),
		cmocka_unit_test(test_client_oauth_secret_by_credential),
		cmocka_unit_test(test_client_token_files),
		cmocka_unit_test(test_client_token_files_that_are_none),
		cmocka_unit_test(test_client_urls),
		cmocka_unit_test(test_client_quirks),
		cmocka_unit_test(test_client_discovery),
		cmocka_unit_test(test_client_tags_are_entity_tags),
		cmocka_unit_test(test_client_tags_cover_whole_lists_or_nothing),
		cmocka_unit_test(test_client_tags_are_asked_with),
	};
	int r;

	if (!mkdtemp(folder))
		return 1;
	r = cmocka_run_group_tests(tests, server_start, server_stop);
	for (const char *const *n = (const char *const[]){ "token", "client", "t", "big", "other",
							   "cred_corp", NULL };
	     *n; n++) {
		char path[256];

		(void)snprintf(path, sizeof(path), "%s/%s", folder, *n);
		(void)unlink(path);
	}
	(void)rmdir(folder);
	return r;
}
