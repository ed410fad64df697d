// SPDX-License-Identifier: MIT
//
// What goes over the sockets as text: the daemon's answers as pam_scim reads them, and
// requests to scim-lockout. Only an answer in the expected form may be taken for a yes.
#include "tests/fuzz/fuzz.h"

#include "pam/answer.h"
#include "scimd/lockout/lockout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = fuzz_text(data, len);
	struct lockout_request rq = { 0 };
	struct json_object *o = fuzz_json(data, len);

	if (answer_ok(text, len) && (!memchr(text, '{', len) || !strstr(text, "true")))
		abort();
	if (answer_live(text, len) != DECIDE_NO_ANSWER && !json_object_is_type(o, json_type_object))
		abort();
	if (request_read(text, len, &rq) && memchr(text, '\0', len))
		abort();
	json_object_put(o);
	free(text);
	return 0;
}
