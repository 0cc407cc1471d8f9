/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PE images that are ropes: the headers are in memory, the rest is where it is and goes by once.
 * For images that are being made, so whatever is not laid out without gaps is refused.
 */
#pragma once

#include "bootchain/pe.h"
#include "bootchain/rope.h"

/**
 * ih_pe_rope_parse() - look at the headers of an image
 * @rope: its first piece is the rope's own and holds all headers
 *
 * Return: 0, -EBADMSG also for bytes that no signature would cover, -EFBIG.
 */
int ih_pe_rope_parse(const char *name, const struct ih_rope *rope, struct ih_pe *ret,
		     struct ih_diag *diag);

/* What one reading of an image gives. */
struct ih_pe_sums {
	uint8_t digest[IH_PE_DIGEST]; /* as ih_pe_digest() */
	uint64_t sum;		      /* for the checksum, all bytes but the headers */
};

int ih_pe_rope_sums(const struct ih_rope *rope, const struct ih_pe *pe, struct ih_pe_sums *ret,
		    struct ih_diag *diag);

/**
 * ih_pe_rope_finish() - put the checksum into the headers
 * @sum: of the bytes behind the headers
 */
void ih_pe_rope_finish(struct ih_rope *rope, const struct ih_pe *pe, uint64_t sum);

/* What bytes add to a checksum when they lie at @offset. */
uint64_t ih_pe_rope_sum(const uint8_t *data, size_t len, uint64_t offset);
