// SPDX-License-Identifier: MIT
//
// Text as the protocol takes it; see text.h.
#include "scimd/scim/text.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unicase.h>
#include <uninorm.h>

size_t scim_text_char(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;
	unsigned char low = 0x80, high = 0xbf; // of the second byte
	size_t n;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (len < n || s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

bool scim_text_valid(const char *text, size_t len)
{
	size_t step;

	for (size_t i = 0; i < len; i += step) {
		step = text[i] ? scim_text_char(text + i, len - i) : 0;
		if (!step)
			return false;
	}
	return true;
}

bool scim_text_ascii(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text >= 0x80)
			return false;
	return true;
}

char *scim_text_fold(const char *text)
{
	size_t len;

	// With its NUL, which folds to itself.
	return (char *)u8_casefold((const uint8_t *)text, strlen(text) + 1, NULL, UNINORM_NFC, NULL,
				   &len);
}

int scim_text_order(const char *a, const char *b)
{
	char *x = NULL, *y = NULL;
	int c;

	if (!scim_text_ascii(a) || !scim_text_ascii(b)) {
		x = scim_text_fold(a);
		y = scim_text_fold(b);
	}
	c = x && y ? strcmp(x, y) : strcasecmp(a, b);
	free(x);
	free(y);
	return c;
}
