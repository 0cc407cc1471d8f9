/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Listing a directory, so that an error on the way is never taken for its end: a folder of which
 *the disk could not read all must not look like a shorter folder.
 *
 *	_closedir_ DIR *d = NULL;
 *
 *	r = ih_dir_openat(at, path, O_NOFOLLOW, &d);
 *	while (r == 0 && (e = ih_dir_next(d, &r)) != NULL)
 *		r = take(…, e->d_name);
 */
#pragma once

#include <dirent.h>

#include "common/cleanup.h"

/**
 * ih_dir_open() - list a directory by its descriptor
 * @fd: of the directory, at its beginning, taken over whatever comes of it; or the negative errno
 *	that opening it gave
 *
 * Return: 0, and the caller closes @ret (_closedir_); or a negative errno.
 */
int ih_dir_open(int fd, DIR **ret);

/* The same by name; @flags: O_NOFOLLOW or 0. */
int ih_dir_openat(int at, const char *path, int flags, DIR **ret);

/**
 * ih_dir_next() - the next name but "." and "..", in no order
 * @error: set when reading failed, to a negative errno; left alone otherwise
 *
 * Return: valid until the next call; NULL at the end, or when reading failed.
 */
const struct dirent *ih_dir_next(DIR *d, int *error);

static inline void ih_cleanup_closedir(DIR *const *d)
{
	int saved = errno;

	if (*d)
		(void)closedir(*d);
	errno = saved;
}

#define _closedir_ _cleanup_(ih_cleanup_closedir)
