// SPDX-License-Identifier: MIT
//
// main of scim-hook(8): takes one event (scimd/hook.h), runs the hooks for it one
// after the other and tells how each ended. The sockets are those of every helper
// (base/helper.h).
#include "scimd/base/helper.h"
#include "scimd/base/hook_dir.h"
#include "scimd/hook/hook.h"
#include <scimd/hook.h>
#include <scimd/paths.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>

#define SERVE_READ_MS 5000 // for the whole request
#define SERVE_AT_ONCE 16   // processes of ours

static const char *user = "nobody";

struct request {
	const char *head, *event; // head: its lines, NUL-terminated
	size_t len;
	int ms;
};

// Where the event begins, and how long it says that it is. 0: not to be told yet.
static size_t request_head(const char *text, size_t len, size_t *event_out, int *ms_out)
{
	const char *end = memmem(text, len, "\n\n", 2);
	unsigned int ms, event;
	char line[64];
	size_t n;

	if (!end)
		return 0;
	n = strcspn(text, "\n"); // there is one
	if (n >= sizeof(line))
		return SIZE_MAX;
	memcpy(line, text, n);
	line[n] = '\0';
	if (sscanf(line, "run %9u %9u", &ms, &event) != 2 || ms == 0 || ms > HOOK_TIMEOUT_MAX ||
	    event == 0 || event > HOOK_EVENT_MAX)
		return SIZE_MAX;
	*ms_out = (int)ms;
	*event_out = event;
	return (size_t)(end - text) + 2;
}

static bool request_whole(const char *text, size_t len)
{
	size_t event = 0, head;
	int ms;

	head = request_head(text, len, &event, &ms);
	return head == SIZE_MAX || (head && len - head >= event);
}

static bool request_read(char *text, size_t len, struct request *out)
{
	size_t head = request_head(text, len, &out->len, &out->ms);

	if (head == 0 || head == SIZE_MAX || len - head != out->len ||
	    memchr(text, '\0', head) != NULL)
		return false;
	text[head - 1] = '\0';
	out->head = text;
	out->event = text + head;
	return true;
}

static bool request_done(const struct request *rq, const char *name)
{
	char line[HOOK_NAME_MAX + 16];

	(void)snprintf(line, sizeof(line), "\ndone %s\n", name);
	return strstr(rq->head, line) != NULL;
}

static void say(int fd, int level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void say(int fd, int level, const char *fmt, ...)
{
	char line[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	// Few lines, which fit the socket's buffer; whoever does not read them has none.
	(void)send(fd, line, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
	syslog(level, "%.*s", n - 1, line);
}

static void serve_hook(int fd, const struct request *rq, const struct hook_file *hf)
{
	char path[sizeof(SCIMD_HOOKS) + HOOK_NAME_MAX + 2], why[256] = "";
	int status;

	if (hf->why) {
		say(fd, LOG_WARNING, "refused %s %s", hf->name, hf->why);
		return;
	}
	if (request_done(rq, hf->name))
		return;
	(void)snprintf(path, sizeof(path), SCIMD_HOOKS "/%s", hf->name);
	status = hook_run(path, rq->event, rq->len, rq->ms, why, sizeof(why));
	if (status == 0)
		say(fd, LOG_DEBUG, "done %s", hf->name);
	else if (status == HOOK_NEVER)
		say(fd, LOG_WARNING, "never %s it wants no other try (exit status %d)", hf->name,
		    status);
	else if (status > 0)
		say(fd, LOG_WARNING, "failed %s its exit status was %d", hf->name, status);
	else
		say(fd, LOG_WARNING, "failed %s %s", hf->name, why);
}

static void serve_hooks(int fd, const struct request *rq)
{
	struct hook_dir dir;

	hook_dir_read(SCIMD_HOOKS, &dir);
	if (dir.why)
		say(fd, LOG_WARNING, "refused * %s", dir.why);
	for (size_t i = 0; i < dir.count; i++)
		serve_hook(fd, rq, &dir.files[i]);
	say(fd, LOG_DEBUG, "over");
}

static void serve(int fd)
{
	char *text = malloc(HOOK_REQUEST_MAX + 1);
	struct request rq;
	struct stat st;
	size_t len = 0;
	uid_t peer;

	if (!text || !helper_peer(fd, &peer))
		goto out;
	if (stat(SCIMD_STATE_DIR, &st) < 0 || st.st_uid != peer)
		say(fd, LOG_WARNING, "failed * uid %u does not own " SCIMD_STATE_DIR, peer);
	else if (!helper_read(fd, text, HOOK_REQUEST_MAX, &len, SERVE_READ_MS, request_whole) ||
		 !request_read(text, len, &rq))
		say(fd, LOG_WARNING, "failed * the request is not to be understood");
	else if (hook_prepare() < 0)
		say(fd, LOG_ERR, "failed * this kernel cannot tell what a hook leaves behind");
	else
		serve_hooks(fd, &rq);
	helper_drain(fd);
out:
	free(text);
}

int main(int argc, char **argv)
{
	static const struct helper helper = {
		.name = "scim-hook",
		.usage = "Usage: scim-hook [--listen PATH [--user NAME]]\n"
			 "Runs the programs of " SCIMD_HOOKS " for what happens to people.\n\n"
			 "  --listen PATH  take events on PATH, for hosts without systemd\n"
			 "  --user NAME    run them as NAME instead of nobody (with --listen)\n"
			 "  --version      print the version\n"
			 "  --help         print this\n"
			 "\nWithout --listen the socket comes from systemd, the user from the "
			 "unit.\n",
		.facility = LOG_DAEMON,
		.at_once = SERVE_AT_ONCE,
		.user = &user,
		.serve = serve,
	};

	return helper_main(&helper, argc, argv);
}
