/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From one thing to boot to the bytes that boot it: its initrds as one, its boot entry, its unified
 * kernel image. Reads the store; writes nothing.
 */
#pragma once

#include "bootchain/generation.h"
#include "bootchain/key.h"
#include "bootchain/uki.h"
#include "common/text.h"

#define IH_COMPOSE_FILE_MAX (1U << 30) /* bytes of a kernel or initrd */

struct ih_composer {
	const char *stub_name;	    /* for messages */
	struct ih_bytes stub;	    /* systemd's stub */
	struct ih_key *key;	    /* NULL: images are not signed */
	struct ih_key *pcr_key;	    /* NULL: no signed policies over register 11 in them */
	const char *private_folder; /* where secrets are put into an initrd; "/run" */
};

/**
 * ih_compose_initrd() - all initrds of an item in one, secrets included
 * @ret: empty when the item has none
 */
int ih_compose_initrd(const struct ih_composer *composer, const struct ih_boot_item *item,
		      struct ih_rope *ret, struct ih_diag *diag);

/**
 * ih_compose_osrel() - what a loader shows of an image, as os-release(5)
 *
 * ID is the sort key, PRETTY_NAME the title, VERSION_ID the version. Characters that a shell would
 * act on between double quotes become '_'.
 */
int ih_compose_osrel(const struct ih_boot_item *item, struct ih_text *ret);

/**
 * ih_compose_uki() - the unified kernel image, signed when there is a key
 *
 * The same item, stub and key give the same bytes, unless a secrets program does not. The result
 * needs the composer's stub, and the item's text.
 */
int ih_compose_uki(const struct ih_composer *composer, const struct ih_boot_item *item,
		   struct ih_rope *ret, struct ih_diag *diag);

/**
 * ih_compose_trial() - an image without a system in it, signed like the others
 * @ret: in memory; the caller frees @ret->data
 *
 * To ask what firmware thinks of the key before there is anything to install.
 */
int ih_compose_trial(const struct ih_composer *composer, struct ih_image *ret,
		     struct ih_diag *diag);
