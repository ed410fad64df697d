// SPDX-License-Identifier: MIT
//
// The folder of hooks; see hook_dir.h.
#include "scimd/base/hook_dir.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_BYTES "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

static bool hook_dir_roots(const struct stat *st)
{
	return st->st_uid == 0 && !(st->st_mode & 022);
}

static const char *hook_dir_why(int dir, const char *name)
{
	struct stat st;

	// What editors and package managers leave behind has a dot or a tilde in it.
	if (strlen(name) > HOOK_NAME_MAX || strspn(name, NAME_BYTES) != strlen(name))
		return "its name is not made of letters, digits, _ and - alone";
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return "it cannot be looked at";
	if (!S_ISREG(st.st_mode))
		return "it is no regular file";
	if (st.st_uid != 0)
		return "it does not belong to root";
	if (st.st_mode & 022)
		return "others than root may write to it";
	if (!(st.st_mode & 0111))
		return "it is not executable";
	return NULL;
}

static int hook_dir_order(const void *a, const void *b)
{
	return strcmp(((const struct hook_file *)a)->name, ((const struct hook_file *)b)->name);
}

static void hook_dir_add(struct hook_dir *d, int dir, const char *name)
{
	struct hook_file *f = &d->files[d->count++];
	size_t n = strnlen(name, HOOK_NAME_MAX);

	for (size_t i = 0; i < n; i++)
		f->name[i] = name[i];
	for (size_t i = 0; i < n; i++)
		if (name[i] <= ' ' || name[i] > '~')
			f->name[i] = '?';
	f->name[n] = '\0';
	f->why = hook_dir_why(dir, name);
}

static const char *hook_dir_files(struct hook_dir *d, int dir)
{
	DIR *list = fdopendir(dir);
	const char *why = NULL;
	struct dirent *e;

	if (!list) {
		(void)close(dir);
		return "the folder cannot be read";
	}
	while (!why && (e = readdir(list))) {
		if (e->d_name[0] == '.')
			continue;
		if (d->count == HOOK_FILES_MAX)
			why = "there are more than 64 files in the folder";
		else
			hook_dir_add(d, dir, e->d_name);
	}
	(void)closedir(list);
	return why;
}

void hook_dir_read(const char *path, struct hook_dir *out)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st, above;

	memset(out, 0, sizeof(*out));
	if (dir < 0) {
		if (errno != ENOENT)
			out->why = "the folder cannot be opened";
		return;
	}
	if (fstat(dir, &st) < 0 || fstatat(dir, "..", &above, 0) < 0 || !hook_dir_roots(&st) ||
	    !hook_dir_roots(&above)) {
		(void)close(dir);
		out->why = "others than root may write to the folder, or to the one above it";
		return;
	}
	out->why = hook_dir_files(out, dir);
	if (out->why)
		out->count = 0;
	qsort(out->files, out->count, sizeof(*out->files), hook_dir_order);
}

bool hook_dir_any(const struct hook_dir *d)
{
	for (size_t i = 0; i < d->count; i++)
		if (!d->files[i].why)
			return true;
	return false;
}
