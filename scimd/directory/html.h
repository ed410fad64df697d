// SPDX-License-Identifier: MIT
//
// HTML with outside text in it: html_put is the only way for a text into a page, and
// it escapes. A buf that broke stays broken: ask buf_ok once, at the end.
#ifndef SCIMD_DIRECTORY_HTML_H
#define SCIMD_DIRECTORY_HTML_H

#include <stdint.h>

struct buf;

// Appends markup; each '%' in it becomes the next of texts, as text: good between tags and
// in a quoted attribute. Control bytes and what is not UTF-8 become U+FFFD.
void html_put(struct buf *b, const char *markup, const char *const *texts);
void html_number(struct buf *b, uint64_t n);
// <time>2027-01-31 08:15:00</time>; a dash for 0.
void html_time(struct buf *b, int64_t ms);

#endif
