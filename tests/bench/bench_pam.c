// SPDX-License-Identifier: MIT
//
// bench_pam SERVICE NAME…: the account phase of a service's stack for each name, a
// handle of its own each; prints the median and the longest in milliseconds. Exit 1
// if anybody is denied.
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int conversation(int n, const struct pam_message **m, struct pam_response **r, void *arg)
{
	(void)arg;
	for (int i = 0; i < n; i++)
		fprintf(stderr, "%s\n", m[i]->msg);
	*r = calloc((size_t)n, sizeof(**r));
	return *r ? PAM_SUCCESS : PAM_BUF_ERR;
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	const struct pam_conv conv = { conversation, NULL };
	double *took;
	int n = argc - 2, denied = 0;

	if (n < 1 || !(took = calloc((size_t)n, sizeof(*took)))) {
		fprintf(stderr, "usage: bench_pam SERVICE NAME...\n");
		return 2;
	}
	for (int i = 0; i < n; i++) {
		pam_handle_t *pamh;
		int r = pam_start(argv[1], argv[i + 2], &conv, &pamh);

		if (r != PAM_SUCCESS) {
			fprintf(stderr, "bench_pam: %s\n", pam_strerror(NULL, r));
			return 1;
		}
		took[i] = now_ms();
		r = pam_acct_mgmt(pamh, 0);
		took[i] = now_ms() - took[i];
		denied |= r != PAM_SUCCESS;
		pam_end(pamh, r);
	}
	qsort(took, (size_t)n, sizeof(*took), compare);
	printf("%.4f %.4f\n", took[n / 2], took[n - 1]);
	free(took);
	return denied;
}
