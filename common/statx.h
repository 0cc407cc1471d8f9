/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * statx(2) where the C library has no wrapper for it, as musl before 1.2.5. The layout is the
 * kernel's (include/uapi/linux/stat.h), whose header cannot be used beside musl's.
 */
#pragma once

#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef STATX_BASIC_STATS

#define STATX_BASIC_STATS 0x7ffU
#define STATX_MNT_ID	  0x1000U /* Linux 5.8 */

struct statx_timestamp {
	int64_t tv_sec;
	uint32_t tv_nsec;
	int32_t pad;
};

struct statx {
	uint32_t stx_mask, stx_blksize;
	uint64_t stx_attributes;
	uint32_t stx_nlink, stx_uid, stx_gid;
	uint16_t stx_mode, pad1;
	uint64_t stx_ino, stx_size, stx_blocks, stx_attributes_mask;
	struct statx_timestamp stx_atime, stx_btime, stx_ctime, stx_mtime;
	uint32_t stx_rdev_major, stx_rdev_minor, stx_dev_major, stx_dev_minor;
	uint64_t stx_mnt_id;
	uint64_t pad2[13];
};
_Static_assert(sizeof(struct statx) == 256, "statx is the kernel's");

static inline int statx(int dirfd, const char *path, int flags, unsigned int mask,
			struct statx *ret)
{
	return (int)syscall(SYS_statx, dirfd, path, flags, mask, ret);
}

#endif
