/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Confinement of the process that is about to exec: a fixed order of steps, each of which cannot be
 * taken back. Knows no policy and no files; says what was done and what was lost.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/diag.h"
#include "policy/policy.h"

struct ih_confine {
	enum ih_demand demand[IH_STEP_MAX_]; /* all zero: every step is required */
	bool deny_interactive;		     /* SECBIT_EXEC_DENY_INTERACTIVE beside RESTRICT_FILE */
	bool trace_exec;		     /* the filter stops execve for a tracer */
	bool execute_anywhere;		     /* the rules may allow programs outside the trees */
	const char *const *trees;	     /* what may not be written: absolute directories */
	size_t n_trees;
	size_t n_code_trees; /* so many at the end: where nothing is executed, too */
};

struct ih_confine_report {
	unsigned int done; /* bits 1 << IH_STEP_… of the steps taken */
	struct ih_diag
		lost[IH_STEP_MAX_]; /* one sentence for each step not taken, or not in full */
};

/**
 * ih_confine() - take the steps: no_new_privs (the ground for the rest), core files, capabilities,
 * securebits, Landlock, write xor execute, and seccomp last, because it forbids what others use
 * @ret: what was done; filled also on failure
 *
 * A step that this kernel does not have (ENOSYS, EOPNOTSUPP, EINVAL for a prctl(2) option) leaves
 * its sentence in @ret and the next is taken, unless it is required. A step that the kernel has and
 * that fails, for whatever reason, fails the whole: the caller must not exec then.
 * IH_STEP_NO_NEW_PRIVILEGES is always taken and always required. IH_STEP_TREE is not taken here:
 * see wrapper/tree.h, which must come before.
 *
 * Return: 0, or a negative errno with a sentence.
 */
int ih_confine(const struct ih_confine *c, struct ih_confine_report *ret, struct ih_diag *diag);

/* "landlock"; NULL when @step is none that is taken here. */
const char *ih_confine_name(enum ih_step step);
