// SPDX-License-Identifier: MIT
//
// golden FILE…: answers of a directory (a ListResponse, an array, or one resource
// each; names that begin with "groups" are groups) as passwd and group lines,
// then what was refused and why. Prints to standard output.
#include "scimd/scim/message.h"
#include "tests/unit/crowd.h"
#include <stdio.h>

static struct crowd crowd;

static void take(struct json_object *o, uint8_t kind)
{
	int r = crowd_put(&crowd, 0, kind, o);

	if (r < 0)
		(void)printf("unusable: %s\n", json_object_to_json_string(o));
}

static int read_file(const char *path)
{
	const char *slash = strrchr(path, '/');
	uint8_t kind = strncmp(slash ? slash + 1 : path, "groups", 6) == 0 ? RESOURCE_GROUP
									   : RESOURCE_USER;
	struct json_object *o = json_object_from_file(path), *list = o;
	struct scim_list page;

	if (!o) {
		(void)fprintf(stderr, "%s: no JSON\n", path);
		return -1;
	}
	if (scim_list_read(o, &page))
		list = page.resources;
	if (list && json_object_is_type(list, json_type_array))
		for (size_t i = 0; i < json_object_array_length(list); i++)
			take(json_object_array_get_idx(list, i), kind);
	else if (list)
		take(list, kind);
	json_object_put(o);
	return 0;
}

int main(int argc, char **argv)
{
	crowd_open(&crowd, NULL, NULL);
	crowd.rules.override_space = '-';
	for (int i = 1; i < argc; i++)
		if (read_file(argv[i]) < 0)
			return 1;
	crowd_resolve(&crowd);
	for (uint32_t i = 0; i < crowd.out.account_count; i++) {
		const struct account *a = &crowd.out.accounts[i];

		(void)printf("%s:%s:%u:%u:%s:%s:%s\n", a->name, a->passwd, a->uid, a->gid, a->gecos,
			     a->home, a->shell);
		for (uint32_t k = 0; k < a->key_count; k++)
			(void)printf("  key %s\n", a->keys[k]);
		for (uint32_t k = 0; k < a->group_count; k++)
			(void)printf("  group %u\n", a->groups[k]);
	}
	for (uint32_t i = 0; i < crowd.out.group_count; i++)
		(void)printf("%s:*:%u: %u members\n", crowd.out.groups[i].name,
			     crowd.out.groups[i].gid, crowd.out.groups[i].total_members);
	for (uint32_t i = 0; i < crowd.out.refusal_count; i++)
		(void)printf("%s %s: %s\n", crowd.out.refusals[i].warning ? "altered" : "refused",
			     crowd.out.refusals[i].code, crowd.out.refusals[i].text);
	crowd_close(&crowd);
	return 0;
}
