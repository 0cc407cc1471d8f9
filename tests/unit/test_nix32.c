/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables for integrity/nix32.c; the pairs are `nix hash to-base32`'s. */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <criterion/criterion.h>

#include "integrity/nix32.h"

struct pair_row {
	char name[16], text[64];
	uint8_t bytes[32];
	size_t n;
};

static const struct pair_row pairs[] = {
	{ "one zero", "00", { 0 }, 1 },
	{ "one byte", "7z", { 0xff }, 1 },
	{ "two bytes", "1zzz", { 0xff, 0xff }, 2 },
	{ "order", "0801", { 0x01, 0x20 }, 2 },
	{ "empty sha256",
	  "0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73",
	  { 0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4,
	    0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b,
	    0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55 },
	  32 },
};

Test(nix32, pairs)
{
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		const struct pair_row *row = &pairs[i];
		uint8_t back[32];
		char text[64];

		ih_nix32_encode(row->bytes, row->n, text);
		cr_expect_str_eq(text, row->text, "%s: got %s", row->name, text);
		cr_assert_eq(ih_nix32_decode(text, strlen(text), back, row->n), 0, "%s", row->name);
		cr_expect_arr_eq(back, row->bytes, row->n, "%s", row->name);
	}
}

struct bad_row {
	char name[24], text[64];
	size_t n;
};

static const struct bad_row bad_rows[] = {
	{ "empty", "", 1 },
	{ "too short", "7", 1 },
	{ "too long", "007", 1 },
	{ "spilt bits", "8z", 1 },
	{ "all bits", "zz", 1 },
	{ "letter e", "0e", 1 },
	{ "letter o", "0o", 1 },
	{ "letter t", "0t", 1 },
	{ "letter u", "0u", 1 },
	{ "capital", "0A", 1 },
	{ "space", "0 ", 1 },
	{ "high bit", "0\xc3", 1 },
	{ "sha256 spilt", "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", 32 },
	{ "sha256 of hex", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495", 32 },
};

Test(nix32, refused)
{
	for (size_t i = 0; i < sizeof(bad_rows) / sizeof(bad_rows[0]); i++) {
		const struct bad_row *row = &bad_rows[i];
		uint8_t bytes[32], before[32];

		memset(bytes, 0x5a, sizeof(bytes));
		memcpy(before, bytes, sizeof(bytes));
		cr_expect_eq(ih_nix32_decode(row->text, strlen(row->text), bytes, row->n), -EINVAL,
			     "%s", row->name);
		cr_expect_arr_eq(bytes, before, sizeof(bytes), "%s: written on failure", row->name);
	}
	cr_expect_eq(ih_nix32_decode("", 0, NULL, 0), -EINVAL);
}

Test(nix32, every_length_there_and_back)
{
	uint8_t bytes[64], back[64];
	char text[IH_NIX32_LEN(64) + 1];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 167 + 13);
	for (size_t n = 1; n <= sizeof(bytes); n++) {
		ih_nix32_encode(bytes, n, text);
		cr_assert_eq(strlen(text), IH_NIX32_LEN(n));
		cr_assert_eq(ih_nix32_decode(text, strlen(text), back, n), 0, "%zu bytes", n);
		cr_assert_arr_eq(back, bytes, n, "%zu bytes", n);
	}
}
