/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `ihard run`: start a command under the policy, and everything it starts. Parses and reports; the
 * journey itself is wrapper/run.c.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/options.h"
#include "cli/verbs.h"
#include "common/cleanup.h"
#include "policy/machine.h"
#include "wrapper/run.h"

enum {
	OPT_AUDIT,
	OPT_EVENTS,
	OPT_GATE,
	OPT_INTERPRETERS,
	OPT_POLICY,
	OPT_PROFILE,
	OPT_VERBOSE,
};

static const struct ih_option option_table[] = {
	[OPT_AUDIT] = { "audit", NULL, "run everything, say what would have been denied", false },
	[OPT_EVENTS] = { "events", "WHERE", "a file for JSON lines, 'journal' or 'none'", false },
	[OPT_GATE] = { "gate", "outer|tree", "judge this command only, or all it starts", false },
	[OPT_INTERPRETERS] = { "interpreters", "DIR", "grammars that go before ours", false },
	[OPT_POLICY] = { "policy", "FILE", "not " IH_POLICY_FILE, false },
	[OPT_PROFILE] = { "profile", "NAME", "audit, server, developer or appliance", false },
	[OPT_VERBOSE] = { "verbose", NULL, "say what was taken out of the environment", false },
};

static const char *const gate_words[] = { "outer", "tree", NULL };

struct run_options {
	const char *policy, *profile, *interpreters, *events;
	int gate; /* -1: as the policy says */
	bool audit, verbose;
	int argc; /* the command */
	char **argv;
};

static int take_option(const struct ih_options *o, void *to, int opt, const char *value)
{
	struct run_options *c = to;

	switch (opt) {
	case OPT_AUDIT:
		c->audit = true;
		return 0;
	case OPT_EVENTS:
		c->events = value;
		return 0;
	case OPT_GATE:
		c->gate = ih_word_index(gate_words, value);
		if (c->gate >= 0)
			return 0;
		return ih_usage_error(o, "'--gate %s' is neither outer nor tree", value);
	case OPT_INTERPRETERS:
		c->interpreters = value;
		return 0;
	case OPT_POLICY:
		c->policy = value;
		return 0;
	case OPT_PROFILE:
		c->profile = value;
		return 0;
	case OPT_VERBOSE:
		c->verbose = true;
		return 0;
	default:
		return IH_OPTIONS_ERROR;
	}
}

static int parse(int argc, char **argv, struct run_options *c)
{
	struct ih_options o = {
		.verb = "run",
		.usage = "[options] [--] PROGRAM [ARG…]",
		.about =
			"Runs a command if the policy allows it, and holds all that it starts to "
			"the "
			"policy, too. Exit: 126 refused, 127 not found, 125 ihard failed, else the "
			"command's own.",
		.table = option_table,
		.n = IH_ARRAY_SIZE(option_table),
	};
	int r;

	*c = (struct run_options){ .gate = -1 };
	r = ih_options_parse(&o, argc, argv, take_option, c);
	if (!r)
		r = ih_options_exclude(&o, OPT_POLICY, OPT_PROFILE);
	if (!r && !o.n_operands)
		r = ih_usage_error(&o, "no command is given");
	c->argc = o.n_operands;
	c->argv = o.operands;
	return r;
}

static void note(const char *sentence)
{
	fprintf(stderr, "ihard: %s\n", sentence);
}

/* Where nobody says: the journal, if there is one. */
static int open_events(const struct run_options *c, struct ih_event_sink *sink,
		       struct ih_diag *diag)
{
	if (c->events)
		return ih_events_open(c->events, sink, diag);
	if (ih_events_open("journal", sink, diag) == 0)
		return 0;
	return ih_events_open("none", sink, diag);
}

static int run(const struct run_options *c, struct ih_session *s, struct ih_diag *diag)
{
	struct ih_event_sink sink = { .fd = -EBADF };
	struct ih_run r = {
		.session = s,
		.argc = c->argc,
		.argv = c->argv,
		.envp = environ,
		.audit = c->audit,
		.tree = c->gate < 0 ? s->policy->confinement[IH_STEP_TREE] != IH_DEMAND_OFF
				    : c->gate == 1,
		.verbose = c->verbose,
		.events = &sink,
		.note = note,
	};
	int code;

	if (open_events(c, &sink, diag) < 0)
		return IH_EXIT_RUN_FAILED;
	if (s->note.text[0])
		note(s->note.text);
	code = ih_run(&r, diag);
	ih_events_close(&sink);
	return code;
}

int ih_cmd_run(int argc, char **argv)
{
	struct run_options c;
	struct ih_session s;
	struct ih_diag diag = { "" };
	int r = parse(argc, argv, &c);

	if (r == IH_OPTIONS_HELP)
		return IH_EXIT_OK;
	if (r)
		return IH_EXIT_RUN_FAILED; /* 2 might be the command's own */

	if (ih_session_open(&s, c.policy, c.profile, c.interpreters, &diag) < 0)
		r = IH_EXIT_RUN_FAILED;
	else
		r = run(&c, &s, &diag);
	ih_session_close(&s);
	fprintf(stderr, "ihard: %s\n", diag.text);
	return r;
}
