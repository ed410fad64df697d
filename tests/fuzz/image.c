// SPDX-License-Identifier: MIT
//
// The image reader: an image of made-up people in which the input changes bytes. With
// an odd first byte the changes stay within one record, whose checksum is made right
// again, so that what is behind the checksum is reached. No answer may be false in what
// NSS relies on.
#include "tests/fuzz/fuzz.h"

#include "scimd/base/fail.h"
#include "scimd/image/read.h"
#include "scimd/image/record.h"
#include "scimd/image/write.h"
#include "tests/bench/people.h"
#include "tests/unit/imagebox.h"

static struct people people;
static unsigned char *sound, *bytes;
static size_t size;

static void prepare(void)
{
	struct image_published out;
	struct fail f = { "" };
	struct stat st;
	int fd;

	box_make();
	people_make(&people, 40, 9);
	if (image_publish(box_dir, &people.source, 0, &out, &f) < 0 || stat(box_image, &st) < 0)
		abort();
	size = (size_t)st.st_size;
	sound = malloc(size);
	bytes = malloc(size);
	fd = open(box_image, O_RDONLY | O_CLOEXEC);
	if (!sound || !bytes || read(fd, sound, size) != (ssize_t)size)
		abort();
	close(fd);
	box_remove();
}

static void ask(const struct image *im)
{
	char buf[4096], name[16];
	struct image_found_user u;
	struct image_found_group g;
	uint32_t gids[16];
	uint64_t hint = 0, from = 0;

	for (uint32_t i = 0; i < 40; i += 3) {
		people_name(name, i);
		if (image_user_by_name(im, name, buf, sizeof(buf), &u) == 0) {
			if (strcmp(u.name, name) != 0 || u.head.uid < 1000 || strchr(u.home, ':'))
				abort();
			(void)image_user_groups(im, &u, 0, gids, 16);
			(void)image_user_keys(im, &u, buf, sizeof(buf));
		}
		if (image_user_by_id(im, people_uid(i), buf, sizeof(buf), &u) == 0 &&
		    u.head.uid != people_uid(i))
			abort();
		people_group_name(name, i % 9);
		if (image_group_by_name(im, name, buf, sizeof(buf), &g) == 0 &&
		    (strcmp(g.name, name) != 0 || g.head.gid < 1000))
			abort();
	}
	for (int i = 0; i < 100 && image_user_next(im, from, &hint, buf, sizeof(buf), &u) == 0; i++)
		from = (uint64_t)u.head.uid + 1;
	for (hint = from = 0; image_group_next(im, from, &hint, buf, sizeof(buf), &g) == 0;)
		from = (uint64_t)g.head.gid + 1;
	(void)image_verify(im);
}

// Bytes of one user's record, signed again as its writer would.
static void forge(const uint8_t *data, size_t len)
{
	struct image_found_user u;
	struct image_user *rec;
	struct image im;
	uint64_t seed = ((const struct image_header *)(const void *)sound)->seed;
	size_t whole;

	if (image_open(&im, fuzz_file(sound, size), IMAGE_BY_MAP) < 0 ||
	    image_user_by_id(&im, people_uid(data[0] % 40), NULL, 0, &u) < 0)
		abort();
	image_close(&im);
	rec = (struct image_user *)(void *)(bytes + u.at);
	whole = sizeof(*rec) + rec->strings;
	for (size_t i = 1; i + 1 < len; i += 2)
		bytes[u.at + data[i] % whole] = data[i + 1];
	whole = sizeof(*rec) + rec->strings;
	if (u.at + whole > size)
		return;
	rec->check = image_check(seed ^ u.at, (const char *)rec + sizeof(rec->check),
				 whole - sizeof(rec->check));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct image im;

	if (!sound)
		prepare();
	if (len < 3)
		return 0;
	memcpy(bytes, sound, size);
	if (data[0] & 1)
		forge(data + 1, len - 1);
	for (size_t i = 1; !(data[0] & 1) && i + 3 < len; i += 4) {
		size_t at = (size_t)data[i] << 16 | (size_t)data[i + 1] << 8 | data[i + 2];

		bytes[at % size] = data[i + 3];
	}
	len = data[0] & 2 ? size - data[1] * (size_t)16 % size : size;
	if (image_open(&im, fuzz_file(bytes, len), data[0] & 4 ? IMAGE_BY_PREAD : IMAGE_BY_MAP) ==
	    0) {
		ask(&im);
		image_close(&im);
	}
	return 0;
}
