/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a Nix archive does not record and Nix would not have left in a store: it makes everything
 * root's, 0444 or 0555, without extended attributes (Nix: canonicalisePathMetaData()). Whoever can
 * write the disk can add a set-user-id bit to a signed file, and its hash stays the same.
 */
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include "integrity/problems.h"

/**
 * ih_metadata_check() - name everything that is not canonical about one file
 * @fd: of the file; negative for what was not opened (links and special files), whose attributes
 *	are then not asked for: the kernel gives a link's capabilities no meaning
 * @path: for the sentences
 * @owner: to whom the store belongs
 * @st: with STATX_BASIC_STATS
 *
 * The group is not looked at: it may read what everybody may read. Nor are times, which Nix sets to
 * 1 but nothing depends on.
 */
void ih_metadata_check(int fd, const char *path, uid_t owner, const struct statx *st,
		       struct ih_problems *problems);
