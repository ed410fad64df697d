// SPDX-License-Identifier: MIT
//
// Tables by libsmartcols; see columns.h.
#include "scimd/base/columns.h"
#include <libsmartcols.h>
#include <locale.h>
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

// How wide a letter is, and whether the terminal can show it, are the user's locale's to
// say, and only here: everywhere else it would change what strcasecmp takes for the same
// (in Turkish, I and i are two letters).
void columns_print(struct columns *t)
{
	locale_t own, before = (locale_t)0;

	if (!t)
		return;
	own = newlocale(LC_CTYPE_MASK, "", (locale_t)0); // none: ASCII, the rest escaped
	if (own)
		before = uselocale(own);
	(void)scols_print_table(t->tb);
	if (own) {
		(void)uselocale(before);
		freelocale(own);
	}
	scols_unref_table(t->tb);
	free(t);
}
