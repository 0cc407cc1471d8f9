/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Words that the kernel's side and user space share. Fixed widths, no libc, new members at the end.
 */
#pragma once

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

/* What a file is. Ordered: more is better; zero, and so memory nobody filled in, is the worst. */
enum ih_trust_class {
	IH_TRUST_UNKNOWN = 0, /* nobody looked, or could not; counts as untrusted */
	IH_TRUST_UNTRUSTED,
	IH_TRUST_STORE,	   /* in a Nix store, not verified */
	IH_TRUST_OWNED,	   /* in a listed tree that only root can write: nobody signed it */
	IH_TRUST_SIGNED,   /* carries its own signature, outside a store */
	IH_TRUST_VERIFIED, /* its store object equals what enough distinct keys signed */
	IH_TRUST_SEALED,   /* verified once, frozen with fs-verity, bound by position */
	IH_TRUST_MAX_,
};

/* How code reaches an interpreter. */
enum ih_mode {
	IH_MODE_UNCLEAR = 0, /* could not be told: denied */
	IH_MODE_PROGRAM,     /* not an interpreter: the program is the code */
	IH_MODE_NONE,	     /* an interpreter that runs no code: --version, a syntax check */
	IH_MODE_SCRIPT,
	IH_MODE_MODULE,
	IH_MODE_INLINE,
	IH_MODE_STDIN,
	IH_MODE_INTERACTIVE,
	IH_MODE_MAX_,
};

/* What a running task executes. */
enum ih_provenance {
	IH_PROVENANCE_UNVERIFIED = 0,
	IH_PROVENANCE_INTERACTIVE, /* a person's shell */
	IH_PROVENANCE_VERIFIED,	   /* a verified binary, or an interpreter on a verified script */
	IH_PROVENANCE_MAX_,
};
