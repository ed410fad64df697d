// SPDX-License-Identifier: MIT
//
// The checks of `scimctl doctor`. A check is one row of a table and one function that
// looks at one thing a person gets wrong, says what it found in a sentence, and, where
// that is not good, the command that mends it.
#ifndef SCIMD_CTL_DOCTOR_H
#define SCIMD_CTL_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

struct config;
struct ctl;
struct json_object;
struct stat;

enum doctor_result {
	DOCTOR_OK,
	DOCTOR_NOTE,    // it works, but not as it could
	DOCTOR_FAILED,  // somebody is locked out, or is let in who left
	DOCTOR_SKIPPED, // cannot be told; the sentence says why
};

struct doctor {
	const struct ctl *ctl;
	const struct config *config; // NULL: it cannot be read
	const char *complaint;       // why not
	struct json_object *status;  // of the daemon; NULL: it does not answer
};

struct finding {
	char text[1024];
	char mend[512]; // a command for root's shell, or ""
};

struct doctor_check {
	const char *name, *help;
	enum doctor_result (*run)(const struct doctor *d, struct finding *f);
};

enum doctor_result doctor_found(struct finding *f, enum doctor_result result, const char *mend,
				const char *fmt, ...) __attribute__((format(printf, 4, 5)));
// Adds to a sentence that lists things: "a, b, c".
void doctor_list(struct finding *f, const char *word);

// nsswitch.conf and PAM's files, where authselect writes them.
#define DOCTOR_AUTHSELECT "authselect select scim with-mkhomedir --force"

// Makes this process, which is root, the one who owns the state: who scimd runs as.
bool doctor_become(const struct stat *state);
// doctor_token.c: the secrets.
enum doctor_result doctor_token(const struct doctor *d, struct finding *f);
// doctor_host.c: the host around scimd.
enum doctor_result doctor_nsswitch(const struct doctor *d, struct finding *f);
enum doctor_result doctor_lookup(const struct doctor *d, struct finding *f);
enum doctor_result doctor_nscd(const struct doctor *d, struct finding *f);
enum doctor_result doctor_clock(const struct doctor *d, struct finding *f);
enum doctor_result doctor_space(const struct doctor *d, struct finding *f);
enum doctor_result doctor_mac(const struct doctor *d, struct finding *f);
enum doctor_result doctor_units(const struct doctor *d, struct finding *f);
// doctor_door.c: the ways in.
enum doctor_result doctor_pam(const struct doctor *d, struct finding *f);
enum doctor_result doctor_root(const struct doctor *d, struct finding *f);
enum doctor_result doctor_sshd(const struct doctor *d, struct finding *f);

#endif
