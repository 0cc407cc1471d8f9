/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The TPM itself: reading and extending registers. Through a resource manager (/dev/tpmrm0, tabrmd)
 * or without. A machine without a TPM is a sentence and -ENODEV: whether that is a failure, the
 * caller decides. Source: TPM 2.0 Library part 3, 22.2 (PCR_Extend), 22.4 (PCR_Read).
 */
#pragma once

#include <stdint.h>

#include "bootchain/pcr.h"
#include "common/diag.h"

struct ih_tpm;

/**
 * ih_tpm_open() - connect to a TPM
 * @tcti: "device:/dev/tpmrm0", "swtpm:path=SOCKET", …, as tpm2-tools take it; NULL or "default":
 *the kernel's resource manager, then the device itself
 *
 * Environment variables are not asked: they would let whoever sets them answer for the TPM.
 *
 * Return: 0; -ENODEV when there is no TPM; -EIO when it does not answer.
 */
int ih_tpm_open(const char *tcti, struct ih_tpm **ret, struct ih_diag *diag);
void ih_tpm_free(struct ih_tpm *tpm);
void ih_tpm_freep(struct ih_tpm **tpm);

/**
 * ih_tpm_read() - all registers of a bank
 * Return: 0; -ENOENT when the TPM has no such bank (or none of its registers); -EIO.
 */
int ih_tpm_read(struct ih_tpm *tpm, enum ih_hash_algo algo, struct ih_pcrs *ret,
		struct ih_diag *diag);

/**
 * ih_tpm_measure() - extend a register with the hash of bytes, in every bank the TPM has
 *
 * All banks in one command: a bank that stayed behind could be extended by somebody else to
 * whatever a policy wants.
 *
 * Return: 0; -EINVAL for a register that must not be extended (16 and above are not the system's);
 * -EOPNOTSUPP when the TPM has a bank whose algorithm we do not know; -EIO.
 */
int ih_tpm_measure(struct ih_tpm *tpm, unsigned int pcr, const void *data, size_t len,
		   struct ih_diag *diag);
