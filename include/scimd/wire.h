// SPDX-License-Identifier: MIT
//
// The control socket (/run/scimd/scimd.sock, stream): how scimctl and pam_scim
// talk to scimd.
//
// A frame is a 4-byte big-endian length (1 … WIRE_MAX) and that many bytes of
// UTF-8 text. The client sends one frame: a JSON object {"command": WORD, …the
// command's options…}. The daemon answers with any number of frames that are
// {"progress": {…}}, then exactly one that is {"ok": true, "result": {…}} or
// {"ok": false, "code": WORD, "error": SENTENCE}, and closes. Who may ask what
// is in the row of the daemon's command table (SO_PEERCRED): anyone, root, or
// root-or-the-person-asked-about. A malformed or oversized frame closes the
// connection; a client that is silent for WIRE_SECONDS is cut off.
//
// Commands: status · explain {name, if_disabled, if_group} · people {from} ·
// refusals · sync {full, dry_run, wait, accept_removals, accept_directory} ·
// audit {user, since, verify} · check {name} (the live check) · session {name}
// (one began) · probe {directory} · cache · metrics · rebuild · reload · lockout {accept} ·
// evidence {user, limit}.
#ifndef SCIMD_WIRE_H
#define SCIMD_WIRE_H

#define WIRE_MAX (16u << 20)    // an answer
#define WIRE_REQUEST_MAX 65536u // a request
#define WIRE_SECONDS 10

// Exit codes of scimctl, and the codes that the daemon's refusals carry.
enum wire_exit {
	WIRE_EXIT_OK = 0,
	WIRE_EXIT_FAILED = 1,      // "failed": a problem was found
	WIRE_EXIT_USAGE = 2,       // "usage"
	WIRE_EXIT_UNREACHABLE = 3, // daemon not running
	WIRE_EXIT_NOT_FOUND = 4,   // "not-found"
	WIRE_EXIT_PERMISSION = 5,  // "permission"
	WIRE_EXIT_DENIED = 6,      // "denied" (explain)
	WIRE_EXIT_TEMPORARY = 75,  // "temporary"
};

#endif
