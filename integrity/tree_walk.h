/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Walk over a tree by descriptors: nothing followed, no mount crossed, names in byte order, parents
 * before what is in them. Reads no file's data.
 */
#pragma once

#include <stddef.h>
#include <sys/stat.h>

#include "common/diag.h"

#define IH_TREE_DEPTH_MAX 256

struct ih_tree_node {
	int fd;		    /* of a file or directory, O_RDONLY; -EBADF for a link */
	const char *path;   /* below the top; "" is the top */
	const char *target; /* of a link */
	struct statx st;
};

/**
 * ih_tree_walk() - call a function for every file, directory and link
 * @dirfd: directory that holds @name, one component
 * @shown: its path in messages
 * @visit: may end the walk by returning a negative errno
 *
 * Return: 0, what @visit ended with, or the errno of what could not be walked (-EINVAL: a FIFO,
 * socket or device; -EXDEV: another file system is mounted there) with a sentence.
 */
int ih_tree_walk(int dirfd, const char *name, const char *shown,
		 int (*visit)(void *user, const struct ih_tree_node *node), void *user,
		 struct ih_diag *diag);
