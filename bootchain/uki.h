/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Unified kernel images: systemd's stub with the sections that it looks for. Builds and takes
 * apart; does not sign and does not measure. Sources: UAPI.5 "Unified Kernel Image",
 * systemd-stub(7), systemd's src/fundamental/uki.h (tpm-pcr.h before 256).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bootchain/authenticode.h"
#include "bootchain/pe.h"
#include "bootchain/rope.h"
#include "common/diag.h"

#define IH_UKI_PARTS_MAX     16
#define IH_STUB_MEASURED_MAX 12

/* A section to put in. */
struct ih_uki_part {
	const char *name; /* ".linux", … */
	struct ih_rope content;
};

/* What a stub measures into PCR 11, in this order, of the sections that are there. */
struct ih_stub_rules {
	unsigned int since;				/* major version */
	const char *measured[IH_STUB_MEASURED_MAX + 1]; /* NULL-terminated */
	bool addons;	  /* takes signed addons from beside the image */
	bool confexts;	  /* takes configuration extensions apart from system extensions */
	bool os_release;  /* puts .osrel behind the initrd, too */
	bool global;	  /* takes extensions from /loader/extensions, too */
	bool boot_secret; /* puts a secret behind the initrd, which nobody can predict */
};

struct ih_stub {
	char version[64];   /* "252.39-1~deb12u2" */
	unsigned int major; /* 252 */
	bool newer;	    /* than any the table was checked against */
	const struct ih_stub_rules *rules;
};

/**
 * ih_stub_identify() - which stub is this (or which was this image built on)?
 *
 * Read from .sdmagic, "#### LoaderInfo: systemd-stub VERSION ####".
 *
 * Return: 0; -ENODATA when there is no such section; -EOPNOTSUPP before 252, which measured
 * no sections into PCR 11.
 */
int ih_stub_identify(const char *name, const struct ih_pe *pe, struct ih_stub *ret,
		     struct ih_diag *diag);

/* The sections of the table's row for @major; NULL before 252. */
const struct ih_stub_rules *ih_stub_rules(unsigned int major);

/**
 * ih_uki_build() - put sections on a stub
 * @stub: as long as @ret lives
 * @parts: each name once; sorted as they shall lie, .linux moved to the end, since old kernels
 *	unpack themselves behind where they were loaded. Their contents go into @ret and are empty
 *then
 * @ret: unsigned image, as ih_pe_rope_parse() takes it; its checksum is not yet made
 *
 * The stub's COFF symbols are dropped and gaps in it closed, so that a signature covers every byte.
 * Headers grow when the table has no room. A section .sbat replaces the stub's.
 *
 * Return: 0; -EEXIST for a section that the stub has already; -EINVAL for a part that cannot be;
 * -EBADMSG for a stub that is none; -EFBIG.
 */
int ih_uki_build(const char *stub_name, struct ih_bytes stub, struct ih_uki_part *parts, size_t n,
		 struct ih_rope *ret, struct ih_diag *diag);

/**
 * ih_uki_check() - is this image one that a stub understands in one way only?
 *
 * Refuses doubled sections, a missing .linux, an empty one, and raw data shorter than what is
 * measured of it.
 */
int ih_uki_check(const char *name, const struct ih_pe *pe, struct ih_diag *diag);
