/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What one core can hash at most, in GB/s, for bench/verify to print beside what was reached: one
 * stream as OpenSSL hashes it, two interleaved ones, and copying into a buffer that stays in the
 * cache. Prints "openssl N two N copy N"; two is 0 where the processor has no SHA extensions.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>

#include "integrity/sha256_x2.h"

#define PIECE  (128 * 1024)
#define SOURCE (256 * 1024 * 1024)
#define BYTES  (1024L * 1024 * 1024)

static double now(void)
{
	struct timespec t = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double openssl_rate(const uint8_t *piece)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	double start = now();

	if (!ctx || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1)
		return 0;
	for (long at = 0; at < BYTES; at += PIECE)
		(void)EVP_DigestUpdate(ctx, piece, PIECE);
	EVP_MD_CTX_free(ctx);
	return (double)BYTES / (now() - start) / 1e9;
}

static double two_rate(const uint8_t *a, const uint8_t *b)
{
	struct ih_sha256_lane lane_a, lane_b;
	double start;

	if (!ih_sha256_x2_can())
		return 0;
	ih_sha256_lane_start(&lane_a);
	ih_sha256_lane_start(&lane_b);
	start = now();
	for (long at = 0; at < BYTES; at += 2L * PIECE)
		ih_sha256_x2_two(&lane_a, a, &lane_b, b, PIECE / IH_SHA256_BLOCK);
	return (double)BYTES / (now() - start) / 1e9;
}

static double copy_rate(uint8_t *piece, const uint8_t *source)
{
	double start = now();

	for (long at = 0; at < BYTES; at += PIECE) {
		memcpy(piece, source + at % SOURCE, PIECE);
		__asm__ volatile("" : : "r"(piece) : "memory");
	}
	return (double)BYTES / (now() - start) / 1e9;
}

int main(void)
{
	uint8_t *a = malloc(PIECE), *b = malloc(PIECE), *source = malloc(SOURCE);
	int status = 1;

	if (a && b && source) {
		memset(a, 1, PIECE);
		memset(b, 2, PIECE);
		memset(source, 3, SOURCE);
		printf("openssl %.2f two %.2f copy %.2f\n", openssl_rate(a), two_rate(a, b),
		       copy_rate(a, source));
		status = 0;
	}
	free(a);
	free(b);
	free(source);
	return status;
}
