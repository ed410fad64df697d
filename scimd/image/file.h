// SPDX-License-Identifier: MIT
//
// The files of a publish, shared by publish.c and confirm.c: names in
// the state directory and the words of a header that change in place.
#ifndef SCIMD_IMAGE_FILE_H
#define SCIMD_IMAGE_FILE_H

#include <scimd/image.h>
#include <stdint.h>

struct fail;

#define IMAGE_PATH_MAX 4096

struct image_paths {
	char image[IMAGE_PATH_MAX];
	char tmp[IMAGE_PATH_MAX];   // the next one, not yet true
	char old[IMAGE_PATH_MAX];   // second name of the last one until it is retired
	char spare[IMAGE_PATH_MAX]; // reserved room for the next one
};

int image_paths_of(struct image_paths *p, const char *dir, struct fail *f);

// Retires the file with the second name, frees its body and takes the name away.
// Nothing to do is success.
int image_finish_old(const struct image_paths *p, struct fail *f);

// Sets `retired` in the file and punches a hole over its body.
int image_retire(const char *path, struct fail *f);

// What an interrupted publish wrote becomes the spare, or goes where one exists.
int image_keep_room(const struct image_paths *p, struct fail *f);

// Fills a confirmed block for a wall clock time that may lie back.
void image_confirmed_for(struct image_confirmed *out, int64_t wall);

#endif
