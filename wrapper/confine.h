/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Confinement of the process that is about to exec: a fixed order of steps, each of which cannot be
 * taken back. Knows no policy and no files; says what was done and what was lost.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/diag.h"

enum ih_step {
	IH_STEP_NO_NEW_PRIVS = 0, /* set-id programs give nothing; the ground for what follows */
	IH_STEP_CORE,		  /* no core file: RLIMIT_CORE 0 */
	IH_STEP_CAPABILITIES,	  /* see wrapper/caps.h */
	IH_STEP_SECUREBITS,	  /* tell interpreters that cooperate to check what they run */
	IH_STEP_LANDLOCK,	  /* see wrapper/landlock.h */
	IH_STEP_MDWE,		  /* memory is writable or executable, never both, nor in turn */
	IH_STEP_SECCOMP, /* see wrapper/filter.h; last, because it forbids what others use */
	IH_STEP_MAX_,
};

#define IH_STEPS_ALL ((1U << IH_STEP_MAX_) - 1)

struct ih_confine {
	unsigned int steps;	/* bits 1 << IH_STEP_…: which steps to take */
	unsigned int mandatory; /* where the kernel lacks one of these: fail instead of going on */
	bool deny_interactive;	/* SECBIT_EXEC_DENY_INTERACTIVE beside RESTRICT_FILE */
	bool trace_exec;	/* the filter stops execve for a tracer */
	const char *const *trees; /* where execution is allowed: absolute directories */
	size_t n_trees;
};

struct ih_confine_report {
	unsigned int done; /* bits of the steps taken in full */
	struct ih_diag
		lost[IH_STEP_MAX_]; /* one sentence for each step not taken, or not in full */
};

/**
 * ih_confine() - take the steps, in the order of the enum
 * @ret: what was done; filled also on failure
 *
 * A step that this kernel does not have (ENOSYS, EOPNOTSUPP, EINVAL for a prctl(2) option) leaves
 * its sentence in @ret and the next is taken, unless it is mandatory. A step that the kernel has
 * and that fails, for whatever reason, fails the whole: the caller must not exec then.
 * IH_STEP_NO_NEW_PRIVS is always taken and always mandatory.
 *
 * Return: 0, or a negative errno with a sentence.
 */
int ih_confine(const struct ih_confine *c, struct ih_confine_report *ret, struct ih_diag *diag);

/* "landlock"; NULL when @step is none. */
const char *ih_step_name(enum ih_step step);

/* The bit of a step's name, or 0. */
unsigned int ih_step_bit(const char *name);
