// SPDX-License-Identifier: MIT
//
// Group commit: writes that arrive while a commit is under way go into the next
// one together, so that many small writes do not each pay an fsync. A job is
// done only when its commit is on the disk.
//
// Life: writer_new, writer_put (loop thread), each job's done() in the loop,
// writer_free (waits for what is queued; done() is called for all of it).
// Threads: run() is called on the writer's thread, each inside a transaction of
// its own (store_try), so one that fails leaves nothing and harms no other.
// It may be called again when the map has grown, or when the disk is too full for all
// jobs of a commit and each is tried alone: it must start afresh.
#ifndef SCIMD_DIRECTORY_WRITER_H
#define SCIMD_DIRECTORY_WRITER_H

#include "scimd/base/fail.h"
#include <stdbool.h>

struct sd_event;
struct store;
struct store_txn;
struct writer;

struct writer_job {
	int (*run)(struct store_txn *t, struct writer_job *j, struct fail *f);
	void (*done)(struct writer_job *j); // owner frees; r and fail tell how it went
	int r;                              // run's, or the commit's
	bool vital; // set by run: with nothing free on the disk, the reserve is for this
	struct fail fail;
	struct writer_job *next;
};

// WRITER_READS: the same for what only reads and takes long; each job in a view.
enum writer_mode { WRITER_WRITES, WRITER_READS };
int writer_new(struct sd_event *event, struct store *s, enum writer_mode mode, struct writer **out,
	       struct fail *f);
void writer_put(struct writer *w, struct writer_job *j);
void writer_free(struct writer *w); // takes NULL

#endif
