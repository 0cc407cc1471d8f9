/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Generations of a NixOS machine, and what each of them wants to boot: one item for the generation
 * and one for each of its specialisations. Reads profiles and bootspecs; knows no boot partition.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bootchain/bootspec.h"
#include "common/diag.h"
#include "common/text.h"

#define IH_PROFILES	   "/nix/var/nix/profiles"
#define IH_GENERATIONS_MAX 4096
#define IH_BOOT_ITEMS_MAX  16384

/* One thing to boot. Strings are the item's own. */
struct ih_boot_item {
	char *title;	/* "NixOS 24.05 (Linux 6.6) (gui)" */
	char *version;	/* "Generation 12", "Generation 12~gui": older than its generation */
	char *sort_key; /* "nixos" when the bootspec has none */
	char *cmdline;
	char *kernel;
	char **initrds;
	size_t n_initrds;
	char *initrd_secrets; /* a program; NULL: none */
	char *devicetree;
	char *toplevel; /* resolved */
	uint64_t generation;
	bool is_default; /* the toplevel that was asked for */
};

struct ih_boot_items {
	struct ih_boot_item *items; /* newest generation first, specialisations behind it */
	size_t n;
	size_t skipped;		 /* generations that could not be read */
	struct ih_text warnings; /* one sentence a line */
};

struct ih_generation_request {
	const char *profiles; /* NULL: IH_PROFILES */
	const char *toplevel; /* becomes the default; NULL: the newest generation */
	unsigned int
		limit; /* newest generations of each profile; 0: all. The default is always in */
};

/**
 * ih_generations_read() - find the generations and what they boot
 *
 * Links "system-N-link" in the profile folder, and "NAME-N-link" in "system-profiles" in it. Each
 * has a boot.json (read tolerantly) or is synthesized. A generation that cannot be read is skipped
 * with a sentence. A toplevel that no link leads to becomes an item all the same.
 *
 * Return: 0; -ENOENT when no generation can be read; -ENODATA when the default cannot be.
 */
int ih_generations_read(const struct ih_generation_request *request, struct ih_boot_items *ret,
			struct ih_diag *diag);
void ih_boot_items_done(struct ih_boot_items *items);
