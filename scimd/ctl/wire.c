// SPDX-License-Identifier: MIT
//
// Talking to the daemon (scimd/wire.h), and the small things all commands need.
#include "scimd/ctl/ctl.h"
#include "scimd/image/read.h"
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <limits.h>
#include <scimd/paths.h>
#include <scimd/wire.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct json_object *ctl_request(const char *command)
{
	struct json_object *o = json_object_new_object();

	(void)json_object_object_add(o, "command", json_object_new_string(command));
	return o;
}

struct json_object *ctl_answer(void)
{
	struct json_object *o = json_object_new_object();

	(void)json_object_object_add(o, "schema", json_object_new_int(1));
	return o;
}

static bool wire_write(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static bool wire_read(int fd, void *data, size_t len)
{
	char *p = data;

	while (len) {
		ssize_t n = recv(fd, p, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static struct json_object *wire_frame(int fd)
{
	struct json_object *o = NULL;
	uint32_t len;
	char *text;

	if (!wire_read(fd, &len, sizeof(len)))
		return NULL;
	len = ntohl(len);
	if (len == 0 || len > WIRE_MAX || !(text = malloc((size_t)len + 1)))
		return NULL;
	if (wire_read(fd, text, len)) {
		text[len] = '\0';
		o = json_tokener_parse(text);
	}
	free(text);
	return o;
}

static int wire_connect(const struct ctl *c)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	const struct timeval patience = { .tv_sec = c->patience };
	int fd;

	if (strlen(c->socket) >= sizeof(un.sun_path))
		return -1;
	memcpy(un.sun_path, c->socket, strlen(c->socket) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	// A zero is no limit.
	if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
			setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0 ||
			connect(fd, (struct sockaddr *)&un, sizeof(un)) < 0)) {
		(void)close(fd);
		fd = -1;
	}
	return fd;
}

static int wire_code(const char *word)
{
	static const struct {
		const char *word;
		int code;
	} codes[] = { { "usage", WIRE_EXIT_USAGE },
		      { "not-found", WIRE_EXIT_NOT_FOUND },
		      { "permission", WIRE_EXIT_PERMISSION },
		      { "denied", WIRE_EXIT_DENIED },
		      { "temporary", WIRE_EXIT_TEMPORARY } };

	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		if (strcmp(codes[i].word, word) == 0)
			return codes[i].code;
	return WIRE_EXIT_FAILED;
}

int ctl_ask(const struct ctl *c, struct json_object *request, bool say,
	    void (*progress)(const struct ctl *c, struct json_object *p),
	    struct json_object **result_out)
{
	const char *text = json_object_to_json_string_ext(request, JSON_C_TO_STRING_PLAIN);
	uint32_t len = htonl((uint32_t)strlen(text));
	struct json_object *o = NULL, *inner;
	int fd = wire_connect(c), code = WIRE_EXIT_UNREACHABLE;

	if (fd < 0) {
		if (say)
			(void)fprintf(
				stderr,
				"scimctl: the daemon does not answer on %s; is scimd running?\n",
				c->socket);
		json_object_put(request);
		return WIRE_EXIT_UNREACHABLE;
	}
	if (wire_write(fd, &len, sizeof(len)) && wire_write(fd, text, strlen(text)))
		while ((o = wire_frame(fd)) && json_object_object_get_ex(o, "progress", &inner)) {
			if (progress)
				progress(c, inner);
			json_object_put(o);
		}
	(void)close(fd);
	json_object_put(request);
	if (!o) {
		if (say || !c->patience)
			(void)fprintf(
				stderr,
				"scimctl: the daemon closed the connection without an answer\n");
		return code;
	}
	if (ctl_true(o, "ok") && json_object_object_get_ex(o, "result", &inner)) {
		*result_out = json_object_get(inner);
		code = 0;
	} else {
		code = wire_code(ctl_str(o, "code"));
		(void)fprintf(stderr, "scimctl: %s\n", ctl_safe(ctl_str(o, "error")));
	}
	json_object_put(o);
	return code;
}

int ctl_image(const struct ctl *c, struct image *im, bool say)
{
	char path[PATH_MAX];
	int r = -ENAMETOOLONG;

	if (snprintf(path, sizeof(path), "%s/%s", c->state_dir, SCIMD_IMAGE_NAME) <
	    (int)sizeof(path))
		r = image_open(im, path, IMAGE_BY_PREAD);
	if (r == 0)
		return 0;
	if (say)
		(void)fprintf(stderr, "scimctl: %s cannot be read: %s\n", path,
			      r == -EBADMSG ? "it is damaged" : strerror(-r));
	return WIRE_EXIT_FAILED;
}

void ctl_print_json(struct json_object *o)
{
	(void)printf("%s\n",
		     json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
							       JSON_C_TO_STRING_NOSLASHESCAPE));
}

int ctl_finish(const struct ctl *c, struct json_object *o, int code)
{
	if (c->json)
		ctl_print_json(o);
	json_object_put(o);
	return code;
}

int ctl_options(int argc, char **argv, const struct ctl_option *options,
		struct json_object *request)
{
	struct option known[CTL_OPTIONS_MAX + 1] = { { 0 } };
	int ch;

	for (int i = 0; options[i].name && i < CTL_OPTIONS_MAX; i++)
		known[i] = (struct option){ options[i].name,
					    options[i].text ? required_argument : no_argument, NULL,
					    i + 1 };
	optind = 0;
	while ((ch = getopt_long(argc, argv, "", known, NULL)) != -1) {
		const struct ctl_option *o;

		if (ch == '?')
			goto bad;
		o = &options[ch - 1];
		(void)json_object_object_add(request, o->key,
					     o->text ? json_object_new_string(optarg)
						     : json_object_new_boolean(true));
		if (o->waits)
			(void)json_object_object_add(request, "wait",
						     json_object_new_boolean(true));
	}
	if (optind == argc)
		return 0;
	(void)fprintf(stderr, "scimctl %s: \"%s\" is not understood\n", argv[0],
		      ctl_safe(argv[optind]));
bad:
	json_object_put(request);
	return WIRE_EXIT_USAGE;
}

struct json_object *ctl_member(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	(void)json_object_object_get_ex(o, key, &v);
	return v;
}

size_t ctl_length(struct json_object *list)
{
	return json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

const char *ctl_str(struct json_object *o, const char *key)
{
	struct json_object *v;

	return json_object_object_get_ex(o, key, &v) && v ? json_object_get_string(v) : "";
}

long long ctl_int(struct json_object *o, const char *key)
{
	struct json_object *v;

	return json_object_object_get_ex(o, key, &v) ? (long long)json_object_get_int64(v) : 0;
}

bool ctl_true(struct json_object *o, const char *key)
{
	struct json_object *v;

	return json_object_object_get_ex(o, key, &v) && json_object_get_boolean(v);
}

const char *ctl_safe(const char *text)
{
	static char ring[8][2048];
	static unsigned int next;
	char *out = ring[next++ % 8];
	size_t n = 0;

	for (; *text && n + 5 < sizeof(ring[0]); text++) {
		unsigned char ch = (unsigned char)*text;

		if (ch < 0x20 || ch == 0x7f)
			n += (size_t)snprintf(out + n, sizeof(ring[0]) - n, "\\x%02x", ch);
		else
			out[n++] = (char)ch;
	}
	out[n] = '\0';
	return out;
}
