// SPDX-License-Identifier: MIT
//
// The texts of a passwd line, and SSH keys; see text.h.
#include "scimd/identity/text.h"
#include "scimd/base/arena.h"
#include "scimd/base/buf.h"
#include <openssl/evp.h>
#include <scimd/ssh_key.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_GECOS_MAX 512
#define TEXT_PATH_MAX 1024
#define TEXT_KEY_MAX 16384

static bool text_plain(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f || text[i] == ':')
			return false;
	return true;
}

// Valid UTF-8 without overlong forms and surrogates (RFC 3629).
static bool text_utf8(const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + len;

	while (p < end) {
		unsigned int n = *p < 0x80                  ? 0
				 : *p >= 0xc2 && *p <= 0xdf ? 1
				 : (*p & 0xf0) == 0xe0      ? 2
				 : *p >= 0xf0 && *p <= 0xf4 ? 3
							    : 9;

		if (n == 9 || (size_t)(end - p) <= n)
			return false;
		if ((n == 2 && ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f))) ||
		    (n == 3 && ((*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f))))
			return false;
		for (unsigned int i = 1; i <= n; i++)
			if ((p[i] & 0xc0) != 0x80)
				return false;
		p += n + 1;
	}
	return true;
}

bool text_gecos_ok(const char *text, size_t len)
{
	return len <= TEXT_GECOS_MAX && text_plain(text, len) && text_utf8(text, len);
}

static bool text_path_ok(const char *text, size_t len)
{
	if (len < 2 || len > TEXT_PATH_MAX || text[0] != '/' || !text_plain(text, len) ||
	    !text_utf8(text, len))
		return false;
	for (size_t i = 0; i < len; i++) // no "." or ".." as a part
		if (text[i] == '/') {
			size_t n = 0;

			while (i + 1 + n < len && text[i + 1 + n] != '/')
				n++;
			if ((n == 1 && text[i + 1] == '.') ||
			    (n == 2 && text[i + 1] == '.' && text[i + 2] == '.'))
				return false;
		}
	return true;
}

// Homes that are somebody else's, or everybody's.
bool text_home_ok(const char *text, size_t len)
{
	static const char *const refused[] = { "/bin",  "/boot", "/dev", "/etc",  "/lib", "/lib64",
					       "/proc", "/root", "/run", "/sbin", "/sys", "/usr" };
	static const char *const alone[] = { "/",    "/home", "/var", "/tmp",
					     "/opt", "/srv",  "/mnt", "/media" };
	size_t n;

	if (!text_path_ok(text, len))
		return false;
	while (len > 1 && text[len - 1] == '/')
		len--;
	if (memmem(text, len, "//", 2))
		return false;
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		n = strlen(refused[i]);
		if (len >= n && memcmp(text, refused[i], n) == 0 && (len == n || text[n] == '/'))
			return false;
	}
	for (size_t i = 0; i < sizeof(alone) / sizeof(*alone); i++)
		if (len == strlen(alone[i]) && memcmp(text, alone[i], len) == 0)
			return false;
	return true;
}

bool text_shell_ok(const char *text, size_t len)
{
	return text_path_ok(text, len) && !memchr(text, ' ', len) && text[len - 1] != '/';
}

const char *text_home(struct arena *a, const char *template, const char *name, unsigned int uid)
{
	struct buf b = BUF_INIT;
	const char *copy = NULL;
	int r = 0;

	for (const char *p = template; *p && r == 0; p++) {
		if (*p != '%')
			r = buf_chr(&b, *p);
		else if (*++p == 'u')
			r = buf_str(&b, name);
		else if (*p == 'U')
			r = buf_printf(&b, "%u", uid);
		else
			r = buf_chr(&b, '%');
		if (!*p)
			break;
	}
	if (r == 0)
		copy = arena_str(a, buf_text(&b));
	buf_free(&b);
	return copy;
}

const char *text_key(struct arena *a, const char *text, size_t len, const char **why_out)
{
	const char *type, *space, *b64;
	unsigned char *blob = NULL;
	char *again = NULL;
	const char *out = NULL;
	size_t n = 0;
	int got;

	*why_out = "is no bare public key of a known type";
	while (len && (text[len - 1] == '\n' || text[len - 1] == '\r' || text[len - 1] == ' '))
		len--;
	if (len > TEXT_KEY_MAX || memchr(text, '\n', len) || memchr(text, '\0', len) ||
	    !(space = memchr(text, ' ', len)))
		return NULL;
	type = ssh_key_type(text, (size_t)(space - text));
	if (!type)
		return NULL;
	b64 = space + 1;
	while (b64 + n < text + len && b64[n] != ' ')
		n++;
	*why_out = "is not the base64 of a key of its type";
	if (n < 16 || n % 4)
		return NULL;
	blob = calloc(1, n);
	again = calloc(1, n + 8);
	if (!blob || !again)
		goto out;
	got = EVP_DecodeBlock(blob, (const unsigned char *)b64, (int)n);
	if (got < 0)
		goto out;
	for (size_t i = 1; i <= 2 && b64[n - i] == '='; i++)
		got--;
	if (!ssh_key_blob_ok(blob, (size_t)got, type))
		goto out;
	(void)EVP_EncodeBlock((unsigned char *)again, blob, got);
	if (strlen(again) == n && memcmp(again, b64, n) == 0)
		out = arena_printf(a, "%s %s", type, again);
out:
	free(blob);
	free(again);
	return out;
}
