// SPDX-License-Identifier: MIT
//
// The ledger from the image; see restore.h.
#include "scimd/agent/restore.h"
#include "scimd/base/clock.h"
#include "scimd/base/fail.h"
#include "scimd/base/log.h"
#include "scimd/identity/resolve.h"
#include "scimd/image/read.h"
#include "scimd/scim/resource.h"
#include "scimd/store/store.h"
#include <errno.h>
#include <limits.h>
#include <scimd/account.h>
#include <scimd/paths.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct restore {
	const struct image *im;
	uint64_t count;
};

// NAME~UID is how a name shows that somebody else bears today.
static int restore_put(struct store_txn *t, struct restore *rs, uint8_t kind, const char *name,
		       uint32_t uid, uint32_t gid, bool deleted)
{
	int64_t now = clock_wall();
	char id[64], plain[64];
	const char *tilde = strchr(name, '~');
	struct store_ledger l = { .source = LEDGER_RESTORED,
				  .id = id,
				  .name = plain,
				  .kind = kind,
				  .deleted = deleted,
				  .uid = uid,
				  .gid = gid,
				  .first_seen = now,
				  .last_seen = now };

	(void)snprintf(id, sizeof(id), "%u", kind == RESOURCE_USER ? uid : gid);
	(void)snprintf(plain, sizeof(plain), "%.*s",
		       (int)(tilde ? (size_t)(tilde - name) : strlen(name)), name);
	rs->count++;
	return store_ledger_put(t, &l);
}

static int restore_all(struct store_txn *t, void *arg, struct fail *f)
{
	struct restore *rs = arg;
	struct image_found_user u;
	struct image_found_group g;
	uint64_t from = 0, hint = 0;
	char line[128], *buf = malloc(IMAGE_RECORD_MAX);
	int r = buf ? 0 : -ENOMEM;

	rs->count = 0;
	while (r == 0 &&
	       (r = image_user_next(rs->im, from, &hint, buf, IMAGE_RECORD_MAX, &u)) == 0) {
		from = (uint64_t)u.head.uid + 1;
		if (u.head.state != ACCOUNT_PROBE)
			r = restore_put(t, rs, RESOURCE_USER, u.name, u.head.uid, u.head.gid,
					u.head.state == ACCOUNT_DELETED);
	}
	r = r == -ENOENT ? 0 : r;
	from = hint = 0;
	while (r == 0 &&
	       (r = image_group_next(rs->im, from, &hint, buf, IMAGE_RECORD_MAX, &g)) == 0) {
		from = (uint64_t)g.head.gid + 1;
		r = restore_put(t, rs, RESOURCE_GROUP, g.name, 0, g.head.gid, false);
	}
	r = r == -ENOENT ? 0 : r;
	free(buf);
	if (r == 0 && rs->count) {
		(void)snprintf(line, sizeof(line),
			       "{\"event\":\"ledger-restored\",\"detail\":\"%llu entries from the "
			       "image\"}",
			       (unsigned long long)rs->count);
		r = store_audit_add(t, line);
	}
	return r < 0 ? fail(f, -r, "the ledger cannot be restored from the image: %s", fail_word(r))
		     : 0;
}

int restore_ledger(struct store *s, const char *state_dir, struct fail *f)
{
	struct store_stats stats;
	struct restore rs = { 0 };
	char path[PATH_MAX];
	struct image im;
	int r = store_stat(s, &stats);

	if (r < 0)
		return fail(f, -r, "the store cannot be read: %s", fail_word(r));
	if (stats.ledger)
		return 0;
	if (snprintf(path, sizeof(path), "%s/%s", state_dir, SCIMD_IMAGE_NAME) >= (int)sizeof(path))
		return fail(f, ENAMETOOLONG, "state_dir %s: name too long", state_dir);
	r = image_open(&im, path, IMAGE_BY_PREAD);
	if (r < 0 && r != -ENOENT)
		log_event(
			EVENT_STORE_DAMAGED, NULL,
			"neither store nor image can be read (%s): hashed numbers and those of the "
			"directory come out the same, but which of them people had who are gone "
			"is not known here any more",
			fail_word(r));
	if (r < 0)
		return 0; // no image yet, or none that says anything
	rs.im = &im;
	r = store_apply(s, restore_all, &rs, f);
	image_close(&im);
	if (r == 0 && rs.count)
		log_event(EVENT_IDS_RESTORED, NULL,
			  "%llu numbers taken over from the image; they stay with their owners",
			  (unsigned long long)rs.count);
	return r;
}
