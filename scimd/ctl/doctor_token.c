// SPDX-License-Identifier: MIT
//
// scimctl doctor: the secrets. They are looked at twice: as root put them, and with the
// eyes of scimd, which runs as somebody else and was handed copies when it was started.
#include "scimd/agent/config.h"
#include "scimd/base/buf.h"
#include "scimd/base/fail.h"
#include "scimd/client/token.h"
#include "scimd/ctl/ctl.h"
#include "scimd/ctl/doctor.h"
#include "scimd/ctl/program.h"
#include <errno.h>
#include <pwd.h>
#include <scimd/paths.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// Where systemd keeps what it handed to scimd.service, for as long as that runs.
#define HANDED "/run/credentials/scimd.service"
#define RESTART "systemctl restart scimd"
#define TOKEN_SECONDS 10

struct secret {
	const char *name, *path; // one of them
	struct stat daemon;      // owner of the state: who scimd runs as
	bool handed;
};

enum { SECRET_GOOD, SECRET_BAD, SECRET_RESTART };

static int secret_say(int how, const char *text)
{
	return dprintf(STDOUT_FILENO, "%s", text) < 0 ? SECRET_BAD : how;
}

// In a process of its own, which is root no longer after the first look.
static int secret_look(void *arg)
{
	struct buf put = BUF_INIT, seen = BUF_INIT;
	const struct secret *s = arg;
	struct fail f = { "" };
	int how = SECRET_GOOD;

	(void)unsetenv("CREDENTIALS_DIRECTORY");
	if (s->name && token_read(s->name, NULL, &put, &f) < 0)
		return secret_say(SECRET_BAD, f.text);
	if (s->path || s->handed) {
		if ((s->handed && setenv("CREDENTIALS_DIRECTORY", HANDED, 1) < 0) ||
		    !doctor_become(&s->daemon))
			how = secret_say(SECRET_BAD, strerror(errno));
		else if (token_read(s->name, s->path, &seen, &f) < 0)
			how = secret_say(s->name ? SECRET_RESTART : SECRET_BAD, f.text);
		else if (s->name && strcmp(buf_text(&put), buf_text(&seen)) != 0)
			how = secret_say(SECRET_RESTART,
					 "scimd still has what was there when it was started");
	}
	buf_free(&put);
	buf_free(&seen);
	return how;
}

static void secret_mend(const struct secret *s, struct finding *f)
{
	const struct passwd *pw = getpwuid(s->daemon.st_uid);
	char made[512], owner[64] = "root";
	struct stat st;

	if (s->path &&
	    strncmp(s->path, SCIMD_CREDENTIALS "/", strlen(SCIMD_CREDENTIALS "/")) == 0 &&
	    s->daemon.st_uid != 0) {
		(void)snprintf(f->mend, sizeof(f->mend),
			       "sed -i -E 's#_file *= *" SCIMD_CREDENTIALS "/# = #' "
			       "$(grep -rlE '_file *= *" SCIMD_CREDENTIALS "/' " SCIMD_SYSCONFDIR
			       "/scimd --include='*.conf'); " RESTART);
		return;
	}
	if (snprintf(made, sizeof(made), "%s%s", s->path ? s->path : SCIMD_CREDENTIALS "/",
		     s->path ? "" : s->name) >= (int)sizeof(made))
		return;
	if (s->path && pw)
		(void)snprintf(owner, sizeof(owner), "%.60s", pw->pw_name);
	else if (s->path)
		(void)snprintf(owner, sizeof(owner), "%u", s->daemon.st_uid);
	if (lstat(made, &st) < 0)
		(void)snprintf(f->mend, sizeof(f->mend), "install -m 600 -o %s /dev/stdin %.400s",
			       owner, made);
	else if (S_ISREG(st.st_mode))
		(void)snprintf(f->mend, sizeof(f->mend), "chown %s %.200s; chmod 600 %.200s", owner,
			       made, made);
}

// Of one secret: false, and f says what is wrong with it.
static bool secret_good(struct secret *s, struct finding *f)
{
	struct buf said = { .max = 1000 };
	int how = program_fork(secret_look, s, &said, TOKEN_SECONDS);

	if (how != SECRET_GOOD)
		(void)doctor_found(f, DOCTOR_FAILED, how == SECRET_RESTART ? RESTART : NULL,
				   "%s%s%.900s", how == SECRET_RESTART ? s->name : "",
				   how == SECRET_RESTART ? ": " : "",
				   how < 0 ? strerror(-how) : buf_text(&said));
	if (how == SECRET_BAD)
		secret_mend(s, f);
	buf_free(&said);
	return how == SECRET_GOOD;
}

enum doctor_result doctor_token(const struct doctor *d, struct finding *f)
{
	struct secret s = { 0 };

	if (!d->config)
		return doctor_found(f, DOCTOR_SKIPPED, NULL, "the configuration cannot be read");
	if (geteuid() != 0)
		return doctor_found(f, DOCTOR_SKIPPED, NULL, "only root may look at tokens");
	if (stat(d->ctl->state_dir, &s.daemon) < 0)
		s.daemon = (struct stat){ 0 };
	s.handed = access(HANDED, F_OK) == 0;
	for (size_t i = 0; i < d->config->directory_count; i++) {
		const struct config_directory *c = &d->config->directories[i];

		s.name = c->token ? c->token : c->client_secret;
		s.path = c->token_file ? c->token_file : c->client_secret_file;
		if ((s.name || s.path) && !secret_good(&s, f))
			return DOCTOR_FAILED;
	}
	return doctor_found(f, DOCTOR_OK, NULL, "there, for nobody else's eyes%s",
			    s.handed ? ", and scimd has them" : "");
}
