// SPDX-License-Identifier: MIT
//
// Stored records that are damaged: nobody is made of them who may not be.
#include "tests/fuzz/fuzz.h"

#include "tests/unit/crowd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct crowd c;
	size_t at = 0;

	crowd_open(&c, NULL, NULL);
	while (at + 2 < len && c.count < 50) { // kind, length, bytes
		size_t n = data[at + 1] < len - at - 2 ? data[at + 1] : len - at - 2;

		c.resources[c.count++] = (struct identity_resource){
			.source = data[at] >> 1 & 1,
			.kind = data[at] & 1 ? RESOURCE_USER : RESOURCE_GROUP,
			.bytes = arena_bytes(&c.arena, data + at + 2, n),
			.len = n
		};
		at += 2 + n;
	}
	crowd_resolve(&c);
	for (uint32_t i = 0; i < c.out.account_count; i++)
		if (c.out.accounts[i].uid < 1000 || c.out.accounts[i].gid < 1000 ||
		    strpbrk(c.out.accounts[i].home, ":\n") ||
		    strpbrk(c.out.accounts[i].gecos, ":\n"))
			abort();
	crowd_close(&c);
	return 0;
}
