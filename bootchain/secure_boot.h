/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What firmware with Secure Boot thinks of an image: which entry of db vouches for it, which entry
 * of dbx forbids it. Reads no variable and opens no file. Sources: UEFI 2.10, 32.5.3; edk2
 * SecurityPkg/Library/DxeImageVerificationLib.
 */
#pragma once

#include <stdbool.h>

#include "bootchain/pe.h"
#include "common/diag.h"

/* Secure Boot variables as the firmware has them: EFI signature lists, empty when there are none.
 */
struct ih_secure_boot {
	bool enabled;
	struct ih_bytes pk, kek, db, dbx;
};

/**
 * ih_secure_boot_authority() - which entry of db vouches for an image
 * @ret: EFI_SIGNATURE_DATA, into @keys->db
 * Return: 0; -EKEYREJECTED when none does, -EKEYREVOKED when dbx forbids it: firmware would refuse
 * the image; -EBADMSG for malformed lists.
 */
int ih_secure_boot_authority(const char *name, const struct ih_pe *pe,
			     const struct ih_secure_boot *keys, struct ih_bytes *ret,
			     struct ih_diag *diag);

/**
 * ih_secure_boot_revoked() - does dbx forbid an image?
 *
 * By its Authenticode digest, by a certificate that its signature leads to, or by the digest of a
 * certificate in its signature. A time of revocation is not looked at: what we sign has no witness
 * of when.
 *
 * Return: 0 when it does not; -EKEYREVOKED with the entry that does; -EBADMSG for a malformed list,
 * since what it forbids is not known.
 */
int ih_secure_boot_revoked(const char *name, const struct ih_pe *pe, struct ih_bytes dbx,
			   struct ih_diag *diag);
