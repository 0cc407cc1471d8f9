/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Stage 2: before the initrd hands over to the system, the whole closure that init= names is
 * verified. Decides and reports; what follows from a failure is stage2_main.c's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bootchain/stage2_config.h"
#include "common/diag.h"
#include "common/text.h"

#define IH_STAGE2_SHOWN_MAX 14 /* problems on the console: one screen with the rest */

struct ih_stage2 {
	const char *sysroot; /* where the system's root is mounted; "" when it is / */
	const char *state;   /* directory for the results, "/run/ihard" */
	const char *init;    /* from the signed command line */
	const char *tcti;    /* of the TPM; NULL: the kernel's */
	const char *extra;   /* where the stub left companions, IH_STAGE2_EXTRA */
	const struct ih_stage2_config *config;
};

/* What came out. All zero is a failure that nobody explained. */
struct ih_stage2_outcome {
	bool verified;		/* the closure is what was signed, and that is written down */
	unsigned int result;	/* IH_VERIFY_… bits */
	struct ih_text report;	/* every problem, for the journal */
	struct ih_text console; /* one screen */
};

/**
 * ih_stage2_run() - verify, write the verified set, measure
 *
 * Writes <state>/verified (also of a failed verification: what was good) and <state>/measured, the
 * text that register config.pcr was extended with:
 *
 *	"ihard closure sha256:<nix32> sigs <N>\n"   after success, see ih_verify_digest()
 *	"ihard unverified\n"                        after failure
 *
 * A failure is measured, too: a register that was left alone could be extended later with what a
 * good closure gives. No TPM is a remark; a TPM that does not
 * answer, or that was named and is not there, is a failure.
 *
 * Never returns an error: what cannot be done is a failed verification.
 */
void ih_stage2_run(const struct ih_stage2 *s, struct ih_stage2_outcome *ret);
void ih_stage2_outcome_done(struct ih_stage2_outcome *o);
