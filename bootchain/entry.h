/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Boot entries as systemd-boot sees them: type 1 (loader/entries/NAME.conf) and type 2
 * (EFI/Linux/NAME.efi), and loader.conf. Text in, structures out; boot_dir.h reads them from disk.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "bootchain/count.h"
#include "common/diag.h"
#include "common/text.h"

#define IH_ENTRY_SIZE_MAX    (1U << 20) /* bytes of a .conf file, or of an .osrel section */
#define IH_ENTRIES_MAX	     4096	/* entries in one boot partition */
#define IH_ENTRY_INITRDS_MAX 64		/* initrd lines of one entry */

enum ih_entry_type {
	IH_ENTRY_NONE = 0, /* nothing to start in it: the loader ignores it */
	IH_ENTRY_LINUX,	   /* type 1, "linux" */
	IH_ENTRY_EFI,	   /* type 1, "efi" */
	IH_ENTRY_UKI_LINE, /* type 1, "uki" (systemd-boot 258) */
	IH_ENTRY_UKI,	   /* type 2 */
};

enum ih_partition {
	IH_PARTITION_ESP,
	IH_PARTITION_XBOOTLDR,
};

struct ih_entry {
	enum ih_entry_type type;
	enum ih_partition partition;
	char name[IH_ENTRY_NAME_MAX + 1]; /* as on disk */
	struct ih_count count;
	char *title, *version, *sort_key, *machine_id; /* NULL: not given */
	char *architecture;
	char *loader;  /* what is started: a path from the partition's root, '/' between */
	char *options; /* the command line; of type 2 what is in the image */
	char *devicetree;
	char **initrds;
	size_t n_initrds;
	bool mixed; /* more than one of linux, efi, uki: refused from 258 on, before the last won */
	bool missing; /* a file that it names is not there */
};

struct ih_entries {
	struct ih_entry *items;
	size_t n;
};

/**
 * ih_entry_parse_conf() - a type 1 entry
 * @name: file name; decides the counter
 * @text: @len bytes; the loader stops at a NUL, so do we
 * @ret: the caller gives it to ih_entry_done()
 *
 * Reads lines as systemd-boot does (line_get_key_value()): LF or CR end a line, blanks separate,
 * one pair of double quotes around a value is taken off, unknown keys are skipped.
 *
 * Return: 0, -EINVAL for a name that is no entry's, -E2BIG, -ENOMEM. A text in which there is
 * nothing to start is no error: @ret's type is IH_ENTRY_NONE.
 */
int ih_entry_parse_conf(const char *name, const char *text, size_t len, struct ih_entry *ret,
			struct ih_diag *diag);

/**
 * ih_entry_parse_osrel() - a type 2 entry from the .osrel section of its image
 * @cmdline: the .cmdline section, NULL when there is none
 *
 * Title, version and sort key as systemd picks them (src/fundamental/bootspec-fundamental.c).
 */
int ih_entry_parse_osrel(const char *name, const char *text, size_t len, const char *cmdline,
			 struct ih_entry *ret, struct ih_diag *diag);

/**
 * ih_entry_format() - the text of a type 1 entry
 *
 * Refuses (-EINVAL) values with line breaks or NUL in them and those that would not come back as
 * they are: blanks or quotes at their ends.
 */
int ih_entry_format(const struct ih_entry *entry, struct ih_text *ret, struct ih_diag *diag);

void ih_entry_done(struct ih_entry *entry);
void ih_entries_done(struct ih_entries *entries);

/* Takes @entry over, which is empty afterwards. Return: 0, -E2BIG or -ENOMEM (then it is not). */
int ih_entries_add(struct ih_entries *entries, struct ih_entry *entry);

/* What loader.conf says that decides what is booted. NULL: not given. */
struct ih_loader_conf {
	char *default_entry;
	char *preferred_entry; /* read from 260 on */
	char *timeout;
};

int ih_loader_conf_parse(const char *text, size_t len, struct ih_loader_conf *ret);
void ih_loader_conf_done(struct ih_loader_conf *conf);
