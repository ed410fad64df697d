// SPDX-License-Identifier: MIT
//
// attack [-p PID] PATH…: what a person without privileges tries against the files
// of scimd and its process, over and over until SIGTERM: to open for writing, to
// cut, remove, rename, link, replace, to lock, lease and map. Whatever may succeed
// (locks on a file that everybody may read) is held meanwhile. Says "ready" after
// the first pass, and at the end how many attempts there were. Exit status: 0 when
// nothing succeeded that must not; else 1, with a line for each.

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <unistd.h>

static volatile sig_atomic_t ended;
static unsigned long attempts, successes, locks;
static char own[32]; // a file of the attacker

static int new_file(void)
{
	memcpy(own, "/tmp/scimd-attack-XXXXXX", sizeof("/tmp/scimd-attack-XXXXXX"));
	return mkstemp(own);
}

static void on_end(int sig)
{
	(void)sig;
	ended = 1;
}

// Whatever came back must be a failure.
static void never(const char *path, const char *what, long r)
{
	attempts++;
	if (r == -1)
		return;
	successes++;
	fprintf(stderr, "%s: %s succeeded\n", path, what);
}

static void never_open(const char *path, const char *what, int flags)
{
	int fd = open(path, flags | O_NONBLOCK | O_CLOEXEC, 0666);

	never(path, what, fd);
	if (fd >= 0)
		close(fd);
}

// With a descriptor for reading, which is allowed where the mode says so.
static void by_descriptor(const char *path, int fd, bool folder)
{
	struct flock all = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	char again[64];
	void *map;

	locks += flock(fd, LOCK_SH | LOCK_NB) == 0;
	locks += flock(fd, LOCK_EX | LOCK_NB) == 0;
	locks += fcntl(fd, F_SETLK, &all) == 0;
	locks += fcntl(fd, F_OFD_SETLK, &all) == 0;
	all.l_type = F_WRLCK;
	never(path, "fcntl F_WRLCK", fcntl(fd, F_SETLK, &all));
	never(path, "fcntl F_SETLEASE", fcntl(fd, F_SETLEASE, F_RDLCK));
	never(path, "fcntl F_SETLEASE for writing", fcntl(fd, F_SETLEASE, F_WRLCK));
	never(path, "ftruncate", ftruncate(fd, 0));
	never(path, "fallocate", fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1));
	never(path, "fchmod", fchmod(fd, 0666));
	never(path, "fchown", fchown(fd, geteuid(), (gid_t)-1));
	never(path, "fsetxattr", fsetxattr(fd, "user.x", "y", 1, 0));
	if (folder)
		return;
	snprintf(again, sizeof(again), "/proc/self/fd/%d", fd);
	never_open(again, "opening the descriptor for writing", O_RDWR);
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	never(path, "mmap for writing", map == MAP_FAILED ? -1 : 0);
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return;
	never(path, "mprotect for writing", mprotect(map, 4096, PROT_READ | PROT_WRITE));
	munmap(map, 4096);
}

static void in_folder(const char *path)
{
	char inner[4200];

	never_open(path, "O_TMPFILE", O_TMPFILE | O_RDWR);
	snprintf(inner, sizeof(inner), "%s/attack", path);
	never_open(inner, "creating a file in it", O_RDWR | O_CREAT | O_EXCL);
	never(path, "mkdir in it", mkdir(inner, 0777));
	never(path, "mkfifo in it", mkfifo(inner, 0666));
	never(path, "symlink in it", symlink("/etc/passwd", inner));
	never(path, "moving a file into it", rename(own, inner));
	never(path, "linking a file into it", link(own, inner));
	never(path, "mounting on it", mount("tmpfs", path, "tmpfs", 0, NULL));
}

static void by_name(const char *path, bool folder)
{
	const struct timespec times[2] = { 0 };
	char beside[4200];

	snprintf(beside, sizeof(beside), "%s.attack", path);
	if (!folder) {
		never_open(path, "O_WRONLY", O_WRONLY);
		never_open(path, "O_RDWR", O_RDWR);
		never_open(path, "O_TRUNC", O_RDONLY | O_TRUNC);
		never_open(path, "O_APPEND", O_WRONLY | O_APPEND);
		never(path, "truncate", truncate(path, 0));
	}
	never(path, "chmod", chmod(path, 0666));
	never(path, "chown", chown(path, geteuid(), (gid_t)-1));
	never(path, "utimensat", utimensat(AT_FDCWD, path, times, 0));
	never(path, "setxattr", setxattr(path, "user.x", "y", 1, 0));
	never(path, "unlink", unlink(path));
	never(path, "rmdir", rmdir(path));
	never(path, "rename", rename(path, beside));
	never(path, "moving away", rename(path, "/tmp/scimd-attack"));
	never(path, "replacing", rename(own, path));
	never(path, "exchanging", renameat2(AT_FDCWD, own, AT_FDCWD, path, RENAME_EXCHANGE));
	never(path, "link beside", link(path, beside));
	never(path, "link away", link(path, "/tmp/scimd-attack"));
	never(path, "symlink beside", symlink(path, beside));
	if (folder)
		in_folder(path);
}

static void on_process(pid_t pid)
{
	char path[64];

	never("the process", "kill", kill(pid, SIGSTOP));
	never("the process", "ptrace", ptrace(PTRACE_ATTACH, pid, NULL, NULL));
	never("the process", "setpriority", setpriority(PRIO_PROCESS, (id_t)pid, 19));
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	never_open(path, "opening the memory", O_RDONLY);
	snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	never_open(path, "opening the environment", O_RDONLY);
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	never_open(path, "opening the descriptors", O_RDONLY | O_DIRECTORY);
}

// Descriptors stay open from one pass to the next, and so do their locks.
static void one(const char *path, int *held, int watch)
{
	struct stat st = { 0 };
	bool folder = lstat(path, &st) == 0 && S_ISDIR(st.st_mode);

	by_name(path, folder);
	if (*held >= 0)
		close(*held);
	*held = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (*held < 0)
		return;
	if (st.st_mode && !(st.st_mode & S_IROTH))
		never(path, "open for reading", 0);
	(void)inotify_add_watch(watch, path, IN_ALL_EVENTS);
	by_descriptor(path, *held, folder);
}

int main(int argc, char **argv)
{
	const struct sigaction act = { .sa_handler = on_end };
	int *held = calloc((size_t)argc, sizeof(*held)), fd, watch, opt;
	unsigned long passes = 0;
	pid_t pid = 0;

	while ((opt = getopt(argc, argv, "p:")) != -1) {
		if (opt != 'p')
			return 2;
		pid = (pid_t)strtol(optarg, NULL, 10);
	}
	if (!held || optind == argc)
		return 77; // nothing to test by itself
	if (geteuid() == 0) {
		fprintf(stderr, "attack: not as root\n");
		return 2;
	}
	sigaction(SIGTERM, &act, NULL);
	watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	memset(held, -1, (size_t)argc * sizeof(*held));
	while (!ended && successes < 100) {
		fd = new_file();
		for (int i = optind; i < argc && !ended; i++)
			one(argv[i], &held[i], watch);
		if (pid)
			on_process(pid);
		close(fd);
		unlink(own);
		if (++passes == 1 && write(STDOUT_FILENO, "ready\n", 6) != 6)
			break;
	}
	fprintf(stderr, "%lu passes, %lu attempts, %lu locks had, %lu successes\n", passes,
		attempts, locks, successes);
	free(held);
	return successes > 0 || locks == 0 || passes < 2;
}
