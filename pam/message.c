// SPDX-License-Identifier: MIT
//
// Words for every reason; see message.h.
#include "pam/message.h"

#include <stdio.h>

#define ASK "Ask your administrator."

static const struct message {
	const char *person; // NULL: nothing
	const char *by;     // what decided; NULL: the rule
	const char *log;
} messages[REASONS] = {
	[REASON_ERROR] = { "Your account could not be checked. " ASK, "internal error",
			   "something failed; the line before this one says what" },
	[REASON_LOCAL] = { NULL, NULL, "a local account" },
	[REASON_UNCONFIGURED] = { NULL, NULL, "scimd was never configured here" },
	[REASON_STRANGER] = { NULL, NULL, "not a person of the directory" },
	[REASON_UNREADABLE] = { "Accounts cannot be checked on this host at the moment. " ASK,
				"no account data",
				"the account image cannot be read; try: scimctl status" },
	[REASON_DISABLED] = { "Your account is disabled. " ASK, NULL, "disabled in the directory" },
	[REASON_DELETED] = { "Your account is disabled. " ASK, NULL, "deleted from the directory" },
	[REASON_REFUSED] = { "Your account's record cannot be used. " ASK, NULL,
			     "the directory's record is refused; try: scimctl explain" },
	[REASON_PROBE] = { "This account exists to be refused.", NULL, "the probe" },
	[REASON_SAYS_DISABLED] = { "Your account is disabled. " ASK, "the directory",
				   "the directory has just said: disabled" },
	[REASON_SAYS_GONE] = { "Your account is disabled. " ASK, "the directory",
			       "the directory has just said: no such person" },
	[REASON_POLICY] = { "You may not log in on this host. " ASK, NULL,
			    "the access policy; try: scimctl explain" },
	[REASON_NO_POLICY] = { "Nobody may log in on this host yet. " ASK, "no policy",
			       "[access] allow is not set" },
	[REASON_STALE] = { "This host has not heard from the directory for too long. " ASK,
			   "stale-deny",
			   "the last complete sync is older than stale-deny, and the directory "
			   "does not answer; try: scimctl status" },
	[REASON_AGE_UNKNOWN] = { "This host cannot tell how old its accounts are. " ASK, "clock",
				 "the clock is behind the last complete sync, or none ever was, "
				 "and the directory does not answer; try: scimctl status" },
	[REASON_OLD] = { "This host has not heard from the directory for a while, and may soon let "
			 "nobody in. " ASK,
			 "stale-warn",
			 "allowed, but the last complete sync is older than stale-warn; try: "
			 "scimctl status" },
	[REASON_ALLOWED] = { NULL, NULL, "allowed" },
};

static const struct message *message_of(enum decide_reason why)
{
	return &messages[(unsigned)why < REASONS ? why : REASON_ERROR];
}

const char *message_person(enum decide_reason why, unsigned rule, char *buf, size_t len)
{
	const struct message *m = message_of(why);

	if (!m->person)
		return "";
	if (m->by)
		(void)snprintf(buf, len, "%s (scimd: %s)", m->person, m->by);
	else
		(void)snprintf(buf, len, "%s (scimd: rule %u)", m->person, rule);
	return buf;
}

const char *message_log(enum decide_reason why)
{
	return message_of(why)->log;
}
