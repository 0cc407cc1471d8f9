/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `ihard-guard`: options, and then guard.c. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf/guard.h"
#include "bpf/guard_priv.h"
#include "cli/guard_look.h"
#include "common/text.h"
#include "config.h"

enum {
	EXIT_USAGE_ERROR = 2,
	EXIT_FAILED = 125,
};

enum option_value {
	OPT_POLICY = 256,
	OPT_PROFILE,
	OPT_INTERPRETERS,
	OPT_BACKEND,
	OPT_SOCKET,
	OPT_EVENTS,
	OPT_METRICS,
	OPT_ROOT,
	OPT_ALL,
	OPT_AUDIT,
	OPT_LOCK,
	OPT_NO_KEEP,
	OPT_FILES,
	OPT_VERBOSE,
	OPT_PROBE,
	OPT_DRY_RUN,
	OPT_VERSION,
	OPT_HELP,
};

static const struct option options[] = {
	{ "policy", required_argument, NULL, OPT_POLICY },
	{ "profile", required_argument, NULL, OPT_PROFILE },
	{ "interpreters", required_argument, NULL, OPT_INTERPRETERS },
	{ "backend", required_argument, NULL, OPT_BACKEND },
	{ "socket", required_argument, NULL, OPT_SOCKET },
	{ "events", required_argument, NULL, OPT_EVENTS },
	{ "metrics", required_argument, NULL, OPT_METRICS },
	{ "root", required_argument, NULL, OPT_ROOT },
	{ "all", no_argument, NULL, OPT_ALL },
	{ "audit", no_argument, NULL, OPT_AUDIT },
	{ "lock", no_argument, NULL, OPT_LOCK },
	{ "no-keep", no_argument, NULL, OPT_NO_KEEP },
	{ "files", required_argument, NULL, OPT_FILES },
	{ "verbose", no_argument, NULL, OPT_VERBOSE },
	{ "probe", no_argument, NULL, OPT_PROBE },
	{ "dry-run", no_argument, NULL, OPT_DRY_RUN },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, OPT_HELP },
	{ 0 },
};

/* Roots of a NixOS system; those that are not there lead nowhere. */
static const char *const default_roots[] = { "/run/current-system", "/run/booted-system",
					     "/nix/var/nix/profiles/default" };

static int help(void)
{
	printf("usage: ihard-guard [options]\n\n"
	       "Makes the kernel run only what the policy allows, and says what was refused.\n\n"
	       "  --policy FILE        not /etc/ihard/policy.json\n"
	       "  --profile NAME       a built-in policy\n"
	       "  --interpreters DIR   grammars beside the built-in ones\n"
	       "  --backend NAME       'bpf' or 'fanotify' (the strongest that works)\n"
	       "  --socket PATH        for ihard guard (" IH_GUARD_SOCKET "; 'none')\n"
	       "  --events FILE        JSON lines (" IH_GUARD_EVENTS "; 'none')\n"
	       "  --metrics FILE       Prometheus text, for a textfile collector\n"
	       "  --root PATH          store object to verify at once; may be repeated\n"
	       "  --all                verify every store object at once\n"
	       "  --files N            files that can be vouched for (%u)\n"
	       "  --audit              report, refuse nothing\n"
	       "  --lock               root does not take the gates away until the next boot\n"
	       "  --no-keep            the gates open when this process ends\n"
	       "  --verbose            denials on standard error, too\n"
	       "  --probe              say which back ends work here, and end\n"
	       "  --dry-run            print the files that would be vouched for, and end\n"
	       "  --version, --help\n\n"
	       "ihard-guard(8) is the manual.\n",
	       IH_GUARD_FILES_DEFAULT);
	return 0;
}

static int usage(const char *sentence, const char *value)
{
	struct ih_diag diag;

	(void)ih_fail(&diag, 0, "%s%s%s%s", sentence, value ? " '" : "", value ? value : "",
		      value ? "'" : "");
	fprintf(stderr, "ihard-guard: %s; see --help\n", diag.text);
	return EXIT_USAGE_ERROR;
}

static int probe(void)
{
	int found = EXIT_FAILED;

	for (size_t i = 0; ih_backends[i]; i++) {
		struct ih_diag diag = { 0 };
		int r = ih_backends[i]->probe(&diag);

		printf("%s: %s; %s\n", ih_backends[i]->name, r == 0 ? "works here" : diag.text,
		       ih_backends[i]->cannot);
		found = r == 0 ? 0 : found;
	}
	return found;
}

static const char *unless_none(const char *value)
{
	return strcmp(value, "none") == 0 ? NULL : value;
}

struct request {
	struct ih_guard_options options;
	const char *roots[IH_FILL_ROOTS_MAX];
	bool dry;
	int exit; /* not -1: there is nothing to guard */
};

static void take_text(struct request *q, int opt, const char *value)
{
	struct ih_guard_options *o = &q->options;

	switch (opt) {
	case OPT_POLICY:
		o->policy = value;
		return;
	case OPT_PROFILE:
		o->profile = value;
		return;
	case OPT_INTERPRETERS:
		o->interpreters = value;
		return;
	case OPT_BACKEND:
		o->backend = value;
		return;
	case OPT_SOCKET:
		o->socket = unless_none(value);
		return;
	case OPT_EVENTS:
		o->events = unless_none(value);
		return;
	case OPT_METRICS:
		o->metrics = unless_none(value);
		return;
	case OPT_ROOT:
		if (o->n_roots == IH_FILL_ROOTS_MAX)
			q->exit = usage("too many roots:", value);
		else
			q->roots[o->n_roots++] = value;
		return;
	default:
		return;
	}
}

static void take_option(struct request *q, int opt, const char *value)
{
	struct ih_guard_options *o = &q->options;
	uint64_t n;

	switch (opt) {
	case OPT_ALL:
		o->all = true;
		return;
	case OPT_AUDIT:
		o->audit = true;
		return;
	case OPT_LOCK:
		o->lock = true;
		return;
	case OPT_NO_KEEP:
		o->keep = false;
		return;
	case OPT_VERBOSE:
		o->verbose = true;
		return;
	case OPT_FILES:
		if (ih_parse_u64(value, IH_GATE_FILES_MAX, &n) < 0 || !n)
			q->exit = usage("not a number of files that can be vouched for:", value);
		else
			o->files = (uint32_t)n;
		return;
	case OPT_PROBE:
		q->exit = probe();
		return;
	case OPT_DRY_RUN:
		q->dry = true;
		return;
	case OPT_VERSION:
		printf("ihard-guard %s\n", IH_VERSION);
		q->exit = 0;
		return;
	case OPT_HELP:
		q->exit = help();
		return;
	default:
		take_text(q, opt, value);
	}
}

static void parse(int argc, char **argv, struct request *q)
{
	uint64_t seen = 0;
	int opt;

	opterr = 0;
	while (q->exit < 0 && (opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == '?' || opt == ':') {
			q->exit = usage("unknown option, or one without its value:",
					argv[optind - 1]);
			return;
		}
		if (opt != OPT_ROOT && (seen >> (opt - OPT_POLICY) & 1)) {
			q->exit = usage("an option is given twice:", argv[optind - 1]);
			return;
		}
		seen |= 1ULL << (opt - OPT_POLICY);
		take_option(q, opt, optarg);
	}
	if (q->exit < 0 && optind < argc)
		q->exit = usage("not an option:", argv[optind]);
	if (q->exit < 0 && q->options.policy && q->options.profile)
		q->exit = usage("'--policy' and '--profile' are two answers to one question", NULL);
}

int main(int argc, char **argv)
{
	struct request q = { .options = { .socket = IH_GUARD_SOCKET,
					  .events = IH_GUARD_EVENTS,
					  .keep = true,
					  .look = ih_guard_look },
			     .exit = -1 };
	struct ih_diag diag = { 0 };
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_NOCTTY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		(void)close(fd);
	parse(argc, argv, &q);
	if (q.exit >= 0)
		return q.exit;
	q.options.roots = q.options.n_roots ? q.roots : default_roots;
	if (!q.options.n_roots)
		q.options.n_roots = sizeof(default_roots) / sizeof(default_roots[0]);
	if ((q.dry ? ih_guard_dry_run : ih_guard_run)(&q.options, &diag) < 0) {
		fprintf(stderr, "ihard-guard: %s\n", diag.text);
		return EXIT_FAILED;
	}
	return 0;
}
