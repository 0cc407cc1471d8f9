/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The two-stream SHA-256 kernel against OpenSSL: every length, alternating lengths, known vectors.
 */
#include "integrity/sha256_x2.h"

#include <string.h>

#include <criterion/criterion.h>
#include <openssl/evp.h>

#define DATA_SIZE 20000

static uint8_t data[2][DATA_SIZE];

static void fill(void)
{
	uint32_t x = 2463534242u;

	for (size_t s = 0; s < 2; s++)
		for (size_t i = 0; i < DATA_SIZE; i++) {
			x ^= x << 13;
			x ^= x >> 17;
			x ^= x << 5;
			data[s][i] = (uint8_t)(x >> 11);
		}
}

static void skip_without_sha_ni(void)
{
	if (!ih_sha256_x2_can())
		cr_skip_test("this processor has no SHA extensions");
	fill();
}

static void reference(const void *bytes, size_t len, uint8_t digest[IH_SHA256_SIZE])
{
	unsigned int n = 0;

	cr_assert(EVP_Digest(bytes, len, digest, &n, EVP_sha256(), NULL) == 1 && n == 32);
}

/* The last blocks of a stream: what was left over, and the padding. */
static size_t last_blocks(const uint8_t *bytes, size_t len, uint8_t *out)
{
	size_t rest = len % IH_SHA256_BLOCK;

	memcpy(out, bytes + (len - rest), rest);
	return (rest + ih_sha256_x2_pad(out + rest, rest, len)) / IH_SHA256_BLOCK;
}

static void one_stream(const uint8_t *bytes, size_t len, uint8_t digest[IH_SHA256_SIZE])
{
	uint8_t tail[IH_SHA256_BLOCK + IH_SHA256_PAD_MAX];
	struct ih_sha256_lane lane;
	size_t n = last_blocks(bytes, len, tail);

	ih_sha256_lane_start(&lane);
	ih_sha256_x2_one(&lane, bytes, len / IH_SHA256_BLOCK);
	ih_sha256_x2_one(&lane, tail, n);
	ih_sha256_lane_digest(&lane, digest);
}

/* Both streams, as many blocks together as both have, the rest alone. */
static void two_streams(size_t len_a, size_t len_b, uint8_t a[32], uint8_t b[32])
{
	uint8_t tail[2][IH_SHA256_BLOCK + IH_SHA256_PAD_MAX];
	size_t blocks[2] = { len_a / IH_SHA256_BLOCK, len_b / IH_SHA256_BLOCK };
	size_t both = blocks[0] < blocks[1] ? blocks[0] : blocks[1], n[2];
	struct ih_sha256_lane lane[2];

	n[0] = last_blocks(data[0], len_a, tail[0]);
	n[1] = last_blocks(data[1], len_b, tail[1]);
	ih_sha256_lane_start(&lane[0]);
	ih_sha256_lane_start(&lane[1]);
	ih_sha256_x2_two(&lane[0], data[0], &lane[1], data[1], both);
	for (int s = 0; s < 2; s++)
		ih_sha256_x2_one(&lane[s], data[s] + both * IH_SHA256_BLOCK, blocks[s] - both);
	if (n[0] == n[1]) {
		ih_sha256_x2_two(&lane[0], tail[0], &lane[1], tail[1], n[0]);
	} else {
		ih_sha256_x2_one(&lane[0], tail[0], n[0]);
		ih_sha256_x2_one(&lane[1], tail[1], n[1]);
	}
	ih_sha256_lane_digest(&lane[0], a);
	ih_sha256_lane_digest(&lane[1], b);
}

Test(sha256_x2, every_length_of_one_stream)
{
	uint8_t got[32], want[32];

	skip_without_sha_ni();
	for (size_t len = 0; len <= 1200; len++) {
		one_stream(data[0], len, got);
		reference(data[0], len, want);
		cr_assert(memcmp(got, want, 32) == 0, "length %zu", len);
	}
}

Test(sha256_x2, alternating_lengths_of_two_streams)
{
	uint8_t got[2][32], want[2][32];

	skip_without_sha_ni();
	for (size_t a = 0; a <= 260; a++)
		for (size_t b = 0; b <= 260; b += a % 3 + 1) {
			two_streams(a, b, got[0], got[1]);
			reference(data[0], a, want[0]);
			reference(data[1], b, want[1]);
			cr_assert(memcmp(got, want, 64) == 0, "lengths %zu and %zu", a, b);
		}
	two_streams(DATA_SIZE, DATA_SIZE - 77, got[0], got[1]);
	reference(data[0], DATA_SIZE, want[0]);
	reference(data[1], DATA_SIZE - 77, want[1]);
	cr_assert(memcmp(got, want, 64) == 0, "long streams");
}

/* FIPS 180-4's "abc", by its published digest. */
Test(sha256_x2, published_vector)
{
	static const uint8_t want[32] = {
		0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
		0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
		0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad,
	};
	uint8_t got[32];

	skip_without_sha_ni();
	one_stream((const uint8_t *)"abc", 3, got);
	cr_assert(memcmp(got, want, 32) == 0);
	one_stream((const uint8_t *)"abd", 3, got);
	cr_assert(memcmp(got, want, 32) != 0, "one bit more is another digest");
}

Test(sha256_x2, padding_of_streams_beyond_32_bits)
{
	uint8_t tail[IH_SHA256_PAD_MAX];
	size_t n = ih_sha256_x2_pad(tail, 55, (1ULL << 40) + 55);

	cr_assert_eq(n, 9);
	cr_assert_eq(tail[0], 0x80);
	cr_assert_eq(tail[1 + 2], 0x08, "2^40 bytes are 2^43 bits");
	cr_assert_eq(ih_sha256_x2_pad(tail, 56, 56), 72);
	cr_assert_eq(ih_sha256_x2_pad(tail, 0, 0), 64);
}
