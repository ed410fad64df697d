// SPDX-License-Identifier: MIT
//
// Shared by the fuzz harnesses: a text with its end, JSON, and a file of those bytes.
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <fcntl.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static inline char *fuzz_text(const uint8_t *data, size_t len)
{
	char *s = malloc(len + 1);

	if (!s)
		abort();
	memcpy(s, data, len);
	s[len] = '\0';
	return s;
}

static inline struct json_object *fuzz_json(const uint8_t *data, size_t len)
{
	struct json_tokener *tok = json_tokener_new_ex(32);
	struct json_object *o = json_tokener_parse_ex(tok, (const char *)data, (int)len);

	json_tokener_free(tok);
	return o;
}

// One name for all of a process, in memory.
static inline const char *fuzz_path(void)
{
	static char path[64];

	(void)snprintf(path, sizeof(path), "/dev/shm/scimd-fuzz-%d", (int)getpid());
	return path;
}

static inline void fuzz_forget(void)
{
	(void)unlink(fuzz_path());
}

static inline const char *fuzz_file(const void *data, size_t len)
{
	static bool known;
	int fd = open(fuzz_path(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		abort();
	close(fd);
	if (!known)
		(void)atexit(fuzz_forget);
	known = true;
	return fuzz_path();
}

#endif
