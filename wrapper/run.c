/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a command to the exec of what was judged. The gate on what it starts is in run_tree.c. */
#include "wrapper/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "wrapper/environ.h"
#include "wrapper/judge.h"
#include "wrapper/launch.h"
#include "wrapper/run_priv.h"
#include "wrapper/stable.h"

static int judge(const struct ih_run *run, const struct ih_environ *env, struct ih_judgement *ret,
		 struct ih_diag *diag)
{
	const struct ih_judge_input in = {
		.argc = run->argc,
		.argv = run->argv,
		.program = run->program,
		.envp = env->envp,
		.stdin_kind = ih_stdin_kind_of_ours(),
		.stdin_is_ours = true,
		/* The gate that watches us knows who asks, and judges what we become. */
		.provenance = run->is_inner ? IH_PROVENANCE_VERIFIED : IH_PROVENANCE_INTERACTIVE,
		.uid = geteuid(),
		.gid = getegid(),
		.only_refusals = !run->session->policy->report_allowed,
	};

	return ih_judge(run->session, &in, ret, diag);
}

bool ih_run_wants_safe_path(const struct ih_gathered *g)
{
	for (size_t i = 0; i < g->n_hops; i++) {
		const struct ih_hop *hop = &g->hops[i];

		if (hop->grammar && (hop->mode == IH_MODE_MODULE || hop->mode == IH_MODE_INLINE) &&
		    strncmp(ih_grammar_name(hop->grammar), "python", 6) == 0)
			return true;
	}
	return false;
}

/*
 * The judge, and a second time with a safer environment where that can make the difference:
 * `python -m` and `python -c` look into the working directory first, unless PYTHONSAFEPATH is set
 * (Python 3.11).
 */
static int judge_safely(struct ih_run *run, struct ih_environ *env, struct ih_judgement *ret,
			struct ih_diag *diag)
{
	int r = judge(run, env, ret, diag);

	if (r < 0 || !ret->stops || !ih_run_wants_safe_path(&ret->gathered))
		return r;
	r = ih_environ_set(env, "PYTHONSAFEPATH=1");
	if (r < 0)
		return ih_fail(diag, r, "out of memory");
	ih_judgement_done(ret);
	return judge(run, env, ret, diag);
}

static bool is_missing(const struct ih_hop *hop)
{
	return hop->fd < 0 && (!hop->name || (access(hop->name, F_OK) < 0 &&
					      (errno == ENOENT || errno == ENOTDIR)));
}

/* What is about to be interpreted, held against the kernel's own opinion. */
static int check_sources(const struct ih_hop *hop, struct ih_diag *diag)
{
	for (size_t i = 0; i < hop->n_findings; i++) {
		const struct ih_finding *f = &hop->findings[i];
		int r;

		if (!f->main || f->fd < 0 || f->standing != IH_STANDING_COUNTS)
			continue;
		r = ih_execve_check(f->fd, f->text, diag);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool allows_untrusted_programs(const struct ih_policy *policy)
{
	for (size_t i = 0; i < policy->n_rules; i++) {
		const struct ih_rule *r = &policy->rules[i];

		if ((r->verdict == IH_ALLOW || r->verdict == IH_AUDIT) &&
		    r->program_min <= IH_TRUST_UNTRUSTED)
			return true;
	}
	return false;
}

/* Does any rule let code reach an interpreter without a file? Then shells must not refuse -c. */
static bool allows_inline(const struct ih_policy *policy)
{
	const __u32 modes = 1U << IH_MODE_INLINE | 1U << IH_MODE_STDIN | 1U << IH_MODE_INTERACTIVE;

	for (size_t i = 0; i < policy->n_rules; i++) {
		const struct ih_rule *r = &policy->rules[i];

		if ((r->verdict == IH_ALLOW || r->verdict == IH_AUDIT) && (r->modes & modes) &&
		    !(r->needs & IH_FACT_PURE))
			return true;
	}
	return false;
}

static void set_confinement(const struct ih_run *run, const struct ih_hop *hop,
			    const struct ih_trees *trees, struct ih_confine *c)
{
	const struct ih_policy *policy = run->session->policy;

	/* Below another tree gate all steps were taken, and Landlock has room for 16 layers only.
	 */
	for (int s = 0; s < IH_STEP_MAX_; s++)
		c->demand[s] = run->audit || run->is_inner ? IH_DEMAND_OFF : policy->confinement[s];
	/*
	 * Inherited by all that is started, and never taken back: so only where no supervisor sees
	 * to it (run_map.c), the outermost program has no JIT compiler and a policy asks for it.
	 */
	if (run->tree || c->demand[IH_STEP_WRITE_XOR_EXECUTE] == IH_DEMAND_WANTED ||
	    (hop->grammar && ih_grammar_has_jit(hop->grammar)))
		c->demand[IH_STEP_WRITE_XOR_EXECUTE] = IH_DEMAND_OFF;
	c->deny_interactive = !allows_inline(policy);
	c->execute_anywhere = allows_untrusted_programs(policy);
	c->trace_exec = run->tree;
	c->trees = trees->names;
	c->n_trees = trees->n;
	c->n_code_trees = trees->n_code;
}

static int launch(struct ih_run *run, const struct ih_hop *hop, const struct ih_environ *env,
		  struct ih_diag *diag)
{
	const struct ih_policy *policy = run->session->policy;
	struct ih_tree tree = { 0 };
	struct ih_launch l = {
		.program = hop->fd,
		.name = hop->name,
		.argv = hop->argv,
		.envp = env->envp,
		.tree = run->tree ? &tree : NULL,
	};
	struct ih_trees trees;
	int r;

	r = ih_execute_trees(policy->providers, policy->n_providers, &trees);
	if (r < 0) {
		(void)ih_fail(diag, r, "out of memory");
	} else {
		set_confinement(run, hop, &trees, &l.confine);
		ih_run_tree(run, &tree);
		r = ih_launch(&l, run->note, diag);
	}
	ih_execute_trees_done(&trees);
	return r;
}

/* Judged and allowed, or only reported: the rest of the way. */
static int go(struct ih_run *run, struct ih_judgement *j, const struct ih_environ *env,
	      struct ih_diag *diag)
{
	struct ih_hop *hop = &j->gathered.hops[0];
	_free_ char *directory = getcwd(NULL, 0);
	bool changed = false;
	const struct ih_place place = { .dirfd = AT_FDCWD, .envp = env->envp };
	int r = ih_make_stable(hop, directory ? directory : "", &changed, diag);

	if (r == 0)
		r = ih_make_placed(run->session->trust, hop, &place, &changed, diag);
	/* What a launcher starts is judged again under the tree gate; without it, this was all. */
	for (size_t i = 1; r == 0 && i < j->gathered.n_hops && !run->tree; i++) {
		changed = j->gathered.hops[i].is_expanded;
		r = ih_make_stable(&j->gathered.hops[i], directory ? directory : "", &changed,
				   diag);
		if (r == 0)
			r = ih_make_placed(run->session->trust, &j->gathered.hops[i], &place,
					   &changed, diag);
		if (r == 0 && changed)
			r = ih_fail(
				diag, -EACCES,
				"what '%s' starts is opened by a name that can be led elsewhere; "
				"--gate tree can judge it when it starts",
				hop->name);
	}
	if (r == 0)
		r = check_sources(hop, diag);
	if (r < 0 && run->audit && r != -ENOMEM) {
		run->note(diag->text);
		r = 0;
	}
	if (r < 0)
		return r == -ENOMEM ? IH_EXIT_RUN_FAILED : IH_EXIT_RUN_DENIED;
	r = launch(run, hop, env, diag);
	return r == -EACCES || r == -ENOEXEC ? IH_EXIT_RUN_DENIED : IH_EXIT_RUN_FAILED;
}

static int decide(struct ih_run *run, struct ih_judgement *j, const struct ih_environ *env,
		  struct ih_diag *diag)
{
	const struct ih_hop *first = &j->gathered.hops[0];
	struct ih_diag sentence = { "" };

	if (is_missing(first)) {
		(void)ih_fail(diag, 0, "'%s' was not found", run->argv[0]);
		return IH_EXIT_RUN_NOT_FOUND;
	}
	if (j->stops || j->reported || run->session->policy->report_allowed)
		ih_run_event(run, j, getpid(), IH_RUN_COMMAND);
	(void)ih_fail(&sentence, 0, "%s", ih_text_get(&j->sentence));
	if (j->stops && !run->audit) {
		*diag = sentence;
		return IH_EXIT_RUN_DENIED;
	}
	if (j->stops || j->reported)
		ih_run_report(run, j);
	if (first->fd < 0) {
		*diag = sentence;
		return IH_EXIT_RUN_FAILED;
	}
	return go(run, j, env, diag);
}

static void say_changes(const struct ih_run *run, const struct ih_environ *env)
{
	for (size_t i = 0; run->verbose && i < env->n_notes; i++) {
		struct ih_diag line;

		(void)ih_fail(&line, 0, "variable '%s': %s", env->notes[i].name, env->notes[i].why);
		run->note(line.text);
	}
}

int ih_run(struct ih_run *run, struct ih_diag *diag)
{
	const struct ih_gather_input in = {
		.grammars = run->session->grammars,
		.trust = run->session->trust,
		.envp = run->envp,
		.policy = run->session->policy,
		.uid = geteuid(),
	};
	struct ih_environ env = { 0 };
	struct ih_judgement j;
	int r;

	if (!run->session->policy->enforce)
		run->audit = true;
	run->is_inner = ih_tree_is_watching();
	if (run->is_inner)
		run->tree = false; /* whoever watches us judges what we start */
	r = ih_environ_build(&in, &env, diag);
	if (r < 0)
		return IH_EXIT_RUN_FAILED;
	say_changes(run, &env);
	r = judge_safely(run, &env, &j, diag);
	if (ih_trust_has_elsewhere(run->session->trust))
		r = IH_RUN_ELSEWHERE;
	else
		r = r < 0 ? IH_EXIT_RUN_FAILED : decide(run, &j, &env, diag);
	ih_judgement_done(&j);
	ih_environ_done(&env);
	return r;
}
