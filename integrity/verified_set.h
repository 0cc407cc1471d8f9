/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The verified set as a file: stage 2 writes it, the agent reads it (common/abi/verified.h has the
 * format). Says which inodes were verified and as of when; whoever uses it compares change times.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "common/abi/types.h"
#include "common/abi/verified.h"
#include "common/cleanup.h"
#include "common/diag.h"
#include "integrity/verify.h"

#define IH_VERIFIED_SIZE_MAX (1024 * 1024 * 1024) /* bytes of a file */

/**
 * ih_verified_set_write() - write what a verification found good
 * @v: with want_files; objects that are not good are left out, and then the set is not COMPLETE
 * @template: sigs_needed, generation, closure and flags are taken from it
 *
 * Replaces the file atomically, mode 0400.
 */
int ih_verified_set_write(int dirfd, const char *name, const struct ih_verify *v,
			  const struct ih_verified_header *template, struct ih_diag *diag);

struct ih_verified_set; /* read and checked */

/**
 * ih_verified_set_read() - read a verified set
 * @path: refused (-EPERM) unless it is a regular file that belongs to root or to us and that nobody
 *	else can write
 *
 * Everything in it is held against its bounds first, so that what is handed out afterwards can be
 * used without care.
 *
 * Return: 0, -EBADMSG for what is no set, -EPROTO for a version that is not ours.
 */
int ih_verified_set_read(const char *path, struct ih_verified_set **ret, struct ih_diag *diag);
/* The same from memory, which is copied. */
int ih_verified_set_parse(const void *data, size_t len, struct ih_verified_set **ret,
			  struct ih_diag *diag);
void ih_verified_set_free(struct ih_verified_set *s);

const struct ih_verified_header *ih_verified_set_header(const struct ih_verified_set *s);
const struct ih_verified_object *ih_verified_set_object(const struct ih_verified_set *s, size_t i);
const char *ih_verified_set_object_name(const struct ih_verified_set *s, size_t i);

/* The i-th file of n_files, in order of (device, inode). */
const struct ih_verified_file *ih_verified_set_file(const struct ih_verified_set *s, size_t i);

/* The file of that inode (device: major << 20 | minor), or NULL. */
const struct ih_verified_file *ih_verified_set_find(const struct ih_verified_set *s,
						    uint32_t device, uint64_t inode);

/* True when the file that @st speaks of (STATX_BASIC_STATS) is in the set and did not change. */
bool ih_verified_set_holds(const struct ih_verified_set *s, const struct statx *st);

IH_DEFINE_CLEANUP(struct ih_verified_set *, ih_cleanup_verified_set, ih_verified_set_free)
