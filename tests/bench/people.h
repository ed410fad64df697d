// SPDX-License-Identifier: MIT
//
// Made-up people for benchmarks and tests: number i has one name and one uid,
// so that whoever asks needs no list. Eight-byte names, five groups each.
#ifndef TESTS_PEOPLE_H
#define TESTS_PEOPLE_H

#include "scimd/image/write.h"

#include <scimd/account.h>
#include <scimd/image.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define PEOPLE_GROUPS 5
#define PEOPLE_FIRST 1879048192u
#define PEOPLE_FIRST_GROUP 2000000000u

struct people {
	struct image_source source;
	char *text; // all strings
};

static inline void people_name(char out[16], uint32_t i)
{
	snprintf(out, 16, "u%07u", i % 10000000);
}

static inline uint32_t people_uid(uint32_t i)
{
	return PEOPLE_FIRST + 7 * i;
}

static inline void people_group_name(char out[16], uint32_t i)
{
	snprintf(out, 16, "g%07u", i % 10000000);
}

static inline void *people_room(size_t n, size_t size)
{
	void *p = calloc(n + 1, size);

	if (!p)
		abort();
	return p;
}

// Groups get users / groups * 5 members each, spread over all users.
static inline void people_make(struct people *p, uint32_t users, uint32_t groups)
{
	struct image_user_source *u = people_room(users, sizeof(*u));
	struct image_group_source *g = people_room(groups, sizeof(*g));
	uint32_t *gids = people_room((size_t)users * PEOPLE_GROUPS, sizeof(*gids));
	uint32_t *members = people_room((size_t)users * PEOPLE_GROUPS, sizeof(*members));
	uint32_t *used = people_room(groups, sizeof(*used));
	char *text = p->text = people_room((size_t)users + groups, 80);
	uint32_t per = groups ? (uint32_t)((uint64_t)users * PEOPLE_GROUPS / groups) : 0;

	for (uint32_t i = 0; i < groups; i++) {
		people_group_name(text, i);
		g[i] = (struct image_group_source){ .name = text,
						    .gid = PEOPLE_FIRST_GROUP + i,
						    .members = members + (size_t)i * per };
		text += 16;
	}
	for (uint32_t i = 0; i < users; i++) {
		char *name = text, *gecos = text + 16, *home = text + 48;

		people_name(name, i);
		snprintf(gecos, 32, "Person %0*u", 8 + (int)(i % 6), i);
		snprintf(home, 32, "/home/%s", name);
		text += 80;
		u[i] = (struct image_user_source){ .name = name,
						   .passwd = "*",
						   .gecos = gecos,
						   .home = home,
						   .shell = "/bin/bash",
						   .uid = people_uid(i),
						   .gid = people_uid(i),
						   .groups = gids + (size_t)i * PEOPLE_GROUPS,
						   .state = ACCOUNT_ACTIVE,
						   .verdict = VERDICT_ALLOW,
						   .rule = RULE_ALLOW,
						   .flags = IMAGE_PRIVATE_GROUP };
		for (uint32_t k = 0; groups && k < PEOPLE_GROUPS; k++) {
			uint32_t at = (uint32_t)(((uint64_t)i * PEOPLE_GROUPS + k) % groups);

			gids[(size_t)i * PEOPLE_GROUPS + u[i].group_count++] = g[at].gid;
			if (used[at] < per)
				members[(size_t)at * per + used[at]++] = i;
		}
	}
	for (uint32_t i = 0; i < groups; i++)
		g[i].member_count = used[i];
	free(used);
	p->source = (struct image_source){ .users = u,
					   .user_count = users,
					   .groups = g,
					   .group_count = groups,
					   .policy_flags = IMAGE_POLICY_STATED };
}

static inline void people_free(struct people *p)
{
	if (p->source.user_count)
		free((void *)(uintptr_t)p->source.users[0].groups);
	if (p->source.group_count)
		free((void *)(uintptr_t)p->source.groups[0].members);
	free((void *)(uintptr_t)p->source.users);
	free((void *)(uintptr_t)p->source.groups);
	free(p->text);
}

#endif
