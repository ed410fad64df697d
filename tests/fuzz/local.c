// SPDX-License-Identifier: MIT
//
// /etc/passwd and /etc/group as hosts have them, and worse.
#include "tests/fuzz/fuzz.h"

#include "scimd/agent/local.h"
#include "scimd/base/arena.h"
#include "scimd/base/fail.h"
#include "scimd/identity/resolve.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *path = fuzz_file(data, len);
	struct local_accounts l = { 0 };
	struct arena a = ARENA_INIT;
	struct fail f = { "" };

	if (local_read(&a, path, path, &l, &f) == 0)
		for (size_t i = 0; i < l.user_count; i++)
			if (strpbrk(l.user_names[i], ":\n"))
				abort();
	arena_free(&a);
	return 0;
}
