// SPDX-License-Identifier: MIT
//
// What the admin_*.c files share. A new command is one function, one row in
// admin.c, one paragraph in scim-directory(8).
#ifndef SCIMD_DIRECTORY_ADMIN_INTERNAL_H
#define SCIMD_DIRECTORY_ADMIN_INTERNAL_H

#include "scimd/base/buf.h"
#include "scimd/base/columns.h"
#include "scimd/base/fail.h"
#include "scimd/directory/change.h"
#include "scimd/directory/conf.h"
#include "scimd/directory/db.h"
#include "scimd/directory/token.h"
#include "scimd/scim/problem.h"
#include "scimd/store/store.h"
#include <scimd/wire.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct admin_command;
struct json_object;

// Those that a command takes stand in its row's `args`.
enum admin_option {
	ADMIN_CONFIG,
	ADMIN_HELP,
	ADMIN_VERSION,
	ADMIN_JSON,
	ADMIN_NO_LEGEND,
	ADMIN_QUIET,
	ADMIN_ANYWHERE, // those before it stand beside every command
	ADMIN_NAME = ADMIN_ANYWHERE,
	ADMIN_SCOPE,
	ADMIN_EXPIRES,
	ADMIN_DISPLAY,
	ADMIN_EMAIL,
	ADMIN_GIVEN,
	ADMIN_FAMILY,
	ADMIN_UID,
	ADMIN_GID,
	ADMIN_SHELL,
	ADMIN_HOME,
	ADMIN_KEY,
	ADMIN_EXTERNAL_ID,
	ADMIN_INACTIVE,
	ADMIN_MEMBER,
	ADMIN_SINCE,
	ADMIN_USER,
	ADMIN_VERIFY,
	ADMIN_OPTIONS
};

#define ADMIN_MANY 1000 // --key, --member: as often as one likes

struct admin {
	struct directory_conf *conf;
	struct store *store;
	char actor[80];                    // "local: USER"
	const char *option[ADMIN_OPTIONS]; // NULL: not given; "" for those without a value
	const char *many[ADMIN_MANY];
	size_t many_count;
	const struct admin_command *command;
	char **args;
	int count;
	bool vital; // must not fail for want of room on the disk
	// of the transaction that runs:
	struct scim_problem problem;
	struct buf out;
	char secret[TOKEN_TEXT];
};

struct admin_command {
	const char *words, *args, *help; // words: "token create"
	int least, most;                 // arguments
	int (*run)(struct admin *a);     // exit code
};

extern const struct admin_command admin_commands[]; // words NULL at the end

// ------------------------------------------------------------------ helpers
// The usage of the commands that begin with these words, of all when none does.
int admin_usage(FILE *to, int argc, char **argv);
int admin_unknown(int argc, char **argv);    // WIRE_EXIT_USAGE, said with what is near
int admin_fail(int r, const struct fail *f); // says it; the exit code
int admin_wrong(const struct admin *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3))); // WIRE_EXIT_USAGE
int admin_open(struct admin *a);
// fn in a write transaction; 0 or an exit code, said.
int admin_apply(struct admin *a, int (*fn)(struct store_txn *t, void *arg, struct fail *f));
// fn in a view, and what it wrote to a->out printed.
int admin_look(struct admin *a, int (*fn)(struct admin *a, struct store_txn *t, struct fail *f));
struct change admin_change(const struct admin *a);
const char *admin_base(const struct admin *a);
// Adds a member; takes v over. 0 or -ENOMEM.
int admin_put(struct json_object *o, const char *key, struct json_object *v);
int admin_put_text(struct json_object *o, const char *key, const char *text); // NULL: nothing
// A line of JSON at the end of out.
int admin_json_line(struct buf *out, struct json_object *o);
// "posix" and "enterprise" for their URNs, for people.
const char *admin_short(const char *key);
// By name or id: -ENOENT without a sentence.
int admin_find(struct store_txn *t, uint8_t kind, const char *name, struct dir_record *out);

// ------------------------------------------------------------------ commands
int admin_token_create(struct admin *a);
int admin_token_list(struct admin *a);
int admin_token_revoke(struct admin *a);
int admin_add(struct admin *a);
int admin_show(struct admin *a);
int admin_list(struct admin *a);
int admin_able(struct admin *a);
int admin_delete(struct admin *a);
int admin_member(struct admin *a);
int admin_import(struct admin *a);
int admin_export(struct admin *a);
int admin_sample(struct admin *a);
int admin_audit(struct admin *a);
int admin_backup(struct admin *a);
int admin_restore(struct admin *a);

#endif
