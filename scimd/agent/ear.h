// SPDX-License-Identifier: MIT
//
// What the agent hears of changes: one per directory that is listened to
// (client/listen.h). What was heard becomes a round that reads only that, or all
// of it when it is too much or not known; it is acknowledged when the image is
// published.
//
// Life: ear_open when a directory comes into use (nothing is asked for before
// discovery has shown that there are events); rounds call ear_take, ear_failed and
// ear_end; ear_close before the directory's fetch is freed.
#ifndef SCIMD_AGENT_EAR_H
#define SCIMD_AGENT_EAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct agent;
struct config_directory;
struct ear;
struct fail;
struct fetch;
struct listen_change;
struct session;

// dir is borrowed.
int ear_open(struct agent *a, const struct config_directory *dir, struct ear **out);
void ear_close(struct ear *e); // takes NULL

// Discovery has spoken. True: the walk waits until ready is called, which is soon
// and once, so that nothing happens unheard between the list and the events.
bool ear_offered(struct ear *e, bool events, struct session *s, void (*ready)(void *arg),
		 void *arg);
// A round begins on this directory; full: it reads everything. What it is to read else:
// 0 nothing, or how many of *list, which stays until ear_end.
size_t ear_take(struct ear *e, bool full, const struct listen_change **list);
void ear_failed(struct ear *e);             // this directory's part of the round was no good
void ear_end(struct ear *e, bool good);     // the round has ended
void ear_tell(struct ear *e);               // a lock-out of its people came further
bool ear_hears(const struct ear *e);        // changes come by themselves
const char *ear_state(const struct ear *e); // a sentence for people

#endif
