// SPDX-License-Identifier: MIT
//
// What a directory says of one person, rule by rule: names, numbers, texts, SSH keys.
// What is accepted is fit for /etc/passwd and for sshd.
#include "tests/fuzz/fuzz.h"

#include "scimd/base/arena.h"
#include "scimd/identity/id.h"
#include "scimd/identity/name.h"
#include "scimd/identity/text.h"
#include <scimd/account.h>

static void fit(bool ok, const char *text, size_t len)
{
	if (!ok)
		return;
	for (size_t i = 0; i < len; i++)
		if (text[i] == ':' || (unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = fuzz_text(data, len), name[NAME_ROOM], shown[256];
	struct arena a = ARENA_INIT;
	const char *why, *key;
	uint32_t id;

	if (name_login(text, len, true, name, &why) || name_group(text, len, '-', name, &why)) {
		fit(true, name, strlen(name));
		if (!name_legal(name, &why))
			abort();
	}
	if (id_given(text, len, &id, &why) && (id < 1000 || id > INT32_MAX || id == 65534))
		abort();
	fit(text_gecos_ok(text, len), text, len);
	fit(text_home_ok(text, len), text, len);
	fit(text_shell_ok(text, len), text, len);
	key = text_key(&a, text, len, &why);
	if (key && (strpbrk(key, "\n\r\"#,") || strchr(strchr(key, ' ') + 1, ' ')))
		abort();
	(void)text_home(&a, text, "ada", 4711);
	(void)name_show(text, len, shown, sizeof(shown));
	arena_free(&a);
	free(text);
	return 0;
}
