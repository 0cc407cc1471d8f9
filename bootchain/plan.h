/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What to do to a boot partition: from the files that are wanted and the files that are there, the
 * steps in their order, and the space they need. Pure: a table of files in, a list of steps out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bootchain/count.h"

/* Where our files lie. Names are "ihard-<sha256>" for entries, "<kind>-<sha256>…" for others. */
enum ih_folder {
	IH_FOLDER_FILES = 0, /* EFI/ihard: kernels, initrds, device trees of type 1 entries */
	IH_FOLDER_TYPE1,     /* loader/entries */
	IH_FOLDER_TYPE2,     /* EFI/Linux */
	IH_FOLDERS,
};

const char *ih_folder_path(enum ih_folder folder);

/* A file that shall be there. */
struct ih_wanted_file {
	enum ih_folder folder;
	char *name; /* without counter */
	uint64_t size;
	bool renew;	 /* written every time: its content is not the one that its name says */
	bool is_default; /* of loader.conf */
};

enum ih_present_state {
	IH_PRESENT_DAMAGED = 0, /* its content is not what its name says, or cannot be read */
	IH_PRESENT_GOOD,
};

/* A file that is there. */
struct ih_present_file {
	enum ih_folder folder;
	char *name; /* as on disk, counter included */
	uint64_t size;
	enum ih_present_state state; /* matters for wanted files only */
	bool booted;		     /* the entry that runs */
	bool asked_for;		     /* a variable of the loader asks for it */
	bool referenced_by_foreign;  /* an entry that is not ours starts it or loads it */
	const char **references; /* names in IH_FOLDER_FILES that this entry needs; may be NULL */
	size_t n_references;
};

enum ih_plan_act {
	IH_PLAN_WRITE,	     /* a file that is not there */
	IH_PLAN_REPLACE,     /* a file that is damaged or renewed: under the name on disk */
	IH_PLAN_LOADER_CONF, /* rewrite loader.conf */
	IH_PLAN_REMOVE,
};

struct ih_plan_step {
	enum ih_plan_act act;
	size_t index; /* of the wanted file, or of the present one for IH_PLAN_REMOVE */
	char name[IH_ENTRY_NAME_MAX + 1]; /* as it will be, or is, on disk */
};

/* Why a file of ours that nobody wants stays. */
struct ih_plan_kept {
	size_t index; /* present */
	const char *why;
};

struct ih_plan_request {
	const struct ih_wanted_file *wanted;
	size_t n_wanted;
	const struct ih_present_file *present;
	size_t n_present;
	uint32_t tries;	    /* of new entries; 0: not counted */
	bool keep_all;	    /* a generation could not be read: remove nothing but leftovers */
	bool collect_first; /* remove before writing, when both do not fit */
	bool loader_conf;   /* it needs to be rewritten */
	uint64_t unit;	    /* what a file's size is rounded up to */
};

struct ih_plan {
	struct ih_plan_step *steps;
	size_t n;
	struct ih_plan_kept *kept;
	size_t n_kept;
	size_t unchanged; /* wanted files that are there and good */
	uint64_t written; /* bytes that are written */
	uint64_t removed; /* bytes that are freed by removing */
	uint64_t peak;	  /* bytes above what is used now, at the worst moment */
};

/**
 * ih_plan_make() - decide
 *
 * Order: files, entries, loader.conf, then what is removed: entries before the files they need.
 * With
 * @collect_first the removals come first. An entry is never removed that is wanted, booted, the
 * default of loader.conf or of a variable, or counted with tries left; nor a file that an entry
 * needs that stays; nor anything that does not look like ours.
 *
 * Return: 0; -EINVAL when no entry is wanted (that would empty the partition); -EBUSY when
 * @collect_first would leave nothing to boot for the time between; -ENOMEM.
 */
int ih_plan_make(const struct ih_plan_request *request, struct ih_plan *ret);
void ih_plan_done(struct ih_plan *plan);

/* Does a name look like one that we gave (counter and ".tmp" aside)? */
bool ih_plan_is_ours(enum ih_folder folder, const char *name);
