// SPDX-License-Identifier: MIT
//
// The sentence that goes with an errno; see fail.h.
#include "scimd/base/fail.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int fail(struct fail *f, int err, const char *fmt, ...)
{
	va_list ap;

	if (f) {
		va_start(ap, fmt);
		if (vsnprintf(f->text, sizeof(f->text), fmt, ap) < 0)
			f->text[0] = '\0';
		va_end(ap);
	}
	return -err;
}

int fail_in(struct fail *f, int r, const char *fmt, ...)
{
	char before[sizeof(f->text)];
	va_list ap;
	int n;

	if (!f)
		return r;
	memcpy(before, f->text, sizeof(before));
	va_start(ap, fmt);
	n = vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n + 3 > sizeof(f->text))
		return r;
	(void)snprintf(f->text + n, sizeof(f->text) - (size_t)n, ": %s",
		       before[0] ? before : fail_word(r));
	return r;
}

const char *fail_word(int r)
{
	switch (-r) {
	case 0:
		return "no error";
	case EBADMSG:
		return "damaged";
	case ESTALE:
		return "written by another version";
	case EPROTO:
		return "the server's answer makes no sense";
	case ECANCELED:
		return "held back";
	default:
		return strerror(-r);
	}
}
