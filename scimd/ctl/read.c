// SPDX-License-Identifier: MIT
//
// The commands that need only the image: lookup and list, and what status and
// explain can say when the daemon is down.
#include "scimd/ctl/read.h"
#include "scimd/base/clock.h"
#include "scimd/ctl/ctl.h"
#include "scimd/image/read.h"
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <scimd/account.h>
#include <scimd/paths.h>
#include <scimd/wire.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READ_BUFFER ((size_t)16 << 20)

static void put(struct json_object *o, const char *key, const char *v)
{
	(void)json_object_object_add(o, key, json_object_new_string(v));
}

static struct json_object *read_user_json(const struct image_found_user *u)
{
	struct json_object *o = ctl_answer();

	put(o, "name", u->name);
	(void)json_object_object_add(o, "uid", json_object_new_int64(u->head.uid));
	(void)json_object_object_add(o, "gid", json_object_new_int64(u->head.gid));
	put(o, "gecos", u->gecos);
	put(o, "home", u->home);
	put(o, "shell", u->shell);
	put(o, "state", account_state_word(u->head.state));
	put(o, "verdict", account_verdict_word(u->head.verdict));
	(void)json_object_object_add(o, "groups", json_object_new_int64(u->head.groups));
	return o;
}

static struct json_object *read_group_json(const struct image_found_group *g)
{
	struct json_object *o = ctl_answer(), *list = json_object_new_array();
	const char *m = g->members;

	put(o, "name", g->name);
	(void)json_object_object_add(o, "gid", json_object_new_int64(g->head.gid));
	for (uint32_t i = 0; i < g->head.members; i++, m += strlen(m) + 1)
		(void)json_object_array_add(list, json_object_new_string(m));
	(void)json_object_object_add(o, "members", list);
	return o;
}

static void read_print_user(const struct image_found_user *u)
{
	(void)printf("%s:%s:%u:%u:%s:%s:%s\n", ctl_safe(u->name), u->passwd, u->head.uid,
		     u->head.gid, ctl_safe(u->gecos), ctl_safe(u->home), ctl_safe(u->shell));
}

static void read_print_group(const struct image_found_group *g)
{
	const char *m = g->members;

	(void)printf("%s:%s:%u:", ctl_safe(g->name), g->passwd, g->head.gid);
	for (uint32_t i = 0; i < g->head.members; i++, m += strlen(m) + 1)
		(void)printf("%s%s", i ? "," : "", m);
	(void)printf("\n");
}

static bool read_number(const char *text, uint32_t *out)
{
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || errno || v > UINT32_MAX)
		return false;
	*out = (uint32_t)v;
	return true;
}

static int read_user(const struct image *im, const char *what, char *buf, size_t len,
		     struct image_found_user *u)
{
	uint32_t id;

	return read_number(what, &id) ? image_user_by_id(im, id, buf, len, u)
				      : image_user_by_name(im, what, buf, len, u);
}

static int read_group(const struct image *im, const char *what, char *buf, size_t len,
		      struct image_found_group *g)
{
	uint32_t id;

	return read_number(what, &id) ? image_group_by_id(im, id, buf, len, g)
				      : image_group_by_name(im, what, buf, len, g);
}

int command_lookup(const struct ctl *c, int argc, char **argv)
{
	struct image_found_group g;
	struct image_found_user u;
	struct image im;
	char *buf;
	int r, found = 0;

	if (argc != 2) {
		(void)fprintf(stderr, "Usage: scimctl lookup NAME|UID\n");
		return WIRE_EXIT_USAGE;
	}
	r = ctl_image(c, &im, true);
	if (r)
		return r;
	buf = malloc(READ_BUFFER);
	if (!buf) {
		image_close(&im);
		return WIRE_EXIT_FAILED;
	}
	if ((r = read_user(&im, argv[1], buf, READ_BUFFER, &u)) == 0) {
		found++;
		if (c->json) {
			struct json_object *o = read_user_json(&u);

			ctl_print_json(o);
			json_object_put(o);
		} else {
			read_print_user(&u);
		}
	}
	if (!found && r == -ENOENT) {
		r = read_group(&im, argv[1], buf, READ_BUFFER, &g);
		if (r == 0) {
			found++;
			if (c->json) {
				struct json_object *o = read_group_json(&g);

				ctl_print_json(o);
				json_object_put(o);
			} else {
				read_print_group(&g);
			}
		}
	}
	free(buf);
	image_close(&im);
	if (found)
		return 0;
	if (r != -ENOENT) {
		(void)fprintf(stderr, "scimctl: the image is damaged\n");
		return WIRE_EXIT_FAILED;
	}
	if (!c->quiet)
		(void)fprintf(stderr,
			      "scimctl: \"%s\": no such user or group; try: scimctl explain %s\n",
			      ctl_safe(argv[1]), ctl_safe(argv[1]));
	return WIRE_EXIT_NOT_FOUND;
}

static int list_users(const struct ctl *c, const struct image *im, char *buf,
		      struct json_object *out)
{
	static const char *const columns[] = {
		"NAME", "UID", "STATE", "LOGIN", "HOME", "FULL NAME"
	};
	struct columns *t = out ? NULL : columns_new(c->no_legend, columns, 6);
	struct image_found_user u;
	uint64_t hint = 0, from = 0, n = 0;
	char uid[16];
	int r;

	while ((r = image_user_next(im, from, &hint, buf, READ_BUFFER, &u)) == 0) {
		from = (uint64_t)u.head.uid + 1;
		if (u.head.flags & IMAGE_HIDDEN)
			continue;
		n++;
		(void)snprintf(uid, sizeof(uid), "%u", u.head.uid);
		if (out)
			(void)json_object_array_add(out, read_user_json(&u));
		else
			(void)columns_row(t, (const char *[]){ u.name, uid,
							       account_state_word(u.head.state),
							       account_verdict_word(u.head.verdict),
							       u.home, u.gecos });
	}
	columns_print(t);
	if (!out && !c->no_legend)
		(void)printf("\n%llu users.\n", (unsigned long long)n);
	return r == -ENOENT ? 0 : WIRE_EXIT_FAILED;
}

static int list_groups(const struct ctl *c, const struct image *im, char *buf,
		       struct json_object *out)
{
	static const char *const columns[] = { "NAME", "GID", "MEMBERS" };
	struct columns *t = out ? NULL : columns_new(c->no_legend, columns, 3);
	struct image_found_group g;
	uint64_t hint = 0, from = 0, n = 0;
	char gid[16], members[16];
	int r;

	while ((r = image_group_next(im, from, &hint, buf, READ_BUFFER, &g)) == 0) {
		from = (uint64_t)g.head.gid + 1;
		n++;
		(void)snprintf(gid, sizeof(gid), "%u", g.head.gid);
		(void)snprintf(members, sizeof(members), "%u", g.head.members);
		if (out)
			(void)json_object_array_add(out, read_group_json(&g));
		else
			(void)columns_row(t, (const char *[]){ g.name, gid, members });
	}
	columns_print(t);
	if (!out && !c->no_legend)
		(void)printf("\n%llu groups.\n", (unsigned long long)n);
	return r == -ENOENT ? 0 : WIRE_EXIT_FAILED;
}

int command_list(const struct ctl *c, int argc, char **argv)
{
	struct json_object *o = NULL, *list = NULL;
	struct image im;
	char *buf;
	bool users;
	int r;

	if (argc != 2 || (strcmp(argv[1], "users") != 0 && strcmp(argv[1], "groups") != 0)) {
		(void)fprintf(stderr, "Usage: scimctl list users|groups\n");
		return WIRE_EXIT_USAGE;
	}
	users = strcmp(argv[1], "users") == 0;
	r = ctl_image(c, &im, true);
	if (r)
		return r;
	buf = malloc(READ_BUFFER);
	if (c->json) {
		o = ctl_answer();
		list = json_object_new_array();
		(void)json_object_object_add(o, argv[1], list);
	}
	r = !buf    ? WIRE_EXIT_FAILED
	    : users ? list_users(c, &im, buf, list)
		    : list_groups(c, &im, buf, list);
	if (r)
		(void)fprintf(stderr,
			      "scimctl: the image is damaged; what stands above is not all\n");
	if (o)
		ctl_print_json(o);
	json_object_put(o);
	free(buf);
	image_close(&im);
	return r;
}

int read_verify(const struct ctl *c)
{
	struct json_object *o;
	struct image im;
	char path[PATH_MAX];
	int r = snprintf(path, sizeof(path), "%s/%s", c->state_dir, SCIMD_IMAGE_NAME) <
				(int)sizeof(path)
			? image_open(&im, path, IMAGE_BY_MAP)
			: -ENAMETOOLONG;

	if (r == 0) {
		r = image_verify(&im);
		if (r == 0 && !c->json)
			(void)printf("%s is whole: generation %llu, %u users, %u groups\n", path,
				     (unsigned long long)im.head.generation, im.head.user_count,
				     im.head.group_count);
		image_close(&im);
	}
	if (c->json) {
		o = ctl_answer();
		(void)json_object_object_add(o, "whole", json_object_new_boolean(r == 0));
		if (r < 0)
			put(o, "problem", r == -EBADMSG ? "it is damaged" : strerror(-r));
		ctl_print_json(o);
		json_object_put(o);
	}
	if (r == 0)
		return 0;
	(void)fprintf(stderr, "scimctl: %s: %s; see: scimctl cache rebuild\n", path,
		      r == -EBADMSG ? "it is damaged" : strerror(-r));
	return WIRE_EXIT_FAILED;
}

// ------------------------------------------------------ with the daemon down

int read_status(const struct ctl *c)
{
	struct image_confirmed conf = { 0 };
	char at[CLOCK_TEXT], ago[CLOCK_TEXT];
	struct image im;
	int r = ctl_image(c, &im, true);

	if (r)
		return r;
	(void)image_confirmed_at(&im, &conf);
	if (c->json) {
		struct json_object *o = ctl_answer();

		put(o, "health", "unknown");
		put(o, "reason", "the daemon is not running; the image still answers");
		(void)json_object_object_add(o, "generation",
					     json_object_new_int64((int64_t)im.head.generation));
		put(o, "published", clock_format(at, im.head.published));
		if (conf.wall)
			put(o, "confirmed", clock_format(at, conf.wall));
		(void)json_object_object_add(o, "users", json_object_new_int64(im.head.user_count));
		(void)json_object_object_add(o, "active",
					     json_object_new_int64(im.head.active_count));
		(void)json_object_object_add(o, "groups",
					     json_object_new_int64(im.head.group_count));
		ctl_print_json(o);
		json_object_put(o);
	} else {
		(void)printf("unknown: the daemon is not running; the image still answers\n");
		(void)printf("  image      generation %llu, published %s\n",
			     (unsigned long long)im.head.generation,
			     clock_format(at, im.head.published));
		if (conf.wall)
			(void)printf("  confirmed  %s ago\n",
				     clock_ago(ago, clock_wall() - conf.wall));
		(void)printf("  people     %u active, %u records, %u groups\n",
			     im.head.active_count, im.head.user_count, im.head.group_count);
	}
	image_close(&im);
	return WIRE_EXIT_UNREACHABLE;
}

static void read_explain_user(const struct ctl *c, const struct image_found_user *u)
{
	if (c->json) {
		struct json_object *o = read_user_json(u);

		ctl_print_json(o);
		json_object_put(o);
		return;
	}
	(void)printf("%s: %s, login: %s (from the image; attributes and reasons for refusals need "
		     "the daemon)\n",
		     ctl_safe(u->name), account_state_word(u->head.state),
		     account_verdict_word(u->head.verdict));
}

static void read_explain_group(const struct ctl *c, const struct image_found_group *g)
{
	if (c->json) {
		struct json_object *o = read_group_json(g);

		ctl_print_json(o);
		json_object_put(o);
		return;
	}
	(void)printf("%s: a group of %u members (from the image; attributes and reasons for "
		     "refusals need the daemon)\n",
		     ctl_safe(g->name), g->head.members);
}

int read_explain(const struct ctl *c, const char *name)
{
	struct image_found_user u;
	struct image_found_group g;
	struct image im;
	char *buf;
	int r = ctl_image(c, &im, true);

	if (r)
		return r;
	buf = malloc(READ_BUFFER);
	r = buf ? read_user(&im, name, buf, READ_BUFFER, &u) : -ENOMEM;
	if (r == 0) {
		read_explain_user(c, &u);
	} else if (r == -ENOENT && (r = read_group(&im, name, buf, READ_BUFFER, &g)) == 0) {
		u.head.verdict = VERDICT_ALLOW;
		read_explain_group(c, &g);
	} else {
		(void)fprintf(stderr, "scimctl: \"%s\" is not in the image; why needs the daemon\n",
			      ctl_safe(name));
	}
	r = r == 0         ? (u.head.verdict == VERDICT_DENY ? WIRE_EXIT_DENIED : 0)
	    : r == -ENOENT ? WIRE_EXIT_NOT_FOUND
			   : WIRE_EXIT_FAILED;
	free(buf);
	image_close(&im);
	return r;
}
