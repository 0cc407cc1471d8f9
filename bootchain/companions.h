/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Archives that systemd's stub makes at boot and puts behind the initrd: the PCR signature and key
 * of the image, and what lies unsigned beside it on the ESP (credentials, extensions). Made here
 * byte for byte, so that what the kernel measures of them can be told before. Source: systemd 252,
 * 257 and 262, cpio.c and stub.c in src/boot.
 */
#pragma once

#include <stddef.h>

#include "bootchain/initrd.h"
#include "bootchain/pe.h"
#include "bootchain/uki.h"
#include "common/diag.h"

#define IH_COMPANIONS_MAX     256 /* files of one kind */
#define IH_COMPANION_SIZE_MAX (64U << 20)

/* In the order in which the stub packs them. "Global" is what lies in /loader, for every image. */
enum ih_companion_kind {
	IH_COMPANION_CREDENTIAL = 0,	/* a .cred file in <image>.extra.d, into PCR 12 */
	IH_COMPANION_GLOBAL_CREDENTIAL, /* the same in /loader/credentials */
	IH_COMPANION_EXTENSION,		/* a .raw file in <image>.extra.d, into PCR 13 */
	IH_COMPANION_GLOBAL_EXTENSION,	/* the same in /loader/extensions */
	IH_COMPANION_CONFEXT,		/* a .confext.raw file in <image>.extra.d, into PCR 12 */
	IH_COMPANION_GLOBAL_CONFEXT,	/* the same in /loader/extensions */
	IH_COMPANION_ADDON,		/* a signed image beside it, into PCR 12: never packed */
	IH_COMPANION_PCR_SIGNATURE,	/* section .pcrsig */
	IH_COMPANION_PCR_KEY,		/* section .pcrpkey */
	IH_COMPANION_OS_RELEASE,	/* section .osrel */
	IH_COMPANION_KINDS,
};

/* Files beside an image; all zero is none. */
struct ih_companions {
	struct {
		enum ih_companion_kind kind;
		char *name; /* without folder */
		uint8_t *data;
		size_t len;
	} item[IH_COMPANIONS_MAX];
	size_t n;
};

/**
 * ih_companions_collect() - what a stub would take unsigned with this image
 * @esp: descriptor of the ESP's root
 * @image: path of the image below it, "EFI/Linux/x.efi"
 * @rules: of its stub
 *
 * Sorted by kind and name, as the stub sorts.
 */
int ih_companions_collect(int esp, const char *image, const struct ih_stub_rules *rules,
			  struct ih_companions *ret, struct ih_diag *diag);
void ih_companions_done(struct ih_companions *c);

/* "credential", …; what a stub does with it. */
const char *ih_companion_kind_name(enum ih_companion_kind kind);

/* The register that the stub extends with an archive of this kind; 0: none. */
unsigned int ih_companion_pcr(enum ih_companion_kind kind);

/**
 * ih_companions_archive() - the archive of all files of one kind
 * @files: name and content, in the stub's order
 * @ret: the caller frees @ret->data
 */
int ih_companions_archive(enum ih_companion_kind kind, const struct ih_initrd *files, size_t n,
			  struct ih_image *ret);
