/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Seals and a disk: freeze what lies there, describe it, hold it against a seal. The only file that
 * knows fs-verity (Linux: Documentation/filesystems/fsverity.rst).
 */
#pragma once

#include "integrity/problems.h"
#include "integrity/seal.h"
#include "integrity/tree_walk.h"

struct ih_seal_place {
	int dirfd;	   /* directory that holds the object or tree */
	const char *name;  /* one component */
	const char *shown; /* its path in messages */
};

/**
 * ih_seal_freeze() - enable fs-verity on every regular file (SHA-256, 4 KiB blocks, no salt)
 *
 * What is frozen stays readable and can never be written again, only removed. Files that are frozen
 * already are left as they are.
 *
 * Return: 0; -EOPNOTSUPP when the file system cannot; -ETXTBSY when somebody has a file open for
 * writing; another errno.
 */
int ih_seal_freeze(const struct ih_seal_place *place, struct ih_diag *diag);

/**
 * ih_seal_writable() - see to it that this process can freeze what lies on a mount
 * @path: a mount point, or anything else
 *
 * NixOS mounts its store read-only for everybody, and freezing a file needs a mount that can be
 * written (Linux: fs/verity/enable.c). As Nix does, this process takes a mount namespace of its own
 * and makes its view of that mount writable; nobody else sees that. Where @path lies on a mount
 * that can be written, nothing is done. To be called while the process has one thread.
 *
 * Return: 0, or a negative errno.
 */
int ih_seal_writable(const char *path, struct ih_diag *diag);

/**
 * ih_seal_describe() - add an object's entries to a seal
 *
 * Return: 0; -ENODATA for a file that is not frozen or frozen with other parameters; -EOPNOTSUPP
 * for an access control list, which a seal does not bind.
 */
int ih_seal_describe(const struct ih_seal_place *place, struct ih_seal_builder *b,
		     struct ih_diag *diag);

/**
 * ih_seal_check() - hold an object against its entries, without reading any file
 * @seen: told of each node before it is judged; may be NULL
 *
 * Everything that differs is a problem: what is missing, what is there besides, types, modes,
 * owners, link targets, capabilities, digests.
 *
 * Return: 0 when everything fits; 1 when it fits, but not all files are frozen, so that their
 * content has to be read; -EBADMSG with problems; another errno, and a problem, when it could not
 * be found out.
 */
int ih_seal_check(const struct ih_seal *s, size_t object, const struct ih_seal_place *place,
		  void (*seen)(void *user, const struct statx *st), void *user,
		  struct ih_problems *problems);

/**
 * ih_seal_check_below() - the same for one entry and all that lies below it
 * @entry: number of the entry that @place is held against
 */
int ih_seal_check_below(const struct ih_seal *s, size_t entry, const struct ih_seal_place *place,
			void (*seen)(void *user, const struct statx *st), void *user,
			struct ih_problems *problems);
