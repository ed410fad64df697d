// SPDX-License-Identifier: MIT
//
// The daemon's life; see agent.h. The round itself is round.c.
#include "scimd/agent/agent.h"
#include "scimd/agent/control.h"
#include "scimd/agent/internal.h"
#include "scimd/agent/restore.h"
#include "scimd/base/clock.h"
#include "scimd/base/log.h"
#include "scimd/image/write.h"
#include "scimd/store/store.h"
#include <errno.h>
#include <limits.h>
#include <nss.h>
#include <scimd/paths.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

sd_event *agent_event(struct agent *a)
{
	return a->event;
}

struct store *agent_store(struct agent *a)
{
	return a->store;
}

const struct mapping *agent_mapping(struct agent *a, size_t directory)
{
	return a->mappings[directory];
}

void agent_status_get(struct agent *a, struct agent_status *out)
{
	*out = (struct agent_status){ .config = a->config,
				      .directories = a->directories,
				      .ears = a->ears,
				      .job = a->have_report ? &a->report : NULL,
				      .syncing = a->running,
				      .publish_failed = a->publish_failed,
				      .store_lost = a->store_lost,
				      .last_at = a->last_at,
				      .last_ok = a->last_ok,
				      .last_full = a->last_full,
				      .last_ms = a->last_ms,
				      .last_error = a->last_error[0] ? a->last_error : NULL,
				      .no_room = a->no_room,
				      .next_at = a->next_at };
	lockout_state(a->lockout, &out->lockout);
	hook_state(a->hook, &out->hook);
}

static void agent_directories_free(struct agent_directory *d, size_t n)
{
	for (size_t i = 0; d && i < n; i++) {
		round_held_clear(&d[i]);
		tags_clear(&d[i].tags);
		tags_clear(&d[i].tags_new);
	}
	free(d);
}

// What hangs on a configuration: mappings, connections, states.
static void agent_unuse(struct agent *a)
{
	size_t n = a->config ? a->config->directory_count : 0;

	for (size_t i = 0; i < n; i++) {
		if (a->ears) // what it listens with is the fetch's
			ear_close(a->ears[i]);
		if (a->fetches)
			fetch_free(a->fetches[i]);
		if (a->mappings)
			mapping_free(a->mappings[i]);
	}
	live_free(a->live);
	free(a->ears);
	free(a->fetches);
	free(a->mappings);
	agent_directories_free(a->directories, n);
	config_free(a->config);
	a->ears = NULL;
	a->live = NULL;
	a->fetches = NULL;
	a->mappings = NULL;
	a->directories = NULL;
	a->config = NULL;
}

static int agent_use(struct agent *a, struct config *c, struct fail *f)
{
	const struct scim_filter *filters[] = { c->allow, c->deny, c->break_glass };
	struct agent next = { .event = a->event, .config = c };
	int r = 0;

	next.mappings = calloc(c->directory_count + 1, sizeof(*next.mappings));
	next.fetches = calloc(c->directory_count + 1, sizeof(*next.fetches));
	next.directories = calloc(c->directory_count + 1, sizeof(*next.directories));
	next.ears = calloc(c->directory_count + 1, sizeof(*next.ears));
	if (!next.mappings || !next.fetches || !next.directories || !next.ears ||
	    live_new(a, c->directory_count, &next.live) < 0)
		r = fail(f, ENOMEM, "out of memory");
	for (size_t i = 0; i < c->directory_count && r == 0; i++) {
		const struct config_directory *d = &c->directories[i];

		next.directories[i].state = "never";
		r = mapping_new(d->overrides, d->override_count, filters, 3, &next.mappings[i], f);
		if (r == 0)
			r = fetch_new(a->event, d, next.mappings[i], &next.fetches[i], f);
		if (r == 0)
			r = ear_open(a, d, &next.ears[i]);
		if (r < 0)
			r = fail_in(f, r, "[directory/%s]", d->name);
	}
	if (r < 0) {
		next.config = c;
		agent_unuse(&next);
		return r;
	}
	agent_unuse(a);
	a->config = next.config;
	a->mappings = next.mappings;
	a->fetches = next.fetches;
	a->directories = next.directories;
	a->ears = next.ears;
	a->live = next.live;
	for (size_t i = 0; i < c->directory_count; i++)
		fetch_ear(a->fetches[i], a->ears[i]);
	return 0;
}

int agent_reload(struct agent *a, struct fail *f)
{
	struct config *c = NULL;
	int r;

	if (a->running)
		return fail(f, EAGAIN, "a sync is under way; try again when it has ended");
	r = config_load(a->config_path, &c, f);
	if (r == 0 && (strcmp(c->state_dir, a->config->state_dir) != 0 ||
		       strcmp(c->socket, a->config->socket) != 0)) {
		config_free(c);
		return fail(f, EINVAL, "state_dir and socket change only with a restart");
	}
	if (r == 0)
		r = agent_use(a, c, f);
	if (r < 0)
		return r;
	log_event(EVENT_CONFIG_READ, NULL, "configuration read again");
	return agent_sync(a, &(struct agent_request){ .full = true, .republish = true });
}

void agent_hup(struct agent *a)
{
	struct fail f = { "" };

	a->reload_wanted = false;
	(void)sd_notify(false, "RELOADING=1");
	if (agent_reload(a, &f) < 0)
		log_event(EVENT_CONFIG_REFUSED, NULL,
			  "the configuration was not read again, the running one stays: %s",
			  f.text);
	(void)sd_notify(false, "READY=1");
}

static int agent_on_hup(sd_event_source *s, const struct signalfd_siginfo *si, void *arg)
{
	struct agent *a = arg;

	(void)s;
	(void)si;
	if (a->running)
		a->reload_wanted = true; // when the round has ended
	else
		agent_hup(a);
	return 0;
}

// Local accounts win: a change of these files changes what may be served. Editors
// replace them, so the folder is watched.
static int agent_on_local(sd_event_source *s, const struct inotify_event *ev, void *arg)
{
	(void)s;
	if (ev->len == 0 || (strcmp(ev->name, "passwd") != 0 && strcmp(ev->name, "group") != 0))
		return 0;
	(void)agent_sync(arg, &(struct agent_request){ .republish = true });
	return 0;
}

// The longer rhythm; also after every failure, and where nothing shorter is to be had.
static bool agent_full_due(const struct agent *a)
{
	if (a->failures || clock_boot() >= a->full_at)
		return true;
	for (size_t i = 0; i < a->config->directory_count; i++)
		if (a->directories[i].no_look || strcmp(a->directories[i].state, "ok") != 0)
			return true;
	return false;
}

static int agent_on_timer(sd_event_source *s, uint64_t usec, void *arg)
{
	static const struct agent_request full = { .full = true }, look = { .look = true };
	struct agent *a = arg;

	(void)s;
	(void)usec;
	// A slow first list is not read twice: its end sets the timer anew.
	if (a->running && a->wishes->req.full && !a->wishes->req.dry_run)
		return 0;
	if (agent_sync(a, agent_full_due(a) ? &full : &look) < 0)
		(void)agent_plan_next(a, 5000); // out of memory: no reason to stop for good
	return 0;
}

int agent_plan_next(struct agent *a, int64_t ms)
{
	const uint64_t usec = (uint64_t)ms * 1000, late = 250000;

	a->next_at = clock_wall() + ms;
	if (!a->timer)
		return sd_event_add_time_relative(a->event, &a->timer, CLOCK_BOOTTIME, usec, late,
						  agent_on_timer, a);
	(void)sd_event_source_set_time_relative(a->timer, usec);
	return sd_event_source_set_enabled(a->timer, SD_EVENT_ONESHOT);
}

static int agent_state(struct agent *a, struct fail *f)
{
	const char *dir = a->config->state_dir;
	char private[PATH_MAX];
	struct stat st;
	int r;

	if (snprintf(private, sizeof(private), "%s/%s", dir, SCIMD_PRIVATE_NAME) >=
	    (int)sizeof(private))
		return fail(f, ENAMETOOLONG, "state_dir %s: name too long", dir);
	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		return fail(f, errno, "state_dir %s: %s", dir, strerror(errno));
	if (stat(dir, &st) < 0)
		return fail(f, errno, "state_dir %s: %s", dir, strerror(errno));
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return fail(f, EPERM, "state_dir %s belongs to uid %u, not to this daemon (uid %u)",
			    dir, st.st_uid, geteuid());
	if (st.st_mode & 022)
		return fail(f, EPERM, "state_dir %s: others may write to it; chmod 0755 %s", dir,
			    dir);
	if (strcmp(dir, SCIMD_STATE_DIR) != 0)
		log_event(EVENT_PATHS_DIFFER, NULL,
			  "state_dir is %s; libnss_scim and pam_scim read only " SCIMD_STATE_DIR,
			  dir);
	r = store_open(private, NULL, &a->store, &a->store_lost, f);
	if (r < 0)
		return r;
	if (a->store_lost)
		log_event(EVENT_STORE_DAMAGED, NULL,
			  "the store was damaged and moved aside below %s; the ledger of ids comes "
			  "back from the image, all else from the directory",
			  private);
	r = image_recover(dir, f);
	if (r < 0)
		return fail_in(f, r, "accounts.image");
	return restore_ledger(a->store, dir, f);
}

static int agent_signals(struct agent *a, struct fail *f)
{
	sigset_t set;
	int r;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return fail(f, errno, "signals: %s", strerror(errno));
	r = sd_event_add_signal(a->event, NULL, SIGTERM, NULL, NULL);
	if (r >= 0)
		r = sd_event_add_signal(a->event, NULL, SIGINT, NULL, NULL);
	if (r >= 0)
		r = sd_event_add_signal(a->event, NULL, SIGHUP, agent_on_hup, a);
	return r < 0 ? fail(f, -r, "signals: %s", strerror(-r)) : 0;
}

static int agent_listen(struct agent *a, struct fail *f)
{
	int r = control_open(a, a->config->socket, &a->control, f);

	if (strcmp(a->config->socket, SCIMD_SOCKET) != 0)
		log_event(EVENT_PATHS_DIFFER, NULL,
			  "socket is %s; pam_scim asks " SCIMD_SOCKET
			  ", scimctl too without --socket",
			  a->config->socket);
	if (r < 0)
		return r;
	r = sd_event_add_inotify(a->event, NULL, "/etc",
				 IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE,
				 agent_on_local, a);
	if (r < 0)
		log_warning(
			"/etc is not watched (%s): local accounts are looked at with every sync",
			strerror(-r));
	return 0;
}

int agent_new(const struct agent_options *o, struct agent **out, struct fail *f)
{
	struct agent *a = calloc(1, sizeof(*a));
	struct config *c = NULL;
	int r;

	if (!a)
		return fail(f, ENOMEM, "out of memory");
	a->config_path = o->config;
	a->once = o->once;
	srandom((unsigned int)(clock_boot() ^ getpid()));
	// Our own lookups must never come back to us.
	(void)__nss_configure_lookup("passwd", "files");
	(void)__nss_configure_lookup("group", "files");
	r = config_load(o->config, &c, f);
	if ((r == -ENOENT || (r == 0 && c->directory_count == 0)) && !a->once &&
	    sd_listen_fds(0) > 0) {
		config_free(c);
		r = idle_new(a, f);
		if (r < 0)
			goto out;
		*out = a;
		return 0;
	}
	if (r < 0)
		goto out;
	if (c->directory_count == 0) {
		config_free(c);
		r = fail(f, EINVAL, "no [directory/NAME] section is configured; see scimd.conf(5)");
		goto out;
	}
	r = sd_event_default(&a->event);
	if (r < 0) {
		config_free(c);
		r = fail(f, -r, "event loop: %s", strerror(-r));
		goto out;
	}
	(void)sd_event_set_watchdog(a->event, true);
	r = agent_use(a, c, f);
	if (r == 0)
		r = agent_state(a, f);
	if (r == 0)
		r = agent_signals(a, f);
	if (r == 0)
		r = worker_new(a->event, round_on_job, a, &a->worker, f);
	if (r == 0)
		r = lockout_new(a, &a->lockout);
	if (r == 0)
		r = hook_new(a, &a->hook);
	if (r == 0 && !a->once)
		r = agent_listen(a, f);
	if (r < 0)
		goto out;
	*out = a;
	return 0;
out:
	agent_free(a);
	return r;
}

int agent_run(struct agent *a)
{
	struct fail f = { "" };
	int r;

	if (a->idle)
		return idle_run(a);
	// What the store knows is published before the directory is asked.
	r = a->once ? 0 : agent_sync(a, &(struct agent_request){ .republish = true });
	if (r == 0)
		r = agent_sync(a, &(struct agent_request){ .full = true, .republish = a->once });
	if (r < 0) {
		log_event(EVENT_START_FAILED, NULL, "%s", f.text[0] ? f.text : strerror(-r));
		return EXIT_FAILURE;
	}
	(void)sd_notify(false, "READY=1");
	r = sd_event_loop(a->event);
	(void)sd_notify(false, "STOPPING=1");
	if (r < 0) {
		log_error("event loop: %s", strerror(-r));
		return EXIT_FAILURE;
	}
	return a->once && !a->once_ok ? EXIT_FAILURE : EXIT_SUCCESS;
}

void agent_free(struct agent *a)
{
	if (!a)
		return;
	worker_free(a->worker);
	control_close(a->control);
	lockout_free(a->lockout);
	hook_free(a->hook);
	round_clear(a);
	if (a->store)
		visit_flush(a);
	visit_free(a);
	agent_unuse(a);
	store_close(a->store);
	(void)sd_event_source_disable_unref(a->timer);
	(void)sd_event_source_disable_unref(a->defer);
	sd_event_unref(a->event);
	free(a);
}
