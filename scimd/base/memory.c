// SPDX-License-Identifier: MIT
//
// What happens when there is no memory. Linked into the daemons, not into libbase.
//
// This tree's own code looks at every allocation and gives up what it was doing, so
// its calls (the linker sends them to __wrap_…) may fail. Libraries' may not: json-c,
// libcrypto and libini_config die of a NULL or, worse, forget what they were told,
// an "active": false, say. Theirs come to the malloc below, which then ends the
// process with a message: the stores and the image are safe at any moment, and a
// supervisor starts it again.
#include <errno.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef __has_feature
#define __has_feature(x) 0
#endif
// The sanitizers bring a malloc of their own.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) &&                             \
	!__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
#define MEMORY_OURS 1
#endif

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t max);

#ifdef MEMORY_OURS
#define MEMORY_PUBLIC __attribute__((visibility("default")))

// The C library's heap, by the names that it has for those who wrap it.
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t align, size_t size);
void __libc_free(void *p);

static void *memory_or_end(void *p)
{
	static const char text[] = ": out of memory; what is stored and served is whole, "
				   "start it again\n";

	if (p)
		return p;
	// Nothing here may allocate; a failed write has nobody to be told.
	if (write(STDERR_FILENO, program_invocation_short_name,
		  strlen(program_invocation_short_name)) < 0 ||
	    write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(EXIT_FAILURE);
	_exit(EXIT_FAILURE);
}

MEMORY_PUBLIC void *malloc(size_t size)
{
	return memory_or_end(__libc_malloc(size));
}

MEMORY_PUBLIC void *calloc(size_t n, size_t size)
{
	return memory_or_end(__libc_calloc(n, size));
}

MEMORY_PUBLIC void *realloc(void *p, size_t size)
{
	void *more = __libc_realloc(p, size);

	return size ? memory_or_end(more) : more; // nothing asked for: it was freed
}

MEMORY_PUBLIC void free(void *p)
{
	__libc_free(p);
}

MEMORY_PUBLIC void *memalign(size_t align, size_t size)
{
	return memory_or_end(__libc_memalign(align, size));
}

MEMORY_PUBLIC void *aligned_alloc(size_t align, size_t size)
{
	return memory_or_end(__libc_memalign(align, size));
}

MEMORY_PUBLIC int posix_memalign(void **out, size_t align, size_t size)
{
	*out = memory_or_end(__libc_memalign(align, size));
	return 0;
}
#else
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
#define __libc_malloc __real_malloc
#define __libc_calloc __real_calloc
#define __libc_realloc __real_realloc
#endif

void *__wrap_malloc(size_t size)
{
	return __libc_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return __libc_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return __libc_realloc(p, size);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
	if (size && n > SIZE_MAX / size) {
		errno = ENOMEM;
		return NULL;
	}
	return __libc_realloc(p, n * size);
}

char *__wrap_strdup(const char *s)
{
	size_t len = strlen(s) + 1;
	char *p = __libc_malloc(len);

	return p ? memcpy(p, s, len) : NULL;
}

char *__wrap_strndup(const char *s, size_t max)
{
	size_t len = strnlen(s, max);
	char *p = __libc_malloc(len + 1);

	if (!p)
		return NULL;
	memcpy(p, s, len);
	p[len] = '\0';
	return p;
}
