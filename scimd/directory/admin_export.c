// SPDX-License-Identifier: MIT
//
// `export`: a ListResponse, a resource a line, in the order of creation; `import`
// takes it again, ids and numbers included.
#include "scimd/directory/admin_internal.h"
#include "scimd/directory/render.h"
#include "scimd/scim/schema.h"
#include <errno.h>
#include <stdio.h>

static int export_kind(struct admin *a, struct store_txn *t, uint8_t kind, bool *first)
{
	const struct render c = { .base = admin_base(a) };
	struct dir_record rec;
	struct store_bytes v;
	struct store_walk *w;
	int r = store_walk_open(t, dir_of(kind), &w);

	if (r < 0)
		return r;
	for (r = store_walk_seek(w, (struct store_bytes){ "", 0 }, NULL, &v); r == 0;
	     r = r == 0 ? store_walk_next(w, NULL, &v) : r) {
		r = dir_decode(v, &rec);
		if (r == 0)
			r = buf_str(&a->out, *first ? "\n" : ",\n");
		if (r == 0)
			r = render_resource(t, &c, &rec, &a->out);
		*first = false;
		(void)fwrite(a->out.data, 1, a->out.len, stdout);
		buf_clear(&a->out);
	}
	store_walk_close(w);
	return r == -ENOENT ? 0 : r;
}

static int export_all(struct admin *a, struct store_txn *t, struct fail *f)
{
	unsigned long long total = store_count(t, DIR_USER) + store_count(t, DIR_GROUP);
	bool first = true;
	int r;

	(void)f;
	(void)printf("{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:ListResponse\"],"
		     "\"totalResults\":%llu,"
		     "\"Resources\":[",
		     total);
	r = export_kind(a, t, RESOURCE_USER, &first);
	if (r == 0)
		r = export_kind(a, t, RESOURCE_GROUP, &first);
	return r < 0 ? r : buf_str(&a->out, "\n]}\n");
}

int admin_export(struct admin *a)
{
	return admin_look(a, export_all);
}
