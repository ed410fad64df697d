// SPDX-License-Identifier: MIT
//
// What the commands of scimctl share: options, the daemon's ear, tables.
#ifndef SCIMD_CTL_CTL_H
#define SCIMD_CTL_CTL_H

#include "scimd/base/columns.h"
#include <stdbool.h>
#include <stddef.h>

struct image;
struct json_object;

struct ctl {
	bool json, no_legend, quiet, color;
	const char *socket, *state_dir;
	int patience; // seconds that the daemon may be silent, 0 = as long as it likes
};

struct json_object *ctl_answer(void); // {"schema": 1}

// Sends a request (taken over) and waits for the answer; progress frames go to
// `progress`. 0 with *result_out (caller frees), or an exit code of wire.h after
// saying why on standard error; WIRE_EXIT_UNREACHABLE is said only if `say`, and so is
// that no answer came where patience has an end.
int ctl_ask(const struct ctl *c, struct json_object *request, bool say,
	    void (*progress)(const struct ctl *c, struct json_object *p),
	    struct json_object **result_out);
struct json_object *ctl_request(const char *command);

// A command's options, as members of its request; the last row's name is NULL.
struct ctl_option {
	const char *name, *key;
	bool text;  // it takes a text; else it is true where it is given
	bool waits; // whoever gives it wants to see it done
};
#define CTL_OPTIONS_MAX 8
// 0; or WIRE_EXIT_USAGE after saying why, and the request is freed.
int ctl_options(int argc, char **argv, const struct ctl_option *options,
		struct json_object *request);

int ctl_image(const struct ctl *c, struct image *im, bool say); // 0 or an exit code
void ctl_print_json(struct json_object *o);
int ctl_finish(const struct ctl *c, struct json_object *o, int code);   // --json; frees; code
struct json_object *ctl_member(struct json_object *o, const char *key); // or NULL
size_t ctl_length(struct json_object *list);                            // 0 where it is no list
const char *ctl_str(struct json_object *o, const char *key);            // "" if not there
long long ctl_int(struct json_object *o, const char *key);
bool ctl_true(struct json_object *o, const char *key);
// Bytes that would steer a terminal become \xNN. Static storage of eight texts.
const char *ctl_safe(const char *text);

int command_access(const struct ctl *c, int argc, char **argv);
int command_doctor(const struct ctl *c, int argc, char **argv);
int command_setup(const struct ctl *c, int argc, char **argv);
int command_status(const struct ctl *c, int argc, char **argv);
int command_lookup(const struct ctl *c, int argc, char **argv);
int command_list(const struct ctl *c, int argc, char **argv);
int command_explain(const struct ctl *c, int argc, char **argv);
int command_refusals(const struct ctl *c, int argc, char **argv);
int command_sync(const struct ctl *c, int argc, char **argv);
int command_audit(const struct ctl *c, int argc, char **argv);
int command_cache(const struct ctl *c, int argc, char **argv);
int command_config(const struct ctl *c, int argc, char **argv);
int command_check(const struct ctl *c, int argc, char **argv);
int command_lockout(const struct ctl *c, int argc, char **argv);
int command_evidence(const struct ctl *c, int argc, char **argv);
int command_metrics(const struct ctl *c, int argc, char **argv);
int command_reload(const struct ctl *c, int argc, char **argv);

#endif
