/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Judging what a command starts; runs in the supervisor. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "wrapper/environ.h"
#include "wrapper/look.h"
#include "wrapper/patch.h"
#include "wrapper/run_priv.h"
#include "wrapper/stable.h"

/* The supervisor's descriptors were closed with the caller's: it opens its own providers. */
static int begin(void *context, struct ih_diag *diag)
{
	struct ih_run *run = context;
	const struct ih_policy *policy = run->session->policy;

	run->session->trust = NULL;
	return ih_trust_open(policy->providers, policy->n_providers, &run->session->trust, diag);
}

/*
 * The judge, and again with an environment without what it minded, where the policy lets that be
 * taken out. @ret_env is filled when the verdict is about that environment.
 */
static int judge_repaired(struct ih_run *run, const struct ih_image *image,
			  const struct ih_attempt *attempt, enum ih_provenance from,
			  struct ih_environ *ret_env, struct ih_judgement *ret,
			  struct ih_diag *diag)
{
	const struct ih_gather_input in = {
		.grammars = run->session->grammars,
		.trust = run->session->trust,
		.envp = image->envp,
		.policy = run->session->policy,
		.uid = geteuid(),
	};
	struct ih_image repaired = *image;
	struct ih_judgement again;
	int r = ih_look_judge(run->session, image, attempt, from, ret, diag);

	if (r < 0 || !ret->stops || run->audit || ret->gathered.hops[0].fd < 0)
		return r;
	r = ih_environ_build(&in, ret_env, diag);
	if (r == 0 && ih_run_wants_safe_path(&ret->gathered))
		r = ih_environ_set(ret_env, "PYTHONSAFEPATH=1");
	if (r < 0)
		return 0; /* it stays refused */
	repaired.envp = ret_env->envp;
	r = ih_look_judge(run->session, &repaired, attempt, from, &again, diag);
	if (r == 0 && !again.stops) {
		struct ih_judgement swap = *ret;

		*ret = again;
		again = swap;
	} else {
		ih_environ_done(ret_env);
	}
	ih_judgement_done(&again);
	return 0;
}

/* A vector that points to what the image has already, where the strings are the same. */
static char **share(char *const *wanted, char *const *there)
{
	size_t n = 0;
	char **shared;

	while (wanted[n])
		n++;
	shared = calloc(n + 1, sizeof(*shared));
	for (size_t i = 0; shared && i < n; i++) {
		shared[i] = wanted[i];
		for (size_t k = 0; there[k]; k++)
			if (strcmp(wanted[i], there[k]) == 0) {
				shared[i] = there[k];
				break;
			}
	}
	return shared;
}

/* Allowed: with canonical names and a repaired environment, where they differ from what was asked.
 */
static int settle(const struct ih_run *run, const struct ih_image *image, struct ih_hop *hop,
		  const struct ih_environ *env, struct ih_diag *diag)
{
	struct ih_place place = { .envp = env->envp ? env->envp : image->envp };
	_close_ int there = -EBADF;
	_free_ char **argv = NULL, **envp = NULL;
	bool changed = hop->is_expanded;
	char directory[PATH_MAX];
	int r;

	ih_look_directory(image->pid, NULL, directory);
	r = ih_make_stable(hop, directory, &changed, diag);
	if (r == 0 && hop->grammar && ih_grammar_is_relocatable(hop->grammar)) {
		there = openat(image->proc, "cwd", O_PATH | O_DIRECTORY | O_CLOEXEC);
		place.dirfd = there;
		r = ih_make_placed(run->session->trust, hop, &place, &changed, diag);
	}
	if (r < 0 || (!changed && !env->envp))
		return r;
	argv = share(hop->argv, image->argv);
	envp = share(env->envp ? env->envp : image->envp, image->envp);
	if (!argv || !envp)
		return ih_fail(diag, -ENOMEM, "out of memory");
	return ih_image_patch(image, argv, envp, diag);
}

static void on_image(void *context, const struct ih_image *image, enum ih_provenance from,
		     struct ih_tree_verdict *ret)
{
	struct ih_run *run = context;
	const bool is_outermost = !run->has_begun;
	struct ih_environ env = { 0 };
	struct ih_judgement j;

	run->has_begun = true;
	if (judge_repaired(run, image, NULL, from, &env, &j, &ret->sentence) < 0) {
		ret->allow = run->audit;
		return;
	}
	ret->provenance = ih_look_provenance(&j, from);
	ret->memory = ih_run_memory(run, &j);
	/* The outermost command was reported before it was started. */
	if (!is_outermost && (j.stops || j.reported || run->session->policy->report_allowed))
		ih_run_event(run, &j, image->pid, IH_RUN_IMAGE);
	if (j.stops && run->audit && is_outermost) {
		ret->allow = true;
	} else if (j.stops) {
		(void)ih_fail(&ret->sentence, 0, "%s%s", run->audit ? "would be denied: " : "",
			      ih_text_get(&j.sentence));
		ret->allow = run->audit;
	} else if (settle(run, image, &j.gathered.hops[0], &env, &ret->sentence) < 0) {
		ret->allow = run->audit;
	} else {
		ret->sentence.text[0] = '\0';
		ret->allow = true;
	}
	ih_judgement_done(&j);
	ih_environ_done(&env);
}

/* Whether it would be refused; says nothing where the kernel itself will say that it is not there.
 */
static void on_attempt(void *context, const struct ih_attempt *attempt, enum ih_provenance from,
		       struct ih_tree_verdict *ret)
{
	struct ih_run *run = context;
	struct ih_environ env = { 0 };
	struct ih_judgement j;
	struct ih_diag diag;

	if (!run->has_begun)
		return; /* the outermost command was judged before it was started */
	if (judge_repaired(run, &attempt->image, attempt, from, &env, &j, &diag) < 0)
		return;
	if (j.stops && j.gathered.hops[0].fd >= 0) {
		ret->allow = false;
		(void)ih_fail(&ret->sentence, 0, "%s", ih_text_get(&j.sentence));
		/* A shell tries /usr/bin/x, then /bin/x: the same thing twice. */
		if (run->last_pid == attempt->image.pid &&
		    strcmp(run->last.text, ret->sentence.text) == 0)
			ret->sentence.text[0] = '\0';
		else
			ih_run_event(run, &j, attempt->image.pid, IH_RUN_ATTEMPT);
		if (ret->sentence.text[0])
			run->last = ret->sentence;
		run->last_pid = attempt->image.pid;
	}
	ih_judgement_done(&j);
	ih_environ_done(&env);
}

void ih_run_tree(struct ih_run *run, struct ih_tree *tree)
{
	*tree = (struct ih_tree){
		.judge = on_image,
		.forebode = run->audit ? NULL : on_attempt,
		.map = ih_run_map,
		.begin = begin,
		.context = run,
		.first = IH_PROVENANCE_INTERACTIVE,
		.keep = run->events->fd,
	};
}
