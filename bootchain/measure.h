/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Holding measurements against each other: a log against registers, against a prediction, against
 * another log. Names the first event that differs. Also the signed policy over PCR 11 (.pcrsig).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "bootchain/eventlog.h"
#include "bootchain/key.h"
#include "bootchain/pcr.h"
#include "bootchain/predict.h"
#include "common/diag.h"
#include "common/text.h"

/**
 * ih_measure_compare_registers() - is this log what was measured?
 * @pcrs: from the TPM; what it does not know is not compared
 * @skip: bit n: register n is not compared, because others extend it later (10: IMA)
 *
 * Where a register differs, the sentence names it and, when leaving out one event or swapping two
 * makes the log right, that event.
 *
 * Return: 0, -EBADMSG.
 */
int ih_measure_compare_registers(const char *name, const struct ih_eventlog *log,
				 const struct ih_pcrs *pcrs, uint32_t skip, struct ih_diag *diag);

/**
 * ih_measure_compare_prediction() - did what was predicted happen?
 *
 * For each register the prediction is complete for; boot phases that follow in PCR 11 are events of
 * the system, not of this log.
 *
 * Return: 0, -EBADMSG naming the first event that differs, is missing or is too many.
 */
int ih_measure_compare_prediction(const char *name, const struct ih_eventlog *log,
				  const struct ih_prediction *prediction, struct ih_diag *diag);

/* Two logs, event by event, in the bank @algo. Return: 0, -EBADMSG. */
int ih_measure_compare_logs(const char *name, const struct ih_eventlog *log,
			    const char *reference_name, const struct ih_eventlog *reference,
			    enum ih_hash_algo algo, struct ih_diag *diag);

/* Boot phases as systemd-pcrphase extends PCR 11 with them, "enter-initrd:leave-initrd". */
#define IH_PHASES_MAX 16
int ih_measure_phases(struct ih_pcrs *pcrs, const char *path, struct ih_diag *diag);

/* The default phase paths of systemd-measure(1), NULL-terminated. */
const char *const *ih_measure_default_phases(void);

/**
 * ih_measure_policy() - the policy of a TPM that demands a value of PCR 11
 *
 * TPM2_PolicyPCR over one register in a session with SHA-256 (TPM 2.0 part 3, 23.7).
 */
int ih_measure_policy(const struct ih_pcrs *pcrs, uint8_t ret[IH_SHA256_SIZE]);

/**
 * ih_measure_sign() - the JSON of a .pcrsig section
 * @sections: PCR 11 as the stub leaves it, one per bank, in the order of the output
 * @phases: NULL-terminated phase paths; "" is the value without any phase
 *
 * Signatures are over the SHA-256 of the policy in every bank, which is what systemd's readers
 * verify (tpm2-util.c); systemd-measure 252 itself signs with the bank's algorithm, which they
 * refuse.
 *
 * As systemd-measure(1) writes it: { "sha256": [ { "pcrs": [11], "pkfp": …, "pol": …, "sig": … } ]
 * }.
 */
int ih_measure_sign(const struct ih_pcrs *sections, size_t n, const char *const *phases,
		    struct ih_key *key, struct ih_text *ret, struct ih_diag *diag);
