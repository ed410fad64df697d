// SPDX-License-Identifier: MIT
//
// LMDB maps the whole file, and a page that was looked at once stays mapped: the
// process would in time have all of the store resident. Every so often what is
// mapped is let go. It is still in the kernel's cache, from where the next look
// maps it again, and pointers into it stay good.
#include "scimd/store/internal.h"
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIM_STEPS 512 // between two looks at how much there is; one maps 16 pages at most
#define TRIM_WALK ((size_t)80 << 20) // what a long walk has seen, it does not need again
#define TRIM_REST ((size_t)24 << 20) // libraries and all; what waits may wait for long
#define TRIM_ANY ((size_t)512 << 20) // what is asked for one by one may be asked for again
#define TRIM_BUSY 10000              // such looks between two rests

static size_t trim_resident(void)
{
	FILE *in = fopen("/proc/self/statm", "re");
	size_t files = 0;

	if (!in)
		return 0;
	if (fscanf(in, "%*u %*u %zu", &files) != 1)
		files = 0;
	(void)fclose(in);
	return files * (size_t)sysconf(_SC_PAGESIZE);
}

// Growing waits for who is in here, so the map does not move meanwhile.
static void trim_map(struct store *s)
{
	FILE *in = fopen("/proc/self/maps", "re");
	char line[PATH_MAX + 128];
	struct stat st;
	int fd;

	if (in && mdb_env_get_fd(s->env, &fd) == 0 && fstat(fd, &st) == 0)
		while (fgets(line, sizeof(line), in)) {
			unsigned long from, upto, inode;
			char rights[8];

			// (The device in it is not always what stat says.)
			if (sscanf(line, "%lx-%lx %7s %*x %*s %lu", &from, &upto, rights, &inode) ==
				    4 &&
			    strcmp(rights, "r--s") == 0 && inode == st.st_ino)
				(void)madvise((void *)(uintptr_t)from, upto - from, MADV_DONTNEED);
		}
	if (in)
		(void)fclose(in);
}

static void trim(struct store *s, size_t most)
{
	if (trim_resident() > most)
		trim_map(s);
}

void store_step(struct store *s)
{
	if (atomic_fetch_add_explicit(&s->looks, 1, memory_order_relaxed) % TRIM_STEPS == 0)
		trim(s, TRIM_ANY);
}

void store_walked(struct store *s, unsigned int steps)
{
	if (steps % TRIM_STEPS == 0)
		trim(s, TRIM_WALK);
}

void store_rest(struct store *s)
{
	if (atomic_exchange_explicit(&s->looks, 1, memory_order_relaxed) > TRIM_BUSY)
		return;
	(void)pthread_rwlock_rdlock(&s->growing);
	trim(s, TRIM_REST);
	(void)pthread_rwlock_unlock(&s->growing);
}
