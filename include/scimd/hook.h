// SPDX-License-Identifier: MIT
//
// How scimd hands an event to scim-hook (/run/scimd/hook.sock, stream), which runs
// the host's own programs for it: one event per connection.
//
// The request is a line, lines that name the hooks that need not run, and the event:
//
//     run TIMEOUT LENGTH
//     done NAME                 of the tries before: this one is through with it
//
//     {"schema":1,"event":…}    after an empty line, LENGTH bytes
//
// TIMEOUT (milliseconds, at most HOOK_TIMEOUT_MAX) is for each hook, LENGTH at most
// HOOK_EVENT_MAX, both decimal. The answer is a line for each hook, in lexical order,
// as it ends, and `over` when all have:
//
//     done NAME
//     never NAME SENTENCE…      it wants no other try
//     failed NAME SENTENCE…     it does
//     refused NAME SENTENCE…    not run: not root's alone, no program …
//     failed * SENTENCE…        nothing was run; ask again
//     over
#ifndef SCIMD_HOOK_H
#define SCIMD_HOOK_H

#define HOOK_SOCKET "/run/scimd/hook.sock"
#define HOOK_EVENT_MAX 65536
#define HOOK_REQUEST_MAX (HOOK_EVENT_MAX + 8192)
#define HOOK_ANSWER_MAX 32768
#define HOOK_TIMEOUT_MAX 3600000
#define HOOK_NEVER 100 // exit status of a hook that wants no other try

#endif
