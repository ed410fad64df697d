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

#define READ_FIRST 7u // so many lookups of a process do without a map
#define LOOKS 3       // the first, and two more when the image was retired meanwhile
#define RANGE_MIN (1u << 20)
#define RANGE_UNIT (64u << 10) // no page is larger

// struct image in words that can be copied while somebody writes them.
union words {
	struct image image;
	uint64_t word[(sizeof(struct image) + 7) / 8];
};

// What changes in place, `retired` and `confirmed`, is never taken from here.
#define WORDS (offsetof(struct image, head.retired) / 8)

// One lookup's hold on an image.
struct hold {
	union words own;
	uint32_t sequence; // of the shared image, or 0: own descriptor
	int cancel_state;
};

const char *nss_image_path = SCIMD_IMAGE;

static _Atomic uint32_t lookups; // counted to READ_FIRST

// The shared image. sequence is 0 before the first, and odd while it changes.
static _Atomic uint32_t sequence;
static _Atomic uint64_t shared[WORDS];

// Only whoever holds `mapper`, by putting its pid there, touches these.
static _Atomic int mapper;
static unsigned char *range;
static size_t range_len;

static bool still_reading(void)
{
	return atomic_load_explicit(&lookups, memory_order_relaxed) < READ_FIRST &&
	       atomic_fetch_add_explicit(&lookups, 1, memory_order_relaxed) < READ_FIRST;
}

static bool unchanged(uint32_t since)
{
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&sequence, memory_order_relaxed) == since;
}

static bool take_shared(struct hold *h)
{
	uint32_t since = atomic_load_explicit(&sequence, memory_order_acquire);

	if (since == 0 || since % 2)
		return false;
	for (unsigned i = 0; i < WORDS; i++)
		h->own.word[i] = atomic_load_explicit(&shared[i], memory_order_relaxed);
	if (!unchanged(since) || image_retired(&h->own.image))
		return false;
	h->sequence = since;
	return true;
}

// Whatever lay in the range's [from, to) gives way to zeros, in one step.
static void blank(size_t from, size_t to)
{
	if (from < to)
		mmap(range + from, to - from, PROT_READ,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
}

static size_t round_up(uint64_t n)
{
	return (size_t)((n + RANGE_UNIT - 1) / RANGE_UNIT * RANGE_UNIT);
}

// Room for a file of that size. An outgrown range is not given back, since
// readers may be in it; it keeps no file, and each is twice the last file.
static bool reserve(uint64_t size)
{
	size_t len = size < RANGE_MIN / 2 ? RANGE_MIN : round_up(2 * size);
	void *p;

	if (size <= range_len)
		return true;
	p = mmap(NULL, len, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return false;
	blank(0, range_len);
	range = p;
	range_len = len;
	return true;
}

static bool move_in(union words *new)
{
	size_t size = (size_t)new->image.size, page = (size_t)sysconf(_SC_PAGESIZE);

	if (!reserve(size))
		return false;
	// The kernel puts the new mapping in the place of the old with nothing
	// between: a reader's access waits, or finds either.
	if (mremap((void *)(uintptr_t)new->image.base, size, size, MREMAP_MAYMOVE | MREMAP_FIXED,
		   range) == MAP_FAILED) {
		blank(0, range_len);
		return false;
	}
	new->image.base = range;
	blank((size + page - 1) / page * page, range_len);
	return true;
}

static void exchange(bool inherited)
{
	uint32_t odd = atomic_load_explicit(&sequence, memory_order_relaxed) | 1;
	union words new = { 0 };

	if (image_open(&new.image, nss_image_path, IMAGE_BY_MAP) < 0)
		return; // pread finds the error to report
	if (inherited) // from a thread that was not forked along, half done perhaps
		range_len = 0;
	atomic_store_explicit(&sequence, odd, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
	if (!move_in(&new)) {
		image_close(&new.image);
		return; // the number stays odd: nobody uses the map until another try
	}
	for (unsigned i = 0; i < WORDS; i++)
		atomic_store_explicit(&shared[i], new.word[i], memory_order_relaxed);
	atomic_store_explicit(&sequence, odd + 1 ? odd + 1 : 2, memory_order_release);
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
	if (!take_shared(h))
		exchange(inherited);
	atomic_store_explicit(&mapper, 0, memory_order_release);
	return take_shared(h);
}

static int take(struct hold *h)
{
	bool map = !still_reading();
	int r;

	if (map && take_shared(h))
		return 0;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &h->cancel_state);
	h->sequence = 0;
	if (map && map_new(h)) {
		pthread_setcancelstate(h->cancel_state, NULL);
		return 0;
	}
	r = image_open(&h->own.image, nss_image_path, IMAGE_BY_PREAD);
	if (r < 0)
		pthread_setcancelstate(h->cancel_state, NULL);
	return r;
}

// True when what was found counts: the image was the true one to the end.
static bool give_back(struct hold *h)
{
	bool good = !image_retired(&h->own.image);

	if (h->sequence != 0)
		return good && unchanged(h->sequence);
	image_close(&h->own.image);
	pthread_setcancelstate(h->cancel_state, NULL);
	return good;
}

static enum nss_status status_of(int r, int *errnop)
{
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
	int r;

	for (int i = 0; i < LOOKS; i++) {
		r = take(&h);
		if (r < 0) { // also ENOENT: no file is no answer about an account
			*errnop = -r;
			return NSS_STATUS_UNAVAIL;
		}
		r = look(&h.own.image, arg);
		if (give_back(&h)) {
			errno = saved;
			return status_of(r, errnop);
		}
	}
	*errnop = EAGAIN;
	return NSS_STATUS_UNAVAIL;
}

enum nss_status nss_source_none(int *errnop)
{
	*errnop = ENOENT;
	return NSS_STATUS_NOTFOUND;
}
