// SPDX-License-Identifier: MIT
//
// scimctl config: what the files say, checked and printed. Needs no daemon.
#include "scimd/agent/config.h"
#include "scimd/base/fail.h"
#include "scimd/ctl/ctl.h"
#include <json-c/json.h>
#include <scimd/paths.h>
#include <scimd/wire.h>
#include <stdio.h>
#include <string.h>

static void put(struct json_object *o, const char *key, const char *v)
{
	(void)json_object_object_add(o, key, v ? json_object_new_string(v) : NULL);
}

static struct json_object *list_in(struct json_object *o, const char *key)
{
	struct json_object *list = json_object_new_array();

	(void)json_object_object_add(o, key, list);
	return list;
}

static void finish(struct json_object *o)
{
	ctl_print_json(o);
	json_object_put(o);
}

static void config_options(const struct ctl *c)
{
	struct json_object *o = ctl_answer(), *list = list_in(o, "options");
	const char *name, *section, *otherwise, *help;

	for (size_t i = 0; (name = config_option(i, &section, &otherwise, &help)); i++) {
		struct json_object *x = json_object_new_object();

		put(x, "section", section);
		put(x, "name", name);
		put(x, "default", otherwise);
		put(x, "help", help);
		(void)json_object_array_add(list, x);
		if (!c->json)
			(void)printf("%s\t%s\t%s\t%s\n", section, name, otherwise ? otherwise : "",
				     help);
	}
	if (c->json)
		finish(o);
	else
		json_object_put(o);
}

static int config_complaints(const struct ctl *c, const char *text)
{
	struct json_object *o = ctl_answer(), *list = list_in(o, "problems");

	for (const char *at = text; *at;) {
		size_t n = strcspn(at, "\n");

		(void)json_object_array_add(list, json_object_new_string_len(at, (int)n));
		at += n + (at[n] == '\n');
	}
	if (c->json)
		ctl_print_json(o);
	else
		(void)fprintf(stderr, "%s\n", text);
	json_object_put(o);
	return WIRE_EXIT_FAILED;
}

static void config_json(const struct config *conf)
{
	struct json_object *o = ctl_answer(), *list = list_in(o, "settings");

	for (size_t i = 0; i < conf->value_count; i++) {
		const struct config_value *v = &conf->values[i];
		struct json_object *x = json_object_new_object();

		put(x, "section", v->section);
		put(x, "name", v->name);
		put(x, "value", v->value);
		put(x, "file", v->file);
		if (v->file)
			(void)json_object_object_add(x, "line", json_object_new_int64(v->line));
		if (v->overridden)
			put(x, "instead_of", v->overridden);
		(void)json_object_array_add(list, x);
	}
	finish(o);
}

int command_config(const struct ctl *c, int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "", *file = NULL;
	bool sources = false, usage = false;
	struct config *conf;
	struct fail f = { "" };

	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--sources") == 0)
			sources = true;
		else if (argv[i][0] == '-' || file)
			usage = true;
		else
			file = argv[i];
	}
	if (usage || (strcmp(what, "options") != 0 && strcmp(what, "check") != 0 &&
		      strcmp(what, "show") != 0)) {
		(void)fprintf(stderr,
			      "Usage: scimctl config check|show|options [--sources] [FILE]\n");
		return WIRE_EXIT_USAGE;
	}
	if (strcmp(what, "options") == 0) {
		config_options(c);
		return 0;
	}
	if (config_load(file, &conf, &f) < 0)
		return config_complaints(c, f.text);
	if (strcmp(what, "show") == 0 && c->json)
		config_json(conf);
	else if (strcmp(what, "show") == 0)
		(void)config_print(conf, sources, stdout);
	else if (c->json)
		(void)config_complaints(c, "");
	else
		(void)printf("%s: no complaints\n", file ? file : SCIMD_CONF);
	config_free(conf);
	return 0;
}
