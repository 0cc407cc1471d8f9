/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The tree gate: a supervisor that is told of every exec below a process, after the new image is
 * complete and before it runs one instruction, and of all memory that is to be executable. Knows
 * processes, not files: what may run is the judge's matter. docs/decisions/0003-tree-gate.md says
 * why it is made so.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/abi/types.h"
#include "common/diag.h"
#include "wrapper/attempt.h"
#include "wrapper/image.h"
#include "wrapper/map.h"

#define IH_TREE_TASKS_MAX (1U << 22) /* as many as Linux has process ids */

struct ih_tree_verdict {
	bool allow;
	enum ih_provenance provenance; /* of the new image, when allowed */
	uint32_t memory;	 /* the judge's own note of the image; its forks have it, too */
	struct ih_diag sentence; /* for standard error, allowed or not; empty: none */
};

struct ih_tree {
	/**
	 * judge() - may this image run?
	 * @from: the provenance of the process that called execve
	 * @ret: all zero before; what is not allowed here is killed
	 *
	 * Called in the supervisor.
	 */
	void (*judge)(void *context, const struct ih_image *image, enum ih_provenance from,
		      struct ih_tree_verdict *ret);

	/**
	 * forebode() - would what is asked for be refused?
	 *
	 * May be NULL. Called with what the caller's memory says, so that a refusal can be an errno
	 * of execve (EACCES) to whoever asked, instead of a killed process. What it lets pass is
	 * judged again. Only with ih_confine.trace_exec.
	 */
	void (*forebode)(void *context, const struct ih_attempt *attempt, enum ih_provenance from,
			 struct ih_tree_verdict *ret);

	/**
	 * map() - may this become executable memory?
	 * @memory: the judge's note of the process's image; what is changed in it stays
	 * @ret: all zero before; what is not allowed here is EACCES to the caller
	 *
	 * May be NULL: then everything may. Called for each mmap(2) and mprotect(2) that asks for
	 * PROT_EXEC, before it is done. Only with ih_confine.trace_exec.
	 */
	void (*map)(void *context, const struct ih_map *map, uint32_t *memory,
		    struct ih_tree_verdict *ret);

	/* Called once in the supervisor, before anything else: it has no standard streams and no
	 * inherited descriptors but @keep. Return: 0, or a negative errno with a sentence: then
	 * nothing runs. */
	int (*begin)(void *context, struct ih_diag *diag);
	void *context;
	enum ih_provenance first; /* of the calling process */
	int keep;		  /* a descriptor the supervisor needs, or -1 */
};

/**
 * ih_tree_enter() - put the calling process and all that it will start under a supervisor
 *
 * The supervisor is another process, which nobody waits for; the caller stays what it is: its
 * process id, its parent, its group, its terminal, its exit status. Signals and stops reach the
 * tree as if nobody watched. If the supervisor dies, the kernel kills the whole tree
 * (PTRACE_O_EXITKILL). It leaves when the last process of the tree has left.
 *
 * The caller must have no other threads. It must next take ih_confine()'s steps with
 * seccomp, which keep the tree from ptrace and from children that are not traced.
 *
 * Return: 0 in the caller, or a negative errno with a sentence: -EPERM when the system forbids
 * tracing (already traced, Yama, an outer filter).
 */
int ih_tree_enter(const struct ih_tree *tree, struct ih_diag *diag);

/**
 * ih_tree_is_watching() - is this process below a tree gate already?
 *
 * By the name of the process that traces us. Whoever can trace us under a false name needs no other
 * way to do with us as they like.
 */
bool ih_tree_is_watching(void);
