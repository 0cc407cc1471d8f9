/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The boot partitions as directories: where they are, and the entries that lie in them. Reads only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "bootchain/entry.h"
#include "bootchain/next.h"

#define IH_TYPE1_DIR	   "loader/entries"
#define IH_TYPE2_DIR	   "EFI/Linux"
#define IH_LOADER_CONF_MAX (64U << 10)

struct ih_boot_dir {
	enum ih_partition partition;
	int fd;
	char *path;
};

/* The ESP first, as the loader reads them. */
struct ih_boot_dirs {
	struct ih_boot_dir dirs[2];
	size_t n;
};

/**
 * ih_boot_dirs_open() - find the boot partitions
 * @esp: mount point; NULL: the first of /efi, /boot, /boot/efi that is mounted and holds "EFI"
 * @xbootldr: NULL: /boot, when it is mounted, holds "loader" and is another file system than the
 * ESP
 *
 * A partition that is mounted twice is taken once: else a file would be renamed in one and found
 * missing in the other.
 *
 * Return: 0, or -ENOENT with a sentence that says where was looked.
 */
int ih_boot_dirs_open(const char *esp, const char *xbootldr, struct ih_boot_dirs *ret,
		      struct ih_diag *diag);
void ih_boot_dirs_done(struct ih_boot_dirs *dirs);

/**
 * ih_boot_dirs_read() - what the loader would find
 * @ret: entries in the order in which the loader meets them, those it would leave out included
 * @conf: loader.conf of the ESP; empty when there is none
 * @skipped: a sentence a line about files that could not be read; may be NULL
 */
int ih_boot_dirs_read(const struct ih_boot_dirs *dirs, struct ih_entries *ret,
		      struct ih_loader_conf *conf, struct ih_text *skipped, struct ih_diag *diag);

/* One entry by its file. @dir is IH_TYPE1_DIR or IH_TYPE2_DIR. */
int ih_boot_entry_read(const struct ih_boot_dir *at, const char *dir, const char *name,
		       struct ih_entry *ret, struct ih_diag *diag);

/**
 * ih_section_read() - a section of a PE image, without reading the image
 * @max: bytes; more is -EFBIG
 * @ret: with a NUL behind the last byte; freed by the caller
 *
 * As lenient as the loader, which looks only for a name in the section table: this is for listing.
 * Whoever trusts an image uses bootchain/pe.h.
 *
 * Return: 0, -ENOENT when there is no such section, -EBADMSG when it is no PE image.
 */
int ih_section_read(int fd, const char *name, size_t max, char **ret, size_t *ret_len);
