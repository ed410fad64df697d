// SPDX-License-Identifier: MIT
//
// Asking scim-lockout (scimd/lockout.h) to end the processes of the leavers in the
// store's queue (leaver.h), again and again until it has done it. A while later it is
// asked once more: who was let in a moment before the door closed may have been on
// the way, and had no process yet.
//
// Life: lockout_new; lockout_go whenever a round has ended (it reads the queue and
// asks); lockout_free. Everything happens on the loop, a few conversations at a time.
#ifndef SCIMD_AGENT_LOCKOUT_H
#define SCIMD_AGENT_LOCKOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct agent;
struct control_call;
struct fail;
struct json_object;
struct leaver;
struct lockout;

int lockout_new(struct agent *a, struct lockout **out);
void lockout_free(struct lockout *l); // takes NULL
// True while somebody is being asked.
bool lockout_go(struct lockout *l);

struct lockout_state {
	size_t queued, held; // held: of the queued, those that wait for acceptance
	const char *problem; // of the last conversation, "" = none
};

// Whether that person's processes are being ended for the first time just now.
bool lockout_pending(const struct lockout *l, uint32_t uid);
void lockout_state(const struct lockout *l, struct lockout_state *out);
// For the report to a directory: of its people the lock-outs that go on and the last
// that ended, an array of {id, denied_at, ended_at}, or NULL. The caller's.
struct json_object *lockout_report(const struct lockout *l, const char *source);
// The commands `lockout` and `evidence` of the control socket.
void command_lockout(struct control_call *call);
void command_evidence(struct control_call *call);

// ------------------------------------------------------------ one conversation

struct lockout_ask;

struct lockout_answer {
	bool done;
	char code[16];  // of `refused`, or ""
	char text[256]; // why not
	int64_t began, over;
	unsigned int processes, sessions, root;
	struct json_object *left; // array of "NAME (PID)"
};

// end is called once, from the loop, unless lockout_ask_free comes first.
int lockout_ask(struct agent *a, const struct leaver *who,
		void (*end)(void *arg, struct lockout_answer *answer), void *arg,
		struct lockout_ask **out, struct fail *f);
void lockout_ask_free(struct lockout_ask *k); // takes NULL

#endif
