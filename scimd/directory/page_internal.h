// SPDX-License-Identifier: MIT
//
// What the parts of the page share: page.c (its frame, counts, changes), page_host.c
// (who polls, and how far), page_leaver.c (whose door is closed where), page_style.c.
// Every part is bounded, whatever the directory holds.
#ifndef SCIMD_DIRECTORY_PAGE_INTERNAL_H
#define SCIMD_DIRECTORY_PAGE_INTERNAL_H

#include "scimd/directory/html.h"
#include "scimd/directory/page.h"
#include "scimd/directory/stream.h"
#include <stdbool.h>
#include <stddef.h>

#define PAGE_CHANGES 50
#define PAGE_HOSTS 100       // rows about hosts
#define PAGE_LEAVERS 20      // people who were disabled lately
#define PAGE_LEAVER_HOSTS 50 // rows of each
#define PAGE_LOOK 20000      // events, and lines of the audit log, looked at

// A host in a table: the worst come first, and by `since` among equals.
#define PAGE_RANKS 5
struct page_host {
	struct stream_info s; // without lockouts
	unsigned int rank;    // 0: well
	int64_t since;        // wall, ms
	uint64_t behind;      // changes
	int64_t ended;        // a leaver's last process, as reported; 0: it is not said
};

struct page_hosts {
	struct page_host **row;
	size_t count, max;
	uint64_t total, by_rank[PAGE_RANKS];
	const struct page *page;
	uint64_t head;
	const void *about; // the judge's
	// Fills rank, since, behind, ended; -ENOENT leaves the host out.
	int (*judge)(const struct page_hosts *l, const struct stream_info *s, struct page_host *h);
};

int page_hosts_collect(struct page_hosts *l, size_t max); // free also after a failure
void page_hosts_free(struct page_hosts *l);
// Cells: the name a host gave itself, and the token that it polls with.
void page_host_name(struct buf *b, const struct page_host *h);
void page_host_token(struct buf *b, const struct page_host *h);

int page_put_hosts(const struct page *p);

struct page_leaver {
	char id[40], name[1026], display[1026];
	uint64_t number; // of the event that closed the door
	int64_t at;
	bool deleted, earliest;
};

struct page_leavers {
	struct page_leaver one[PAGE_LEAVERS];
	size_t count;
};

int page_leavers_find(const struct page *p, struct page_leavers *l);
int page_put_leavers(const struct page *p, const struct page_leavers *l);

void page_put_style(struct buf *b);

#endif
