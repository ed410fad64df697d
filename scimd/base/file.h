// SPDX-License-Identifier: MIT
//
// Small files, read whole and replaced whole.
#ifndef SCIMD_BASE_FILE_H
#define SCIMD_BASE_FILE_H

#include <stddef.h>
#include <sys/types.h>

struct buf;
struct fail;

// Appends the whole file to out; more than max bytes is -EFBIG. 0 or -errno.
int file_read(const char *path, size_t max, struct buf *out, struct fail *f);
// write, fsync, rename, fsync of the directory; the temporary name is PATH.tmp.
int file_replace(const char *path, const void *data, size_t len, mode_t mode, struct fail *f);
// All of it, whatever the kernel takes at a time. 0 or -errno.
int file_write(int fd, const void *data, size_t len);
int file_sync_dir(const char *path_in_dir); // fsync of the directory that holds the path

#endif
