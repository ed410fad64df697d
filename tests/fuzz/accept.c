// SPDX-License-Identifier: MIT
//
// Bodies of POST and PUT: what is taken is normal, that is, taken again it is the same.
#include "tests/fuzz/fuzz.h"

#include "scimd/scim/accept.h"
#include "scimd/scim/problem.h"
#include "scimd/scim/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct json_object *body = fuzz_json(data, len), *once, *twice;
	struct scim_problem p = { 0 };

	for (int i = 0; body && i < 2; i++) {
		const struct scim_resource_type *t = i ? &scim_type_group : &scim_type_user;

		if (scim_accept(t, body, &once, &p) < 0) {
			if (p.status < 400)
				abort();
			continue;
		}
		if (scim_accept(t, once, &twice, &p) < 0 || !json_object_equal(once, twice))
			abort();
		json_object_put(twice);
		json_object_put(once);
	}
	json_object_put(body);
	return 0;
}
