// SPDX-License-Identifier: MIT
//
// scimctl doctor: the host around scimd.
#include "scimd/base/buf.h"
#include "scimd/base/fail.h"
#include "scimd/base/file.h"
#include "scimd/ctl/ctl.h"
#include "scimd/ctl/doctor.h"
#include "scimd/ctl/nsswitch.h"
#include "scimd/ctl/program.h"
#include <errno.h>
#include <pwd.h>
#include <scimd/account.h>
#include <scimd/paths.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#define SPACE_LEAST ((uint64_t)64 << 20)

// ------------------------------------------------------------------ nsswitch

// The command that puts a line right, whatever else it has.
static void switch_mend(const char *name, enum nsswitch_order order, struct finding *f)
{
	if (order == NSSWITCH_NO_LINE)
		(void)snprintf(f->mend, sizeof(f->mend),
			       "sed -i '/^%s:/d' " NSSWITCH "; echo '%s: files scim' >>" NSSWITCH,
			       name, name);
	else if (order == NSSWITCH_NO_SCIM)
		(void)snprintf(f->mend, sizeof(f->mend),
			       "sed -i -E '/^%s:/ s/[[:space:]]*(#.*)?$/ scim/' " NSSWITCH, name);
	else
		(void)snprintf(f->mend, sizeof(f->mend),
			       "sed -i -E '/^%s:/ { s/[[:space:]]scim\\b//; s/(files|compat)/& "
			       "scim/ }' " NSSWITCH,
			       name);
}

enum doctor_result doctor_nsswitch(const struct doctor *d, struct finding *f)
{
	static const char *const databases[] = { "passwd", "group", "initgroups" };
	static const char *const wrong[] = {
		[NSSWITCH_NO_LINE] = "no line",
		[NSSWITCH_NO_SCIM] = "scim is not asked",
		[NSSWITCH_FIRST] = "scim stands before the local files, which must win",
		[NSSWITCH_CUT] = "an action with \"return\" ends the search before scim",
	};
	struct buf text = BUF_INIT;
	struct fail why = { "" };
	enum nsswitch_order order = NSSWITCH_GOOD;
	const char *name = NULL;
	bool foreign, authselect;

	(void)d;
	if (file_read(NSSWITCH, NSSWITCH_MAX, &text, &why) < 0) {
		buf_free(&text);
		return doctor_found(f, DOCTOR_FAILED, NULL, "%s", why.text);
	}
	for (size_t i = 0; i < 3 && order == NSSWITCH_GOOD; i++) {
		name = databases[i];
		order = nsswitch_order(buf_text(&text), name);
		if (i == 2 && order == NSSWITCH_NO_LINE) // then the groups' line counts
			order = NSSWITCH_GOOD;
	}
	buf_free(&text);
	if (order == NSSWITCH_GOOD)
		return doctor_found(f, DOCTOR_OK, NULL, "scim stands after the local files");
	foreign = nsswitch_foreign(&authselect);
	(void)doctor_found(f, DOCTOR_FAILED, authselect ? DOCTOR_AUTHSELECT : NULL, "%s: %s%s",
			   name, wrong[order],
			   authselect ? "; authselect writes this file"
			   : foreign  ? "; the file is a link: another program writes it"
				      : "");
	if (!foreign)
		switch_mend(name, order, f);
	return DOCTOR_FAILED;
}

// The way every program goes: glibc, nsswitch.conf, the module, the image. The probe
// is in every image and never listed.
enum doctor_result doctor_lookup(const struct doctor *d, struct finding *f)
{
	struct passwd pw, *found = NULL;
	char buf[4096];
	int r = getpwnam_r(ACCOUNT_PROBE_NAME, &pw, buf, sizeof(buf), &found);

	(void)d;
	if (!found)
		return doctor_found(f, DOCTOR_FAILED, "scimctl doctor nsswitch image",
				    "\"" ACCOUNT_PROBE_NAME "\" is not found through glibc%s%s",
				    r ? ": " : "; is libnss-scim installed?", r ? strerror(r) : "");
	if (pw.pw_uid != ACCOUNT_PROBE_ID)
		return doctor_found(f, DOCTOR_FAILED, "getent passwd " ACCOUNT_PROBE_NAME,
				    "\"" ACCOUNT_PROBE_NAME "\" is somebody else's account, uid %u",
				    pw.pw_uid);
	return doctor_found(f, DOCTOR_OK, NULL, "libnss_scim answers");
}

enum doctor_result doctor_nscd(const struct doctor *d, struct finding *f)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "/run/nscd/socket" };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool there = fd >= 0 && connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0;

	(void)d;
	if (fd >= 0)
		(void)close(fd);
	if (there)
		return doctor_found(f, DOCTOR_FAILED, "systemctl disable --now nscd",
				    "nscd is running: it hands out old answers about people for "
				    "minutes");
	return doctor_found(f, DOCTOR_OK, NULL, "nscd is not running");
}

// ------------------------------------------------------------------ the rest

enum doctor_result doctor_clock(const struct doctor *d, struct finding *f)
{
	struct timex t = { 0 };

	(void)d;
	if (adjtimex(&t) == TIME_ERROR && (t.status & STA_UNSYNC))
		return doctor_found(f, DOCTOR_NOTE, "timedatectl set-ntp true",
				    "nothing keeps the clock: certificates, evidence and the age "
				    "of what is served hang on it");
	return doctor_found(f, DOCTOR_OK, NULL, "synchronized");
}

static uint64_t space_of(const char *dir, const char *name)
{
	char path[4096];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return stat(path, &st) == 0 ? (uint64_t)st.st_blocks * 512 : 0;
}

// A publish needs the new image beside the old one, and the store grows by a transaction.
enum doctor_result doctor_space(const struct doctor *d, struct finding *f)
{
	const char *dir = d->ctl->state_dir;
	struct statvfs fs;
	uint64_t want, have;

	if (statvfs(dir, &fs) < 0)
		return doctor_found(f, DOCTOR_FAILED, NULL, "%s: %s", dir, strerror(errno));
	have = (uint64_t)fs.f_bavail * fs.f_frsize;
	want = SPACE_LEAST + 2 * space_of(dir, SCIMD_IMAGE_NAME) +
	       space_of(dir, SCIMD_PRIVATE_NAME "/data.mdb");
	if (*ctl_str(d->status, "no_room"))
		return doctor_found(f, DOCTOR_FAILED, "df -h " SCIMD_STATE_DIR, "%s",
				    ctl_str(d->status, "no_room"));
	if (have < want || (fs.f_files && fs.f_favail < 100))
		return doctor_found(f, DOCTOR_NOTE, "df -hi " SCIMD_STATE_DIR,
				    "%s: %llu MB free, %llu should be", dir,
				    (unsigned long long)(have >> 20),
				    (unsigned long long)(want >> 20));
	return doctor_found(f, DOCTOR_OK, NULL, "%llu MB free", (unsigned long long)(have >> 20));
}

static bool reads(const char *path, const char *begin)
{
	struct buf text = BUF_INIT;
	bool good = file_read(path, 4096, &text, NULL) == 0 &&
		    strncmp(buf_text(&text), begin, strlen(begin)) == 0;

	buf_free(&text);
	return good;
}

enum doctor_result doctor_mac(const struct doctor *d, struct finding *f)
{
	char label[256] = "", path[4096];
	ssize_t n;

	if (reads("/sys/fs/selinux/enforce", "1")) {
		(void)snprintf(path, sizeof(path), "%s/" SCIMD_IMAGE_NAME, d->ctl->state_dir);
		n = getxattr(path, "security.selinux", label, sizeof(label) - 1);
		if (n < 0 || !strstr(label, "scimd"))
			return doctor_found(
				f, DOCTOR_NOTE, "restorecon -R /etc/scimd " SCIMD_STATE_DIR,
				"SELinux is enforcing and the image is labelled \"%s\"; "
				"is scimd-selinux installed?",
				label);
		return doctor_found(f, DOCTOR_OK, NULL, "SELinux: the image is labelled");
	}
	if (reads("/sys/module/apparmor/parameters/enabled", "Y") &&
	    access("/etc/apparmor.d/abstractions", F_OK) == 0) {
		if (access("/etc/apparmor.d/abstractions/nameservice.d/scimd", R_OK) < 0)
			return doctor_found(
				f, DOCTOR_NOTE, "apt-get install --reinstall scimd",
				"AppArmor: abstractions/nameservice.d/scimd is missing; "
				"confined programs cannot read the image");
		return doctor_found(f, DOCTOR_OK, NULL, "AppArmor: confined programs may read");
	}
	return doctor_found(f, DOCTOR_OK, NULL, "neither SELinux nor AppArmor is in the way");
}

#define UNITS "scimd.socket scimd.service scim-lockout.socket scim-hook.socket"

// Whether scimd answers is another check's; its sockets are systemd's, and one that failed
// or was stopped stays away while scimd runs, which has to be started after it.
enum doctor_result doctor_units(const struct doctor *d, struct finding *f)
{
	static const char *const units[] = { "scimd.service", "scimd.socket", "scim-lockout.socket",
					     "scim-hook.socket" };
	char word[64];

	(void)d;
	if (access("/run/systemd/system", F_OK) < 0)
		return doctor_found(f, DOCTOR_SKIPPED, NULL, "systemd does not run this host");
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		const char *const enabled[] = { "systemctl", "is-enabled", "--quiet", units[i],
						NULL };
		const char *const active[] = { "systemctl", "is-active", "--quiet", units[i],
					       NULL };
		bool off = program_run(enabled, NULL, 10) != 0;

		if (off || (i > 0 && program_run(active, NULL, 10) != 0)) {
			(void)snprintf(word, sizeof(word), "%s is not %s", units[i],
				       off ? "enabled" : "active");
			doctor_list(f, word);
		}
	}
	if (!*f->text)
		return doctor_found(f, DOCTOR_OK, NULL, "enabled, and the sockets are there");
	(void)snprintf(f->mend, sizeof(f->mend),
		       "systemctl reset-failed " UNITS "; systemctl enable " UNITS
		       "; systemctl restart scimd.service; systemctl start " UNITS);
	return DOCTOR_FAILED;
}
