/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SHA-256 (FIPS 180-4) of two independent streams at a time on one core. One stream is bound by
 * the latency of the sha256rnds2 instruction; two interleaved ones fill its gaps, which about
 * doubles the rate. Needs the x86 SHA extensions; callers ask ih_sha256_x2_can() and hash by
 * integrity/hash.h where they are missing (aarch64 included).
 *
 * It works on whole blocks only: buffering and padding are the caller's, who has the stream in a
 * buffer anyway. ih_sha256_x2_pad() writes the padding.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IH_SHA256_BLOCK	  64
#define IH_SHA256_SIZE	  32
#define IH_SHA256_PAD_MAX 128 /* bytes that ih_sha256_x2_pad() may write: two blocks */

/* The chaining value of one stream. */
struct ih_sha256_lane {
	uint32_t state[8];
};

/* Whether this processor can: asked once, at run time. */
bool ih_sha256_x2_can(void);

void ih_sha256_lane_start(struct ih_sha256_lane *lane);

/* Add @blocks whole blocks to one stream. Only where ih_sha256_x2_can(). */
void ih_sha256_x2_one(struct ih_sha256_lane *lane, const uint8_t *data, size_t blocks);

/* Add @blocks whole blocks to each of two streams. Only where ih_sha256_x2_can(). */
void ih_sha256_x2_two(struct ih_sha256_lane *a, const uint8_t *data_a, struct ih_sha256_lane *b,
		      const uint8_t *data_b, size_t blocks);

/**
 * ih_sha256_x2_pad() - write the padding that ends a stream
 * @tail: where the stream's bytes end; room for IH_SHA256_PAD_MAX bytes
 * @fill: bytes of the last, incomplete block that lie before @tail (0 to 63)
 * @total: bytes of the whole stream
 *
 * Return: bytes written; @fill and they make whole blocks.
 */
size_t ih_sha256_x2_pad(uint8_t *tail, size_t fill, uint64_t total);

/* The digest, after the padding was added. */
void ih_sha256_lane_digest(const struct ih_sha256_lane *lane, uint8_t digest[IH_SHA256_SIZE]);
