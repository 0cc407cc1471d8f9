/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The tree gate's table of tasks: process or thread id → provenance. Plain data.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/abi/types.h"

struct ih_task {
	pid_t pid; /* 0: free */
	enum ih_provenance provenance;
	uint32_t memory; /* the judge's note of the image, see struct ih_tree_verdict */
	bool is_known;	 /* both were set; a task that is not known is unverified */
	bool is_waiting; /* stopped at birth until its creator's event arrives */
	bool is_vfork;	 /* runs on its creator's memory until it execs */
	int held;	 /* stop signal that is kept back until then */
	uint64_t since_ms;
};

/* Open addressing; all zero is an empty table. Pointers into it live until the next add or remove.
 */
struct ih_tasks {
	struct ih_task *slots;
	size_t size, n;
	size_t n_waiting;
};

/* The task, made if it is not there. NULL: out of memory or over IH_TREE_TASKS_MAX. */
struct ih_task *ih_tasks_add(struct ih_tasks *tasks, pid_t pid);

/* NULL when it is not there. */
struct ih_task *ih_tasks_find(const struct ih_tasks *tasks, pid_t pid);

/* Unverified when it is not there or not known. */
enum ih_provenance ih_tasks_provenance(const struct ih_tasks *tasks, pid_t pid);

void ih_tasks_remove(struct ih_tasks *tasks, pid_t pid);
void ih_tasks_done(struct ih_tasks *tasks);
