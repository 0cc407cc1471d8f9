/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kernel constants that the oldest headers we build with (Linux 6.1) do not have. Values from the
 * kernel's include/uapi; nothing here calls anything.
 */
#pragma once

/* include/uapi/linux/fcntl.h, Linux 6.14 */
#define IH_AT_EXECVE_CHECK 0x10000

/* include/uapi/linux/securebits.h, Linux 6.14: set and locked without any capability */
#define IH_SECBIT_EXEC_RESTRICT_FILE	       (1U << 8)
#define IH_SECBIT_EXEC_RESTRICT_FILE_LOCKED    (1U << 9)
#define IH_SECBIT_EXEC_DENY_INTERACTIVE	       (1U << 10)
#define IH_SECBIT_EXEC_DENY_INTERACTIVE_LOCKED (1U << 11)

/* include/uapi/linux/prctl.h: MDWE is Linux 6.3 */
#define IH_PR_SET_MDWE		 65
#define IH_PR_GET_MDWE		 66
#define IH_MDWE_REFUSE_EXEC_GAIN (1UL << 0)

/* include/uapi/linux/landlock.h: what came after ABI 2 */
#define IH_LANDLOCK_FS_TRUNCATE	 (1ULL << 14) /* ABI 3, Linux 6.2 */
#define IH_LANDLOCK_FS_IOCTL_DEV (1ULL << 15) /* ABI 5, Linux 6.10 */

/* include/uapi/linux/memfd.h, Linux 6.3 */
#define IH_MFD_NOEXEC_SEAL 0x0008U

/* include/uapi/linux/sched.h */
#define IH_CLONE_UNTRACED 0x00800000UL

/* include/uapi/linux/shm.h */
#define IH_SHM_EXEC 0100000

/* include/uapi/asm-generic/mman-common.h, Linux 5.14 */
#define IH_MADV_POPULATE_WRITE 23
