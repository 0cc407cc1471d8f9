/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Landlock: execution only below the trusted trees, and no writing into them. It does not see what
 * an interpreter reads as code, nor memfds, nor what the loader maps: the gate does.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/diag.h"

#define IH_LANDLOCK_TREES_MAX 256

/**
 * ih_landlock_abi() - what this kernel's Landlock can do
 *
 * Return: 1 or more, or a negative errno: -ENOSYS (not built in), -EOPNOTSUPP (not switched on).
 */
int ih_landlock_abi(void);

struct ih_landlock_trees {
	const char *const *names; /* absolute directories, or files; a link stands for what it leads
				   * to, a tree that is not there is no error */
	size_t n;
	size_t n_programs; /* the first so many: below them files may be executed */
	bool execute_anywhere;
};

/**
 * ih_landlock_restrict() - put the process and all its children below the rules
 * @trees: what is not written, and where programs are
 * @lost: filled with what this kernel's version leaves open, one sentence; empty when nothing
 *
 * Writing, making, moving and removing stays possible everywhere but in the trees, in /proc, in
 * /sys/kernel and, for block devices and memory devices, in /dev; new names directly in a directory
 * on the way from / to a tree cannot be made, except where others than root may make them anyway
 * (/tmp): there the tree is left to its file permissions and @lost says so.
 *
 * For processes that file permissions keep out of the trees, writing is restricted in /proc, and in
 * trees that lie directly in /, only.
 *
 * See landlock(7) and Documentation/userspace-api/landlock.rst.
 *
 * Return: 0 or a negative errno with a sentence; -ENOSYS, -EOPNOTSUPP when the kernel has no
 * Landlock.
 */
int ih_landlock_restrict(const struct ih_landlock_trees *trees, struct ih_diag *lost,
			 struct ih_diag *diag);
