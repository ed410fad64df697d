// SPDX-License-Identifier: MIT
//
// One conversation with scim-lockout; see lockout.h. It is root's program, so it is
// believed; what does not read as an answer is none.
#include "scimd/agent/config.h"
#include "scimd/agent/internal.h"
#include "scimd/agent/lockout.h"
#include "scimd/base/buf.h"
#include "scimd/base/clock.h"
#include "scimd/base/fail.h"
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <scimd/lockout.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ASK_SPARE_S 15u // beyond what the helper takes for itself

struct lockout_ask {
	int fd;
	sd_event_source *io, *timer;
	struct buf text;
	void (*end)(void *arg, struct lockout_answer *answer);
	void *arg;
};

void lockout_ask_free(struct lockout_ask *k)
{
	if (!k)
		return;
	(void)sd_event_source_disable_unref(k->io);
	(void)sd_event_source_disable_unref(k->timer);
	if (k->fd >= 0)
		(void)close(k->fd);
	buf_free(&k->text);
	free(k);
}

static void ask_end(struct lockout_ask *k, struct lockout_answer *an)
{
	void (*end)(void *arg, struct lockout_answer *answer) = k->end;
	void *arg = k->arg;

	lockout_ask_free(k);
	end(arg, an);
	json_object_put(an->left);
}

static void ask_failed(struct lockout_ask *k, const char *why)
{
	struct lockout_answer an = { .done = false };

	(void)snprintf(an.text, sizeof(an.text), "%s", why);
	ask_end(k, &an);
}

static void ask_left(struct lockout_answer *an, const char *rest)
{
	char name[32], text[64];
	int pid;

	if (sscanf(rest, "%d %31s", &pid, name) != 2)
		return;
	(void)snprintf(text, sizeof(text), "%s (%d)", name, pid);
	if (!an->left)
		an->left = json_object_new_array();
	if (an->left)
		(void)json_object_array_add(an->left, json_object_new_string(text));
}

static bool ask_word(const char *line, size_t n, const char *word)
{
	return n == strlen(word) && memcmp(line, word, n) == 0;
}

// True when that was the last line.
static bool ask_line(struct lockout_answer *an, const char *line)
{
	const char *rest = strchr(line, ' ');
	size_t n = rest ? (size_t)(rest - line) : strlen(line);

	rest = rest ? rest + 1 : "";
	if (ask_word(line, n, "began")) {
		an->began = strtoll(rest, NULL, 10);
	} else if (ask_word(line, n, "over")) {
		an->over = strtoll(rest, NULL, 10);
	} else if (ask_word(line, n, "processes")) {
		an->processes = (unsigned int)strtoul(rest, NULL, 10);
	} else if (ask_word(line, n, "sessions")) {
		an->sessions = (unsigned int)strtoul(rest, NULL, 10);
	} else if (ask_word(line, n, "root")) {
		an->root = (unsigned int)strtoul(rest, NULL, 10);
	} else if (ask_word(line, n, "left")) {
		ask_left(an, rest);
	} else if (strcmp(line, "done") == 0) {
		an->done = true;
		return true;
	} else if (ask_word(line, n, "failed")) {
		(void)snprintf(an->text, sizeof(an->text), "%s", rest);
		return true;
	} else if (ask_word(line, n, "refused")) {
		n = strcspn(rest, " ");
		(void)snprintf(an->code, sizeof(an->code), "%.*s", (int)n, rest);
		(void)snprintf(an->text, sizeof(an->text), "%s", rest + n + (rest[n] == ' '));
		return true;
	}
	return false;
}

static void ask_read(struct lockout_ask *k)
{
	struct lockout_answer an = { .done = false };
	char *save = NULL, *line = strtok_r(k->text.data, "\n", &save);
	bool last = false;

	for (; line && !last; line = strtok_r(NULL, "\n", &save))
		last = ask_line(&an, line);
	if (!last)
		(void)snprintf(an.text, sizeof(an.text), "scim-lockout gave no answer");
	ask_end(k, &an);
}

static int ask_on_io(sd_event_source *s, int fd, uint32_t events, void *arg)
{
	struct lockout_ask *k = arg;
	char part[1024];
	ssize_t n = recv(fd, part, sizeof(part), MSG_DONTWAIT);

	(void)s;
	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0) {
		ask_failed(k, strerror(errno));
	} else if (n > 0) {
		if (buf_add(&k->text, part, (size_t)n) < 0)
			ask_failed(k, "scim-lockout answers too much");
	} else if (k->text.len == 0) {
		ask_failed(k, "scim-lockout closed the connection");
	} else {
		ask_read(k);
	}
	return 0;
}

static int ask_on_timer(sd_event_source *s, uint64_t usec, void *arg)
{
	(void)s;
	(void)usec;
	ask_failed(arg, "scim-lockout does not answer");
	return 0;
}

static int ask_connect(struct lockout_ask *k, const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(un.sun_path))
		return -ENAMETOOLONG;
	memcpy(un.sun_path, path, strlen(path) + 1);
	k->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (k->fd < 0 || connect(k->fd, (const struct sockaddr *)&un, sizeof(un)) < 0)
		return -errno;
	return 0;
}

int lockout_ask(struct agent *a, uint32_t uid, bool policy,
		void (*end)(void *arg, struct lockout_answer *answer), void *arg,
		struct lockout_ask **out, struct fail *f)
{
	const struct config *c = a->config;
	struct lockout_ask *k = calloc(1, sizeof(*k));
	char line[LOCKOUT_REQUEST_MAX];
	int n, r;

	if (!k)
		return fail(f, ENOMEM, "out of memory");
	k->end = end;
	k->arg = arg;
	k->text.max = LOCKOUT_ANSWER_MAX;
	r = ask_connect(k, c->lockout_socket);
	n = snprintf(line, sizeof(line), "end %" PRIu32 " %" PRIu64 " %s %s\n", uid,
		     (uint64_t)c->lockout_grace * 1000, policy ? "policy" : "left",
		     c->lockout_message ? c->lockout_message : "");
	if (r == 0 && send(k->fd, line, (size_t)n, MSG_NOSIGNAL) != n)
		r = -EIO;
	if (r == 0)
		r = sd_event_add_io(a->event, &k->io, k->fd, EPOLLIN, ask_on_io, k);
	if (r >= 0)
		r = sd_event_add_time_relative(a->event, &k->timer, CLOCK_BOOTTIME,
					       (c->lockout_grace + LOCKOUT_SECONDS + ASK_SPARE_S) *
						       (uint64_t)1000000,
					       1000000, ask_on_timer, k);
	if (r < 0) {
		lockout_ask_free(k);
		return fail(f, -r, "%s: %s", c->lockout_socket, strerror(-r));
	}
	*out = k;
	return 0;
}
