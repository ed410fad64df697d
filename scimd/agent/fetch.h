// SPDX-License-Identifier: MIT
//
// One directory's connection: the client (HTTP, token, quirks) as the agent
// needs it. A fetch walks the directory and fills a stage; a check asks about one
// person. Both may be under way at the same time.
#ifndef SCIMD_AGENT_FETCH_H
#define SCIMD_AGENT_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct config_directory;
struct ear;
struct fail;
struct fetch;
struct json_object;
struct listen_change;
struct mapping;
struct stage;
struct tags;

struct fetch_progress {
	const char *stage; // as in pull.h
	uint64_t users, groups, asked;
	int64_t total; // of the list being walked or of those who are missing, -1 unknown
};

struct fetch_end {
	int r;            // 0: proven complete; -errno: not, and why is in the stage's place
	const char *text; // sentence, "" when r is 0
	uint64_t users, groups;
	int64_t retry_after; // seconds the server asked for, -1
	struct tags *tags;   // of the lists, to be moved from; NULL: none to rely on
};

struct fetch_calls {
	void *arg;
	void (*progress)(void *arg, const struct fetch_progress *p);
	// Left as it was, or with the members that it had: why. May be NULL.
	void (*unclear)(void *arg, uint8_t kind, const char *id, const char *text);
	void (*end)(void *arg, const struct fetch_end *end); // once, never from inside fetch_run
};

// dir and mapping are borrowed for the life of the fetch.
int fetch_new(sd_event *event, const struct config_directory *dir, const struct mapping *mapping,
	      struct fetch **out, struct fail *f);
// Who is told whether the directory offers events; borrowed, NULL: nobody.
void fetch_ear(struct fetch *ft, struct ear *ear);
void fetch_free(struct fetch *ft); // ends what is under way without calling back
struct fetch_wish {
	bool disabled_only;    // pull.h
	bool accept_removals;  // the brake lets everybody go: all who are missing are asked for
	bool accept_directory; // another one, which knows nobody of the old one: none is
	uint32_t seconds;      // until the next walk is due
};
// Walks everything into st, or what is wished for. 0, or -errno when it could not even begin.
int fetch_run(struct fetch *ft, struct stage *st, const struct fetch_wish *wish,
	      const struct fetch_calls *calls, struct fail *f);
// Reads only these (at most PICK_MAX) into st, which is partial. As fetch_run.
int fetch_some(struct fetch *ft, struct stage *st, const struct listen_change *list, size_t n,
	       const struct fetch_calls *calls, struct fail *f);

// Asks whether the lists are still what bore these tags (tags.h), which stay until end.
int fetch_unchanged(struct fetch *ft, const struct tags *tags, void (*end)(void *arg, bool same),
		    void *arg, struct fail *f);

struct fetch_check {
	int status;               // HTTP status, 0 = no answer
	struct json_object *user; // with 200; borrowed
	const char *etag;         // with 200; NULL not given
	const char *text;         // why there is no answer
};
// GET of one user with a deadline, unless it is still what bore this ETag (NULL: none,
// and where the quirk table forbids it none is sent). end is called once, from the loop.
int fetch_user(struct fetch *ft, const char *id, const char *etag, uint64_t deadline_ms,
	       void (*end)(void *arg, const struct fetch_check *c), void *arg, struct fail *f);

#endif
