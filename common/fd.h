/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Descriptors: a file is opened once, and from then on it is the descriptor.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/diag.h"

/**
 * ih_open_beneath() - open a name that cannot leave a directory
 * @dirfd: the directory; @name is resolved beneath it
 * @flags: open(2) flags; O_CLOEXEC, O_NOCTTY and O_NONBLOCK are added
 *
 * No symbolic link is followed in any component, no ".." leaves @dirfd, no mount point is crossed
 * (openat2(2): RESOLVE_BENEATH, NO_SYMLINKS, NO_MAGICLINKS, NO_XDEV). Where openat2 is missing the
 * walk is done component by component with O_NOFOLLOW, to the same effect.
 *
 * Return: a descriptor, or a negative errno: -ELOOP for a symbolic link, -EXDEV for a name that
 * leaves the directory or crosses a mount.
 */
int ih_open_beneath(int dirfd, const char *name, int flags);

/**
 * ih_read_file() - read a small file whole
 * @max: bytes; a longer file is -EFBIG
 * @ret: allocated, NUL-terminated behind its last byte; the caller frees it
 *
 * Refuses everything but a regular file (-EINVAL).
 */
int ih_read_file(int dirfd, const char *path, size_t max, char **ret, size_t *ret_len,
		 struct ih_diag *diag);

/* The same from a descriptor that is open already (read from offset 0); @name is for messages. */
int ih_read_fd(int fd, const char *name, size_t max, char **ret, size_t *ret_len,
	       struct ih_diag *diag);

/* pread(2) until @len bytes, end of file or an error. Return: bytes read or a negative errno. */
ssize_t ih_pread_full(int fd, void *buffer, size_t len, uint64_t offset);

/* write(2) everything. Return: 0 or a negative errno. */
int ih_write_full(int fd, const void *buffer, size_t len);

/**
 * ih_write_file_atomic() - replace a file so that a crash leaves the old or the new content
 *
 * Writes "<name>.XXXXXX" beside it with @mode, fsync, rename, fsync of the directory.
 */
int ih_write_file_atomic(int dirfd, const char *name, mode_t mode, const void *data, size_t len,
			 struct ih_diag *diag);
