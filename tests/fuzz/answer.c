// SPDX-License-Identifier: MIT
//
// Answers of a directory, byte for byte as they come in: the first byte says in what
// pieces. However it is cut, the outcome is the same; a list that is none, and resources
// of all shapes, go on through the attribute table to accounts.
#include "tests/fuzz/fuzz.h"

#include "scimd/client/transfer_internal.h"
#include "scimd/scim/message.h"
#include "tests/unit/crowd.h"

static struct json_object *take(const uint8_t *data, size_t len, size_t piece, bool *bad)
{
	struct transfer_origin origin = { .body_max = 1 << 20 };
	struct transfer q = { .http = &origin, .tok = json_tokener_new_ex(TRANSFER_DEPTH) };
	char *copy;

	json_tokener_set_flags(q.tok, JSON_TOKENER_VALIDATE_UTF8);
	for (size_t at = 0; at < len && !q.too_big; at += piece) {
		size_t n = len - at < piece ? len - at : piece;

		copy = fuzz_text(data + at, n);
		(void)transfer_on_body(copy, 1, n, &q);
		free(copy);
	}
	*bad = q.bad_json || q.too_big || !q.json;
	json_tokener_free(q.tok);
	if (*bad) {
		json_object_put(q.json);
		q.json = NULL;
	}
	return q.json;
}

static void resolve(const struct scim_list *page)
{
	static struct crowd c;

	crowd_open(&c, NULL, NULL);
	for (size_t i = 0; i < page->count && i < 100; i++)
		(void)crowd_put(&c, i % 2, i % 3 ? RESOURCE_USER : RESOURCE_GROUP,
				json_object_array_get_idx(page->resources, i));
	crowd_resolve(&c);
	for (uint32_t i = 0; i < c.out.account_count; i++)
		if (c.out.accounts[i].uid < 1000 || strpbrk(c.out.accounts[i].name, ":/\n"))
			abort();
	crowd_close(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct json_object *whole, *cut;
	struct scim_provider provider;
	struct scim_list page;
	bool bad, bad_cut;

	if (!len)
		return 0;
	whole = take(data + 1, len - 1, len, &bad);
	cut = take(data + 1, len - 1, data[0] % 31 + 1, &bad_cut);
	if (bad != bad_cut || (whole && !json_object_equal(whole, cut)))
		abort();
	if (whole) {
		(void)scim_error_text(whole);
		(void)scim_provider_read(whole, &provider);
		if (scim_list_read(whole, &page))
			resolve(&page);
	}
	json_object_put(whole);
	json_object_put(cut);
	return 0;
}
