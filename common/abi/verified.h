/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The verified set: which files were found to be what was signed, as stage 2 leaves it for the
 * agent, which maps it. One flat file in the machine's own byte order (it lives in /run and never
 * leaves the machine):
 *
 *	header · objects[] · files[], sorted by (device, inode) · names, each ending in NUL
 *
 * An entry holds for as long as the file has that change time: whoever changes content, mode or
 * owner changes it, root included. A file that is not in the set was not verified.
 */
#pragma once

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define IH_VERIFIED_MAGIC   0x7465535669684949ULL /* "IIhiVSet" read as a little-endian number */
#define IH_VERIFIED_VERSION 1

struct ih_verified_header {
	__u64 magic;
	__u32 version;	   /* IH_VERIFIED_VERSION */
	__u32 header_size; /* bytes of this struct as the writer knows it; new members go at the end
			    */
	__u32 object_size; /* bytes of one struct ih_verified_object; of one … */
	__u32 file_size;   /* … struct ih_verified_file */
	__u64 n_objects, n_files;
	__u64 objects_at, files_at, names_at; /* offsets from the start of the file */
	__u64 names_size;
	__u64 time_s;	   /* when the verification ended, seconds since 1970 */
	__u8 closure[32];  /* the digest of the closure that was measured: see ihard-stage2(8) */
	__u64 generation;  /* of the seal that was used; 0 when none was */
	__u32 sigs_needed; /* distinct keys that each object was signed by, at least */
	__u32 flags;	   /* IH_VERIFIED_… */
};

#define IH_VERIFIED_COMPLETE (1u << 0) /* every object of the closure is in it */
#define IH_VERIFIED_SEALED   (1u << 1) /* found by a seal, not by reading all bytes */

struct ih_verified_object {
	__u64 inode;
	__s64 ctime_ns;
	__u32 device;  /* major << 20 | minor, as the kernel has it inside */
	__u32 trust;   /* enum ih_trust_class */
	__u64 name_at; /* of its base name, from the start of the names */
	__u8 nar_hash[32];
};

struct ih_verified_file {
	__u64 inode;
	__s64 ctime_ns;
	__u32 device;
	__u32 object; /* number of an object that it belongs to; with hard links, of one of them */
	__u32 mode;
	__u32 flags; /* 0 */
};

_Static_assert(sizeof(struct ih_verified_header) == 128, "the verified set is wire format");
_Static_assert(sizeof(struct ih_verified_object) == 64, "the verified set is wire format");
_Static_assert(sizeof(struct ih_verified_file) == 32, "the verified set is wire format");
