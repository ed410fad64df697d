// SPDX-License-Identifier: MIT
//
// main of scim-lockout(8): answers one request (scimd/lockout.h). The sockets are
// those of every helper (base/helper.h).
#include "scimd/base/helper.h"
#include "scimd/lockout/lockout.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <syslog.h>

#define SERVE_READ_MS 2000 // for the one line of the request
#define SERVE_AT_ONCE 32   // processes of ours

struct serve_text {
	char data[LOCKOUT_ANSWER_MAX];
	size_t len;
};

static void serve_add(struct serve_text *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void serve_add(struct serve_text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->data + t->len, sizeof(t->data) - t->len, fmt, ap);
	va_end(ap);
	if (n > 0 && (size_t)n < sizeof(t->data) - t->len)
		t->len += (size_t)n;
}

// It fits a socket's buffer; whoever does not read it has none.
static void serve_send(int fd, const struct serve_text *t)
{
	helper_drain(fd);
	(void)send(fd, t->data, t->len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void serve_evidence(struct serve_text *t, const struct lockout_evidence *ev)
{
	serve_add(t, "began %lld\nover %lld\nprocesses %u\nsessions %u\nroot %u\n",
		  (long long)ev->began, (long long)ev->over, ev->processes, ev->sessions, ev->root);
	for (unsigned int i = 0; i < ev->left_count; i++)
		serve_add(t, "left %d %s\n", ev->left[i].pid, ev->left[i].name);
}

static void serve_no(const struct lockout_request *rq, const char *no, const char *why,
		     struct serve_text *t)
{
	serve_add(t, "%s%s%s %s\n", *no ? "refused" : "failed", *no ? " " : "", no, why);
	syslog(LOG_WARNING, "uid %u asked about uid %u: %s", rq->peer, rq->uid, why);
}

static void serve_end(const struct lockout_request *rq, const char *name, struct serve_text *t)
{
	struct lockout_evidence ev = { .began = now_wall(), .sessions = session_count(rq->uid) };
	char why[256] = "";
	// The processes go first: a bus that hangs holds nothing up.
	int r = sweep(rq, true, &ev, why, sizeof(why));

	if (r == -ECANCELED) {
		serve_no(rq, ev.refused, why, t);
		return;
	}
	session_end(rq->uid, name);
	if (r == 0)
		r = sweep(rq, false, &ev, why, sizeof(why));
	ev.over = now_wall();
	serve_evidence(t, &ev);
	if (r == 0)
		serve_add(t, "done\n");
	else
		serve_add(t, "failed %s\n", why);
	syslog(r == 0 ? LOG_NOTICE : LOG_ERR, "%s (uid %u): %u processes ended%s%s", name, rq->uid,
	       ev.processes, r == 0 ? "" : "; ", why);
}

static void serve(int fd)
{
	char line[LOCKOUT_REQUEST_MAX + 1], name[MAY_NAME] = "", why[256] = "";
	struct serve_text t = { .len = 0 };
	struct lockout_request rq;
	const char *no, *nl;
	size_t len = 0;
	uid_t peer;

	if (!helper_peer(fd, &peer))
		return;
	nl = helper_read(fd, line, sizeof(line), &len, SERVE_READ_MS, helper_line)
		     ? memchr(line, '\n', len)
		     : NULL;
	if (!nl || !request_read(line, (size_t)(nl - line), &rq)) {
		serve_add(&t, "refused " LOCKOUT_REQUEST " the request is not to be understood\n");
		syslog(LOG_WARNING, "uid %u: the request is not to be understood", peer);
		serve_send(fd, &t);
		return;
	}
	rq.peer = peer;
	no = may_end(&rq, name, why, sizeof(why));
	if (no)
		serve_no(&rq, no, why, &t);
	else
		serve_end(&rq, name, &t);
	serve_send(fd, &t);
	if (!no)
		session_settle(rq.uid);
}

static void serve_start(void)
{
	(void)setpriority(PRIO_PROCESS, 0, -20); // whoever is to go may have filled the machine
}

int main(int argc, char **argv)
{
	static const struct helper helper = {
		.name = "scim-lockout",
		.usage = "Usage: scim-lockout [--listen PATH]\n"
			 "Ends the processes of people whom scimd locked out.\n\n"
			 "  --listen PATH  take requests on PATH, for hosts without systemd\n"
			 "  --version      print the version\n"
			 "  --help         print this\n"
			 "\nWithout --listen the socket comes from systemd.\n",
		.facility = LOG_AUTHPRIV,
		.at_once = SERVE_AT_ONCE,
		.start = serve_start,
		.serve = serve,
	};

	return helper_main(&helper, argc, argv);
}
