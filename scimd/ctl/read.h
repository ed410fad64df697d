// SPDX-License-Identifier: MIT
//
// What scimctl can say from the image alone.
#ifndef SCIMD_CTL_READ_H
#define SCIMD_CTL_READ_H

#include <stdint.h>

struct ctl;

int read_status(const struct ctl *c); // exit code
int read_verify(const struct ctl *c);
int read_explain(const struct ctl *c, const char *name);

#endif
