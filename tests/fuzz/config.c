// SPDX-License-Identifier: MIT
//
// Configuration files, by scimd's table and by scim-directory's.
#include "tests/fuzz/fuzz.h"

#include "scimd/agent/config.h"
#include "scimd/base/fail.h"
#include "scimd/directory/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *path = fuzz_file(data, len);
	struct directory_conf *d = NULL;
	struct config *c = NULL;
	struct fail f = { "" };

	if (config_load(path, &c, &f) == 0)
		config_free(c);
	else if (!f.text[0])
		abort();
	f.text[0] = '\0';
	if (directory_conf_load(path, &d, &f) == 0)
		directory_conf_free(d);
	else if (!f.text[0])
		abort();
	return 0;
}
