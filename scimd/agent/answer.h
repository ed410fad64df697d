// SPDX-License-Identifier: MIT
//
// Making the objects that the control socket answers with. What there is no memory for
// is left out; the process ends first (scimd/base/memory.c).
#ifndef SCIMD_AGENT_ANSWER_H
#define SCIMD_AGENT_ANSWER_H

#include <json-c/json.h>
#include <stdint.h>

struct json_object *answer_new(void);                                           // {"schema": 1}
void answer_put(struct json_object *o, const char *key, struct json_object *v); // v is taken over
void answer_str(struct json_object *o, const char *key, const char *v);         // NULL: null
void answer_int(struct json_object *o, const char *key, int64_t v);
void answer_time(struct json_object *o, const char *key, int64_t ms); // 0: null

#endif
