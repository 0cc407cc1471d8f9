/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Trees that only root can write: what makes ihard useful without Nix. Weaker than a signature,
 * since it says who could have put a file there, not what is in it; the evidence says so.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/text.h"
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
static const struct tree *find_tree(struct paths *p, const struct ih_walk *w)
{
	for (size_t i = 0; i < p->n; i++) {
		if (!p->trees[i].located)
			locate(&p->trees[i]);
		if (ih_place_find(&p->trees[i].place, w) >= 0)
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

static int paths_judge(void *state, const struct ih_walk *w, struct ih_judgement *ret)
{
	const struct tree *t = find_tree(state, w);
	struct ih_text reason = { 0 };
	_free_ char *name = NULL;

	if (!t)
		return 0;
	ret->mine = true;
	ret->object = strdup(t->name);
	name = ih_walk_name(w, w->n);
	if (!ret->object || !name)
		return -ENOMEM;
	for (size_t i = 0; i < w->n; i++)
		check_step(w, i, &ret->problems);
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
