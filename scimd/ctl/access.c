// SPDX-License-Identifier: MIT
//
// scimctl access report: who may log in on this host, for auditors. From the image,
// judged by the same function as pam_scim's (pam/decide.h), so that it needs no
// daemon; where that answers it adds the SCIM ids and since when.
#include "pam/look.h"
#include "scimd/base/arena.h"
#include "scimd/base/clock.h"
#include "scimd/base/table.h"
#include "scimd/ctl/ctl.h"
#include "scimd/ctl/read.h"
#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <limits.h>
#include <scimd/account.h>
#include <scimd/paths.h>
#include <scimd/wire.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ACCESS_BUFFER 4096 // the strings of any user
#define ACCESS_TRIES 3     // an image that is replaced meanwhile is read anew

struct access_row {
	const char *name, *id, *source, *since;
	uint32_t uid, keys;
	uint8_t state, verdict, rule;
	bool may;
	const char *why;
};

struct report {
	const struct ctl *ctl;
	bool all, csv;
	struct arena arena;
	struct access_row *rows;
	size_t count, cap;
	struct table by_uid;
	int64_t age; // seconds, or DECIDE_AGE_UNKNOWN
	char host[256], confirmed[CLOCK_TEXT];
};

static const char *access_rule(uint8_t rule)
{
	static const char *const words[] = { "none",     "allow", "deny",
					     "no-match", "state", "break-glass" };

	return rule < sizeof(words) / sizeof(*words) ? words[rule] : words[0];
}

static const char *access_why(enum decide_reason reason)
{
	static const char *const words[REASONS] = {
		[REASON_LOCAL] = "local account",  [REASON_DISABLED] = "disabled",
		[REASON_DELETED] = "deleted",      [REASON_REFUSED] = "record refused",
		[REASON_POLICY] = "access policy", [REASON_NO_POLICY] = "no access policy",
		[REASON_STALE] = "stale",          [REASON_AGE_UNKNOWN] = "age unknown",
		[REASON_OLD] = "may log in",       [REASON_ALLOWED] = "may log in",
	};

	return reason < REASONS && words[reason] ? words[reason] : "error";
}

// How many keys; 0 where they cannot be read, as sshd gets none either.
static uint32_t access_keys(const struct image *im, const struct image_found_user *u)
{
	uint32_t n = 0;
	char *text = u->head.keys ? malloc(u->head.keys) : NULL;

	if (text && image_user_keys(im, u, text, u->head.keys) == 0)
		for (uint32_t i = 0; i < u->head.keys; i++)
			n += text[i] == '\0';
	free(text);
	return n;
}

static int access_add(struct report *r, const struct image *im, const struct image_found_user *u,
		      struct decide_facts facts)
{
	struct decision d;
	struct access_row *row;

	facts.state = u->head.state;
	facts.verdict = u->head.verdict;
	facts.local = facts.local && look_local(u->name);
	d = decide(&facts);
	if (u->head.state == ACCOUNT_PROBE ||
	    (!r->all && d.result != DECIDE_ALLOW && d.result != DECIDE_WARN))
		return 0;
	if (r->count == r->cap) {
		size_t cap = r->cap ? r->cap * 2 : 1024;
		struct access_row *more = reallocarray(r->rows, cap, sizeof(*more));

		if (!more)
			return -ENOMEM;
		r->rows = more;
		r->cap = cap;
	}
	row = &r->rows[r->count++];
	*row = (struct access_row){ .name = arena_str(&r->arena, u->name),
				    .id = "",
				    .source = "",
				    .since = "",
				    .uid = u->head.uid,
				    .keys = access_keys(im, u),
				    .state = u->head.state,
				    .verdict = u->head.verdict,
				    .rule = u->head.rule,
				    .may = d.result == DECIDE_ALLOW || d.result == DECIDE_WARN,
				    .why = access_why(d.reason) };
	return row->name ? 0 : -ENOMEM;
}

static int access_walk(struct report *r, const struct image *im, const struct decide_facts *facts)
{
	struct image_found_user u;
	uint64_t from = 0, hint = 0;
	char buf[ACCESS_BUFFER];
	int rc;

	r->count = 0;
	while ((rc = image_user_next(im, from, &hint, buf, sizeof(buf), &u)) == 0) {
		from = (uint64_t)u.head.uid + 1;
		rc = access_add(r, im, &u, *facts);
		if (rc < 0)
			return rc;
	}
	return rc == -ENOENT ? 0 : rc;
}

// The probe's record stands in every image; what is true of it but its own state is
// true of everybody.
static int access_read(struct report *r)
{
	struct decide_facts facts = { 0 };
	struct image_confirmed conf = { 0 };
	struct look look;
	struct image im;
	struct stat st;
	char path[PATH_MAX];
	int rc = 0;

	(void)snprintf(path, sizeof(path), "%s/%s", r->ctl->state_dir, SCIMD_IMAGE_NAME);
	look_image_path = path;
	for (int i = 0; i < ACCESS_TRIES; i++) {
		rc = ctl_image(r->ctl, &im, true);
		if (rc)
			return rc;
		look_image(ACCOUNT_PROBE_NAME, &look, &facts, NULL, NULL);
		(void)image_confirmed_at(&im, &conf);
		// Who became local before the image was made is not in it.
		facts.local = stat("/etc/passwd", &st) < 0 ||
			      (int64_t)st.st_ctim.tv_sec * 1000 + 1000 >= im.head.published;
		rc = access_walk(r, &im, &facts);
		if (!image_retired(&im))
			i = ACCESS_TRIES;
		image_close(&im);
	}
	look_image_path = SCIMD_IMAGE;
	r->age = facts.found == DECIDE_KNOWN ? facts.age : DECIDE_AGE_UNKNOWN;
	if (conf.wall)
		(void)clock_format(r->confirmed, conf.wall);
	if (rc < 0)
		(void)fprintf(stderr, "scimctl: the image cannot be read: %s\n",
			      rc == -EBADMSG ? "it is damaged" : strerror(-rc));
	return rc < 0 ? WIRE_EXIT_FAILED : 0;
}

// ----------------------------------------------------------- what the daemon adds

static void access_name(struct report *r, struct json_object *person)
{
	uint32_t uid = (uint32_t)ctl_int(person, "uid");
	uint32_t i = table_get(&r->by_uid, &uid, sizeof(uid));

	if (i == TABLE_NONE)
		return;
	r->rows[i].id = arena_str(&r->arena, ctl_str(person, "id"));
	r->rows[i].source = arena_str(&r->arena, ctl_str(person, "source"));
	r->rows[i].since = arena_str(&r->arena, ctl_str(person, "since"));
	if (!r->rows[i].id || !r->rows[i].source || !r->rows[i].since)
		r->rows[i].id = r->rows[i].source = r->rows[i].since = "";
}

static void access_ids(struct report *r)
{
	struct json_object *request, *o, *list;
	int64_t from = 0;

	if (access(r->ctl->socket, F_OK) < 0 || geteuid() != 0)
		return;
	for (size_t i = 0; i < r->count; i++)
		if (table_put(&r->by_uid, &r->rows[i].uid, sizeof(r->rows[i].uid), (uint32_t)i) < 0)
			return;
	do {
		request = ctl_request("people");
		(void)json_object_object_add(request, "from", json_object_new_int64(from));
		if (ctl_ask(r->ctl, request, false, NULL, &o) != 0)
			return;
		list = ctl_member(o, "people");
		for (size_t i = 0; i < ctl_length(list); i++)
			access_name(r, json_object_array_get_idx(list, i));
		from = ctl_int(o, "next");
		json_object_put(o);
	} while (from);
}

// -------------------------------------------------------------------- printing

static void put(struct json_object *o, const char *key, const char *v)
{
	(void)json_object_object_add(o, key, v && *v ? json_object_new_string(v) : NULL);
}

static void put_int(struct json_object *o, const char *key, int64_t v)
{
	(void)json_object_object_add(o, key, json_object_new_int64(v));
}

static void access_json(const struct report *r)
{
	struct json_object *o = ctl_answer(), *list = json_object_new_array();
	char now[CLOCK_TEXT];

	put(o, "host", r->host);
	put(o, "at", clock_format(now, clock_wall()));
	put(o, "confirmed", r->confirmed);
	if (r->age != DECIDE_AGE_UNKNOWN)
		put_int(o, "age", r->age);
	for (size_t i = 0; i < r->count; i++) {
		const struct access_row *row = &r->rows[i];
		struct json_object *x = json_object_new_object();

		put(x, "name", row->name);
		put_int(x, "uid", row->uid);
		put(x, "id", row->id);
		put(x, "directory", row->source);
		put(x, "state", account_state_word(row->state));
		put(x, "verdict", account_verdict_word(row->verdict));
		put(x, "rule", access_rule(row->rule));
		(void)json_object_object_add(x, "may_log_in", json_object_new_boolean(row->may));
		put(x, "why", row->why);
		put(x, "since", row->since);
		put_int(x, "keys", row->keys);
		(void)json_object_array_add(list, x);
	}
	(void)json_object_object_add(o, "people", list);
	ctl_print_json(o);
	json_object_put(o);
}

// A cell that a spreadsheet would take for a formula gets a quote in front.
static void access_cell(const char *text, char end)
{
	(void)printf("\"%s", *text && strchr("=+-@\t\r", *text) ? "'" : "");
	for (; *text; text++)
		(void)printf(*text == '"' ? "\"%c" : "%c", *text);
	(void)printf("\"%c", end);
}

static void access_csv(const struct report *r)
{
	char age[24] = "", uid[16], keys[16];

	if (r->age != DECIDE_AGE_UNKNOWN)
		(void)snprintf(age, sizeof(age), "%lld", (long long)r->age);
	if (!r->ctl->no_legend)
		(void)printf("host,name,uid,id,directory,state,verdict,rule,may_log_in,why,since,"
			     "keys,confirmed,age\n");
	for (size_t i = 0; i < r->count; i++) {
		const struct access_row *row = &r->rows[i];
		const char *const cells[] = { r->host,
					      row->name,
					      uid,
					      row->id,
					      row->source,
					      account_state_word(row->state),
					      account_verdict_word(row->verdict),
					      access_rule(row->rule),
					      row->may ? "yes" : "no",
					      row->why,
					      row->since,
					      keys,
					      r->confirmed,
					      age };
		size_t n = sizeof(cells) / sizeof(*cells);

		(void)snprintf(uid, sizeof(uid), "%u", row->uid);
		(void)snprintf(keys, sizeof(keys), "%u", row->keys);
		for (size_t k = 0; k < n; k++)
			access_cell(cells[k], k + 1 < n ? ',' : '\n');
	}
}

static void access_table(const struct report *r)
{
	static const char *const names[] = { "NAME",  "UID",  "ID",    "STATE", "RULE",
					     "LOGIN", "KEYS", "SINCE", "WHY" };
	struct columns *t = columns_new(r->ctl->no_legend, names, 9);
	char uid[16], keys[16], ago[CLOCK_TEXT];

	for (size_t i = 0; i < r->count; i++) {
		const struct access_row *row = &r->rows[i];

		(void)snprintf(uid, sizeof(uid), "%u", row->uid);
		(void)snprintf(keys, sizeof(keys), "%u", row->keys);
		(void)columns_row(t, (const char *[]){
					     row->name, uid, row->id,
					     account_state_word(row->state), access_rule(row->rule),
					     row->may ? "yes" : "no", keys, row->since, row->why });
	}
	columns_print(t);
	if (r->ctl->no_legend)
		return;
	(void)printf("\n%zu people%s on %s", r->count, r->all ? "" : " may log in", r->host);
	if (r->age == DECIDE_AGE_UNKNOWN)
		(void)printf("; how old that is, is not known\n");
	else
		(void)printf("; as of %s, %s ago\n", r->confirmed, clock_ago(ago, r->age * 1000));
}

int command_access(const struct ctl *c, int argc, char **argv)
{
	static const struct option options[] = { { "all", no_argument, NULL, 'a' },
						 { "csv", no_argument, NULL, 'c' },
						 { "json", no_argument, NULL, 'j' },
						 { 0 } };
	struct ctl mine = *c;
	struct report r = { .ctl = &mine };
	int ch, code;

	optind = 0;
	while ((ch = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (ch == '?')
			return WIRE_EXIT_USAGE;
		r.all |= ch == 'a';
		r.csv |= ch == 'c';
		mine.json |= ch == 'j';
	}
	if (optind + 1 != argc || strcmp(argv[optind], "report") != 0 || (r.csv && mine.json)) {
		(void)fprintf(stderr, "Usage: scimctl access report [--all] [--csv|--json]\n");
		return WIRE_EXIT_USAGE;
	}
	(void)gethostname(r.host, sizeof(r.host) - 1);
	code = access_read(&r);
	if (code == 0) {
		access_ids(&r);
		(mine.json ? access_json : r.csv ? access_csv : access_table)(&r);
	}
	table_free(&r.by_uid);
	arena_free(&r.arena);
	free(r.rows);
	return code;
}
