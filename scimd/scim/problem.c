// SPDX-License-Identifier: MIT
//
// What a request got wrong; see problem.h.
#include "scimd/scim/problem.h"
#include "scimd/scim/text.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PROBLEM_URN "urn:ietf:params:scim:api:messages:2.0:Error"

// Copies what is legal and spells the rest; never cuts inside a character.
static void problem_clean(char *out, size_t room, const char *text)
{
	size_t n = 0, len = strlen(text), step;

	for (size_t i = 0; i < len; i += step) {
		unsigned char c = (unsigned char)text[i];

		step = scim_text_char(text + i, len - i);
		if (step && c >= 0x20 && c != 0x7f) {
			if (n + step >= room)
				break;
			memcpy(out + n, text + i, step);
			n += step;
			continue;
		}
		step = 1;
		if (n + 4 >= room)
			break;
		n += (size_t)snprintf(out + n, room - n, "\\x%02x", c);
	}
	out[n] = '\0';
}

int scim_problem(struct scim_problem *p, int status, const char *scim_type, const char *fmt, ...)
{
	char raw[sizeof(p->detail)];
	va_list ap;

	if (!p)
		return -EINVAL;
	p->status = status;
	p->scim_type = scim_type;
	va_start(ap, fmt);
	(void)vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	problem_clean(p->detail, sizeof(p->detail), raw);
	return -EINVAL;
}

int scim_problem_memory(struct scim_problem *p)
{
	(void)scim_problem(p, 500, NULL, "out of memory");
	return -ENOMEM;
}

struct json_object *scim_problem_json(const struct scim_problem *p)
{
	struct json_object *o = json_object_new_object(), *schemas = json_object_new_array();
	char status[16];
	int r;

	(void)snprintf(status, sizeof(status), "%d", p->status);
	r = schemas ? json_object_array_add(schemas, json_object_new_string(PROBLEM_URN)) : -1;
	r |= o ? json_object_object_add(o, "schemas", schemas) : -1;
	if (r < 0) {
		json_object_put(schemas);
		json_object_put(o);
		return NULL;
	}
	r = json_object_object_add(o, "status", json_object_new_string(status));
	if (p->scim_type)
		r |= json_object_object_add(o, "scimType", json_object_new_string(p->scim_type));
	r |= json_object_object_add(o, "detail", json_object_new_string(p->detail));
	if (r < 0) {
		json_object_put(o);
		return NULL;
	}
	return o;
}
