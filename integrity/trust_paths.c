/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Trees that only root can write: what makes ihard useful without Nix. Weaker than a signature,
 * since it says who could have put a file there, not what is in it; the evidence says so.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/text.h"
#include "integrity/mounts.h"
#include "integrity/trust_priv.h"

struct tree {
	const char *name; /* the policy's */
	bool located;	  /* looked for when a file is first held against it */
	struct ih_place place;
};

struct paths {
	struct tree *trees;
	size_t n;
};

/* A tree that is not there (/lib32 on most machines) holds nothing and is no fault. */
static void locate(struct tree *t)
{
	t->located = true;
	ih_place_locate(t->name, &t->place);
}

static void paths_free(void *state)
{
	struct paths *p = state;

	free(p->trees);
	free(p);
}

static int paths_open(const struct ih_provider *provider, void **ret)
{
	struct paths *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->trees = calloc(provider->n_trees + 1, sizeof(*p->trees));
	if (!p->trees) {
		free(p);
		return -ENOMEM;
	}
	for (size_t i = 0; i < provider->n_trees; i++)
		p->trees[p->n++].name = provider->trees[i];
	*ret = p;
	return 0;
}

/* A profile lists some fifty trees and most files lie in the first: the others cost nothing then.
 */
static const struct tree *find_tree(struct paths *p, const struct ih_walk *w, size_t *ret_step)
{
	for (size_t i = 0; i < p->n; i++) {
		int step;

		if (!p->trees[i].located)
			locate(&p->trees[i]);
		step = ih_place_find(&p->trees[i].place, w);
		if (step < 0)
			continue;
		*ret_step = (size_t)step;
		return &p->trees[i];
	}
	return NULL;
}

/*
 * Access control lists need no look of their own: what they grant to others than the owner is
 * bounded by the group bits of the mode (acl(5), "mask"), and those must not include writing.
 */
static void check_step(const struct ih_walk *w, size_t i, struct ih_problems *problems)
{
	const struct ih_step *s = &w->steps[i];
	bool is_last = i + 1 == w->n;
	_free_ char *name = NULL;

	if (s->uid == 0 && (is_last ? !(s->mode & 0022) : ih_step_is_stable(s, &w->steps[i + 1])))
		return;
	name = ih_walk_name(w, i + 1);
	if (s->uid != 0)
		ih_problem(problems, IH_PROBLEM_METADATA,
			   "'%s' belongs to user %u, who can change it", name ? name : "", s->uid);
	else
		ih_problem(problems, IH_PROBLEM_METADATA,
			   "others than root can write '%s' (mode %04o)%s", name ? name : "",
			   s->mode & 07777, is_last ? "" : ", and so what lies in it");
}

/* Is @name another name of what @s is, in a tree and as safe there? */
static bool is_as_good(struct paths *p, const char *name, const struct ih_step *s)
{
	struct ih_problems problems = { 0 };
	struct ih_walk w;
	size_t step;
	bool is;

	is = ih_walk_path(AT_FDCWD, name, &w, NULL) == 0 && find_tree(p, &w, &step) &&
	     ih_walk_end(&w)->device == s->device && ih_walk_end(&w)->inode == s->inode;
	for (size_t i = 0; is && i < w.n; i++)
		check_step(&w, i, &problems);
	is = is && !problems.total;
	ih_problems_done(&problems);
	ih_walk_done(&w);
	return is;
}

/*
 * What is bound over a name in a tree has that name and is something else: an upload of a service
 * that runs as root, say. It counts where it lies. A whole file system counts as part of the tree.
 */
static int check_mounts(struct paths *p, const struct ih_walk *w, size_t from,
			struct ih_problems *problems)
{
	for (size_t i = from + 1; i < w->n; i++) {
		_free_ char *source = NULL, *name = NULL;
		int r = 0;

		if (w->steps[i].mount == w->steps[i - 1].mount)
			continue;
		r = ih_mount_source(w->steps[i].mount, &source);
		if (r == -ENOMEM)
			return r;
		if (r == 0 && (!source || is_as_good(p, source, &w->steps[i])))
			continue;
		name = ih_walk_name(w, i + 1);
		ih_problem(
			problems, IH_PROBLEM_METADATA,
			"'%s' is '%s' in another place, which is in no directory that the policy "
			"trusts",
			name ? name : "", source ? source : "an unknown mount");
	}
	return 0;
}

static int paths_judge(void *state, const struct ih_walk *w, struct ih_judgement *ret)
{
	size_t step;
	const struct tree *t = find_tree(state, w, &step);
	struct ih_text reason = { 0 };
	_free_ char *name = NULL;
	int r;

	if (!t)
		return 0;
	ret->mine = true;
	ret->object = strdup(t->name);
	name = ih_walk_name(w, w->n);
	if (!ret->object || !name)
		return -ENOMEM;
	for (size_t i = 0; i < w->n; i++)
		check_step(w, i, &ret->problems);
	r = check_mounts(state, w, step, &ret->problems);
	if (r < 0)
		return r;
	if (ret->problems.total) {
		ret->trust = IH_TRUST_UNTRUSTED;
		return 0;
	}
	if (ih_text_addf(&reason,
			 "only root can write '%s' and what lies above it; nobody signed it",
			 name) < 0)
		return -ENOMEM;
	ret->reason = reason.data;
	ret->trust = IH_TRUST_OWNED;
	return 0;
}

const struct ih_trust_ops ih_trust_paths = { paths_open, paths_judge, paths_free };
