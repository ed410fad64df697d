// SPDX-License-Identifier: MIT
//
// Writing one record into the image under construction. What is written was
// checked before (source.c), and the room for it was reckoned from above.

#include "scimd/image/build.h"
#include "scimd/image/record.h"
#include "scimd/image/write.h"

#include <string.h>

static uint16_t put_text(unsigned char *strings, size_t *len, const char *s)
{
	size_t n = strlen(s) + 1, at = *len;

	memcpy(strings + at, s, n);
	*len += n;
	return (uint16_t)at;
}

static uint16_t put_groups(unsigned char *tail, const struct image_user_source *u)
{
	uint32_t *ids = (uint32_t *)(void *)tail, n = 0;

	if (u->group_count > 0)
		memcpy(ids, u->groups, u->group_count * sizeof(*ids));
	image_order_ids(ids, u->group_count);
	for (uint32_t i = 0; i < u->group_count; i++)
		if (ids[i] != u->gid && (n == 0 || ids[n - 1] != ids[i]))
			ids[n++] = ids[i];
	memset(ids + n, 0, (u->group_count - n) * sizeof(*ids));
	return (uint16_t)n;
}

uint64_t image_put_user(unsigned char *data, uint64_t seed, uint64_t at,
			const struct image_user_source *u)
{
	struct image_user head = { 0 };
	unsigned char *record = data + at, *strings = record + sizeof(head), *tail;
	size_t len = 0, keys;

	put_text(strings, &len, u->name);
	head.at_passwd = (uint8_t)put_text(strings, &len, u->passwd);
	head.at_gecos = put_text(strings, &len, u->gecos);
	head.at_home = put_text(strings, &len, u->home);
	head.at_shell = put_text(strings, &len, u->shell);
	head.strings = (uint16_t)len;
	head.uid = u->uid;
	head.gid = u->gid;
	head.state = u->state;
	head.verdict = u->verdict;
	head.rule = u->rule;
	head.flags = u->flags;
	tail = record + image_tail_at(&head);
	head.groups = put_groups(tail, u);
	keys = 4 * (size_t)head.groups;
	for (uint32_t i = 0; i < u->key_count; i++) {
		size_t n = strlen(u->keys[i]) + 1;

		memcpy(tail + keys, u->keys[i], n);
		keys += n;
	}
	head.keys = (uint32_t)(keys - 4 * (size_t)head.groups);
	head.check_tail = image_check(seed ^ at, tail, keys);
	memcpy(record, &head, sizeof(head));
	head.check = image_check(seed ^ at, record + 4, sizeof(head) + len - 4);
	memcpy(record, &head.check, sizeof(head.check));
	return image_user_length(&head);
}

uint64_t image_put_group(unsigned char *data, uint64_t seed, uint64_t at,
			 const struct image_group_source *g, struct image_members *m)
{
	struct image_group head = { .gid = g->gid };
	unsigned char *record = data + at, *strings = record + sizeof(head);
	size_t len = 0;

	put_text(strings, &len, g->name);
	put_text(strings, &len, "*");
	head.at_members = (uint16_t)len;
	m->mark++;
	for (uint32_t i = 0; i < g->member_count; i++) {
		uint32_t user = g->members[i];

		if (m->seen[user] == m->mark)
			continue;
		m->seen[user] = m->mark;
		memcpy(strings + len, m->users[user].name, m->name_len[user] + 1u);
		len += m->name_len[user] + 1u;
		head.members++;
	}
	head.strings = (uint32_t)len;
	head.length = (uint32_t)image_round(sizeof(head) + len, 8);
	memcpy(record, &head, sizeof(head));
	head.check = image_check(seed ^ at, record + 4, sizeof(head) + len - 4);
	memcpy(record, &head.check, sizeof(head.check));
	return head.length;
}
