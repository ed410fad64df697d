// SPDX-License-Identifier: MIT
//
// The entry points of pam_scim with a real PAM handle: return codes and messages of
// every state a person can be in, in every state the host can be in.
#include "pam/ask.h"
#include "pam/home.h"
#include "pam/look.h"
#include "scimd/base/clock.h"
#include "scimd/base/fail.h"
#include "scimd/image/write.h"
#include "tests/unit/imagebox.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <scimd/account.h>
#include <security/pam_appl.h>
#include <security/pam_modules.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cmocka.h>

#define DAY 86400
#define UID 1879048192u

static char said[512]; // to the person, in one visit
static char pam_dir[] = "/tmp/scimd-pam-XXXXXX", pam_other[64];
static char store_path[300], passwd_path[300], socket_path[300];

static int conversation(int n, const struct pam_message **m, struct pam_response **r, void *arg)
{
	(void)arg;
	*r = calloc((size_t)n, sizeof(**r));
	for (int i = 0; i < n; i++)
		(void)snprintf(said, sizeof(said), "%s", m[i]->msg);
	return *r ? PAM_SUCCESS : PAM_BUF_ERR;
}

typedef int phase(pam_handle_t *, int, int, const char **);

static int visit_flags(phase *p, const char *service, const char *name, const char *option,
		       int flags)
{
	const struct pam_conv conv = { conversation, NULL };
	const char *argv[] = { option };
	pam_handle_t *pamh = NULL;
	int code;

	said[0] = '\0';
	if (pam_start_confdir(service, name, &conv, pam_dir, &pamh) != PAM_SUCCESS)
		fail_msg("pam_start");
	code = p(pamh, flags, option ? 1 : 0, argv);
	pam_end(pamh, code);
	return code;
}

static int visit(phase *p, const char *service, const char *name, const char *option)
{
	return visit_flags(p, service, name, option, 0);
}

static int account(const char *name)
{
	return visit(pam_sm_acct_mgmt, "cron", name, NULL);
}

static struct image_user_source person(unsigned i, const char *name, uint8_t state, uint8_t verdict,
				       uint8_t rule)
{
	return (struct image_user_source){ .name = name,
					   .passwd = state == ACCOUNT_ACTIVE ? "*" : "!",
					   .gecos = "",
					   .home = "/nonexistent/home",
					   .shell = "/bin/sh",
					   .uid = UID + i,
					   .gid = UID + i,
					   .state = state,
					   .verdict = verdict,
					   .rule = rule,
					   .flags = IMAGE_PRIVATE_GROUP };
}

static struct image_user_source people[8];

static void put_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	fclose(file);
}

static void host_files(void)
{
	put_file(store_path, "");
	put_file(passwd_path, "root:x:0:0:root:/root:/bin/sh\nlocals:x:3:3::/:/bin/sh\nloca\n"
			      "local:x:1000:1000::/:/bin/sh\nann2:x:4:4::/:/bin/sh");
}

// days: since the last complete sync. stated: [access] allow is set.
static void publish_days(int days, bool stated)
{
	struct image_source src = { .users = people,
				    .user_count = 8,
				    .policy_flags = stated ? IMAGE_POLICY_STATED : 0,
				    .stale_warn = DAY,
				    .stale_deny = 7 * DAY };
	struct image_published out;
	struct fail f = { "" };

	box_empty();
	people[0] = person(0, "ann", ACCOUNT_ACTIVE, VERDICT_ALLOW, RULE_ALLOW);
	people[1] = person(1, "ben", ACCOUNT_DISABLED, VERDICT_DENY, RULE_STATE);
	people[2] = person(2, "cem", ACCOUNT_DELETED, VERDICT_DENY, RULE_STATE);
	people[3] = person(3, "dan", ACCOUNT_ACTIVE, VERDICT_DENY, RULE_NO_MATCH);
	people[4] = person(4, "eva", ACCOUNT_ACTIVE, VERDICT_BREAK_GLASS, RULE_BREAK_GLASS);
	people[5] = person(5, "fay", ACCOUNT_REFUSED, VERDICT_DENY, RULE_STATE);
	people[6] = person(6, "local", ACCOUNT_DISABLED, VERDICT_DENY, RULE_STATE);
	people[7] = person(0, ACCOUNT_PROBE_NAME, ACCOUNT_PROBE, VERDICT_DENY, RULE_STATE);
	people[7].uid = people[7].gid = ACCOUNT_PROBE_ID;
	if (image_publish(box_dir, &src, clock_wall() - (int64_t)days * DAY * 1000, &out, &f) < 0)
		fail_msg("%s", f.text);
	host_files();
}

static void test_account_answers_for_every_state(void **state)
{
	static const struct {
		const char *name;
		int code;
		const char *said;
	} cases[] = {
		{ "ann", PAM_SUCCESS, "" },
		{ "ben", PAM_ACCT_EXPIRED,
		  "Your account is disabled. Ask your administrator. (scimd: rule 4)" },
		{ "cem", PAM_ACCT_EXPIRED,
		  "Your account is disabled. Ask your administrator. (scimd: rule 4)" },
		{ "dan", PAM_PERM_DENIED,
		  "You may not log in on this host. Ask your administrator. (scimd: rule 3)" },
		{ "eva", PAM_SUCCESS, "" },
		{ "fay", PAM_PERM_DENIED,
		  "Your account's record cannot be used. Ask your administrator. "
		  "(scimd: rule 4)" },
		{ ACCOUNT_PROBE_NAME, PAM_ACCT_EXPIRED,
		  "This account exists to be refused. (scimd: rule 4)" },
		{ "local", PAM_IGNORE, "" }, // also where the image has the name
		{ "root", PAM_IGNORE, "" },
		{ "nobody-here", PAM_IGNORE, "" },
		{ "Ann", PAM_IGNORE, "" },
		{ "", PAM_IGNORE, "" },
		{ "ann\nroot:x:0", PAM_IGNORE, "" },
	};

	(void)state;
	publish_days(0, true);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int code = account(cases[i].name);

		if (code != cases[i].code || strcmp(said, cases[i].said) != 0)
			fail_msg("%s: %s, \"%s\"", cases[i].name, pam_strerror(NULL, code), said);
	}
	assert_int_equal(visit_flags(pam_sm_acct_mgmt, "cron", "ben", NULL, (int)PAM_SILENT),
			 PAM_ACCT_EXPIRED);
	assert_string_equal(said, "");
	publish_days(0, false);
	assert_int_equal(account("dan"), PAM_PERM_DENIED);
	assert_non_null(strstr(said, "(scimd: no policy)"));
}

static void test_account_knows_local_names_by_the_whole_field(void **state)
{
	(void)state;
	publish_days(0, true);
	put_file(passwd_path, "annx:x:1:1::/:\nan:x:1:1::/:\nxann:x:1:1::/:\nb:ann:1:1::/:\nann\n");
	assert_int_equal(account("ann"), PAM_SUCCESS);
	assert_int_equal(account("an"), PAM_IGNORE);
	put_file(passwd_path, "ann:x:1:1::/:");
	assert_int_equal(account("ann"), PAM_IGNORE);
	// A line that goes on over blocks, and the name across their border.
	for (int before = 4080; before < 4100; before++) {
		FILE *file = fopen(passwd_path, "we");

		assert_non_null(file);
		fprintf(file, "%0*d:x\nben:x:1:1::/:\n", before, 0);
		fclose(file);
		assert_int_equal(account("ben"), PAM_IGNORE);
		assert_int_equal(account("ann"), PAM_SUCCESS);
	}
	unlink(passwd_path); // not proven local, so the image counts; root is root
	assert_int_equal(account("ben"), PAM_ACCT_EXPIRED);
	assert_int_equal(account("root"), PAM_IGNORE);
}

static void test_account_counts_the_age_of_the_image(void **state)
{
	(void)state;
	publish_days(2, true); // warns
	assert_int_equal(account("ann"), PAM_SUCCESS);
	assert_string_equal(said,
			    "This host has not heard from the directory for a while, and may "
			    "soon let nobody in. Ask your administrator. (scimd: stale-warn)");
	assert_int_equal(visit_flags(pam_sm_acct_mgmt, "cron", "ann", NULL, (int)PAM_SILENT),
			 PAM_SUCCESS);
	assert_string_equal(said, "");
	assert_int_equal(visit(pam_sm_open_session, "cron", "ann", NULL), PAM_SUCCESS);
	assert_string_equal(said, ""); // once is enough
	publish_days(8, true);
	assert_int_equal(account("ann"), PAM_AUTHINFO_UNAVAIL);
	assert_non_null(strstr(said, "(scimd: stale-deny)"));
	assert_int_equal(account("eva"), PAM_SUCCESS);      // break-glass
	assert_int_equal(account("ben"), PAM_ACCT_EXPIRED); // whatever its age
	assert_int_equal(account("root"), PAM_IGNORE);
	assert_int_equal(visit(pam_sm_acct_mgmt, "cron", "ann", "on_unavailable=allow"),
			 PAM_AUTHINFO_UNAVAIL);
	publish_days(-3, true); // the clock was set back since
	assert_int_equal(account("ann"), PAM_SUCCESS);
}

// ----------------------------------------------------------------- broken states

static void break_missing(void)
{
	unlink(box_image);
}

static void break_empty(void)
{
	put_file(box_image, "");
}

static void break_garbage(void)
{
	char text[8192];

	memset(text, 'g', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	put_file(box_image, text);
}

static void break_zeros(void)
{
	assert_int_equal(truncate(box_image, 0), 0);
	assert_int_equal(truncate(box_image, 65536), 0);
}

static void break_cut(void)
{
	assert_int_equal(truncate(box_image, 5000), 0);
}

static void break_mode(void)
{
	assert_int_equal(chmod(box_image, 0666), 0);
}

static void break_owner(void)
{
	if (box_real_root)
		assert_int_equal(chown(box_image, 1234, 1234), 0);
	else
		break_mode();
}

static void break_link(void)
{
	unlink(box_image);
	assert_int_equal(symlink("/dev/zero", box_image), 0);
}

static void break_folder(void)
{
	unlink(box_image);
	assert_int_equal(mkdir(box_image, 0755), 0);
}

static void break_fifo(void)
{
	unlink(box_image);
	assert_int_equal(mkfifo(box_image, 0644), 0);
}

static void poke(off_t at, size_t n)
{
	int fd = open(box_image, O_WRONLY | O_CLOEXEC);
	char bad[4096];

	memset(bad, 0x5a, sizeof(bad));
	assert_int_equal(pwrite(fd, bad, n, at), (ssize_t)n);
	close(fd);
}

static void break_version(void)
{
	poke(8, 4);
}

static void break_header(void)
{
	poke(64, 8);
}

static void break_index(void)
{
	poke(4096, 4096);
}

static void break_retired(void)
{
	poke((off_t)offsetof(struct image_header, retired), 4);
}

static const struct broken {
	const char *what;
	void (*how)(void);
} broken[] = {
	{ "file missing", break_missing },    { "empty", break_empty },
	{ "garbage", break_garbage },         { "zeros", break_zeros },
	{ "cut short", break_cut },           { "writable by all", break_mode },
	{ "another's", break_owner },         { "a link", break_link },
	{ "a folder", break_folder },         { "a pipe", break_fifo },
	{ "another version", break_version }, { "damaged header", break_header },
	{ "damaged indexes", break_index },   { "retired, nothing newer", break_retired },
};

static void clear_image(void)
{
	rmdir(box_image);
	unlink(box_image);
}

// No broken image lets a leaver in or keeps root out, on the account and the session side.
static void test_broken_images_deny_people_and_leave_local_accounts_alone(void **state)
{
	static const char *const names[] = { "ann", "ben", "cem", "dan", "fay" };

	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
		clear_image();
		publish_days(0, true);
		broken[i].how();
		for (size_t n = 0; n < 5; n++) {
			int code = account(names[n]);

			if (code != PAM_AUTHINFO_UNAVAIL)
				fail_msg("%s, %s: %s", broken[i].what, names[n],
					 pam_strerror(NULL, code));
			assert_non_null(strstr(said, "(scimd: no account data)"));
			assert_int_equal(visit(pam_sm_open_session, "cron", names[n], NULL),
					 PAM_AUTHINFO_UNAVAIL);
			assert_int_equal(visit(pam_sm_acct_mgmt, "cron", names[n],
					       "on_unavailable=allow"),
					 PAM_IGNORE);
		}
		// Who does not exist is told the same as who does.
		assert_int_equal(account("nobody-here"), PAM_AUTHINFO_UNAVAIL);
		assert_non_null(strstr(said, "(scimd: no account data)"));
		assert_int_equal(account("root"), PAM_IGNORE);
		assert_int_equal(account("local"), PAM_IGNORE);
	}
	clear_image();
}

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

// The shortest of some visits: what a busy machine adds is left out.
static int64_t shortest_us(const char *name)
{
	int64_t best = INT64_MAX;

	for (int i = 0; i < 9; i++) {
		int64_t began = now_us(), took;

		assert_int_equal(visit(pam_sm_acct_mgmt, "sshd", name, NULL), PAM_IGNORE);
		took = now_us() - began;
		if (took < best)
			best = took;
	}
	return best;
}

// In every broken state, and while scimd hangs with its queue full.
static void test_root_and_local_accounts_wait_for_nothing(void **state)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int64_t longest = 0;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int other = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
		clear_image();
		publish_days(0, true);
		broken[i].how();
		for (int local = 0; local < 2; local++) {
			int64_t us = shortest_us(local ? "local" : "root");

			if (us > 50000)
				fail_msg("%s: %lld us", broken[i].what, (long long)us);
			longest = us > longest ? us : longest;
		}
	}
	clear_image();
	publish_days(0, true);
	memcpy(un.sun_path, socket_path, strlen(socket_path) + 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(listen(fd, 0), 0);
	(void)connect(other, (struct sockaddr *)&un, sizeof(un));
	assert_int_equal(visit(pam_sm_acct_mgmt, "sshd", "ann", "live=100ms"), PAM_SUCCESS);
	assert_int_equal(visit(pam_sm_acct_mgmt, "sshd", "ben", "live=100ms"), PAM_ACCT_EXPIRED);
	assert_true(shortest_us("root") <= 50000 && shortest_us("local") <= 50000);
	close(fd);
	close(other);
	unlink(socket_path);
	printf("root and local accounts: at most %lld us\n", (long long)longest);
}

static void test_a_host_without_scimd_is_left_alone(void **state)
{
	(void)state;
	publish_days(0, true);
	unlink(box_image);
	unlink(store_path);
	assert_int_equal(account("ann"), PAM_IGNORE);
	assert_int_equal(visit(pam_sm_open_session, "cron", "ann", NULL), PAM_IGNORE);
	// An image that is there but bad says that it was configured.
	publish_days(0, true);
	unlink(store_path);
	break_garbage();
	assert_int_equal(account("ann"), PAM_AUTHINFO_UNAVAIL);
}

static void test_a_word_that_is_not_understood_denies_people_only(void **state)
{
	(void)state;
	publish_days(0, true);
	assert_int_equal(visit(pam_sm_acct_mgmt, "cron", "ann", "live=soon"), PAM_SYSTEM_ERR);
	assert_int_equal(visit(pam_sm_open_session, "cron", "ann", "live=soon"), PAM_SYSTEM_ERR);
	assert_int_equal(visit(pam_sm_acct_mgmt, "cron", "ben", "live=soon"), PAM_ACCT_EXPIRED);
	assert_int_equal(visit(pam_sm_acct_mgmt, "cron", "root", "live=soon"), PAM_IGNORE);
	assert_int_equal(visit(pam_sm_acct_mgmt, "cron", "nobody-here", "live=soon"), PAM_IGNORE);
}

static void test_other_phases_say_nothing(void **state)
{
	(void)state;
	publish_days(0, true);
	assert_int_equal(visit(pam_sm_authenticate, "sshd", "ann", NULL), PAM_IGNORE);
	assert_int_equal(visit(pam_sm_setcred, "sshd", "ann", NULL), PAM_IGNORE);
	assert_int_equal(visit(pam_sm_chauthtok, "sshd", "ann", NULL), PAM_IGNORE);
	assert_int_equal(visit(pam_sm_close_session, "sshd", "ann", NULL), PAM_IGNORE);
	assert_int_equal(visit(pam_sm_acct_mgmt, "sshd", NULL, NULL), PAM_SYSTEM_ERR);
}

// ------------------------------------------------------------------- live check

struct server {
	int fd;
	const char *answer;
	void (*before)(void); // what happens before it answers
	char heard[256];
};

static void *server_run(void *arg)
{
	struct server *s = arg;
	int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
	unsigned char head[4] = { 0, 0, 0, (unsigned char)strlen(s->answer) };
	ssize_t n = recv(fd, s->heard, sizeof(s->heard) - 1, 0);

	s->heard[n > 0 ? n : 0] = '\0';
	if (s->before)
		s->before();
	(void)send(fd, head, 4, MSG_NOSIGNAL);
	(void)send(fd, s->answer, strlen(s->answer), MSG_NOSIGNAL);
	close(fd);
	return NULL;
}

static int live(const char *name, const char *option, const char *answer, void (*before)(void))
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct server s = { .answer = answer, .before = before };
	pthread_t thread;
	int code;

	memcpy(un.sun_path, socket_path, strlen(socket_path) + 1);
	unlink(socket_path);
	s.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s.fd, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(listen(s.fd, 1), 0);
	assert_int_equal(pthread_create(&thread, NULL, server_run, &s), 0);
	code = visit(pam_sm_acct_mgmt, "sshd", name, option);
	shutdown(s.fd, SHUT_RDWR); // a server that was not asked ends too
	assert_int_equal(pthread_join(thread, NULL), 0);
	close(s.fd);
	unlink(socket_path);
	return code;
}

#define SAYS(word) "{\"ok\":true,\"result\":{\"schema\":1,\"answer\":\"" word "\"}}"

static void stale_image(void)
{
	publish_days(8, true);
}

static void disabled_by_now(void)
{
	struct image_user_source save = people[0];
	struct image_source src = { .users = people,
				    .user_count = 8,
				    .policy_flags = IMAGE_POLICY_STATED };
	struct image_published out;
	struct fail f;

	people[0].state = ACCOUNT_DISABLED;
	people[0].passwd = "!";
	people[0].verdict = VERDICT_DENY;
	if (image_publish(box_dir, &src, clock_wall(), &out, &f) < 0)
		fail_msg("%s", f.text);
	people[0] = save;
}

static void test_live_answers_count(void **state)
{
	(void)state;
	publish_days(0, true);
	assert_int_equal(live("ann", NULL, SAYS("active"), NULL), PAM_SUCCESS);
	assert_int_equal(live("ann", NULL, SAYS("disabled"), NULL), PAM_ACCT_EXPIRED);
	assert_string_equal(said, "Your account is disabled. Ask your administrator. "
				  "(scimd: the directory)");
	assert_int_equal(live("ann", NULL, SAYS("gone"), NULL), PAM_ACCT_EXPIRED);
	assert_int_equal(live("eva", NULL, SAYS("disabled"), NULL), PAM_ACCT_EXPIRED);
	assert_int_equal(live("ann", NULL, SAYS("unknown"), NULL), PAM_SUCCESS);
	assert_int_equal(live("ann", NULL, "garbage", NULL), PAM_SUCCESS);
	// It opens no door that the image keeps shut.
	assert_int_equal(live("ben", NULL, SAYS("active"), NULL), PAM_ACCT_EXPIRED);
	assert_int_equal(live("dan", NULL, SAYS("active"), NULL), PAM_PERM_DENIED);
	// Off, nobody is asked.
	assert_int_equal(live("ann", "live=off", SAYS("disabled"), NULL), PAM_SUCCESS);
	assert_int_equal(live("local", NULL, SAYS("disabled"), NULL), PAM_IGNORE);
	assert_int_equal(live("root", NULL, SAYS("disabled"), NULL), PAM_IGNORE);
	assert_int_equal(live("nobody-here", NULL, SAYS("disabled"), NULL), PAM_IGNORE);
	// What was published meanwhile counts.
	assert_int_equal(live("ann", NULL, SAYS("active"), disabled_by_now), PAM_ACCT_EXPIRED);
	// A directory that answers makes up for an old image.
	stale_image();
	assert_int_equal(live("ann", NULL, SAYS("active"), NULL), PAM_SUCCESS);
	assert_string_equal(said, ""); // it has just been heard from
	assert_int_equal(live("ann", NULL, SAYS("unknown"), NULL), PAM_AUTHINFO_UNAVAIL);
	// And even where a missing image would be ignored, a leaver stays out.
	unlink(box_image);
	assert_int_equal(live("ann", "on_unavailable=allow", SAYS("disabled"), NULL),
			 PAM_ACCT_EXPIRED);
	assert_int_equal(live("ann", "on_unavailable=allow", SAYS("active"), NULL), PAM_IGNORE);
	assert_int_equal(live("ann", NULL, SAYS("active"), NULL), PAM_AUTHINFO_UNAVAIL);
}

// ------------------------------------------------------------ the host program

static void test_visits_leave_no_files(void **state)
{
	unsigned before;

	(void)state;
	publish_days(0, true);
	before = open_files();
	for (int i = 0; i < 200; i++) {
		(void)account(i % 2 ? "ann" : "ben");
		(void)visit(pam_sm_open_session, "cron", "ann", NULL);
		(void)visit(pam_sm_acct_mgmt, "sshd", "ann", "live=10ms");
	}
	assert_int_equal(open_files(), before);
}

static void test_a_program_without_descriptors_denies(void **state)
{
	struct rlimit old, none;

	(void)state;
	publish_days(0, true);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	for (rlim_t room = 0; room < 3; room++) {
		pam_handle_t *pamh;
		const struct pam_conv conv = { conversation, NULL };
		const char *names[] = { "ann", "ben", "root" };

		for (int n = 0; n < 3; n++) {
			int code, probe = dup(0);

			close(probe);
			assert_int_equal(pam_start_confdir("cron", names[n], &conv, pam_dir, &pamh),
					 PAM_SUCCESS);
			none = (struct rlimit){ (rlim_t)probe + room, old.rlim_max };
			assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
			code = pam_sm_acct_mgmt(pamh, (int)PAM_SILENT, 0, NULL);
			assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
			if (n == 2)
				assert_int_equal(code, PAM_IGNORE);
			else if (n == 1)
				assert_true(code == PAM_AUTHINFO_UNAVAIL ||
					    code == PAM_ACCT_EXPIRED);
			else
				assert_true(code == PAM_AUTHINFO_UNAVAIL || code == PAM_SUCCESS);
			if (room == 0 && n < 2)
				assert_int_equal(code, PAM_AUTHINFO_UNAVAIL);
			pam_end(pamh, code);
		}
	}
}

// Whichever allocation fails, of ours, of libpam's or of libc's on our behalf: a
// leaver is refused in each phase that can refuse. (A sanitizer has malloc for itself.)
#ifdef SANITIZED
#define OWN_MALLOC 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define OWN_MALLOC 0
#endif
#endif
#ifndef OWN_MALLOC
#define OWN_MALLOC 1
#endif

#if OWN_MALLOC
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);

static _Thread_local long allocations, fail_at; // 0: none fails

static bool fails(void)
{
	if (++allocations != fail_at)
		return false;
	errno = ENOMEM;
	return true;
}

#define SHOWN __attribute__((visibility("default"))) // to libc and libpam

SHOWN void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

SHOWN void *calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

SHOWN void *realloc(void *p, size_t size)
{
	return fails() ? NULL : __libc_realloc(p, size);
}

static long visit_failing(phase *p, const char *name, long at, int *code_out)
{
	const struct pam_conv conv = { conversation, NULL };
	const char *argv[] = { "mkhome", "debug", "on_unavailable=allow", "live=20ms" };
	pam_handle_t *pamh;

	assert_int_equal(pam_start_confdir("sshd", name, &conv, pam_dir, &pamh), PAM_SUCCESS);
	allocations = 0;
	fail_at = at;
	*code_out = p(pamh, 0, 4, argv);
	fail_at = 0;
	at = allocations;
	pam_end(pamh, *code_out);
	return at;
}

static void test_no_failing_allocation_lets_a_leaver_in(void **state)
{
	static const char *const names[] = { "ben", "cem", "dan", "fay", "ann", "root" };
	static phase *const phases[] = { pam_sm_acct_mgmt, pam_sm_open_session };
	long total = 0;

	(void)state;
	publish_days(0, true);
	for (size_t p = 0; p < 2; p++)
		for (size_t n = 0; n < 6; n++) {
			int plain, code;
			long count = visit_failing(phases[p], names[n], 0, &plain);

			for (long at = 1; at <= count; at++) {
				(void)visit_failing(phases[p], names[n], at, &code);
				assert_int_equal(code, plain);
			}
			total += count;
		}
	printf("%ld allocations\n", total);
	assert_true(total > 0);
}
#else
static void test_no_failing_allocation_lets_a_leaver_in(void **state)
{
	(void)state;
	skip();
}
#endif

struct many {
	const char *name;
	int code;
	bool wrong;
};

static void *visit_often(void *arg)
{
	const struct pam_conv conv = { conversation, NULL };
	struct many *m = arg;
	pam_handle_t *pamh;

	if (pam_start_confdir("cron", m->name, &conv, pam_dir, &pamh) != PAM_SUCCESS) {
		m->wrong = true;
		return NULL;
	}
	for (int i = 0; i < 300; i++)
		m->wrong |= pam_sm_acct_mgmt(pamh, (int)PAM_SILENT, 0, NULL) != m->code;
	pam_end(pamh, 0);
	return NULL;
}

// Threads of one program ask at once while images are replaced under them.
static void test_threads_get_their_own_answers(void **state)
{
	struct many many[8];
	pthread_t threads[8];

	(void)state;
	publish_days(0, true);
	for (int i = 0; i < 8; i++) {
		static const char *const names[] = { "ann", "ben", "dan", "local" };
		static const int codes[] = { PAM_SUCCESS, PAM_ACCT_EXPIRED, PAM_PERM_DENIED,
					     PAM_IGNORE };

		many[i] = (struct many){ names[i % 4], codes[i % 4], false };
		assert_int_equal(pthread_create(&threads[i], NULL, visit_often, &many[i]), 0);
	}
	for (int i = 0; i < 20; i++) {
		struct image_source src = { .users = people,
					    .user_count = 8,
					    .policy_flags = IMAGE_POLICY_STATED };
		struct image_published out;
		struct fail f;

		assert_int_equal(image_publish(box_dir, &src, clock_wall(), &out, &f), 0);
	}
	for (int i = 0; i < 8; i++) {
		pthread_join(threads[i], NULL);
		assert_false(many[i].wrong);
	}
}

// ------------------------------------------------------------------ home folders

static void home_person(const char *home, uint8_t state)
{
	bool in = state == ACCOUNT_ACTIVE;
	struct image_user_source one = person(0, "ann", state, in ? VERDICT_ALLOW : VERDICT_DENY,
					      in ? RULE_ALLOW : RULE_STATE);
	struct image_source src = { .users = &one,
				    .user_count = 1,
				    .policy_flags = IMAGE_POLICY_STATED };
	struct image_published out;
	struct fail f;

	one.home = home;
	assert_int_equal(image_publish(box_dir, &src, clock_wall(), &out, &f), 0);
}

static int children_seen;

static void on_child(int s)
{
	(void)s;
	children_seen++;
}

static void test_mkhome_runs_the_helper_once_and_unheard(void **state)
{
	static char helper[300], mark[300], home[300], script[1024];
	struct sigaction sa = { .sa_handler = on_child }, old;
	FILE *file;
	char line[200] = "";

	(void)state;
	publish_days(0, true);
	// Not in the box: programs may not be run from there.
	(void)snprintf(helper, sizeof(helper), "%s/helper", pam_dir);
	box_path(mark, "mark");
	box_path(home, "home-of-ann");
	(void)snprintf(
		script, sizeof(script),
		"#!/bin/sh\necho \"$0 $* env:$(env | grep -c SCIMD_TEST) fd:$(ls /proc/self/fd "
		"| wc -l)\" >>%s\nmkdir %s\n",
		mark, home);
	put_file(helper, script);
	assert_int_equal(chmod(helper, 0755), 0);
	home_helper_path = helper;
	home_person(home, ACCOUNT_ACTIVE);
	assert_int_equal(setenv("SCIMD_TEST", "1", 1), 0);
	assert_int_equal(sigaction(SIGCHLD, &sa, &old), 0);
	assert_int_equal(visit(pam_sm_open_session, "cron", "ann", NULL), PAM_SUCCESS);
	assert_int_equal(access(mark, F_OK), -1); // not asked for
	assert_int_equal(visit(pam_sm_open_session, "cron", "ann", "mkhome"), PAM_SUCCESS);
	assert_int_equal(visit(pam_sm_open_session, "cron", "ann", "mkhome"), PAM_SUCCESS);
	assert_int_equal(children_seen, 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(sigaction(SIGCHLD, &old, NULL), 0);
	file = fopen(mark, "re");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	assert_non_null(strstr(line, " ann env:0 fd:4\n"));
	assert_null(fgets(line, sizeof(line), file));
	fclose(file);
	assert_int_equal(rmdir(home), 0);

	put_file(helper, "#!/bin/sh\nexit 6\n");
	assert_int_equal(visit(pam_sm_open_session, "cron", "ann", "mkhome"), PAM_SESSION_ERR);
	assert_non_null(strstr(said, "could not be made"));
	unlink(helper);
	assert_int_equal(visit(pam_sm_open_session, "cron", "ann", "mkhome"), PAM_SESSION_ERR);
}

// The account phase asked the directory; the session phase cannot, and must not undo it.
static void test_a_session_is_not_refused_for_an_old_image(void **state)
{
	(void)state;
	publish_days(10, true);
	assert_int_equal(account("ann"), PAM_AUTHINFO_UNAVAIL);
	assert_int_equal(visit(pam_sm_open_session, "cron", "ann", NULL), PAM_SUCCESS);
	assert_int_equal(visit(pam_sm_open_session, "cron", "ben", NULL), PAM_ACCT_EXPIRED);
	assert_int_equal(visit(pam_sm_open_session, "cron", "dan", NULL), PAM_PERM_DENIED);
}

static void test_disabled_while_the_home_is_made(void **state)
{
	static char helper[300], home[300], next[320], script[1024];

	(void)state;
	publish_days(0, true);
	(void)snprintf(helper, sizeof(helper), "%s/helper", pam_dir);
	(void)snprintf(next, sizeof(next), "%s.next", box_image);
	box_path(home, "home-of-ann");
	home_person(home, ACCOUNT_DISABLED);
	assert_int_equal(rename(box_image, next), 0);
	home_person(home, ACCOUNT_ACTIVE);
	(void)snprintf(script, sizeof(script), "#!/bin/sh\nmkdir %s && mv %s %s\n", home, next,
		       box_image);
	put_file(helper, script);
	assert_int_equal(chmod(helper, 0755), 0);
	home_helper_path = helper;
	assert_int_equal(visit(pam_sm_open_session, "cron", "ann", "mkhome"), PAM_ACCT_EXPIRED);
	assert_int_equal(rmdir(home), 0);
	unlink(helper);
}

static void test_the_module_is_built_to_be_loaded(void **state)
{
	const char *build = getenv("BUILD");
	char path[4096];
	void *so;

	(void)state;
	if (!build)
		skip();
	(void)snprintf(path, sizeof(path), "%s/.libs/pam_scim.so", build);
	so = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!so)
		fail_msg("%s", dlerror());
	for (const char *const *s =
		     (const char *const[]){ "authenticate", "setcred", "acct_mgmt", "open_session",
					    "close_session", "chauthtok", NULL };
	     *s; s++) {
		char name[64];

		(void)snprintf(name, sizeof(name), "pam_sm_%s", *s);
		assert_non_null(dlsym(so, name));
	}
	assert_null(dlsym(so, "decide"));
	assert_null(dlsym(so, "image_open"));
	dlclose(so);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_account_answers_for_every_state),
		cmocka_unit_test(test_account_knows_local_names_by_the_whole_field),
		cmocka_unit_test(test_account_counts_the_age_of_the_image),
		cmocka_unit_test(test_broken_images_deny_people_and_leave_local_accounts_alone),
		cmocka_unit_test(test_root_and_local_accounts_wait_for_nothing),
		cmocka_unit_test(test_a_host_without_scimd_is_left_alone),
		cmocka_unit_test(test_a_word_that_is_not_understood_denies_people_only),
		cmocka_unit_test(test_other_phases_say_nothing),
		cmocka_unit_test(test_live_answers_count),
		cmocka_unit_test(test_visits_leave_no_files),
		cmocka_unit_test(test_a_program_without_descriptors_denies),
		cmocka_unit_test(test_no_failing_allocation_lets_a_leaver_in),
		cmocka_unit_test(test_threads_get_their_own_answers),
		cmocka_unit_test(test_mkhome_runs_the_helper_once_and_unheard),
		cmocka_unit_test(test_a_session_is_not_refused_for_an_old_image),
		cmocka_unit_test(test_disabled_while_the_home_is_made),
		cmocka_unit_test(test_the_module_is_built_to_be_loaded),
	};
	int r;

	box_make();
	if (!mkdtemp(pam_dir))
		return IMAGEBOX_SKIP;
	(void)snprintf(pam_other, sizeof(pam_other), "%s/other", pam_dir);
	put_file(pam_other, "account required pam_permit.so\n");
	look_image_path = box_image;
	look_store_path = box_path(store_path, "private");
	look_passwd_path = box_path(passwd_path, "passwd");
	ask_socket_path = box_path(socket_path, "sock");
	r = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(pam_other);
	rmdir(pam_dir);
	box_remove();
	return r;
}
