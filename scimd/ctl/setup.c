// SPDX-License-Identifier: MIT
//
// scimctl setup: three questions, who would be served, and only then anything changes.
#include "scimd/ctl/setup.h"
#include "scimd/base/fail.h"
#include "scimd/client/token.h"
#include "scimd/ctl/ctl.h"
#include <ctype.h>
#include <getopt.h>
#include <scimd/wire.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

// A line of standard input without its end; false when there is none, or it is too long.
static bool setup_line(const char *question, char *out, size_t len)
{
	size_t n;

	(void)printf("%s ", question);
	(void)fflush(stdout);
	if (!fgets(out, (int)len, stdin))
		return false;
	n = strcspn(out, "\n");
	if (out[n] != '\n')
		return false;
	out[n] = '\0';
	return true;
}

bool setup_ask(const struct setup *s, const char *question)
{
	char line[64], whole[256];

	if (s->yes)
		return true;
	(void)snprintf(whole, sizeof(whole), "%s [y/N]", question);
	return setup_line(whole, line, sizeof(line)) && (line[0] == 'y' || line[0] == 'Y');
}

// One line each: what has a line end in it would be two settings.
static bool setup_plain(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20)
			return false;
	return true;
}

// Nothing of it is shown on a terminal, which gets back its echo however this ends: keys
// that would end scimctl are bytes here, and no token has those.
static bool setup_secret(const char *question, struct buf *out)
{
	struct termios was, hidden;
	bool terminal = tcgetattr(STDIN_FILENO, &was) == 0, good;
	char line[4096];

	if (terminal) {
		hidden = was;
		hidden.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	}
	good = setup_line(question, line, sizeof(line)) && *line && setup_plain(line) &&
	       buf_str(out, line) == 0;
	if (terminal) {
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
		(void)printf("\n");
	}
	explicit_bzero(line, sizeof(line));
	return good;
}

static int setup_missing(const char *what)
{
	(void)fprintf(stderr, "scimctl setup: %s; nothing was changed\n", what);
	return WIRE_EXIT_USAGE;
}

static int setup_questions(struct setup *s)
{
	struct fail f = { "" };

	if (!*s->url && (s->yes || !setup_line("URL of the directory (https://…/scim/v2):", s->url,
					       sizeof(s->url))))
		return setup_missing("the directory's URL is needed (--url)");
	if (s->token_file) {
		if (token_read(NULL, s->token_file, &s->token, &f) < 0)
			return setup_missing(f.text);
	} else if (s->yes || !setup_secret("Token (it is not shown):", &s->token)) {
		return setup_missing("a token is needed (--token-file)");
	}
	if (!*s->allow &&
	    (s->yes ||
	     !setup_line("Who may log in (all, or a filter such as: groups.display eq \"linux\"):",
			 s->allow, sizeof(s->allow))))
		return setup_missing("who may log in is needed (--allow)");
	if (!setup_plain(s->url) || !setup_plain(s->allow))
		return setup_missing("a control character in an answer");
	return 0;
}

static bool setup_name(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < n; i++)
		if (!islower((unsigned char)name[i]) && !isdigit((unsigned char)name[i]) &&
		    name[i] != '-')
			return false;
	return n > 0 && n <= 32 && name[0] != '-';
}

static int setup_options(struct setup *s, int argc, char **argv)
{
	static const struct option options[] = { { "url", required_argument, NULL, 'u' },
						 { "token-file", required_argument, NULL, 't' },
						 { "allow", required_argument, NULL, 'a' },
						 { "name", required_argument, NULL, 'n' },
						 { "no-pam", no_argument, NULL, 'p' },
						 { "yes", no_argument, NULL, 'y' },
						 { 0 } };
	bool good = true;
	int ch;

	optind = 0;
	while ((ch = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (ch == 'u')
			good &= snprintf(s->url, sizeof(s->url), "%s", optarg) <
				(int)sizeof(s->url);
		else if (ch == 'a')
			good &= snprintf(s->allow, sizeof(s->allow), "%s", optarg) <
				(int)sizeof(s->allow);
		else if (ch == 't')
			s->token_file = optarg;
		else if (ch == 'n')
			s->name = optarg;
		else if (ch == 'p')
			s->keep_pam = true;
		else if (ch == 'y')
			s->yes = true;
		else
			return WIRE_EXIT_USAGE;
	}
	if (optind != argc)
		return setup_missing("it takes options only");
	if (!good)
		return setup_missing("an answer is too long");
	if (!setup_name(s->name))
		return setup_missing("a name is of small letters, digits and - (--name)");
	return 0;
}

int command_setup(const struct ctl *c, int argc, char **argv)
{
	struct setup s = { .ctl = c, .name = "corp", .token = { .secret = true, .max = 16384 } };
	int code = setup_options(&s, argc, argv);

	if (code)
		return code;
	if (geteuid() != 0) {
		(void)fprintf(stderr, "scimctl setup: only root may do that\n");
		return WIRE_EXIT_PERMISSION;
	}
	code = setup_questions(&s);
	if (code == 0)
		code = setup_try(&s);
	setup_clean(&s);
	if (code == 0 && !setup_ask(&s, "Serve these people on this host?")) {
		(void)printf("Nothing was changed.\n");
		code = WIRE_EXIT_FAILED;
	} else if (code == 0) {
		code = setup_enable(&s);
	}
	buf_free(&s.token);
	return code;
}
