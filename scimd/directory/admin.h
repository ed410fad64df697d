// SPDX-License-Identifier: MIT
//
// The command line of scim-directory: a row per command in admin.c. Commands work
// on the store itself, on the same code path as HTTP, beside a running server.
#ifndef SCIMD_DIRECTORY_ADMIN_H
#define SCIMD_DIRECTORY_ADMIN_H

// Exit codes as in scimd/wire.h.
int admin_main(int argc, char **argv);

#endif
