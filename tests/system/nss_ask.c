// SPDX-License-Identifier: MIT
//
// nss_ask [options] NAME: asks the installed module itself, as glibc would, for a
// person by name, the private group, and the memberships; then prints for each the
// status, errno and the least time in µs. The exit status is the worst of the
// three: 0 success, 3 not found, 4 unavailable, 5 try again.
//
//   -w N    look N times before all else, so that the image is mapped (from 8 on)
//   -W      then wait for a line on standard input
//   -n N    ask N times
//   -r DIR  then change the root to DIR
//   -S      then be under the system call filter that sshd puts its unprivileged child under
//   -k      then call fcntl, which that filter kills for
//   -l      instead of all that look through glibc until SIGTERM, in this process
//           and in young children; print lookups, failures and the slowest in µs

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <nss.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MODULE "libnss_scim.so.2"
#define CHILD_EVERY 64u

typedef enum nss_status by_name_fn(const char *name, void *out, char *buf, size_t len, int *err);
typedef enum nss_status groups_fn(const char *user, gid_t gid, long *start, long *size,
				  gid_t **groups, long limit, int *err);

static by_name_fn *getpwnam_in, *getgrnam_in;
static groups_fn *groups_in;
static const char *name;

struct answer {
	const char *what;
	enum nss_status status;
	int err;
	long us; // the least
};

static long now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void ask(struct answer answers[3])
{
	char buf[4096];
	union {
		struct passwd pw;
		struct group gr;
	} out;

	for (int i = 0; i < 3; i++) {
		struct answer *a = &answers[i];
		long start = 0, size = 16, before = now_us(), us;
		gid_t *gids = malloc(16 * sizeof(*gids));

		a->err = 0;
		if (i == 2)
			a->status = groups_in(name, 1, &start, &size, &gids, 0, &a->err);
		else
			a->status = (i ? getgrnam_in : getpwnam_in)(name, &out, buf, sizeof(buf),
								    &a->err);
		us = now_us() - before;
		a->us = a->us == 0 || us < a->us ? us : a->us;
		free(gids);
	}
}

static bool load(void)
{
	void *module = dlopen(MODULE, RTLD_NOW | RTLD_LOCAL);

	if (!module) {
		fprintf(stderr, "%s\n", dlerror());
		return false;
	}
	getpwnam_in = (by_name_fn *)(uintptr_t)dlsym(module, "_nss_scim_getpwnam_r");
	getgrnam_in = (by_name_fn *)(uintptr_t)dlsym(module, "_nss_scim_getgrnam_r");
	groups_in = (groups_fn *)(uintptr_t)dlsym(module, "_nss_scim_initgroups_dyn");
	return getpwnam_in && getgrnam_in && groups_in;
}

// What OpenSSH 9 lets the process before authentication do: the files are refused
// with EACCES, mappings must not be executable, all that is not named kills.
static const int refused[] = {
#ifdef SYS_lstat
	SYS_lstat, SYS_stat,   SYS_open,
#endif
	SYS_fstat, SYS_openat, SYS_newfstatat, SYS_shmget, SYS_shmat, SYS_shmdt,
};
static const int granted[] = {
#ifdef SYS_poll
	SYS_poll,         SYS_select,          SYS_time,
#endif
	SYS_brk,          SYS_clock_gettime,   SYS_close,    SYS_exit,   SYS_exit_group,
	SYS_futex,        SYS_geteuid,         SYS_getpgid,  SYS_getpid, SYS_getrandom,
	SYS_gettimeofday, SYS_getuid,          SYS_madvise,  SYS_mremap, SYS_munmap,
	SYS_nanosleep,    SYS_clock_nanosleep, SYS_pselect6, SYS_read,   SYS_rt_sigprocmask,
	SYS_shutdown,     SYS_write,
};

static bool enter_filter(void)
{
	enum {
		REFUSED = sizeof(refused) / sizeof(*refused),
		GRANTED = sizeof(granted) / sizeof(*granted)
	};
	const uint32_t number = offsetof(struct seccomp_data, nr);
	const uint32_t prot = offsetof(struct seccomp_data, args[2]); // low half
	struct sock_filter code[2 * (REFUSED + GRANTED) + 16];
	struct sock_fprog program = { .filter = code };
	const struct rlimit none = { 0, 0 };
	unsigned short n = 0;

	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, number);
	for (unsigned i = 0; i < REFUSED; i++) {
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							 (uint32_t)refused[i], 0, 1);
		code[n++] =
			(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES);
	}
	for (unsigned i = 0; i < GRANTED; i++) {
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							 (uint32_t)granted[i], 0, 1);
		code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	}
	// mmap and mprotect: readable and writable only.
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 1, 0);
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 0, 3);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, prot);
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K,
						 ~(uint32_t)(PROT_READ | PROT_WRITE), 1, 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	program.len = n;
	setrlimit(RLIMIT_FSIZE, &none);
	setrlimit(RLIMIT_NOFILE, &none);
	setrlimit(RLIMIT_NPROC, &none);
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static const char *const words[] = { [NSS_STATUS_TRYAGAIN + 2] = "tryagain",
				     [NSS_STATUS_UNAVAIL + 2] = "unavail",
				     [NSS_STATUS_NOTFOUND + 2] = "notfound",
				     [NSS_STATUS_SUCCESS + 2] = "success" };

// By write alone: stdio would ask what kind of file it has.
static int tell(const struct answer answers[3])
{
	static const int codes[] = { 5, 4, 3, 0 };
	char line[160];
	int worst = 0;

	for (int i = 0; i < 3; i++) {
		const struct answer *a = &answers[i];
		int code = codes[a->status + 2],
		    n = snprintf(line, sizeof(line), "%s %s %s %ld\n", a->what,
				 words[a->status + 2], a->err ? strerrorname_np(a->err) : "0",
				 a->us);

		if (write(STDOUT_FILENO, line, (size_t)n) != n)
			return 9;
		worst = code > worst ? code : worst;
	}
	return worst;
}

// ------------------------------------------------------------------- the loop

static volatile sig_atomic_t ended;

static void on_end(int sig)
{
	(void)sig;
	ended = 1;
}

static bool look_by_glibc(unsigned i, uid_t uid)
{
	struct passwd pw, *pwp = NULL;
	struct group gr, *grp = NULL;
	gid_t gids[64];
	char buf[4096];
	int n = 64;

	switch (i % 4) {
	case 0:
		return getpwnam_r(name, &pw, buf, sizeof(buf), &pwp) == 0 && pwp &&
		       pw.pw_uid == uid;
	case 1:
		return getpwuid_r(uid, &pw, buf, sizeof(buf), &pwp) == 0 && pwp &&
		       strcmp(pw.pw_name, name) == 0;
	case 2:
		return getgrgid_r(uid, &gr, buf, sizeof(buf), &grp) == 0 && grp &&
		       strcmp(gr.gr_name, name) == 0;
	default:
		return getgrouplist(name, uid, gids, &n) > 1;
	}
}

static int look_on(void)
{
	const struct sigaction act = { .sa_handler = on_end };
	unsigned long looked = 0, failed = 0;
	long slowest = 0;
	const struct passwd *first = getpwnam(name);
	uid_t uid;

	if (!first)
		return 4;
	uid = first->pw_uid;
	sigaction(SIGTERM, &act, NULL);
	while (!ended) {
		long before = now_us(), us;
		bool good;

		if (looked % CHILD_EVERY == CHILD_EVERY - 1) {
			int status = -1;
			pid_t child = fork();

			if (child == 0) { // its module is as young as this one's first lookup
				execl("/proc/self/exe", "nss_ask", name, (char *)NULL);
				_exit(9);
			}
			while (waitpid(child, &status, 0) < 0 && errno == EINTR)
				;
			good = status == 0;
		} else {
			good = look_by_glibc((unsigned)looked, uid);
			us = now_us() - before;
			slowest = us > slowest ? us : slowest;
		}
		looked++;
		failed += !good;
	}
	fprintf(stderr, "%lu lookups, %lu failed, slowest %ld us\n", looked, failed, slowest);
	return failed || looked < 4 * CHILD_EVERY || slowest > 1000000;
}

struct options {
	unsigned long warm, times;
	bool wait_line, filter, kill_me, loop;
	const char *root;
};

static bool options_read(struct options *o, int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, "w:Wn:r:Skl")) != -1) {
		if (opt == 'w')
			o->warm = strtoul(optarg, NULL, 10);
		else if (opt == 'n')
			o->times = strtoul(optarg, NULL, 10);
		else if (opt == 'r')
			o->root = optarg;
		else if (opt == '?')
			return false;
		o->wait_line |= opt == 'W';
		o->filter |= opt == 'S';
		o->kill_me |= opt == 'k';
		o->loop |= opt == 'l';
	}
	return true;
}

int main(int argc, char **argv)
{
	struct answer answers[] = { { .what = "getpwnam" },
				    { .what = "getgrnam" },
				    { .what = "initgroups" } };
	struct options o = { .times = 1 };
	char line[16];

	if (!options_read(&o, argc, argv))
		return 2;
	if (optind != argc - 1)
		return 77; // nothing to test by itself
	name = argv[optind];
	if (o.loop)
		return look_on();
	if (!load())
		return 2;
	for (unsigned long i = 0; i < o.warm; i++)
		ask(answers);
	if (o.wait_line && (write(STDOUT_FILENO, "ready\n", 6) != 6 ||
			    read(STDIN_FILENO, line, sizeof(line)) <= 0))
		return 2;
	if (o.root && (chroot(o.root) < 0 || chdir("/") < 0))
		return 2;
	if (o.filter && !enter_filter())
		return 2;
	if (o.kill_me)
		(void)fcntl(STDOUT_FILENO, F_GETFD);
	for (int i = 0; i < 3; i++)
		answers[i].us = 0;
	for (unsigned long i = 0; i < o.times; i++)
		ask(answers);
	return tell(answers);
}
