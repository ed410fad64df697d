// SPDX-License-Identifier: MIT
//
// The accounts of /etc/passwd and /etc/group; see local.h. Lines that do not
// have a name and a number are passed over, as glibc does.
#include "scimd/agent/local.h"
#include "scimd/base/arena.h"
#include "scimd/base/buf.h"
#include "scimd/base/fail.h"
#include "scimd/base/file.h"
#include "scimd/identity/resolve.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LOCAL_FILE_MAX ((size_t)64 << 20)

static size_t local_lines(const char *text)
{
	size_t n = 1;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

// "name:x:1000:…" → name and 1000.
static int local_line(struct arena *a, const char *line, size_t len, const char **name,
		      uint32_t *id)
{
	const char *colon = memchr(line, ':', len), *second, *end;
	unsigned long long v;
	char *stop;

	if (!colon || colon == line || *line == '#' || *line == '+' || *line == '-')
		return 0;
	second = memchr(colon + 1, ':', len - (size_t)(colon + 1 - line));
	if (!second || second[1] < '0' || second[1] > '9')
		return 0;
	errno = 0;
	v = strtoull(second + 1, &stop, 10);
	end = line + len;
	if (errno || stop > end || (stop < end && *stop != ':') || v > UINT32_MAX)
		return 0;
	*name = arena_strn(a, line, (size_t)(colon - line));
	*id = (uint32_t)v;
	return *name ? 1 : -ENOMEM;
}

static int local_file(struct arena *a, const char *path, const char *const **names_out,
		      const uint32_t **ids_out, size_t *count_out, struct fail *f)
{
	struct buf b = BUF_INIT;
	const char **names;
	uint32_t *ids;
	size_t n = 0;
	int r = file_read(path, LOCAL_FILE_MAX, &b, f);

	if (r < 0 && r != -ENOENT)
		goto out;
	names = arena_array(a, local_lines(buf_text(&b)), sizeof(*names));
	ids = arena_array(a, local_lines(buf_text(&b)), sizeof(*ids));
	if (!names || !ids) {
		r = fail(f, ENOMEM, "%s: out of memory", path);
		goto out;
	}
	for (const char *line = buf_text(&b); *line;) {
		size_t len = strcspn(line, "\n");

		r = local_line(a, line, len, &names[n], &ids[n]);
		if (r < 0)
			goto out;
		n += (size_t)r;
		line += len + (line[len] == '\n');
	}
	*names_out = names;
	*ids_out = ids;
	*count_out = n;
	r = 0;
out:
	buf_free(&b);
	return r;
}

int local_read(struct arena *a, const char *passwd, const char *group, struct local_accounts *out,
	       struct fail *f)
{
	int r = local_file(a, passwd, &out->user_names, &out->uids, &out->user_count, f);

	if (r == 0)
		r = local_file(a, group, &out->group_names, &out->gids, &out->group_count, f);
	return r;
}
