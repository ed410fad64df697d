// SPDX-License-Identifier: MIT
//
// One conversation with scim-lockout; see lockout.h. It is root's program, so it is
// believed; what does not read as an answer is none.
#include "scimd/agent/ask.h"
#include "scimd/agent/config.h"
#include "scimd/agent/internal.h"
#include "scimd/agent/leaver.h"
#include "scimd/agent/lockout.h"
#include "scimd/base/fail.h"
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <scimd/lockout.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASK_SPARE_S 15u // beyond what the helper takes for itself

struct lockout_ask {
	struct ask *ask;
	void (*end)(void *arg, struct lockout_answer *answer);
	void *arg;
};

void lockout_ask_free(struct lockout_ask *k)
{
	if (!k)
		return;
	ask_free(k->ask);
	free(k);
}

static void ask_left(struct lockout_answer *an, const char *rest)
{
	char name[32], text[64];
	int pid;

	if (sscanf(rest, "%d %31s", &pid, name) != 2)
		return;
	(void)snprintf(text, sizeof(text), "%s (%d)", name, pid);
	if (!an->left)
		an->left = json_object_new_array();
	if (an->left)
		(void)json_object_array_add(an->left, json_object_new_string(text));
}

static bool ask_word(const char *line, size_t n, const char *word)
{
	return n == strlen(word) && memcmp(line, word, n) == 0;
}

// True when that was the last line.
static bool ask_line(struct lockout_answer *an, const char *line)
{
	const char *rest = strchr(line, ' ');
	size_t n = rest ? (size_t)(rest - line) : strlen(line);

	rest = rest ? rest + 1 : "";
	if (ask_word(line, n, "began")) {
		an->began = strtoll(rest, NULL, 10);
	} else if (ask_word(line, n, "over")) {
		an->over = strtoll(rest, NULL, 10);
	} else if (ask_word(line, n, "processes")) {
		an->processes = (unsigned int)strtoul(rest, NULL, 10);
	} else if (ask_word(line, n, "sessions")) {
		an->sessions = (unsigned int)strtoul(rest, NULL, 10);
	} else if (ask_word(line, n, "root")) {
		an->root = (unsigned int)strtoul(rest, NULL, 10);
	} else if (ask_word(line, n, "left")) {
		ask_left(an, rest);
	} else if (strcmp(line, "done") == 0) {
		an->done = true;
		return true;
	} else if (ask_word(line, n, "failed")) {
		(void)snprintf(an->text, sizeof(an->text), "%s", rest);
		return true;
	} else if (ask_word(line, n, "refused")) {
		n = strcspn(rest, " ");
		(void)snprintf(an->code, sizeof(an->code), "%.*s", (int)n, rest);
		(void)snprintf(an->text, sizeof(an->text), "%s", rest + n + (rest[n] == ' '));
		return true;
	}
	return false;
}

static void ask_on_end(void *arg, char *text, const char *why)
{
	struct lockout_ask *k = arg;
	struct lockout_answer an = { .done = false };
	char *save = NULL, *line = why ? NULL : strtok_r(text, "\n", &save);
	bool last = false;

	k->ask = NULL;
	for (; line && !last; line = strtok_r(NULL, "\n", &save))
		last = ask_line(&an, line);
	if (!last)
		(void)snprintf(an.text, sizeof(an.text), "%s",
			       why ? why : "scim-lockout gave no answer");
	k->end(k->arg, &an);
	json_object_put(an.left);
	lockout_ask_free(k);
}

int lockout_ask(struct agent *a, const struct leaver *who,
		void (*end)(void *arg, struct lockout_answer *answer), void *arg,
		struct lockout_ask **out, struct fail *f)
{
	const struct config *c = a->config;
	uint64_t grace = who->ended ? 0 : c->lockout_grace; // they had theirs
	struct lockout_ask *k = calloc(1, sizeof(*k));
	char line[LOCKOUT_REQUEST_MAX];
	struct ask_request rq = { .path = c->lockout_socket,
				  .who = "scim-lockout",
				  .text = line,
				  .max = LOCKOUT_ANSWER_MAX,
				  .silence = grace + LOCKOUT_SECONDS + ASK_SPARE_S,
				  .end = ask_on_end,
				  .arg = k };
	int r;

	if (!k)
		return fail(f, ENOMEM, "out of memory");
	k->end = end;
	k->arg = arg;
	rq.len = (size_t)snprintf(line, sizeof(line), "end %" PRIu32 " %" PRIu64 " %s %s\n",
				  who->uid, grace * 1000,
				  strcmp(who->cause, "policy") == 0 ? "policy" : "left",
				  c->lockout_message ? c->lockout_message : "");
	r = ask_open(a->event, &rq, &k->ask, f);
	if (r < 0) {
		lockout_ask_free(k);
		return r;
	}
	*out = k;
	return 0;
}
