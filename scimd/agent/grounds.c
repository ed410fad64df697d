// SPDX-License-Identifier: MIT
//
// What an image depends on besides the directories' answers; see grounds.h.
#include "scimd/agent/grounds.h"
#include "scimd/agent/config.h"
#include "scimd/agent/job.h"
#include "scimd/base/buf.h"
#include "scimd/base/file.h"
#include "scimd/image/read.h"
#include "scimd/store/store.h"
#include <errno.h>
#include <limits.h>
#include <scimd/paths.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROUNDS_LOCAL_MAX (64u << 20)

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0"
#endif

static int grounds_failed(int r, struct fail *f)
{
	return r < 0 ? fail(f, -r, "what the image is made of cannot be read: %s", fail_word(r))
		     : 0;
}

// Another release of scimd publishes anew.
int grounds_now(const struct job_input *in, uint8_t out[DIGEST_LEN], struct fail *f)
{
	static const char build[] = PACKAGE_VERSION;
	struct buf passwd = BUF_INIT, group = BUF_INIT;
	char *conf = NULL;
	size_t len = 0;
	FILE *text = open_memstream(&conf, &len);
	int r = text ? config_print(in->config, false, text) : -ENOMEM;

	if (text && fclose(text) != 0)
		r = -ENOMEM;
	if (r == 0)
		r = file_read("/etc/passwd", GROUNDS_LOCAL_MAX, &passwd, NULL);
	if (r == 0)
		r = file_read("/etc/group", GROUNDS_LOCAL_MAX, &group, NULL);
	if (r == 0) {
		const struct digest_part parts[] = { { build, sizeof(build) },
						     { conf, len },
						     { buf_text(&passwd), passwd.len },
						     { buf_text(&group), group.len } };

		r = digest_parts(out, parts, sizeof(parts) / sizeof(*parts));
	}
	free(conf);
	buf_free(&passwd);
	buf_free(&group);
	return grounds_failed(r, f);
}

int grounds_made_of(const struct job_input *in, const uint8_t grounds[DIGEST_LEN], uint64_t *out,
		    struct fail *f)
{
	struct store_stats stats = { 0 };
	uint8_t d[DIGEST_LEN];
	int r = store_stat(in->store, &stats);

	if (r == 0) {
		const struct digest_part parts[] = { { grounds, DIGEST_LEN },
						     { &stats, sizeof(stats) } };

		stats.bytes = stats.map_size = 0; // not contents
		r = digest_parts(d, parts, sizeof(parts) / sizeof(*parts));
	}
	if (r == 0)
		memcpy(out, d, sizeof(*out));
	return grounds_failed(r, f);
}

int grounds_image(const struct config *c, struct image *out, enum image_way way)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", c->state_dir, SCIMD_IMAGE_NAME) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	return image_open(out, path, way);
}

bool grounds_stand(const struct job_input *in, const uint8_t grounds[DIGEST_LEN])
{
	struct image im;
	uint64_t made_of;
	bool same;

	if (grounds_made_of(in, grounds, &made_of, NULL) < 0 ||
	    grounds_image(in->config, &im, IMAGE_BY_MAP) < 0)
		return false;
	same = im.head.made_of == made_of && image_verify(&im) == 0;
	image_close(&im);
	return same;
}
