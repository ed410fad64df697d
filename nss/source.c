// SPDX-License-Identifier: MIT
//
// The image shared by all threads of the host process.
//
// One range of addresses is reserved once and kept readable for ever; the mapped
// file in it is exchanged under the readers when it was retired. Readers write
// nothing: they note a sequence number, copy and check what they need, and look
// whether the number is still the same. What they copied from a file that went
// away meanwhile fails its checksum or that comparison; it can do no harm, since
// no address of the range ever goes away. So there are no locks and no counts
// that a fork in mid-lookup could leave behind. Who finds the exchange under way
// reads the file by pread. No descriptor outlives a lookup; nothing runs at exit.

#include "nss/source.h"

#include "scimd/image/read.h"

#include <errno.h>
#include <pthread.h>
#include <scimd/paths.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define READ_FIRST 7u       // so many lookups of a process do without a map
#define LOOKS 3             // the first, and two more when the image was retired meanwhile
#define VIEWS 16u           // descriptions in a range, used in turn
#define FILE_AT (64u << 10) // where the file begins in a range; no page is larger
#define ROOM_MIN (1u << 20)

// The head of a range. A description is written over only when fifteen others
// came after it. A reader who slept so long may see it change: all it can say at
// any moment is within the range, and what is read by it does not count.
struct range {
	size_t room; // for a file
	struct image views[VIEWS];
};

_Static_assert(sizeof(struct range) <= FILE_AT, "descriptions lie before the file");

// One lookup's hold on an image.
struct hold {
	const struct image *image;
	uint32_t sequence; // of the shared image, or 0: own
	int cancel_state, saved_errno;
	struct image own;
};

const char *nss_image_path = SCIMD_IMAGE;

static _Atomic uint32_t lookups; // counted to READ_FIRST

_Atomic uint32_t nss_source_sequence;
_Atomic(const struct image *) nss_source_view;

// Only whoever holds `mapper`, by putting its pid there, touches the range.
static _Atomic int mapper;
static struct range *range;

static bool still_reading(void)
{
	return atomic_load_explicit(&lookups, memory_order_relaxed) < READ_FIRST &&
	       atomic_fetch_add_explicit(&lookups, 1, memory_order_relaxed) < READ_FIRST;
}

static bool take_shared(struct hold *h)
{
	return nss_source_shared(&h->image, &h->sequence);
}

static unsigned char *file_of(struct range *r)
{
	return (unsigned char *)r + FILE_AT;
}

// Whatever lay in [from, to) of the room gives way to zeros, in one step.
static void blank(struct range *r, size_t from, size_t to)
{
	if (from < to)
		mmap(file_of(r) + from, to - from, PROT_READ,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
}

// Room for a file of that size. An outgrown range is not given back, since
// readers may be in it; it keeps no file, and each is twice the last file.
static bool reserve(size_t size)
{
	size_t room = size < ROOM_MIN / 2 ? ROOM_MIN : 2 * size / FILE_AT * FILE_AT + FILE_AT;
	struct range *r;

	if (range && size <= range->room)
		return true;
	r = mmap(NULL, FILE_AT + room, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
		 0);
	if (r == MAP_FAILED)
		return false;
	if (mprotect(r, FILE_AT, PROT_READ | PROT_WRITE) < 0) {
		munmap(r, FILE_AT + room);
		return false;
	}
	if (range)
		blank(range, 0, range->room);
	r->room = room;
	range = r;
	return true;
}

static bool move_in(struct image *new)
{
	size_t size = (size_t) new->size, page = (size_t)sysconf(_SC_PAGESIZE);

	if (!reserve(size))
		return false;
	// The kernel puts the new mapping in the place of the old with nothing
	// between: a reader's access waits, or finds either.
	if (mremap((void *)(uintptr_t) new->base, size, size, MREMAP_MAYMOVE | MREMAP_FIXED,
		   file_of(range)) == MAP_FAILED) {
		blank(range, 0, range->room);
		return false;
	}
	new->base = file_of(range);
	blank(range, (size + page - 1) / page * page, range->room);
	return true;
}

static void exchange(bool inherited)
{
	uint32_t odd = atomic_load_explicit(&nss_source_sequence, memory_order_relaxed) | 1;
	struct image new, *next;

	if (image_open(&new, nss_image_path, IMAGE_BY_MAP) < 0)
		return; // pread finds the error to report
	if (inherited)  // from a thread that was not forked along, half done perhaps
		range = NULL;
	atomic_store_explicit(&nss_source_sequence, odd, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
	if (!move_in(&new)) {
		image_close(&new);
		return; // the number stays odd: nobody uses the map until another try
	}
	next = &range->views[odd / 2 % VIEWS];
	*next = new;
	atomic_store_explicit(&nss_source_view, next, memory_order_release);
	atomic_store_explicit(&nss_source_sequence, odd + 1 ? odd + 1 : 2, memory_order_release);
}

// Maps the file, unless another thread is about to. The right to do so is a pid:
// a child takes it over from a thread of its parent.
static bool map_new(struct hold *h)
{
	int self = getpid(), holder = atomic_load_explicit(&mapper, memory_order_relaxed);
	bool inherited = holder != 0;

	if (holder == self ||
	    !atomic_compare_exchange_strong_explicit(&mapper, &holder, self, memory_order_acquire,
						     memory_order_relaxed))
		return false;
	if (inherited || !take_shared(h))
		exchange(inherited);
	atomic_store_explicit(&mapper, 0, memory_order_release);
	return take_shared(h);
}

// Everything but a lookup in the shared image: by system calls, uncancelled.
static __attribute__((noinline)) int take_slowly(struct hold *h, bool map, const char *name)
{
	int r;

	if (name && image_name_fits(name) == 0)
		return -ENOENT;
	h->saved_errno = errno;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &h->cancel_state);
	if (map && map_new(h)) {
		pthread_setcancelstate(h->cancel_state, NULL);
		errno = h->saved_errno;
		return 0;
	}
	h->sequence = 0;
	h->image = &h->own;
	r = image_open(&h->own, nss_image_path, IMAGE_BY_PREAD);
	if (r < 0)
		pthread_setcancelstate(h->cancel_state, NULL);
	return r == -ENOENT ? -ENODATA : r; // no file is no answer about an account
}

static __attribute__((noinline)) bool give_back_own(struct hold *h)
{
	bool good = !image_retired(&h->own);

	image_close(&h->own);
	pthread_setcancelstate(h->cancel_state, NULL);
	errno = h->saved_errno;
	return good;
}

enum nss_status nss_source_none(int *errnop)
{
	*errnop = ENOENT;
	return NSS_STATUS_NOTFOUND;
}

static enum nss_status status_of(int r, int *errnop)
{
	switch (r) {
	case 0:
		return NSS_STATUS_SUCCESS;
	case -ENOENT:
		return nss_source_none(errnop);
	case -ERANGE:
		*errnop = ERANGE;
		return NSS_STATUS_TRYAGAIN;
	case -ENODATA: // nothing was ever published here: to callers that is no failure
		*errnop = ENOENT;
		return NSS_STATUS_UNAVAIL;
	default:
		*errnop = -r;
		return NSS_STATUS_UNAVAIL;
	}
}

enum nss_status nss_source_next(nss_look_fn *look, void *arg, int *errnop)
{
	const int before = *errnop;
	enum nss_status status = nss_source_look(look, arg, NULL, errnop);

	if (status != NSS_STATUS_SUCCESS && *errnop == ENOENT)
		*errnop = before;
	return status;
}

enum nss_status nss_source_search(nss_look_fn *look, void *arg, const char *name, int *errnop)
{
	struct hold h;
	bool map;
	int r;

	for (int i = 0; i < LOOKS; i++) {
		map = !still_reading();
		if (!map || !take_shared(&h)) {
			r = take_slowly(&h, map, name);
			if (r < 0)
				return status_of(r, errnop);
		}
		r = look(h.image, arg);
		if (h.sequence ? nss_source_true(h.image, h.sequence) : give_back_own(&h))
			return status_of(r, errnop);
	}
	return status_of(-EAGAIN, errnop);
}
