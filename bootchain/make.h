/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a bootspec to a signed boot image: reads what the generation names, puts it on a stub,
 * predicts PCR 11 and signs that, signs the image. Writes nothing to the ESP.
 */
#pragma once

#include "bootchain/authenticode.h"
#include "bootchain/bootspec.h"
#include "bootchain/key.h"
#include "bootchain/uki.h"
#include "common/diag.h"

#define IH_STUB_DEFAULT "/usr/lib/systemd/boot/efi/linuxx64.efi.stub"
#define IH_KERNEL_MAX	(1U << 28) /* bytes */

struct ih_make {
	const char *stub;	/* path of systemd's stub */
	const char *root;	/* put in front of the paths in a bootspec; "" for this machine */
	const char *directory;	/* for private copies while secrets are added: "/run" */
	struct ih_key *key;	/* NULL: the image stays unsigned */
	struct ih_key *pcr_key; /* NULL: no .pcrpkey and .pcrsig */
	uint64_t generation;	/* 0: the name says none */
	const char *specialisation; /* for the name; NULL: none */
	const char *date;	    /* "2026-11-24", for the name; NULL: none */
};

/**
 * ih_make_image() - the image of one generation or specialisation
 * @name: of the result, for messages
 *
 * The same input gives the same bytes, unless the generation's secrets program does not.
 *
 * Return: 0, or a negative errno with the sentence of what failed: -EOPNOTSUPP for what such an
 * image cannot carry.
 */
int ih_make_image(const char *name, const struct ih_bootspec *spec, const struct ih_make *how,
		  struct ih_image *ret, struct ih_diag *diag);

/* Sections and keys: what makes an image, wherever its parts came from. */
struct ih_recipe {
	const char *name, *stub_name; /* of the result and the stub, for messages */
	struct ih_bytes stub;	      /* as long as the result lives */
	struct ih_uki_part *parts;    /* with .linux; without those that are made here */
	size_t n;
	struct ih_key *key;	/* NULL: the image stays unsigned */
	struct ih_key *pcr_key; /* NULL: no .pcrpkey and .pcrsig */
};

/**
 * ih_recipe_make() - build and sign
 *
 * Adds .uname from the kernel, and with a @pcr_key .pcrpkey and .pcrsig for what the stub will
 * measure of all sections. The contents of the parts are empty then, also when this fails. Files
 * stay where they are: @ret is read once more by whoever wants its bytes.
 */
int ih_recipe_make(const struct ih_recipe *recipe, struct ih_rope *ret, struct ih_diag *diag);

/* The contents of parts that no recipe took. */
void ih_recipe_parts_done(struct ih_uki_part *parts, size_t n);

/**
 * ih_kernel_version() - what `uname -r` will say, from an x86 bzImage
 * @ret: allocated; NULL when the image does not say (other architectures)
 *
 * Source: Linux Documentation/arch/x86/boot.rst, kernel_version.
 */
int ih_kernel_version(struct ih_bytes kernel, char **ret);
