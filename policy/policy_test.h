/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tables of expected answers that users keep beside a policy: `ihard policy test`. A case is a
 * command with files whose classes are assumed, a command with files as they are (somebody else
 * looks), or bare facts. The format is in ihard-policy(5).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/abi/decide.h"
#include "common/diag.h"
#include "policy/grammar.h"
#include "policy/policy.h"

#define IH_CASES_MAX	  10000
#define IH_CASE_WORDS_MAX 4096 /* arguments, variables or files of one case */

struct ih_case_file {
	const char *path; /* a file, or a directory and all in it */
	enum ih_trust_class trust;
};

struct ih_policy_case {
	const char *name;
	unsigned int line;

	/* A command; argc 0: the case gives facts. */
	char **argv;
	size_t argc;
	char **envp;		/* "NAME=value", NULL-terminated */
	const char *directory;	/* or NULL */
	const char *stdin_kind; /* "pipe", "file", "tty", "null"; NULL: not said */
	struct ih_case_file *files;
	size_t n_files; /* 0: look at the files as they are */

	/* Facts; of a command: the subject and flags that are added. */
	struct ih_facts facts;

	/* What is expected; "" or NULL: not said */
	const char *verdict; /* allow, deny, audit, report: denied, and runs all the same */
	const char *reason, *rule;
};

/**
 * ih_case_judge - answers a case whose files have to be looked at
 * Return: 0 with *@ret filled, or a negative errno with a sentence.
 */
typedef int ih_case_judge(const struct ih_policy_case *c, struct ih_answer *ret,
			  struct ih_diag *diag, void *data);

/* @problem: NULL when the answer is what was expected. */
typedef void ih_case_report(const struct ih_policy_case *c, const struct ih_answer *answer,
			    const char *problem, void *data);

struct ih_policy_test {
	const struct ih_policy *policy;
	const struct ih_grammars *grammars;
	ih_case_judge *judge; /* may be NULL: such cases fail */
	ih_case_report *report;
	void *data; /* for both */
};

/**
 * ih_policy_test() - run a table of cases
 * @name: for messages
 * @ret_failed: how many answers are not what was expected
 *
 * Return: 0, -EBADMSG for a bad table, -ENOMEM.
 */
int ih_policy_test(const struct ih_policy_test *test, const char *name, const char *text,
		   size_t len, size_t *ret_failed, struct ih_diag *diag);

/**
 * ih_case_assume() - judge a command whose files have the classes that the case gives
 *
 * A file that is not listed, in a directory that is not listed, is untrusted; a variable's file
 * that is optional and not listed is not there. Launchers are followed; '#!' lines cannot be.
 */
int ih_case_assume(const struct ih_policy_test *test, const struct ih_policy_case *c,
		   struct ih_answer *ret);
