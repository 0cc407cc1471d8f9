/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a name to a file, one component at a time, by descriptors: the kernel never resolves more
 * than one name for us, so that what was looked at on the way is what was gone through.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/diag.h"

#define IH_WALK_LINKS_MAX 40 /* as the kernel's MAXSYMLINKS */
#define IH_WALK_DEPTH_MAX                                                      \
	256 /* directories in each other; the kernel has no limit but PATH_MAX \
	     */

/* One component of the canonical path; steps[0] is "/". */
struct ih_step {
	int fd; /* O_PATH */
	char *name;
	uint64_t device, inode, mount;
	uid_t uid;
	mode_t mode;
	nlink_t links;
	int64_t ctime_ns;
};

struct ih_walk {
	size_t n;
	unsigned int n_links;
	char *unstable; /* who could make the name lead elsewhere, one sentence; NULL: only root */
	struct ih_step steps[IH_WALK_DEPTH_MAX]; /* n are filled; the rest is not even touched */
};

/**
 * ih_walk_path() - walk to a name's end, links followed
 * @dirfd: where a relative @path starts, AT_FDCWD for the working directory; its own place is
 *	found by its name in /proc and compared, as it may have been moved or mounted over
 * @ret: given to ih_walk_done() in any case
 *
 * "/proc/<pid>/fd/<n>" and its kind lead to what they stand for, as long as that has a name.
 *
 * Return: 0, or the negative errno of opening; -ESTALE when a descriptor's name does not lead to
 *it, -ELOOP, -ENAMETOOLONG.
 */
int ih_walk_path(int dirfd, const char *path, struct ih_walk *ret, struct ih_diag *diag);

/* The same for a descriptor. -ESTALE for what has no name: deleted, memfd, pipe, socket. */
int ih_walk_fd(int fd, struct ih_walk *ret, struct ih_diag *diag);

/* The last step; there is always one after success. */
const struct ih_step *ih_walk_end(const struct ih_walk *w);

/* The canonical path of the first @n steps, allocated; NULL without memory. */
char *ih_walk_name(const struct ih_walk *w, size_t n);

/**
 * ih_walk_open() - open the end for reading
 * Return: a descriptor (O_PATH where reading is not allowed), -ESTALE when it was replaced
 * meanwhile.
 */
int ih_walk_open(const struct ih_walk *w);

/* True when nobody but root can put something else in the place of @child in @parent. */
bool ih_step_is_stable(const struct ih_step *parent, const struct ih_step *child);

void ih_walk_done(struct ih_walk *w);
