// SPDX-License-Identifier: MIT
//
// What an image depends on besides the directories' answers: the configuration, the
// local accounts, this release. While they and the store are the same, the image
// that stands there is the one that would be made.
#ifndef SCIMD_AGENT_GROUNDS_H
#define SCIMD_AGENT_GROUNDS_H

#include "scimd/base/digest.h"
#include "scimd/image/read.h"
#include <stdbool.h>
#include <stdint.h>

struct config;
struct fail;
struct job_input;

int grounds_now(const struct job_input *in, uint8_t out[DIGEST_LEN], struct fail *f);
// These and the store's last commit, as one number that the image bears.
int grounds_made_of(const struct job_input *in, const uint8_t grounds[DIGEST_LEN], uint64_t *out,
		    struct fail *f);
// The image that stands, or what image_open says of it.
int grounds_image(const struct config *c, struct image *out, enum image_way way);
// True when the image that stands there was made from the very same, and is whole.
bool grounds_stand(const struct job_input *in, const uint8_t grounds[DIGEST_LEN]);

#endif
