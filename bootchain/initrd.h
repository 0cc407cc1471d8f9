/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Initial RAM disks: several archives made into one that the kernel unpacks as their sum, and
 * secrets put in by the generation's own program. Source: Linux init/initramfs.c,
 * unpack_to_rootfs().
 */
#pragma once

#include <stddef.h>

#include "bootchain/authenticode.h"
#include "bootchain/pe.h"
#include "bootchain/rope.h"
#include "common/diag.h"

#define IH_INITRD_MAX		  (1U << 29) /* bytes of all archives together */
#define IH_INITRD_SECRETS_SECONDS 60

/* An archive and where it came from. */
struct ih_initrd {
	const char *name;
	struct ih_bytes content;
};

/* "cpio", "gzip", "zstd", …; NULL for what the kernel would not unpack. */
const char *ih_initrd_kind(struct ih_bytes content);

/**
 * ih_initrd_join() - put an archive behind others
 * @all: the archives so far; at most IH_INITRD_MAX bytes
 * @name: of @archive, for messages
 * @archive: empty afterwards
 *
 * Each starts at a multiple of four, since the kernel looks for an uncompressed archive only there;
 * zeros between archives are skipped by it. What is no archive is refused, because the kernel would
 * silently leave out everything behind it.
 */
int ih_initrd_join(struct ih_rope *all, const char *name, struct ih_rope *archive,
		   struct ih_diag *diag);

/* The same with a file. */
int ih_initrd_join_file(struct ih_rope *all, const char *path, struct ih_diag *diag);

/**
 * ih_initrd_add_secrets() - run a generation's initrdSecrets program (RFC 125)
 * @program: absolute path, run with the path of a private, writable copy as its only argument
 * @directory: where the copy lies meanwhile, in a folder of its own; must not be world-readable
 *	storage that outlives a reboot: "/run"
 * @initrd: replaced by the result, which is in memory; unchanged on failure
 *
 * Return: 0; -ECHILD when the program failed, so that no entry may be made; -ETIMEDOUT.
 */
int ih_initrd_add_secrets(const char *program, const char *directory, struct ih_rope *initrd,
			  struct ih_diag *diag);
