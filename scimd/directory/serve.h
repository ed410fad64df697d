// SPDX-License-Identifier: MIT
//
// The server: HTTP on one side, the store on the other, one loop between them.
//
// Reading what an index gives happens in the loop; writing goes to the writer's
// thread (writer.h), and so do lists that must look at every resource, to a
// reader's thread of their own, so that no client waits for another.
#ifndef SCIMD_DIRECTORY_SERVE_H
#define SCIMD_DIRECTORY_SERVE_H

struct directory_conf;

// Until SIGTERM or SIGINT; SIGHUP loads the certificate anew. The process's exit code.
int serve_run(const struct directory_conf *c);

#endif
