// SPDX-License-Identifier: MIT
//
// Header lines of answers (Retry-After in all its forms, ETag), dates and spans.
#include "tests/fuzz/fuzz.h"

#include "scimd/base/clock.h"
#include "scimd/client/tags.h"
#include "scimd/client/transfer_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const names[] = { "Retry-After: ", "ETag: ", "" };
	char *text = fuzz_text(data, len), out[CLOCK_TEXT];
	struct transfer q = { .retry_after = -1 };
	uint64_t seconds;
	int64_t ms, again;

	for (int i = 0; i < 3; i++) {
		size_t n = strlen(names[i]) + len;
		char *line = malloc(n + 1);

		if (!line)
			abort();
		(void)snprintf(line, n + 1, "%s%s", names[i], text);
		// As curl gives it: without an end.
		line = realloc(line, n ? n : 1);
		if (transfer_on_header(line, 1, n, &q) != n || q.retry_after < -1 ||
		    q.retry_after > 3600)
			abort();
		free(line);
	}
	if (tags_valid(q.etag) && !tags_same(q.etag, q.etag))
		abort();
	if (clock_parse(text, len, &ms) == 0) {
		(void)clock_format(out, ms);
		if (ms >= 0 && ms < 253402300800000 &&
		    (clock_parse(out, strlen(out), &again) < 0 || again != ms))
			abort();
	}
	(void)clock_span(text, &seconds);
	free(text);
	return 0;
}
