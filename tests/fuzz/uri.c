// SPDX-License-Identifier: MIT
//
// The target of a request line: no segment or value leaves the room that it was given.
#include "tests/fuzz/fuzz.h"

#include "scimd/directory/http_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct http_request *r = calloc(1, sizeof(*r));
	char *raw = fuzz_text(data, len), *room = malloc(2 * len + 6);

	if (!r || !room)
		abort();
	if (uri_split(r, raw, room) == 0) {
		for (size_t i = 0; http_segment(r, i); i++)
			if (strlen(http_segment(r, i)) > len)
				abort();
		(void)http_query(r, "filter");
	}
	free(room);
	free(raw);
	free(r);
	return 0;
}
