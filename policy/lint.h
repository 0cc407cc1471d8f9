/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is unwise about a policy that is well-formed: rules that never decide, that allow more than
 * anybody means, that name what nobody knows. Changes nothing and opens nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "policy/grammar.h"
#include "policy/policy.h"

enum ih_lint_level {
	IH_LINT_NOTE = 0, /* good to know */
	IH_LINT_WARNING,  /* allows more than is wise */
	IH_LINT_ERROR,	  /* does not do what it says */
	IH_LINT_LEVELS,
};

enum ih_lint_kind {
	IH_LINT_SHADOWED = 0,	/* one rule before matches all that this one does */
	IH_LINT_UNREACHABLE,	/* the rules before, together, do */
	IH_LINT_NEVER,		/* its conditions contradict each other */
	IH_LINT_NO_PROVIDER,	/* no trust provider gives the class that it wants */
	IH_LINT_DUPLICATE_NAME, /* another rule has the same name */
	IH_LINT_UNKNOWN_NAME,	/* no grammar of that name */
	IH_LINT_UNTRUSTED,	/* allows code that nobody vouches for */
	IH_LINT_BROAD,		/* allows code that nobody can look at */
	IH_LINT_TREE,		/* a listed tree that others write into, or that is too large */
	IH_LINT_NOT_ENFORCED,	/* denials are reported only */
	IH_LINT_KINDS,
};

struct ih_lint_finding {
	enum ih_lint_level level;
	enum ih_lint_kind kind;
	const struct ih_rule_info *rule; /* or NULL: the policy as a whole */
	const char *sentence;		 /* lives during the call */
};

typedef void ih_lint_cb(const struct ih_lint_finding *finding, void *data);

/**
 * ih_policy_lint() - look for what is unwise
 * @known: interpreters there are, to find misspelt names; may be NULL
 * @each: called for every finding, in the order of the rules
 *
 * Return: 0 or -ENOMEM.
 */
int ih_policy_lint(const struct ih_policy *policy, const struct ih_grammars *known,
		   ih_lint_cb *each, void *data);

const char *ih_lint_kind_name(enum ih_lint_kind kind);	  /* "shadowed" */
const char *ih_lint_level_name(enum ih_lint_level level); /* "error" */
