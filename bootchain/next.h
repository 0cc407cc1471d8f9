/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What boots next: systemd-boot's order of entries and its choice, and what happens when boots
 * fail. Pure functions over entries that were read already; boot_dir.h reads them.
 *
 * Source: systemd v252 src/boot/efi/boot.c, and what changed since, each named in struct
 * ih_loader_quirks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "bootchain/entry.h"

#define IH_LOADER_OLDEST 250 /* sorts newest first since then */
#define IH_SIMULATE_MAX	 1000

/* The variables the loader looks at. NULL: not set. Entry names as they are in the variable. */
struct ih_loader_state {
	unsigned int version; /* of systemd-boot; 0 counts as IH_LOADER_OLDEST */
	const char *one_shot; /* LoaderEntryOneShot; the loader deletes it when it has read it */
	const char *default_variable;	/* LoaderEntryDefault */
	const char *preferred_variable; /* LoaderEntryPreferred, from 260 on */
	const char *last_booted;	/* LoaderEntryLastBooted, which "@saved" means */
	const char *architecture;	/* of the loader: "x64"; NULL: do not filter */
	struct ih_loader_conf conf;
};

/* Why an entry is the one. */
enum ih_next_why {
	IH_NEXT_NONE = 0, /* there is no entry to choose */
	IH_NEXT_ONE_SHOT,
	IH_NEXT_DEFAULT_VARIABLE,
	IH_NEXT_PREFERRED_VARIABLE,
	IH_NEXT_DEFAULT_CONF,
	IH_NEXT_PREFERRED_CONF,
	IH_NEXT_FIRST, /* nothing is configured, or nothing that matches: the first of the order */
};

/**
 * ih_entries_order() - which entries the loader shows, in its order
 * @order: @entries->n indices into @entries->items
 *
 * Leaves out what the loader leaves out: entries without anything to start, for another
 * architecture, whose file is missing.
 *
 * Return: how many there are.
 */
size_t ih_entries_order(const struct ih_entries *entries, const struct ih_loader_state *state,
			size_t *order);

/* The id by which a loader of this version knows the entry; IH_ENTRY_NAME_MAX + 1 bytes. */
void ih_entry_id(const struct ih_entry *entry, unsigned int version, char *ret);

/**
 * ih_entries_next() - which entry boots next when nobody touches the menu
 * @ret: index into @entries->items, written unless the answer is IH_NEXT_NONE
 *
 * Return: why.
 */
enum ih_next_why ih_entries_next(const struct ih_entries *entries,
				 const struct ih_loader_state *state, size_t *ret);

/* An entry that one of the loader's variables asks for, by itself. */
struct ih_asked_for {
	size_t entry; /* index into the entries */
	enum ih_next_why why;
};
#define IH_ASKED_MAX 3 /* one-shot, preferred, default */

/**
 * ih_entries_asked_for() - what the loader's variables ask for
 * @ret: IH_ASKED_MAX of them
 *
 * A variable may hold a pattern; what counts is the entry that the loader would take.
 *
 * Return: how many variables ask for an entry that is there.
 */
size_t ih_entries_asked_for(const struct ih_entries *entries, const struct ih_loader_state *state,
			    struct ih_asked_for ret[IH_ASKED_MAX]);

/* One sentence for a person: "it is the first in the loader's order". */
const char *ih_next_why_text(enum ih_next_why why);

/* Does a loader of this version count boots of this entry? */
bool ih_entry_is_bumped(const struct ih_entry *entry, unsigned int version);

/* One boot of a simulation. */
struct ih_simulated_boot {
	size_t entry; /* index */
	enum ih_next_why why;
	char name[IH_ENTRY_NAME_MAX + 1]; /* what the file is called after the loader started it */
};

/**
 * ih_entries_simulate() - the next @n boots, if none of them succeeds
 * @entries: changed: the names and counters are those after the last boot
 * @ret: @n of them
 *
 * Return: how many boots there are (fewer than @n when nothing can be booted), or a negative errno:
 * -E2BIG above IH_SIMULATE_MAX.
 */
int ih_entries_simulate(struct ih_entries *entries, const struct ih_loader_state *state, size_t n,
			struct ih_simulated_boot *ret);
