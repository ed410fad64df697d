// SPDX-License-Identifier: MIT
//
// Which names may be served; see name.h.
#include "scimd/identity/name.h"
#include <scimd/account.h>
#include <stdio.h>
#include <string.h>

static const char *const name_privileged_list[] = {
	"root",
	"sudo",
	"wheel",
	"admin",
	"adm",
	"docker",
	"lxd",
	"lxc",
	"incus",
	"incus-admin",
	"libvirt",
	"libvirt-qemu",
	"kvm",
	"disk",
	"shadow",
	"kmem",
	"tty",
	"tape",
	"video",
	"audio",
	"staff",
	"systemd-journal",
	"systemd-network",
	"netdev",
	"plugdev",
	"dialout",
	"uucp",
	"input",
	"render",
	"ssl-cert",
	"sys",
	"daemon",
	"bin",
	"mail",
	"operator",
	"users",
	"utmp",
	"crontab",
	"ssh",
	"ssh_keys",
	"_ssh",
	"polkitd",
	"messagebus",
	"nogroup",
	"nobody",
	"podman",
	"microk8s",
	"vboxusers",
	"wireshark",
	"scimd",
	"scim-directory",
	"sambashare",
	"lpadmin",
	"lp",
	"cdrom",
	"floppy",
	"backup",
};

bool name_privileged(const char *name)
{
	for (size_t i = 0; i < sizeof(name_privileged_list) / sizeof(*name_privileged_list); i++)
		if (strcmp(name, name_privileged_list[i]) == 0)
			return true;
	return false;
}

const char *name_show(const char *text, size_t len, char *out, size_t out_len)
{
	size_t n = 0, max = len < 80 ? len : 80;

	for (size_t i = 0; i < max && n + 8 < out_len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < 0x20 || c > 0x7e || c == '"' || c == '\\')
			n += (size_t)snprintf(out + n, out_len - n, "\\x%02x", c);
		else
			out[n++] = (char)c;
	}
	if (len > max && n + 4 < out_len) {
		memcpy(out + n, "...", 3);
		n += 3;
	}
	out[n] = '\0';
	return out;
}

bool name_legal(const char *name, const char **why_out)
{
	size_t len = strlen(name);
	bool digits = true;

	*why_out = NULL;
	if (len == 0)
		*why_out = "is empty";
	else if (len > ACCOUNT_NAME_MAX)
		*why_out = "is longer than 32 characters";
	else if (!((name[0] >= 'a' && name[0] <= 'z') || name[0] == '_'))
		*why_out = "begins with neither a letter nor _";
	for (size_t i = 0; i < len && !*why_out; i++) {
		char c = name[i];

		digits = digits && c >= '0' && c <= '9';
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
		      c == '-'))
			*why_out = (unsigned char)c >= 0x80
					   ? "has a character outside ASCII"
					   : "has a character other than a-z 0-9 _ . -";
	}
	if (!*why_out && digits)
		*why_out = "is all digits";
	if (!*why_out && strstr(name, ".."))
		*why_out = "has two dots in a row";
	if (!*why_out && name[len - 1] == '.')
		*why_out = "ends in a dot";
	if (!*why_out && strcmp(name, ACCOUNT_PROBE_NAME) == 0)
		*why_out = "is scimd's own";
	return !*why_out;
}

static bool name_lower(const char *text, size_t len, char space, char out[NAME_ROOM],
		       const char **why_out)
{
	if (len == 0) {
		*why_out = "is empty";
		return false;
	}
	if (memchr(text, '\0', len)) {
		*why_out = "has a NUL byte in it";
		return false;
	}
	if (len > ACCOUNT_NAME_MAX) {
		*why_out = "is longer than 32 characters";
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		out[i] = text[i];
		if (out[i] >= 'A' && out[i] <= 'Z')
			out[i] = (char)(out[i] + 32);
		if (out[i] == ' ' && space)
			out[i] = space;
	}
	out[len] = '\0';
	return name_legal(out, why_out);
}

bool name_login(const char *text, size_t len, bool cut, char out[NAME_ROOM], const char **why_out)
{
	const char *at = memchr(text, '@', len);

	if (cut && at) {
		if (memchr(at + 1, '@', len - (size_t)(at + 1 - text))) {
			*why_out = "has more than one @";
			return false;
		}
		len = (size_t)(at - text);
	}
	return name_lower(text, len, 0, out, why_out);
}

bool name_group(const char *text, size_t len, char space, char out[NAME_ROOM], const char **why_out)
{
	if (!space && memchr(text, ' ', len)) {
		*why_out = "has a space in it; set override_space, or rename the group";
		return false;
	}
	return name_lower(text, len, space, out, why_out);
}
