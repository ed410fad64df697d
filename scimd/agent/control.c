// SPDX-License-Identifier: MIT
//
// The control socket: framing, who may ask what, deadlines; see control.h. One
// client's garbage closes that client and nothing else.
#include "scimd/agent/control.h"
#include "scimd/agent/agent.h"
#include "scimd/base/buf.h"
#include "scimd/base/fail.h"
#include "scimd/base/log.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <scimd/wire.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <unistd.h>

// Nobody keeps root's logins from asking: there is room for root that others cannot
// take, and among those no uid has much of it.
#define CONTROL_CLIENTS_MAX 256 // of root; and as many of all others
#define CONTROL_UID_MAX 16
#define CONTROL_DEPTH 8

struct control_client {
	struct control_client *next, **back;
	struct control *control;
	sd_event_source *io, *deadline;
	int fd;
	struct buf in, out;
	size_t sent;
	bool answered; // the last frame is in `out`
	bool asked;
	struct control_call call;
};

struct control {
	struct agent *agent;
	sd_event_source *io;
	int fd;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	bool inherited;
	bool complained;
	bool came;          // somebody, since control_asked
	const char *refuse; // what everybody is told, or NULL
	bool (*still)(struct agent *a);
	struct control_client *clients;
};

static void control_drop(struct control_client *c)
{
	if (c->call.wait && c->call.gone)
		c->call.gone(&c->call);
	*c->back = c->next;
	if (c->next)
		c->next->back = c->back;
	(void)sd_event_source_disable_unref(c->io);
	(void)sd_event_source_disable_unref(c->deadline);
	(void)close(c->fd);
	buf_free(&c->in);
	buf_free(&c->out);
	json_object_put(c->call.request);
	free(c);
}

static void control_want(struct control_client *c)
{
	uint32_t events = EPOLLIN | (c->sent < c->out.len ? (uint32_t)EPOLLOUT : 0);

	(void)sd_event_source_set_io_events(c->io, events);
}

// False: more than a client takes.
static bool control_frame(struct control_client *c, struct json_object *o)
{
	bool fits;
	size_t len = 0;
	const char *text = json_object_to_json_string_length(
		o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
	uint32_t head = htonl((uint32_t)len);

	fits = text && len && len <= WIRE_MAX;
	if (fits) {
		(void)buf_add(&c->out, &head, sizeof(head));
		(void)buf_add(&c->out, text, len);
	}
	json_object_put(o);
	control_want(c);
	return fits;
}

static void control_last(struct control_call *call, struct json_object *o)
{
	call->wait = NULL;
	call->client->answered = true;
	(void)sd_event_source_set_time_relative(call->client->deadline, WIRE_SECONDS * 1000000ull);
	(void)sd_event_source_set_enabled(call->client->deadline, SD_EVENT_ONESHOT);
	if (!control_frame(call->client, o))
		control_error(call, "failed",
			      "the answer is longer than 16 MiB; ask for less (--user, --since)");
}

void control_ok(struct control_call *call, struct json_object *result)
{
	struct json_object *o = json_object_new_object();

	(void)json_object_object_add(o, "ok", json_object_new_boolean(true));
	(void)json_object_object_add(o, "result", result);
	control_last(call, o);
}

void control_error(struct control_call *call, const char *code, const char *text)
{
	struct json_object *o = json_object_new_object();

	(void)json_object_object_add(o, "ok", json_object_new_boolean(false));
	(void)json_object_object_add(o, "code", json_object_new_string(code));
	(void)json_object_object_add(o, "error", json_object_new_string(text));
	control_last(call, o);
}

void control_progress(struct control_call *call, struct json_object *progress)
{
	struct json_object *o = json_object_new_object();

	// A client that does not read gets no more progress, only its answer.
	if (call->client->out.len - call->client->sent > 65536) {
		json_object_put(progress);
		json_object_put(o);
		return;
	}
	(void)json_object_object_add(o, "progress", progress);
	(void)control_frame(call->client, o);
}

static void control_complain(struct control *k, const char *what)
{
	if (!k->complained)
		log_warning("control socket: a client sent %s; closed (said once)", what);
	k->complained = true;
}

static bool control_trusted(uid_t uid)
{
	return uid == 0 || uid == geteuid();
}

static int control_run(struct control_client *c, struct json_object *request)
{
	struct json_object *word;
	const char *name;

	c->asked = true;
	c->call.request = request;
	c->call.agent = c->control->agent;
	c->call.client = c;
	(void)sd_event_source_set_enabled(c->deadline, SD_EVENT_OFF);
	if (c->control->refuse) {
		control_error(&c->call, "failed", c->control->refuse);
		return 0;
	}
	if (!json_object_is_type(request, json_type_object) ||
	    !json_object_object_get_ex(request, "command", &word) ||
	    !json_object_is_type(word, json_type_string)) {
		control_error(&c->call, "usage", "the request names no command");
		return 0;
	}
	name = json_object_get_string(word);
	for (const struct control_command *cmd = control_commands; cmd->name; cmd++) {
		if (strcmp(cmd->name, name) != 0)
			continue;
		if (cmd->who == CONTROL_ROOT && !control_trusted(c->call.uid))
			control_error(&c->call, "permission", "only root may ask that");
		else
			cmd->run(&c->call);
		return 0;
	}
	control_error(&c->call, "usage", "unknown command");
	return 0;
}

// 1: a whole request is there and was run; 0: more to come; -1: close.
static int control_take(struct control_client *c)
{
	struct json_tokener *tok;
	struct json_object *request;
	uint32_t len;
	bool whole;

	if (c->in.len < sizeof(len))
		return 0;
	memcpy(&len, c->in.data, sizeof(len));
	len = ntohl(len);
	if (len == 0 || len > WIRE_REQUEST_MAX) {
		control_complain(c->control, "a frame of impossible length");
		return -1;
	}
	if (c->in.len < sizeof(len) + len)
		return 0;
	tok = json_tokener_new_ex(CONTROL_DEPTH);
	if (!tok)
		return -1;
	request = json_tokener_parse_ex(tok, c->in.data + sizeof(len), (int)len);
	whole = request && json_tokener_get_error(tok) == json_tokener_success;
	json_tokener_free(tok);
	if (!whole) {
		json_object_put(request);
		control_complain(c->control, "something that is not JSON");
		return -1;
	}
	return control_run(c, request) == 0 ? 1 : -1;
}

static int control_on_client(sd_event_source *s, int fd, uint32_t events, void *arg)
{
	struct control_client *c = arg;
	char block[8192];
	ssize_t n;

	(void)s;
	if (events & (EPOLLERR | EPOLLHUP)) {
		control_drop(c);
		return 0;
	}
	if (events & EPOLLIN) {
		n = read(fd, block, sizeof(block));
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
			control_drop(c);
			return 0;
		}
		if (n > 0 && !c->asked &&
		    (buf_add(&c->in, block, (size_t)n) < 0 || control_take(c) < 0)) {
			control_drop(c);
			return 0;
		}
	}
	while (c->sent < c->out.len) {
		n = send(fd, c->out.data + c->sent, c->out.len - c->sent,
			 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN) {
			control_drop(c);
			return 0;
		}
		if (n < 0)
			break;
		c->sent += (size_t)n;
	}
	if (c->sent == c->out.len) {
		buf_clear(&c->out);
		c->sent = 0;
		if (c->answered) {
			control_drop(c);
			return 0;
		}
	}
	control_want(c);
	return 0;
}

static int control_on_deadline(sd_event_source *s, uint64_t usec, void *arg)
{
	(void)s;
	(void)usec;
	control_drop(arg);
	return 0;
}

static bool control_has_room(const struct control *k, uid_t uid)
{
	const bool trusted = control_trusted(uid);
	size_t same = 0, all = 0;

	for (const struct control_client *c = k->clients; c; c = c->next) {
		all += control_trusted(c->call.uid) == trusted;
		same += c->call.uid == uid;
	}
	return all < CONTROL_CLIENTS_MAX && (trusted || same < CONTROL_UID_MAX);
}

static void control_accept(struct control *k, int peer)
{
	struct control_client *c;
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(peer, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0 ||
	    !control_has_room(k, cred.uid) || !(c = calloc(1, sizeof(*c)))) {
		(void)close(peer);
		return;
	}
	c->control = k;
	c->fd = peer;
	c->in.max = WIRE_REQUEST_MAX + 4;
	c->out.max = WIRE_MAX * 2;
	c->call.uid = cred.uid;
	c->next = k->clients;
	c->back = &k->clients;
	if (c->next)
		c->next->back = &c->next;
	k->clients = c;
	if (sd_event_add_io(agent_event(k->agent), &c->io, peer, EPOLLIN, control_on_client, c) <
		    0 ||
	    sd_event_add_time_relative(agent_event(k->agent), &c->deadline, CLOCK_MONOTONIC,
				       WIRE_SECONDS * 1000000ull, 0, control_on_deadline, c) < 0)
		control_drop(c);
}

// Some at a time, so that nobody waits long behind a crowd.
static int control_on_accept(sd_event_source *s, int fd, uint32_t events, void *arg)
{
	struct control *k = arg;
	int peer;

	(void)s;
	(void)events;
	if (k->refuse && !k->still(k->agent))
		return sd_event_exit(agent_event(k->agent), 0);
	for (int i = 0; i < 64; i++) {
		peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (peer < 0)
			break;
		k->came = true;
		control_accept(k, peer);
	}
	return 0;
}

// Under socket activation the socket is handed over; else it is made here.
static int control_listen(struct control *k, struct fail *f)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct stat st;

	if (sd_listen_fds(1) == 1 &&
	    sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_STREAM, 1, NULL, 0) > 0) {
		k->fd = SD_LISTEN_FDS_START;
		k->inherited = true;
		// systemd hands it over blocking.
		return fcntl(k->fd, F_SETFL, O_NONBLOCK) < 0
			       ? fail(f, errno, "the socket that was handed over: %s",
				      strerror(errno))
			       : 0;
	}
	memcpy(un.sun_path, k->path, strlen(k->path) + 1);
	if (lstat(k->path, &st) == 0 && S_ISSOCK(st.st_mode))
		(void)unlink(k->path); // left by a daemon that was killed: the store's lock is ours
	k->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (k->fd < 0 || bind(k->fd, (struct sockaddr *)&un, sizeof(un)) < 0 ||
	    chmod(k->path, 0666) < 0 || listen(k->fd, 128) < 0)
		return fail(f, errno, "socket %s: %s", k->path, strerror(errno));
	return 0;
}

int control_open(struct agent *agent, const char *path, struct control **out, struct fail *f)
{
	struct control *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return fail(f, ENOMEM, "out of memory");
	k->agent = agent;
	k->fd = -1;
	if (strlen(path) >= sizeof(k->path)) {
		r = fail(f, ENAMETOOLONG, "socket %s: longer than %zu bytes", path,
			 sizeof(k->path) - 1);
		goto out;
	}
	memcpy(k->path, path, strlen(path) + 1);
	r = control_listen(k, f);
	if (r == 0)
		r = sd_event_add_io(agent_event(agent), &k->io, k->fd, EPOLLIN, control_on_accept,
				    k);
	if (r < 0)
		goto out;
	*out = k;
	return 0;
out:
	control_close(k);
	return r;
}

void control_refuse(struct control *k, const char *text, bool (*still)(struct agent *a))
{
	k->refuse = text;
	k->still = still;
}

bool control_asked(struct control *k)
{
	bool came = k->came;

	k->came = false;
	return came || k->clients;
}

void control_close(struct control *k)
{
	if (!k)
		return;
	while (k->clients)
		control_drop(k->clients);
	(void)sd_event_source_disable_unref(k->io);
	if (k->fd >= 0)
		(void)close(k->fd);
	if (k->fd >= 0 && !k->inherited)
		(void)unlink(k->path);
	free(k);
}
