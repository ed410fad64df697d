// SPDX-License-Identifier: MIT
//
// mkimage DIR USERS GROUPS: publishes an image of made-up people (people.h) in
// DIR and prints its size, bytes per user, and the times of building, of the
// whole publish, and of writing and fsyncing as many bytes to a plain file.

#include "scimd/base/fail.h"
#include "scimd/base/file.h"
#include "scimd/image/build.h"
#include "scimd/image/write.h"
#include "tests/bench/people.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double write_plain(const char *dir, const struct image_built *built)
{
	char path[4096];
	double start = now_ms();
	int fd;

	snprintf(path, sizeof(path), "%s/plain", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || file_write(fd, built->data, built->size) < 0 || fsync(fd) < 0)
		perror(path);
	start = now_ms() - start;
	close(fd);
	unlink(path);
	return start;
}

int main(int argc, char **argv)
{
	struct image_confirmed confirmed = { 0 };
	struct image_published out;
	struct image_built built;
	struct people people;
	struct fail f;
	double build, plain, publish;

	if (argc != 4) {
		fprintf(stderr, "usage: mkimage DIR USERS GROUPS\n");
		return 2;
	}
	people_make(&people, (uint32_t)strtoul(argv[2], NULL, 10),
		    (uint32_t)strtoul(argv[3], NULL, 10));
	build = now_ms();
	if (image_build(&people.source, 1, &confirmed, &built, &f) < 0) {
		fprintf(stderr, "mkimage: %s\n", f.text);
		return 1;
	}
	build = now_ms() - build;
	plain = write_plain(argv[1], &built);
	publish = now_ms();
	if (image_publish(argv[1], &people.source, 0, &out, &f) < 0) {
		fprintf(stderr, "mkimage: %s\n", f.text);
		return 1;
	}
	publish = now_ms() - publish;
	printf("bytes %llu per-user %.1f build-ms %.1f publish-ms %.1f plain-ms %.1f\n",
	       (unsigned long long)out.size,
	       (double)out.size / (people.source.user_count ? people.source.user_count : 1), build,
	       publish, plain);
	free(built.data);
	people_free(&people);
	return 0;
}
