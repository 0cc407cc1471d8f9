/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An answer in words. Decides nothing.
 */
#pragma once

#include <stddef.h>

#include "common/text.h"
#include "policy/policy.h"

/* Names for what the facts only count; any may be NULL. */
struct ih_subject_names {
	const char *program;	 /* "/usr/bin/python3" */
	const char *interpreter; /* grammar's name: "python" */
	const char *source;	 /* the code source with the least class, quoted or a path */
	const char *evidence;	 /* why it has that class, one sentence */
	const char *variable;	 /* the variable that is in the way */
	const char *invocation;	 /* what made the mode: "option '-c' carries code" */
};

/**
 * ih_explain() - one sentence: why the answer is what it is
 *
 * Lower case, no full stop. A rule's own reason text is used where it has one.
 *
 * Return: 0 or -ENOMEM.
 */
int ih_explain(const struct ih_policy *policy, const struct ih_facts *facts,
	       const struct ih_answer *answer, const struct ih_subject_names *names,
	       struct ih_text *ret);

/* One sentence: what the user can do about it; "" when there is nothing to do. */
const char *ih_reason_advice(enum ih_reason reason);

/* The reason in general, without names: "code on the command line is not allowed". */
const char *ih_reason_sentence(enum ih_reason reason);

/**
 * ih_explain_rules() - every rule considered, in order, up to the one that decided
 * @each: called with the rule's place (from 0), whether it matched, and a sentence
 */
typedef void ih_explain_cb(size_t rule, bool matched, const char *sentence, void *data);
int ih_explain_rules(const struct ih_policy *policy, const struct ih_facts *facts,
		     ih_explain_cb *each, void *data);
