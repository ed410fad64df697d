// SPDX-License-Identifier: MIT
//
// /etc/scim-directory/scim-directory.conf (and conf.d/*.conf), one table row in
// conf.c per setting.
//
// Life: directory_conf_load makes an immutable configuration; directory_conf_free.
#ifndef SCIMD_DIRECTORY_CONF_H
#define SCIMD_DIRECTORY_CONF_H

#include "scimd/base/arena.h"
#include <stddef.h>
#include <stdint.h>

struct fail;
struct store;

#ifndef SCIMD_SYSCONFDIR
#define SCIMD_SYSCONFDIR "/etc"
#endif
#define DIRECTORY_CONF SCIMD_SYSCONFDIR "/scim-directory/scim-directory.conf"

struct directory_conf {
	struct arena arena;
	const char *listen, *tls_cert, *tls_key, *state_dir, *base_path, *url;
	uint32_t body_max;                                      // bytes
	uint32_t connections, request_timeout, event_retention; // the two last in seconds
	uint32_t page_size, page_max;
};

// path NULL: DIRECTORY_CONF, which need not be there. 0; -EINVAL with every
// complaint, a line each; the errno of open.
int directory_conf_load(const char *path, struct directory_conf **out, struct fail *f);
void directory_conf_free(struct directory_conf *c);
// The rows: NULL past the end. Each out may be NULL.
const char *directory_conf_option(size_t i, const char **default_out, const char **help_out);
// Opens the store in state_dir/private, shared with the other programs of the service.
int directory_store(const struct directory_conf *c, struct store **out, struct fail *f);

#endif
