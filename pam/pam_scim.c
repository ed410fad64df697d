// SPDX-License-Identifier: MIT
//
// pam_scim.so: the account phase says whether a person of the directory may log in
// here, now; the session phase asks again without the directory, makes the home
// folder, tells scimd, and asks a last time. Authentication is none of its business.
//
// Names in /etc/passwd are ignored before anything else, so that no state of scimd
// reaches root. PAM_IGNORE is only for proven facts; whatever fails denies.
#include "pam/answer.h"
#include "pam/ask.h"
#include "pam/decide.h"
#include "pam/home.h"
#include "pam/look.h"
#include "pam/message.h"
#include "pam/option.h"

#include <errno.h>
#include <pthread.h>
#include <scimd/account.h>
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <stdbool.h>
#include <string.h>
#include <syslog.h>

#define ENTRY __attribute__((visibility("default")))
#define SILENT(flags) (((unsigned)(flags)&PAM_SILENT) != 0)
#define SESSION_MS 300 // to tell scimd of a session; it loses nothing but a line of evidence

struct visit {
	pam_handle_t *pamh;
	const char *name, *service;
	struct option option;
	struct decide_facts facts;
	struct look look;
};

// Without the tables of languages, so without allocation and lock.
static const char *strerror_of(int r)
{
	const char *text = strerrordesc_np(-r);

	return text ? text : "error";
}

static int code_of(struct decision d)
{
	switch (d.result) {
	case DECIDE_ALLOW:
	case DECIDE_WARN:
		return PAM_SUCCESS;
	case DECIDE_IGNORE:
		return PAM_IGNORE;
	default:
		break;
	}
	switch (d.reason) {
	case REASON_DISABLED:
	case REASON_DELETED:
	case REASON_PROBE:
	case REASON_SAYS_DISABLED:
	case REASON_SAYS_GONE:
		return PAM_ACCT_EXPIRED;
	case REASON_POLICY:
	case REASON_NO_POLICY:
	case REASON_REFUSED:
		return PAM_PERM_DENIED;
	case REASON_STALE:
	case REASON_AGE_UNKNOWN:
	case REASON_UNREADABLE:
		return PAM_AUTHINFO_UNAVAIL;
	default:
		return PAM_SYSTEM_ERR;
	}
}

// What was typed as a name may be anything; the log gets what an account can bear.
static const char *shown(const struct visit *v)
{
	return image_name_fits(v->name) ? v->name : "(no possible name)";
}

static void ask_live(struct visit *v)
{
	char answer[ASK_ANSWER_MAX];
	struct decide_facts *f = &v->facts;
	int n;

	// Only where the answer can change something, and never about strangers.
	if (v->option.live_ms == 0 || !image_name_fits(v->name) ||
	    !((f->found == DECIDE_KNOWN &&
	       (f->state == ACCOUNT_ACTIVE || f->state == ACCOUNT_DISABLED)) ||
	      (f->found == DECIDE_UNREADABLE && f->unavailable_ignores)))
		return;
	n = ask("check", v->name, v->option.live_ms, answer);
	if (n >= 0)
		f->live = answer_live(answer, (size_t)n);
	if (v->option.debug)
		pam_syslog(v->pamh, LOG_DEBUG, "live check of %s: %s", v->name,
			   n < 0     ? strerror_of(n)
			   : f->live ? "answered"
				     : "no answer");
	// What the directory said may have been published by now.
	if (f->live)
		look_image(v->name, &v->look, f, NULL, NULL);
}

static void tell(const struct visit *v, struct decision d, bool silent)
{
	char text[256];
	const char *person = message_person(d.reason, v->look.rule, text, sizeof(text));
	// An old image is no news to whom the directory has just been asked about.
	bool news = d.result == DECIDE_DENY ||
		    (d.result == DECIDE_WARN && v->facts.live != DECIDE_SAYS_ACTIVE);

	if (d.result == DECIDE_DENY)
		pam_syslog(v->pamh, LOG_NOTICE, "%s is denied: %s", shown(v),
			   message_log(d.reason));
	else if (d.result == DECIDE_WARN)
		pam_syslog(v->pamh, LOG_WARNING, "%s: %s", shown(v), message_log(d.reason));
	else if (v->option.debug)
		pam_syslog(v->pamh, LOG_DEBUG, "%s: %s", shown(v), message_log(d.reason));
	// As an error also where it only warns: standard output is the program's that su runs.
	if (news && *person && !silent)
		(void)pam_error(v->pamh, "%s", person);
}

static void read_options(struct visit *v, int argc, const char **argv)
{
	const char *bad = option_read(&v->option, v->service, argc, argv);

	v->facts.unavailable_ignores = v->option.unavailable_ignores;
	v->facts.trouble = bad != NULL;
	if (bad)
		pam_syslog(v->pamh, LOG_ERR, "option \"%s\" is not understood", bad);
}

// Begins a visit with what is known on this host. False when the answer is known
// without looking any further: it is in *code.
static bool begin(struct visit *v, pam_handle_t *pamh, int argc, const char **argv, int *code)
{
	const void *name = NULL, *service = NULL;

	*v = (struct visit){ .pamh = pamh };
	*code = PAM_SYSTEM_ERR;
	if (pam_get_item(pamh, PAM_USER, &name) != PAM_SUCCESS || !name)
		return false;
	v->name = name;
	v->facts.local = look_local(v->name);
	if (v->facts.local) {
		*code = PAM_IGNORE;
		return false;
	}
	if (pam_get_item(pamh, PAM_SERVICE, &service) == PAM_SUCCESS)
		v->service = service;
	read_options(v, argc, argv);
	look_image(v->name, &v->look, &v->facts, NULL, NULL);
	return true;
}

static int account(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct decision d;
	struct visit v;
	int code;

	if (!begin(&v, pamh, argc, argv, &code))
		return code;
	ask_live(&v);
	d = decide(&v.facts);
	tell(&v, d, SILENT(flags));
	return code_of(d);
}

static void tell_scimd(const struct visit *v)
{
	char answer[ASK_ANSWER_MAX];
	int n;

	if (v->option.live_ms == 0)
		return;
	n = ask("session", v->name, v->option.live_ms < SESSION_MS ? v->option.live_ms : SESSION_MS,
		answer);
	if (v->option.debug)
		pam_syslog(v->pamh, LOG_DEBUG, "session of %s: %s", v->name,
			   n < 0                          ? strerror_of(n)
			   : answer_ok(answer, (size_t)n) ? "scimd knows"
							  : "scimd refused to note it");
}

static int make_home(const struct visit *v, int flags)
{
	int r;

	if (!v->option.mkhome)
		return PAM_SUCCESS;
	r = home_make(v->name, v->look.home);
	if (r == 0 || r == -EPERM)
		return PAM_SUCCESS;
	if (r > 0)
		pam_syslog(v->pamh, LOG_ERR,
			   "the home folder %s of %s was not made: %s ended with %d", v->look.home,
			   v->name, home_helper_path, r);
	else
		pam_syslog(v->pamh, LOG_ERR, "the home folder %s of %s was not made: %s",
			   v->look.home, v->name, strerror_of(r));
	if (!SILENT(flags))
		(void)pam_error(v->pamh,
				"Your home folder %s could not be made. Ask your "
				"administrator.",
				v->look.home);
	return PAM_SESSION_ERR;
}

// Nothing but the image's word on this person. Whether it is too old was for the account
// phase, which may have had it from the directory. False: no session, *code says it.
static bool may_open(struct visit *v, int *code)
{
	struct decision d;

	v->facts.age = 0;
	d = decide(&v->facts);

	*code = code_of(d);
	if (*code == PAM_SUCCESS)
		return true;
	// The account phase has told the person, where there is one.
	tell(v, d, true);
	return false;
}

static int session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct visit v;
	int code, made;

	if (!begin(&v, pamh, argc, argv, &code) || !may_open(&v, &code))
		return code;
	made = make_home(&v, flags);
	tell_scimd(&v);
	// That may have taken its time: what was published meanwhile counts.
	look_image(v.name, &v.look, &v.facts, NULL, NULL);
	return may_open(&v, &code) ? made : code;
}

typedef int phase_fn(pam_handle_t *pamh, int flags, int argc, const char **argv);

// A thread that is cancelled in here would leave a descriptor behind.
static int uncancelled(phase_fn *phase, pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	int state, code, keep = errno;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	code = phase(pamh, flags, argc, argv);
	pthread_setcancelstate(state, NULL);
	errno = keep;
	return code;
}

ENTRY int pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return uncancelled(account, pamh, flags, argc, argv);
}

ENTRY int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return uncancelled(session, pamh, flags, argc, argv);
}

ENTRY int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh, (void)flags, (void)argc, (void)argv;
	return PAM_IGNORE;
}

ENTRY int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh, (void)flags, (void)argc, (void)argv;
	return PAM_IGNORE;
}

ENTRY int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh, (void)flags, (void)argc, (void)argv;
	return PAM_IGNORE;
}

ENTRY int pam_sm_chauthtok(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh, (void)flags, (void)argc, (void)argv;
	return PAM_IGNORE;
}
