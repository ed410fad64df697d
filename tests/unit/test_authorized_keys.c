// SPDX-License-Identifier: MIT
//
// scim-authorized-keys over images whose keys are not what the writer lets through:
// only bare keys come out, and only of who may log in.
int keys_main(int argc, char **argv);
#define main keys_main
#include "scimd/ctl/authorized_keys.c"
#undef main

#include "scimd/base/clock.h"
#include "scimd/base/fail.h"
#include "scimd/image/write.h"
#include "tests/unit/imagebox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define ED "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
#define GOOD "ssh-ed25519 " ED

static char out[8192], path[300], passwd[300], private[300];

static const char *run(const char *name, int wanted)
{
	char *argv[] = { "scim-authorized-keys", (char *)(uintptr_t)name, NULL };
	int keep = dup(1), fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t n;

	fflush(stdout);
	assert_true(keep >= 0 && fd >= 0 && dup2(fd, 1) == 1);
	assert_int_equal(keys_main(2, argv), wanted);
	fflush(stdout);
	assert_int_equal(dup2(keep, 1), 1);
	close(keep);
	n = pread(fd, out, sizeof(out) - 1, 0);
	close(fd);
	out[n > 0 ? n : 0] = '\0';
	return out;
}

static void publish(const char *const *keys, uint32_t count, uint8_t state, uint8_t verdict,
		    int days)
{
	struct image_user_source u = { .name = "ann",
				       .passwd = state == ACCOUNT_ACTIVE ? "*" : "!",
				       .gecos = "",
				       .home = "/home/ann",
				       .shell = "/bin/sh",
				       .uid = 1879048192u,
				       .gid = 1879048192u,
				       .state = state,
				       .verdict = verdict,
				       .keys = keys,
				       .key_count = count,
				       .flags = IMAGE_PRIVATE_GROUP };
	struct image_source src = { .users = &u,
				    .user_count = 1,
				    .policy_flags = IMAGE_POLICY_STATED,
				    .stale_deny = 7 * 86400 };
	struct image_published done;
	struct fail f = { "" };

	box_empty();
	if (image_publish(box_dir, &src, clock_wall() - (int64_t)days * 86400000, &done, &f) < 0)
		fail_msg("%s", f.text);
}

static const char *with_key(const char *key)
{
	publish(&key, 1, ACCOUNT_ACTIVE, VERDICT_ALLOW, 0);
	return run("ann", EXIT_GOOD);
}

static void test_good_keys_come_out_as_they_are(void **state)
{
	static const char *const keys[] = {
		GOOD,
		"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAAwECAw==",
		"ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYB",
		"ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQB",
		"ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEB",
		"sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAQI=",
		("sk-ecdsa-sha2-nistp256@openssh.com "
		 "AAAAInNrLWVjZHNhLXNoYTItbmlzdHAyNTZAb3BlbnNzaC5jb20BAg=="),
	};
	char all[2048] = "";

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		assert_true(strlen(with_key(keys[i])) == strlen(keys[i]) + 1);
		assert_memory_equal(out, keys[i], strlen(keys[i]));
		(void)snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s\n", keys[i]);
	}
	publish(keys, 7, ACCOUNT_ACTIVE, VERDICT_ALLOW, 0);
	assert_string_equal(run("ann", EXIT_GOOD), all);
	publish(NULL, 0, ACCOUNT_ACTIVE, VERDICT_ALLOW, 0);
	assert_string_equal(run("ann", EXIT_GOOD), "");
}

static void test_nothing_but_bare_keys_comes_out(void **state)
{
	static const char *const keys[] = {
		"cert-authority " GOOD,
		"command=\"id\" " GOOD,
		"no-pty,from=\"*\" " GOOD,
		" " GOOD,
		GOOD " comment",
		GOOD " ",
		GOOD "=",
		"ssh-ed25519  " ED,
		"ssh-ed25519",
		"ssh-ed25519 ",
		"ssh-ed25519 AAAA",
		"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5",
		"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAA",
		"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AR==", // bits left over
		"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5A-_=",
		"ssh-ed25519 A===",
		"ssh-ed25519 ====",
		"ssh-rsa " ED, // a key of another type
		"SSH-ED25519 " ED,
		"ssh-dss AAAAB3NzaC1kc3MAAAABAQ==",
		("ssh-ed25519-cert-v01@openssh.com "
		 "AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAQ=="),
		"x",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (*with_key(keys[i]))
			fail_msg("\"%s\" came out as \"%s\"", keys[i], out);
}

static void test_nothing_for_anybody_who_may_not_log_in(void **state)
{
	static const char *const key = GOOD;

	(void)state;
	for (uint8_t s = ACCOUNT_ACTIVE; s <= ACCOUNT_REFUSED; s++)
		for (uint8_t v = VERDICT_DENY; v <= VERDICT_BREAK_GLASS; v++) {
			bool in = s == ACCOUNT_ACTIVE && v != VERDICT_DENY;

			publish(&key, 1, s, v, 0);
			assert_string_equal(run("ann", EXIT_GOOD), in ? GOOD "\n" : "");
		}
	publish(&key, 1, ACCOUNT_ACTIVE, VERDICT_ALLOW, 8); // stale
	assert_string_equal(run("ann", EXIT_GOOD), "");
	publish(&key, 1, ACCOUNT_ACTIVE, VERDICT_BREAK_GLASS, 8);
	assert_string_equal(run("ann", EXIT_GOOD), GOOD "\n");
	publish(&key, 1, ACCOUNT_ACTIVE, VERDICT_ALLOW, 0);
	assert_string_equal(run("root", EXIT_GOOD), "");
	assert_string_equal(run("nobody-here", EXIT_GOOD), "");
	assert_string_equal(run("Ann", EXIT_USAGE), "");
	assert_int_equal(truncate(box_image, 4200), 0);
	assert_int_equal(mkdir(private, 0700), 0);
	assert_string_equal(run("ann", EXIT_BAD), "");
	unlink(box_image);
	assert_string_equal(run("ann", EXIT_BAD), "");
	rmdir(private);
	assert_string_equal(run("ann", EXIT_GOOD), ""); // never configured
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_keys_come_out_as_they_are),
		cmocka_unit_test(test_nothing_but_bare_keys_comes_out),
		cmocka_unit_test(test_nothing_for_anybody_who_may_not_log_in),
	};
	int r;

	box_make();
	look_image_path = box_image;
	look_passwd_path = box_path(passwd, "none");
	look_store_path = box_path(private, "private");
	(void)snprintf(path, sizeof(path), "%s/.out", box_dir);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	box_remove();
	return r;
}
