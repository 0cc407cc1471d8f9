/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The two-stream SHA-256 kernel in SHA-NI intrinsics (Intel SDM, vol. 2, SHA256RNDS2, SHA256MSG1,
 * SHA256MSG2). Written so that both streams' rounds stand side by side: 2 x (2 state + 4 message)
 * registers, one for the round constants and one to spare make 14 of 16.
 */
#include "integrity/sha256_x2.h"

#include <string.h>

static const uint32_t start_value[8] = {
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

void ih_sha256_lane_start(struct ih_sha256_lane *lane)
{
	memcpy(lane->state, start_value, sizeof(start_value));
}

void ih_sha256_lane_digest(const struct ih_sha256_lane *lane, uint8_t digest[IH_SHA256_SIZE])
{
	for (int i = 0; i < 8; i++) {
		uint32_t word = __builtin_bswap32(lane->state[i]);

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		word = lane->state[i];
#endif
		memcpy(digest + 4 * i, &word, sizeof(word));
	}
}

size_t ih_sha256_x2_pad(uint8_t *tail, size_t fill, uint64_t total)
{
	size_t zeros = (fill < 56 ? 55 : 119) - fill;
	uint64_t bits = total << 3;

	tail[0] = 0x80;
	memset(tail + 1, 0, zeros);
	for (int i = 0; i < 8; i++)
		tail[1 + zeros + (size_t)i] = (uint8_t)(bits >> (56 - 8 * i));
	return 1 + zeros + 8;
}

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

#define TARGET __attribute__((target("sha,sse4.1,ssse3")))

static const uint32_t constants[64] __attribute__((aligned(64))) = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

static bool probe(void)
{
	unsigned int a, b, c, d;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSSE3) || !(c & bit_SSE4_1))
		return false;
	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA);
}

bool ih_sha256_x2_can(void)
{
	static int known; /* 0: not asked yet; a race asks twice and stores the same */

	if (!__atomic_load_n(&known, __ATOMIC_RELAXED))
		__atomic_store_n(&known, probe() ? 1 : -1, __ATOMIC_RELAXED);
	return __atomic_load_n(&known, __ATOMIC_RELAXED) > 0;
}

/* The instructions want the state as ABEF and CDGH. */
TARGET static inline void load_state(const uint32_t *state, __m128i *abef, __m128i *cdgh)
{
	__m128i abcd =
		_mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)state), 0xb1);
	__m128i efgh = _mm_shuffle_epi32(
		_mm_loadu_si128((const __m128i *)(const void *)(state + 4)), 0x1b);

	*abef = _mm_alignr_epi8(abcd, efgh, 8);
	*cdgh = _mm_blend_epi16(efgh, abcd, 0xf0);
}

TARGET static inline void store_state(uint32_t *state, __m128i abef, __m128i cdgh)
{
	__m128i feba = _mm_shuffle_epi32(abef, 0x1b);
	__m128i dchg = _mm_shuffle_epi32(cdgh, 0xb1);

	_mm_storeu_si128((__m128i *)(void *)state, _mm_blend_epi16(feba, dchg, 0xf0));
	_mm_storeu_si128((__m128i *)(void *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

#define SWAP _mm_set_epi64x(0x0c0d0e0f08090a0bULL, 0x0405060700010203ULL)
#define LOAD(p, i) \
	_mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)((p) + 16 * (i))), SWAP)
#define FOUR(w, p) \
	((w)[0] = LOAD(p, 0), (w)[1] = LOAD(p, 1), (w)[2] = LOAD(p, 2), (w)[3] = LOAD(p, 3))
#define K(g) _mm_load_si128((const __m128i *)(const void *)(constants + 4 * (g)))

/*
 * Four rounds, number g of sixteen. w is the schedule's ring of four; what g's rounds consume is
 * w[g % 4]. From g = 3 on the next four words are finished, from g = 1 on begun. All the
 * conditions are constants.
 */
#define ROUNDS(g, s0, s1, w)                                                                   \
	do {                                                                                   \
		__m128i k_ = _mm_add_epi32((w)[(g) % 4], K(g));                                \
                                                                                               \
		(s1) = _mm_sha256rnds2_epu32((s1), (s0), k_);                                  \
		if ((g) >= 3 && (g) < 15)                                                      \
			(w)[((g) + 1) % 4] = _mm_sha256msg2_epu32(                             \
				_mm_add_epi32(                                                 \
					(w)[((g) + 1) % 4],                                    \
					_mm_alignr_epi8((w)[(g) % 4], (w)[((g) + 3) % 4], 4)), \
				(w)[(g) % 4]);                                                 \
		(s0) = _mm_sha256rnds2_epu32((s0), (s1), _mm_shuffle_epi32(k_, 0x0e));         \
		if ((g) >= 1 && (g) <= 12)                                                     \
			(w)[((g) + 3) % 4] =                                                   \
				_mm_sha256msg1_epu32((w)[((g) + 3) % 4], (w)[(g) % 4]);        \
	} while (0)

#define SIXTEEN(step)     \
	do {              \
		step(0);  \
		step(1);  \
		step(2);  \
		step(3);  \
		step(4);  \
		step(5);  \
		step(6);  \
		step(7);  \
		step(8);  \
		step(9);  \
		step(10); \
		step(11); \
		step(12); \
		step(13); \
		step(14); \
		step(15); \
	} while (0)

TARGET void ih_sha256_x2_one(struct ih_sha256_lane *lane, const uint8_t *data, size_t blocks)
{
	__m128i s0, s1, w[4];

	load_state(lane->state, &s0, &s1);
	for (; blocks; blocks--, data += IH_SHA256_BLOCK) {
		const __m128i was0 = s0, was1 = s1;

		FOUR(w, data);
#define STEP(g) ROUNDS(g, s0, s1, w)
		SIXTEEN(STEP);
#undef STEP
		s0 = _mm_add_epi32(s0, was0);
		s1 = _mm_add_epi32(s1, was1);
	}
	store_state(lane->state, s0, s1);
}

TARGET void ih_sha256_x2_two(struct ih_sha256_lane *a, const uint8_t *data_a,
			     struct ih_sha256_lane *b, const uint8_t *data_b, size_t blocks)
{
	__m128i a0, a1, b0, b1, wa[4], wb[4];

	load_state(a->state, &a0, &a1);
	load_state(b->state, &b0, &b1);
	for (; blocks; blocks--, data_a += IH_SHA256_BLOCK, data_b += IH_SHA256_BLOCK) {
		const __m128i was_a0 = a0, was_a1 = a1, was_b0 = b0, was_b1 = b1;

		FOUR(wa, data_a);
		FOUR(wb, data_b);
#define STEP(g)                \
	ROUNDS(g, a0, a1, wa); \
	ROUNDS(g, b0, b1, wb)
		SIXTEEN(STEP);
#undef STEP
		a0 = _mm_add_epi32(a0, was_a0);
		a1 = _mm_add_epi32(a1, was_a1);
		b0 = _mm_add_epi32(b0, was_b0);
		b1 = _mm_add_epi32(b1, was_b1);
	}
	store_state(a->state, a0, a1);
	store_state(b->state, b0, b1);
}

#else /* no SHA-NI: ih_sha256_x2_can() says no, and nobody comes here */

bool ih_sha256_x2_can(void)
{
	return false;
}

void ih_sha256_x2_one(struct ih_sha256_lane *lane, const uint8_t *data, size_t blocks)
{
	(void)data;
	(void)blocks;
	memset(lane, 0, sizeof(*lane)); /* a digest that matches nothing */
}

void ih_sha256_x2_two(struct ih_sha256_lane *a, const uint8_t *data_a, struct ih_sha256_lane *b,
		      const uint8_t *data_b, size_t blocks)
{
	ih_sha256_x2_one(a, data_a, blocks);
	ih_sha256_x2_one(b, data_b, blocks);
}

#endif
