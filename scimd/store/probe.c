// SPDX-License-Identifier: MIT
//
// LMDB trusts the pages that it maps: a damaged one may end the process that looks at
// it. So a child of ours looks first, at every page and every record. Only at a start,
// and only where the store is ours alone.
#include "scimd/base/fail.h"
#include "scimd/store/internal.h"
#include "scimd/store/store.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROBE_DAMAGED 3
#define PROBE_MAIN 1u // the names of the others
#define PROBE_FREE 0u // LMDB's list of free pages: for each commit a count and so many numbers
#define PROBE_LEAF 0x02u
#define PROBE_OVERFLOW 0x04u
#define PROBE_FIXED 0x20u // values of one size, and nothing else

static int probe_ledger(void *arg, const struct store_ledger *l)
{
	(void)arg;
	(void)l;
	return 0;
}

static int probe_resource(void *arg, const struct store_resource *r)
{
	(void)arg;
	(void)r;
	return 0;
}

static int probe_audit(void *arg, const struct store_audit *a)
{
	(void)arg;
	(void)a;
	return 0;
}

// The head of a page, as LMDB writes it and believes it.
struct probe_page {
	size_t number;
	uint16_t pad, flags;
	union {
		struct {
			uint16_t lower, upper;
		} leaf;
		uint32_t overflow; // how many pages
	} is;
};

struct probe {
	MDB_txn *txn;
	MDB_stat stat;
	MDB_envinfo info;
	uintptr_t base;   // of the map, once a page has told it
	unsigned int sum; // of bytes that were touched
};

static const struct probe_page *probe_page(const struct probe *p, const void *at)
{
	return (const void *)((uintptr_t)at / p->stat.ms_psize * p->stat.ms_psize);
}

// Whether it is the page that it says, of that kind.
static bool probe_head(struct probe *p, const struct probe_page *page, uint16_t flags)
{
	uintptr_t base = (uintptr_t)page - page->number * p->stat.ms_psize;

	if (page->flags != flags || page->number > p->info.me_last_pgno)
		return false;
	if (!p->base)
		p->base = base;
	if (flags == PROBE_OVERFLOW)
		return base == p->base;
	return base == p->base && page->is.leaf.lower >= sizeof(*page) &&
	       page->is.leaf.lower <= page->is.leaf.upper &&
	       page->is.leaf.upper <= p->stat.ms_psize;
}

static bool probe_inside(const struct probe *p, const struct probe_page *page, const MDB_val *v)
{
	size_t at = (uintptr_t)v->mv_data - (uintptr_t)page;

	return v->mv_size <= p->stat.ms_psize - at;
}

static bool probe_node(struct probe *p, const MDB_val *key, const MDB_val *value)
{
	const struct probe_page *page = probe_page(p, key->mv_data);
	const struct probe_page *own = probe_page(p, value->mv_data);

	if (!probe_head(p, page, PROBE_LEAF) || !probe_inside(p, page, key))
		return false;
	if (own == page || !value->mv_size)
		return !value->mv_size || probe_inside(p, page, value);
	if (value->mv_data == own + 1 && own->flags == PROBE_OVERFLOW)
		return probe_head(p, own, PROBE_OVERFLOW) &&
		       own->number + own->is.overflow <= p->info.me_last_pgno + 1 &&
		       value->mv_size <= (size_t)own->is.overflow * p->stat.ms_psize - sizeof(*own);
	// Many values of one key have a tree of their own.
	return probe_head(p, own, PROBE_LEAF | PROBE_FIXED) && probe_inside(p, own, value);
}

static bool probe_free(const struct probe *p, const MDB_val *v)
{
	const size_t *list = v->mv_data, room = v->mv_size / sizeof(*list);
	size_t before = SIZE_MAX;

	if (room == 0 || list[0] >= room)
		return false;
	for (size_t i = 1; i <= list[0]; before = list[i++])
		if (list[i] < 2 || list[i] > p->info.me_last_pgno || list[i] >= before)
			return false;
	return true;
}

static int probe_pages(struct probe *p, MDB_dbi dbi)
{
	MDB_cursor *c;
	MDB_val key, value;
	int rc = mdb_cursor_open(p->txn, dbi, &c);

	if (rc)
		return rc;
	while ((rc = mdb_cursor_get(c, &key, &value, MDB_NEXT)) == 0) {
		const volatile unsigned char *k = key.mv_data, *v = value.mv_data;

		if (!probe_node(p, &key, &value) || (dbi == PROBE_FREE && !probe_free(p, &value)))
			rc = MDB_CORRUPTED;
		if (rc)
			break;
		p->sum += key.mv_size ? k[0] + k[key.mv_size - 1] : 0;
		p->sum += value.mv_size ? v[0] + v[value.mv_size - 1] : 0;
	}
	mdb_cursor_close(c);
	// What is deeper than any tree leads back to itself.
	return rc == MDB_NOTFOUND ? 0 : rc == MDB_CURSOR_FULL ? MDB_CORRUPTED : rc;
}

static int probe_all(struct store *s)
{
	struct store_txn t = { .store = s };
	struct probe p = { .sum = 0 };
	char format[16] = "";
	int r = store_errno(mdb_env_info(s->env, &p.info));

	if (r == 0)
		r = store_errno(mdb_env_stat(s->env, &p.stat));
	if (r == 0)
		r = store_errno(mdb_txn_begin(s->env, NULL, MDB_RDONLY, &t.txn));
	p.txn = t.txn;
	// Larger pages than the machine's: one need not begin where a page of the map does.
	if (r == 0 && (long)p.stat.ms_psize > sysconf(_SC_PAGESIZE))
		return 0;
	if (r == 0)
		r = store_errno(probe_pages(&p, PROBE_FREE));
	if (r == 0)
		r = store_errno(probe_pages(&p, PROBE_MAIN));
	for (size_t i = 0; i < s->count && r == 0; i++) {
		int rc = mdb_dbi_open(t.txn, s->names[i], 0, &s->dbi[i]);

		if (rc == MDB_NOTFOUND) // older than this table: nothing more to look at
			return 0;
		r = store_errno(rc ? rc : probe_pages(&p, s->dbi[i]));
	}
	if (r == 0)
		r = store_state_text(&t, "format", format, sizeof(format));
	// Records of a later scimd are no damage.
	if (r == 0 && strcmp(format, store_knows(s)) > 0)
		return 0;
	if (r == 0)
		r = store_ledger_each(&t, probe_ledger, NULL);
	if (r == 0)
		r = store_resource_each(&t, probe_resource, NULL);
	return r == 0 ? store_audit_each(&t, 1, probe_audit, NULL) : r;
}

static _Noreturn void probe_child(struct store *s, const char *dir)
{
	int r;

	// A child that dies of it leaves no core of everybody's records.
	(void)prctl(PR_SET_DUMPABLE, 0);
	r = store_errno(store_map(s, dir, MDB_RDONLY));
	if (r == 0)
		r = probe_all(s);
	_exit(r == -EBADMSG ? PROBE_DAMAGED : 0); // what else there is, the parent meets too
}

// Of what looked at a damaged page; another one is somebody's who ended the child.
static bool probe_died(int status)
{
	int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	return signal == SIGSEGV || signal == SIGBUS || signal == SIGABRT || signal == SIGFPE ||
	       signal == SIGILL;
}

int store_probe(struct store *s, const char *dir, struct fail *f)
{
	char path[PATH_MAX];
	struct stat st;
	int status = 0;
	pid_t pid;

	if (snprintf(path, sizeof(path), "%s/data.mdb", dir) >= (int)sizeof(path) ||
	    stat(path, &st) < 0)
		return 0; // nothing to look at
	pid = fork();
	if (pid == 0)
		probe_child(s, dir);
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 0;
	if (pid < 0)
		return 0; // no room for a process: it is opened as it is
	if (probe_died(status))
		return fail(f, EBADMSG, "%s cannot be read: who tries ends with signal %d", path,
			    WTERMSIG(status));
	return WIFEXITED(status) && WEXITSTATUS(status) == PROBE_DAMAGED
		       ? fail(f, EBADMSG, "%s is damaged", path)
		       : 0;
}
