// SPDX-License-Identifier: MIT
//
// Filters, and the paths of PATCH operations: what is accepted can be walked, matched
// and read again from its own text.
#include "tests/fuzz/fuzz.h"

#include "scimd/base/fail.h"
#include "scimd/scim/filter.h"

static int get(void *arg, const void *scope, const struct scim_path *p, size_t i,
	       struct scim_value *out)
{
	(void)arg;
	(void)scope;
	if (i > 2)
		return 0;
	*out = (struct scim_value){ (enum scim_type)((strlen(p->attr) + i) % 5), p->attr, 7 };
	return 1;
}

static int element(void *arg, const struct scim_path *p, size_t i, const void **scope_out)
{
	(void)p;
	*scope_out = arg;
	return i < 3;
}

static void path(void *arg, const struct scim_path *p)
{
	*(size_t *)arg += strlen(p->urn) + strlen(p->attr) + strlen(p->sub);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct scim_filter *flt = NULL, *again = NULL;
	size_t sum = 0;
	struct scim_subject s = { .arg = &sum, .get = get, .element = element };
	struct scim_path one;
	char *text = fuzz_text(data, len), room[256];
	struct fail f = { "" };

	if (scim_filter_parse(text, len, &flt, &f) == 0) {
		const char *own = scim_filter_text(flt);
		bool match = scim_filter_match(flt, &s);

		scim_filter_paths(flt, path, &sum);
		if (scim_filter_parse(own, strlen(own), &again, &f) < 0 ||
		    scim_filter_match(again, &s) != match)
			abort();
		scim_filter_free(again);
		scim_filter_free(flt);
	}
	flt = NULL;
	if (scim_filter_parse_path(text, len, &flt, &f) == 0)
		scim_filter_free(flt);
	(void)scim_path_parse(text, len, &one, room, sizeof(room), &f);
	free(text);
	return 0;
}
