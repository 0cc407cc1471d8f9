/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Values of registers from files: the kernel's /sys/class/tpm/tpm0/pcr-<bank>/<n>, or JSON as
 * `ihard boot measure replay --json` prints it. Whoever can write those files can lie: only a
 * quote, or the TPM itself (tpm.h), is proof.
 */
#pragma once

#include "bootchain/pcr.h"
#include "common/diag.h"

#define IH_SYS_TPM "/sys/class/tpm/tpm0"

/**
 * ih_registers_read() - one bank from a directory or a file
 * @path: directory as IH_SYS_TPM, or a JSON file with { "pcrs": { "sha256": { "0": "…" } } }
 * @ret: registers that are not there are not known
 *
 * Return: 0; -ENOENT when the bank is not there; -EBADMSG.
 */
int ih_registers_read(const char *path, enum ih_hash_algo algo, struct ih_pcrs *ret,
		      struct ih_diag *diag);
