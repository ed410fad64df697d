// SPDX-License-Identifier: MIT
//
// Tables by libsmartcols; see columns.h.
#include "scimd/base/columns.h"
#include <libsmartcols.h>
#include <stdlib.h>

struct columns {
	struct libscols_table *tb;
	size_t count;
};

struct columns *columns_new(bool no_legend, const char *const *names, size_t n)
{
	struct columns *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->tb = scols_new_table();
	t->count = n;
	if (!t->tb) {
		free(t);
		return NULL;
	}
	(void)scols_table_enable_noheadings(t->tb, no_legend);
	for (size_t i = 0; i < n; i++)
		(void)scols_table_new_column(t->tb, names[i], 0, i + 1 == n ? SCOLS_FL_WRAP : 0);
	return t;
}

int columns_row(struct columns *t, const char *const *cells)
{
	struct libscols_line *line = t ? scols_table_new_line(t->tb, NULL) : NULL;

	if (!line)
		return -1;
	for (size_t i = 0; i < t->count; i++)
		(void)scols_line_set_data(line, i, cells[i] ? cells[i] : "");
	return 0;
}

void columns_print(struct columns *t)
{
	if (!t)
		return;
	(void)scols_print_table(t->tb);
	scols_unref_table(t->tb);
	free(t);
}
