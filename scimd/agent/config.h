// SPDX-License-Identifier: MIT
//
// /etc/scimd/scimd.conf and conf.d/*.conf, read whole and checked before any of
// it is used. One table row in config_rows.c per setting: section, name, type,
// default, range, one line of help; the manual and `config show` print the rows.
//
// Life: config_load makes an immutable struct config (any thread may read it);
// config_free. On a reload the caller keeps the old one if config_load fails.
#ifndef SCIMD_AGENT_CONFIG_H
#define SCIMD_AGENT_CONFIG_H

#include "scimd/base/arena.h"
#include "scimd/identity/map.h"
#include "scimd/identity/resolve.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct fail;
struct scim_filter;

struct config_directory {
	const char *name;
	const char *url;
	const char *token, *token_file;
	const char *client_id, *client_secret, *client_secret_file, *token_url, *scope;
	const char *ca_file, *client_cert, *client_key, *tls_min, *proxy;
	const char *quirks; // comma-separated names of rows of the quirk table, or NULL
	const char *events; // as written: auto or off
	uint32_t page_size;
	uint32_t timeout;               // seconds, per request
	struct map_override *overrides; // [identity] first, this section's after
	size_t override_count;
};

// One value as it was read, for `config show --sources`.
struct config_value {
	const char *section, *name, *value;
	const char *file; // NULL: the default
	unsigned int line;
	const char *overridden; // "FILE:LINE" of the value it replaced, or NULL
};

struct config {
	struct arena arena;
	const char *state_dir, *socket;
	uint32_t interval, full_interval;                        // seconds
	const char *leaver_nss, *group_members, *override_space; // as written; see identity
	const char *allow_text, *deny_text, *break_glass_text;
	struct config_directory *directories;
	size_t directory_count;
	struct identity_rules identity;                 // filters and local_groups included
	struct scim_filter *allow, *deny, *break_glass; // owned; identity points at them
	uint32_t stale_warn, stale_deny;                // seconds, 0 = never
	const char *lockout_policy, *lockout_message, *lockout_socket;
	uint32_t lockout_grace; // seconds
	const char *hook_socket;
	uint32_t hook_timeout, hook_retries; // seconds; tries after the first
	struct config_value *values;         // every setting, in table order per section
	size_t value_count;
};

// path NULL: SCIMD_CONF. Drop-ins are *.conf in conf.d beside the file, in
// lexical order, later files win, dot files ignored. A missing main file is an
// error unless drop-ins exist. On failure f holds every complaint, a line each
// ("file:line: …"), as many as fit, and -EINVAL (or the errno of open) comes back.
int config_load(const char *path, struct config **out, struct fail *f);
void config_free(struct config *c);
// The rows of the table, for the manual and for `scimctl config options`: NULL past
// the end. Each out may be NULL.
const char *config_option(size_t i, const char **section_out, const char **default_out,
			  const char **help_out);
// The whole effective configuration, in a form that config_load takes again; with
// sources, each line ends in a comment line naming file:line or "default".
int config_print(const struct config *c, bool sources, FILE *out);

#endif
