// SPDX-License-Identifier: MIT
//
// Members of an answer; see answer.h.
#include "scimd/agent/answer.h"
#include "scimd/base/clock.h"

struct json_object *answer_new(void)
{
	struct json_object *o = json_object_new_object();

	answer_int(o, "schema", 1);
	return o;
}

void answer_put(struct json_object *o, const char *key, struct json_object *v)
{
	(void)json_object_object_add(o, key, v);
}

void answer_str(struct json_object *o, const char *key, const char *v)
{
	answer_put(o, key, v ? json_object_new_string(v) : NULL);
}

void answer_int(struct json_object *o, const char *key, int64_t v)
{
	answer_put(o, key, json_object_new_int64(v));
}

void answer_time(struct json_object *o, const char *key, int64_t ms)
{
	char at[CLOCK_TEXT];

	answer_put(o, key, ms ? json_object_new_string(clock_format(at, ms)) : NULL);
}
