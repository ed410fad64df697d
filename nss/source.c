// SPDX-License-Identifier: MIT
//
// The image shared by all threads of the host process.
//
// A small pool of slots, each with one mapped image. A slot's state word counts
// its users; the user who finds the image retired marks the slot, and whoever
// leaves a marked slot last unmaps it. There are no locks: who does not get a
// slot at once reads the file by pread. A fork in mid-lookup leaves the child
// with counts that never fall; that costs it slots, not answers. No descriptor
// outlives a lookup, and nothing runs at exit.

#include "nss/source.h"

#include "scimd/image/read.h"

#include <errno.h>
#include <pthread.h>
#include <scimd/paths.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#define SLOTS 8
#define READ_FIRST 7u // so many lookups of a process do without a map
#define LOOKS 3       // the first, and two more when the image was retired meanwhile

// State of a slot: users, and two flags. Without LIVE nobody may come in;
// without both flags and users the slot is free.
#define LIVE 0x80000000u
#define OLD 0x40000000u  // retired: the last user unmaps
#define BUSY 0x20000000u // one thread is filling or emptying it
#define USERS 0x1fffffffu

struct slot {
	_Alignas(64) _Atomic uint32_t state;
	struct image image;
};

// One lookup's hold on an image.
struct hold {
	const struct image *image;
	struct slot *slot; // or NULL: own
	struct image own;
	int cancel_state;
	bool slow; // cancellation is off
};

const char *nss_image_path = SCIMD_IMAGE;

static struct slot slots[SLOTS];
static _Atomic uint32_t current; // the slot to try first
static _Atomic uint32_t lookups; // counted to READ_FIRST
static _Atomic int mapper;       // pid of the thread that maps, or 0

static bool enter(struct slot *s)
{
	uint32_t v = atomic_load_explicit(&s->state, memory_order_relaxed);

	while ((v & (LIVE | OLD | BUSY)) == LIVE && (v & USERS) != USERS)
		if (atomic_compare_exchange_weak_explicit(&s->state, &v, v + 1, memory_order_acquire,
							  memory_order_relaxed))
			return true;
	return false;
}

static void leave(struct slot *s, bool retired)
{
	uint32_t v;

	if (retired)
		atomic_fetch_or_explicit(&s->state, OLD, memory_order_relaxed);
	v = atomic_fetch_sub_explicit(&s->state, 1, memory_order_acq_rel) - 1;
	if (v != (LIVE | OLD))
		return;
	// Several may see this value only if somebody came in between, and OLD
	// keeps everybody out; the exchange makes it one all the same.
	if (atomic_compare_exchange_strong_explicit(&s->state, &v, BUSY, memory_order_acquire,
						    memory_order_relaxed)) {
		image_close(&s->image);
		atomic_store_explicit(&s->state, 0, memory_order_release);
	}
}

// Enters a slot whose image is not retired; unmaps retired ones on the way.
static struct slot *enter_any(void)
{
	struct slot *found = NULL;

	for (uint32_t i = 0; i < SLOTS; i++) {
		if (!enter(&slots[i]))
			continue;
		if (!found && !image_retired(&slots[i].image)) {
			found = &slots[i];
			atomic_store_explicit(&current, i, memory_order_relaxed);
		} else {
			leave(&slots[i], image_retired(&slots[i].image));
		}
	}
	return found;
}

static struct slot *fill_free(void)
{
	for (uint32_t i = 0; i < SLOTS; i++) {
		uint32_t v = 0;

		if (!atomic_compare_exchange_strong_explicit(&slots[i].state, &v, BUSY,
							     memory_order_acquire,
							     memory_order_relaxed))
			continue;
		if (image_open(&slots[i].image, nss_image_path, IMAGE_BY_MAP) < 0) {
			atomic_store_explicit(&slots[i].state, 0, memory_order_release);
			return NULL; // pread may still do, and finds the error to report
		}
		atomic_store_explicit(&slots[i].state, LIVE | 1, memory_order_release);
		atomic_store_explicit(&current, i, memory_order_relaxed);
		return &slots[i];
	}
	return NULL;
}

// Maps the file, unless another thread is about to: one map is enough. The
// right to map is a pid, so that a child takes it over from a thread that was
// not forked along.
static struct slot *map_new(void)
{
	int self = getpid(), holder = atomic_load_explicit(&mapper, memory_order_relaxed);
	struct slot *s;

	if (holder == self || !atomic_compare_exchange_strong_explicit(&mapper, &holder, self,
								       memory_order_acquire,
								       memory_order_relaxed))
		return NULL;
	s = enter_any();
	if (!s)
		s = fill_free();
	atomic_store_explicit(&mapper, 0, memory_order_release);
	return s;
}

static bool still_reading(void)
{
	return atomic_load_explicit(&lookups, memory_order_relaxed) < READ_FIRST &&
	       atomic_fetch_add_explicit(&lookups, 1, memory_order_relaxed) < READ_FIRST;
}

static int take_slowly(struct hold *h, bool map)
{
	int r;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &h->cancel_state);
	h->slow = true;
	if (map) {
		h->slot = map_new();
		if (h->slot) {
			h->image = &h->slot->image;
			return 0;
		}
	}
	r = image_open(&h->own, nss_image_path, IMAGE_BY_PREAD);
	h->image = &h->own;
	if (r < 0)
		pthread_setcancelstate(h->cancel_state, NULL);
	return r;
}

static int take(struct hold *h)
{
	struct slot *s = &slots[atomic_load_explicit(&current, memory_order_relaxed) % SLOTS];
	bool map = !still_reading();

	h->slot = NULL;
	h->slow = false;
	if (map && enter(s)) {
		h->slot = s;
		h->image = &s->image;
		if (!image_retired(h->image))
			return 0;
		leave(s, true);
		h->slot = NULL;
	}
	return take_slowly(h, map);
}

static void give_back(struct hold *h, bool retired)
{
	if (h->slot)
		leave(h->slot, retired);
	else
		image_close(&h->own);
	if (h->slow)
		pthread_setcancelstate(h->cancel_state, NULL);
}

static enum nss_status status_of(int r, int saved, int *errnop)
{
	errno = saved;
	switch (r) {
	case 0:
		return NSS_STATUS_SUCCESS;
	case -ENOENT:
		*errnop = ENOENT;
		return NSS_STATUS_NOTFOUND;
	case -ERANGE:
		*errnop = ERANGE;
		return NSS_STATUS_TRYAGAIN;
	default:
		*errnop = -r;
		return NSS_STATUS_UNAVAIL;
	}
}

enum nss_status nss_source_look(nss_look_fn *look, void *arg, int *errnop)
{
	const int saved = errno;
	struct hold h;
	bool retired;
	int r;

	for (int i = 0; i < LOOKS; i++) {
		r = take(&h);
		if (r < 0) { // also ENOENT: no file is no answer about an account
			*errnop = -r;
			return NSS_STATUS_UNAVAIL;
		}
		r = look(h.image, arg);
		retired = image_retired(h.image);
		give_back(&h, retired);
		if (!retired)
			return status_of(r, saved, errnop);
	}
	*errnop = EAGAIN;
	return NSS_STATUS_UNAVAIL;
}

enum nss_status nss_source_none(int *errnop)
{
	*errnop = ENOENT;
	return NSS_STATUS_NOTFOUND;
}
