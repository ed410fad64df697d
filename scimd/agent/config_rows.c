// SPDX-License-Identifier: MIT
//
// The settings, a row each; see config.h.
#include "scimd/agent/config_internal.h"
#include <scimd/hook.h>
#include <scimd/lockout.h>
#include <scimd/paths.h>
#include <stddef.h>
#include <string.h>

#define IN_CONFIG(field) offsetof(struct config, field)
#define IN_DIRECTORY(field) offsetof(struct config_directory, field)
#define DAY 86400u

const struct config_row config_rows[] = {
	{ "scimd", "state_dir", CONFIG_PATH, IN_CONFIG(state_dir), SCIMD_STATE_DIR, 0, 0, NULL,
	  "accounts.image lies here, the store in private/" },
	{ "scimd", "socket", CONFIG_PATH, IN_CONFIG(socket), SCIMD_SOCKET, 0, 0, NULL,
	  "the control socket" },
	{ "scimd", "interval", CONFIG_SPAN, IN_CONFIG(interval), "5min", 1, 7 * DAY, NULL,
	  "the longest time between two looks at the directory; up to a tenth less, by chance" },
	{ "scimd", "full_interval", CONFIG_SPAN, IN_CONFIG(full_interval), "1h", 1, 30 * DAY, NULL,
	  "the longest time between two complete lists; up to a tenth less, by chance" },
	{ "directory", "url", CONFIG_URL, IN_DIRECTORY(url), NULL, 0, 0, NULL,
	  "base URL of the SCIM service, https:// (http:// for loopback only)" },
	{ "directory", "token", CONFIG_TOKEN, IN_DIRECTORY(token), NULL, 0, 0, NULL,
	  "name of the credential that holds the bearer token" },
	{ "directory", "token_file", CONFIG_PATH, IN_DIRECTORY(token_file), NULL, 0, 0, NULL,
	  "file that holds the bearer token, for other layouts" },
	{ "directory", "client_id", CONFIG_TEXT, IN_DIRECTORY(client_id), NULL, 0, 0, NULL,
	  "OAuth 2 client credentials: the client" },
	{ "directory", "client_secret", CONFIG_TOKEN, IN_DIRECTORY(client_secret), NULL, 0, 0, NULL,
	  "OAuth 2 client credentials: name of the credential that holds the secret" },
	{ "directory", "client_secret_file", CONFIG_PATH, IN_DIRECTORY(client_secret_file), NULL, 0,
	  0, NULL, "OAuth 2 client credentials: file that holds the secret, for other layouts" },
	{ "directory", "token_url", CONFIG_URL, IN_DIRECTORY(token_url), NULL, 0, 0, NULL,
	  "OAuth 2 client credentials: where tokens are handed out" },
	{ "directory", "scope", CONFIG_TEXT, IN_DIRECTORY(scope), NULL, 0, 0, NULL,
	  "OAuth 2 client credentials: the scope asked for" },
	{ "directory", "ca_file", CONFIG_PATH, IN_DIRECTORY(ca_file), NULL, 0, 0, NULL,
	  "certificates that are trusted instead of the system's" },
	{ "directory", "client_cert", CONFIG_PATH, IN_DIRECTORY(client_cert), NULL, 0, 0, NULL,
	  "TLS client certificate" },
	{ "directory", "client_key", CONFIG_PATH, IN_DIRECTORY(client_key), NULL, 0, 0, NULL,
	  "key of the TLS client certificate" },
	{ "directory", "tls_min", CONFIG_WORD, IN_DIRECTORY(tls_min), "1.2", 0, 0, "1.2 1.3",
	  "oldest TLS version that is accepted" },
	{ "directory", "proxy", CONFIG_TEXT, IN_DIRECTORY(proxy), NULL, 0, 0, NULL,
	  "proxy; the environment is never asked; not for http:// urls" },
	{ "directory", "page_size", CONFIG_NUMBER, IN_DIRECTORY(page_size), "100", 1, 10000, NULL,
	  "resources per page; 100 is accepted everywhere" },
	{ "directory", "timeout", CONFIG_SPAN, IN_DIRECTORY(timeout), "30s", 1, 3600, NULL,
	  "deadline of one request; a whole walk has half an hour or full_interval" },
	{ "directory", "events", CONFIG_WORD, IN_DIRECTORY(events), "auto", 0, 0, "auto off",
	  "whether changes are listened for where the directory offers events" },
	{ "directory", "quirks", CONFIG_QUIRKS, IN_DIRECTORY(quirks), NULL, 0, 0, NULL,
	  "rows of the quirk table, where the host name does not tell" },
	{ "identity", "home", CONFIG_HOME, IN_CONFIG(identity.home), "/home/%u", 0, 0, NULL,
	  "home where the directory gives none: %u name, %U uid" },
	{ "identity", "shell", CONFIG_PATH, IN_CONFIG(identity.shell), "/bin/bash", 0, 0, NULL,
	  "shell where the directory gives none" },
	{ "identity", "name_from", CONFIG_WORD, IN_CONFIG(identity.cut), "cut", 0, 0, "cut whole",
	  "login name: userName cut at its @, or whole" },
	{ "identity", "override_space", CONFIG_TEXT, IN_CONFIG(override_space), NULL, 0, 0, NULL,
	  "character that stands for a space in group names; unset: such groups are refused" },
	{ "identity", "leaver_nss", CONFIG_WORD, IN_CONFIG(leaver_nss), "nologin", 0, 0,
	  "nologin hide", "whether people who left still resolve" },
	{ "identity", "group_members", CONFIG_WORD, IN_CONFIG(group_members), "full", 0, 0,
	  "full none self", "members listed by getgrnam: all, none, or only the one who asks" },
	{ "access", "allow", CONFIG_ALLOW, IN_CONFIG(allow_text), NULL, 0, 0, NULL,
	  "who may log in: a SCIM filter over user and groups, or `all`; unset: nobody" },
	{ "access", "deny", CONFIG_FILTER, IN_CONFIG(deny_text), NULL, 0, 0, NULL,
	  "who may not, whatever `allow` says" },
	{ "access", "break-glass", CONFIG_FILTER, IN_CONFIG(break_glass_text), NULL, 0, 0, NULL,
	  "who may log in even when the image is stale" },
	{ "access", "stale-warn", CONFIG_SPAN, IN_CONFIG(stale_warn), "1d", 0, 3650 * DAY, NULL,
	  "age of the last complete sync at which logins warn, 0 = never" },
	{ "access", "stale-deny", CONFIG_SPAN, IN_CONFIG(stale_deny), "7d", 0, 3650 * DAY, NULL,
	  "age of the last complete sync at which logins are denied, 0 = never" },
	{ "lockout", "on_policy", CONFIG_WORD, IN_CONFIG(lockout_policy), "keep", 0, 0, "keep end",
	  "whether the processes of those whom only the policy denies are ended too" },
	{ "lockout", "grace", CONFIG_SPAN, IN_CONFIG(lockout_grace), "0s", 0,
	  LOCKOUT_GRACE_MAX / 1000, NULL, "time between asking processes to end and killing them" },
	{ "lockout", "message", CONFIG_MESSAGE, IN_CONFIG(lockout_message),
	  "Your account was disabled; this session ends now.", 0, LOCKOUT_MESSAGE_MAX, NULL,
	  "what is written to the person's terminals" },
	{ "lockout", "socket", CONFIG_PATH, IN_CONFIG(lockout_socket), LOCKOUT_SOCKET, 0, 0, NULL,
	  "where scim-lockout listens" },
	{ "hooks", "timeout", CONFIG_SPAN, IN_CONFIG(hook_timeout), "30s", 1,
	  HOOK_TIMEOUT_MAX / 1000, NULL, "how long one hook may run before it is killed" },
	{ "hooks", "retries", CONFIG_NUMBER, IN_CONFIG(hook_retries), "12", 0, 100, NULL,
	  "how often a hook that failed is tried again" },
	{ "hooks", "socket", CONFIG_PATH, IN_CONFIG(hook_socket), HOOK_SOCKET, 0, 0, NULL,
	  "where scim-hook listens" },
};
const size_t config_row_count = sizeof(config_rows) / sizeof(*config_rows);

const char *config_option(size_t i, const char **section_out, const char **default_out,
			  const char **help_out)
{
	if (i < config_row_count) {
		if (section_out)
			*section_out = config_rows[i].section;
		if (default_out)
			*default_out = config_rows[i].otherwise;
		if (help_out)
			*help_out = config_rows[i].help;
		return config_rows[i].name;
	}
	if (section_out)
		*section_out = "identity";
	if (default_out)
		*default_out = NULL;
	return mapping_option(i - config_row_count, help_out);
}

const struct config_row *config_row(const char *kind, const char *name)
{
	for (size_t i = 0; i < config_row_count; i++)
		if (strcmp(config_rows[i].section, kind) == 0 &&
		    strcmp(config_rows[i].name, name) == 0)
			return &config_rows[i];
	return NULL;
}

bool config_mapped(const char *name)
{
	const char *option;

	for (size_t i = 0; (option = mapping_option(i, NULL)); i++)
		if (strcmp(option, name) == 0)
			return true;
	return false;
}

const char *config_like(const char *kind, const char *name)
{
	const char *best = NULL, *section, *option;
	size_t least = 4;

	for (size_t i = 0; (option = config_option(i, &section, NULL, NULL)); i++) {
		size_t d = config_distance(name, option);

		if (d < least && (strcmp(section, kind) == 0 ||
				  (i >= config_row_count && strcmp(kind, "directory") == 0))) {
			least = d;
			best = option;
		}
	}
	return best;
}
