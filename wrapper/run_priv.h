/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What run.c (the outermost command), run_tree.c (what it starts) and report.c (what is told about
 * them) share.
 */
#pragma once

#include "wrapper/judge.h"
#include "wrapper/run.h"
#include "wrapper/tree.h"

/* Fill the tree gate's callbacks; @run must outlive the supervisor, which is a copy of the process.
 */
void ih_run_tree(struct ih_run *run, struct ih_tree *tree);

/* Does python look for modules in the working directory here? Then PYTHONSAFEPATH=1 can help. */
bool ih_run_wants_safe_path(const struct ih_gathered *g);

/* When a judgement is made. */
enum ih_run_stage {
	IH_RUN_COMMAND, /* the outermost command, before it is started */
	IH_RUN_ATTEMPT, /* an execve below that has not begun */
	IH_RUN_IMAGE,	/* … that is complete */
};

/* An event for a judgement. @pid: whose exec it is. */
void ih_run_event(const struct ih_run *run, const struct ih_judgement *j, pid_t pid,
		  enum ih_run_stage stage);

/* Say what would have been denied, and the rule that would allow it. */
void ih_run_report(const struct ih_run *run, const struct ih_judgement *j);
