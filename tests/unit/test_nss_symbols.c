// SPDX-License-Identifier: MIT
//
// The built module, as glibc will find it: every entry point is there, nothing
// else is exported, and it needs libc alone. The file is argument 1 or NSS_MODULE.

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char *module;
static const unsigned char *file;

static void test_nss_symbols_has_every_entry_point(void **state)
{
	static const char *const names[] = { "getpwnam_r", "getpwuid_r",    "setpwent",
					     "getpwent_r", "endpwent",      "getgrnam_r",
					     "getgrgid_r", "setgrent",      "getgrent_r",
					     "endgrent",   "initgroups_dyn" };
	void *handle = dlopen(module, RTLD_NOW | RTLD_LOCAL);
	char name[64];

	(void)state;
	if (!handle)
		fail_msg("%s", dlerror());
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(name, sizeof(name), "_nss_scim_%s", names[i]);
		if (!dlsym(handle, name))
			fail_msg("%s is missing", name);
	}
	dlclose(handle);
}

static const ElfW(Shdr) * section(uint32_t type, unsigned *at)
{
	const ElfW(Ehdr) *eh = (const void *)file;
	const ElfW(Shdr) *sh = (const void *)(file + eh->e_shoff);

	for (; *at < eh->e_shnum; ++*at)
		if (sh[*at].sh_type == type)
			return &sh[*at];
	return NULL;
}

static const char *strings_of(const ElfW(Shdr) * s)
{
	const ElfW(Ehdr) *eh = (const void *)file;
	const ElfW(Shdr) *sh = (const void *)(file + eh->e_shoff);

	return (const char *)file + sh[s->sh_link].sh_offset;
}

static void test_nss_symbols_exports_nothing_else(void **state)
{
	unsigned at = 0, found = 0;
	const ElfW(Shdr) *s = section(SHT_DYNSYM, &at);

	(void)state;
	assert_non_null(s);
	const ElfW(Sym) *symbol = (const void *)(file + s->sh_offset);
	const char *strings = strings_of(s);

	for (size_t i = 1; i < s->sh_size / sizeof(*symbol); i++) {
		if (symbol[i].st_shndx == SHN_UNDEF || symbol[i].st_shndx == SHN_ABS)
			continue;
		if (strncmp(strings + symbol[i].st_name, "_nss_scim_", 10) != 0)
			fail_msg("%s is exported", strings + symbol[i].st_name);
		found++;
	}
	assert_int_equal(found, 11);
}

static void test_nss_symbols_needs_libc_alone(void **state)
{
	unsigned at = 0, needed = 0;
	const ElfW(Shdr) *s = section(SHT_DYNAMIC, &at);

	(void)state;
	assert_non_null(s);
	const char *strings = strings_of(s);

	for (const ElfW(Dyn) *d = (const void *)(file + s->sh_offset); d->d_tag != DT_NULL; d++) {
		if (d->d_tag != DT_NEEDED)
			continue;
		// The loader is libc's other half: __tls_get_addr, for the cursors.
		if (strncmp(strings + d->d_un.d_val, "ld-linux", 8) == 0)
			continue;
		needed++;
		if (strncmp(strings + d->d_un.d_val, "libc.so", 7) != 0)
			fail_msg("needs %s", strings + d->d_un.d_val);
	}
	assert_int_equal(needed, 1);
}

// What would end or prolong the host process, and what a lookup may not use.
static void test_nss_symbols_calls_nothing_that_it_must_not(void **state)
{
	static const char *const never[] = { "abort",
					     "exit",
					     "_exit",
					     "atexit",
					     "__cxa_atexit",
					     "getenv",
					     "malloc",
					     "free",
					     "syslog",
					     "socket",
					     "system",
					     "popen",
					     "fork",
					     "sigaction",
					     "pthread_atfork",
					     "printf",
					     "strcpy",
					     "sprintf",
					     "pthread_mutex_lock",
					     "pthread_key_create" };
	unsigned at = 0;
	const ElfW(Shdr) *s = section(SHT_DYNSYM, &at);

	(void)state;
	assert_non_null(s);
	const ElfW(Sym) *symbol = (const void *)(file + s->sh_offset);
	const char *strings = strings_of(s);

	for (size_t i = 1; i < s->sh_size / sizeof(*symbol); i++)
		for (unsigned k = 0; k < sizeof(never) / sizeof(*never); k++)
			if (strcmp(strings + symbol[i].st_name, never[k]) == 0)
				fail_msg("uses %s", never[k]);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nss_symbols_has_every_entry_point),
		cmocka_unit_test(test_nss_symbols_exports_nothing_else),
		cmocka_unit_test(test_nss_symbols_needs_libc_alone),
		cmocka_unit_test(test_nss_symbols_calls_nothing_that_it_must_not),
	};
	struct stat st;
	int fd;

	module = argc > 1 ? argv[1] : getenv("NSS_MODULE");
	if (!module)
		return 77;
	fd = open(module, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return 1;
	file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (file == MAP_FAILED || st.st_size < (off_t)sizeof(ElfW(Ehdr)))
		return 1;
	return cmocka_run_group_tests_name("nss_symbols", tests, NULL, NULL);
}
