/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `ihard policy show|lint|test|compile`: what a policy says, what is unwise about it, whether it
 * answers as its tables expect, and its compiled form. Changes no policy.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/options.h"
#include "cli/output.h"
#include "cli/policy_show.h"
#include "cli/verbs.h"
#include "common/cleanup.h"
#include "common/fd.h"
#include "common/json.h"
#include "policy/compiled.h"
#include "policy/lint.h"
#include "policy/machine.h"
#include "policy/policy_test.h"
#include "policy/words.h"
#include "wrapper/judge.h"

enum {
	OPT_INTERPRETERS,
	OPT_JSON,
	OPT_OUTPUT,
	OPT_POLICY,
	OPT_PROFILE,
	OPT_SOURCE,
};

static const struct ih_option show_table[] = {
	[OPT_INTERPRETERS] = { "interpreters", "DIR", "grammars that go before ours", false },
	[OPT_JSON] = { "json", NULL, "print JSON", false },
	[OPT_OUTPUT] = { "output", "FILE", "where the compiled policy goes", false },
	[OPT_POLICY] = { "policy", "FILE", "not " IH_POLICY_FILE, false },
	[OPT_PROFILE] = { "profile", "NAME", "audit, server, developer or appliance", false },
	[OPT_SOURCE] = { "source", NULL, "print a profile's JSON, to be copied", false },
};

struct subverb;

struct policy_options {
	const struct subverb *sub;
	const char *policy, *profile, *interpreters, *output;
	bool json, source;
	int argc; /* operands */
	char **argv;
};

struct subverb {
	const char *name;
	const char *usage;
	const char *about;
	int operands_min, operands_max;
	int (*run)(const struct policy_options *c);
	bool json, source, output; /* options that it takes */
};

static int complain(const char *verb, const char *sentence)
{
	fprintf(stderr, "ihard policy %s: %s\n", verb, sentence);
	return IH_EXIT_FAILED;
}

/* The policy that the options ask for. Return: 0 or a negative errno with a sentence. */
static int open_policy(const char *verb, const char *file, const char *profile,
		       struct ih_policy **ret, struct ih_diag *diag)
{
	struct ih_diag note = { 0 };
	int r = ih_machine_policy(file, profile, ret, &note, diag);

	if (r == 0 && note.text[0])
		fprintf(stderr, "ihard policy %s: %s\n", verb, note.text);
	return r;
}

/* show */

static int run_show(const struct policy_options *c)
{
	const char *profile = c->profile ? c->profile : IH_PROFILE_DEFAULT;
	struct ih_policy *policy = NULL;
	struct ih_diag diag = { 0 };
	const char *text;

	if (c->source && c->policy)
		return complain("show",
				"'--source' is for profiles; a policy's file is its source"),
		       IH_EXIT_USAGE;
	if (c->source) {
		text = ih_profile_text(profile, NULL);
		if (text) {
			printf("%s", text);
			return IH_EXIT_OK;
		}
	}
	if (open_policy("show", c->policy, c->source ? profile : c->profile, &policy, &diag) < 0)
		return complain("show", diag.text);
	ih_policy_show(policy);
	ih_policy_free(policy);
	return IH_EXIT_OK;
}

/* lint */

struct lint_report {
	const struct policy_options *c;
	struct ih_output out;
	struct ih_json_out *findings;
	size_t n[IH_LINT_LEVELS];
};

static void report_finding(const struct ih_lint_finding *f, void *data)
{
	static const enum ih_tone tones[IH_LINT_LEVELS] = { IH_TONE_FAINT, IH_TONE_NOTE,
							    IH_TONE_BAD };
	struct lint_report *rep = data;
	struct ih_json_out *o;

	rep->n[f->level]++;
	if (rep->c->json) {
		o = ih_json_new_object();
		ih_json_set_string(o, "level", ih_lint_level_name(f->level));
		ih_json_set_string(o, "kind", ih_lint_kind_name(f->kind));
		if (f->rule) {
			ih_json_set_string(o, "rule", f->rule->name);
			ih_json_set_string(o, "file", f->rule->file);
			ih_json_set_u64(o, "line", f->rule->line);
		}
		ih_json_set_string(o, "sentence", f->sentence);
		ih_json_push(rep->findings, o);
		return;
	}
	if (f->rule)
		printf("%s: line %u: ", f->rule->file, f->rule->line);
	ih_output_tone(&rep->out, tones[f->level], "%s", ih_lint_level_name(f->level));
	if (f->rule)
		printf(": rule '%s' %s [%s]\n", f->rule->name, f->sentence,
		       ih_lint_kind_name(f->kind));
	else
		printf(": %s [%s]\n", f->sentence, ih_lint_kind_name(f->kind));
}

/* A policy that nobody uses yet may belong to anybody. Return: 0, -EBADMSG: it is no good, or …. */
static int read_unused(const char *path, struct ih_policy **ret, struct ih_diag *diag)
{
	_free_ char *text = NULL;
	size_t len;
	int r = ih_read_file(AT_FDCWD, path, IH_COMPILED_SIZE_MAX, &text, &len, diag);

	return r < 0 ? r : ih_policy_from_bytes(path, text, len, &ih_machine_names, ret, diag);
}

/* The operand, or what the options say. Return: an exit code; IH_EXIT_OK with *@ret filled. */
static int read_operand(const struct policy_options *c, const char *verb, struct ih_policy **ret)
{
	struct ih_diag diag = { 0 };
	int r;

	if (c->argc && (c->policy || c->profile)) {
		complain(verb, "a FILE cannot stand beside '--policy' or '--profile'");
		return IH_EXIT_USAGE;
	}
	r = c->argc ? read_unused(c->argv[0], ret, &diag)
		    : open_policy(verb, c->policy, c->profile, ret, &diag);
	if (r >= 0)
		return IH_EXIT_OK;
	complain(verb, diag.text);
	return r == -EBADMSG ? IH_EXIT_DENIED : IH_EXIT_FAILED;
}

static int open_grammars(const struct policy_options *c, const char *verb, struct ih_grammars **own,
			 const struct ih_grammars **ret)
{
	struct ih_diag diag = { 0 };

	*ret = ih_grammars_builtin();
	if (!c->interpreters)
		return IH_EXIT_OK;
	if (ih_grammars_load(c->interpreters, own, &diag) < 0)
		return complain(verb, diag.text);
	*ret = *own;
	return IH_EXIT_OK;
}

static int lint(struct lint_report *rep, const struct ih_policy *policy,
		const struct ih_grammars *known)
{
	struct ih_json_out *top;

	if (rep->c->json)
		rep->findings = ih_json_new_array();
	if (ih_policy_lint(policy, known, report_finding, rep) < 0)
		return complain("lint", "out of memory");
	if (rep->c->json) {
		top = ih_json_new_object();
		ih_json_set_u64(top, "version", 1);
		ih_json_set_string(top, "policy", policy->name);
		ih_json_set(top, "findings", rep->findings);
		if (ih_output_json(top, NULL) < 0)
			return complain("lint", "out of memory");
	} else {
		printf("%s: %zu rules, %zu errors, %zu warnings, %zu notes\n", policy->name,
		       policy->n_rules - 1, rep->n[IH_LINT_ERROR], rep->n[IH_LINT_WARNING],
		       rep->n[IH_LINT_NOTE]);
	}
	return rep->n[IH_LINT_ERROR] || rep->n[IH_LINT_WARNING] ? IH_EXIT_DENIED : IH_EXIT_OK;
}

static int run_lint(const struct policy_options *c)
{
	struct lint_report rep = { .c = c };
	struct ih_policy *policy = NULL;
	const struct ih_grammars *known;
	struct ih_grammars *own = NULL;
	int r = open_grammars(c, "lint", &own, &known);

	ih_output_init(&rep.out, stdout);
	if (r == IH_EXIT_OK)
		r = read_operand(c, "lint", &policy);
	if (r == IH_EXIT_OK)
		r = lint(&rep, policy, known);
	ih_policy_free(policy);
	ih_grammars_free(own);
	return r;
}

/* test */

struct test_report {
	const struct policy_options *c;
	struct ih_session session;
	struct ih_output out;
	struct ih_json_out *results;
	const char *table;
	size_t n;
};

static int judge_case(const struct ih_policy_case *c, struct ih_answer *ret, struct ih_diag *diag,
		      void *data)
{
	struct test_report *rep = data;
	struct ih_judgement *j = calloc(1, sizeof(*j));
	struct ih_judge_input in = {
		.argc = (int)c->argc,
		.argv = c->argv,
		.envp = c->envp,
		.stdin_kind = c->stdin_kind && !strcmp(c->stdin_kind, "tty")	? IH_STDIN_TTY
			      : c->stdin_kind && !strcmp(c->stdin_kind, "null") ? IH_STDIN_NULL
			      : c->stdin_kind && !strcmp(c->stdin_kind, "file") ? IH_STDIN_FILE
										: IH_STDIN_PIPE,
		.provenance = (enum ih_provenance)c->facts.provenance,
		.uid = c->facts.uid,
		.gid = c->facts.gid,
	};
	int r;

	if (!j)
		return -ENOMEM;
	r = ih_judge(&rep->session, &in, j, diag);
	if (r == 0)
		*ret = j->answers[j->decisive];
	ih_judgement_done(j);
	free(j);
	return r;
}

static void report_case(const struct ih_policy_case *c, const struct ih_answer *answer,
			const char *problem, void *data)
{
	struct test_report *rep = data;
	struct ih_json_out *o;

	rep->n++;
	if (rep->c->json) {
		o = ih_json_new_object();
		ih_json_set_string(o, "name", c->name);
		ih_json_set_string(o, "file", rep->table);
		ih_json_set_u64(o, "line", c->line);
		ih_json_set_bool(o, "passed", !problem);
		ih_json_set_string(o, "verdict", ih_verdict_name(answer->verdict));
		ih_json_set_bool(o, "report_only", answer->report_only);
		ih_json_set_string(o, "reason", ih_reason_name(answer->reason));
		ih_json_set_string(o, "problem", problem);
		ih_json_push(rep->results, o);
	} else if (problem) {
		printf("%s: line %u: ", rep->table, c->line);
		ih_output_tone(&rep->out, IH_TONE_BAD, "failed");
		printf(": %s: %s\n", c->name, problem);
	}
}

static int run_table(struct test_report *rep, const char *path, size_t *failed)
{
	struct ih_policy_test test = {
		.policy = rep->session.policy,
		.grammars = rep->session.grammars,
		.judge = judge_case,
		.report = report_case,
		.data = rep,
	};
	_free_ char *text = NULL;
	struct ih_diag diag = { 0 };
	size_t len, n = 0;

	rep->table = path;
	if (ih_read_file(AT_FDCWD, path, IH_POLICY_SIZE_MAX, &text, &len, &diag) < 0 ||
	    ih_policy_test(&test, path, text, len, &n, &diag) < 0)
		return complain("test", diag.text);
	*failed += n;
	return IH_EXIT_OK;
}

static int run_tables(struct test_report *rep)
{
	struct ih_json_out *top;
	size_t failed = 0;
	int r;

	if (rep->c->json)
		rep->results = ih_json_new_array();
	for (int i = 0; i < rep->c->argc; i++) {
		r = run_table(rep, rep->c->argv[i], &failed);
		if (r != IH_EXIT_OK) {
			ih_json_out_free(rep->results);
			return r;
		}
	}
	if (rep->c->json) {
		top = ih_json_new_object();
		ih_json_set_u64(top, "version", 1);
		ih_json_set_string(top, "policy", rep->session.policy->name);
		ih_json_set(top, "results", rep->results);
		if (ih_output_json(top, NULL) < 0)
			return complain("test", "out of memory");
	} else {
		printf("%s: %zu cases, %zu failed\n", rep->session.policy->name, rep->n, failed);
	}
	return failed ? IH_EXIT_DENIED : IH_EXIT_OK;
}

static int run_test(const struct policy_options *c)
{
	struct test_report rep = { .c = c };
	struct ih_diag diag = { 0 };
	int r;

	ih_output_init(&rep.out, stdout);
	if (ih_session_open(&rep.session, c->policy, c->profile, c->interpreters, &diag) < 0)
		r = complain("test", diag.text);
	else
		r = run_tables(&rep);
	if (rep.session.note.text[0])
		complain("test", rep.session.note.text);
	ih_session_close(&rep.session);
	return r;
}

/* compile */

static int run_compile(const struct policy_options *c)
{
	struct ih_policy *policy = NULL;
	struct ih_text bytes = { 0 };
	struct ih_diag diag = { 0 };
	int r;

	if (!c->output) {
		complain("compile", "'--output FILE' is missing");
		return IH_EXIT_USAGE;
	}
	r = read_operand(c, "compile", &policy);
	if (r != IH_EXIT_OK)
		return r;
	if (ih_policy_compile(policy, &bytes, &diag) < 0 ||
	    ih_write_file_atomic(AT_FDCWD, c->output, 0644, bytes.data, bytes.len, &diag) < 0)
		r = complain("compile", diag.text);
	else
		printf("%s: %zu rules, %zu trust providers, %zu bytes\n", c->output,
		       policy->n_rules - 1, policy->n_providers, bytes.len);
	ih_text_done(&bytes);
	ih_policy_free(policy);
	return r;
}

/* The table of sub-verbs */

static const struct subverb subverbs[] = {
	{ "show", "[--policy FILE|--profile NAME] [--source]",
	  "Prints the policy in force, or one that is asked for.", 0, 0, run_show, .source = true },
	{ "lint", "[--policy FILE|--profile NAME] [--json] [FILE]",
	  "Finds mistakes, rules that never decide and rules that allow too much.", 0, 1, run_lint,
	  .json = true },
	{ "test", "[--policy FILE|--profile NAME] [--json] TABLE…",
	  "Holds a policy against tables of expected answers: see ihard-policy(5).", 1, 4096,
	  run_test, .json = true },
	{ "compile", "[--policy FILE|--profile NAME] --output FILE [FILE]",
	  "Writes the compiled form, which ihard-exec and ihard-guard read.", 0, 1, run_compile,
	  .output = true },
	{ 0 }, /* end */
};

static int take_option(const struct ih_options *o, void *to, int option, const char *value)
{
	struct policy_options *c = to;
	const struct subverb *sub = c->sub;

	switch (option) {
	case OPT_INTERPRETERS:
		c->interpreters = value;
		return 0;
	case OPT_POLICY:
		c->policy = value;
		return 0;
	case OPT_PROFILE:
		c->profile = value;
		return 0;
	case OPT_JSON:
		c->json = true;
		return sub->json ? 0 : ih_usage_error(o, "'--json' is not for '%s'", sub->name);
	case OPT_OUTPUT:
		c->output = value;
		return sub->output ? 0 : ih_usage_error(o, "'--output' is not for '%s'", sub->name);
	default:
		c->source = true;
		return sub->source ? 0 : ih_usage_error(o, "'--source' is not for '%s'", sub->name);
	}
}

static int parse(int argc, char **argv, const struct subverb *sub, struct policy_options *c)
{
	char verb[32];
	struct ih_options o = { .verb = verb,
				.usage = sub->usage,
				.about = sub->about,
				.table = show_table,
				.n = IH_ARRAY_SIZE(show_table) };
	int r;

	(void)snprintf(verb, sizeof(verb), "policy %s", sub->name);
	*c = (struct policy_options){ .sub = sub };
	r = ih_options_parse(&o, argc, argv, take_option, c);
	if (!r)
		r = ih_options_exclude(&o, OPT_POLICY, OPT_PROFILE);
	if (r)
		return r;
	c->argc = o.n_operands;
	c->argv = o.operands;
	if (c->argc < sub->operands_min)
		return ih_usage_error(&o, "an operand is missing");
	if (c->argc > sub->operands_max)
		return ih_usage_error(&o, "'%s' is one operand too many",
				      c->argv[sub->operands_max]);
	return 0;
}

static int help(void)
{
	printf("usage: ihard policy VERB [options] …\n\n");
	for (const struct subverb *s = subverbs; s->name; s++)
		printf("  %-8s %s\n", s->name, s->about);
	printf("\n'ihard policy VERB --help' lists the options; ihard-policy(1) is the manual.\n");
	return IH_EXIT_OK;
}

int ih_cmd_policy(int argc, char **argv)
{
	struct policy_options c;
	int r;

	if (argc >= 2 && !strcmp(argv[1], "--help"))
		return help();
	for (const struct subverb *s = subverbs; argc >= 2 && s->name; s++) {
		if (strcmp(argv[1], s->name))
			continue;
		r = parse(argc - 1, argv + 1, s, &c);
		return r ? ih_options_exit(r) : s->run(&c);
	}
	fprintf(stderr, "ihard policy: %s; 'ihard policy --help' lists the verbs\n",
		argc < 2 ? "a verb is missing" : "this verb is not known");
	return IH_EXIT_USAGE;
}
