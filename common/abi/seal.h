/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A seal: what lies where, by fs-verity digest, signed. fs-verity binds a file's content but not
 * its place: the seal is the missing half. One flat file, little-endian:
 *
 *	header · objects[], sorted by name · entries[], object by object, in order of paths ·
 *	by_digest[], numbers of entries sorted by digest · strings · signatures
 *
 * All offsets count from the start. What is signed is everything before the signatures, which are
 * lines "name:base64" (ed25519, as Nix writes keys and signatures). The magic separates it from
 * everything else that such keys sign.
 *
 * Paths are sorted as a walk meets them: byte by byte, where the end of a path comes first, then
 * '/', then everything else.
 */
#pragma once

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define IH_SEAL_MAGIC	"ihard-seal-v1\n\0" /* 16 bytes with the terminating NUL */
#define IH_SEAL_VERSION 1

enum ih_seal_type {
	IH_SEAL_NONE = 0,
	IH_SEAL_FILE,
	IH_SEAL_DIRECTORY,
	IH_SEAL_LINK,
};

struct ih_seal_header {
	__u8 magic[16];
	__u32 version;
	__u32 header_size, object_size, entry_size;
	__u64 n_objects, n_entries;
	__u64 objects_at, entries_at, by_digest_at, strings_at, strings_size;
	__u64 signatures_at; /* what is signed ends here */
	__u64 generation;    /* a reader refuses what is below its floor */
	__u64 time_s;
	__u32 root_object; /* the object whose closure this is, or the tree */
	__u32 flags;	   /* 0 */
	__u8 merkle[32];   /* over the objects, see ih_seal_object.merkle */
	__u8 closure[32];  /* as ihard-stage2(8) measures it; zero for a tree */
};

#define IH_SEAL_OBJECT_FULL \
	(1u << 0) /* not protected by fs-verity: read it all, hold it to nar_hash */

struct ih_seal_object {
	__u64 name_at;	/* "<hash>-<name>" of a store object; the absolute path of a tree */
	__u64 nar_size; /* 0 when there is no nar_hash */
	__u32 first_entry, n_entries;
	__u32 flags; /* IH_SEAL_OBJECT_… */
	__u32 reserved;
	__u8 nar_hash[32];
	/*
	 * Root of a Merkle tree (RFC 6962, 2.1, SHA-256) whose leaves are, for an object, its
	 * entries as ih_seal_leaf() writes them; for the seal, "<name>\0" + nar_hash + this root.
	 */
	__u8 merkle[32];
};

struct ih_seal_entry {
	__u64 path_at;	 /* below the object; "" is the object itself */
	__u64 target_at; /* of a link; of a file its capabilities in base 16; or "" */
	__u64 size;	 /* of a file */
	__u32 object;
	__u32 mode; /* as stat(2) has it */
	__u32 uid, gid;
	__u32 type; /* enum ih_seal_type */
	__u32 reserved;
	__u8 digest[32]; /* of a file: fs-verity, SHA-256, 4 KiB blocks, no salt */
};

_Static_assert(sizeof(struct ih_seal_header) == 184, "seals are wire format");
_Static_assert(sizeof(struct ih_seal_object) == 96, "seals are wire format");
_Static_assert(sizeof(struct ih_seal_entry) == 80, "seals are wire format");
