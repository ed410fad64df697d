// SPDX-License-Identifier: MIT
//
// Tables by libsmartcols: the only file that includes it.
#include "scimd/ctl/ctl.h"
#include <libsmartcols.h>
#include <stdlib.h>

struct table_out {
	struct libscols_table *tb;
	size_t columns;
};

struct table_out *table_new(const struct ctl *c, const char *const *columns, size_t n)
{
	struct table_out *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->tb = scols_new_table();
	t->columns = n;
	if (!t->tb) {
		free(t);
		return NULL;
	}
	(void)scols_table_enable_noheadings(t->tb, c->no_legend);
	for (size_t i = 0; i < n; i++)
		(void)scols_table_new_column(t->tb, columns[i], 0, i + 1 == n ? SCOLS_FL_WRAP : 0);
	return t;
}

int table_row(struct table_out *t, const char *const *cells)
{
	struct libscols_line *line = t ? scols_table_new_line(t->tb, NULL) : NULL;

	if (!line)
		return -1;
	for (size_t i = 0; i < t->columns; i++)
		(void)scols_line_set_data(line, i, cells[i] ? cells[i] : "");
	return 0;
}

void table_print(struct table_out *t)
{
	if (!t)
		return;
	(void)scols_print_table(t->tb);
	scols_unref_table(t->tb);
	free(t);
}
