/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Marking a boot entry good or bad, or arming its counter again, by renaming its file. Whoever runs
 * first, this or systemd-bless-boot, the other finds the work done.
 *
 * What differs from systemd-bless-boot (v252, src/boot/bless-boot.c): where both a counted and a
 * plain file of one entry lie there, it does nothing and the entry goes bad (systemd issue 33504);
 * here the duplicate is resolved.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bootchain/boot_dir.h"
#include "bootchain/count.h"

#define IH_VARIANTS_MAX 64 /* files of one entry that differ in their counters only */

enum ih_mark {
	IH_MARK_NONE = 0,
	IH_MARK_GOOD,
	IH_MARK_BAD,
	IH_MARK_INDETERMINATE, /* back to the name that the loader gave it */
	IH_MARK_ARM,	       /* so many tries from now on */
};

/* A file of the entry. */
struct ih_variant {
	char name[IH_ENTRY_NAME_MAX + 1];
	bool same; /* its content is that of the source, see ih_bless_source() */
};

enum ih_bless_act {
	IH_BLESS_RENAME,  /* never over another file */
	IH_BLESS_REPLACE, /* over one that has other content than what booted */
	IH_BLESS_REMOVE,  /* a copy */
};

struct ih_bless_step {
	enum ih_bless_act act;
	char from[IH_ENTRY_NAME_MAX + 1];
	char to[IH_ENTRY_NAME_MAX + 1];
};

struct ih_bless_plan {
	char target[IH_ENTRY_NAME_MAX + 1]; /* what the entry is called in the end */
	struct ih_bless_step steps[IH_VARIANTS_MAX + 1];
	size_t n;
	size_t left;	  /* files of the entry with other content, which stay */
	bool armed_since; /* it was armed after it booted: a mark of that boot does not undo it */
};

/**
 * ih_bless_source() - which of the files is the entry that booted
 * @booted: name from LoaderBootCountPath
 * @target: name that the mark gives it
 *
 * The booted name itself; else the target, because the work is done or was interrupted; else a bad
 * one or a good one, as systemd-bless-boot looks for them. One with other tries was armed since:
 * only arming it again takes it.
 *
 * Return: index, or -ENOENT.
 */
int ih_bless_source(const char *booted, const char *target, enum ih_mark mark,
		    const struct ih_variant *variants, size_t n);

/**
 * ih_bless_plan() - what to do, decided without touching anything
 * @booted: name from LoaderBootCountPath, or the name of the entry that is meant
 * @tries: for IH_MARK_ARM
 * @variants: every file of the entry, with @same filled in
 *
 * The order survives a power cut: at each step the entry is there under a name that boots, and
 * running it again ends in the same state.
 *
 * Return: 0, -ENOENT when there is no file of the entry, -EINVAL for a name that is no entry's or
 * an IH_MARK_INDETERMINATE of one that has no tries left, -ERANGE, -ENAMETOOLONG.
 */
int ih_bless_plan(const char *booted, enum ih_mark mark, uint32_t tries,
		  const struct ih_variant *variants, size_t n, struct ih_bless_plan *ret);

struct ih_bless_result {
	struct ih_bless_plan plan;
	const struct ih_boot_dir *dir; /* where it was done */
	char folder[64];	       /* IH_TYPE1_DIR or IH_TYPE2_DIR */
};

/**
 * ih_bless() - mark an entry
 * @path: LoaderBootCountPath: absolute, '/' between, no "..", in one of the two folders
 *
 * Each partition is looked at, ESP first; the one that holds the booted name itself wins. After the
 * renames the folder is synced, then the file system, because FAT keeps its table apart.
 *
 * Return: 0, also when there was nothing to do; see ih_bless_plan(); -EBUSY when a file appeared in
 * between.
 */
int ih_bless(const struct ih_boot_dirs *dirs, const char *path, enum ih_mark mark, uint32_t tries,
	     struct ih_bless_result *ret, struct ih_diag *diag);

/**
 * ih_bless_state() - what a counted boot is now, as systemd-bless-boot status says it
 *
 * Return: 0 with @ret filled; -ENOENT when no file of the entry is there.
 */
int ih_bless_state(const struct ih_boot_dirs *dirs, const char *path, enum ih_entry_state *ret,
		   struct ih_diag *diag);

/**
 * ih_bless_is_running() - was the running kernel started from this entry?
 * @cmdline: /proc/cmdline
 *
 * After a kexec the variables still name the entry that the firmware's loader started. The init= on
 * the command line tells: an entry that has one, and another one than @cmdline, is not what runs.
 */
bool ih_bless_is_running(const struct ih_entry *entry, const char *cmdline);
