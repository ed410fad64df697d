// SPDX-License-Identifier: MIT
//
// /etc/passwd and accounts.image, read directly; see look.h.
#include "pam/look.h"

#include <errno.h>
#include <fcntl.h>
#include <scimd/paths.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOOKS 3 // the first, and two more when the image was replaced meanwhile

const char *look_image_path = SCIMD_IMAGE;
const char *look_store_path = SCIMD_STATE_DIR "/" SCIMD_PRIVATE_NAME;
const char *look_passwd_path = "/etc/passwd";

// A program that was started without standard streams must not find ours there.
static int look_open(const char *path)
{
	int fd, up;

	do
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	while (fd < 0 && errno == EINTR);
	if (fd < 0 || fd > STDERR_FILENO)
		return fd;
	up = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	close(fd);
	return up;
}

static ssize_t look_read(int fd, void *buf, size_t len)
{
	ssize_t n;

	do
		n = read(fd, buf, len);
	while (n < 0 && errno == EINTR);
	return n;
}

// Lines of any length, block by block: `at` is how much of the name the line
// has borne so far, or -1 where it is another's.
struct look_match {
	const char *name;
	size_t len;
	ptrdiff_t at;
};

static bool match_block(struct look_match *m, const char *p, size_t n)
{
	for (; n > 0; p++, n--) {
		if (*p == '\n')
			m->at = 0;
		else if (m->at < 0)
			continue;
		else if ((size_t)m->at == m->len) {
			if (*p == ':')
				return true;
			m->at = -1;
		} else
			m->at = *p == m->name[m->at] ? m->at + 1 : -1;
	}
	return false;
}

bool look_local(const char *name)
{
	struct look_match m = { .name = name, .len = strlen(name) };
	bool found = strcmp(name, "root") == 0;
	char block[4096];
	ssize_t n;
	int fd;

	if (found || m.len == 0 || strpbrk(name, ":\n"))
		return found;
	fd = look_open(look_passwd_path);
	if (fd < 0)
		return false;
	while (!found && (n = look_read(fd, block, sizeof(block))) > 0)
		found = match_block(&m, block, (size_t)n);
	close(fd);
	return found;
}

static int64_t look_clock(clockid_t which)
{
	struct timespec t;

	if (clock_gettime(which, &t) < 0)
		return -1;
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

// As the writer notes it: sixteen bytes from the kernel's text, zeros where there
// is none to be read (a chroot without /proc).
static void look_boot_id(uint8_t id[16])
{
	static const char hex[] = "0123456789abcdef";
	int fd = look_open("/proc/sys/kernel/random/boot_id");
	ssize_t n;
	unsigned digits = 0;
	const char *at;
	char text[64];

	memset(id, 0, 16);
	if (fd < 0)
		return;
	n = look_read(fd, text, sizeof(text));
	close(fd);
	for (ssize_t i = 0; i < n && digits < 32; i++) {
		at = memchr(hex, text[i], 16);
		if (!at)
			continue;
		id[digits / 2] = (uint8_t)(id[digits / 2] << 4 | (at - hex));
		digits++;
	}
	if (digits != 32)
		memset(id, 0, 16);
}

static int64_t look_age(const struct image *im)
{
	struct decide_clock now = { .wall = look_clock(CLOCK_REALTIME),
				    .boot = look_clock(CLOCK_BOOTTIME) };
	struct decide_clock then;
	struct image_confirmed c;

	if (image_confirmed_at(im, &c) < 0)
		return DECIDE_AGE_UNKNOWN;
	then = (struct decide_clock){ .wall = c.wall, .boot = c.boot };
	memcpy(then.boot_id, c.boot_id, sizeof(then.boot_id));
	look_boot_id(now.boot_id);
	return decide_age(&then, &now);
}

static int look_record(const struct image *im, const char *name, struct look *l,
		       struct decide_facts *f, look_more_fn *more, void *arg)
{
	struct image_found_user u;
	int r = image_user_by_name(im, name, l->buf, sizeof(l->buf), &u);

	if (r == -ENOENT) {
		f->found = DECIDE_STRANGER;
		return 0;
	}
	if (r < 0)
		return r;
	l->rule = u.head.rule;
	l->uid = u.head.uid;
	l->name = u.name;
	l->home = u.home;
	f->state = u.head.state;
	f->verdict = u.head.verdict;
	f->stated = im->head.policy_flags & IMAGE_POLICY_STATED;
	f->stale_warn = im->head.stale_warn;
	f->stale_deny = im->head.stale_deny;
	f->age = look_age(im);
	r = more ? more(im, &u, arg) : 0;
	if (r == 0)
		f->found = DECIDE_KNOWN;
	return r;
}

static bool look_never_configured(void)
{
	struct stat st;

	return lstat(look_image_path, &st) < 0 && errno == ENOENT &&
	       lstat(look_store_path, &st) < 0 && errno == ENOENT;
}

void look_image(const char *name, struct look *l, struct decide_facts *facts, look_more_fn *more,
		void *arg)
{
	struct image im;
	bool retired;
	int r;

	for (int i = 0; i < LOOKS; i++) {
		facts->found = DECIDE_UNREADABLE;
		r = image_open(&im, look_image_path, IMAGE_BY_PREAD);
		if (r < 0) {
			if (r == -ENOENT && look_never_configured())
				facts->found = DECIDE_UNCONFIGURED;
			return;
		}
		r = look_record(&im, name, l, facts, more, arg);
		retired = image_retired(&im);
		image_close(&im);
		if (r < 0)
			facts->found = DECIDE_UNREADABLE;
		if (!retired)
			return;
	}
	facts->found = DECIDE_UNREADABLE;
}
