// SPDX-License-Identifier: MIT
//
// What the helpers behind a socket of their own share (scim-lockout, scim-hook): one
// request per connection, each in a process of its own, from systemd or, on hosts
// without it, on a socket that the helper makes for the owner of /var/lib/scimd.
#ifndef SCIMD_BASE_HELPER_H
#define SCIMD_BASE_HELPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct helper {
	const char *name, *usage;
	int facility;        // of syslog
	int at_once;         // processes of its own
	void (*start)(void); // before anything is taken, or NULL
	const char **user;   // NULL, or where --user goes: who it is once its socket stands
	void (*serve)(int fd);
};

int helper_main(const struct helper *h, int argc, char **argv);

int64_t helper_boot(void); // ms
bool helper_peer(int fd, uid_t *uid_out);
// Appends to the *got bytes of buf until `enough` of them are there, within ms.
bool helper_read(int fd, char *buf, size_t len, size_t *got, int ms,
		 bool (*enough)(const char *text, size_t len));
bool helper_line(const char *text, size_t len); // an `enough`: a newline is there
// What is left unread would make the answer a reset.
void helper_drain(int fd);

#endif
