// SPDX-License-Identifier: MIT
//
// Escaping; see html.h.
#include "scimd/directory/html.h"
#include "scimd/base/buf.h"
#include "scimd/base/clock.h"
#include "scimd/scim/text.h"
#include <string.h>

static const char *html_named(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

static void html_text(struct buf *b, const char *text)
{
	for (size_t left = strlen(text), step; left > 0; text += step, left -= step) {
		const char *name = html_named(*text);

		step = scim_text_char(text, left);
		if (name)
			(void)buf_str(b, name);
		else if (step == 0 || (unsigned char)*text < ' ' || *text == 0x7f)
			(void)buf_str(b, "\xef\xbf\xbd");
		else
			(void)buf_add(b, text, step);
		step = step ? step : 1;
	}
}

void html_put(struct buf *b, const char *markup, const char *const *texts)
{
	for (;;) {
		size_t len = strcspn(markup, "%");

		(void)buf_add(b, markup, len);
		if (!markup[len])
			return;
		html_text(b, *texts++);
		markup += len + 1;
	}
}

void html_number(struct buf *b, uint64_t n)
{
	(void)buf_printf(b, "%llu", (unsigned long long)n);
}

void html_time(struct buf *b, int64_t ms)
{
	char at[CLOCK_TEXT], shown[CLOCK_TEXT];

	if (ms == 0) {
		(void)buf_str(b, "\xe2\x80\x93");
		return;
	}
	(void)clock_format(at, ms);
	memcpy(shown, at, sizeof(shown));
	if (strlen(shown) > 19) { // to the second, read more easily without the T
		shown[10] = ' ';
		shown[19] = '\0';
	}
	html_put(b, "<time datetime=\"%\">%</time>", (const char *const[]){ at, shown });
}
