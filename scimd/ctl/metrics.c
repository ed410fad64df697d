// SPDX-License-Identifier: MIT
//
// scimctl metrics: OpenMetrics text of what the daemon and the image tell. The names
// are in metrics_table.c. Without the daemon there is what the image knows.
#include "scimd/ctl/metrics.h"
#include "scimd/base/buf.h"
#include "scimd/base/clock.h"
#include "scimd/base/fail.h"
#include "scimd/base/file.h"
#include "scimd/ctl/ctl.h"
#include "scimd/image/read.h"
#include <json-c/json.h>
#include <scimd/account.h>
#include <scimd/image.h>
#include <scimd/wire.h>
#include <stdio.h>
#include <string.h>

static void put_int(struct json_object *o, const char *key, int64_t v)
{
	(void)json_object_object_add(o, key, json_object_new_int64(v));
}

static void put_seconds(struct json_object *o, const char *key, int64_t ms)
{
	(void)json_object_object_add(o, key, json_object_new_double((double)ms / 1000));
}

// ---------------------------------------------------------------- gathering

// Only where the daemon does not say it: this reads every record.
static void metrics_people(struct json_object *o, const struct image *im)
{
	struct image_found_user u;
	uint64_t from = 0, hint = 0;
	int64_t users = 0, allowed = 0;

	while (image_user_next(im, from, &hint, NULL, 0, &u) == 0) {
		from = (uint64_t)u.head.uid + 1;
		users += u.head.state == ACCOUNT_ACTIVE || u.head.state == ACCOUNT_DISABLED;
		allowed += u.head.state == ACCOUNT_ACTIVE && u.head.verdict != VERDICT_DENY;
	}
	put_int(o, "users", users);
	put_int(o, "active", im->head.active_count);
	put_int(o, "allowed", allowed);
	put_int(o, "groups", im->head.group_count);
}

static void metrics_image(struct json_object *o, const struct ctl *c)
{
	struct image_confirmed conf = { 0 };
	int64_t now = clock_wall();
	struct image im;
	bool there = ctl_image(c, &im, false) == 0;

	put_int(o, "image", there);
	if (!there)
		return;
	put_int(o, "generation", (int64_t)im.head.generation);
	put_int(o, "image_bytes", (int64_t)im.size);
	put_seconds(o, "image_age", now - im.head.published);
	if (image_confirmed_at(&im, &conf) == 0 && conf.wall)
		put_seconds(o, "confirmed_age", now - conf.wall);
	put_int(o, "stale_warn", im.head.stale_warn);
	put_int(o, "stale_deny", im.head.stale_deny);
	if (!ctl_member(o, "users"))
		metrics_people(o, &im);
	image_close(&im);
}

static int metrics_gather(const struct ctl *c, struct json_object **out)
{
	struct json_object *o = NULL;
	int r = ctl_ask(c, ctl_request("metrics"), false, NULL, &o);

	if (r && r != WIRE_EXIT_UNREACHABLE)
		return r;
	if (!o)
		o = ctl_answer();
	put_int(o, "up", r == 0);
	put_int(o, "build", 1);
	(void)json_object_object_add(o, "version", json_object_new_string(PACKAGE_VERSION));
	metrics_image(o, c);
	*out = o;
	return 0;
}

// ------------------------------------------------------------------- writing

// What a label may not have as it stands is escaped.
static void metrics_value(struct buf *b, const char *v)
{
	for (; *v; v++)
		if (*v == '\n')
			(void)buf_str(b, "\\n");
		else if (*v == '"' || *v == '\\')
			(void)buf_printf(b, "\\%c", *v);
		else
			(void)buf_chr(b, *v);
}

static void metrics_labels(struct buf *b, const char *labels, struct json_object *o)
{
	for (const char *p = labels; *p;) {
		size_t n = strcspn(p, " ");
		char key[32];

		(void)snprintf(key, sizeof(key), "%.*s", (int)n, p);
		(void)buf_printf(b, "%s%s=\"", p == labels ? "{" : ",", key);
		metrics_value(b, ctl_str(o, key));
		(void)buf_chr(b, '"');
		p += n + (p[n] == ' ');
		if (!*p)
			(void)buf_chr(b, '}');
	}
}

// Whatever the locale: seconds with three digits, all else whole.
static void metrics_number(struct buf *b, struct json_object *v)
{
	long long ms;

	if (!json_object_is_type(v, json_type_double)) {
		(void)buf_printf(b, " %lld\n", (long long)json_object_get_int64(v));
		return;
	}
	ms = (long long)(json_object_get_double(v) * 1000 + 0.5);
	if (ms < 0) // a clock that was set back
		ms = 0;
	(void)buf_printf(b, " %lld.%03lld\n", ms / 1000, ms % 1000);
}

static void metrics_sample(struct buf *b, const struct metric *m, const char *end,
			   struct json_object *o, struct json_object *v)
{
	(void)buf_printf(b, "%s%s", m->name, end);
	metrics_labels(b, m->labels, o);
	metrics_number(b, v);
}

static void metrics_one(struct buf *b, const struct metric *m, struct json_object *o)
{
	struct json_object *v = ctl_member(o, m->key);

	if (!v)
		return;
	if (m->type == METRIC_SUMMARY) {
		metrics_sample(b, m, "_count", o, ctl_member(v, "count"));
		metrics_sample(b, m, "_sum", o, ctl_member(v, "sum"));
	} else {
		metrics_sample(b, m, m->type == METRIC_COUNTER ? "_total" : "", o, v);
	}
}

static const char *const types[] = { "gauge", "counter", "summary" };

static void metrics_family(struct buf *out, const struct metric *m, struct json_object *o)
{
	struct json_object *list = m->list ? ctl_member(o, m->list) : NULL;
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < ctl_length(list); i++)
		metrics_one(&b, m, json_object_array_get_idx(list, i));
	if (!m->list)
		metrics_one(&b, m, o);
	if (b.len) { // a family without a value is not told of
		(void)buf_printf(out, "# TYPE %s %s\n", m->name, types[m->type]);
		if (*m->unit)
			(void)buf_printf(out, "# UNIT %s %s\n", m->name, m->unit);
		(void)buf_printf(out, "# HELP %s %s\n%s", m->name, m->help, buf_text(&b));
	}
	if (!buf_ok(&b))
		out->broken = true;
	buf_free(&b);
}

// ------------------------------------------------------------------- command

static int metrics_names(void)
{
	for (size_t i = 0; i < metric_count; i++)
		(void)printf("%s%s\t%s\t%s\n", metrics[i].name,
			     metrics[i].type == METRIC_COUNTER ? "_total" : "",
			     types[metrics[i].type], metrics[i].help);
	return 0;
}

static int metrics_write(const char *path, const struct buf *b)
{
	struct fail f = { "" };

	if (!path)
		return fwrite(b->data, 1, b->len, stdout) == b->len && fflush(stdout) == 0
			       ? 0
			       : WIRE_EXIT_FAILED;
	if (file_replace(path, b->data, b->len, 0644, &f) == 0)
		return 0;
	(void)fprintf(stderr, "scimctl: %s\n", f.text);
	return WIRE_EXIT_FAILED;
}

int command_metrics(const struct ctl *c, int argc, char **argv)
{
	static const struct ctl_option options[] = { { "output", "output", true, false },
						     { "names", "names", false, false },
						     { 0 } };
	struct json_object *said = json_object_new_object(), *o = NULL;
	struct buf b = BUF_INIT;
	int r = ctl_options(argc, argv, options, said);

	if (r)
		return r;
	r = ctl_true(said, "names") ? metrics_names() : metrics_gather(c, &o);
	if (o && c->json) {
		ctl_print_json(o);
	} else if (o) {
		for (size_t i = 0; i < metric_count; i++)
			metrics_family(&b, &metrics[i], o);
		(void)buf_str(&b, "# EOF\n");
		r = buf_ok(&b) ? metrics_write(ctl_member(said, "output") ? ctl_str(said, "output")
									  : NULL,
					       &b)
			       : WIRE_EXIT_FAILED;
	}
	json_object_put(said);
	json_object_put(o);
	buf_free(&b);
	return r;
}
