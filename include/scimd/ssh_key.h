// SPDX-License-Identifier: MIT
//
// Which public keys there are: scimd takes no other from a directory, and
// scim-authorized-keys hands no other to sshd. A new kind is one row here.
#ifndef SCIMD_SSH_KEY_H
#define SCIMD_SSH_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

// The type that these bytes are the name of, or NULL.
static inline const char *ssh_key_type(const char *text, size_t len)
{
	static const char *const types[] = {
		"ssh-ed25519",
		"ssh-rsa",
		"ecdsa-sha2-nistp256",
		"ecdsa-sha2-nistp384",
		"ecdsa-sha2-nistp521",
		"sk-ssh-ed25519@openssh.com",
		"sk-ecdsa-sha2-nistp256@openssh.com",
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (strlen(types[i]) == len && memcmp(types[i], text, len) == 0)
			return types[i];
	return NULL;
}

// The blob begins with its own type, length first (RFC 4253 §6.6), and goes on.
static inline bool ssh_key_blob_ok(const unsigned char *blob, size_t len, const char *type)
{
	size_t n = strlen(type);

	return len > 4 + n && blob[0] == 0 && blob[1] == 0 && blob[2] == 0 && blob[3] == n &&
	       memcmp(blob + 4, type, n) == 0;
}

#endif
