// SPDX-License-Identifier: MIT
//
// Tables for people: columns are given by name, cells by text. What would steer a
// terminal is escaped. The only place that knows libsmartcols.
#ifndef SCIMD_BASE_COLUMNS_H
#define SCIMD_BASE_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

struct columns;

struct columns *columns_new(bool no_legend, const char *const *names, size_t n); // or NULL
int columns_row(struct columns *t, const char *const *cells);                    // t NULL: -1
void columns_print(struct columns *t); // and frees; takes NULL

#endif
