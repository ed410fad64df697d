// SPDX-License-Identifier: MIT
//
// parse FILE: json_tokener_parse over every text of the file (a length, a newline,
// that many bytes, and so on), one after the other. Prints the CPU seconds that
// the parsing took, reading not counted.
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	FILE *in = argc == 2 ? fopen(argv[1], "rb") : NULL;
	double sum = 0;
	size_t n, bytes = 0;

	if (!in) {
		(void)fprintf(stderr, "Usage: parse FILE\n");
		return 2;
	}
	while (fscanf(in, "%zu", &n) == 1 && fgetc(in) == '\n') {
		char *text = malloc(n + 1);
		struct json_object *o;
		double start;

		if (!text || fread(text, 1, n, in) != n)
			return 1;
		text[n] = '\0';
		bytes += n;
		start = cpu();
		o = json_tokener_parse(text);
		if (!o)
			return 1;
		json_object_put(o);
		sum += cpu() - start;
		free(text);
	}
	(void)fclose(in);
	(void)printf("%.3f %zu\n", sum, bytes);
	return 0;
}
