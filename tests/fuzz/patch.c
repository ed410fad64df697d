// SPDX-License-Identifier: MIT
//
// PATCH bodies, on a user and on a group: the target is never changed, and what comes
// out is a resource that is taken as it is.
#include "tests/fuzz/fuzz.h"

#include "scimd/scim/accept.h"
#include "scimd/scim/patch.h"
#include "scimd/scim/problem.h"
#include "scimd/scim/schema.h"

static const char user[] = "{\"userName\":\"ada\",\"active\":true,\"title\":\"Dr\",\"name\":{"
			   "\"givenName\":\"A\"},\"emails\":"
			   "[{\"value\":\"w@x\",\"type\":\"work\",\"primary\":true},{\"value\":\"h@"
			   "x\",\"type\":\"home\"}]}";
static const char group[] = "{\"displayName\":\"g\",\"members\":[{\"value\":\"1\",\"type\":"
			    "\"User\"},{\"value\":\"2\"}]}";

static void patch(const struct scim_resource_type *t, const char *text, struct json_object *body)
{
	struct json_object *in = json_tokener_parse(text), *target = NULL, *out = NULL,
			   *same = NULL;
	struct scim_problem p = { 0 };

	if (scim_accept(t, in, &target, &p) < 0 || json_object_deep_copy(target, &same, NULL) < 0)
		abort();
	if (scim_patch(t, target, body, NULL, &out, &p) == 0) {
		struct json_object *taken = NULL;

		if (scim_accept(t, out, &taken, &p) < 0)
			abort();
		json_object_put(taken);
		json_object_put(out);
	} else if (p.status < 400) {
		abort();
	}
	if (!json_object_equal(same, target))
		abort();
	json_object_put(same);
	json_object_put(target);
	json_object_put(in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct json_object *body = fuzz_json(data, len);

	if (!body)
		return 0;
	patch(&scim_type_user, user, body);
	patch(&scim_type_group, group, body);
	json_object_put(body);
	return 0;
}
