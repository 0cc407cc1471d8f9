/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Nix's base 32; knows nothing about hashes or store paths. */
#include "integrity/nix32.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

static const char digits[] = "0123456789abcdfghijklmnpqrsvwxyz";

static int digit_value(char c)
{
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

bool ih_nix32_is_digit(char c)
{
	return digit_value(c) >= 0;
}

void ih_nix32_encode(const void *bytes, size_t n, char *ret)
{
	const uint8_t *b = bytes;
	size_t len = IH_NIX32_LEN(n);

	for (size_t k = 0; k < len; k++) {
		size_t i = k * 5 / 8, shift = k * 5 % 8;
		unsigned int c = (unsigned int)b[i] >> shift;

		if (i + 1 < n)
			c |= (unsigned int)b[i + 1] << (8 - shift);
		ret[len - 1 - k] = digits[c & 31];
	}
	ret[len] = '\0';
}

/* Without @ret only checks, so that the caller's bytes stay as they are on failure. */
static int decode(const char *text, size_t len, uint8_t *ret, size_t n)
{
	for (size_t k = 0; k < len; k++) {
		size_t i = k * 5 / 8, shift = k * 5 % 8;
		int v = digit_value(text[len - 1 - k]);
		unsigned int bits = (unsigned int)v << shift;

		if (v < 0 || (i + 1 >= n && bits >> 8))
			return -EINVAL;
		if (!ret)
			continue;
		ret[i] |= (uint8_t)bits;
		if (i + 1 < n)
			ret[i + 1] |= (uint8_t)(bits >> 8);
	}
	return 0;
}

int ih_nix32_decode(const char *text, size_t len, void *ret, size_t n)
{
	if (!n || len != IH_NIX32_LEN(n) || decode(text, len, NULL, n) < 0)
		return -EINVAL;

	memset(ret, 0, n);
	return decode(text, len, ret, n);
}
