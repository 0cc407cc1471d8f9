/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One bank of platform configuration registers, as arithmetic: what they are after a start and what
 * extending does to them. Touches no TPM. Source: TCG PC Client Platform TPM Profile 1.05, 4.6.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "integrity/hash.h"

#define IH_PCRS			 24
#define IH_PCR_BANKS		 4
#define IH_PCR_LOADER_CODE	 4  /* boot loader and images, by firmware */
#define IH_PCR_SECURE_BOOT	 7  /* keys and which of them vouched */
#define IH_PCR_KERNEL_INITRD	 9  /* options and initrd, by the kernel's EFI stub */
#define IH_PCR_KERNEL_IMAGE	 11 /* sections of the unified image, boot phases */
#define IH_PCR_KERNEL_OPTIONS	 12 /* options and credentials, by loader and stub */
#define IH_PCR_SYSTEM_EXTENSIONS 13

struct ih_pcrs {
	enum ih_hash_algo algo;
	uint32_t known; /* bit n: value[n] means something */
	uint8_t value[IH_PCRS][IH_HASH_SIZE_MAX];
};

/* The banks there are, by TPM_ALG_ID; IH_HASH_NONE for another. */
enum ih_hash_algo ih_pcr_bank(uint16_t tpm_alg);
uint16_t ih_pcr_tpm_alg(enum ih_hash_algo algo);

/* The i-th of IH_PCR_BANKS. */
enum ih_hash_algo ih_pcr_bank_at(size_t i);

/* As after TPM2_Startup(CLEAR): zeros, and ones in 17 to 22. Every register is known. */
void ih_pcrs_reset(struct ih_pcrs *p, enum ih_hash_algo algo);

/* Return: 0, -ERANGE for a register that is none. */
int ih_pcr_extend(struct ih_pcrs *p, unsigned int pcr, const struct ih_digest *digest);

/* Extend with the hash of bytes. */
int ih_pcr_measure(struct ih_pcrs *p, unsigned int pcr, const void *data, size_t len);

/* Known in both and equal. */
bool ih_pcr_equal(const struct ih_pcrs *a, const struct ih_pcrs *b, unsigned int pcr);

/* Lower-case hexadecimal; @ret has IH_DIGEST_HEX_SIZE. */
void ih_pcr_hex(const struct ih_pcrs *p, unsigned int pcr, char *ret);
