// SPDX-License-Identifier: MIT
//
// How scimd asks scim-lockout to end the processes of somebody who was locked
// out (/run/scimd/lockout.sock, stream): one request per connection, one answer,
// lines of text that end in a newline.
//
// The request is one line of at most LOCKOUT_REQUEST_MAX bytes:
//
//     end UID GRACE CAUSE MESSAGE…
//
// UID and GRACE (milliseconds, at most LOCKOUT_GRACE_MAX) are decimal, CAUSE is
// `left` (disabled or deleted) or `policy`, MESSAGE the rest of the line: what
// the person's terminals show, empty for nothing. The answer is one of
//
//     done                      no process of that uid is left
//     refused CODE SENTENCE…    it will not: lockout_code
//     failed SENTENCE…          it could not; ask again
//
// and, before `done` and `failed`, the evidence, a line each:
//
//     began MS                  wall clock
//     over MS
//     processes N               ended, those of root on their terminals included
//     sessions N                of logind
//     root N                    ended: root on one of their terminals
//     left PID NAME             root without a terminal, started by them: not ended
//
// Whoever listens believes nothing: it reads the image itself (scimd/image.h), and
// serves nobody but the image's owner.
#ifndef SCIMD_LOCKOUT_H
#define SCIMD_LOCKOUT_H

#define LOCKOUT_SOCKET "/run/scimd/lockout.sock"
#define LOCKOUT_REQUEST_MAX 1024
#define LOCKOUT_MESSAGE_MAX 800
#define LOCKOUT_GRACE_MAX 600000
#define LOCKOUT_SECONDS 20  // after the grace time: then it has `failed`
#define LOCKOUT_LEFT_MAX 32 // lines
#define LOCKOUT_ANSWER_MAX 8192

// Codes of `refused`. `active` and `unknown` may pass with the next image.
#define LOCKOUT_CALLER "caller"     // it does not own the image
#define LOCKOUT_REQUEST "request"   // not to be understood
#define LOCKOUT_RESERVED "reserved" // root, system users, numbers nobody is served with
#define LOCKOUT_LOCAL "local"       // the uid stands in /etc/passwd
#define LOCKOUT_UNKNOWN "unknown"   // the image has no such uid
#define LOCKOUT_ACTIVE "active"     // the image does not lock that person out

#endif
