// SPDX-License-Identifier: MIT
//
// Prints the server's own table of routes, a row a line: METHOD PATH WHO BODY.
// "!" before a path: below the root, not below the base. For doors.sh, which knocks
// at each of them.
#include "scimd/directory/serve_internal.h"
#include <stdio.h>

int main(void)
{
	static const char *const who[] = { "anyone", "read", "write" };

	for (const struct serve_route *row = serve_routes; row->method; row++)
		printf("%s %s %s %s\n", row->method, row->path, who[row->who],
		       row->body ? "body" : "none");
	return 0;
}
