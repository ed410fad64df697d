// SPDX-License-Identifier: MIT
//
// People who are locked out and whose processes are still to be ended: found by
// comparing the image that stands with what is about to be published, kept in the
// store's queue until scim-lockout has done it (lockout.h). The entry is committed
// with the change itself, before the image is published: nothing between forgets anybody.
//
// Audit entries on the way: `seen`, `published`, `sessions ended`, each with `when`.
#ifndef SCIMD_AGENT_LEAVER_H
#define SCIMD_AGENT_LEAVER_H

#include "scimd/base/fail.h"
#include "scimd/base/log.h"
#include "scimd/image/read.h"
#include <stdbool.h>
#include <stdint.h>

struct job;
struct job_input;
struct json_object;
struct plan;
struct resolved;
struct store_txn;

#define LEAVER_QUEUE "lockout/"
#define LEAVER_KEY 24

struct leaver {
	struct json_object *json; // owns the strings
	const char *name, *source, *id;
	const char *cause; // "disabled", "deleted", "policy"
	uint32_t uid;
	int64_t changed, seen, published; // wall ms; changed: by the directory's word; 0: not known
	int64_t ended;                    // their processes, so far: one more look follows
	bool held;                        // the brake: it waits for `scimctl lockout --accept`
};

int leaver_read(const char *text, struct leaver *out); // 0, -EBADMSG, -ENOMEM; then leaver_free
void leaver_free(struct leaver *l);
struct log_about leaver_about(const struct leaver *l);                 // strings are the leaver's
int leaver_get(struct store_txn *t, uint32_t uid, struct leaver *out); // as leaver_read, -ENOENT
int leaver_put(struct store_txn *t, const struct leaver *l);
int leaver_drop(struct store_txn *t, const struct leaver *l);
// more: further members of the entry, taken over, or NULL.
int leaver_audit(struct store_txn *t, const struct leaver *l, const char *event, int64_t when,
		 struct json_object *more);

// Whom a publish locks out anew, and whom of the queue it lets in again. It borrows from
// all three. leavers_note goes into the transaction of the plan (and may run twice),
// leavers_tell follows once that is committed.
struct leavers;
int leavers_find(const struct job_input *in, const struct plan *p, const struct resolved *res,
		 struct leavers **out, struct fail *f);
bool leavers_any(const struct leavers *ll);
int leavers_note(struct store_txn *t, const struct leavers *ll);
void leavers_tell(const struct leavers *ll);
void leavers_free(struct leavers *ll); // takes NULL
// After one, or when one stands: those of the queue whom the image denies are marked
// published. Where that cannot be written the next job does it.
void leavers_published(const struct job_input *in, struct job *out);
// Whether that image denies them.
bool leaver_denied(const struct image *im, uint32_t uid);

#endif
