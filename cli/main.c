/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `ihard`: a table of verbs. Everything else is in cmd_<verb>.c.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/verbs.h"
#include "common/diag.h"
#include "config.h"

static const struct ih_verb verbs[] = {
	{ "boot", "boot entries: list, predict, bless, install", ih_cmd_boot },
	{ "bootspec", "check, show, convert and compare bootspecs", ih_cmd_bootspec },
	{ "check", "would this script or command be allowed to run, and why?", ih_cmd_check },
	{ "events", "what was refused on this machine, and why", ih_cmd_events },
	{ "guard", "ask or tell the guard that runs", ih_cmd_guard },
	{ "interpreters", "which interpreters are known, and from which file",
	  ih_cmd_interpreters },
	{ "policy", "show, lint, test and compile policies", ih_cmd_policy },
	{ "run", "run a command under the policy, and all that it starts", ih_cmd_run },
	{ "seal", "freeze a verified closure or a tree, and sign what lies where", ih_cmd_seal },
	{ "status", "the whole chain of this machine, link by link", ih_cmd_status },
	{ "store", "what a Nix store says about a path, and what is there", ih_cmd_store },
	{ "verify", "whether a closure in a Nix store is what was signed", ih_cmd_verify },
	{ 0 }, /* end */
};

static int help(void)
{
	printf("usage: ihard VERB [options] …\n\n"
	       "Runs only code that somebody signed, scripts included.\n\n");
	for (const struct ih_verb *v = verbs; v->name; v++)
		printf("  %-13s %s\n", v->name, v->summary);
	printf("\n'ihard VERB --help' lists the options of a verb; ihard(1) is the manual.\n");
	return IH_EXIT_OK;
}

static int usage(const char *what, const char *word)
{
	struct ih_diag diag;

	(void)ih_fail(&diag, 0, "%s '%s'", what, word);
	fprintf(stderr, "ihard: %s; 'ihard --help' lists the verbs\n", diag.text);
	return IH_EXIT_USAGE;
}

/* A descriptor 0, 1 or 2 that is closed would be given to the next file that is opened. */
static void fill_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_NOCTTY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

static int dispatch(int argc, char **argv)
{
	if (argc < 2)
		return usage("a verb is missing after", argv[0] ? argv[0] : "ihard");
	if (!strcmp(argv[1], "--help"))
		return help();
	if (!strcmp(argv[1], "--version")) {
		printf("ihard %s\n", IH_VERSION);
		return IH_EXIT_OK;
	}
	for (const struct ih_verb *v = verbs; v->name; v++)
		if (!strcmp(argv[1], v->name))
			return v->run(argc - 1, argv + 1);

	return usage(argv[1][0] == '-' ? "unknown option" : "unknown verb", argv[1]);
}

int main(int argc, char **argv)
{
	int r;

	fill_standard_descriptors();
	r = dispatch(argc, argv);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "ihard: cannot write the result to standard output\n");
		return IH_EXIT_FAILED;
	}
	return r;
}
