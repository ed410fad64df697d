// SPDX-License-Identifier: MIT
//
// bench_nss SERVICE USERS GROUPS: times lookups of random people (people.h)
// through glibc, in ns, the best of several rounds; one line "what ns" each.
// bench_nss once SERVICE N: N lookups in a fresh process, for strace, and the time
// in ns of the first one (which faults the code in) and of the others.
//
// The service is set by __nss_configure_lookup: nsswitch.conf would add a stat of
// itself to every call, which hides what modules cost.

#include "tests/bench/people.h"

#include <fcntl.h>
#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CALLS 20000u
#define ROUNDS 15

static uint32_t users, groups;
static char buf[1 << 20];
static uint32_t *picks;

struct copy {
	char *strings;
	size_t len;
	uint32_t members;
};
static struct copy *copies;

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void pick(uint32_t below)
{
	static uint64_t x = 88172645463325252u;

	for (uint32_t i = 0; i < CALLS; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		picks[i] = (uint32_t)(x % below);
	}
}

// Names are made before the clock starts.
static char (*names)[16];

static uint32_t by_name(uint32_t calls)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < calls; i++) {
		struct passwd pw, *r;

		found += getpwnam_r(names[i], &pw, buf, 1024, &r) == 0 && r;
	}
	return found;
}

static uint32_t by_uid(uint32_t calls)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < calls; i++) {
		struct passwd pw, *r;

		found += getpwuid_r(people_uid(picks[i]), &pw, buf, 1024, &r) == 0 && r;
	}
	return found;
}

static uint32_t list(uint32_t calls)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < calls; i++) {
		gid_t gids[64];
		int n = 64;

		found += getgrouplist(names[i], 1000, gids, &n) > PEOPLE_GROUPS;
	}
	return found;
}

static uint32_t by_gid(uint32_t calls)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < calls; i++) {
		struct group gr, *r;

		found +=
			getgrgid_r(PEOPLE_FIRST_GROUP + picks[i], &gr, buf, sizeof(buf), &r) == 0 &&
			r;
	}
	return found;
}

static uint32_t plain(uint32_t calls)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < calls; i++) {
		const struct copy *c = &copies[picks[i]];
		const char *from = c->strings;
		char *to = buf, **member = (char **)(void *)(buf + (sizeof(buf) / 2));

		for (uint32_t k = 0; k < c->members; k++) {
			size_t len = strlen(from) + 1;

			memcpy(to, from, len);
			member[k] = to;
			to += len;
			from += len;
		}
		member[c->members] = NULL;
		__asm__ volatile("" : : "r"(member) : "memory");
		found++;
	}
	return found;
}

static void copy_groups(void)
{
	copies = people_room(groups, sizeof(*copies));
	for (uint32_t i = 0; i < groups; i++) {
		struct group gr, *r;
		struct copy *c = &copies[i];

		if (getgrgid_r(PEOPLE_FIRST_GROUP + i, &gr, buf, sizeof(buf), &r) != 0 || !r)
			continue;
		while (gr.gr_mem[c->members])
			c->len += strlen(gr.gr_mem[c->members++]) + 1;
		c->strings = people_room(c->len, 1);
		for (uint32_t k = 0, at = 0; k < c->members; k++) {
			memcpy(c->strings + at, gr.gr_mem[k], strlen(gr.gr_mem[k]) + 1);
			at += (uint32_t)strlen(gr.gr_mem[k]) + 1;
		}
	}
}

static void time_it(const char *what, uint32_t (*run)(uint32_t), uint32_t calls)
{
	double best = 1e18;
	uint32_t found = 0;

	for (int i = 0; i < ROUNDS; i++) {
		double start = now_ns(), took;

		found = run(calls);
		took = (now_ns() - start) / calls;
		if (took < best)
			best = took;
	}
	printf("%s %.1f %u/%u\n", what, best, found, calls);
}

static void name_picks(const char *kind)
{
	for (uint32_t i = 0; i < CALLS; i++) {
		people_name(names[i], picks[i]);
		names[i][0] = kind[0];
	}
}

static int once(const char *service, uint32_t n)
{
	struct passwd pw, *r = NULL;
	char name[16];
	double start = 0, first = 0;

	__nss_configure_lookup("passwd", service);
	// Loads the module, by a name that it refuses without looking.
	getpwnam_r("-", &pw, buf, 1024, &r);
	for (uint32_t i = 0; i < n; i++) {
		if (i < 2) {
			first = now_ns() - start;
			start = now_ns();
		}
		people_name(name, i % 7);
		if (getpwnam_r(name, &pw, buf, 1024, &r) != 0 || !r)
			return 1;
	}
	if (n > 1)
		printf("first %.0f others %.0f\n", first, (now_ns() - start) / (n - 1));
	return 0;
}

// The system calls of a lookup without a map, and nothing else: what is over and above
// them is the module's own time.
static int bare(const char *path, uint32_t n)
{
	static char bytes[1024];
	char dir[256];
	struct stat st;
	double start = 0;

	snprintf(dir, sizeof(dir), "%s", path);
	*strrchr(dir, '/') = '\0';
	for (uint32_t i = 0; i < n; i++) {
		if (i == 1)
			start = now_ns();
		int fd = open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);

		if (fd < 0 || fstat(fd, &st) < 0 || stat(dir, &st) < 0 ||
		    pread(fd, bytes, 232, 0) != 232 || pread(fd, bytes, 256, 11840) != 256 ||
		    pread(fd, bytes, 1024, 68480) != 1024 || pread(fd, bytes, 4, 184) != 4 ||
		    close(fd) < 0)
			return 1;
	}
	printf("bare %.0f\n", (now_ns() - start) / (n - 1));
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: bench_nss SERVICE USERS GROUPS | once SERVICE N | "
				"bare IMAGE N\n");
		return 2;
	}
	if (strcmp(argv[1], "bare") == 0)
		return bare(argv[2], (uint32_t)strtoul(argv[3], NULL, 10));
	if (strcmp(argv[1], "once") == 0)
		return once(argv[2], (uint32_t)strtoul(argv[3], NULL, 10));
	__nss_configure_lookup("passwd", argv[1]);
	__nss_configure_lookup("group", argv[1]);
	__nss_configure_lookup("initgroups", argv[1]);
	users = (uint32_t)strtoul(argv[2], NULL, 10);
	groups = (uint32_t)strtoul(argv[3], NULL, 10);
	picks = people_room(CALLS, sizeof(*picks));
	names = people_room(CALLS, sizeof(*names));
	pick(users);
	name_picks("u");
	time_it("getpwnam", by_name, CALLS);
	time_it("getpwuid", by_uid, CALLS);
	time_it("getgrouplist", list, CALLS);
	name_picks("x");
	time_it("miss", by_name, CALLS);
	pick(groups);
	copy_groups();
	time_it("getgrgid", by_gid, CALLS / 20);
	time_it("plain", plain, CALLS / 20);
	return 0;
}
