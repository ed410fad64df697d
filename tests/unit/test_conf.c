// SPDX-License-Identifier: MIT
//
// scim-directory's settings: defaults, every type at its edges, and complaints that
// name file, line and what was probably meant, all of them at once.
#include "scimd/base/fail.h"
#include "scimd/directory/conf.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char path[64];
static struct fail why;

static int load(const char *text, struct directory_conf **c)
{
	int fd, r;

	(void)snprintf(path, sizeof(path), "/tmp/scimd-conf.XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)close(fd);
	why.text[0] = '\0';
	r = directory_conf_load(path, c, &why);
	(void)unlink(path);
	return r;
}

static void test_conf_has_defaults(void **state)
{
	struct directory_conf *c = NULL;

	(void)state;
	assert_int_equal(load("[server]\n", &c), 0);
	assert_string_equal(c->listen, "127.0.0.1:8643");
	assert_string_equal(c->state_dir, "/var/lib/scim-directory");
	assert_string_equal(c->base_path, "/scim/v2");
	assert_null(c->tls_cert);
	assert_null(c->url);
	assert_int_equal(c->body_max, 4 << 20);
	assert_int_equal(c->connections, 12000);
	assert_int_equal(c->request_timeout, 30);
	assert_int_equal(c->event_retention, 7 * 86400);
	assert_int_equal(c->page_size, 100);
	assert_int_equal(c->page_max, 1000);
	directory_conf_free(c);
}

static void test_conf_takes_every_setting(void **state)
{
	struct directory_conf *c = NULL;

	(void)state;
	assert_int_equal(
		load("[server]\nlisten = [::]:1\ntls_cert = /c\ntls_key = /k\n"
		     "state_dir = /s\nbase_path = /b\nurl = https://x/b\nbody_max = 65536\n"
		     "connections = 16\nrequest_timeout = 2min\nevent_retention = 365d\n"
		     "page_size = 2000\npage_max = 500\n",
		     &c),
		0);
	assert_string_equal(c->listen, "[::]:1");
	assert_string_equal(c->tls_cert, "/c");
	assert_string_equal(c->tls_key, "/k");
	assert_string_equal(c->url, "https://x/b");
	assert_int_equal(c->body_max, 65536);
	assert_int_equal(c->connections, 16);
	assert_int_equal(c->request_timeout, 120);
	assert_int_equal(c->event_retention, 365 * 86400);
	assert_int_equal(c->page_max, 500);
	assert_int_equal(c->page_size, 500); // never more than the greatest page
	directory_conf_free(c);
}

static void test_conf_complains_with_the_line(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "[server]\nbody_max = 65535\n",
		  ":2: [server] body_max: \"65535\" is out of range" },
		{ "[server]\nbody_max = 1073741825\n", "is out of range" },
		{ "[server]\nconnections = 99999999999999999999999\n", "is no number" },
		{ "[server]\nconnections = -16\n", "is no number" },
		{ "[server]\nconnections = 16x\n", "is no number" },
		{ "[server]\n\nrequest_timeout = soon\n", ":3: [server] request_timeout" },
		{ "[server]\nrequest_timeout = 0s\n", "is out of range" },
		{ "[server]\nevent_retention = 366d\n", "is out of range" },
		{ "[server]\nstate_dir = here\n", "must begin with /" },
		{ "[server]\nlisen = 127.0.0.1:1\n", "did you mean \"listen\"?" },
		{ "[server]\nnothing_like_it = 1\n", "all are in [server]" },
		{ "[other]\nlisten = 127.0.0.1:1\n", "all are in [server]" },
		{ "[server]\nlisten = 127.0.0.1:1 # ours\n", "a comment after a value" },
		{ "[server]\ntls_cert = /c\n", "tls_cert and tls_key belong together" },
		{ "[server]\ntls_key = /k\n", "tls_cert and tls_key belong together" },
	};
	struct directory_conf *c = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(load(cases[i].text, &c), -EINVAL);
		if (!strstr(why.text, cases[i].says))
			fail_msg("%s: %s", cases[i].text, why.text);
	}
}

static void test_conf_says_all_that_is_wrong(void **state)
{
	struct directory_conf *c = NULL;

	(void)state;
	assert_int_equal(load("[server]\npage_max = 0\nurll = x\ntls_key = k\n", &c), -EINVAL);
	assert_non_null(strstr(why.text, ":2:"));
	assert_non_null(strstr(why.text, ":3:"));
	assert_non_null(strstr(why.text, ":4:"));
}

static void test_conf_that_was_named_must_be_there(void **state)
{
	struct directory_conf *c = NULL;

	(void)state;
	why.text[0] = '\0';
	assert_int_equal(directory_conf_load("/tmp/scimd-conf-none", &c, &why), -ENOENT);
	assert_non_null(strstr(why.text, "/tmp/scimd-conf-none"));
}

static void test_conf_options_are_its_rows(void **state)
{
	const char *otherwise, *help;
	size_t n = 0;

	(void)state;
	for (; directory_conf_option(n, &otherwise, &help); n++)
		assert_true(help && *help);
	assert_int_equal(n, 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conf_has_defaults),
		cmocka_unit_test(test_conf_takes_every_setting),
		cmocka_unit_test(test_conf_complains_with_the_line),
		cmocka_unit_test(test_conf_says_all_that_is_wrong),
		cmocka_unit_test(test_conf_that_was_named_must_be_there),
		cmocka_unit_test(test_conf_options_are_its_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
