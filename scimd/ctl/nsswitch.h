// SPDX-License-Identifier: MIT
//
// nsswitch.conf(5): how scim stands in it, and how it gets there.
#ifndef SCIMD_CTL_NSSWITCH_H
#define SCIMD_CTL_NSSWITCH_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

#define NSSWITCH "/etc/nsswitch.conf"
#define NSSWITCH_MAX ((size_t)256 << 10)

enum nsswitch_order {
	NSSWITCH_GOOD,
	NSSWITCH_NO_LINE, // none for the database, or an empty one
	NSSWITCH_NO_SCIM,
	NSSWITCH_FIRST, // before the local files
	NSSWITCH_CUT,   // behind an action that ends the search
};

// How scim stands in a database's line of such a file.
enum nsswitch_order nsswitch_order(const char *text, const char *database);
// Whether the file is a link: then another program writes it, and what is written to it
// here would be lost. authselect_out: whether that is authselect, and it is there.
bool nsswitch_foreign(bool *authselect_out);
// The file with scim at the end of the lines of passwd and group that lack it; all
// else, comments too, as it is. 0 or -errno of buf.h.
int nsswitch_add(const char *text, struct buf *out);

#endif
