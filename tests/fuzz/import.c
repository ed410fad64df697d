// SPDX-License-Identifier: MIT
//
// Files to import into scim-directory: CSV and JSON.
#include "tests/fuzz/fuzz.h"

#include "scimd/base/fail.h"
#include "scimd/directory/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	for (int csv = 0; csv < 2; csv++) {
		struct import m = { 0 };
		struct fail f = { "" };
		char *text = fuzz_text(data, len);

		if ((csv ? import_read_csv(&m, text, len, &f)
			 : import_read_json(&m, text, len, &f)) < 0 &&
		    !f.text[0])
			abort();
		import_free(&m);
		free(text);
	}
	return 0;
}
