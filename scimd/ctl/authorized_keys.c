// SPDX-License-Identifier: MIT
//
// scim-authorized-keys NAME: sshd's AuthorizedKeysCommand. Prints the public keys of
// a person of the directory who may log in, each as a bare "type base64" made anew
// from its bytes, so that nothing but a key can come out. Needs libc only, reads the
// image only: works with the daemon dead. Whatever is in doubt prints nothing.
#include "pam/decide.h"
#include "pam/look.h"

#include <errno.h>
#include <scimd/account.h>
#include <scimd/ssh_key.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_GOOD = 0, EXIT_BAD = 1, EXIT_USAGE = 2 };

struct keys {
	char *text; // of the image: lines, a NUL after each
	size_t len;
};

static int keys_take(const struct image *im, const struct image_found_user *u, void *arg)
{
	struct keys *k = arg;

	free(k->text);
	k->len = u->head.keys;
	k->text = malloc(k->len + 1);
	if (!k->text)
		return -ENOMEM;
	k->text[k->len] = '\0';
	return k->len ? image_user_keys(im, u, k->text, k->len) : 0;
}

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// The bytes of canonical base64, or -1.
static long decode(const char *text, size_t len, unsigned char *out)
{
	uint32_t bits = 0;
	unsigned have = 0;
	size_t n = 0, fill = 0;
	const char *d;

	if (len == 0 || len % 4)
		return -1;
	while (fill < 2 && text[len - 1 - fill] == '=')
		fill++;
	for (size_t i = 0; i < len - fill; i++) {
		d = text[i] ? strchr(digits, text[i]) : NULL;
		if (!d)
			return -1;
		bits = bits << 6 | (uint32_t)(d - digits);
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[n++] = (unsigned char)(bits >> have);
		}
	}
	return bits & ((1u << have) - 1) ? -1 : (long)n; // no bits left over
}

static void encode(const unsigned char *p, size_t len)
{
	for (size_t i = 0; i < len; i += 3) {
		uint32_t v = (uint32_t)p[i] << 16;
		size_t left = len - i;

		if (left > 1)
			v |= (uint32_t)p[i + 1] << 8;
		if (left > 2)
			v |= p[i + 2];
		putchar(digits[v >> 18]);
		putchar(digits[v >> 12 & 63]);
		putchar(left > 1 ? digits[v >> 6 & 63] : '=');
		putchar(left > 2 ? digits[v & 63] : '=');
	}
}

// blob: as long as the line at least.
static void print_key(const char *line, unsigned char *blob)
{
	const char *space = strchr(line, ' ');
	const char *type = space ? ssh_key_type(line, (size_t)(space - line)) : NULL;
	long n;

	if (!type)
		return;
	n = decode(space + 1, strlen(space + 1), blob);
	if (n < 0 || !ssh_key_blob_ok(blob, (size_t)n, type))
		return;
	printf("%s ", type);
	encode(blob, (size_t)n);
	putchar('\n');
}

static int print_keys(const struct keys *k)
{
	unsigned char *blob = malloc(k->len + 1);

	if (!blob)
		return EXIT_BAD;
	for (size_t at = 0; at < k->len; at += strlen(k->text + at) + 1)
		print_key(k->text + at, blob);
	free(blob);
	return fflush(stdout) == 0 && !ferror(stdout) ? EXIT_GOOD : EXIT_BAD;
}

int main(int argc, char **argv)
{
	struct decide_facts facts = { .local = false };
	struct keys keys = { NULL, 0 };
	struct decision d;
	struct look look;
	int code = EXIT_GOOD;

	// A name that no account can bear is no question of sshd's.
	if (argc != 2 || !image_name_fits(argv[1])) {
		fprintf(stderr, "Usage: scim-authorized-keys NAME\n");
		return EXIT_USAGE;
	}
	facts.local = look_local(argv[1]);
	if (!facts.local)
		look_image(argv[1], &look, &facts, keys_take, &keys);
	d = decide(&facts);
	if (d.result == DECIDE_ALLOW || d.result == DECIDE_WARN) {
		code = print_keys(&keys);
	} else if (d.reason == REASON_UNREADABLE) {
		fprintf(stderr, "scim-authorized-keys: the account image cannot be read\n");
		code = EXIT_BAD;
	}
	free(keys.text);
	return code;
}
