/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a boot will measure, told before it: PCR 4, 7, 9, 11, 12 (and 13) from images and keys,
 * event by event, so that a difference can be named. For firmware that follows the TCG profile,
 * systemd's loader and stub, and kernels with the EFI stub (6.1 was measured). Opens no file.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bootchain/companions.h"
#include "bootchain/pcr.h"
#include "bootchain/pe.h"
#include "bootchain/secure_boot.h"
#include "bootchain/uki.h"
#include "common/diag.h"

#define IH_PREDICTED_MAX 1024

struct ih_predicted {
	unsigned int pcr;
	char *text; /* what it is, for people */
	struct ih_digest digest;
};

struct ih_prediction {
	enum ih_hash_algo algo; /* set by the caller; the rest begins zero */
	struct ih_predicted *events;
	size_t n;
	uint32_t complete; /* bit n: every event of register n is there */
};

/* Add one event: by its digest, or by the bytes that are hashed. */
int ih_predict_digest(struct ih_prediction *p, unsigned int pcr, const struct ih_digest *digest,
		      const char *format, ...) __attribute__((format(printf, 4, 5)));
int ih_predict_data(struct ih_prediction *p, unsigned int pcr, struct ih_bytes data,
		    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* A section by the digest of its content. */
struct ih_section_digest {
	const char *name;
	struct ih_digest digest;
};

/* PCR 11: what the stub extends of the sections that are there, name and content. */
int ih_predict_sections(struct ih_prediction *p, const struct ih_stub_rules *rules,
			const struct ih_section_digest *sections, size_t n);

/* Options as a loader or kernel measures them: UTF-16 with its terminating zero. */
int ih_predict_options(struct ih_prediction *p, unsigned int pcr, struct ih_bytes options,
		       const char *who);

/* PCR 4 up to where the first image starts. */
int ih_predict_firmware(struct ih_prediction *p);

/* PCR 7 up to its separator. */
int ih_predict_variables(struct ih_prediction *p, const struct ih_secure_boot *keys);

/* PCR 7: the entry of db (EFI_SIGNATURE_DATA) that vouched for an image. */
int ih_predict_authority(struct ih_prediction *p, struct ih_bytes entry);

/* A boot, as far as it matters here. */
struct ih_boot {
	const char *loader_name, *image_name;
	const struct ih_pe *loader; /* NULL: firmware starts the image itself */
	const struct ih_pe *image;  /* unified */
	struct ih_secure_boot keys;
	struct ih_bytes options; /* what the loader hands over; empty: the image's own */
	const struct ih_companions *companions; /* may be NULL */
};

/**
 * ih_predict_boot() - all of PCR 4, 7, 9, 11, 12, 13
 *
 * Return: 0; -EKEYREJECTED when firmware would refuse an image, -EKEYREVOKED when because of dbx;
 * -EOPNOTSUPP when the image has
 * sections whose use depends on the machine (.profile, .dtbauto, …).
 */
int ih_predict_boot(struct ih_prediction *p, const struct ih_boot *boot, struct ih_diag *diag);

/* The registers after those events; only the complete ones are known. */
int ih_prediction_pcrs(const struct ih_prediction *p, struct ih_pcrs *ret);

void ih_prediction_done(struct ih_prediction *p);
