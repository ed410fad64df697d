// SPDX-License-Identifier: MIT
//
// The parts of scim-lockout: may.c decides whose processes may be ended, session.c
// talks to logind and systemd, process.c reads what a process is, sweep.c ends them.
// Nothing here trusts the one who asks, and nothing waits for the one who goes.
#ifndef SCIMD_LOCKOUT_LOCKOUT_H
#define SCIMD_LOCKOUT_LOCKOUT_H

#include <scimd/lockout.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct lockout_request {
	uid_t peer;          // who asks
	uint32_t uid, grace; // grace: ms
	bool policy;
	char message[LOCKOUT_MESSAGE_MAX + 1]; // printable
};

struct lockout_left {
	pid_t pid;
	char name[16];
};

struct lockout_evidence {
	int64_t began, over; // wall clock, ms
	unsigned int processes, sessions, root;
	struct lockout_left left[LOCKOUT_LEFT_MAX];
	unsigned int left_count;
	const char *refused; // what may_end said when the grace time was over
};

// A line without its newline. False: not to be understood.
bool request_read(const char *line, size_t len, struct lockout_request *out);

// NULL: those processes may be ended. Else a code of scimd/lockout.h, and why.
// "" as the code: it cannot be known now.
const char *may_end(const struct lockout_request *rq, char *name_out, char *why, size_t len);
#define MAY_NAME 64

// ------------------------------------------------------------------ processes

struct process {
	pid_t pid;
	int pidfd;
	bool theirs;       // by uid, cgroup or user namespace
	bool root;         // all four uids are 0
	bool login;        // it carries their login uid
	uint32_t terminal; // device number, 0: none
	char name[16];
};

// What /proc says of it. 0: described, pidfd is the caller's; -ESRCH: it ended, or
// was never one of interest; other -errno: it could not be looked at.
int process_read(int proc, pid_t pid, uint32_t uid, struct process *out);
bool process_ended(int pidfd);

// Kills until two looks at all processes found nobody; with `tell` says the message
// and gives the grace time first; -ECANCELED: they may stay after all (ev->refused). Adds
// to ev. 0, or -errno with why.
int sweep(const struct lockout_request *rq, bool tell, struct lockout_evidence *ev, char *why,
	  size_t len);

// ------------------------------------------------------------------- sessions

// Lingering off, sessions, user manager and slice stopped. What cannot be reached is
// left to the sweep.
void session_end(uint32_t uid, const char *name);
// Afterwards: their user manager was killed, which is no failure of this host.
void session_settle(uint32_t uid);
unsigned int session_count(uint32_t uid);

int64_t now_wall(void); // ms
int64_t now_boot(void);

#endif
