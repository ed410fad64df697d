// SPDX-License-Identifier: MIT
//
// nsswitch.conf(5); see nsswitch.h.
#include "scimd/ctl/nsswitch.h"
#include "scimd/base/buf.h"
#include "scimd/ctl/program.h"
#include <limits.h>
#include <string.h>
#include <unistd.h>

// The next word of a line; an action in brackets is one.
static const char *switch_word(const char *at, size_t *len_out)
{
	while (*at == ' ' || *at == '\t')
		at++;
	*len_out = *at == '[' ? strcspn(at, "]\n") + 1 : strcspn(at, " \t\n#[");
	return *at == '\0' || *at == '\n' || *at == '#' ? NULL : at;
}

static bool switch_is(const char *word, size_t len, const char *what)
{
	return len == strlen(what) && strncmp(word, what, len) == 0;
}

// An action between the local files and scim that ends the search cuts it off.
enum nsswitch_order nsswitch_order(const char *text, const char *database)
{
	bool files = false, cut = false, found = false;
	size_t len = strlen(database);
	const char *line = text;

	while (line && (strncmp(line, database, len) != 0 || line[len] != ':')) {
		line = strchr(line, '\n');
		line += line != NULL;
	}
	if (!line)
		return NSSWITCH_NO_LINE;
	line += len + 1;
	for (const char *w; (w = switch_word(line, &len)); line = w + len) {
		if (switch_is(w, len, "scim"))
			return !files ? NSSWITCH_FIRST : cut ? NSSWITCH_CUT : NSSWITCH_GOOD;
		files |= switch_is(w, len, "files") || switch_is(w, len, "compat");
		cut |= *w == '[' && memmem(w, len, "return", 6);
		found = true;
	}
	return found ? NSSWITCH_NO_SCIM : NSSWITCH_NO_LINE;
}

bool nsswitch_foreign(bool *authselect_out)
{
	char to[PATH_MAX];
	ssize_t n = readlink(NSSWITCH, to, sizeof(to) - 1);

	to[n > 0 ? n : 0] = '\0';
	*authselect_out = strstr(to, "authselect/") && program_there("authselect");
	return n >= 0;
}

static int switch_line(const char *line, size_t len, struct buf *out)
{
	static const char *const databases[] = { "passwd", "group" };
	const char *comment = memchr(line, '#', len);
	size_t end = comment ? (size_t)(comment - line) : len;
	bool lacks = false;
	int r;

	for (size_t i = 0; i < 2; i++)
		lacks |= nsswitch_order(line, databases[i]) == NSSWITCH_NO_SCIM &&
			 strncmp(line, databases[i], strlen(databases[i])) == 0;
	if (!lacks)
		return buf_add(out, line, len);
	while (end && (line[end - 1] == ' ' || line[end - 1] == '\t'))
		end--;
	r = buf_add(out, line, end);
	if (r == 0)
		r = buf_str(out, comment ? " scim " : " scim");
	return r < 0 || !comment ? r : buf_add(out, comment, len - (size_t)(comment - line));
}

int nsswitch_add(const char *text, struct buf *out)
{
	int r = 0;

	while (r == 0 && *text) {
		size_t len = strcspn(text, "\n");

		r = switch_line(text, len, out);
		if (r == 0)
			r = buf_chr(out, '\n');
		text += len + (text[len] == '\n');
	}
	return r;
}
