/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Boot counters in the names of boot entries (UAPI.1 Boot Loader Specification, "Boot counting"):
 * <prefix>+LEFT[-DONE].conf or .efi. Pure functions over one name; no file is looked at.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/diag.h"

#define IH_ENTRY_NAME_MAX 255 /* of the specification and of FAT */
/*
 * What systemd-boot reads (INT_MAX). Above, it takes the name as one without a counter and
 * systemd-bless-boot fails with ERANGE; we take the name as the loader does and say so.
 */
#define IH_COUNT_MAX	  2147483647U

/* What the counter says of an entry. Bad is the zero value: what nobody filled in is not booted. */
enum ih_entry_state {
	IH_ENTRY_BAD = 0,	/* no tries left */
	IH_ENTRY_INDETERMINATE, /* tries left, not blessed */
	IH_ENTRY_GOOD,		/* blessed, or never counted */
};

/* How a name looks that is taken as not counted. */
enum ih_count_oddity {
	IH_COUNT_ORDINARY = 0,
	IH_COUNT_MALFORMED, /* a '+', and behind it no counter: "a+b.conf", "a+3-.conf" */
	IH_COUNT_TOO_LARGE, /* a counter above IH_COUNT_MAX */
};

struct ih_count {
	bool counted;
	bool has_done; /* the "-DONE" part is there */
	uint32_t left, done;
	uint8_t left_width, done_width; /* digits as they stand */
	uint8_t stem;			/* bytes of the name before '+' or the suffix */
	enum ih_count_oddity oddity;
	bool portable; /* only characters that the specification allows */
};

/**
 * ih_count_parse() - what the name of a boot entry says
 * @name: last component of a path
 *
 * Return: 0, or -EINVAL for a name that the loader ignores: empty, longer than
 * IH_ENTRY_NAME_MAX, beginning with '.' or "auto-", not ending in ".conf" or ".efi" (any case), or
 * with a '/', '\' or control character in it.
 */
int ih_count_parse(const char *name, struct ih_count *ret);

enum ih_entry_state ih_count_state(const struct ih_count *count);
const char *ih_state_name(enum ih_entry_state state);

/* What to make of a name. */
enum ih_count_change {
	IH_COUNT_NONE = 0,
	IH_COUNT_BUMP, /* what the loader writes when it starts the entry: left - 1, done + 1 */
	IH_COUNT_GOOD, /* no counter */
	IH_COUNT_BAD,  /* +0-DONE, spelled as systemd-bless-boot spells it */
	IH_COUNT_ARM,  /* +TRIES, nothing done */
};

/**
 * ih_count_rename() - the name an entry gets
 * @tries: for IH_COUNT_ARM
 * @ret: IH_ENTRY_NAME_MAX + 1 bytes
 *
 * IH_COUNT_ARM keeps the width of a padded counter ("+03-00"), so that later renames keep the
 * length; the others write what the loader and systemd-bless-boot write, so that either finds
 * the other's names. Names without a counter stay as they are for IH_COUNT_BUMP.
 *
 * Return: 0, -EINVAL for a name that is no entry's or would not be one any more ("+2-1.conf"
 * without its counter), -ENAMETOOLONG, -ERANGE for @tries.
 */
int ih_count_rename(const char *name, enum ih_count_change change, uint32_t tries, char *ret);

/**
 * ih_count_same_entry() - are two names the same entry, counters aside?
 *
 * FAT does not tell case apart, so neither do we.
 */
bool ih_count_same_entry(const char *a, const char *b);

/**
 * ih_count_id() - the id without counter, in lower case, as loaders from 258 on know the entry
 * @ret: IH_ENTRY_NAME_MAX + 1 bytes
 */
int ih_count_id(const char *name, char *ret);
