// SPDX-License-Identifier: MIT
//
// The control socket (scimd/wire.h): framing, who may ask what, deadlines. What
// the commands do is in command.c, a row each.
//
// Life: control_open, clients come and go on the loop, control_close. A handler
// answers at once (control_ok, control_error) or keeps the call in its own list
// and answers later; `gone` is called when the client hangs up first.
#ifndef SCIMD_AGENT_CONTROL_H
#define SCIMD_AGENT_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct agent;
struct agent_status;
struct control;
struct fail;
struct json_object;

enum control_who { CONTROL_ANYONE, CONTROL_ROOT };

struct control_call {
	struct agent *agent;
	struct json_object *request; // owned by the call
	uid_t uid;                   // of the peer
	void *wait;                  // the handler's own, NULL when answered at once
	void (*gone)(struct control_call *call);
	struct control_client *client;
};

struct control_command {
	const char *name;
	enum control_who who;
	void (*run)(struct control_call *call);
	const char *help;
};

extern const struct control_command control_commands[]; // command.c; name NULL at the end
void command_status(struct control_call *call);         // command_status.c
void command_metrics(struct control_call *call);        // command_metrics.c
void command_probe(struct control_call *call);          // probe.c
// Health as status tells it: 0 green, 1 yellow, 2 red, and why.
int command_health(const struct agent_status *st, char *why, size_t len);

int control_open(struct agent *agent, const char *path, struct control **out, struct fail *f);
void control_close(struct control *c);
// From now on every question is answered by this error; text is borrowed. Before somebody
// is taken `still` is asked whether that holds; where it does not, they are left waiting in
// the socket for who comes after this daemon, and its loop ends.
void control_refuse(struct control *c, const char *text, bool (*still)(struct agent *a));
// Whether somebody is connected, or was since this was last asked.
bool control_asked(struct control *c);

// Each ends the call; result is taken over.
void control_ok(struct control_call *call, struct json_object *result);
void control_error(struct control_call *call, const char *code, const char *text);
// An intermediate frame; progress is taken over.
void control_progress(struct control_call *call, struct json_object *progress);

#endif
