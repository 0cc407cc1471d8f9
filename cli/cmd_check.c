/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `ihard check`: would this run, and why? Judges a script, a command, or many files; runs nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/check.h"
#include "cli/environment.h"
#include "cli/files.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "common/cleanup.h"
#include "policy/machine.h"
#include "policy/words.h"

enum {
	OPT_CLEAR_ENV,
	OPT_EACH,
	OPT_ENV,
	OPT_EXPLAIN,
	OPT_INTERPRETERS,
	OPT_JSON,
	OPT_POLICY,
	OPT_PROFILE,
	OPT_PROVENANCE,
	OPT_QUIET,
	OPT_STDIN_KIND,
};

static const struct ih_option option_table[] = {
	[OPT_CLEAR_ENV] = { "clear-env", NULL, "begin with an empty environment", false },
	[OPT_EACH] = { "each", NULL, "every operand is a file or directory to judge", false },
	[OPT_ENV] = { "env", "NAME=VALUE", "set a variable; NAME alone takes it out", true },
	[OPT_EXPLAIN] = { "explain", NULL, "show every rule that was considered", false },
	[OPT_INTERPRETERS] = { "interpreters", "DIR", "grammars that go before ours", false },
	[OPT_JSON] = { "json", NULL, "print JSON", false },
	[OPT_POLICY] = { "policy", "FILE", "not " IH_POLICY_FILE, false },
	[OPT_PROFILE] = { "profile", "NAME", "audit, server, developer or appliance", false },
	[OPT_PROVENANCE] = { "provenance", "WORD", "who asks: interactive, verified, unverified",
			     false },
	[OPT_QUIET] = { "quiet", NULL, "print nothing: the exit code says it", false },
	[OPT_STDIN_KIND] = { "stdin-kind", "WORD", "pipe, file, tty or null (default: as ours)",
			     false },
};

static const char *const stdin_words[] = {
	[IH_STDIN_PIPE] = "pipe", [IH_STDIN_FILE] = "file", [IH_STDIN_TTY] = "tty",
	[IH_STDIN_NULL] = "null", [IH_STDIN_MAX_] = NULL,
};

struct check_options {
	const char *policy, *profile, *interpreters;
	struct ih_environment environment;
	int stdin_kind; /* -1: that of our own */
	enum ih_provenance provenance;
	bool json, explain, quiet, each, command;
	int argc; /* operands */
	char **argv;
};

static int take_option(const struct ih_options *o, void *to, int opt, const char *value)
{
	struct check_options *c = to;
	int word;

	switch (opt) {
	case OPT_CLEAR_ENV:
		c->environment.clear = true;
		return 0;
	case OPT_EACH:
		c->each = true;
		return 0;
	case OPT_ENV:
		if (ih_environment_add(&c->environment, value) == 0)
			return 0;
		return ih_usage_error(o, "'--env %s' names no variable, or there are too many",
				      value);
	case OPT_EXPLAIN:
		c->explain = true;
		return 0;
	case OPT_INTERPRETERS:
		c->interpreters = value;
		return 0;
	case OPT_JSON:
		c->json = true;
		return 0;
	case OPT_POLICY:
		c->policy = value;
		return 0;
	case OPT_PROFILE:
		c->profile = value;
		return 0;
	case OPT_QUIET:
		c->quiet = true;
		return 0;
	case OPT_PROVENANCE:
		word = ih_provenance_from_name(value);
		if (word >= 0) {
			c->provenance = (enum ih_provenance)word;
			return 0;
		}
		return ih_usage_error(
			o, "'--provenance %s' is none of interactive, verified, unverified", value);
	case OPT_STDIN_KIND:
		c->stdin_kind = ih_word_index(stdin_words, value);
		if (c->stdin_kind >= 0)
			return 0;
		return ih_usage_error(o, "'--stdin-kind %s' is none of pipe, file, tty, null",
				      value);
	default:
		return IH_OPTIONS_ERROR;
	}
}

static int parse(int argc, char **argv, struct check_options *c)
{
	struct ih_options o = {
		.verb = "check",
		.usage = "[options] SCRIPT [ARG…]\n[options] -- PROGRAM [ARG…]\n"
			 "[options] DIRECTORY…\n[options] --each FILE…",
		.about = "Says whether a script or command would be allowed to run, and why.",
		.table = option_table,
		.n = IH_ARRAY_SIZE(option_table),
	};
	int r;

	*c = (struct check_options){ .stdin_kind = -1, .provenance = IH_PROVENANCE_INTERACTIVE };
	r = ih_options_parse(&o, argc, argv, take_option, c);
	if (!r)
		r = ih_options_exclude(&o, OPT_POLICY, OPT_PROFILE);
	if (!r)
		r = ih_options_exclude(&o, OPT_JSON, OPT_QUIET);
	if (!r && !o.n_operands)
		r = ih_usage_error(&o, "nothing to check: name a script, or '--' and a command");
	c->argc = o.n_operands;
	c->argv = o.operands;
	c->command = o.dashes && !c->each;
	return r;
}

/* What is counted for the summary, and where results go. */
struct report {
	const struct check_options *options;
	const struct ih_session *session;
	struct ih_judge_input input;
	struct ih_output out;
	struct ih_progress progress;
	struct ih_json_out *results; /* with --json */
	uint64_t allowed, denied, audit, failed;
	bool many;
};

static void count(struct report *rep, const struct ih_judgement *j)
{
	if (j->stops)
		rep->denied++;
	else if (j->reported)
		rep->audit++;
	else
		rep->allowed++;
}

static void show(struct report *rep, const struct ih_judgement *j, const char *name)
{
	const struct check_options *c = rep->options;

	if (c->json) {
		ih_json_push(rep->results, ih_check_json(rep->session, j, name, c->explain));
		return;
	}
	if (c->quiet)
		return;
	ih_progress_clear(&rep->progress);
	if (rep->many && !c->explain)
		ih_check_print_line(&rep->out, j, name);
	else
		ih_check_print(&rep->out, rep->session, j, c->explain);
}

static void judge_one(struct report *rep, int argc, char *const *argv)
{
	struct ih_judgement *j = calloc(1, sizeof(*j));
	struct ih_diag diag = { 0 };

	rep->input.argc = argc;
	rep->input.argv = argv;
	if (!j || ih_judge(rep->session, &rep->input, j, &diag) < 0) {
		fprintf(stderr, "ihard check: %s\n", j ? diag.text : "out of memory");
		rep->failed++;
	} else {
		count(rep, j);
		show(rep, j, argv[0]);
	}
	if (j)
		ih_judgement_done(j);
	free(j);
}

/* A file of our own choosing is meant as a file, not to be looked up along PATH. */
static void judge_file(struct report *rep, int argc, char **argv)
{
	char **copy = calloc((size_t)argc + 1, sizeof(*copy));
	char *path = NULL;

	if (!copy || (!strchr(argv[0], '/') && asprintf(&path, "./%s", argv[0]) < 0)) {
		fprintf(stderr, "ihard check: out of memory\n");
		rep->failed++;
		free(copy);
		return;
	}
	memcpy(copy, argv, (size_t)argc * sizeof(*copy));
	if (path)
		copy[0] = path;
	judge_one(rep, argc, copy);
	free(path);
	free(copy);
}

static int judge_many(struct report *rep)
{
	struct ih_files files = { 0 };
	struct ih_diag diag = { 0 };
	uint64_t unreadable = 0;

	for (int i = 0; i < rep->options->argc; i++)
		if (ih_files_collect(&files, rep->options->argv[i], &diag) < 0) {
			fprintf(stderr, "ihard check: %s\n", diag.text);
			unreadable++;
		}
	rep->failed += unreadable;
	rep->many = true;
	ih_progress_begin(&rep->progress, "files", files.n,
			  rep->options->quiet || rep->options->json);
	for (size_t i = 0; i < files.n; i++) {
		judge_file(rep, 1, &files.names[i]);
		ih_progress_step(&rep->progress, 1);
	}
	ih_progress_end(&rep->progress);
	if (!rep->options->quiet && !rep->options->json)
		printf("%llu allowed, %llu denied, %llu reported only, %llu failed; %llu files are "
		       "neither executable nor scripts\n",
		       (unsigned long long)rep->allowed, (unsigned long long)rep->denied,
		       (unsigned long long)rep->audit, (unsigned long long)rep->failed,
		       (unsigned long long)files.skipped);
	ih_files_done(&files);
	return 0;
}

static int print_json(struct report *rep)
{
	struct ih_json_out *top = ih_json_new_object();
	struct ih_json_out *summary = ih_json_new_object();

	ih_json_set_u64(top, "version", 1);
	ih_json_set_string(top, "policy", rep->session->policy->name);
	ih_json_set_bool(top, "enforce", rep->session->policy->enforce);
	ih_json_set(top, "results", rep->results);
	ih_json_set_u64(summary, "allowed", rep->allowed);
	ih_json_set_u64(summary, "denied", rep->denied);
	ih_json_set_u64(summary, "audit", rep->audit);
	ih_json_set_u64(summary, "failed", rep->failed);
	ih_json_set(top, "summary", summary);
	return ih_output_json(top, NULL);
}

static int check(const struct check_options *c, const struct ih_session *s)
{
	struct report rep = { .options = c, .session = s };
	_free_ char **envp = ih_environment_make(&c->environment);

	if (!envp)
		return IH_EXIT_FAILED;
	rep.input = (struct ih_judge_input){
		.envp = envp,
		.stdin_kind = c->stdin_kind < 0 ? ih_stdin_kind_of_ours()
						: (enum ih_stdin_kind)c->stdin_kind,
		.stdin_is_ours = c->stdin_kind < 0,
		.provenance = c->provenance,
		.uid = geteuid(),
		.gid = getegid(),
	};
	ih_output_init(&rep.out, stdout);
	if (c->json)
		rep.results = ih_json_new_array();

	if (c->command)
		judge_one(&rep, c->argc, c->argv);
	else if (c->each || ih_is_directory(c->argv[0]))
		judge_many(&rep);
	else
		judge_file(&rep, c->argc, c->argv);

	if (c->json && print_json(&rep) < 0)
		return IH_EXIT_FAILED;
	return rep.failed ? IH_EXIT_FAILED : rep.denied ? IH_EXIT_DENIED : IH_EXIT_OK;
}

int ih_cmd_check(int argc, char **argv)
{
	struct check_options c;
	struct ih_session s;
	struct ih_diag diag = { 0 };
	int r = parse(argc, argv, &c);

	if (r)
		return ih_options_exit(r);

	if (ih_session_open(&s, c.policy, c.profile, c.interpreters, &diag) < 0) {
		fprintf(stderr, "ihard check: %s\n", diag.text);
		r = IH_EXIT_FAILED;
	} else {
		r = check(&c, &s);
	}
	if (s.note.text[0])
		fprintf(stderr, "ihard: %s\n", s.note.text);
	ih_session_close(&s);
	ih_environment_done(&c.environment);
	return r;
}
