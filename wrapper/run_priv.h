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

/* What an image may do with memory, as the tree gate keeps it for each process (run_map.c). */
uint32_t ih_run_memory(const struct ih_run *run, const struct ih_judgement *j);

/* The tree gate's callback, see struct ih_tree. */
void ih_run_map(void *context, const struct ih_map *map, uint32_t *memory,
		struct ih_tree_verdict *ret);

/* The program that a process is; NULL when it cannot be told. */
const char *ih_run_asking(pid_t pid, char *buffer, size_t size);

/* An event for memory that may not become executable. @act: "map" or "memory"; @file may be NULL.
 */
void ih_run_memory_event(const struct ih_run *run, pid_t pid, const char *act, const char *file,
			 const char *sentence);

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
